"""The catalog: the same for all organizations."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest

from chargers.models import Brand, ChargerModel
from ocpplab.access import access_of
from ocpplab.admin import AuditedAdmin


class CatalogAdmin(AuditedAdmin):
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
    menu = ("Setup", 2)
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
    menu = ("Setup", 1)
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
