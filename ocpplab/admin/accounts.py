"""The admin of organizations, their members and accounts."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import UserCreationForm
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from ocpplab.access import access_of
from ocpplab.models import Membership, Organization, Role, User

from .lists import ScopedRelatedFilter
from .scoped import OrganizationScopedAdmin


@admin.register(Organization)
class OrganizationAdmin(OrganizationScopedAdmin):
    menu = ("Administration", 1)
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
    menu = ("Administration", 3)
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
                help_text="User name of an existing account; new ones are made under Users.",
                error_messages={"invalid_choice": "There is no such account."},
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class AddUserForm(UserCreationForm):
    """A new account, with the first organization that it is a member of."""

    organization = forms.ModelChoiceField(Organization.objects.none())
    role = forms.ChoiceField(
        choices=Role.choices,
        initial=Role.OPERATOR,
        help_text="A viewer reads, an operator sends commands as well, an admin changes "
        "everything in the organization.",
    )


@admin.register(User)
class UserAdmin(OrganizationScopedAdmin, DjangoUserAdmin):
    """Accounts. An admin makes and changes those of their own organizations only; one
    that is a member elsewhere too is changed by superusers."""

    menu = ("Administration", 2)
    add_form = AddUserForm
    list_display = ["username", "first_name", "last_name", "roles", "is_active"]
    list_filter = ["is_superuser", "is_active"]
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
    person: Any = ("Person", {"fields": ["first_name", "last_name", "email"]})
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        person,
        ("Access", {"fields": ["is_active", "is_staff", "is_superuser"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "password1", "password2"]}),
        ("Member of", {"fields": ["organization", "role"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        users = admin.ModelAdmin.get_queryset(self, request)
        users = users.prefetch_related("memberships__organization")
        access = access_of(request)
        if access.is_superuser:
            return users
        memberships = access.scope(
            Membership.objects.all(), "organization", to_change=True
        )
        return users.filter(pk__in=memberships.values("user"))

    def get_list_filter(self, request: HttpRequest) -> Any:
        filters = super().get_list_filter(request)
        return filters if access_of(request).is_superuser else ["is_active"]

    def organization_id_of(self, obj: User) -> int | None:
        ids = [membership.organization_id for membership in obj.memberships.all()]
        return min(ids, default=None)

    @admin.display(description="Member of")
    def roles(self, user: User) -> str:
        mine = user.memberships.all()
        text = ", ".join(f"{m.organization} ({m.role})" for m in mine)
        return "everything" if user.is_superuser else text

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if access_of(request).is_superuser or obj is None:
            return super().get_fieldsets(request, obj)
        if not self.has_change_permission(request, obj):
            fields = ["username", "first_name", "last_name", "last_login"]
            return [(None, {"fields": fields})]
        return [
            (None, {"fields": ["username", "password"]}),
            self.person,
            ("Access", {"fields": ["is_active", "last_login"]}),
        ]

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> Any:
        fields = [
            *super().get_readonly_fields(request, obj),
            "last_login",
            "date_joined",
        ]
        if access_of(request).is_superuser or obj is None:
            return fields
        return [*fields, "username"]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None:
            access = access_of(request)
            mine = access.scope(Organization.objects.all(), "pk", to_change=True)
            field: Any = form.base_fields["organization"]
            field.queryset = mine
            field.required = not access.is_superuser
            field.initial = mine.first() if len(mine[:2]) == 1 else None
        return form

    def save_model(
        self, request: HttpRequest, obj: User, form: Any, change: bool
    ) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        obj.is_staff = True  # signs in here
        super().save_model(request, obj, form, change)
        if organization := form.cleaned_data["organization"]:
            role = form.cleaned_data["role"]
            obj.memberships.create(organization=organization, role=role)

    def has_view_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return access_of(request).may_change()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_of(request).may_change()

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        """Whether the account opens no more than what the person is an admin of."""
        access = access_of(request)
        if access.is_superuser or not isinstance(obj, User):
            return access.may_change()
        memberships = list(obj.memberships.all())
        return (
            not obj.is_superuser
            and bool(memberships)
            and all(access.may_change(m.organization_id) for m in memberships)
        )
