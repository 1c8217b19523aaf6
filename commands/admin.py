"""The admin as a door for commands (the tour's step 1), and the pages of commands.

Chargers and locations get all commands as actions and as buttons. ``chargers.admin``
knows nothing of commands, so its classes are registered again here, extended.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, Model
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.safestring import SafeString

from chargers.admin.location_pages import FILTERS
from chargers.models import Charger, IdTag, Location
from chargers.pages.exchanges import Exchange, paired
from chargers.pages.selectors import matching
from ocpplab.admin import (
    DateRangeFilter,
    RecordAdmin,
    ScopedRelatedFilter,
    choice_filter,
    moment,
)
from ocpplab.html import badge, pretty_json

from . import admin_targets as admin_targets  # registers chargers and locations anew
from .choosing import Choice, choose, submit, warn
from .forms import CommandForm, typed
from .models import Command, Status
from .other_doors import other_doors, targets_of
from .panel import TONES
from .progress import progress_url, progress_urls
from .registry import COMMANDS, DEFINITIONS, Definition
from .services import Submission
from .targets import Target
from .templatetags.commands_live import command_badge

AFTERMATH = timedelta(seconds=5)  # what follows from a command that has ended
FRAMES = 50  # that the page of a command shows
ACTION = "send_"  # the actions' names: send_plug_connector and so on
LISTED = 20  # chargers or failures that a page lists


# --- Commands -------------------------------------------------------------------------


@admin.register(Command)
class CommandAdmin(RecordAdmin):
    """Commands as they went; new ones are sent from chargers and locations."""

    menu = ("Operations", 4)
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
        return [send, *progress_urls(self), *super().get_urls()]

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
            definition = COMMANDS[command.slug]
            target = Target(charger_id=command.charger_id)
            base_url = request.build_absolute_uri("/")[:-1]
            extra_context = {
                "title": definition.label,
                "subtitle": None,
                "command": command,
                "definition": definition,
                "repeat": self._repeat_url(request, command),
                **other_doors(base_url, definition, [target], command.event),
                "steps": _steps(command),
                "event": pretty_json(command.event),
                "result": command.result and pretty_json(command.result),
                "exchanges": _exchanges(command),
                **(extra_context or {}),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def _repeat_url(self, request: HttpRequest, command: Command) -> str:
        """The form with this command's event; empty for who may not send it."""
        if not self.has_command_permission(request, command):
            return ""
        definition = COMMANDS[command.slug]
        url = reverse("admin:commands_command_send", args=[definition.name])
        event = typed(definition, command.event)
        return f"{url}?{urlencode({'chargers': command.charger_id, **event})}"

    def send_view(
        self, request: HttpRequest, name: str, choice: Choice | None = None
    ) -> HttpResponseBase:
        """The form of one command; sent, it leads to what became of it."""
        definition = next((d for d in DEFINITIONS if d.name == name), None)
        if definition is None:
            raise Http404(f"There is no command {name}.")
        choice = choice or self._read_choice(request)
        if "_doors" in request.POST:  # what is typed so far, spelt for the other doors
            typed_so_far = CommandForm(definition, choice.chargers, request.POST)
            return self._form_page(request, definition, choice, typed_so_far)
        if request.method != "POST" or "_send" not in request.POST:
            return self._form_page(
                request,
                definition,
                choice,
                CommandForm(definition, choice.chargers, initial=request.GET.dict()),
            )
        form = CommandForm(definition, choice.chargers, request.POST)
        if form.is_valid():
            submission = submit(request.user, definition, choice, form.event)
            if submission.commands:
                warn(request, submission)
                return HttpResponseRedirect(_page_of(submission))
            for failure in submission.failed[:LISTED]:
                form.add_error(None, failure.error)
        return self._form_page(request, definition, choice, form)

    def _read_choice(self, request: HttpRequest) -> Choice:
        given = request.POST if request.method == "POST" else request.GET
        model: type[Model] = Charger if "chargers" in given else Location
        lists = given.getlist("locations" if model is Location else "chargers")
        ids = ",".join(lists)  # ticked one by one, or together
        rows = self.admin_site.get_model_admin(model).get_queryset(request)
        try:
            rows = rows.filter(pk__in=ids.split(","))
            wanted = {name: given.get(name, "") for name in FILTERS}
            if model is Location and any(wanted.values()):
                model, there = Charger, Charger.objects.filter(location__in=rows)
                rows = matching(there.order_by("identity"), **wanted)
            return choose(request, model, rows)
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
            **other_doors(
                request.build_absolute_uri("/")[:-1],
                definition,
                targets_of(definition, choice.chargers, choice.location_ids),
                form.draft,
            ),
            "id_tags": tags.values_list("id_tag", flat=True)[:200],
            "media": self.media,
        }
        return TemplateResponse(request, "admin/commands/send.html", context)


def _page_of(submission: Submission) -> str:
    """Where to see what becomes of it: the command's page, or how far they all are."""
    if len(submission.commands) == 1:
        return reverse(
            "admin:commands_command_change", args=[submission.commands[0].pk]
        )
    return progress_url(submission.commands)


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


def _exchanges(command: Command) -> list[Exchange]:
    """The charger's OCPP messages from when it was enqueued, oldest first."""
    messages = command.charger.messages.filter(timestamp__gte=command.enqueued_at)
    if command.finished_at:
        messages = messages.filter(timestamp__lte=command.finished_at + AFTERMATH)
    first = messages.order_by("timestamp", "id")[:FRAMES]
    return paired(first)[::-1]
