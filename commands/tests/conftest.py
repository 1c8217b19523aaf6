"""Chargers that are online, and what they make of the commands they are sent."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chargers.delivery import Outcome
from chargers.models import Charger, Location
from commands import services
from commands.models import Command
from ocpplab.models import Organization
from tests.fixtures import create_charger


@pytest.fixture
def charger(virtual_charger: Charger) -> Charger:
    """A virtual charger that can be sent commands."""
    Charger.objects.filter(pk=virtual_charger.pk).update(is_online=True)
    virtual_charger.refresh_from_db()
    return virtual_charger


@pytest.fixture
def second_charger(organization: Organization, location: Location) -> Charger:
    return create_charger(
        organization=organization,
        location=location,
        identity="ACME-AC-2",
        is_online=True,
    )


@pytest.fixture
def rival_charger(other_organization: Organization) -> Charger:
    """An online charger of another organization."""
    return create_charger(
        organization=other_organization, identity="RIVAL-1", is_online=True
    )


@pytest.fixture
def charger_ends_with(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., None]:
    """Have chargers end what is waited for in a given way."""
    wait = services.wait_for_commands

    def plan(status: str, result: dict[str, Any] | None = None, why: str = "") -> None:
        def act(commands: Sequence[Command], timeout: float) -> list[Command]:
            for claimed in services.claim_commands([c.charger_id for c in commands]):
                services.finish_commands([Outcome(claimed.pk, status, result, why)])
            return wait(commands, timeout)

        monkeypatch.setattr(services, "wait_for_commands", act)

    return plan
