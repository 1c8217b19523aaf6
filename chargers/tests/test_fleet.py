"""What the fleet keeps of its virtual chargers, and what it gives them back."""

from datetime import UTC, datetime, timedelta
from typing import Any

from chargers import services
from chargers.fleet import _Flash, _unsealed
from ocpplab.models import Organization
from tests.fixtures import create_charger

SECRETS = {"password": "a-long-secret-key", "own": {"held": []}}


class Saved:
    """Takes states as the database does."""

    def __init__(self) -> None:
        self.states: list[dict[str, Any]] = []

    async def write(self, saved: services.SavedState) -> None:
        self.states.append(saved.data)


async def test_secrets_of_virtual_chargers_are_kept_encrypted() -> None:
    saved = Saved()
    flash = _Flash("c1", saved, "fleet-1")  # type: ignore[arg-type]
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
