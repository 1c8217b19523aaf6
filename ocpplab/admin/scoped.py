"""The admin's base classes: rows of the person's organizations, by their roles."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import model_ngettext
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import BadRequest
from django.db.models import CASCADE, PROTECT, DateTimeField, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from ocpplab.access import access_of
from ocpplab.models import Organization

from .auditing import AuditedAdmin
from .exporting import ExportsRows
from .lists import CappedPaginator


class MomentInput(forms.DateTimeInput):
    """The browser's own input of a date and time: one field, with one label."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__({"step": 1}, format="%Y-%m-%dT%H:%M:%S")


class OrganizationScopedAdmin(AuditedAdmin, ExportsRows):
    """Shows and lets change what belongs to the person's organizations.

    ``organization_path`` leads from the model to its organization. Viewers read,
    operators send commands as well, admins change everything of their organization.
    """

    organization_path = "organization"
    # What to do where the list is empty, after "There are no … yet."
    empty_list = ""
    show_full_result_count = False
    list_per_page = 50
    formfield_overrides = {
        DateTimeField: {
            "form_class": forms.DateTimeField,
            "widget": MomentInput,
            "help_text": "UTC.",
        }
    }

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if any("\0" in key for key in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise BadRequest("No row's key has a NUL.")  # PostgreSQL takes none
        shown = {
            "title": capfirst(str(self.opts.verbose_name_plural)),
            "empty_list": self.empty_list,
        }
        return super().changelist_view(request, {**shown, **(extra_context or {})})

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
