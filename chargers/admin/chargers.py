"""Chargers: made, changed, started and stopped, and their page."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from chargers import services
from chargers.choices import (
    BootPolicy,
    ChargerKind,
    Condition,
    ConnectorStatus,
    OCPPVersion,
)
from chargers.models import Charger, Transaction
from chargers.pages import live
from chargers.pages.selectors import Session, with_condition, with_connector
from chargers.provisioning import create_charger
from chargers.templatetags.chargers_live import link_badge, status_badge
from ocpplab.access import access_of
from ocpplab.admin import ScopedRelatedFilter, choice_filter
from ocpplab.admin.importing import ImportsRows

from .bulk import ManyChargersForm
from .charger_pages import ChargerPages
from .requests import SendsRequests

# How the built-in endpoint meets a charger.
WELCOME = ("security_profile", "boot_policy", "boot_interval")


class ChargerForm(forms.ModelForm):
    """A charger; its password can be set, never seen."""

    password = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Basic authentication. Left empty, nothing is changed.",
    )
    clear_password = forms.BooleanField(
        label="No password", required=False, help_text="Remove the password it has."
    )

    class Meta:
        model = Charger
        fields = "__all__"  # noqa: DJ007, the admin class lists them

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in WELCOME:
            if name in self.fields:
                self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name in WELCOME:
            if name in data and data[name] in (None, ""):
                data[name] = getattr(self.instance, name)
        charger = self.instance
        organization_id = charger.organization_id
        if "organization" in data:
            organization_id = data["organization"].pk
        location, model = data.get("location"), data.get("model") or charger.model
        if location and location.organization_id != organization_id:
            self.add_error("location", "It belongs to another organization.")
        wanted = data.get("connector_type")
        if model and wanted and wanted not in model.connector_types:
            has = ", ".join(model.connector_types)
            self.add_error("connector_type", f"The {model} has {has}.")
        return data


class AddChargerForm(ChargerForm):
    """A new charger; it takes its connectors from its model."""

    clear_password = None  # type: ignore[assignment]
    connector_count = forms.IntegerField(
        label="Connectors",
        required=False,
        min_value=1,
        max_value=255,
        help_text="Empty: as many as the model has, or one.",
    )

    def clean_connector_count(self) -> int:
        model = self.cleaned_data.get("model")
        given: int | None = self.cleaned_data["connector_count"]
        return given or (model.connector_count if model else 1)


CHANGEABLE = (
    "name",
    "location",
    "connector_type",
    "ocpp_version",
    "ws_url",
    *WELCOME,
)
start_running = partial(services.set_running, is_running=True)
stop_running = partial(services.set_running, is_running=False)
VERSIONS = [(version.value, version.value) for version in OCPPVersion]


class ConditionFilter(admin.SimpleListFilter):
    """The chargers by what they are in one word."""

    title = "state"
    parameter_name = "condition"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Condition.choices

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value()
        return with_condition(rows).filter(condition=wanted) if wanted else rows


class ConnectorFilter(admin.SimpleListFilter):
    """The chargers by what one of their connectors is."""

    title = "connector"
    parameter_name = "connector"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(status.value, status.value) for status in ConnectorStatus]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value()
        return with_connector(rows, wanted) if wanted else rows


VersionFilter = choice_filter("OCPP version", "ocpp_version", VERSIONS)


@admin.register(Charger)
class ChargerAdmin(ImportsRows, SendsRequests, ChargerPages):
    menu = ("Operations", 1)
    import_form = ManyChargersForm
    import_title = "Add many chargers"
    import_lead = (
        "Virtual chargers, run by the portal. Each is shown before any is made."
    )
    empty_list = "Add one: a virtual one is run here, a physical one dials the portal."
    form = ChargerForm
    list_display = [
        "identity",
        "link",
        "connector_states",
        "kind",
        "model",
        "location",
        "version",
    ]
    ordering = ["identity"]
    actions = ["accept", "start", "stop", "restart"]
    list_filter = [
        ConditionFilter,
        "is_online",
        ConnectorFilter,
        "kind",
        VersionFilter,
        ("organization", ScopedRelatedFilter),
        ("location", ScopedRelatedFilter),
    ]
    list_select_related = ["organization", "location", "model__brand"]
    search_fields = ["identity", "name", "id", "location__name"]
    autocomplete_fields = ["location", "model"]
    export_related = ("organization", "location", "model__brand")
    export_columns = {
        "identity": "identity",
        "charger_id": "id",
        "name": "name",
        "organization": "organization.slug",
        "location": "location.name",
        "location_id": "location_id",
        "kind": "kind",
        "brand": "model.brand.slug",
        "model": "model.slug",
        "connectors": "connector_count",
        "connector_type": "connector_type",
        "ocpp_version": "ocpp_version",
        "ws_url": "ws_url",
        "running": "is_enabled",
        "online": "is_online",
        "connected_at": "connected_at",
        "disconnected_at": "disconnected_at",
        "link_detail": "link_detail",
        "provisioning_status": "provisioning_status",
        "connector_states": lambda row: _connector_states(row),
        "booted_at": "booted_at",
        "created_at": "created_at",
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Charger]:
        running = Prefetch(
            "transactions", Transaction.objects.filter(stopped_at=None), "running"
        )
        chargers = super().get_queryset(request)
        return chargers.prefetch_related("connectors", running)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs["form"] = AddChargerForm
        return super().get_form(request, obj, change, **kwargs)

    def formfield_for_choice_field(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "ocpp_version":
            kwargs["choices"] = VERSIONS
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        what = [
            "identity",
            "kind",
            "name",
            "model",
            "connector_type",
            "connector_count",
        ]
        link = ["ocpp_version", "ws_url"]
        if self.has_change_permission(request, obj):
            link += ["password", "clear_password"] if obj else ["password"]
        return [
            ("What it is", {"fields": ["organization", *what]}),
            ("Where it stands", {"fields": ["location"]}),
            ("Its link", {"fields": [*link, "is_enabled"] if obj else link}),
            ("At the built-in endpoint", {"fields": WELCOME}),
        ]

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> Any:
        """An identity, once registered, stays what it is."""
        fields = super().get_readonly_fields(request, obj)
        fixed = ["identity", "kind", "model", "connector_count"]
        return [*fields, *fixed] if obj else fields

    def save_model(
        self, request: HttpRequest, obj: Charger, form: Any, change: bool
    ) -> None:
        """Only what was changed: the rest of the row is written by whoever holds it."""
        data = dict(form.cleaned_data)
        if not change:
            obj.pk = create_charger(**data).pk
            return
        if data["password"] or data["clear_password"]:
            services.set_password(obj, data["password"])
            obj.save(update_fields=["password_hash", "password_encrypted"])
        if "is_enabled" in form.changed_data:
            this = Charger.objects.filter(pk=obj.pk)
            services.set_running(this, data["is_enabled"])
        changes = {n: data[n] for n in form.changed_data if n in CHANGEABLE}
        if changes:
            services.update_charger(obj, changes)

    def delete_model(self, request: HttpRequest, obj: Charger) -> None:
        services.delete_charger(obj)

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[Charger]
    ) -> None:
        services.delete_chargers(queryset, queryset.values_list("pk", flat=True))

    @admin.action(description="Accept", permissions=["change"])
    def accept(self, request: HttpRequest, chargers: QuerySet[Charger]) -> None:
        """Have the next BootNotification of chargers accepted that were held pending."""
        accepted = 0
        for charger in chargers.exclude(boot_policy=BootPolicy.ACCEPTED):
            if self.has_change_permission(request, charger):
                services.update_charger(charger, {"boot_policy": BootPolicy.ACCEPTED})
                self.log_change(request, charger, "Its boot is accepted from now on.")
                accepted += 1
        messages.success(request, f"{accepted} chargers are accepted at their boot.")

    @admin.action(description="Start", permissions=["change"])
    def start(self, request: HttpRequest, chargers: QuerySet[Charger]) -> None:
        self._for_each_virtual(request, chargers, start_running, "started")

    @admin.action(description="Stop", permissions=["change"])
    def stop(self, request: HttpRequest, chargers: QuerySet[Charger]) -> None:
        self._for_each_virtual(request, chargers, stop_running, "stopped")

    @admin.action(description="Restart", permissions=["change"])
    def restart(self, request: HttpRequest, chargers: QuerySet[Charger]) -> None:
        self._for_each_virtual(request, chargers, services.restart, "restarted")

    def _for_each_virtual(
        self,
        request: HttpRequest,
        chargers: QuerySet[Charger],
        do: Callable[[QuerySet[Charger]], int],
        done: str,
    ) -> None:
        virtual = chargers.filter(kind=ChargerKind.VIRTUAL)
        mine = access_of(request).scope(virtual, "organization", to_change=True)
        self.log_action_on(request, mine, done)
        changed = do(mine)
        messages.success(request, f"{changed} virtual chargers are being {done}.")

    @admin.display(description="Link", ordering="is_online")
    def link(self, charger: Charger) -> SafeString:
        return link_badge(charger)

    @admin.display(description="OCPP", ordering="ocpp_version")
    def version(self, charger: Charger) -> str:
        return charger.ocpp_version.removeprefix("OCPP")

    @admin.display(description="Connectors")
    def connector_states(self, charger: Charger) -> SafeString:
        shown = ((status_badge(status),) for status in _connector_states(charger))
        return format_html_join(" ", "{}", shown)


def _connector_states(charger: Any) -> list[ConnectorStatus]:
    """Of a charger from the list, with its ``running`` transactions."""
    sessions = [Session(transaction, None) for transaction in charger.running]
    states = live.connector_states(charger.connectors.all(), sessions)
    return [item.status for item in states]
