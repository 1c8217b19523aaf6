"""The admin as a door for commands (the tour's step 1), and the pages of commands.

Chargers and locations get all commands as actions and as buttons. ``chargers.admin``
knows nothing of commands, so its classes are registered again here, extended.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Model, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chargers.admin import ChargerAdmin, LocationAdmin
from chargers.live import SHOWN
from chargers.models import Charger, IdTag, Location, Message
from ocpplab.access import access_of
from ocpplab.admin import (
    DateRangeFilter,
    OrganizationScopedAdmin,
    RecordAdmin,
    ScopedRelatedFilter,
    choice_filter,
    moment,
)
from ocpplab.html import badge, pretty_json
from ocpplab.models import Organization, User

from .errors import CommandError
from .forms import CommandForm
from .models import Command, Origin, Status
from .panel import TONES, commands_for, grouped_commands
from .registry import COMMANDS, DEFINITIONS, Definition
from .services import Actor, Failure, Submission, submit_commands
from .targets import Target
from .templatetags.commands_live import command_badge

ACTION = "send_"  # the actions' names: send_plug_connector and so on
LISTED = 20  # chargers or failures that a page lists


@dataclass(frozen=True)
class Choice:
    """What the person chose: chargers, or locations with all their chargers."""

    model: type[Charger] | type[Location]
    rows: list[Any]
    chargers: list[Charger]

    @property
    def parameter(self) -> str:
        return "locations" if self.model is Location else "chargers"

    @property
    def ids(self) -> str:
        return ",".join(str(row.pk) for row in self.rows)

    @property
    def organization_ids(self) -> set[int]:
        return {row.organization_id for row in self.rows}

    def targets(self) -> Iterator[tuple[int, Target]]:
        """Organization and target of each submission: as few as there can be."""
        if len(self.chargers) == 1:
            [charger] = self.chargers
            yield charger.organization_id, Target(charger_id=charger.pk)
        elif self.model is Location:
            for location in self.rows:
                yield location.organization_id, Target(location_id=str(location.pk))
        else:
            for pk in self.organization_ids:
                ids = [row.pk for row in self.rows if row.organization_id == pk]
                yield pk, Target(charger_ids=ids)


def choose(request: HttpRequest, model: type[Model], rows: QuerySet[Any]) -> Choice:
    """A choice of chargers or locations that the person may send commands to."""
    found = list(rows)
    if not found:
        raise Http404("Nothing is chosen.")
    if model is Location:
        there = Charger.objects.filter(location__in=found)
        chargers = list(there.select_related("model").order_by("identity"))
        choice = Choice(Location, found, chargers)
    else:
        choice = Choice(Charger, found, found)
    access = access_of(request)
    if not all(access.may_command(pk) for pk in choice.organization_ids):
        raise PermissionDenied
    return choice


# --- Commands -------------------------------------------------------------------------


@admin.register(Command)
class CommandAdmin(RecordAdmin):
    """Commands as they went; new ones are sent from chargers and locations."""

    empty_list = "Open a charger or a location and send one."
    list_display = [
        "state",
        "label",
        "charger",
        "who",
        moment("enqueued_at", "Sent"),
        moment("finished_at", "Ended"),
        "detail",
    ]
    list_display_links = ["state", "label"]
    list_filter = [
        "status",
        choice_filter("command", "slug", [(d.slug, d.label) for d in DEFINITIONS]),
        "origin",
        ("enqueued_at", DateRangeFilter),
        ("organization", ScopedRelatedFilter),
        ("charger__location", ScopedRelatedFilter),
    ]
    list_select_related = ["charger"]
    search_fields = ["=command_id", "=charger__identity", "submitted_by"]
    search_help_text = "A command's id, a charger's identity, or who sent it."
    export_related = ("charger__location",)
    export_columns = {
        "command_id": "command_id",
        "command": "slug",
        "charger": "charger.identity",
        "charger_id": "charger_id",
        "location": "charger.location.name",
        "status": "status",
        "detail": "detail",
        "event": "event",
        "result": "result",
        "door": "origin",
        "sent_by": "submitted_by",
        "enqueued_at": "enqueued_at",
        "deferred_at": "deferred_at",
        "received_at": "received_at",
        "finished_at": "finished_at",
        "expires_at": "expires_at",
    }

    @admin.display(description="State", ordering="status")
    def state(self, command: Command) -> SafeString:
        return command_badge(command)

    @admin.display(description="Command", ordering="slug")
    def label(self, command: Command) -> str:
        return COMMANDS[command.slug].label

    @admin.display(description="Sent by", ordering="submitted_by")
    def who(self, command: Command) -> str:
        return f"{command.submitted_by} ({command.get_origin_display()})"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.send_view)
        send = path("send/<slug:name>/", view, name="commands_command_send")
        return [send, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A list narrowed to one submission also counts its commands by state."""
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if "id__gte" in request.GET and "cl" in context:
            states = context["cl"].queryset.order_by().values_list("status")
            context["counts"] = [
                badge(f"{count} {status}", TONES[status])
                for status, count in states.annotate(Count("pk")).order_by("status")
            ]
        return response

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        command = self.get_object(request, object_id)
        if command is not None:
            extra_context = {
                "title": COMMANDS[command.slug].label,
                "subtitle": None,
                "command": command,
                "definition": COMMANDS[command.slug],
                "steps": _steps(command),
                "event": pretty_json(command.event),
                "result": command.result and pretty_json(command.result),
                "frames": _frames(command),
                **(extra_context or {}),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def send_view(
        self, request: HttpRequest, name: str, choice: Choice | None = None
    ) -> HttpResponseBase:
        """The form of one command; sent, it leads to what became of it."""
        definition = next((d for d in DEFINITIONS if d.name == name), None)
        if definition is None:
            raise Http404(f"There is no command {name}.")
        choice = choice or self._read_choice(request)
        if request.method != "POST" or "_send" not in request.POST:
            return self._form_page(
                request, definition, choice, CommandForm(definition, choice.chargers)
            )
        form = CommandForm(definition, choice.chargers, request.POST)
        if form.is_valid():
            submission = submit(request.user, definition, choice, form.event)
            if submission.commands:
                _warn(request, submission)
                return HttpResponseRedirect(_page_of(submission))
            for failure in submission.failed[:LISTED]:
                form.add_error(None, failure.error)
        return self._form_page(request, definition, choice, form)

    def _read_choice(self, request: HttpRequest) -> Choice:
        given = request.POST if request.method == "POST" else request.GET
        model: type[Model] = Location if "locations" in given else Charger
        ids = given.get("locations" if model is Location else "chargers", "")
        rows = self.admin_site.get_model_admin(model).get_queryset(request)
        try:
            return choose(request, model, rows.filter(pk__in=ids.split(",")))
        except ValidationError:  # no UUID
            raise Http404("There is no such location.") from None

    def _form_page(
        self,
        request: HttpRequest,
        definition: Definition,
        choice: Choice,
        form: CommandForm,
    ) -> TemplateResponse:
        tags = IdTag.objects.filter(organization__in=choice.organization_ids)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": definition.label,
            "definition": definition,
            "choice": choice,
            "listed": choice.chargers[:LISTED],
            "unlisted": max(0, len(choice.chargers) - LISTED),
            "form": form,
            "id_tags": tags.values_list("id_tag", flat=True)[:200],
            "media": self.media,
        }
        return TemplateResponse(request, "admin/commands/send.html", context)


def submit(
    user: Any, definition: Definition, choice: Choice, event: dict[str, Any]
) -> Submission:
    """Send a command to all that was chosen, which may be of several organizations."""
    actor = Actor(Origin.ADMIN, user.get_username(), cast(User, user))
    organizations = Organization.objects.in_bulk(choice.organization_ids)
    total = Submission()
    for organization_id, target in choice.targets():
        try:
            part = submit_commands(
                organization=organizations[organization_id],
                definition=definition,
                target=target,
                event=event,
                actor=actor,
            )
        except CommandError as error:
            total.failed.append(Failure(str(error)))
        else:
            total.commands.extend(part.commands)
            total.failed.extend(part.failed)
    if not total.targeted_count:
        total.failed.append(Failure("There is no charger here."))
    return total


def _warn(request: HttpRequest, submission: Submission) -> None:
    """Tell which chargers were not given the command."""
    if not submission.failed:
        return
    reasons = format_html_join(
        "", "<li>{}</li>", ([f.error] for f in submission.failed[:LISTED])
    )
    more = len(submission.failed) - LISTED
    messages.warning(
        request,
        format_html(
            "{} of {} chargers were not given the command:<ul>{}{}</ul>",
            len(submission.failed),
            submission.targeted_count,
            reasons,
            format_html("<li>and {} more</li>", more) if more > 0 else "",
        ),
    )


def _page_of(submission: Submission) -> str:
    """Where to see what becomes of it: the command, or the list of just these."""
    first, last = submission.commands[0], submission.commands[-1]
    if len(submission.commands) == 1:
        return reverse("admin:commands_command_change", args=[first.pk])
    only_these = {
        "id__gte": first.pk,
        "id__lte": last.pk,
        "slug": first.slug,
        "submitted_by": first.submitted_by,
    }
    return f"{reverse('admin:commands_command_changelist')}?{urlencode(only_these)}"


@dataclass(frozen=True)
class Step:
    """A state of a command, with the time it was reached."""

    label: str
    tone: str
    at: Any
    after_ms: int | None


def _steps(command: Command) -> list[Step]:
    """The states it went through, and those ahead of it (without a time)."""
    final = command.status if command.is_final else Status.APPLIED
    reached = [
        (Status.QUEUED, command.enqueued_at),
        (Status.DEFERRED, command.deferred_at),
        (Status.RECEIVED, command.received_at),
        (final, command.finished_at),
    ]
    steps: list[Step] = []
    for status, at in reached:
        if at is None and (status == Status.DEFERRED or command.is_final):
            continue
        after = None
        if at and steps:
            after = round((at - command.enqueued_at).total_seconds() * 1000)
        tone = TONES[Status(status)] if at else "ahead"
        steps.append(Step(str(status), tone, at, after))
    return steps


def _frames(command: Command) -> QuerySet[Message]:
    """The charger's OCPP messages from when it was enqueued, oldest first."""
    frames = command.charger.messages.filter(timestamp__gte=command.enqueued_at)
    return frames.order_by("timestamp", "id")[:50]


# --- Chargers and locations, extended -------------------------------------------------


class SendsCommands(OrganizationScopedAdmin):
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

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        obj = self.get_object(request, object_id)
        if obj is not None:
            at_location = isinstance(obj, Location)
            chargers = list(obj.chargers.all()) if at_location else [obj]
            of_object = {"charger__location": obj} if at_location else {"charger": obj}
            commands = Command.objects.select_related("charger").filter(**of_object)
            may_command = self.has_command_permission(request, obj)
            extra_context = {
                "panel": commands_for(chargers) if may_command else [],
                "parameter": "locations" if at_location else "chargers",
                "commands": commands[:SHOWN],
                **(extra_context or {}),
            }
        return super().change_view(request, object_id, form_url, extra_context)


def _open_form(
    definition: Definition,
    modeladmin: SendsCommands,
    request: HttpRequest,
    rows: QuerySet[Any],
) -> HttpResponseBase:
    """The action of a command."""
    command_admin = cast(CommandAdmin, admin.site.get_model_admin(Command))
    choice = choose(request, modeladmin.model, rows)
    return command_admin.send_view(request, definition.name, choice)


admin.site.unregister([Charger, Location])


@admin.register(Charger)
class CommandedChargerAdmin(SendsCommands, ChargerAdmin):
    change_form_template = "admin/commands/charger.html"


@admin.register(Location)
class CommandedLocationAdmin(SendsCommands, LocationAdmin):
    change_form_template = "admin/commands/location.html"
