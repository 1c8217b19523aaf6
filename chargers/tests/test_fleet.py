"""What the fleet keeps of its virtual chargers, and what it gives them back."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from chargers import services
from chargers.fleet import Fleet, _Flash, _unsealed
from chargers.virtual.charger import ChargerSpec
from ocpplab.models import Organization
from tests.fixtures import create_charger

SECRETS = {"password": "a-long-secret-key", "own": {"held": []}}


class Saved:
    """Takes states as the database does, which may be away at first."""

    def __init__(self, *, failures: int = 0) -> None:
        self.states: list[dict[str, Any]] = []
        self.failures = failures

    async def run_batched(self, function: Any, saved: services.SavedState) -> None:
        if self.failures:
            self.failures -= 1
            raise OperationalError("the database is away")
        self.states.append(saved.data)


async def test_a_state_is_saved_however_long_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saved = Saved(failures=2)
    monkeypatch.setattr("chargers.fleet.group_commit", lambda: saved)
    monkeypatch.setattr("chargers.fleet.RETRY_PAUSE", 0)
    await _Flash("c1", "fleet-1").save({"outbox": [], "secrets": {}})
    assert saved.states == [{"outbox": [], "secrets": ""}]


async def test_secrets_of_virtual_chargers_are_kept_encrypted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saved = Saved()
    monkeypatch.setattr("chargers.fleet.group_commit", lambda: saved)
    flash = _Flash("c1", "fleet-1")
    for secrets in ({}, SECRETS, SECRETS):
        await flash.save({"outbox": [], "secrets": secrets})
    nothing, first, second = saved.states
    assert nothing["secrets"] == ""
    assert "a-long-secret-key" not in str(saved.states)
    assert first == second  # not encrypted anew for nothing
    assert _unsealed("c1", first) == {"outbox": [], "secrets": SECRETS}
    assert _unsealed("c1", {"secrets": "of another key"})["secrets"] == {}


def test_diagnostics_show_the_frames_of_a_time(organization: Organization) -> None:
    physical = create_charger(organization=organization)
    at = datetime(2026, 5, 1, tzinfo=UTC)
    frames = [
        services.Frame(
            physical.pk,
            "cp_to_csms",
            "Heartbeat",
            2,
            f"beat {n}",
            at + timedelta(hours=n),
        )
        for n in range(4)
    ]
    services.record_messages(frames)
    hour = timedelta(hours=1)
    lines = services.message_lines(physical.pk, at + hour, at + 2 * hour)
    assert [line.rpartition("cp_to_csms ")[2] for line in lines] == ["beat 1", "beat 2"]
    assert len(services.message_lines(physical.pk, None, None)) == 4


@pytest.mark.django_db(transaction=True)
async def test_a_charger_that_cannot_be_made_keeps_no_other_from_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [SimpleNamespace(pk="bad"), SimpleNamespace(pk="good")]
    states = {"bad": {"version": "of a time to come"}}
    spec = ChargerSpec("CP-1", "ws://127.0.0.1:1/CP-1")
    monkeypatch.setattr("chargers.fleet.group_commit", Saved)
    monkeypatch.setattr("chargers.fleet._read_chargers", lambda ids: rows)
    monkeypatch.setattr("chargers.fleet.spec_of", lambda row: spec)
    monkeypatch.setattr(services, "virtual_states", lambda ids: states)
    fleet = Fleet(2)
    await fleet._start({"bad": (), "good": ()})
    assert list(fleet._runs) == ["good"]
    await fleet._hang_up(["good"])
