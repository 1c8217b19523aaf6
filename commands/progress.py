"""How far a command to many chargers is: charger by charger, as results come in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import path, reverse

from chargers.models import Charger
from ocpplab.admin import RecordAdmin
from ocpplab.html import pretty_json

from .choosing import choose, submit, warn
from .models import UNDONE, Command, Status
from .registry import COMMANDS, Definition

SHOWN = 300  # commands of one submission that its page lists
STORING = timedelta(minutes=5)  # that the largest submission takes


@dataclass(frozen=True)
class Progress:
    """The commands of one submission."""

    commands: list[Command]

    @property
    def first(self) -> Command:
        return self.commands[0]

    @property
    def definition(self) -> Definition:
        return COMMANDS[self.first.slug]

    @property
    def done(self) -> list[Command]:
        return [row for row in self.commands if row.status == Status.APPLIED]

    @property
    def undone(self) -> list[Command]:
        return [row for row in self.commands if row.status in UNDONE]

    @property
    def waiting(self) -> list[Command]:
        return [row for row in self.commands if not row.is_final]

    @property
    def shown(self) -> list[Command]:
        """The first of them, those that need somebody before all."""
        return [*self.undone, *self.waiting, *self.done][:SHOWN]

    @property
    def parts(self) -> list[tuple[str, str, int, int]]:
        """Of the bar: tone, word, where it begins, how long it is."""
        groups = (
            ("good", "done", self.done),
            ("bad", "failed", self.undone),
            ("idle", "waiting", self.waiting),
        )
        parts, start = [], 0
        for tone, word, rows in groups:
            parts.append((tone, word, start, len(rows)))
            start += len(rows)
        return parts


def progress_url(commands: Sequence[Command]) -> str:
    """The page of a submission."""
    ids = [command.pk for command in commands]
    return reverse("admin:commands_command_progress", args=[min(ids), max(ids)])


def progress_urls(command_admin: RecordAdmin) -> list[Any]:
    def view(request: HttpRequest, first: int, last: int) -> HttpResponse:
        return _progress_view(command_admin, request, first, last)

    return [
        path(
            "progress/<int:first>-<int:last>/",
            command_admin.admin_site.admin_view(view),
            name="commands_command_progress",
        )
    ]


def _progress_view(
    command_admin: RecordAdmin, request: HttpRequest, first: int, last: int
) -> HttpResponse:
    if not command_admin.has_view_permission(request):
        raise PermissionDenied
    progress = Progress(_submission(command_admin.get_queryset(request), first, last))
    if request.method == "POST":
        rows = progress.undone if "retry" in request.POST else progress.commands
        return _send_again(command_admin, request, progress, rows)
    locations = {row.charger.location for row in progress.commands}
    context = {
        **command_admin.admin_site.each_context(request),
        "opts": command_admin.opts,
        "title": f"{progress.definition.label}: {len(progress.commands)} chargers",
        "progress": progress,
        "first": first,
        "last": last,
        "definition": progress.definition,
        "location": locations.pop() if len(locations) == 1 else None,
        "event": pretty_json(progress.first.event),
        "may_command": command_admin.has_command_permission(request),
        "media": command_admin.media,
    }
    return TemplateResponse(request, "admin/commands/progress.html", context)


def _submission(mine: QuerySet[Command], first: int, last: int) -> list[Command]:
    """The commands that were sent together, in the order of their chargers' names.

    Others that came at the same moment may have ids between.
    """
    head = mine.filter(pk=first).first()
    if head is None:
        raise Http404("There are no such commands.")
    alike = mine.filter(
        pk__range=(first, last),
        slug=head.slug,
        submitted_by=head.submitted_by,
        enqueued_at__lt=head.enqueued_at + STORING,
    )
    rows = alike.select_related("charger__location").order_by("charger__identity", "pk")
    return [row for row in rows if row.event == head.event]


def _send_again(
    command_admin: RecordAdmin,
    request: HttpRequest,
    progress: Progress,
    rows: list[Command],
) -> HttpResponse:
    """The same command once more, to those chargers."""
    charger_admin = command_admin.admin_site.get_model_admin(Charger)
    chargers = charger_admin.get_queryset(request)
    choice = choose(
        request, Charger, chargers.filter(pk__in=[row.charger_id for row in rows])
    )
    submission = submit(request.user, progress.definition, choice, progress.first.event)
    warn(request, submission)
    if not submission.commands:
        return HttpResponseRedirect(request.path)
    return HttpResponseRedirect(progress_url(submission.commands))
