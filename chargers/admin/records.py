"""What chargers report: transactions, meter values, messages."""

import json
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chargers.choices import Direction
from chargers.models import Charger, Message, MeterValue, Transaction
from chargers.ocpp.schemas import actions
from chargers.ocpp.versions import Version
from chargers.templatetags.chargers_live import FRAMES, payload, type_badge
from ocpplab.access import access_of
from ocpplab.admin import (
    DateRangeFilter,
    RecordAdmin,
    ScopedRelatedFilter,
    choice_filter,
    moment,
)
from ocpplab.html import badge, energy, power, pretty_json

NAMED = 5000  # chargers that a searched word names at most

# The first columns of each export of records.
OF_CHARGER = {
    "charger": "charger.identity",
    "charger_id": "charger_id",
    "location": "charger.location.name",
}


class OpenFilter(admin.EmptyFieldListFilter):
    """Transactions that run, or have ended."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "state"

    def choices(self, changelist: Any) -> Iterator[Any]:
        texts = ("All", "Open", "Ended")
        for choice, text in zip(super().choices(changelist), texts, strict=True):
            yield {**choice, "display": text}


# Those of OCPP 1.6, which 2.x kept, and what an EV or a limit gives as one in 2.x.
REASONS = (
    *("Local", "Remote", "EVDisconnected", "DeAuthorized", "EmergencyStop"),
    *("PowerLoss", "Reboot", "HardReset", "SoftReset", "UnlockCommand", "Other"),
    *("StoppedByEV", "TimeLimitReached", "EnergyLimitReached", "SOCLimitReached"),
)
ReasonFilter = choice_filter(
    "stop reason", "stop_reason", [(reason, reason) for reason in REASONS]
)


class ChargerRecordAdmin(RecordAdmin):
    """A record of a charger."""

    organization_path = "charger__organization"
    ordering = ("-id",)
    export_related = ("charger__location",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("charger")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Each word names chargers, or else what ``named`` finds.

        Chargers are looked up first: an OR over both tables would read all records.
        """
        mine = access_of(request).scope(Charger.objects.all(), "organization")
        for word in search_term.split():
            chargers = mine.filter(Q(identity__icontains=word) | Q(pk=word))
            if ids := list(chargers.order_by().values_list("pk", flat=True)[:NAMED]):
                queryset = queryset.filter(charger__in=ids)
            else:
                queryset = queryset.filter(self.named(word))
        return queryset, False

    def named(self, word: str) -> Q:
        """The records that a word means which is part of no charger's identity."""
        return Q(pk__in=[])


def _duration_s(row: Transaction) -> float | None:
    return (row.stopped_at - row.started_at).total_seconds() if row.stopped_at else None


@admin.register(Transaction)
class TransactionAdmin(ChargerRecordAdmin):
    menu = ("Operations", 3)
    empty_list = "Start a session on a charger or a whole location."
    list_display = [
        "__str__",
        "charger",
        "evse_id",
        "id_tag",
        "authorization",
        "state",
        moment("started_at", "Started"),
        moment("stopped_at", "Stopped"),
        "energy",
    ]
    list_filter = [
        ("stopped_at", OpenFilter),
        ("started_at", DateRangeFilter),
        ReasonFilter,
        ("charger__location", ScopedRelatedFilter),
        ("charger__organization", ScopedRelatedFilter),
    ]
    search_fields = ["charger__identity", "transaction_id", "id_tag"]
    search_help_text = "Part of a charger's identity or an id tag; a transaction's id."
    export_columns = {
        **OF_CHARGER,
        "transaction_id": "transaction_id",
        "evse_id": "evse_id",
        "connector_id": "connector_id",
        "id_tag": "id_tag",
        "authorization": "authorization",
        "started_at": "started_at",
        "stopped_at": "stopped_at",
        "duration_s": _duration_s,
        "meter_start_wh": "meter_start_wh",
        "meter_stop_wh": "meter_stop_wh",
        "energy_wh": "energy_wh",
        "stop_reason": "stop_reason",
        "stop_id_tag": "stop_id_tag",
    }

    def named(self, word: str) -> Q:
        return Q(transaction_id=word) | Q(id_tag__icontains=word)

    @admin.display(description="State", ordering="stopped_at")
    def state(self, row: Transaction) -> SafeString:
        if row.is_open:
            return badge("open", "charge")
        return badge(row.stop_reason or "ended", "idle")

    @admin.display(description="Energy")
    def energy(self, row: Transaction) -> str:
        return energy(row.energy_wh)


@admin.register(MeterValue)
class MeterValueAdmin(ChargerRecordAdmin):
    menu = ("Charger data", 1)
    empty_list = "Chargers send them while they charge."
    list_display = [
        moment("timestamp", "Time"),
        "charger",
        "evse_id",
        "transaction",
        "power",
        "meter",
    ]
    list_filter = [("timestamp", DateRangeFilter)]
    search_fields = ["charger__identity", "transaction__transaction_id"]
    search_help_text = "Part of a charger's identity; a transaction's id."
    export_columns = {
        **OF_CHARGER,
        "timestamp": "timestamp",
        "evse_id": "evse_id",
        "connector_id": "connector_id",
        "transaction_id": "transaction.transaction_id",
        "power_w": "power_w",
        "offered_w": "offered_w",
        "energy_wh": "energy_wh",
        "sampled_values": "sampled_values",
    }
    fields = [
        "charger",
        "evse_id",
        "connector_id",
        "transaction",
        "timestamp",
        "samples",
    ]
    readonly_fields = ["samples"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("transaction")

    def named(self, word: str) -> Q:
        return Q(transaction__transaction_id=word)

    @admin.display(description="Power")
    def power(self, value: MeterValue) -> str:
        return power(value.power_w)

    @admin.display(description="Meter")
    def meter(self, value: MeterValue) -> str:
        return energy(value.energy_wh)

    @admin.display(description="Sampled values")
    def samples(self, value: MeterValue) -> SafeString:
        return format_html("<pre>{}</pre>", pretty_json(value.sampled_values))


def frame_of(message: Message) -> Any:
    """The frame as JSON; as text where it is none."""
    try:
        return json.loads(message.text)
    except ValueError:
        return message.text


FrameFilter = choice_filter(
    "type",
    "message_type",
    [(str(number), name) for number, (name, _) in FRAMES.items()],
)


@admin.register(Message)
class MessageAdmin(ChargerRecordAdmin):
    menu = ("Operations", 5)
    empty_list = "Every OCPP frame of a charger is written down here as it passes."
    list_display = [
        moment("timestamp", "Time"),
        "charger",
        "way",
        "action",
        "type",
        "short_text",
    ]
    list_filter = [("timestamp", DateRangeFilter), "direction", FrameFilter]
    search_fields = ["charger__identity", "action"]
    search_help_text = "Part of a charger's identity; an OCPP action in full."
    fields = ["charger", "timestamp", "direction", "action", "type", "frame"]
    readonly_fields = ["type", "frame"]
    export_columns = {
        **OF_CHARGER,
        "timestamp": "timestamp",
        "direction": "direction",
        "action": "action",
        "message_type": "message_type",
        "frame": frame_of,
    }

    def named(self, word: str) -> Q:
        known = {name.lower(): name for v in Version for name in actions(v)}
        return Q(action=known.get(word.lower(), word))

    @admin.display(description="Direction", ordering="direction")
    def way(self, message: Message) -> SafeString:
        tone = "idle" if message.direction == Direction.TO_CSMS else "busy"
        return badge(message.get_direction_display(), tone)

    @admin.display(description="Type", ordering="message_type")
    def type(self, message: Message) -> SafeString:
        return type_badge(message)

    @admin.display(description="Frame")
    def short_text(self, message: Message) -> str:
        return payload(message)[:300]

    @admin.display(description="Frame")
    def frame(self, message: Message) -> SafeString:
        return format_html("<pre>{}</pre>", pretty_json(message.text))
