"""Reads that several pages share; each takes a fixed number of queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import (
    Case,
    Exists,
    F,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)

from ..choices import (
    IN_PROVISIONING,
    ChargerKind,
    ChargingState,
    Condition,
    ConnectorStatus,
    ProvisioningStatus,
)
from ..models import (
    Charger,
    Connector,
    MeterValue,
    Transaction,
    VirtualChargerState,
)

CABLE_IN = (
    ConnectorStatus.PREPARING,
    ConnectorStatus.OCCUPIED,
    ConnectorStatus.SUSPENDED_EV,
    ConnectorStatus.SUSPENDED_EVSE,
    ConnectorStatus.FINISHING,
)


def with_condition(chargers: QuerySet[Charger]) -> QuerySet[Any]:
    """The chargers, each with its ``condition``: what it is in one word."""

    def some(*statuses: str, **which: Any) -> Exists:
        return Exists(
            Connector.objects.filter(
                charger=OuterRef("pk"), status__in=statuses, **which
            )
        )

    outlet = {"evse_id__gt": 0}  # EVSE 0 is the whole charger
    charges = Transaction.objects.filter(  # 2.x says only there that energy flows
        charger=OuterRef("pk"), stopped_at=None, charging_state=ChargingState.CHARGING
    )
    rules: list[tuple[Any, Condition]] = [
        (Q(provisioning_status=ProvisioningStatus.FAILED), Condition.FAILED),
        (Q(provisioning_status__in=IN_PROVISIONING), Condition.PROVISIONING),
        (
            Q(is_online=False, is_enabled=False, kind=ChargerKind.VIRTUAL),
            Condition.STOPPED,
        ),
        (Q(is_online=False), Condition.OFFLINE),
        (some(ConnectorStatus.FAULTED), Condition.FAULTED),
        (
            some(ConnectorStatus.CHARGING, **outlet) | Q(Exists(charges)),
            Condition.CHARGING,
        ),
        (some(*CABLE_IN, ConnectorStatus.RESERVED, **outlet), Condition.IN_USE),
        (some(ConnectorStatus.AVAILABLE, **outlet), Condition.AVAILABLE),
    ]
    whens = [When(rule, then=Value(condition.value)) for rule, condition in rules]
    unavailable = Value(Condition.UNAVAILABLE.value)
    return chargers.annotate(condition=Case(*whens, default=unavailable))


def matching(
    chargers: QuerySet[Charger], condition: str = "", find: str = ""
) -> QuerySet[Any]:
    """Those in that condition whose identity or name has that in it."""
    rows = with_condition(chargers)
    if condition:
        rows = rows.filter(condition=condition)
    if find:
        rows = rows.filter(Q(identity__icontains=find) | Q(name__icontains=find))
    return rows


def shown_status(connector: Connector, charging_state: str = "") -> ConnectorStatus:
    """A connector's status as 1.6 words it, also where 2.x only says Occupied.

    ``charging_state`` is that of the transaction running there.
    """
    status = ConnectorStatus(connector.status)
    if status == ConnectorStatus.OCCUPIED and charging_state in ConnectorStatus.values:
        return ConnectorStatus(charging_state)
    return status


def with_connector(chargers: QuerySet[Charger], status: str) -> QuerySet[Charger]:
    """The chargers that have a connector shown in this status (``shown_status``)."""
    running = Transaction.objects.filter(
        charger=OuterRef("charger"),
        evse_id=OuterRef("evse_id"),
        stopped_at=None,
        charging_state__in=ConnectorStatus.values,
    )
    occupied = Connector.objects.filter(status=ConnectorStatus.OCCUPIED)
    told = occupied.filter(Exists(running.filter(charging_state=status)))
    if status == ConnectorStatus.OCCUPIED:
        shown = occupied.exclude(Exists(running))
    else:
        shown = Connector.objects.filter(Q(status=status) | Q(pk__in=told.values("pk")))
    return chargers.filter(pk__in=shown.filter(evse_id__gt=0).values("charger"))


# --- Sessions -------------------------------------------------------------------------


@dataclass
class Session:
    """An open transaction with its last meter value.

    What that does not tell, or before there is one, a virtual charger is asked:
    ``known`` is what it remembers of its connector.
    """

    transaction: Transaction
    last: MeterValue | None
    known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def power_w(self) -> float | None:
        return self._measured("power_w", "power_w")

    @property
    def offered_w(self) -> float | None:
        return self._measured("offered_w", "offered_w")

    @property
    def meter_wh(self) -> float | None:
        return self._measured("energy_wh", "register_wh")

    def _measured(self, name: str, known_as: str) -> float | None:
        measured: float | None = getattr(self.last, name, None)
        return self.known.get(known_as) if measured is None else measured

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
    """The open ones of these transactions, newest first, in two queries."""
    rows = _with_value(transactions.filter(stopped_at=None), "-timestamp", "-id")
    sessions = [
        Session(row, MeterValue(sampled_values=row.value) if row.value else None)
        for row in rows.select_related("charger")
    ]
    _ask_virtual_chargers([session for session in sessions if session.power_w is None])
    return sessions


def _ask_virtual_chargers(sessions: Sequence[Session]) -> None:
    if not sessions:
        return
    states = VirtualChargerState.objects.filter(
        pk__in={session.transaction.charger_id for session in sessions}
    )
    connectors = dict(states.values_list("pk", "data__connectors"))
    for session in sessions:
        row = session.transaction
        known = connectors.get(row.charger_id) or {}
        session.known = known.get(str(row.evse_id)) or {}


def _with_value(
    transactions: QuerySet[Transaction], *order: str, **which: Any
) -> QuerySet[Any]:
    """The transactions, each with the samples of its first meter value in an order."""
    values = MeterValue.objects.filter(transaction=OuterRef("pk"), **which)
    first = values.order_by(*order).values("sampled_values")[:1]
    return transactions.annotate(value=Subquery(first, output_field=JSONField()))


def total_power(sessions: Iterable[Session]) -> float:
    """What chargers deliver now, W; nobody knows what one without a link does."""
    return sum(s.power_w or 0 for s in sessions if s.transaction.charger.is_online)


def energy_since(
    since: datetime, transactions: QuerySet[Transaction], sessions: Sequence[Session]
) -> float:
    """What these transactions, ``sessions`` the open ones, delivered since then, Wh.

    Of one that began before, what its first meter value since then showed is taken off.
    """
    ended = transactions.filter(stopped_at__gte=since)
    sums = ended.aggregate(wh=Sum(F("meter_stop_wh") - F("meter_start_wh")))
    running = sum(session.energy_wh or 0 for session in sessions)
    last = {session.transaction.pk: session.meter_wh for session in sessions}
    older = transactions.filter(
        Q(stopped_at__gte=since) | Q(stopped_at=None), started_at__lt=since
    )
    before = 0.0
    for row in _with_value(older, "timestamp", "id", timestamp__gte=since):
        shown = MeterValue(sampled_values=row.value or []).energy_wh
        if shown is None:  # nothing was metered since
            shown = row.meter_stop_wh if row.stopped_at else last.get(row.pk)
        before += (shown or row.meter_start_wh) - row.meter_start_wh
    return max(0.0, (sums["wh"] or 0) + running - before)
