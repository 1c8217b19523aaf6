"""What 2.x chargers tell of themselves: variables, which can be set, events, reports."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, Q
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chargers.choices import Mutability, VariableAttribute
from chargers.models import StationEvent, StationReport, Variable
from ocpplab.admin import (
    DateRangeFilter,
    ScopedRelatedFilter,
    choice_filter,
    moment,
)
from ocpplab.html import pretty_json

from .records import OF_CHARGER, ChargerRecordAdmin
from .variable_values import SetsVariables

SHOWN = [
    "charger",
    "component_label",
    "variable_label",
    "attribute",
    "value",
    "unit",
    "data_type",
    "limits",
    "mutability",
    "is_persistent",
    "is_constant",
    "updated_at",
]


@admin.register(Variable)
class VariableAdmin(SetsVariables):
    menu = ("Charger data", 2)
    empty_list = (
        "Chargers of OCPP 2.x report them; the request GetBaseReport asks for it."
    )
    list_display = [
        "variable_label",
        "component_label",
        "charger",
        "attribute",
        "short_value",
        "unit",
        "mutability",
        moment("updated_at", "Told"),
    ]
    list_filter = [
        choice_filter("attribute", "attribute", VariableAttribute.choices),
        choice_filter("mutability", "mutability", Mutability.choices),
        ("charger__location", ScopedRelatedFilter),
        ("charger__organization", ScopedRelatedFilter),
    ]
    search_fields = ["charger__identity", "component", "name"]
    search_help_text = "Part of a charger's identity, or of a component or variable."
    export_columns = {
        **OF_CHARGER,
        "component": "component_label",
        "variable": "variable_label",
        "attribute": "attribute",
        "value": "value",
        "unit": "unit",
        "mutability": "mutability",
        "updated_at": "updated_at",
    }
    fields = (*SHOWN,)

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False

    def get_ordering(self, request: HttpRequest) -> Any:
        return ["charger", *(self.opts.ordering or ())]

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> list[str]:
        can_be_set = isinstance(obj, Variable) and obj.is_writable
        return [name for name in SHOWN if name != "value" or not can_be_set]

    def named(self, word: str) -> Q:
        return Q(component__icontains=word) | Q(name__icontains=word)

    @admin.display(description="Component", ordering="component")
    def component_label(self, variable: Variable) -> str:
        return variable.component_label

    @admin.display(description="Variable", ordering="name")
    def variable_label(self, variable: Variable) -> str:
        return variable.variable_label

    @admin.display(description="Value")
    def short_value(self, variable: Variable) -> str:
        return variable.value[:80]

    @admin.display(description="Unit")
    def unit(self, variable: Variable) -> str:
        return variable.unit or "-"

    @admin.display(description="Type")
    def data_type(self, variable: Variable) -> str:
        return variable.data_type or "not told"

    @admin.display(description="Limits")
    def limits(self, variable: Variable) -> str:
        return variable.limits or "none told"


class StationRecordAdmin(ChargerRecordAdmin):
    """With OCPP data, shown as it is."""

    @admin.display(description="As in OCPP")
    def shown_data(self, row: Any) -> SafeString:
        return format_html("<pre>{}</pre>", pretty_json(row.data))


@admin.register(StationEvent)
class StationEventAdmin(StationRecordAdmin):
    menu = ("Charger data", 3)
    empty_list = "Chargers of OCPP 2.x tell of them."
    list_display = [moment("timestamp", "Time"), "charger", "summary", "action"]
    list_display_links = ["summary"]
    list_filter = [
        ("timestamp", DateRangeFilter),
        ("charger__location", ScopedRelatedFilter),
        ("charger__organization", ScopedRelatedFilter),
    ]
    search_fields = ["charger__identity", "action"]
    search_help_text = "Part of a charger's identity; an OCPP action."
    export_columns = {
        **OF_CHARGER,
        "timestamp": "timestamp",
        "action": "action",
        "summary": "summary",
        "data": "data",
    }
    fields = ["charger", "timestamp", "received_at", "action", "summary", "shown_data"]
    readonly_fields = ["shown_data"]

    def named(self, word: str) -> Q:
        return Q(action__iexact=word)


@admin.register(StationReport)
class StationReportAdmin(StationRecordAdmin):
    menu = ("Charger data", 4)
    empty_list = "Chargers of OCPP 2.x report charging profiles, monitors and the like."
    list_display = ["charger", "kind", "subject", moment("reported_at", "Told")]
    list_display_links = ["subject"]
    list_filter = [
        "kind",
        ("charger__location", ScopedRelatedFilter),
        ("charger__organization", ScopedRelatedFilter),
    ]
    search_fields = ["charger__identity"]
    search_help_text = "Part of a charger's identity."
    export_columns = {
        **OF_CHARGER,
        "kind": "kind",
        "subject": "subject",
        "reported_at": "reported_at",
        "data": "data",
    }
    fields = ["charger", "kind", "subject", "reported_at", "shown_data"]
    readonly_fields = ["shown_data"]
