"""The home page: all chargers that a person may see, at a glance.

A fixed number of queries, whose answers serve all who see the same for a moment.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar

from django.db.models import Count, QuerySet
from django.utils import timezone

from ocpplab.access import Access
from ocpplab.health import OK, check_roles

from ..choices import Condition, ConnectorStatus
from ..models import (
    Charger,
    Connector,
    Location,
    Message,
    PowerSample,
    Transaction,
)
from . import history
from .chart import Chart, Series, draw_power
from .live import CONDITION_TONES
from .selectors import (
    Session,
    energy_since,
    open_sessions,
    total_power,
    with_condition,
)

TROUBLED_SHOWN = 4  # rows of each list of trouble
PLACES_SHOWN = 12
RATE_SPAN = timedelta(seconds=10)  # over which messages are counted
OVERVIEW_FRESH, DAY_FRESH, HEALTH_FRESH = 1.5, 30.0, 3.0  # s


@dataclass
class Part:
    """The chargers of one condition; ``start`` is where they begin in the bar."""

    condition: Condition
    count: int
    start: int

    @property
    def tone(self) -> str:
        return CONDITION_TONES[self.condition]


@dataclass
class Place:
    """Chargers by condition, and what they deliver: a location's, or all."""

    location: Location | None = None
    counts: dict[str, int] = field(default_factory=dict)
    sessions: list[Session] = field(default_factory=list)

    @property
    def chargers(self) -> int:
        return sum(self.counts.values())

    @property
    def online(self) -> int:
        away = (Condition.FAILED, Condition.STOPPED, Condition.OFFLINE)
        waiting = (*away, Condition.PROVISIONING)
        return self.chargers - sum(self.counts.get(name, 0) for name in waiting)

    @property
    def troubled(self) -> int:
        trouble = (Condition.FAULTED, Condition.OFFLINE, Condition.FAILED)
        return sum(self.counts.get(name, 0) for name in trouble)

    @property
    def power_w(self) -> float:
        return total_power(self.sessions)

    @property
    def parts(self) -> list[Part]:
        """Those that there are, one after the other."""
        parts, start = [], 0
        for condition in CONDITION_TONES:
            if count := self.counts.get(condition, 0):
                parts.append(Part(condition, count, start))
                start += count
        return parts


@dataclass
class Overview:
    """Everything that the home page tells of chargers."""

    whole: Place
    places: list[Place]  # the most troubled, then the busiest
    place_count: int
    energy_wh: float  # since midnight
    messages_per_second: float
    faulted: list[Connector]
    offline: list[Charger]

    @property
    def sessions(self) -> list[Session]:
        return self.whole.sessions


def overview(access: Access) -> Overview:
    """The chargers of the person's organizations, as they are or were a moment ago."""
    return _fresh(("overview", _key(access)), OVERVIEW_FRESH, lambda: _look(access))


def _look(access: Access) -> Overview:
    now = timezone.localtime()
    chargers = access.scope(Charger.objects.order_by(), "organization")
    of_chargers = "charger__organization"
    transactions = access.scope(Transaction.objects.all(), of_chargers)
    messages = access.scope(Message.objects.order_by(), of_chargers)
    connectors = access.scope(Connector.objects.all(), of_chargers)
    sessions = open_sessions(transactions)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    whole, places = _places(chargers, sessions)
    return Overview(
        whole=whole,
        places=_with_locations(places[:PLACES_SHOWN]),
        place_count=len(places),
        energy_wh=energy_since(midnight, transactions, sessions),
        messages_per_second=messages.filter(timestamp__gte=now - RATE_SPAN).count()
        / RATE_SPAN.total_seconds(),
        faulted=list(
            connectors.filter(status=ConnectorStatus.FAULTED, charger__is_online=True)
            .select_related("charger")
            .order_by("-status_at")[:TROUBLED_SHOWN]
        ),
        offline=list(
            with_condition(chargers)
            .filter(condition__in=[Condition.OFFLINE, Condition.FAILED])
            .order_by("-disconnected_at", "id")[:TROUBLED_SHOWN]
        ),
    )


def place_of(location: Location) -> Place:
    """A site as a whole, as it is or was a moment ago."""

    def look() -> Place:
        chargers = Charger.objects.filter(location=location).order_by()
        running = Transaction.objects.filter(charger__location=location)
        whole, _ = _places(chargers, open_sessions(running))
        return whole

    return _fresh(("place", location.pk), OVERVIEW_FRESH, look)


def _places(
    chargers: QuerySet[Charger], sessions: Iterable[Session]
) -> tuple[Place, list[Place]]:
    """All together, and by location; first those where something is wrong."""
    whole = Place()
    places: dict[Any, Place] = {}
    groups = with_condition(chargers).values_list("location_id", "condition")
    for location_id, condition, count in groups.annotate(Count("pk")):
        place = places.setdefault(location_id, Place(_unnamed(location_id)))
        for one in (whole, place):
            one.counts[condition] = one.counts.get(condition, 0) + count
    for session in sessions:
        whole.sessions.append(session)
        there = places.get(session.transaction.charger.location_id)
        if there is not None:
            there.sessions.append(session)
    ranked = sorted(
        places.values(), key=lambda p: (-p.troubled, -p.power_w, -p.chargers)
    )
    return whole, ranked


def _unnamed(location_id: Any) -> Location | None:
    return Location(pk=location_id) if location_id else None


def _with_locations(places: list[Place]) -> list[Place]:
    found = Location.objects.in_bulk([p.location.pk for p in places if p.location])
    for place in places:
        if place.location:
            place.location = found.get(place.location.pk)
    return places


# --- The day --------------------------------------------------------------------------


@dataclass
class Day:
    """Power over the last 24 hours."""

    series: Series

    @cached_property
    def chart(self) -> Chart | None:
        now = timezone.localtime()
        return draw_power([self.series], now, gap=history.GAP, span=history.SPAN)


def day_of(access: Access) -> Day:
    """What was noted each minute, and what there is now."""
    rows = access.scope(PowerSample.objects.all(), "organization")
    noted = _fresh(("day", _key(access)), DAY_FRESH, lambda: history.power_of_day(rows))
    now = (timezone.now(), overview(access).whole.power_w / 1000)
    return Day(replace(noted, samples=[*noted.samples, now]))


# --- The portal itself ----------------------------------------------------------------


@dataclass
class Role:
    name: str
    detail: str

    @property
    def is_ok(self) -> bool:
        return self.detail == OK


def roles() -> list[Role]:
    """Database, Redis, worker and fleet, and what is wrong with each."""
    found = _fresh(("roles",), HEALTH_FRESH, check_roles)
    return [Role(name, detail) for name, detail in found.items()]


# --- Answers that serve for a moment --------------------------------------------------

T = TypeVar("T")
_answers: dict[Any, tuple[float, Any]] = {}
ANSWERS_KEPT = 200


def _key(access: Access) -> Any:
    return None if access.is_superuser else frozenset(access.roles)


def _fresh(key: Any, seconds: float, ask: Callable[[], T]) -> T:
    """The last answer, if it is no older than that; in this process alone, so that it
    needs no Redis, of which the page tells whether it is there."""
    until, answer = _answers.get(key, (0.0, None))
    if time.monotonic() >= until:
        if len(_answers) > ANSWERS_KEPT:
            _answers.clear()
        answer = ask()
        _answers[key] = (time.monotonic() + seconds, answer)
    found: T = answer
    return found


def forget_answers() -> None:
    """For tests: the next question is asked anew."""
    _answers.clear()
