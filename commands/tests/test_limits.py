"""Sessions of physical chargers that end at a limit."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from chargers.delivery import Outcome
from chargers.models import Charger, MeterValue, Transaction
from commands import services
from commands.models import Command, SessionLimit
from commands.registry import COMMANDS
from commands.services import Actor, Target
from ocpplab.models import Origin

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def charger(physical_charger: Charger) -> Charger:
    Charger.objects.update(is_online=True)
    physical_charger.refresh_from_db()
    return physical_charger


def start(charger: Charger, status: str = "applied", **limit: Any) -> None:
    services.submit_commands(
        organization=charger.organization,
        definition=COMMANDS["start-session"],
        target=Target(charger_id=charger.pk),
        event={"id_tag": "A", "connector_id": 1, **limit},
        actor=Actor(Origin.API, "somebody"),
    )
    [claimed] = services.claim_commands([charger.pk])
    services.finish_commands([Outcome(claimed.pk, status, {}, "")])


def begun(charger: Charger, ago: float = 0, **fields: Any) -> Transaction:
    told = {"transaction_id": "T-1", "evse_id": 1, "id_tag": "a", **fields}
    at = timezone.now() - timedelta(seconds=ago)
    return Transaction.objects.create(charger=charger, started_at=at, **told)


def stops(charger: Charger) -> list[Any]:
    services.stop_due_sessions()
    services.stop_due_sessions()  # told once
    found = Command.objects.filter(slug="stop-transaction")
    return [command.event["transaction_id"] for command in found]


@pytest.mark.parametrize(
    ("told", "is_its_own"),
    [
        ({}, True),
        ({"id_tag": "", "remote_start_id": 5}, True),
        ({"id_tag": ""}, False),
        ({"id_tag": "B", "remote_start_id": 5}, False),
        ({"evse_id": 2}, False),
    ],
)
def test_a_session_ends_after_its_duration(
    charger: Charger, told: dict[str, Any], is_its_own: bool
) -> None:
    start(charger, duration_seconds=30)
    running = begun(charger, ago=10, **told)
    assert stops(charger) == []
    running.started_at -= timedelta(seconds=20)
    running.save()
    assert stops(charger) == (["T-1"] if is_its_own else [])


def test_a_session_ends_with_its_energy(charger: Charger) -> None:
    start(charger, target_energy_kwh=2)
    running = begun(charger, meter_start_wh=1000)
    for register, expected in ((2999, []), (3000, ["T-1"])):
        MeterValue.objects.create(
            charger=charger,
            transaction=running,
            evse_id=1,
            timestamp=timezone.now(),
            sampled_values=[{"value": register}],
        )
        assert stops(charger) == expected


def test_a_limit_is_settled_with_its_session(charger: Charger) -> None:
    start(charger, duration_seconds=1)
    begun(charger, ago=20, stopped_at=timezone.now())
    assert stops(charger) == []
    assert SessionLimit.objects.get().settled_at is not None


def test_a_session_that_was_refused_has_no_end(charger: Charger) -> None:
    start(charger, "rejected", duration_seconds=1)
    begun(charger, ago=20)
    assert stops(charger) == []
