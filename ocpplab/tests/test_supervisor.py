"""The supervisor of the portal's processes, with small programs as children."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocpplab import supervisor as module
from ocpplab.supervisor import Child, Supervisor, die_with
from tests.portal import wait_until

SLEEPER = "import time; print('awake'); time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('awake'); time.sleep(60)"
)


@pytest.fixture
def supervisor(monkeypatch) -> Iterator[Supervisor]:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.05)
    supervisor = Supervisor(io.StringIO())
    yield supervisor
    if not supervisor._is_stopping:
        supervisor.stop()


def start(supervisor: Supervisor, role: str, program: str = SLEEPER) -> Child:
    child = supervisor.start(role, [sys.executable, "-c", program])
    child.delay = 0.05
    return child


def shown(supervisor: Supervisor) -> str:
    assert isinstance(supervisor.output, io.StringIO)
    return supervisor.output.getvalue()


def sees(supervisor: Supervisor, text: str) -> bool:
    return supervisor.wait_for(lambda: text in shown(supervisor), 20)


def pid_of(child: Child) -> int:
    assert child.process is not None
    return child.process.pid


def test_what_children_print_carries_their_name(supervisor):
    start(supervisor, "web")
    start(supervisor, "worker")
    start(supervisor, "worker", SLEEPER.replace("awake", "no newline', end='"))
    for line in ("[web] awake\n", "[worker] awake\n"):
        assert sees(supervisor, line)
    supervisor.wait_for(lambda: bool(supervisor.children[2].unfinished_line), 20)
    supervisor.stop()
    assert "[worker2] no newline\n" in shown(supervisor)


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGKILL, "SIGKILL"), (signal.SIGTERM, "SIGTERM")]
)
def test_a_child_that_is_killed_starts_again(supervisor, number, reason):
    child = start(supervisor, "web")
    assert sees(supervisor, "awake")
    first = pid_of(child)
    os.kill(first, number)
    assert sees(supervisor, f"[portal] web ended ({reason}), starts again")
    assert supervisor.wait_for(lambda: shown(supervisor).count("awake") == 2, 20)
    assert pid_of(child) != first


def test_a_child_that_keeps_failing_waits_longer_each_time(supervisor):
    child = start(supervisor, "web", "import sys; sys.exit(3)")
    assert sees(supervisor, "web ended (exit status 3), starts again in 0.05 s")
    assert sees(supervisor, "starts again in 0.1 s")
    assert sees(supervisor, "starts again in 0.2 s")
    assert child.delay > 0.2


def test_a_child_that_lived_long_is_forgiven(supervisor, monkeypatch):
    monkeypatch.setattr(module, "YOUNG_SECONDS", 0.0)
    child = start(supervisor, "web", "pass")
    child.delay = 10
    assert sees(supervisor, "starts again in 0.05 s")


def test_roles_stop_in_the_reverse_order_of_their_start(supervisor):
    report = (
        "import signal, sys, time;"
        "signal.signal(signal.SIGTERM, lambda *_: (print('bye'), sys.exit()));"
        "print('awake'); time.sleep(60)"
    )
    for role in ("redis", "web", "fleet"):
        start(supervisor, role, report)
    assert supervisor.wait_for(lambda: shown(supervisor).count("awake") == 3, 20)
    supervisor.stop()
    goodbyes = [line for line in shown(supervisor).splitlines() if "bye" in line]
    assert goodbyes == ["[fleet] bye", "[web] bye", "[redis] bye"]
    assert not any(child.is_running for child in supervisor.children)


def test_a_child_that_does_not_stop_in_time_is_killed(supervisor, monkeypatch):
    monkeypatch.setattr(module, "STOP_SECONDS", 0.2)
    child = start(supervisor, "web", STUBBORN)
    assert sees(supervisor, "awake")
    supervisor.stop()
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL


def test_the_first_signal_interrupts_and_a_second_one_hurries(supervisor):
    handlers = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        supervisor.handle_signals()
        start(supervisor, "web", STUBBORN)
        assert sees(supervisor, "awake")
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert supervisor.interrupted_by == "SIGTERM"
        signal.raise_signal(signal.SIGINT)  # raises nothing: it is stopping already
        supervisor._signals = 1
        hurry = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import os, time; time.sleep(0.5); os.kill(os.getppid(), 15)",
            ]
        )
        supervisor.stop()
        assert hurry.wait(10) == 0
        assert not supervisor.children[0].is_running
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_waiting_for_what_does_not_come_ends(supervisor):
    assert not supervisor.wait_for(lambda: False, 0.3)


def test_a_terminal_that_went_away_does_not_end_it():
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    supervisor = Supervisor(Gone())
    supervisor.say("anything")
    supervisor.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_child_dies_with_its_parent(tmp_path):
    program = """
import os, subprocess, sys
from ocpplab.supervisor import die_with
child = subprocess.Popen(["sleep", "60"], preexec_fn=die_with(os.getpid()))
print(child.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    pid = int(run.stdout)

    def is_gone() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
        except FileNotFoundError:
            return True

    wait_until(is_gone, 10, "the child ends")


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_child_whose_parent_is_gone_already_does_not_start():
    run = subprocess.run(["true"], preexec_fn=die_with(1))
    assert run.returncode == 1
