"""Transactions and meter values, as a CSMS keeps them.

What many chargers report at once is recorded at once: in statements that are as many for
one report as for a hundred (see chargers.group_commit).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Q
from django.db.models.functions import Cast, Lower
from django.utils import timezone

from chargers.models import Charger, IdTag, MeterValue, Transaction
from chargers.rows import update_rows

from .finding import find_transactions, wait_for_others
from .id_tags import (
    ACCEPTED,
    Authorization,
    Presented,
    authorization_of,
    find_id_tags,
)
from .meter_values import MeterReport, Reading, add_meter_values

VALUES_SEARCHED = 20  # last meter values, for one with an energy register
_END = ("stopped_at", "meter_stop_wh", "stop_reason", "stop_id_tag", "id")


# --- Beginnings -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """A transaction that a 1.6 charger began."""

    charger: Charger
    evse_id: int
    id_tag: str
    meter_start_wh: int
    at: datetime
    reservation_id: int | None = None  # which it used up

    @property
    def presented(self) -> Presented:
        return Presented(self.charger.organization_id, self.id_tag)

    @property
    def key(self) -> tuple[Any, ...]:
        """The same for a repeated StartTransaction (OCPP 1.6, 3.7.1)."""
        return self.charger.pk, self.evse_id, self.at, self.id_tag


@transaction.atomic(savepoint=False)  # many share a group commit
def start_transactions(
    starts: Sequence[Start],
) -> list[tuple[Transaction, Authorization]]:
    """Record transactions that 1.6 chargers began, and give them their ids.

    Each is recorded whatever its id tag: the charger may have started it offline. What
    still ran on its connector is over.
    """
    wait_for_others({start.charger.pk for start in starts})
    tags = find_id_tags(start.presented for start in starts)
    recorded = _recorded_transactions(starts)
    known = {
        (row.charger_id, row.evse_id, row.started_at, row.id_tag): row
        for row in recorded
        if row.connector_id == 1
    }
    running: dict[tuple[str, int], list[Transaction]] = {}  # by charger and EVSE
    for row in recorded:
        if row.is_open:
            running.setdefault((row.charger_id, row.evse_id), []).append(row)
    charging = _charging_id_tags(tags, recorded)
    begun = []
    results = []
    for start in starts:
        if (same := known.get(start.key)) is not None:
            verdict = authorization_of(tags.get(start.presented.key))
            results.append((same, replace(verdict, status=same.authorization)))
            continue
        for forgotten in running.pop((start.charger.pk, start.evse_id), ()):
            presume_stopped(forgotten, start.at)
        with_tag = charging.setdefault(start.presented.key, [])
        authorization = authorization_of(
            tags.get(start.presented.key),
            is_charging=any(row.is_open for row in with_tag),
        )
        begun.append(row := _new_transaction(start, authorization))
        results.append((row, authorization))
        if authorization.status == ACCEPTED:
            with_tag.append(row)
        known[start.key] = row
        running[start.charger.pk, start.evse_id] = [row]
    _insert(begun)
    return results


def _recorded_transactions(starts: Sequence[Start]) -> list[Transaction]:
    """What runs on these chargers, and what began there at these times."""
    return list(
        Transaction.objects.filter(
            Q(stopped_at=None) | Q(started_at__in={start.at for start in starts}),
            charger__in={start.charger.pk for start in starts},
        ).order_by()
    )


def _charging_id_tags(
    tags: Mapping[tuple[int, str], IdTag], recorded: Sequence[Transaction]
) -> dict[tuple[int, str], list[Transaction]]:
    """What runs with those of these id tags that may have one transaction only."""
    single = [key for key, tag in tags.items() if not tag.allows_concurrent]
    if not single:
        return {}
    rows = Transaction.objects.alias(lower=Lower("id_tag")).filter(
        charger__organization_id__in={organization_id for organization_id, _ in single},
        lower__in={lower for _, lower in single},
        authorization=ACCEPTED,
        stopped_at=None,
    )
    same = {row.pk: row for row in recorded}
    found: dict[tuple[int, str], list[Transaction]] = {}
    for row in rows.annotate(organization_id=F("charger__organization_id")).order_by():
        key = Presented(row.organization_id, row.id_tag).key
        found.setdefault(key, []).append(same.get(row.pk, row))
    return found


def _new_transaction(start: Start, authorization: Authorization) -> Transaction:
    return Transaction(
        charger=start.charger,
        transaction_id=uuid4().hex,  # until the database has made its key
        evse_id=start.evse_id,
        id_tag=start.id_tag,
        authorization=authorization.status,
        started_at=start.at,
        meter_start_wh=start.meter_start_wh,
        reservation_id=start.reservation_id,
    )


def _insert(rows: Sequence[Transaction]) -> None:
    """Insert new transactions; the OCPP id of each is its primary key."""
    if not rows:
        return
    Transaction.objects.bulk_create(rows)
    for row in rows:
        row.transaction_id = str(row.pk)
    _free_ids(rows)
    Transaction.objects.filter(pk__in=[row.pk for row in rows]).update(
        transaction_id=Cast("pk", CharField())
    )


def _free_ids(rows: Sequence[Transaction]) -> None:
    """Ends that were kept under ids of another CSMS give way to the real owners."""
    kept = Transaction.objects.filter(
        charger__in={row.charger_id for row in rows},
        transaction_id__in=[row.transaction_id for row in rows],
        evse_id=0,
    )
    owners = {(row.charger_id, row.transaction_id) for row in rows}
    for row in kept.order_by():
        if (row.charger_id, row.transaction_id) in owners:
            row.transaction_id = f"other {row.transaction_id}"
            row.save(update_fields=["transaction_id"])


# --- Ends -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stop:
    """The end of a transaction, as its charger reports it."""

    charger: Charger
    transaction_id: str
    meter_stop_wh: int
    at: datetime
    reason: str
    id_tag: str = ""
    meter_values: Sequence[Reading] = ()


@transaction.atomic(savepoint=False)  # many share a group commit
def stop_transactions(stops: Sequence[Stop]) -> list[Authorization | None]:
    """Record ends of transactions; the verdict on the id tag of each that names one.

    A repeated StopTransaction changes nothing; that of a transaction which nobody knows
    is kept as a transaction of its own, at EVSE 0: energy was delivered.
    """
    wait_for_others({stop.charger.pk for stop in stops})
    rows = find_transactions((stop.charger.pk, stop.transaction_id) for stop in stops)
    rows |= find_transactions(
        (stop.charger.pk, _own_id(stop))
        for stop in stops
        if _is_of_another(stop, rows.get((stop.charger.pk, stop.transaction_id)))
    )
    ended = []
    measured = []
    for stop in stops:
        key = (stop.charger.pk, stop.transaction_id)
        row = rows.get(key)
        if _is_of_another(stop, row):
            key = (stop.charger.pk, _own_id(stop))
            row = rows.get(key)
        if row is None:
            row = rows[key] = _unknown_transaction(stop, key[1])
        elif row.is_open or not row.stop_reason:  # or its end was only presumed
            row.stopped_at = stop.at
            row.meter_stop_wh = stop.meter_stop_wh
            row.stop_reason = stop.reason
            row.stop_id_tag = stop.id_tag
            ended.append(row)
        else:
            continue
        report = MeterReport(stop.charger, row.evse_id, stop.meter_values)
        measured.append((report, row.pk))
    update_rows(
        Transaction, _END, [[getattr(row, name) for name in _END] for row in ended]
    )
    add_meter_values(measured)
    presented = [Presented(stop.charger.organization_id, stop.id_tag) for stop in stops]
    tags = find_id_tags(one for one in presented if one.id_tag)
    return [
        authorization_of(tags.get(one.key)) if one.id_tag else None for one in presented
    ]


def _is_of_another(stop: Stop, row: Transaction | None) -> bool:
    """Whether the id of this end does not name the transaction recorded under it.

    A charger that could never tell of the beginning sends -1 (errata sheet, 3.18); and
    one id of elsewhere may come with the ends of several transactions.
    """
    if not stop.transaction_id.isdecimal() or stop.transaction_id == "0":
        return True
    if row is None or row.evse_id:
        return False
    return (row.stopped_at, row.meter_stop_wh) != (stop.at, stop.meter_stop_wh)


def _own_id(stop: Stop) -> str:
    """An id for such an end: the same for the same StopTransaction once more."""
    text = f"{stop.at.isoformat()} {stop.meter_stop_wh}"
    return f"{stop.transaction_id}/{sha256(text.encode()).hexdigest()[:12]}"


def _unknown_transaction(stop: Stop, transaction_id: str) -> Transaction:
    """Keep the end of a transaction that began before us, or elsewhere.

    Its own meter values tell when it began, if it sent them along.
    """
    readings = [(stop.at, stop.meter_stop_wh)]
    for reading in stop.meter_values:
        if (energy := reading.energy_wh) is not None:
            readings.append((reading.at, round(energy)))
    started_at, meter_start_wh = min(readings)
    return Transaction.objects.create(
        charger=stop.charger,
        transaction_id=transaction_id,
        evse_id=0,
        connector_id=0,
        id_tag=stop.id_tag,
        started_at=started_at,
        meter_start_wh=meter_start_wh,
        stopped_at=stop.at,
        meter_stop_wh=stop.meter_stop_wh,
        stop_reason=stop.reason,
        stop_id_tag=stop.id_tag,
    )


# --- Ends that never came ---------------------------------------------------------------


def close_abandoned_transactions(after: timedelta) -> int:
    """End the transactions of which chargers that booted since have said nothing.

    A charger tells how its transactions ended when it is back (OCPP 1.6, 4.10); one that
    lost them never will. Returns how many were ended.
    """
    long_ago = timezone.now() - after
    heard = MeterValue.objects.filter(
        transaction=OuterRef("pk"), timestamp__gt=long_ago
    )
    abandoned = Transaction.objects.filter(
        ~Exists(heard),
        stopped_at=None,
        started_at__lt=F("charger__booted_at"),
        charger__booted_at__lt=long_ago,
    )
    rows = list(abandoned.select_related("charger"))
    for row in rows:
        assert row.charger.booted_at is not None
        presume_stopped(row, row.charger.booted_at)
    return len(rows)


def presume_stopped(row: Transaction, at: datetime) -> None:
    """End a transaction whose StopTransaction has not come: without a reason.

    The last meter value tells what it delivered. Should its StopTransaction come after
    all, that counts.
    """
    values = MeterValue.objects.filter(transaction=row.pk).order_by("-timestamp")
    readings = (value.energy_wh for value in values[:VALUES_SEARCHED])
    energy = next((reading for reading in readings if reading is not None), None)
    row.stopped_at = at
    row.meter_stop_wh = row.meter_start_wh if energy is None else round(energy)
    # Not where its end has been told since the row was read.
    Transaction.objects.filter(pk=row.pk, stopped_at=None).update(
        stopped_at=row.stopped_at, meter_stop_wh=row.meter_stop_wh
    )
