"""What the pages show of chargers as they are now (the tour's step 9).

Each function needs a fixed number of queries, however many chargers there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from ..choices import Condition, ConnectorStatus
from ..models import Charger, Connector, Transaction, VirtualChargerState
from .selectors import (
    CABLE_IN,
    Session,
    open_sessions,
    shown_status,
    total_power,
    with_condition,
)

SHOWN = 12  # rows of each list of recent things

TONES = {
    ConnectorStatus.AVAILABLE: "good",
    ConnectorStatus.PREPARING: "busy",
    ConnectorStatus.OCCUPIED: "busy",
    ConnectorStatus.CHARGING: "charge",
    ConnectorStatus.SUSPENDED_EV: "warn",
    ConnectorStatus.SUSPENDED_EVSE: "warn",
    ConnectorStatus.FINISHING: "busy",
    ConnectorStatus.RESERVED: "busy",
    ConnectorStatus.UNAVAILABLE: "idle",
    ConnectorStatus.FAULTED: "bad",
    ConnectorStatus.UNKNOWN: "idle",
}

# In the order of a bar: what earns first, what needs somebody last.
CONDITION_TONES = {
    Condition.CHARGING: "charge",
    Condition.IN_USE: "busy",
    Condition.AVAILABLE: "good",
    Condition.UNAVAILABLE: "idle",
    Condition.STOPPED: "idle",
    Condition.PROVISIONING: "busy",
    Condition.OFFLINE: "warn",
    Condition.FAILED: "bad",
    Condition.FAULTED: "bad",
}


@dataclass(frozen=True)
class Facts:
    """What a virtual connector knows of itself, and need not have reported."""

    cable_is_in: bool
    ev_takes_energy: bool
    ev_soc: float | None  # percent
    ev_battery_wh: float | None
    limit_w: float | None  # set by an operator
    fault: str
    is_operative: bool
    changes_when_free: bool  # its availability, after the transaction

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> "Facts":
        vehicle = state.get("vehicle") or {}
        battery, charge = vehicle.get("battery_wh"), vehicle.get("charge_wh")
        return cls(
            cable_is_in=state.get("vehicle") is not None,
            ev_takes_energy=bool(vehicle.get("wants_energy", False)),
            ev_soc=100 * charge / battery if battery and charge is not None else None,
            ev_battery_wh=battery,
            limit_w=state.get("limit_w"),
            fault=state.get("fault", ""),
            is_operative=state.get("operative", True),
            changes_when_free=state.get("scheduled_operative") is not None,
        )


@dataclass
class ConnectorState:
    """A connector with what goes on at it."""

    connector: Connector
    session: Session | None
    facts: Facts | None = None

    @property
    def status(self) -> ConnectorStatus:
        row = self.session.transaction if self.session else None
        return shown_status(self.connector, row.charging_state if row else "")

    @property
    def tone(self) -> str:
        return TONES[self.status]

    @property
    def number(self) -> int:
        return self.connector.evse_id

    @property
    def name(self) -> str:
        if not self.connector.evse_id:
            return "Whole charger"
        if self.connector.connector_id > 1:
            return f"EVSE {self.connector.evse_id}.{self.connector.connector_id}"
        return f"Connector {self.connector.evse_id}"

    @property
    def cable_is_in(self) -> bool | None:
        """None where the charger does not tell."""
        if self.facts is not None:
            return self.facts.cable_is_in
        if self.connector.status in CABLE_IN or self.has_transaction:
            return True
        if self.connector.status == ConnectorStatus.CHARGING:
            return True
        idle = (ConnectorStatus.AVAILABLE, ConnectorStatus.RESERVED)
        return False if self.connector.status in idle else None

    @property
    def has_transaction(self) -> bool:
        return self.session is not None

    @property
    def is_faulted(self) -> bool:
        if self.facts is not None and self.facts.fault:
            return True
        return self.connector.status == ConnectorStatus.FAULTED

    @property
    def is_out_of_service(self) -> bool:
        if self.facts is not None and not self.facts.is_operative:
            return True
        return self.connector.status == ConnectorStatus.UNAVAILABLE

    @property
    def soc(self) -> float | None:
        """The battery's state of charge, percent, as reported or known."""
        reported = self.session.soc if self.session else None
        if reported is not None or self.facts is None:
            return reported
        return self.facts.ev_soc


@dataclass
class ChargerState:
    """A charger with its connectors."""

    charger: Any  # a Charger with its condition
    connectors: list[ConnectorState] = field(default_factory=list)
    saved: Mapping[str, Any] | None = None  # what a virtual one keeps in its memory

    @property
    def condition(self) -> Condition:
        return Condition(self.charger.condition)

    @property
    def tone(self) -> str:
        return CONDITION_TONES[self.condition]

    @property
    def outlets(self) -> list[ConnectorState]:
        return [item for item in self.connectors if item.number]

    @property
    def running(self) -> dict[int, Session]:
        """Its sessions by the key of their transaction."""
        sessions = (item.session for item in self.connectors if item.session)
        return {session.transaction.pk: session for session in sessions}

    @property
    def power_w(self) -> float:
        return total_power(self.running.values())

    @property
    def url(self) -> str:
        """The WebSocket URL it dials."""
        charger = self.charger
        own = f"{settings.OCPP_ENDPOINT_URL}/{charger.organization.slug}"
        return f"{charger.ws_url or own}/{charger.identity}"

    @property
    def boot(self) -> list[tuple[str, Any]]:
        """Its BootNotification as label and value."""
        flat: dict[str, Any] = {}
        for key, value in self.charger.boot.items():
            flat |= value if isinstance(value, dict) else {key: value}
        return [(_spaced(key), value) for key, value in flat.items()]


def _spaced(name: str) -> str:
    """``chargePointVendor`` as "Charge point vendor"."""
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in name)
    return words.strip().capitalize()


def charger_state(charger: Charger) -> ChargerState:
    """A charger with all that is known of its connectors."""
    [state] = charger_states(Charger.objects.filter(pk=charger.pk))
    if charger.is_virtual:
        row = VirtualChargerState.objects.filter(pk=charger.pk).first()
        state.saved = row.data if row else None
    if state.saved:
        known = state.saved.get("connectors", {})
        for item in state.connectors:
            if facts := known.get(str(item.number)):
                item.facts = Facts.read(facts)
    return state


def charger_states(chargers: QuerySet[Charger]) -> list[ChargerState]:
    """Several chargers with their connectors: a location's page."""
    rows = list(
        with_condition(chargers)
        .select_related("organization", "location", "model__brand")
        .prefetch_related("connectors")
    )
    sessions: dict[str, list[Session]] = {}
    of_rows = Transaction.objects.filter(charger__in=chargers.order_by())
    for session in open_sessions(of_rows):
        sessions.setdefault(session.transaction.charger_id, []).append(session)
    return [
        ChargerState(
            row, connector_states(row.connectors.all(), sessions.get(row.pk, []))
        )
        for row in rows
    ]


def connector_states(
    connectors: Iterable[Connector], sessions: Sequence[Session]
) -> list[ConnectorState]:
    """EVSE 0 is the whole charger: shown only when it reports a fault of its own."""
    shown = [
        connector
        for connector in connectors
        if connector.evse_id or connector.status == ConnectorStatus.FAULTED
    ]
    several = {c.evse_id for c in shown if c.connector_id > 1}
    at: dict[tuple[int, int], Session] = {}
    for session in sessions:
        row = session.transaction
        at[row.evse_id, row.connector_id if row.evse_id in several else 1] = session
    return [ConnectorState(c, at.get((c.evse_id, c.connector_id))) for c in shown]
