"""Lists that can be had as files: all that the filters leave, or the selected rows."""

from functools import partial
from typing import Any, cast, get_args

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import path, reverse

from ocpplab import audit
from ocpplab.access import access_of
from ocpplab.exports import FORMATS, Columns, Format, export

ACTION = "export_"  # the actions' names: export_csv and so on


class ExportsRows(admin.ModelAdmin):
    """Offers ``export_columns`` of the list's rows, as CSV, JSON and JSON lines.

    ``export_related`` names the relations that the columns follow.
    """

    export_columns: Columns = {}
    export_related: tuple[str, ...] = ()

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.export_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [path("export/<str:kind>/", view, name=name), *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> Any:
        actions: dict[str, Any] = super().get_actions(request)
        if self.export_columns:
            for kind in FORMATS:
                action = partial(_export_selected, kind)
                text = f"Export selected as {kind.upper()}"
                actions[ACTION + kind] = (action, ACTION + kind, text)
        return actions

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offers the list as it is filtered and sorted now."""
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if "cl" in context and self.export_columns:
            query = context["cl"].get_query_string(remove=["p", "all"])
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_export"
            context["exports"] = [
                (kind.upper(), reverse(name, args=[kind]) + query) for kind in FORMATS
            ]
        return response

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """The list, with the filters, search and order of its query string."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if kind not in get_args(Format) or not self.export_columns:
            raise Http404(f"This is not exported as {kind}.")
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return HttpResponseRedirect("../../?e=1")
        return self.export_rows(request, rows, cast(Format, kind))

    def export_rows(
        self, request: HttpRequest, rows: QuerySet[Any], kind: Format
    ) -> StreamingHttpResponse:
        if self.export_related:
            rows = rows.select_related(*self.export_related)
        plural = str(self.opts.verbose_name_plural)
        audit.record_of_person(
            request,
            "exported",
            subject=f"{plural} as {kind.upper()}",
            detail=request.GET.urlencode(),
            organization_id=access_of(request).only_organization_id,
        )
        name = plural.replace(" ", "-").lower()
        return export(request, rows, self.export_columns, kind, name)


def _export_selected(
    kind: Format, modeladmin: ExportsRows, request: HttpRequest, rows: QuerySet[Any]
) -> HttpResponseBase:
    """The action of a format."""
    return modeladmin.export_rows(request, rows, kind)
