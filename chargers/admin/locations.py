"""Where chargers stand."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from chargers import services
from chargers.models import Location
from ocpplab.admin import ScopedRelatedFilter, ValuesFilter
from ocpplab.html import badge

from .location_pages import LocationPages


@admin.register(Location)
class LocationAdmin(LocationPages):
    menu = ("Operations", 2)
    empty_list = "Add one, and then the chargers that stand there."
    list_display = [
        "name",
        "city",
        "country",
        "organization",
        "charger_count",
        "online_count",
    ]
    list_filter = [
        ("organization", ScopedRelatedFilter),
        ("country", ValuesFilter),
        "public",
    ]
    list_select_related = ["organization"]
    search_fields = ["name", "slug", "city", "address"]
    ordering = ["name"]
    export_columns = {
        "name": "name",
        "location_id": "id",
        "slug": "slug",
        "organization": "organization.slug",
        "address": "address",
        "city": "city",
        "country": "country",
        "latitude": "latitude",
        "longitude": "longitude",
        "timezone": "timezone",
        "owner_name": "owner_name",
        "public": "public",
        "status": "status",
        "chargers": "charger_count",
        "online": "online_count",
        "created_at": "created_at",
    }
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
