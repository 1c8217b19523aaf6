"""A location's page: every charger and connector there as a tile."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path

from chargers import live
from chargers.choices import Condition
from chargers.models import Charger, Location
from chargers.overview import Place

from .pages import PagedAdmin


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
        states = live.charger_states(location.chargers.order_by("identity"))
        only = request.GET.get("condition", "")
        return {
            "place": place_of(location, states),
            "states": [s for s in states if only in ("", s.condition)],
            "only": only,
        }

    def tiles_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The tiles of the chargers that a page asks for, or of all."""
        location = self.object_or_404(request, object_id)
        chargers = Charger.objects.filter(location=location).order_by("identity")
        if ids := request.GET.get("ids"):
            chargers = chargers.filter(pk__in=ids.split(","))
        only = request.GET.get("condition", "")
        states = live.charger_states(chargers)
        context = {
            "states": [s for s in states if only in ("", s.condition)],
            "may_command": self.has_command_permission(request, location),
        }
        return TemplateResponse(request, "admin/chargers/location/tiles.html", context)


def place_of(location: Location, states: list[live.ChargerState]) -> Place:
    """The site as a whole."""
    place = Place(location)
    for state in states:
        name: Condition = state.condition
        place.counts[name] = place.counts.get(name, 0) + 1
        place.sessions += [c.session for c in state.connectors if c.session]
    return place
