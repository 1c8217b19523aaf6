"""Pages that operators look at, beside Django's forms and lists."""

from typing import Any, ClassVar

from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Model
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import path, reverse

from chargers import changes
from ocpplab.admin import OrganizationScopedAdmin


def stream_of_changes(wanted: frozenset[str] | None) -> StreamingHttpResponse:
    """Tells a page, as long as it is open, which of these chargers change."""
    if not connection.in_atomic_block:
        connection.close()  # or an open page would keep one to itself
    return StreamingHttpResponse(
        changes.events(wanted),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


class LinkedChangeList(ChangeList):
    """A list whose rows lead to the objects' pages."""

    def url_for_result(self, result: Any) -> str:
        admin: Any = self.model_admin
        url: str = admin.page_url(result)
        return url


class PagedAdmin(OrganizationScopedAdmin):
    """Its objects have pages of their own; Django's form is where they are changed.

    ``pages`` are the parts of such a page, each with an address: the first under the
    object itself. ``<name>_context`` says what a part shows.
    """

    pages: ClassVar[dict[str, str]] = {"": "Overview"}  # name in the URL to label

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return LinkedChangeList

    def get_urls(self) -> list[Any]:
        *urls, _redirect_to_form = super().get_urls()
        return [
            *urls,
            *(
                path(
                    f"<path:object_id>/{name}/" if name else "<path:object_id>/",
                    self.admin_site.admin_view(self.page_view),
                    {"page": name},
                    name=self._url_name(name),
                )
                for name in sorted(self.pages, reverse=True)
            ),
        ]

    def _url_name(self, page: str) -> str:
        """As Django names its own: chargers_charger_page, chargers_charger_messages."""
        return f"{self.opts.app_label}_{self.opts.model_name}_{page or 'page'}"

    def page_url(self, obj: Model, page: str = "") -> str:
        return reverse(f"admin:{self._url_name(page)}", args=[quote(obj.pk)])

    def object_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """An object that the person may see."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404(f"There is no {self.opts.verbose_name} {object_id}.")
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        return obj

    def page_view(
        self, request: HttpRequest, object_id: str, page: str
    ) -> TemplateResponse:
        obj = self.object_or_404(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": obj,
            "title": str(obj),
            "page": page,
            "pages": [
                (label, self.page_url(obj, name), name == page)
                for name, label in self.pages.items()
            ],
            "has_change_permission": self.has_change_permission(request, obj),
            "media": self.media,
            **self.page_context(request, obj),
            **getattr(self, f"{page or 'overview'}_context")(request, obj),
        }
        return TemplateResponse(request, self.page_template(page), context)

    def page_template(self, page: str) -> str:
        folder = f"admin/{self.opts.app_label}/{self.opts.model_name}"
        return f"{folder}/{page or 'page'}.html"

    def page_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """What every part shows."""
        return {}

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        shown = {
            "object_page": reverse(f"admin:{self._url_name('')}", args=[object_id])
        }
        return super().change_view(
            request, object_id, form_url, {**shown, **(extra_context or {})}
        )

    def response_post_save_change(
        self, request: HttpRequest, obj: Model
    ) -> HttpResponseRedirect:
        return HttpResponseRedirect(self.page_url(obj))
