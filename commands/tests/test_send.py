"""``manage.py send``: the third door."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from chargers.models import Charger, Location
from commands import services
from commands.models import Command, Origin, Status
from commands.registry import DEFINITIONS
from tests.fixtures import create_charger

EVENTS = {
    "proxy-message": (
        *("--action", "heartbeat", "--ocpp-version", "ocpp1.6", "--payload", "{}"),
    ),
    "configuration": ("--configuration", "HeartbeatInterval=30"),
    "local-auth-list": (
        *("--list-version", "2", "--entries", '[{"id_tag": "TAG-1"}]'),
    ),
    "inject-fault": ("--fault-type", "OverCurrent"),
    "start-transaction": ("--id-tag", "TAG-1"),
    "start-session": ("--id-tag", "TAG-1", "--target-energy-kwh", "1.5"),
    "authorize-id-tag": ("--id-tag", "TAG-1"),
    "power-update": ("--power-w", "11000"),
}
Sent = Callable[..., str]


@pytest.fixture
def send(capsys: pytest.CaptureFixture[str]) -> Sent:
    """What a send prints."""

    def send(*arguments: str) -> str:
        call_command("send", *arguments)
        return capsys.readouterr().out

    return send


def failure_of(send: Sent, *arguments: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as failure:
        send(*arguments)
    assert "\n" not in str(failure.value)
    return failure.value.returncode, str(failure.value)


@pytest.mark.parametrize("slug", [definition.slug for definition in DEFINITIONS])
def test_every_command_can_be_sent(
    send: Sent, charger: Charger, charger_ends_with: Callable[..., None], slug: str
) -> None:
    charger_ends_with("applied", {"msg": "done"})
    output = send(slug, "--charger-id", charger.pk, *EVENTS.get(slug, ()))
    command = Command.objects.get()
    is_direct = command.status == Status.APPLIED
    assert output.startswith(f"ACME-AC-1  {command.command_id}  {command.status}")
    assert ('{"msg": "done"}' in output) == is_direct
    assert command.slug == slug
    assert command.origin == Origin.CLI
    assert command.submitted_by


def test_options_become_the_event(
    send: Sent, charger: Charger, charger_ends_with: Callable[..., None]
) -> None:
    charger_ends_with("applied")
    pairs = ("--configuration", "A=1", "--configuration", "B=x=y")
    more = ("--configuration", '{"C": "3"}')
    send("configuration", "--charger-id", charger.pk, *pairs, *more)
    given = {"configuration": {"A": "1", "B": "x=y", "C": "3"}}
    assert Command.objects.get().event == given


def test_a_charger_goes_by_its_identity_too(send: Sent, charger: Charger) -> None:
    send("plug-connector", "--charger-id", "ACME-AC-1")
    assert Command.objects.get().charger == charger


def test_an_identity_of_two_organizations_needs_one_named(
    send: Sent, charger: Charger, rival_charger: Charger
) -> None:
    create_charger(
        organization=rival_charger.organization, identity="ACME-AC-1", is_online=True
    )
    status, message = failure_of(send, "plug-connector", "--charger-id", "ACME-AC-1")
    assert status == 1
    assert "--organization" in message
    send("plug-connector", "--charger-id", "ACME-AC-1", "--organization", "acme")
    assert Command.objects.get().charger == charger


def test_the_organization_narrows_the_search(
    send: Sent, charger: Charger, location: Location
) -> None:
    for target in (("--charger-id", charger.pk), ("--location-id", str(location.pk))):
        status, message = failure_of(
            send, "plug-connector", *target, "--organization", "rival"
        )
        assert status == 1
        assert target[1] in message


def test_a_location_means_all_its_chargers_or_some(
    send: Sent, location: Location, charger: Charger, second_charger: Charger
) -> None:
    target = ("--location-id", str(location.pk))
    assert len(send("plug-connector", *target).splitlines()) == 2
    lines = send("plug-connector", *target, "--charger-ids", charger.pk).splitlines()
    assert [line.split()[0] for line in lines] == ["ACME-AC-1"]


def test_json_is_the_apis_answer_with_the_states(
    send: Sent, charger: Charger, charger_ends_with: Callable[..., None]
) -> None:
    charger_ends_with("applied", {"status": "Preparing"})
    output = send("plug-connector", "--charger-id", charger.pk, "--wait", "5", "--json")
    answer = json.loads(output)
    assert answer["queued_count"] == 1
    [item] = answer["results"]
    assert item["command"]["event_type"] == "plug_connector"
    assert item["status"] == "applied"
    assert item["result"] == {"status": "Preparing"}
    assert item["detail"] is None


# --- Exit status ----------------------------------------------------------------------


def test_it_fails_when_a_charger_did_not_accept(
    send: Sent,
    location: Location,
    charger: Charger,
    physical_charger: Charger,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, message = failure_of(
        send, "plug-connector", "--location-id", str(location.pk)
    )
    printed = capsys.readouterr()
    assert status == 1
    assert message == "1 of 2 chargers have not accepted it."
    assert printed.out.startswith("ACME-AC-1")
    assert printed.err.startswith("ACME-CP-1  not sent: ")


def test_waiting_it_fails_when_a_charger_did_not_apply(
    send: Sent, charger: Charger, charger_ends_with: Callable[..., None]
) -> None:
    charger_ends_with("rejected", None, "Plugged in already.")
    arguments = ("plug-connector", "--charger-id", charger.pk)
    assert failure_of(send, *arguments, "--wait") == (
        1,
        "1 of 1 chargers have not applied it.",
    )


def test_it_fails_when_the_wait_is_over(send: Sent, charger: Charger) -> None:
    arguments = ("plug-connector", "--charger-id", charger.pk, "--wait", "0.01")
    assert failure_of(send, *arguments)[0] == 1
    assert Command.objects.get().status == Status.QUEUED  # it goes on by itself


def test_a_result_that_did_not_come_is_given_up(
    send: Sent, charger: Charger, settings: Any
) -> None:
    settings.COMMAND_WAIT = 0.01
    assert failure_of(send, "cache/reset", "--charger-id", charger.pk)[0] == 1
    assert Command.objects.get().status == Status.EXPIRED


def test_a_charger_removed_meanwhile_has_not_applied_it(
    send: Sent, charger: Charger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(commands: Sequence[Command], timeout: float) -> list[Command]:
        return []

    monkeypatch.setattr(services, "wait_for_commands", lose)
    status, _ = failure_of(send, "cache/reset", "--charger-id", charger.pk)
    assert status == 1


@pytest.mark.parametrize(
    "target",
    [
        ("--charger-id", "nobody"),
        ("--location-id", "nowhere"),
        ("--location-id", "00000000-0000-0000-0000-000000000000"),
    ],
)
def test_a_target_that_is_not_there(
    send: Sent, db: None, target: tuple[str, str]
) -> None:
    status, message = failure_of(send, "plug-connector", *target)
    assert status == 1
    assert target[1] in message


def test_a_refusal_is_told(send: Sent, virtual_charger: Charger) -> None:
    status, message = failure_of(send, "cache/reset", "--charger-id", "ACME-AC-1")
    assert status == 1
    assert message == "ACME-AC-1 is not connected to its CSMS."


def test_an_event_out_of_bounds_is_wrong_usage(send: Sent, charger: Charger) -> None:
    arguments = ("power-update", "--charger-id", charger.pk, "--power-w=-5")
    status, message = failure_of(send, *arguments)
    assert status == 2
    assert message.startswith("event.power_w: ")
    assert not Command.objects.exists()


def test_a_subset_needs_a_location(send: Sent, charger: Charger) -> None:
    arguments = ("plug-connector", "--charger-id", charger.pk, "--charger-ids", "a")
    assert failure_of(send, *arguments)[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("fly",),
        ("plug-connector",),
        ("plug-connector", "--charger-id", "a", "--location-id", "b"),
        ("cache/reset", "--location-id", "a"),
        ("power-update", "--charger-id", "a"),
        ("power-update", "--charger-id", "a", "--power-w", "much"),
        ("inject-fault", "--charger-id", "a", "--fault-type", "Gremlins"),
        ("configuration", "--charger-id", "a", "--configuration", "Interval"),
        ("configuration", "--charger-id", "a", "--configuration", "{Interval"),
        ("local-auth-list", "--charger-id", "a", "--entries", "["),
    ],
)
def test_wrong_usage_is_status_two_and_no_traceback(arguments: tuple[str, ...]) -> None:
    run = subprocess.run(
        [sys.executable, "manage.py", "send", *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert "usage: manage.py send" in run.stderr
    assert "Traceback" not in run.stderr
