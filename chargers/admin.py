"""The admin of chargers: where they stand, what they are, what they report.

What operators tell them to do is added by the app ``commands``, which this one does not
know: it registers subclasses of these classes in their place.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ocpplab.access import access_of
from ocpplab.admin import (
    OrganizationScopedAdmin,
    RecordAdmin,
    ScopedRelatedFilter,
    choice_filter,
    moment,
)
from ocpplab.html import badge, energy, power, pretty_json

from . import live, services
from .choices import (
    ChargerKind,
    ConnectorStatus,
    Direction,
    OCPPVersion,
    ProvisioningStatus,
)
from .models import (
    Brand,
    Charger,
    ChargerModel,
    IdTag,
    Location,
    Message,
    MeterValue,
    ProvisioningJob,
    Transaction,
)
from .provisioning import create_charger, results_of
from .templatetags.chargers_live import (
    FRAMES,
    link_badge,
    payload,
    status_badge,
    type_badge,
)

# --- Catalog: the same for all organizations --------------------------------------------


class CatalogAdmin(admin.ModelAdmin):
    """Everybody reads it, superusers change it."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return access_of(request).may_read()

    def has_view_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return access_of(request).may_read()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return access_of(request).is_superuser

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return access_of(request).is_superuser

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return access_of(request).is_superuser


@admin.register(Brand)
class BrandAdmin(CatalogAdmin):
    list_display = ["name", "slug", "model_count"]
    ordering = ["name"]
    search_fields = ["name", "slug"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Brand]:
        return super().get_queryset(request).annotate(model_count=Count("models"))

    @admin.display(description="Models", ordering="model_count")
    def model_count(self, brand: Any) -> int:
        return int(brand.model_count)


@admin.register(ChargerModel)
class ChargerModelAdmin(CatalogAdmin):
    list_display = ["name", "brand", "current_type", "phases", "connectors", "ratings"]
    list_filter = ["current_type", "brand"]
    list_select_related = ["brand"]
    search_fields = ["name", "slug", "brand__name"]

    @admin.display(description="Connectors")
    def connectors(self, model: ChargerModel) -> str:
        return f"{model.connector_count} x {', '.join(model.connector_types)}"

    @admin.display(description="Power per connector")
    def ratings(self, model: ChargerModel) -> str:
        return ", ".join(f"{rating:g} kW" for rating in model.supported_kwh)


# --- Locations --------------------------------------------------------------------------


@admin.register(Location)
class LocationAdmin(OrganizationScopedAdmin):
    list_display = [
        "name",
        "city",
        "country",
        "organization",
        "charger_count",
        "online_count",
    ]
    list_filter = [("organization", ScopedRelatedFilter), "country", "public"]
    list_select_related = ["organization"]
    search_fields = ["name", "slug", "city", "address"]
    ordering = ["name"]
    fieldsets = [
        (None, {"fields": ["organization", "name", "public", "status"]}),
        ("Where", {"fields": ["address", "city", "country", "timezone"]}),
        ("On the map", {"fields": ["latitude", "longitude"]}),
        ("Owner", {"fields": ["owner_name"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Location]:
        online = Count("chargers", filter=Q(chargers__is_online=True))
        return (
            super()
            .get_queryset(request)
            .annotate(charger_count=Count("chargers"), online_count=online)
        )

    @admin.display(description="Chargers", ordering="charger_count")
    def charger_count(self, location: Any) -> int:
        return int(location.charger_count)

    @admin.display(description="Online", ordering="online_count")
    def online_count(self, location: Any) -> SafeString:
        online, all_of_them = location.online_count, location.charger_count
        tone = (
            "idle" if not all_of_them else "good" if online == all_of_them else "warn"
        )
        return badge(f"{online} of {all_of_them}", tone)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        location = self.get_object(request, object_id)
        if location is not None and self.has_view_permission(request, location):
            states = live.charger_states(location.chargers.order_by("identity"))
            extra_context = {"states": states, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    def save_model(
        self, request: HttpRequest, obj: Location, form: Any, change: bool
    ) -> None:
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            services.update_location(obj, changes)
        else:
            obj.pk = services.create_location(**form.cleaned_data).pk

    def delete_model(self, request: HttpRequest, obj: Location) -> None:
        services.delete_location(obj)

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[Location]
    ) -> None:
        for location in queryset:
            services.delete_location(location)


# --- Chargers ---------------------------------------------------------------------------


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

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
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


CHANGEABLE = ("name", "location", "connector_type", "ocpp_version", "ws_url")
start_running = partial(services.set_running, is_running=True)
stop_running = partial(services.set_running, is_running=False)
VERSIONS = [(version.value, version.value) for version in OCPPVersion]
VersionFilter = choice_filter("OCPP version", "ocpp_version", VERSIONS)


@admin.register(Charger)
class ChargerAdmin(OrganizationScopedAdmin):
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
    actions = ["start", "stop", "restart"]
    list_filter = [
        "is_online",
        "connectors__status",
        "kind",
        VersionFilter,
        ("organization", ScopedRelatedFilter),
        ("location", ScopedRelatedFilter),
    ]
    list_select_related = ["organization", "location", "model__brand"]
    search_fields = ["identity", "name", "id", "location__name"]
    autocomplete_fields = ["location", "model"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Charger]:
        return super().get_queryset(request).prefetch_related("connectors")

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
            services.set_running(obj, data["is_enabled"])
        changes = {n: data[n] for n in form.changed_data if n in CHANGEABLE}
        if changes:
            services.update_charger(obj, changes)

    def delete_model(self, request: HttpRequest, obj: Charger) -> None:
        services.delete_charger(obj)

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[Charger]
    ) -> None:
        for charger in queryset:
            services.delete_charger(charger)

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
        do: Callable[[Charger], None],
        done: str,
    ) -> None:
        changed = 0
        for charger in chargers.filter(kind=ChargerKind.VIRTUAL):
            if self.has_change_permission(request, charger):
                do(charger)
                changed += 1
        messages.success(request, f"{changed} virtual chargers are being {done}.")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        charger = self.get_object(request, object_id)
        if charger is not None and self.has_view_permission(request, charger):
            state = live.charger_state(charger)
            extra_context = {"state": state, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description="Link", ordering="is_online")
    def link(self, charger: Charger) -> SafeString:
        return link_badge(charger)

    @admin.display(description="OCPP", ordering="ocpp_version")
    def version(self, charger: Charger) -> str:
        return charger.ocpp_version.removeprefix("OCPP")

    @admin.display(description="Connectors")
    def connector_states(self, charger: Charger) -> SafeString:
        shown = (
            (status_badge(connector.status),)
            for connector in charger.connectors.all()
            if connector.evse_id or connector.status == ConnectorStatus.FAULTED
        )
        return format_html_join(" ", "{}", shown)


# --- Id tags ----------------------------------------------------------------------------


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


# --- What chargers report ---------------------------------------------------------------


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


@admin.register(ProvisioningJob)
class ProvisioningJobAdmin(RecordAdmin):
    """Bulk creates, and how far they are."""

    list_display = [
        "state",
        "location",
        "asked",
        "ready",
        "refused",
        moment("created_at", "Created"),
        moment("provisioned_at", "Ended"),
    ]
    list_display_links = ["state", "location"]
    list_filter = ["status", "created_at"]
    list_select_related = ["location"]
    fields = ["location", "state", "progress", "failures", "created_at"]
    readonly_fields = ["state", "progress", "failures"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        status = ProvisioningStatus
        ended = {
            f"{name}_count": Count(
                "chargers", filter=Q(chargers__provisioning_status=value)
            )
            for name, value in (("ready", status.READY), ("lost", status.FAILED))
        }
        return super().get_queryset(request).annotate(**ended)

    @admin.display(description="State", ordering="status")
    def state(self, job: ProvisioningJob) -> SafeString:
        tone = "good" if job.status == ProvisioningStatus.READY else "busy"
        return badge(job.get_status_display(), tone)

    @admin.display(description="Chargers")
    def asked(self, job: ProvisioningJob) -> int:
        return len(job.items)

    @admin.display(description="Ready")
    def ready(self, job: Any) -> int:
        return int(job.ready_count)

    @admin.display(description="Failed")
    def refused(self, job: Any) -> int:
        return int(job.lost_count) + len(job.failed)

    @admin.display(description="Progress")
    def progress(self, job: Any) -> SafeString:
        done, asked = self.ready(job) + self.refused(job), self.asked(job)
        return format_html(
            '<span id="progress" data-live><progress max="{}" value="{}"></progress> '
            "{} of {} ready, {} failed</span>",
            *(asked, done, self.ready(job), asked, self.refused(job)),
        )

    @admin.display(description="Failures")
    def failures(self, job: ProvisioningJob) -> SafeString:
        _, failed = results_of(job)
        rows = ((item["identity"], item["error"]) for item in failed)
        return format_html_join("", "<div>{}: {}</div>", rows) or SafeString("None.")


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
