"""The whole portal as ``make run`` starts it: start, restart, faults, stop."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.portal import PROGRAMS, ROOT, Portal, wait_until

pytestmark = pytest.mark.portal


@pytest.fixture
def make_portal(tmp_path: Path) -> Iterator[Callable[..., Portal]]:
    """Makes portals on a fresh data directory; those still running are stopped."""
    made: list[Portal] = []

    def make(**environment: str) -> Portal:
        portal = Portal(tmp_path / "data", **environment)
        made.append(portal)
        return portal

    yield make
    for portal in made:
        if portal.process is not None and portal.process.poll() is None:
            portal.stop()


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def is_ready(portal: Portal) -> bool:
    try:
        return status_of(f"{portal.base_url}/health/ready") == 200
    except OSError:
        return False


def fail_to_start(portal: Portal) -> str:
    """The one line on standard error of a portal that cannot start."""
    run = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "portal"],
        env=portal.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode != 0
    assert "Traceback" not in run.stdout + run.stderr
    lines = run.stderr.strip().splitlines()
    assert len(lines) == 1, run.stderr
    wait_until(lambda: not portal.children(), 10, "no process is left")
    return lines[0]


def test_it_shows_how_to_use_it_and_all_roles_answer(portal: Portal):
    for shown in (
        f"{portal.base_url}/admin/",
        portal.admin_password,
        portal.token,
        f"{portal.ws_url}/<organization>/<identity>",
    ):
        assert any(line.endswith(shown) for line in portal.lines), shown
    with urllib.request.urlopen(f"{portal.base_url}/health/ready") as response:
        body = json.load(response)
    assert set(body.values()) == {"ok"}
    request = urllib.request.Request(
        f"{portal.base_url}/ocpp/catalog/brands",
        headers={"Authorization": f"Bearer {portal.token}"},
    )
    with urllib.request.urlopen(request) as response:
        assert json.load(response)["total"] >= 14


def test_the_demo_chargers_are_online_when_it_says_ready(portal: Portal):
    online = portal.manage(
        "shell",
        "-v0",
        "-c",
        "from chargers.models import Charger;"
        "print(Charger.objects.filter(organization__slug='demo',is_online=True).count())",
    )
    assert online.strip() == "4"


def test_a_second_start_finds_everything_and_adds_nothing(make_portal):
    portal = make_portal()
    counts = (
        "from chargers.models import *; from ocpplab.models import *;"
        "print(*[model.objects.count() for model in (Organization, User, ApiToken,"
        "Location, Charger, Connector, IdTag, Brand, ChargerModel)])"
    )

    def start_and_count() -> tuple[str, dict[str, str]]:
        portal.start().wait_until_ready()
        counted = portal.manage("shell", "-v0", "-c", counts)
        credentials = portal.credentials
        assert portal.stop() == 0
        assert portal.token in portal.output
        assert portal.admin_password in portal.output
        return counted, credentials

    assert start_and_count() == start_and_count()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_all_processes_cleanly(make_portal, number):
    portal = make_portal().start("--workers", "2").wait_until_ready()
    for role in PROGRAMS:
        assert len(portal.children(role)) == (2 if role == "worker" else 1), role
    assert portal.stop(number) == 0
    assert portal.children() == []
    assert "Traceback" not in portal.output


def test_an_interrupt_during_the_start_stops_what_was_started(make_portal):
    portal = make_portal().start()
    wait_until(lambda: bool(portal.children("redis")), 30, "redis started")
    assert portal.stop() == 0
    assert portal.children() == []
    assert "Traceback" not in portal.output


@pytest.mark.parametrize("role", list(PROGRAMS))
def test_a_killed_process_is_started_again(make_portal, role):
    portal = make_portal().start().wait_until_ready()
    before = portal.children(role)
    portal.kill(role)
    portal.wait_for_line(rf"^\[portal\] {role} ended \(SIGKILL\)")
    wait_until(
        lambda: bool(set(portal.children(role)) - set(before)), 30, f"a new {role}"
    )
    wait_until(lambda: is_ready(portal), 30, "ready again")


def test_its_processes_end_with_a_killed_supervisor(make_portal):
    portal = make_portal().start().wait_until_ready()
    assert portal.process is not None
    portal.stop(signal.SIGKILL)
    wait_until(lambda: not portal.children(), 10, "no process is left")
    portal.start().wait_until_ready()  # what was left on disk is no obstacle


def test_a_port_in_use_is_one_clear_line(make_portal):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = fail_to_start(make_portal(PORT=str(port)))
    assert f"127.0.0.1:{port}: Address already in use" in line


def test_a_second_portal_on_the_same_data_is_one_clear_line(make_portal):
    make_portal().start().wait_for_line("OCPPLAB Portal")
    assert "Another portal runs" in fail_to_start(make_portal())


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none", "database"),
        ("DATABASE_URL", "sqlite:////nowhere/at/all.sqlite3", "database"),
        ("DATABASE_URL", "oracle://127.0.0.1/none", "DATABASE_URL"),
        ("DATABASE_URL", "nonsense", "DATABASE_URL"),
        ("REDIS_URL", "redis://127.0.0.1:1/0", "Redis"),
        ("REDIS_URL", "nonsense", "REDIS_URL"),
        ("PORT", "70000", "no such port"),
        ("HOST", "192.0.2.1", "Cannot listen"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(make_portal, variable, value, message):
    assert message in fail_to_start(make_portal(**{variable: value}))


def test_a_database_file_that_is_none_is_one_clear_line(make_portal, tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear database, " * 100)
    assert "database" in fail_to_start(make_portal(DATABASE_URL=f"sqlite:///{path}"))


def test_without_demo_there_is_a_superuser_and_nothing_else(make_portal):
    portal = make_portal(OCPPLAB_DEMO="0").start().wait_until_ready()
    assert set(portal.credentials) == {"admin_password"}
    assert portal.manage("organization", "acme") == "acme\n"
    assert portal.manage("token", "acme").startswith("ocpplab_")


def test_a_data_directory_with_a_long_path_works(make_portal, tmp_path):
    long = tmp_path / ("long-" * 20) / "data"
    portal = make_portal(OCPPLAB_DATA_DIR=str(long), OCPPLAB_DEMO="0")
    portal.start().wait_until_ready()
    assert not (long / "redis.sock").exists()
    assert os.path.exists(long / "redis")
