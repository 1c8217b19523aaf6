"""The admin of organizations, their members and accounts."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from ocpplab.access import access_of
from ocpplab.models import Membership, Organization, User

from .lists import ScopedRelatedFilter
from .scoped import OrganizationScopedAdmin


@admin.register(Organization)
class OrganizationAdmin(OrganizationScopedAdmin):
    organization_path = "pk"
    list_display = ["name", "slug", "created_at"]
    search_fields = ["name", "slug"]
    export_columns = {"name": "name", "slug": "slug", "created_at": "created_at"}

    def organization_id_of(self, obj: Organization) -> int:
        return obj.pk

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> Any:
        """Chargers dial a URL with the slug in it."""
        return ["slug"] if obj else []

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_of(request).is_superuser

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return access_of(request).is_superuser


@admin.register(Membership)
class MembershipAdmin(OrganizationScopedAdmin):
    list_display = ["user", "organization", "role"]
    list_filter = [("organization", ScopedRelatedFilter), "role"]
    list_select_related = ["user", "organization"]
    search_fields = ["user__username"]
    export_columns = {
        "user": "user.username",
        "organization": "organization.slug",
        "role": "role",
    }

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "user"] if obj else fields

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        """A user is typed by name: a list would show other organizations' people."""
        if db_field.name == "user":
            return forms.ModelChoiceField(
                User.objects.filter(is_active=True),
                to_field_name="username",
                widget=forms.TextInput,
                help_text="User name of an existing account.",
                error_messages={"invalid_choice": "There is no such account."},
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(User)
class UserAdmin(OrganizationScopedAdmin, DjangoUserAdmin):
    """Accounts. Superusers make them; an admin sees those of their organization."""

    list_display = ["username", "first_name", "last_name", "is_staff"]
    list_filter = ["is_staff", "is_superuser", "is_active"]
    filter_horizontal = ()
    export_columns = {
        "username": "username",
        "first_name": "first_name",
        "last_name": "last_name",
        "email": "email",
        "active": "is_active",
        "superuser": "is_superuser",
        "last_login": "last_login",
        "date_joined": "date_joined",
    }
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("Person", {"fields": ["first_name", "last_name", "email"]}),
        ("Access", {"fields": ["is_active", "is_staff", "is_superuser"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "fields": [
                    "username",
                    "usable_password",
                    "password1",
                    "password2",
                    "is_staff",
                ],
                "description": "Staff sign in here; what they see and may do there "
                "follows from their memberships.",
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        users = admin.ModelAdmin.get_queryset(self, request)
        access = access_of(request)
        if access.is_superuser:
            return users
        memberships = access.scope(
            Membership.objects.all(), "organization", to_change=True
        )
        return users.filter(pk__in=memberships.values("user"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if access_of(request).is_superuser:
            return super().get_fieldsets(request, obj)
        return [
            (None, {"fields": ["username", "first_name", "last_name", "last_login"]})
        ]

    def has_view_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return access_of(request).may_change()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_of(request).is_superuser

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return access_of(request).is_superuser
