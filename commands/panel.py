"""How the pages group the commands, and the colours of their states."""

from collections.abc import Iterable

from chargers.models import Charger

from .models import Status
from .registry import COMMANDS, Definition

TONES = {
    Status.QUEUED: "idle",
    Status.DEFERRED: "warn",
    Status.RECEIVED: "busy",
    Status.APPLIED: "good",
    Status.REJECTED: "bad",
    Status.FAILED: "bad",
    Status.EXPIRED: "warn",
}

GROUPS = (
    ("Session", ("start-session", "stop-session")),
    ("Cable", ("plug-connector", "unplug-connector", "unlock-connector")),
    ("Transaction", ("authorize-id-tag", "start-transaction", "stop-transaction")),
    ("Energy", ("ev-requests-energy", "ev-stops-energy", "power-update")),
    ("Faults", ("inject-fault", "clear-fault")),
    ("Configuration", ("configuration", "proxy-message")),
    ("Lists", ("cache/reset", "local-auth-list", "clear-local-auth-list")),
)


def grouped_commands() -> list[tuple[str, list[Definition]]]:
    """All commands, in the groups that operators think in; new ones under "More"."""
    groups = [(title, [COMMANDS[slug] for slug in slugs]) for title, slugs in GROUPS]
    placed = {slug for _, slugs in GROUPS for slug in slugs}
    if more := [d for slug, d in COMMANDS.items() if slug not in placed]:
        groups.append(("More", more))
    return groups


def commands_for(
    chargers: Iterable[Charger],
) -> list[tuple[str, list[Definition]]]:
    """The groups, with what at least one of the chargers can be told."""
    any_virtual = any(charger.is_virtual for charger in chargers)
    groups = (
        (title, [d for d in definitions if any_virtual or d.physical])
        for title, definitions in grouped_commands()
    )
    return [group for group in groups if group[1]]
