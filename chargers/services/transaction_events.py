"""Transactions of 2.x chargers: what their TransactionEvents tell (2.0.1, E).

The station makes the transaction's id and numbers its events. They may come late, in any
order and more than once: each counts once, and what was measured tells the energy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower

from chargers.models import Charger, IdTag, MeterValue, Transaction
from chargers.rows import update_rows

from .finding import find_transactions, wait_for_others
from .id_tags import ACCEPTED, Authorization, Token, find_id_tags
from .meter_values import MeterReport, Reading, add_meter_values
from .transactions import VALUES_SEARCHED, presume_stopped

STARTED, UPDATED, ENDED = "Started", "Updated", "Ended"
CONCURRENT = "ConcurrentTx"
# Who presents a token then wants to end the transaction (2.0.1, TriggerReasonEnumType).
ENDING = ("StopAuthorized", "Deauthorized")

_CHANGED = (
    "evse_id",
    "connector_id",
    "id_tag",
    "authorization",
    "started_at",
    "meter_start_wh",
    "stopped_at",
    "meter_stop_wh",
    "stop_reason",
    "stop_id_tag",
    "charging_state",
    "remote_start_id",
    "reservation_id",
    "seq_no",
    "missing_seq_nos",
    "last_event_at",
    "details",
    "id",
)


@dataclass(frozen=True, slots=True)
class TransactionEvent:
    """A TransactionEventRequest; ``details`` is what has no column of its own."""

    charger: Charger
    transaction_id: str
    kind: str
    trigger: str
    seq_no: int
    at: datetime
    evse_id: int | None = None
    connector_id: int | None = None
    token: Token | None = None
    charging_state: str = ""
    stop_reason: str = "Local"
    remote_start_id: int | None = None
    reservation_id: int | None = None
    meter_values: Sequence[Reading] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        return self.charger.pk, self.transaction_id


@transaction.atomic(savepoint=False)  # many share a group commit
def record_transaction_events(
    events: Sequence[TransactionEvent],
) -> list[Authorization | None]:
    """Keep what events tell of their transactions; the verdict on the token of each
    that presents one.

    The usual ones, of running transactions, are written together; those that begin or
    end one, or come out of their order, one by one.
    """
    wait_for_others({event.charger.pk for event in events})
    rows = find_transactions(event.key for event in events)
    tags = find_id_tags(event.token.presented for event in events if event.token)
    usual: list[tuple[TransactionEvent, Transaction]] = []
    verdicts: list[Authorization | None] = []
    for event in events:
        row = rows.get(event.key)
        if row is not None and _is_usual(event, row):
            _tell(event, row)
            usual.append((event, row))
            verdicts.append(None)
            continue
        _write(usual)
        usual.clear()
        if row is None:
            row = rows[event.key] = _new_transaction(event)
        verdict = _verdict(event.token, row, tags) if event.token else None
        if _is_next(event, row) or _is_late(event, row):
            _take(event, row, verdict, {row.pk: row for row in rows.values()})
        verdicts.append(verdict)
    _write(usual)
    return verdicts


def _is_usual(event: TransactionEvent, row: Transaction) -> bool:
    """Whether it is the next of a running transaction, and presents no token."""
    return (
        event.kind == UPDATED
        and event.token is None
        and event.seq_no - 1 == row.seq_no
        and row.is_open
        and row.meter_start_wh != 0  # which may be: not told yet
    )


def _write(told: Sequence[tuple[TransactionEvent, Transaction]]) -> None:
    """Write transactions as they are now, and what was measured in them."""
    changed = {row.pk: row for _, row in told}
    update_rows(
        Transaction,
        _CHANGED,
        [[getattr(row, name) for name in _CHANGED] for row in changed.values()],
    )
    add_meter_values(
        (MeterReport(event.charger, row.evse_id, event.meter_values), row.pk)
        for event, row in told
    )


def _new_transaction(event: TransactionEvent) -> Transaction:
    return Transaction.objects.create(
        charger=event.charger,
        transaction_id=event.transaction_id,
        evse_id=0,
        connector_id=0,
        started_at=event.at,
        seq_no=-1,
    )


def _take(
    event: TransactionEvent,
    row: Transaction,
    verdict: Authorization | None,
    known: Mapping[int, Transaction],
) -> None:
    """Tell a transaction of an event, and write what follows from it."""
    _tell(event, row)
    if event.token is not None and verdict is not None:
        if event.kind == ENDED or event.trigger in ENDING:
            row.stop_id_tag = event.token.id_tag
        elif event.kind == STARTED or not row.id_tag:
            row.id_tag, row.authorization = event.token.id_tag, verdict.status
    _write([(event, row)])
    if event.kind == STARTED and row.evse_id:
        _close_forgotten(row, known)
    _read_meter(row)


def _tell(event: TransactionEvent, row: Transaction) -> None:
    is_next = _is_next(event, row)
    _note_seq_no(row, event.seq_no)
    if event.kind == STARTED or (_lacks_beginning(row) and event.at < row.started_at):
        row.started_at = event.at
    if event.evse_id is not None and not row.evse_id:
        row.evse_id, row.connector_id = event.evse_id, event.connector_id or 1
    if event.remote_start_id is not None:
        row.remote_start_id = event.remote_start_id
    if event.reservation_id is not None:
        row.reservation_id = event.reservation_id
    if row.last_event_at is None or event.at > row.last_event_at:
        row.last_event_at = event.at
    if is_next:
        row.charging_state = event.charging_state or row.charging_state
        row.details = {**row.details, **event.details}
    else:  # a later event has told better
        row.charging_state = row.charging_state or event.charging_state
        row.details = {**event.details, **row.details}
    if event.kind == ENDED:
        row.stopped_at, row.stop_reason = event.at, event.stop_reason
    elif row.stopped_at and not row.stop_reason and event.at > row.stopped_at:
        row.stopped_at = row.meter_stop_wh = None  # its end was only presumed


# --- Sequence numbers -----------------------------------------------------------------


def _is_next(event: TransactionEvent, row: Transaction) -> bool:
    """Whether it comes after all that were told.

    So does one that has a number again, but happened later: not all stations count.
    """
    if row.seq_no is None or event.seq_no > row.seq_no:
        return True
    is_over = not row.is_open and row.stop_reason != ""
    told_until = row.last_event_at
    return not is_over and told_until is not None and event.at > told_until


def _is_late(event: TransactionEvent, row: Transaction) -> bool:
    """Whether it is one of those that were missing."""
    return any(first <= event.seq_no <= end for first, end in row.missing_seq_nos)


def _note_seq_no(row: Transaction, seq_no: int) -> None:
    last = -1 if row.seq_no is None else row.seq_no
    gaps = row.missing_seq_nos
    if seq_no > last:
        gaps = [*gaps, [last + 1, seq_no - 1]]
        row.seq_no = seq_no
    else:
        gaps = [
            part
            for first, end in gaps
            for part in (
                [[first, seq_no - 1], [seq_no + 1, end]]
                if first <= seq_no <= end
                else [[first, end]]
            )
        ]
    row.missing_seq_nos = [[first, end] for first, end in gaps if first <= end]


def _lacks_beginning(row: Transaction) -> bool:
    return bool(row.missing_seq_nos) and row.missing_seq_nos[0][0] == 0


# --- Other transactions, and the meter ------------------------------------------------


def _close_forgotten(begun: Transaction, known: Mapping[int, Transaction]) -> None:
    """End what was open on the EVSE before: it has begun another, so that is over."""
    earlier = Transaction.objects.filter(
        charger=begun.charger_id,
        evse_id=begun.evse_id,
        stopped_at=None,
        started_at__lt=begun.started_at,
    )
    for row in earlier.exclude(pk=begun.pk):
        presume_stopped(known.get(row.pk, row), begun.started_at)


def _read_meter(row: Transaction) -> None:
    """Where its register stood at the beginning, and at the end if it has ended."""
    values = MeterValue.objects.filter(transaction=row).order_by("timestamp", "id")
    row.meter_start_wh = round(_first_reading(values) or 0)
    if not row.is_open:
        end = _first_reading(values.reverse())
        row.meter_stop_wh = row.meter_start_wh if end is None else round(end)
    row.save(update_fields=["meter_start_wh", "meter_stop_wh"])


def _first_reading(values: QuerySet[MeterValue]) -> float | None:
    """The energy register in the first of these values that tells it, Wh."""
    readings = (value.energy_wh for value in values[:VALUES_SEARCHED])
    return next((reading for reading in readings if reading is not None), None)


# --- Authorization --------------------------------------------------------------------


def _verdict(
    token: Token, row: Transaction, tags: Mapping[tuple[int, str], IdTag]
) -> Authorization:
    """The verdict on a token presented for a transaction.

    Whether it is in use elsewhere is asked once: when it begins the transaction.
    """
    verdict = token.authorization(tags)
    if verdict.status != ACCEPTED:
        return verdict
    if row.id_tag:
        is_its_own = token.id_tag.lower() == row.id_tag.lower()
        is_refused = is_its_own and row.authorization == CONCURRENT
    else:
        tag = tags.get(token.presented.key)
        is_refused = tag is not None and _is_charging(tag, row)
    if is_refused:
        return Authorization(CONCURRENT, verdict.parent_id_tag, verdict.expires_at)
    return verdict


def _is_charging(tag: IdTag, besides: Transaction) -> bool:
    """Whether another transaction of this id tag runs, and it may have only one."""
    if tag.allows_concurrent:
        return False
    running = Transaction.objects.alias(lower=Lower("id_tag")).filter(
        charger__organization_id=tag.organization_id,
        lower=tag.id_tag.lower(),
        authorization=ACCEPTED,
        stopped_at=None,
    )
    return running.exclude(pk=besides.pk).exists()
