"""A charger's pages: now, its messages, sessions, settings, profiles and history."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.http import urlencode

from chargers.choices import Direction, ProvisioningStatus
from chargers.models import Charger, Location, MeterValue, Transaction, Variable
from chargers.ocpp.messages import SENT_BY_CHARGERS
from chargers.pages import history, live, memory, overview
from chargers.pages.chart import Chart, Series, draw_power, gap_of, metered
from chargers.pages.exchanges import Wanted, exchanges
from chargers.requests import request_actions, version_of
from chargers.services import as_uuid
from chargers.services.stations import local_list_of
from ocpplab.access import access_of

from .pages import PagedAdmin, stream_of_changes

CHART_SPAN = timedelta(hours=1)
CHART_VALUES = 3000  # at most; older ones are left out
STREAM = 60  # exchanges on the page of messages
GLANCE = 8  # rows of each list on the overview
SESSIONS = 50
EVENTS = 50


class ChargerPages(PagedAdmin):
    pages: ClassVar[dict[str, str]] = {
        "": "Overview",
        "messages": "Messages",
        "sessions": "Sessions",
        "configuration": "Configuration",
        "profiles": "Charging profiles",
        "station": "Station",
    }

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        name = "chargers_charger"
        return [
            path("live/", view(self.live_view), name=f"{name}_live"),
            path("day.json", view(self.day_view), name=f"{name}_day"),
            path(
                "<path:object_id>/chart.json",
                view(self.chart_view),
                name=f"{name}_chart",
            ),
            *super().get_urls(),
        ]

    def page_context(self, request: HttpRequest, charger: Charger) -> dict[str, Any]:
        return {"state": live.charger_state(charger)}

    def overview_context(
        self, request: HttpRequest, charger: Charger
    ) -> dict[str, Any]:
        is_ready = charger.provisioning_status == ProvisioningStatus.READY
        return {
            "steps": [] if is_ready else provisioning_steps(charger),
            "chart": cache(
                lambda: _drawn(_recent_values(charger), timezone.localtime())
            ),
            "exchanges": exchanges(charger.messages.all(), Wanted(), GLANCE),
            "transactions": charger.transactions.all()[:GLANCE],
        }

    def messages_context(
        self, request: HttpRequest, charger: Charger
    ) -> dict[str, Any]:
        given = request.GET
        direction = given.get("direction", "")
        wanted = Wanted(
            action=given.get("action", "")[:50],
            direction=direction if direction in Direction.values else "",
            errors=bool(given.get("errors")),
        )
        version = version_of(charger)
        filters = {"charger__id__exact": charger.pk}
        if wanted.action:
            filters["action"] = wanted.action
        return {
            "wanted": wanted,
            "directions": Direction.choices,
            "actions": sorted({*SENT_BY_CHARGERS[version], *request_actions(version)}),
            "exchanges": exchanges(charger.messages.all(), wanted, STREAM),
            "export_query": urlencode(filters),
        }

    def sessions_context(
        self, request: HttpRequest, charger: Charger
    ) -> dict[str, Any]:
        transactions = list(charger.transactions.all()[:SESSIONS])
        chosen = request.GET.get("transaction", "")
        shown = next(
            (row for row in transactions if str(row.pk) == chosen),
            transactions[0] if transactions else None,
        )
        return {
            "transactions": transactions,
            "shown": shown,
            "chart": cache(lambda: shown and _drawn(_values_of(shown), _end_of(shown))),
        }

    def configuration_context(
        self, request: HttpRequest, charger: Charger
    ) -> dict[str, Any]:
        saved = _saved(charger)
        kept = saved or {"local_list": local_list_of(charger)}
        version, entries = memory.local_list(kept)
        return {
            "settings": memory.settings_of(charger, saved) if saved else [],
            "variables": Variable.objects.filter(charger=charger),
            "list_version": version,
            "list_entries": entries,
            "cached": memory.cached_tags(saved),
            "has_memory": bool(saved),
        }

    def profiles_context(
        self, request: HttpRequest, charger: Charger
    ) -> dict[str, Any]:
        saved = _saved(charger)
        now = timezone.localtime()
        return {
            "profiles": memory.profiles_of(saved),
            "composites": memory.composites(charger, saved, now) if saved else [],
            "reports": charger.station_reports.all()[:EVENTS],
            "has_memory": bool(saved),
        }

    def station_context(self, request: HttpRequest, charger: Charger) -> dict[str, Any]:
        return {
            "steps": provisioning_steps(charger),
            "statuses": charger.station_statuses.all(),
            "security_events": charger.security_events.all()[:EVENTS],
            "station_events": charger.station_events.all()[:EVENTS],
            "requests": charger.operator_requests.all()[:EVENTS],
        }

    # --- What scripts ask for ---------------------------------------------------------

    def live_view(self, request: HttpRequest) -> StreamingHttpResponse:
        """Server-sent events: of one charger, of those at a location, or of all."""
        chargers = access_of(request).scope(Charger.objects.all(), "organization")
        wanted: frozenset[str] | None = None
        if charger_id := request.GET.get("charger"):
            wanted = frozenset([get_object_or_404(chargers, pk=charger_id).pk])
        elif location_id := request.GET.get("location"):
            places = access_of(request).scope(Location.objects.all(), "organization")
            location = get_object_or_404(places, pk=as_uuid(location_id))
            there = chargers.filter(location=location)
            wanted = frozenset(there.values_list("pk", flat=True))
        return stream_of_changes(wanted)

    def day_view(self, request: HttpRequest) -> HttpResponse:
        """Power over the last 24 hours of all chargers that the person may see."""
        series = overview.day_of(access_of(request)).series
        now = timezone.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
        return _chart_json([series], history.GAP, (now - history.SPAN, now))

    def chart_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The meter values of a transaction, or of the last hour; or the limits that a
        connector will have."""
        charger = self.object_or_404(request, object_id)
        if ahead := request.GET.get("composite"):
            return _composite_json(charger, ahead)
        values = _recent_values(charger)
        if chosen := request.GET.get("transaction"):
            if not chosen.isdecimal():
                chosen = "0"
            values = _values_of(get_object_or_404(charger.transactions, pk=chosen))
        series = metered(values)
        return _chart_json(series, gap_of(series))


def _composite_json(charger: Charger, number: str) -> HttpResponse:
    saved, now = _saved(charger), timezone.localtime()
    for composite in memory.composites(charger, saved, now) if saved else ():
        if str(composite.connector) == number:
            return _chart_json([composite.limit], memory.SPAN, (now, composite.until))
    raise Http404("Nothing is known of that connector.")


def _chart_json(
    series: list[Series], gap: timedelta, span: tuple[datetime, datetime] | None = None
) -> HttpResponse:
    """What chart.js draws; from the first value to the last where no span is given."""
    return JsonResponse(
        {
            "gap": gap.total_seconds(),
            "span": span and [at.timestamp() for at in span],
            "series": [one.as_json() for one in series],
        }
    )


def _drawn(values: list[MeterValue], until: datetime) -> Chart | None:
    return draw_power(metered(values), until)


def _end_of(transaction: Transaction) -> datetime:
    """When it ended; now, while it runs."""
    return timezone.localtime(transaction.stopped_at or timezone.now())


def _recent_values(charger: Charger) -> list[MeterValue]:
    since = timezone.now() - CHART_SPAN
    return _oldest_first(charger.meter_values.filter(timestamp__gte=since))


def _values_of(transaction: Transaction) -> list[MeterValue]:
    return _oldest_first(transaction.meter_values.order_by("-timestamp", "-id"))


def _oldest_first(values: QuerySet[MeterValue]) -> list[MeterValue]:
    return list(values[:CHART_VALUES])[::-1]


def _saved(charger: Charger) -> dict[str, Any]:
    """The memory of a virtual charger that has run."""
    state = getattr(charger, "virtual_state", None) if charger.is_virtual else None
    return dict(state.data) if state else {}


def provisioning_steps(charger: Charger) -> list[dict[str, Any]]:
    """How a charger came to be: what was done when, and what is missing.

    One that is ready has connected and booted again since, perhaps.
    """
    failed = charger.provisioning_status == ProvisioningStatus.FAILED
    ready = charger.provisioning_status == ProvisioningStatus.READY
    error = charger.provisioning_error or {}
    missing = "bad" if failed else "ahead"
    connected = charger.connected_at or charger.booted_at

    def step(label: str, at: datetime | None, detail: str = "") -> dict[str, Any]:
        tone = "good" if at else missing
        return {"label": label, "at": at, "tone": tone, "detail": detail}

    steps = [step("Registered", charger.created_at)]
    if charger.provisioning_started_at or not charger.is_virtual:
        started = charger.provisioning_started_at or charger.created_at
        steps.append(step("Started", started))
    last = "Last connected" if ready else "Connected"
    boot = "Last boot accepted" if ready else "Boot accepted"
    steps += [
        step(last, connected, "" if connected else charger.link_detail),
        step(boot, charger.booted_at, error.get("message", "") if failed else ""),
    ]
    end = step(
        "Failed" if failed else "Ready",
        charger.provisioned_at,
        error.get("code", "") if failed else "",
    )
    steps.append({**end, "tone": "good" if ready else missing})
    if ready:
        steps[1:] = sorted(steps[1:], key=lambda one: one["at"] or charger.created_at)
    return steps
