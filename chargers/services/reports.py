"""What chargers say of themselves: boots, statuses, the message log, saved states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from chargers.choices import BootPolicy
from chargers.models import (
    Charger,
    Connector,
    Message,
    OperatorRequest,
    VirtualChargerState,
)
from chargers.rows import insert_rows

_FRAME_COLUMNS = (
    "charger",
    "direction",
    "action",
    "message_type",
    "text",
    "timestamp",
)


@dataclass(frozen=True, slots=True)
class BootVerdict:
    """What a BootNotification is answered; ``interval`` 0 means the default."""

    status: str
    interval: int

    @property
    def is_accepted(self) -> bool:
        return self.status == BootPolicy.ACCEPTED


def record_boot(charger: Charger, boot: Mapping[str, Any]) -> BootVerdict:
    """Keep a BootNotification, and say what its charger's policy answers it."""
    row = Charger.objects.filter(pk=charger.pk)
    policy = row.values_list("boot_policy", "boot_interval").first()
    if policy is None:  # removed meanwhile
        return BootVerdict(BootPolicy.REJECTED, 0)
    verdict = BootVerdict(*policy)
    fields: dict[str, Any] = {"boot": dict(boot)}
    if verdict.is_accepted:
        fields["booted_at"] = timezone.now()
    if not charger.is_virtual:
        fields["is_online"] = verdict.is_accepted
        fields["link_detail"] = (
            "" if verdict.is_accepted else f"Its boot is answered {verdict.status}."
        )
    row.update(**fields)
    return verdict


def record_status(
    charger: Charger,
    *,
    evse_id: int,
    connector_id: int,
    status: str,
    error_code: str = "",
    info: str = "",
    at: datetime | None = None,
) -> None:
    """Keep a connector's status as reported."""
    Connector.objects.bulk_create(
        [
            Connector(
                charger=charger,
                evse_id=evse_id,
                connector_id=connector_id,
                status=status,
                error_code="" if error_code == "NoError" else error_code,
                info=info,
                status_at=at or timezone.now(),
            )
        ],
        update_conflicts=True,
        unique_fields=["charger", "evse_id", "connector_id"],
        update_fields=["status", "error_code", "info", "status_at"],
    )


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
    insert_rows(Message, _FRAME_COLUMNS, frames)


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


@transaction.atomic
def save_virtual_states(states: Sequence[SavedState]) -> None:
    """Keep the last state of each charger, unless another process holds it by now."""
    last = {state.charger_id: state for state in states}
    held = Charger.objects.filter(
        pk__in=last, holder__in={state.holder for state in states}
    )
    now = timezone.now()
    VirtualChargerState.objects.bulk_create(
        [
            VirtualChargerState(charger_id=pk, data=last[pk].data, updated_at=now)
            for pk in held.values_list("pk", flat=True)
        ],
        update_conflicts=True,
        unique_fields=["charger"],
        update_fields=["data", "updated_at"],
    )


def virtual_states(charger_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The states last saved, by charger; a charger that never ran has none."""
    saved = VirtualChargerState.objects.filter(pk__in=charger_ids)
    return dict(saved.values_list("pk", "data"))
