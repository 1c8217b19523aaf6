"""What templates need to show chargers."""

import json
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from chargers.choices import ChargerKind, ConnectorStatus, ProvisioningStatus
from chargers.models import Charger, Message
from chargers.ocpp.frames import CALL, CALLERROR, CALLRESULT, CALLRESULTERROR, SEND
from chargers.pages import live, overview
from ocpplab import html
from ocpplab.access import Access, access_of

FRAMES = {
    CALL: ("CALL", "busy"),
    CALLRESULT: ("CALLRESULT", "good"),
    CALLERROR: ("CALLERROR", "bad"),
    CALLRESULTERROR: ("CALLRESULTERROR", "bad"),
    SEND: ("SEND", "busy"),
}

register = template.Library()
register.filter("power", html.power)
register.filter("energy", html.energy)
register.filter("pretty_json", html.pretty_json)


@register.filter
def for_time(since: datetime | None) -> str:
    """How long something lasts by now, in its largest unit: "for 3 hours"."""
    if since is None:
        return ""
    if timezone.now() - since < timedelta(minutes=1):
        return "for less than a minute"
    return f"for {timesince(since, depth=1)}"


@register.filter
def offset(seconds: float) -> str:
    """Seconds after a start as hours and minutes: ``7:30``; seconds, where not whole."""
    minutes, rest = divmod(round(seconds), 60)
    text = f"{minutes // 60}:{minutes % 60:02}"
    return f"{text}:{rest:02}" if rest else text


@register.filter
def at(by_number: dict[int, Any], number: int) -> Any:
    """What a dictionary has at a number."""
    return by_number.get(number) if by_number else None


@register.filter
def status_badge(status: str) -> SafeString:
    """A connector's status."""
    return html.badge(status, live.TONES[ConnectorStatus(status)])


@register.filter
def link_badge(charger: Charger) -> SafeString:
    """Whether a charger's link is up, or how far its making is."""
    if charger.is_online:
        return html.badge("online", "good")
    if charger.provisioning_status != ProvisioningStatus.READY:
        state = charger.provisioning_status
        tone = "bad" if state == ProvisioningStatus.FAILED else "busy"
        return html.badge(state.lower(), tone)
    if charger.kind == ChargerKind.VIRTUAL and not charger.is_enabled:
        return html.badge("stopped", "idle")
    return html.badge("offline", "bad")


@register.filter
def type_badge(message: Message) -> SafeString:
    """What kind of frame a message is."""
    name, tone = FRAMES.get(message.message_type or 0, ("unreadable", "warn"))
    return html.badge(name, tone)


@register.filter
def type_name(message: Message) -> str:
    """The same in plain text."""
    return FRAMES.get(message.message_type or 0, ("unreadable", ""))[0]


@register.filter
def payload(message: Message) -> str:
    """What a frame carries, in one line, without its type, id and action."""
    try:
        parts = json.loads(message.text)
        carried = parts[3] if parts[0] in (CALL, SEND) else parts[2:]
    except (ValueError, LookupError, TypeError):
        return message.text
    if isinstance(carried, list) and len(carried) == 1:
        carried = carried[0]
    return json.dumps(carried, ensure_ascii=False)


@register.simple_tag
def access(request: HttpRequest) -> Access:
    """What the person may do."""
    return access_of(request)


@register.simple_tag
def chargers_overview(request: HttpRequest) -> overview.Overview:
    """The chargers of the person's organizations."""
    return overview.overview(access_of(request))


@register.simple_tag
def power_of_day(request: HttpRequest) -> overview.Day:
    """What they delivered over the last 24 hours."""
    return overview.day_of(access_of(request))


@register.simple_tag
def portal_roles() -> list[overview.Role]:
    """How the parts of the portal are."""
    return overview.roles()
