"""What the pages show of chargers as they are now (the tour's step 9).

Each function needs a fixed number of queries, however many chargers there are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, JSONField, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from .chart import Chart, draw_power
from .choices import ConnectorStatus
from .models import Charger, Connector, Message, MeterValue, Transaction

CHART_SPAN = timedelta(hours=1)
CHART_VALUES = 400
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


@dataclass
class Session:
    """An open transaction with its last meter value, if there is one yet."""

    transaction: Transaction
    last: MeterValue | None

    @property
    def power_w(self) -> float | None:
        return self.last.power_w if self.last else None

    @property
    def offered_w(self) -> float | None:
        return self.last.offered_w if self.last else None

    @property
    def meter_wh(self) -> float | None:
        return self.last.energy_wh if self.last else None

    @property
    def energy_wh(self) -> float | None:
        """Delivered until now."""
        if self.meter_wh is None:
            return None
        return self.meter_wh - self.transaction.meter_start_wh

    @property
    def soc(self) -> float | None:
        """The battery's state of charge, percent, where the charger tells."""
        return self.last.value_of("SoC") if self.last else None


def open_sessions(transactions: QuerySet[Transaction]) -> list[Session]:
    """The open ones of these transactions, newest first, in one query."""
    last = MeterValue.objects.filter(transaction=OuterRef("pk")).order_by(
        "-timestamp", "-id"
    )
    rows = (
        transactions.filter(stopped_at=None)
        .select_related("charger")
        .annotate(
            last=Subquery(last.values("sampled_values")[:1], output_field=JSONField())
        )
    )
    return [
        Session(row, MeterValue(sampled_values=row.last) if row.last else None)
        for row in rows
    ]


def total_power(sessions: Iterable[Session]) -> float:
    """What chargers deliver now, W; nobody knows what one without a link does."""
    return sum(s.power_w or 0 for s in sessions if s.transaction.charger.is_online)


# --- The index page -------------------------------------------------------------------


@dataclass
class Overview:
    """Chargers at a glance."""

    chargers: int
    online: int
    charging: int
    faulted: int
    sessions: list[Session]
    troubled: list[Connector]
    offline_chargers: list[Charger]

    @property
    def offline(self) -> int:
        return self.chargers - self.online

    @property
    def power_w(self) -> float:
        return total_power(self.sessions)


def overview(chargers: QuerySet[Charger]) -> Overview:
    """The state of these chargers."""
    counts: dict[str, int] = chargers.aggregate(
        chargers=Count("pk"), online=Count("pk", filter=Q(is_online=True))
    )
    connectors = Connector.objects.filter(charger__in=chargers.order_by())
    states: dict[str, int] = connectors.aggregate(
        charging=Count("pk", filter=Q(status=ConnectorStatus.CHARGING, evse_id__gt=0)),
        faulted=Count("pk", filter=Q(status=ConnectorStatus.FAULTED)),
    )
    return Overview(
        **counts,
        **states,
        sessions=open_sessions(
            Transaction.objects.filter(charger__in=chargers.order_by())
        ),
        troubled=list(
            connectors.filter(status=ConnectorStatus.FAULTED)
            .select_related("charger")
            .order_by("-status_at")[:SHOWN]
        ),
        offline_chargers=list(
            chargers.filter(is_online=False).order_by("-disconnected_at", "id")[:SHOWN]
        ),
    )


# --- A charger's page -----------------------------------------------------------------


@dataclass
class ConnectorState:
    """A connector with what goes on at it."""

    connector: Connector
    session: Session | None

    @property
    def tone(self) -> str:
        return TONES[ConnectorStatus(self.connector.status)]


@dataclass
class ChargerState:
    """A charger with its connectors and what it reported last."""

    charger: Charger
    connectors: list[ConnectorState]
    transactions: list[Transaction] = field(default_factory=list)
    meter_values: list[MeterValue] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    chart: Chart | None = None

    @property
    def power_w(self) -> float:
        return total_power(c.session for c in self.connectors if c.session)

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
    """All that a charger's page shows of it."""
    values = list(charger.meter_values.select_related("transaction")[:CHART_VALUES])
    now = timezone.now()
    return ChargerState(
        charger,
        _connector_states(charger.connectors.all(), open_sessions(_of([charger]))),
        list(charger.transactions.all()[:SHOWN]),
        values[:SHOWN],
        list(charger.messages.all()[:SHOWN]),
        _chart(values, now),
    )


def charger_states(chargers: QuerySet[Charger]) -> list[ChargerState]:
    """The connectors of several chargers: a location's page."""
    rows = list(
        chargers.select_related("organization", "model__brand").prefetch_related(
            "connectors"
        )
    )
    sessions: dict[str, list[Session]] = {}
    for session in open_sessions(_of(rows)):
        sessions.setdefault(session.transaction.charger_id, []).append(session)
    return [
        ChargerState(
            row, _connector_states(row.connectors.all(), sessions.get(row.pk, []))
        )
        for row in rows
    ]


def _of(chargers: Sequence[Charger]) -> QuerySet[Transaction]:
    return Transaction.objects.filter(charger__in=chargers)


def _connector_states(
    connectors: Iterable[Connector], sessions: Sequence[Session]
) -> list[ConnectorState]:
    """EVSE 0 is the whole charger: shown only when it reports a fault of its own."""
    by_evse = {session.transaction.evse_id: session for session in sessions}
    return [
        ConnectorState(connector, by_evse.get(connector.evse_id))
        for connector in connectors
        if connector.evse_id or connector.status == ConnectorStatus.FAULTED
    ]


def _chart(values: Sequence[MeterValue], now: datetime) -> Chart | None:
    recent = [value for value in values if value.timestamp > now - CHART_SPAN]
    return draw_power(reversed(recent), now)
