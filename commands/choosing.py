"""What was chosen in the admin, chargers or locations, and sending a command to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.utils.html import format_html, format_html_join

from chargers.models import Charger, Location
from ocpplab.access import access_of
from ocpplab.models import Organization, User

from .errors import CommandError
from .models import Origin
from .registry import Definition
from .services import Actor, Failure, Submission, submit_commands
from .targets import Target

LISTED = 20  # failures that a message lists


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
    def location_ids(self) -> list[str]:
        """Of locations chosen whole."""
        return [str(row.pk) for row in self.rows] if self.model is Location else []

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
    found = list(rows.select_related("model") if model is Charger else rows)
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


def warn(request: HttpRequest, submission: Submission) -> None:
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
