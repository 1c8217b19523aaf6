"""What templates need to show commands."""

from django import template
from django.http import HttpRequest
from django.utils.safestring import SafeString

from chargers.live import SHOWN
from commands.models import Command, Status
from commands.panel import TONES
from ocpplab import html
from ocpplab.access import access_of

register = template.Library()


@register.filter
def command_badge(command: Command) -> SafeString:
    """A command's state."""
    return html.badge(command.status, TONES[Status(command.status)])


@register.simple_tag
def last_commands(request: HttpRequest) -> list[Command]:
    """The last commands in the person's organizations."""
    commands = Command.objects.select_related("charger")
    return list(access_of(request).scope(commands, "organization")[:SHOWN])
