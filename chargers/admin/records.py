"""Id tags, and what chargers report: transactions, meter values, messages."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chargers.choices import Direction
from chargers.models import IdTag, Message, MeterValue, Transaction
from chargers.templatetags.chargers_live import FRAMES, payload, type_badge
from ocpplab.admin import (
    OrganizationScopedAdmin,
    RecordAdmin,
    ScopedRelatedFilter,
    choice_filter,
    moment,
)
from ocpplab.html import badge, energy, power, pretty_json


@admin.register(IdTag)
class IdTagAdmin(OrganizationScopedAdmin):
    list_display = [
        "id_tag",
        "parent_id_tag",
        "organization",
        "is_blocked",
        "expires_at",
        "allows_concurrent",
    ]
    list_filter = [("organization", ScopedRelatedFilter), "is_blocked"]
    list_select_related = ["organization"]
    search_fields = ["id_tag", "parent_id_tag"]


class ChargerRecordAdmin(RecordAdmin):
    """A record of a charger."""

    organization_path = "charger__organization"
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("charger")


@admin.register(Transaction)
class TransactionAdmin(ChargerRecordAdmin):
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
    list_filter = [("stopped_at", admin.EmptyFieldListFilter), "started_at"]
    date_hierarchy = "started_at"
    search_fields = ["=transaction_id", "id_tag", "charger__identity"]

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
    list_display = [
        moment("timestamp", "Time"),
        "charger",
        "evse_id",
        "transaction",
        "power",
        "meter",
    ]
    list_filter = ["timestamp"]
    search_fields = ["=charger__identity", "=transaction__transaction_id"]
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

    @admin.display(description="Power")
    def power(self, value: MeterValue) -> str:
        return power(value.power_w)

    @admin.display(description="Meter")
    def meter(self, value: MeterValue) -> str:
        return energy(value.energy_wh)

    @admin.display(description="Sampled values")
    def samples(self, value: MeterValue) -> SafeString:
        return format_html("<pre>{}</pre>", pretty_json(value.sampled_values))


FrameFilter = choice_filter(
    "type",
    "message_type",
    [(str(number), name) for number, (name, _) in FRAMES.items()],
)


@admin.register(Message)
class MessageAdmin(ChargerRecordAdmin):
    list_display = [
        moment("timestamp", "Time"),
        "charger",
        "way",
        "action",
        "type",
        "short_text",
    ]
    list_filter = ["direction", FrameFilter, "timestamp"]
    search_fields = ["=charger__identity", "=action"]
    search_help_text = "A charger's identity or an OCPP action, in full."
    fields = ["charger", "timestamp", "direction", "action", "type", "frame"]
    readonly_fields = ["type", "frame"]

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
