"""Id tags, transactions and meter values, as a CSMS keeps them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Lower
from django.utils import timezone

from chargers.models import Charger, IdTag, MeterValue, Transaction
from chargers.ocpp.values import parse_time
from chargers.rows import insert_rows

ACCEPTED = "Accepted"
VALUES_SEARCHED = 20  # last meter values, for one with an energy register
_METER_VALUE_COLUMNS = (
    "charger",
    "transaction",
    "evse_id",
    "connector_id",
    "timestamp",
    "sampled_values",
)


@dataclass(frozen=True, slots=True)
class Authorization:
    """The verdict on an id tag: Accepted, Blocked, Expired, Invalid, ConcurrentTx."""

    status: str
    parent_id_tag: str = ""
    expires_at: datetime | None = None


def authorize(charger: Charger, id_tag: str) -> Authorization:
    """Whether an id tag may charge in the charger's organization (OCPP 1.6, 4.1)."""
    return _authorization(_find_id_tag(charger, id_tag))


def _find_id_tag(charger: Charger, id_tag: str) -> IdTag | None:
    tags = IdTag.objects.alias(key=Lower("id_tag"))
    return tags.filter(
        organization_id=charger.organization_id, key=id_tag.lower()
    ).first()


def _authorization(tag: IdTag | None) -> Authorization:
    if tag is None:
        return Authorization("Invalid")
    if tag.is_blocked:
        status = "Blocked"
    elif tag.is_expired(timezone.now()):
        status = "Expired"
    else:
        status = ACCEPTED
    return Authorization(status, tag.parent_id_tag, tag.expires_at)


@transaction.atomic(savepoint=False)  # many share a group commit
def start_transaction(
    charger: Charger, *, evse_id: int, id_tag: str, meter_start_wh: int, at: datetime
) -> tuple[Transaction, Authorization]:
    """Record a transaction that a 1.6 charger began, and give it its id.

    It is recorded whatever the id tag: the charger may have started it offline. A
    repeated StartTransaction means the same transaction (OCPP 1.6, 3.7.1).
    """
    tag = _find_id_tag(charger, id_tag)
    authorization = _authorization(tag)
    known = Transaction.objects.filter(
        charger=charger, evse_id=evse_id, connector_id=1, started_at=at, id_tag=id_tag
    ).first()
    if known is not None:
        return known, Authorization(
            known.authorization, authorization.parent_id_tag, authorization.expires_at
        )
    _close_forgotten(charger, evse_id, at)
    if tag and authorization.status == ACCEPTED and _is_busy(tag):
        authorization = Authorization("ConcurrentTx", tag.parent_id_tag, tag.expires_at)
    begun = Transaction.objects.create(
        charger=charger,
        evse_id=evse_id,
        id_tag=id_tag,
        authorization=authorization.status,
        started_at=at,
        meter_start_wh=meter_start_wh,
    )
    begun.transaction_id = str(begun.pk)
    _free_id(charger, begun.transaction_id)
    begun.save(update_fields=["transaction_id"])
    return begun, authorization


def _free_id(charger: Charger, transaction_id: str) -> None:
    """An end that was kept under an id of another CSMS gives way to the real owner."""
    kept = charger.transactions.filter(transaction_id=transaction_id, evse_id=0)
    if kept.update(transaction_id=f"other {transaction_id}"):
        _find_transaction.cache_clear()


def _is_busy(tag: IdTag) -> bool:
    """Whether a transaction of this id tag runs, and it may have only one."""
    if tag.allows_concurrent:
        return False
    running = Transaction.objects.alias(key=Lower("id_tag")).filter(
        charger__organization_id=tag.organization_id,
        key=tag.id_tag.lower(),
        authorization=ACCEPTED,
        stopped_at=None,
    )
    return running.exists()


def _close_forgotten(charger: Charger, evse_id: int, at: datetime) -> None:
    """End the connector's open transactions: it has begun another, so they are over."""
    for row in charger.transactions.filter(evse_id=evse_id, stopped_at=None):
        _presume_stopped(row, at)


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
        _presume_stopped(row, row.charger.booted_at)
    return len(rows)


def _presume_stopped(row: Transaction, at: datetime) -> None:
    """End a transaction whose StopTransaction has not come: without a reason.

    The last meter value tells what it delivered. Should its StopTransaction come after
    all, that counts.
    """
    values = row.meter_values.order_by("-timestamp")[:VALUES_SEARCHED]
    readings = (value.energy_wh for value in values)
    energy = next((reading for reading in readings if reading is not None), None)
    row.stopped_at = at
    row.meter_stop_wh = row.meter_start_wh if energy is None else round(energy)
    row.save(update_fields=["stopped_at", "meter_stop_wh"])


@transaction.atomic(savepoint=False)  # many share a group commit
def stop_transaction(
    charger: Charger,
    *,
    transaction_id: str,
    meter_stop_wh: int,
    at: datetime,
    reason: str,
    id_tag: str = "",
    meter_values: Sequence[Mapping[str, Any]] = (),
) -> Authorization | None:
    """Record the end of a transaction; the verdict on its id tag, if it names one.

    A repeated StopTransaction changes nothing; that of a transaction which nobody knows
    is kept as a transaction of its own, at EVSE 0: energy was delivered.
    """
    row = charger.transactions.filter(transaction_id=transaction_id).first()
    if row is None:
        row = _unknown_transaction(charger, at, meter_stop_wh, meter_values)
        row.transaction_id = transaction_id
        row.stop_reason, row.stop_id_tag, row.id_tag = reason, id_tag, id_tag
        row.save(force_insert=True)
        _add_meter_values(charger, row.evse_id, row.pk, meter_values)
    elif row.is_open or not row.stop_reason:  # or its end was only presumed
        row.stopped_at = at
        row.meter_stop_wh = meter_stop_wh
        row.stop_reason = reason
        row.stop_id_tag = id_tag
        row.save(
            update_fields=["stopped_at", "meter_stop_wh", "stop_reason", "stop_id_tag"]
        )
        _add_meter_values(charger, row.evse_id, row.pk, meter_values)
    return authorize(charger, id_tag) if id_tag else None


def _unknown_transaction(
    charger: Charger,
    at: datetime,
    meter_stop_wh: int,
    meter_values: Sequence[Mapping[str, Any]],
) -> Transaction:
    """The end of a transaction that began before us, or elsewhere.

    Its own meter values tell when it began, if it sent them along.
    """
    readings = [(at, meter_stop_wh)]
    for value in meter_values:
        row = MeterValue(sampled_values=value["sampledValue"])
        if row.energy_wh is not None:
            readings.append((parse_time(value["timestamp"]), round(row.energy_wh)))
    started_at, meter_start_wh = min(readings)
    return Transaction(
        charger=charger,
        evse_id=0,
        connector_id=0,
        started_at=started_at,
        meter_start_wh=meter_start_wh,
        stopped_at=at,
        meter_stop_wh=meter_stop_wh,
    )


def record_meter_values(
    charger: Charger,
    *,
    evse_id: int,
    transaction_id: str,
    meter_values: Sequence[Mapping[str, Any]],
) -> None:
    """Keep meter values as OCPP has them: ``{timestamp, sampledValue}`` each."""
    row_key = (
        _key_of_transaction(charger.pk, transaction_id) if transaction_id else None
    )
    _add_meter_values(charger, evse_id, row_key, meter_values)


def _key_of_transaction(charger_id: str, transaction_id: str) -> int | None:
    """The row of a transaction, looked up once: it never changes."""
    try:
        return _find_transaction(charger_id, transaction_id)
    except Transaction.DoesNotExist:
        return None


@lru_cache(maxsize=50_000)
def _find_transaction(charger_id: str, transaction_id: str) -> int:
    found = Transaction.objects.filter(
        charger_id=charger_id, transaction_id=transaction_id
    )
    return found.values_list("pk", flat=True).get()


def _add_meter_values(
    charger: Charger,
    evse_id: int,
    transaction_key: int | None,
    meter_values: Iterable[Mapping[str, Any]],
) -> None:
    insert_rows(
        MeterValue,
        _METER_VALUE_COLUMNS,
        [
            (
                charger.pk,
                transaction_key,
                evse_id,
                1,
                parse_time(value["timestamp"]),
                value["sampledValue"],
            )
            for value in meter_values
        ],
    )


def open_transaction(
    charger: Charger, *, transaction_id: str | None = None, evse_id: int | None = None
) -> Transaction | None:
    """The running transaction with this id, or on this EVSE, or the first there is."""
    running = charger.transactions.filter(stopped_at=None)
    if transaction_id is not None:
        running = running.filter(transaction_id=transaction_id)
    if evse_id is not None:
        running = running.filter(evse_id=evse_id)
    return running.order_by("evse_id", "id").first()
