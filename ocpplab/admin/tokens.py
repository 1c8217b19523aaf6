"""The admin of API tokens: made and revoked here, their secret shown once."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import model_ngettext
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html

from ocpplab.access import access_of
from ocpplab.html import badge
from ocpplab.models import ApiToken, User
from ocpplab.services import create_token

from .lists import ScopedRelatedFilter, moment
from .scoped import OrganizationScopedAdmin


@admin.register(ApiToken)
class ApiTokenAdmin(OrganizationScopedAdmin):
    """Tokens of the REST API: made and revoked here, their secret shown once."""

    menu = ("Administration", 4)
    empty_list = (
        "Add one for each program that calls the REST API (described at /docs)."
    )
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
    export_columns = {
        "prefix": "prefix",
        "name": "name",
        "organization": "organization.slug",
        "role": "role",
        "created_by": "created_by.username",
        "created_at": "created_at",
        "expires_at": "expires_at",
        "revoked_at": "revoked_at",
        "last_used_at": "last_used_at",
    }

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

    def formfield_for_choice_field(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_choice_field(db_field, request, **kwargs)
        if field and db_field.name == "role":
            field.help_text = (
                "A viewer's token reads, an operator's sends commands as well, an "
                "admin's makes, changes and removes too."
            )
        return field

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.revoke_view)
        revoke = path("<path:object_id>/revoke/", view, name="ocpplab_apitoken_revoke")
        return [revoke, *super().get_urls()]

    def revoke_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The button of a token's page."""
        token = self.get_object(request, object_id)
        if token is None or request.method != "POST":
            raise Http404("There is no such token.")
        if not self.has_change_permission(request, token):
            raise PermissionDenied
        self.revoke(request, self.get_queryset(request).filter(pk=token.pk))
        return HttpResponseRedirect(
            reverse("admin:ocpplab_apitoken_change", args=[token.pk])
        )

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
                "Copy the token now, it is not shown again: "
                '<code id="new-token">{}</code> '
                '<button type="button" class="copy" data-copy="#new-token">Copy</button>',
                secret,
            ),
        )

    @admin.action(description="Revoke selected API tokens", permissions=["change"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        valid = tokens.filter(revoked_at=None)
        self.log_action_on(request, valid, "revoked")
        count = valid.update(revoked_at=timezone.now())
        messages.success(request, f"Revoked {count} {model_ngettext(tokens, count)}.")
