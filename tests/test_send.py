"""``manage.py send`` in the running portal: scripts learn how their commands ended."""

import json
import subprocess
import sys

import pytest

from tests.portal import ROOT, Portal, wait_until

pytestmark = pytest.mark.portal


@pytest.fixture(scope="module")
def identity(portal: Portal) -> str:
    """The identity of a new virtual charger that can be sent commands."""
    portal.manage("addcharger", "SEND-1", "--organization", "demo")
    wait_until(
        lambda: send(portal, "cache/reset", "--charger-id", "SEND-1")[0] == 0,
        30,
        "the charger takes commands",
    )
    return "SEND-1"


def send(portal: Portal, *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of ``manage.py send``."""
    run = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "send", *arguments],
        env=portal.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return run.returncode, run.stdout, run.stderr


def test_a_session_from_start_to_stop(portal: Portal, identity: str) -> None:
    target = ("--charger-id", identity, "--wait")
    status, output, errors = send(
        portal, "start-session", *target, "--id-tag", "TAG-RFID-001"
    )
    assert (status, errors) == (0, "")
    assert output.startswith(f"{identity}  ")
    assert "  applied  " in output
    status, output, errors = send(portal, "stop-session", *target, "--json")
    assert (status, errors) == (0, "")
    [item] = json.loads(output)["results"]
    assert item["status"] == "applied"
    assert item["result"]["status"] == "Available"


def test_a_refusal_is_seen_by_who_waits(portal: Portal, identity: str) -> None:
    target = ("--charger-id", identity)
    assert send(portal, "ev-stops-energy", *target)[0] == 0  # accepted, no more
    status, output, errors = send(portal, "ev-stops-energy", *target, "--wait")
    assert status == 1
    assert "  rejected  " in output
    assert errors == "CommandError: 1 of 1 chargers have not applied it.\n"


def test_a_whole_location_can_be_told(portal: Portal) -> None:
    status, output, _ = send(
        portal,
        *("authorize-id-tag", "--id-tag", "TAG-BLOCKED", "--wait"),
        *("--location-id", demo_depot(portal), "--json"),
    )
    assert status == 0
    verdicts = {item["result"]["status"] for item in json.loads(output)["results"]}
    assert verdicts == {"Blocked"}


def demo_depot(portal: Portal) -> str:
    """The id of the demo's location."""
    show = "from chargers.models import *; print(Location.objects.get(slug='demo-depot').pk)"
    return portal.manage("shell", "--verbosity", "0", "-c", show).strip()
