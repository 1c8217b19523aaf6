"""Runs the processes of the portal: starts, watches, restarts and stops them.

One thread and one loop: what a child prints is passed on with its name before it, and
a child that ends by itself is started again.
"""

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import TextIO

STOP_SECONDS = 10.0  # grace before SIGKILL
FIRST_DELAY = 0.5  # before a restart; doubles while the child keeps dying young
LONGEST_DELAY = 15.0
YOUNG_SECONDS = 20.0
TICK_SECONDS = 0.2
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with(parent: int) -> Callable[[], None]:
    """What a child runs before its program: it is killed when ``parent`` ends.

    Linux only; elsewhere a child outlives a supervisor that was killed with SIGKILL.
    """

    def before_exec() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

    return before_exec


@dataclass
class Child:
    """One supervised process, through all its restarts."""

    role: str
    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    delay: float = FIRST_DELAY
    unfinished_line: bytes = field(default=b"", repr=False)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Children stop in the reverse order of their roles' first start."""

    def __init__(self, output: TextIO) -> None:
        self.output = output
        self.environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._is_starting_child = False
        self._is_stopping = False
        self._signals = 0
        self.interrupted_by = ""

    # --- Signals ----------------------------------------------------------------------

    def handle_signals(self) -> None:
        """The first SIGINT, SIGTERM or SIGHUP ends what runs with KeyboardInterrupt."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        self.interrupted_by = signal.Signals(number).name
        if self._signals == 1 and not self._is_starting_child:
            raise KeyboardInterrupt

    # --- Children ---------------------------------------------------------------------

    def start(self, role: str, command: list[str]) -> Child:
        number = 1 + sum(child.role == role for child in self.children)
        name = role if number == 1 else f"{role}{number}"
        child = Child(role, name, command)
        self.children.append(child)
        self._start(child)
        return child

    def _start(self, child: Child) -> None:
        # An interrupt between the fork and the note of it would lose the child.
        self._is_starting_child = True
        try:
            child.process = subprocess.Popen(
                child.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone
                preexec_fn=die_with(os.getpid()),
            )
            child.started_at = time.monotonic()
            assert child.process.stdout is not None
            os.set_blocking(child.process.stdout.fileno(), False)
            self._selector.register(child.process.stdout, selectors.EVENT_READ, child)
        finally:
            self._is_starting_child = False
        if self._signals:
            raise KeyboardInterrupt

    def step(self, seconds: float = TICK_SECONDS) -> None:
        """Pass on what children print, for so long; restart those that ended."""
        deadline = time.monotonic() + seconds
        while True:
            self._pass_output(max(0.0, deadline - time.monotonic()))
            if not self._is_stopping:
                self._restart_ended()
            if time.monotonic() >= deadline:
                return

    def wait_for(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Run until the condition holds or the time is over."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() >= deadline:
                return False
            self.step()
        return True

    def run(self) -> None:
        """Run until a signal comes."""
        while True:
            self.step(1.0)

    def stop(self) -> None:
        """Stop all children, the last started role first; a second signal hurries."""
        self._is_stopping = True
        signals = self._signals
        for role in reversed(dict.fromkeys(child.role for child in self.children)):
            running = [c for c in self.children if c.role == role and c.is_running]
            for child in running:
                self._signal(child, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while any(child.is_running for child in running):
                if time.monotonic() >= deadline or self._signals > signals:
                    break
                self.step(0.05)
            for child in self.children:
                # Also what an ended child may have left in its process group.
                if child.role == role and child.process is not None:
                    self._signal(child, signal.SIGKILL)
                    child.process.wait()
        self._pass_output(0)
        for child in self.children:
            self._close_output(child)
        self._selector.close()

    def _restart_ended(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                if now - child.started_at >= YOUNG_SECONDS:
                    child.delay = FIRST_DELAY
                self._close_output(child)
                self.say(
                    f"{child.name} ended ({_reason(child.process.returncode)}), "
                    f"starts again in {child.delay:g} s"
                )
                child.process = None
                child.restart_at = now + child.delay
                child.delay = min(2 * child.delay, LONGEST_DELAY)
            elif child.process is None and now >= child.restart_at:
                self._start(child)

    def _signal(self, child: Child, number: signal.Signals) -> None:
        assert child.process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, number)

    # --- Output -----------------------------------------------------------------------

    def say(self, line: str) -> None:
        """Print a line of the supervisor's own."""
        self.print(f"[portal] {line}")

    def print(self, line: str) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(line, file=self.output, flush=True)

    def _pass_output(self, seconds: float) -> None:
        if not self._selector.get_map():
            time.sleep(min(seconds, TICK_SECONDS))
            return
        for key, _ in self._selector.select(min(seconds, TICK_SECONDS)):
            self._read_output(key.data)

    def _read_output(self, child: Child) -> bool:
        """Print whole lines that came from a child; False at the end of its output."""
        assert child.process is not None
        assert child.process.stdout is not None
        try:
            data = os.read(child.process.stdout.fileno(), 65536)
        except BlockingIOError:
            return False
        if not data:
            self._close_output(child)
            return False
        *lines, child.unfinished_line = (child.unfinished_line + data).split(b"\n")
        for line in lines:
            self._print_of(child, line)
        return True

    def _close_output(self, child: Child) -> None:
        if child.process is None or child.process.stdout is None:
            return
        if child.process.stdout.closed:
            return
        with contextlib.suppress(KeyError):
            self._selector.unregister(child.process.stdout)
            while self._read_output(child):
                pass
        child.process.stdout.close()
        if child.unfinished_line:
            self._print_of(child, child.unfinished_line)
            child.unfinished_line = b""

    def _print_of(self, child: Child, line: bytes) -> None:
        self.print(f"[{child.name}] {line.decode(errors='replace')}")


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"
