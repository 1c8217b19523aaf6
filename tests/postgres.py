"""Runs a command with DATABASE_URL naming a throw-away PostgreSQL server.

``python -m tests.postgres COMMAND…`` ends with the command's exit status. Without the
server's programs on this machine it says so and runs nothing, which is a failure in CI.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from ocpplab.supervisor import die_with
from tests.portal import free_port

START_SECONDS = 30.0


def find_programs() -> Path | None:
    """The directory of initdb and postgres: the newest of Debian's, or on PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version)
    if found := shutil.which("initdb"):
        places.insert(0, Path(found).resolve().parent)
    usable = [
        p for p in places if (p / "initdb").exists() and (p / "postgres").exists()
    ]
    return usable[-1] if usable else None


def _version(path: Path) -> float:
    with contextlib.suppress(ValueError):
        return float(path.parent.name)
    return 0.0


@contextlib.contextmanager
def running_server(programs: Path) -> Iterator[str]:
    """A server with an empty cluster of its own; gives its DATABASE_URL."""
    # PostgreSQL refuses to run as root.
    owner: dict[str, Any] = {}
    if os.geteuid() == 0:
        owner = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    directory = Path(tempfile.mkdtemp(prefix="ocpplab-postgres-"))
    try:
        if owner:
            shutil.chown(directory, owner["user"], owner["group"])
        data = directory / "data"
        subprocess.run(
            [
                *(programs / "initdb", "-D", data, "-U", "ocpplab", "-A", "trust"),
                *("--encoding=UTF8", "--no-locale", "--no-sync"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=directory,
            **owner,
        )
        port = free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(directory),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        with open(directory / "log", "wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data]
                + [f"--{name}={value}" for name, value in options.items()],
                stdout=log,
                stderr=log,
                cwd=directory,
                preexec_fn=die_with(os.getpid()),
                **owner,
            )
        try:
            _wait_until_it_answers(server, directory, port)
            yield f"postgres://ocpplab@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # "fast": does not wait for clients
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _wait_until_it_answers(
    server: "subprocess.Popen[bytes]", directory: Path, port: int
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(
                host="127.0.0.1", port=port, user="ocpplab", dbname="postgres"
            ).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                log = (directory / "log").read_text()
                raise RuntimeError(f"PostgreSQL does not start:\n{log}") from None
            time.sleep(0.05)
        else:
            return


def main(command: list[str]) -> int:
    programs = find_programs()
    if programs is None:
        print(  # noqa: T201
            "PostgreSQL is not installed (no initdb in /usr/lib/postgresql or PATH): "
            "the tests were NOT run on it."
        )
        return 1 if os.environ.get("CI") == "true" else 0
    with running_server(programs) as url:
        print(f"on PostgreSQL ({programs}):", flush=True)  # noqa: T201
        return subprocess.run(
            command, env={**os.environ, "DATABASE_URL": url}
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
