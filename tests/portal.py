"""The real whole portal for tests: ``manage.py portal`` in a process of its own."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90.0
STOP_SECONDS = 60.0
CLEARED = ("DATABASE_URL", "REDIS_URL", "OCPPLAB_DEMO", "PORT", "HOST")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition; after so long the test fails, saying what did not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)


class Portal:
    """A running portal, with what a test needs to use it."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = int(environment.setdefault("PORT", str(free_port())))
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}/ocpp"
        inherited = {k: v for k, v in os.environ.items() if k not in CLEARED}
        # Its processes inherit this mark, by which ``children`` finds them.
        self.mark = secrets.token_hex(8)
        self.environment = {
            **inherited,
            "OCPPLAB_DATA_DIR": str(data_dir),
            "OCPPLAB_TEST_MARK": self.mark,
            **environment,
        }
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    # --- Start and stop ---------------------------------------------------------------

    def start(self, *arguments: str) -> "Portal":
        """Start it; ``wait_until_ready`` waits for it."""
        self.lines = []
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "portal", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def wait_until_ready(self) -> "Portal":
        self.wait_for_line(r"^ready$")
        return self

    def wait_for_line(self, pattern: str, seconds: float = START_SECONDS) -> str:
        """The first line that matches, already printed or still to come."""
        deadline = time.monotonic() + seconds
        while True:
            for line in list(self.lines):
                if re.search(pattern, line):
                    return line
            ended = self.process is None or self.process.poll() is not None
            assert not ended, f"the portal ended:\n{self.output}"
            assert time.monotonic() < deadline, f"no line {pattern}:\n{self.output}"
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Interrupt it as Ctrl-C does, and wait for its end; its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(STOP_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()
        assert self._reader is not None
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def _read(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    # --- Use --------------------------------------------------------------------------

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    @property
    def credentials(self) -> dict[str, str]:
        text = (self.data_dir / "credentials").read_text()
        return dict(line.split("=", 1) for line in text.splitlines())

    @property
    def token(self) -> str:
        """The API token of the demo organization."""
        return self.credentials["api_token"]

    @property
    def admin_user(self) -> str:
        return "admin"

    @property
    def admin_password(self) -> str:
        return self.credentials["admin_password"]

    def manage(self, *arguments: str, check: bool = True) -> str:
        """The output of a management command run against this portal."""
        run = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert run.returncode == 0 or not check, run.stdout + run.stderr
        return run.stdout

    def children(self, role: str = "") -> list[int]:
        """The ids of its processes, all or those of a role (Linux)."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                environ = (path / "environ").read_bytes()
                command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if self.mark.encode() not in environ or not command:
                continue
            pid = int(path.name)
            if self.process is not None and pid == self.process.pid:
                continue
            if PROGRAMS.get(role, "") in command:
                found.append(pid)
        return found

    def kill(self, role: str) -> None:
        """Kill all processes of a role (redis, web, worker, fleet) with SIGKILL."""
        pids = self.children(role)
        assert pids, f"no {role} runs"
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


PROGRAMS = {
    "redis": "valkey-server",
    "web": "manage.py web",
    "worker": "rqworker",
    "fleet": "runfleet",
}


@pytest.fixture(scope="session")
def portal() -> Iterator[Portal]:
    """A portal with the demo, running for the whole session of tests."""
    with tempfile.TemporaryDirectory(prefix="ocpplab-portal-") as directory:
        portal = Portal(Path(directory))
        portal.start()
        try:
            yield portal.wait_until_ready()
        finally:
            portal.stop()
