"""What chargers say of themselves: boots, statuses, the message log, saved states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from chargers.choices import BootPolicy
from chargers.models import (
    Charger,
    Connector,
    Message,
    OperatorRequest,
    VirtualChargerState,
)
from chargers.rows import insert_rows, update_rows, upsert_rows

LINES_LIMIT = 1000  # frames of one file of diagnostics

_FRAME_FIELDS = (
    "charger",
    "direction",
    "action",
    "message_type",
    "text",
    "timestamp",
)

_STATUS_FIELDS = (
    "charger",
    "evse_id",
    "connector_id",
    "status",
    "error_code",
    "info",
    "status_at",
)


@dataclass(frozen=True, slots=True)
class BootVerdict:
    """What a BootNotification is answered; ``interval`` 0 means the default."""

    status: str
    interval: int

    @property
    def is_accepted(self) -> bool:
        return self.status == BootPolicy.ACCEPTED


@dataclass(frozen=True, slots=True)
class Boot:
    """A BootNotification."""

    charger: Charger
    data: Mapping[str, Any]
    at: datetime


@transaction.atomic(savepoint=False)  # many share a group commit
def record_boots(boots: Sequence[Boot]) -> list[BootVerdict]:
    """Keep BootNotifications, and say what each charger's policy answers it."""
    policies = Charger.objects.filter(pk__in={boot.charger.pk for boot in boots})
    verdicts = {
        pk: BootVerdict(status, interval)
        for pk, status, interval in policies.values_list(
            "pk", "boot_policy", "boot_interval"
        )
    }
    known = {boot.charger.pk: boot for boot in boots if boot.charger.pk in verdicts}
    accepted = [b for pk, b in known.items() if verdicts[pk].is_accepted]
    update_rows(Charger, ("boot", "id"), [[b.data, pk] for pk, b in known.items()])
    update_rows(Charger, ("booted_at", "id"), [[b.at, b.charger.pk] for b in accepted])
    update_rows(
        Charger,
        ("is_online", "link_detail", "id"),
        [
            (
                verdicts[pk].is_accepted,
                ""
                if verdicts[pk].is_accepted
                else f"Its boot is answered {verdicts[pk].status}.",
                pk,
            )
            for pk, boot in known.items()
            if not boot.charger.is_virtual
        ],
    )
    removed = BootVerdict(BootPolicy.REJECTED, 0)
    return [verdicts.get(boot.charger.pk, removed) for boot in boots]


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A connector's status, as its charger reports it."""

    charger: Charger
    evse_id: int
    connector_id: int
    status: str
    at: datetime
    error_code: str = ""
    info: str = ""


def record_statuses(reports: Sequence[StatusReport]) -> list[None]:
    """Keep the last status of each connector."""
    upsert_rows(
        Connector,
        _STATUS_FIELDS,
        [
            (
                report.charger.pk,
                report.evse_id,
                report.connector_id,
                report.status,
                "" if report.error_code == "NoError" else report.error_code,
                report.info,
                report.at,
            )
            for report in reports
        ],
        unique=_STATUS_FIELDS[:3],
    )
    return [None] * len(reports)


class Frame(NamedTuple):
    """A row of the OCPP message log."""

    charger_id: str
    direction: str
    action: str
    message_type: int | None
    text: str
    timestamp: datetime


def record_messages(frames: Sequence[Frame]) -> None:
    """Add to the OCPP message log."""
    insert_rows(Message, _FRAME_FIELDS, frames)


def message_lines(
    charger_id: str, since: datetime | None, until: datetime | None
) -> list[str]:
    """The last frames of a charger between two moments, oldest first, as text."""
    frames = Message.objects.filter(charger=charger_id)
    if since is not None:
        frames = frames.filter(timestamp__gte=since)
    if until is not None:
        frames = frames.filter(timestamp__lte=until)
    last = frames.values_list("timestamp", "direction", "text")[:LINES_LIMIT]
    return [f"{at.isoformat()} {way} {text}" for at, way, text in reversed(last)]


def delete_old_messages(before: datetime) -> None:
    """Drop messages past their retention."""
    Message.objects.filter(timestamp__lt=before).delete()


def delete_old_requests(before: datetime) -> None:
    """Drop requests of operators past their retention."""
    OperatorRequest.objects.filter(asked_at__lt=before).delete()


@dataclass(frozen=True, slots=True)
class SavedState:
    """What a virtual charger wants kept, and the process that runs it."""

    charger_id: str
    holder: str
    data: dict[str, Any]


@transaction.atomic(savepoint=False)  # many share a group commit
def save_virtual_states(states: Sequence[SavedState]) -> list[None]:
    """Keep the last state of each charger, unless another process holds it by now."""
    last = {state.charger_id: state for state in states}
    held = _held_chargers(list(last), list({state.holder for state in states}))
    now = timezone.now()
    upsert_rows(
        VirtualChargerState,
        ("charger", "data", "updated_at"),
        [(pk, last[pk].data, now) for pk in held],
        unique=("charger",),
    )
    return [None] * len(states)


def _held_chargers(charger_ids: Sequence[str], holders: Sequence[str]) -> list[str]:
    """Those of the chargers that one of these processes holds.

    Plain SQL, as this comes with every transaction message: an ORM query takes longer
    to build than to run.
    """
    ids, names = (", ".join(["%s"] * len(each)) for each in (charger_ids, holders))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM chargers_charger WHERE id IN ({ids}) "  # noqa: S608
            f"AND holder_id IN ({names})",
            [*charger_ids, *holders],
        )
        return [pk for (pk,) in cursor.fetchall()]


def virtual_states(charger_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The states last saved, by charger; a charger that never ran has none."""
    saved = VirtualChargerState.objects.filter(pk__in=charger_ids)
    return dict(saved.values_list("pk", "data"))
