"""A location's page: every charger and connector there as a tile."""

from collections.abc import Iterable
from functools import cache
from typing import Any, ClassVar

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.http import urlencode

from chargers.models import Charger, Location
from chargers.pages import live, overview
from chargers.pages.selectors import matching

from .pages import PagedAdmin

TILES = 200  # on one page
FILTERS = ("condition", "find")


class LocationPages(PagedAdmin):
    pages: ClassVar[dict[str, str]] = {"": "Site"}

    def get_urls(self) -> list[Any]:
        return [
            path(
                "<path:object_id>/tiles/",
                self.admin_site.admin_view(self.tiles_view),
                name="chargers_location_tiles",
            ),
            *super().get_urls(),
        ]

    def overview_context(
        self, request: HttpRequest, location: Location
    ) -> dict[str, Any]:
        wanted, chargers = self._wanted(request, location)
        page = _page_of(request, chargers)
        return {
            "place": overview.place_of(location),
            "tiles": page,
            "states": cache(lambda: _states(page.object_list)),
            "wanted": wanted,
            "query": urlencode(
                {name: value for name, value in wanted.items() if value}
            ),
        }

    def _wanted(
        self, request: HttpRequest, location: Location
    ) -> tuple[dict[str, str], QuerySet[Any]]:
        """What is looked for, and the chargers found, in the order of identities."""
        wanted = {name: request.GET.get(name, "") for name in FILTERS}
        chargers = Charger.objects.filter(location=location).order_by("identity")
        return wanted, matching(chargers, **wanted)

    def tiles_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The tiles of the chargers that a page asks for, or all that it shows."""
        location = self.object_or_404(request, object_id)
        _, chargers = self._wanted(request, location)
        if ids := request.GET.get("ids"):
            chargers = chargers.filter(pk__in=ids.split(","))
        context = {
            "states": _states(_page_of(request, chargers).object_list),
            "may_command": self.has_command_permission(request, location),
        }
        return TemplateResponse(request, "admin/chargers/location/tiles.html", context)


def _page_of(request: HttpRequest, chargers: QuerySet[Any]) -> Page[str]:
    """The ids of the chargers on a page."""
    ids = chargers.values_list("pk", flat=True)
    return Paginator(ids, TILES).get_page(request.GET.get("page"))


def _states(ids: Iterable[str]) -> list[live.ChargerState]:
    chargers = Charger.objects.filter(pk__in=list(ids))
    return live.charger_states(chargers.order_by("identity"))
