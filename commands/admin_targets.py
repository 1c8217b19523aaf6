"""Chargers and locations in the admin, with the commands that they can be sent.

``chargers.admin`` knows nothing of commands, so its classes are registered again here,
extended: each command is an action of the list, and on an object's page.
"""

from functools import partial
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.options import IS_POPUP_VAR
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase

from chargers.admin import ChargerAdmin, LocationAdmin
from chargers.admin.pages import PagedAdmin
from chargers.models import Charger, Location
from chargers.pages import live

from .choosing import choose
from .models import Command
from .panel import (
    actions_for,
    commands_for,
    common_reason,
    grouped_commands,
    panel_for,
)
from .registry import DEFINITIONS, Definition

ACTION = "send_"  # the actions' names: send_plug_connector and so on
SHOWN = 10  # last commands on a page


class SendsCommands(PagedAdmin):
    """Offers the commands: each as an action of the list, and on an object's page."""

    def get_actions(self, request: HttpRequest) -> Any:
        actions: dict[str, Any] = super().get_actions(request)
        if IS_POPUP_VAR not in request.GET and self.has_command_permission(request):
            for definition in DEFINITIONS:
                name = ACTION + definition.name
                actions[name] = (
                    partial(_open_form, definition),
                    name,
                    definition.label,
                )
        return actions

    def get_action_choices(
        self, request: HttpRequest, default_choices: Any = (("", "---------"),)
    ) -> list[Any]:
        """The commands under the headings of the panel."""
        choices = super().get_action_choices(request, list(default_choices))
        others = [c for c in choices if not str(c[0]).startswith(ACTION)]
        if len(others) == len(choices):
            return others
        return others + [
            (title, [(ACTION + d.name, d.label) for d in definitions])
            for title, definitions in grouped_commands()
        ]

    def page_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        at_location = isinstance(obj, Location)
        of_object = {"charger__location": obj} if at_location else {"charger": obj}
        commands = Command.objects.select_related("charger").filter(**of_object)
        return {
            **super().page_context(request, obj),
            "may_command": self.has_command_permission(request, obj),
            "parameter": "locations" if at_location else "chargers",
            "commands": commands[:SHOWN],
        }


def _open_form(
    definition: Definition,
    modeladmin: SendsCommands,
    request: HttpRequest,
    rows: QuerySet[Any],
) -> HttpResponseBase:
    """The action of a command."""
    command_admin = cast(Any, admin.site.get_model_admin(Command))
    choice = choose(request, modeladmin.model, rows)
    return command_admin.send_view(request, definition.name, choice)


admin.site.unregister([Charger, Location])


@admin.register(Charger)
class CommandedChargerAdmin(SendsCommands, ChargerAdmin):
    def page_template(self, page: str) -> str:
        return super().page_template(page) if page else "admin/commands/charger.html"

    def overview_context(self, request: HttpRequest, obj: Charger) -> dict[str, Any]:
        state = live.charger_state(obj)
        panel = panel_for(state)
        return {
            **super().overview_context(request, obj),
            "panel": panel,
            "reason": common_reason(panel),
            "actions": actions_for(state),
            "connector_actions": "admin/commands/connector.html",
        }


@admin.register(Location)
class CommandedLocationAdmin(SendsCommands, LocationAdmin):
    def page_template(self, page: str) -> str:
        return "admin/commands/location.html"

    def overview_context(self, request: HttpRequest, obj: Location) -> dict[str, Any]:
        panel = commands_for(Charger.objects.filter(location=obj))
        return {**super().overview_context(request, obj), "panel": panel}
