"""How the pages group the commands, and the colours of their states."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import QuerySet

from chargers.choices import ChargerKind, ProvisioningStatus
from chargers.models import Charger
from chargers.pages.live import ChargerState, ConnectorState

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


def commands_for(chargers: QuerySet[Charger]) -> list[tuple[str, list[Definition]]]:
    """The groups, with what at least one of the chargers can be told."""
    any_virtual = chargers.filter(kind=ChargerKind.VIRTUAL).exists()
    groups = (
        (title, [d for d in definitions if any_virtual or d.physical])
        for title, definitions in grouped_commands()
    )
    return [group for group in groups if group[1]]


# --- What makes sense now -------------------------------------------------------------


@dataclass(frozen=True)
class Button:
    """A command that a charger, or one connector of it, is offered.

    ``reason`` says why it would be refused or change nothing; empty, it makes sense.
    """

    definition: Definition
    reason: str = ""
    connector: int | None = None


def panel_for(state: ChargerState) -> list[tuple[str, list[Button]]]:
    """All commands in their groups, for one charger as it is now."""
    return [
        (title, [Button(d, why_not(d, state)) for d in definitions])
        for title, definitions in grouped_commands()
    ]


def common_reason(panel: list[tuple[str, list[Button]]]) -> str:
    """Why no command at all makes sense, where that is one reason."""
    reasons = {button.reason for _, buttons in panel for button in buttons}
    return reasons.pop() if len(reasons) == 1 else ""


# What one does at a connector, the most usual first.
AT_CONNECTOR = (
    "clear-fault",
    "stop-session",
    "start-session",
    "power-update",
    "ev-stops-energy",
    "ev-requests-energy",
    "start-transaction",
    "plug-connector",
    "unplug-connector",
)
BUTTONS_AT_CONNECTOR = 4


def actions_for(state: ChargerState) -> dict[int, list[Button]]:
    """By connector, what makes sense there."""
    return {
        outlet.number: [
            Button(COMMANDS[slug], connector=outlet.number)
            for slug in AT_CONNECTOR
            if not _why_not_at_all(COMMANDS[slug], state)
            and not RULES[slug](outlet)
            and (slug != "power-update" or outlet.has_transaction)
        ][:BUTTONS_AT_CONNECTOR]
        for outlet in state.outlets
    }


def why_not(definition: Definition, state: ChargerState) -> str:
    """Why a command makes no sense for a charger now; empty where it does."""
    if reason := _why_not_at_all(definition, state):
        return reason
    rule = RULES.get(definition.slug)
    if rule is None or not state.outlets:
        return ""
    reasons = [rule(outlet) for outlet in state.outlets]
    return reasons[0] if all(reasons) else ""


def _why_not_at_all(definition: Definition, state: ChargerState) -> str:
    charger = state.charger
    if not charger.is_virtual and not definition.physical:
        return "Only a virtual charger can be told this."
    if charger.provisioning_status != ProvisioningStatus.READY:
        return "It is not set up."
    if charger.is_virtual and not charger.is_enabled:
        return "It is stopped."
    return "" if charger.is_online else "It is not connected to its CSMS."


def _usable(outlet: ConnectorState) -> str:
    if outlet.is_faulted:
        return "It is faulted."
    return "It is out of service." if outlet.is_out_of_service else ""


def _startable(outlet: ConnectorState) -> str:
    return _usable(outlet) or ("A transaction runs." if outlet.has_transaction else "")


def _cable(outlet: ConnectorState) -> str:
    return "No cable is in." if outlet.cable_is_in is False else ""


def _transaction(outlet: ConnectorState) -> str:
    return "" if outlet.has_transaction else "No transaction runs."


def _ev_takes(wanted: bool) -> Callable[[ConnectorState], str]:
    def rule(outlet: ConnectorState) -> str:
        if reason := _transaction(outlet):
            return reason
        if outlet.facts and outlet.facts.ev_takes_energy == wanted:
            return "The EV takes energy." if wanted else "The EV takes no energy."
        return ""

    return rule


RULES: dict[str, Callable[[ConnectorState], str]] = {
    "plug-connector": lambda c: (
        _usable(c) or ("A cable is in." if c.cable_is_in else "")
    ),
    "unplug-connector": _cable,
    "start-transaction": lambda c: _startable(c) or _cable(c),
    "start-session": _startable,
    "stop-transaction": _transaction,
    "stop-session": _transaction,
    "ev-requests-energy": _ev_takes(True),
    "ev-stops-energy": _ev_takes(False),
    "inject-fault": lambda c: "It is faulted already." if c.is_faulted else "",
    "clear-fault": lambda c: "" if c.is_faulted else "It has no fault.",
    "power-update": lambda c: "",
}
