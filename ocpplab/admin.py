"""The admin's base classes, and the admin of organizations, people and tokens.

Who sees and may do what follows from memberships alone (``access``), not from Django's
permission table.
"""

from collections.abc import Iterable
from functools import wraps
from typing import Any

import django_rq.admin
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import model_ngettext
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import CASCADE, PROTECT, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.timezone import localtime

from .access import access_of
from .html import badge
from .models import ApiToken, Membership, Organization, User
from .services import create_token

admin.site.site_header = "OCPPLAB Portal"
admin.site.site_title = "OCPPLAB Portal"
admin.site.index_title = "Operations"
admin.site.enable_nav_sidebar = True
# Roles come from memberships: there are no groups.
admin.site.unregister(Group)

COUNTED_ROWS = 10_000  # a list counts no further: COUNT(*) reads the whole table


class CappedPaginator(Paginator):
    """Counts up to COUNTED_ROWS rows; who looks for older ones filters."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return rows.order_by()[:COUNTED_ROWS].count()


class ScopedRelatedFilter(admin.RelatedFieldListFilter):
    """Offers only what the person may see; hidden when that leaves no choice."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[Any, Any]]:
        related = model_admin.admin_site.get_model_admin(field.related_model)
        rows = related.get_queryset(request)
        return [(row.pk, str(row)) for row in rows]

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1


def choice_filter(
    title: str, parameter_name: str, choices: Iterable[tuple[Any, str]]
) -> type[admin.SimpleListFilter]:
    """A filter by the given values; Django's would look for them in all rows."""

    class ChoiceFilter(admin.SimpleListFilter):
        def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
            return list(choices)

        def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
            return (
                rows.filter(**{parameter_name: value})
                if (value := self.value())
                else rows
            )

    ChoiceFilter.title, ChoiceFilter.parameter_name = title, parameter_name
    return ChoiceFilter


def moment(name: str, description: str) -> Any:
    """A column with a time, to the second."""

    @admin.display(description=description, ordering=name)
    def column(obj: Any) -> str:
        at = getattr(obj, name)
        return date_format(localtime(at), "j M Y H:i:s") if at else ""

    return column


class OrganizationScopedAdmin(admin.ModelAdmin):
    """Shows and lets change what belongs to the person's organizations.

    ``organization_path`` leads from the model to its organization. Viewers read,
    operators send commands as well, admins change everything of their organization.
    """

    organization_path = "organization"
    show_full_result_count = False
    list_per_page = 50

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(
            request, {"title": title, **(extra_context or {})}
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return access_of(request).scope(
            super().get_queryset(request), self.organization_path
        )

    def organization_id_of(self, obj: Any) -> int | None:
        """The organization of an object; None while it has none."""
        *path, last = self.organization_path.split("__")
        for name in path:
            obj = getattr(obj, name)
        organization_id: int | None = getattr(obj, f"{last}_id")
        return organization_id

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return access_of(request).may_read(self._asked_about(obj))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_of(request).may_change()

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return access_of(request).may_change(self._asked_about(obj))

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return self.has_change_permission(request, obj)

    def has_command_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return access_of(request).may_command(self._asked_about(obj))

    def _asked_about(self, obj: Model | None) -> int | None:
        """None asks about any organization; an object of none is nobody's (0)."""
        return None if obj is None else self.organization_id_of(obj) or 0

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> Any:
        """What exists stays in its organization."""
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "organization"] if obj and self._has_organization else fields

    @property
    def _has_organization(self) -> bool:
        return any(field.name == "organization" for field in self.opts.fields)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        mine = access_of(request).scope(
            Organization.objects.all(), "pk", to_change=True
        )
        if (
            "organization" not in initial
            and len(ids := mine.values_list("pk")[:2]) == 1
        ):
            initial["organization"] = ids[0][0]
        return initial

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Choices are what the person may see, or, of organizations, change."""
        related = db_field.related_model
        if related is Organization:
            kwargs["queryset"] = access_of(request).scope(
                Organization.objects.all(), "pk", to_change=True
            )
        elif self.admin_site.is_registered(related):
            kwargs["queryset"] = self.admin_site.get_model_admin(related).get_queryset(
                request
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Choosing another object needs no buttons to change that one."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        """What is deleted, counted rather than listed: it may be a million rows.

        Records go with what they belong to, though nobody may delete one by itself.
        """
        forbidden = {
            str(self.opts.verbose_name)
            for obj in objs
            if not self.has_delete_permission(request, obj)
        }
        counts = {model_ngettext(self.opts, len(objs)): len(objs)}
        protected: list[str] = []
        for relation in self.opts.related_objects:
            related = relation.related_model._base_manager.filter(
                **{f"{relation.field.name}__in": objs}
            )
            if relation.on_delete is PROTECT:
                protected += [str(row) for row in related[:20]]
            elif relation.on_delete is CASCADE and (count := related.count()):
                counts[model_ngettext(relation.related_model._meta, count)] = count
        return [str(obj) for obj in objs], counts, forbidden, protected


class RecordAdmin(OrganizationScopedAdmin):
    """What chargers reported or the portal did: read, never added, edited, deleted."""

    paginator = CappedPaginator
    show_facets = admin.ShowFacets.NEVER

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False


@admin.register(Organization)
class OrganizationAdmin(OrganizationScopedAdmin):
    organization_path = "pk"
    list_display = ["name", "slug", "created_at"]
    search_fields = ["name", "slug"]

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


@admin.register(ApiToken)
class ApiTokenAdmin(OrganizationScopedAdmin):
    """Tokens of the REST API: made and revoked here, their secret shown once."""

    list_display = [
        "prefix",
        "name",
        "organization",
        "role",
        "created_by",
        moment("created_at", "Created"),
        moment("last_used_at", "Last used"),
        "state",
    ]
    list_filter = [("organization", ScopedRelatedFilter), "role"]
    list_select_related = ["organization", "created_by"]
    search_fields = ["name", "prefix"]
    fields = ["organization", "name", "role", "expires_at"]
    actions = ["revoke"]

    def has_view_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return self.has_change_permission(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        tokens = super().get_queryset(request)
        return access_of(request).scope(tokens, "organization", to_change=True)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        seen = ["prefix", "created_by", "created_at", "last_used_at", "state"]
        return [*self.fields, *seen] if obj else self.fields

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> Any:
        if obj is None:
            return []
        return [
            "organization",
            "role",
            "prefix",
            "created_by",
            "created_at",
            "last_used_at",
            "state",
        ]

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "organization":
            # Without one it would act in every organization.
            field.required = not access_of(request).is_superuser
        return field

    @admin.display(description="State")
    def state(self, token: ApiToken) -> str:
        if token.is_valid(timezone.now()):
            return badge("valid", "good")
        return badge("revoked" if token.revoked_at else "expired", "idle")

    def save_model(
        self, request: HttpRequest, obj: ApiToken, form: Any, change: bool
    ) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        token, secret = create_token(
            organization=obj.organization,
            name=obj.name,
            role=obj.role,
            created_by=request.user if isinstance(request.user, User) else None,
            expires_at=obj.expires_at,
        )
        obj.pk, obj.prefix = token.pk, token.prefix
        messages.success(
            request,
            format_html(
                "Copy the token now, it is not shown again: <code>{}</code>", secret
            ),
        )

    @admin.action(description="Revoke selected API tokens", permissions=["change"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        count = tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
        messages.success(request, f"Revoked {count} {model_ngettext(tokens, count)}.")


# --- The RQ dashboard: of the installation, so for superusers -------------------------

admin.site.unregister(django_rq.admin.models.Dashboard)


@admin.register(django_rq.admin.models.Dashboard)
class QueueAdmin(django_rq.admin.QueueAdmin):
    """django-rq lets any staff member see and change its queues."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return access_of(request).is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_of(request).is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access_of(request).is_superuser

    def get_urls(self) -> list[Any]:
        patterns = super().get_urls()
        for pattern in patterns:
            pattern.callback = superusers_only(pattern.callback)
        return patterns


def superusers_only(view: Any) -> Any:
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not access_of(request).is_superuser:
            raise PermissionDenied
        response: HttpResponse = view(request, *args, **kwargs)
        return response

    return wrapper
