"""What templates need to show commands."""

from dataclasses import dataclass
from datetime import timedelta

from django import template
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from chargers.pages.live import SHOWN
from commands.models import OPEN, UNDONE, Command, Status
from commands.panel import TONES
from ocpplab import html
from ocpplab.access import access_of

DAY = timedelta(hours=24)

register = template.Library()


@register.filter
def command_badge(command: Command) -> SafeString:
    """A command's state."""
    return html.badge(command.status, TONES[Status(command.status)])


@register.filter
def command_tone(command: Command) -> str:
    """The colour of it."""
    return TONES[Status(command.status)]


@register.simple_tag
def last_commands(request: HttpRequest) -> list[Command]:
    """The last commands in the person's organizations."""
    commands = Command.objects.select_related("charger")
    return list(access_of(request).scope(commands, "organization")[:SHOWN])


@dataclass(frozen=True)
class Counts:
    """Commands under way, and those of the last day that did not end as applied."""

    in_flight: int
    undone: int
    in_flight_query: str
    undone_query: str


@register.simple_tag
def command_counts(request: HttpRequest) -> Counts:
    mine = access_of(request).scope(Command.objects.order_by(), "organization")
    since = (timezone.now() - DAY).replace(second=0, microsecond=0)
    return Counts(
        in_flight=mine.filter(status__in=OPEN).count(),
        undone=mine.filter(status__in=UNDONE, enqueued_at__gte=since).count(),
        in_flight_query=urlencode({"status__in": ",".join(OPEN)}),
        undone_query=urlencode(
            {"status__in": ",".join(UNDONE), "enqueued_at_from": since.isoformat()}
        ),
    )
