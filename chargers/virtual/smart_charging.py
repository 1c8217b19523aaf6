"""Charging profiles: which limit rules a connector at a moment (OCPP 1.6, 3.13). No I/O.

Knows no OCPP version: a profile is made from a version's message by its translation.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple

from .clock import format_time, parse_time
from .vehicle import AC_VOLTAGE_V

MAX_STACK_LEVEL = 10
MAX_PERIODS = 100  # of one schedule
MAX_PROFILES = 50  # installed at a time
_NEVER = datetime.max.replace(tzinfo=UTC)
ASSUMED_PHASES = 3  # where a schedule names none (7.14)


class Purpose(StrEnum):
    STATION_MAX = "StationMax"
    TX_DEFAULT = "TxDefault"
    TX = "Tx"
    PRIORITY = "Priority"  # in place of all for transactions, where it is asked for


_RANKS = {
    Purpose.STATION_MAX: 0,
    Purpose.TX_DEFAULT: 0,
    Purpose.TX: 1,
    Purpose.PRIORITY: 2,
}


class Period(NamedTuple):
    start: int  # s, into the schedule
    limit: float  # in the schedule's unit
    phases: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """``start`` None: the schedule begins with the transaction (7.13)."""

    id: int
    connector: int
    purpose: Purpose
    stack_level: int
    unit: str  # "A", per phase, or "W"
    periods: tuple[Period, ...]
    start: datetime | None = None
    duration: int | None = None  # s
    recurrence: int | None = None  # s: a day or a week
    min_rate: float | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction: str | None = None  # the key of the one that a Tx profile is for

    def period_at(self, at: datetime, begin: datetime) -> Period | None:
        """What holds at a moment of a transaction that began so; None outside."""
        if self.valid_from is not None and at < self.valid_from:
            return None
        if self.valid_to is not None and at >= self.valid_to:
            return None
        elapsed = at - (self.start or begin)
        if elapsed < timedelta(0):
            return None
        if self.recurrence is not None:
            elapsed %= timedelta(seconds=self.recurrence)
        seconds = elapsed.total_seconds()
        if self.duration is not None and seconds >= self.duration:
            return None
        return next(p for p in reversed(self.periods) if p.start <= seconds)

    def changes(
        self, since: datetime, until: datetime, begin: datetime
    ) -> Iterator[datetime]:
        """The moments after ``since``, before ``until``, where another limit may hold."""
        moments = [m for m in (self.valid_from, self.valid_to) if m is not None]
        for origin in self._origins(since, until, self.start or begin):
            moments.append(origin)
            moments.extend(_after(origin, period.start) for period in self.periods)
            if self.duration is not None:
                moments.append(_after(origin, self.duration))
        return (moment for moment in moments if since < moment < until)

    def _origins(
        self, since: datetime, until: datetime, start: datetime
    ) -> Iterator[datetime]:
        """Where the schedule begins anew, including the last time before ``since``."""
        if self.recurrence is None:
            yield start
            return
        step = timedelta(seconds=self.recurrence)
        origin = start + max(0, (since - start) // step) * step
        while origin < until:
            yield origin
            origin += step

    def overlaps(self, other: "Profile") -> bool:
        """Whether there is a moment at which both are valid."""
        return (
            self.valid_to is None
            or other.valid_from is None
            or other.valid_from < self.valid_to
        ) and (
            other.valid_to is None
            or self.valid_from is None
            or self.valid_from < other.valid_to
        )

    def is_sound(self) -> bool:
        """Whether it says what a profile may say (5.16, 7.13)."""
        starts = [period.start for period in self.periods]
        is_window = (
            self.valid_from is None
            or self.valid_to is None
            or self.valid_from < self.valid_to
        )
        return (
            0 <= self.stack_level <= MAX_STACK_LEVEL
            and len(starts) <= MAX_PERIODS
            and starts[:1] == [0]
            and all(a < b for a, b in pairwise(starts))
            and all(period.limit >= 0 for period in self.periods)
            and all(p.phases is None or 1 <= p.phases <= 3 for p in self.periods)
            and (self.duration is None or self.duration > 0)
            and is_window
            and (self.connector == 0 or self.purpose is not Purpose.STATION_MAX)
            and (self.connector > 0 or self.purpose is not Purpose.TX)
        )

    def to_state(self) -> dict[str, Any]:
        state = asdict(self)
        for name in ("start", "valid_from", "valid_to"):
            if state[name] is not None:
                state[name] = format_time(state[name])
        return state


def _after(origin: datetime, seconds: int) -> datetime:
    try:
        return origin + timedelta(seconds=seconds)
    except OverflowError:
        return _NEVER


def profile_from_state(state: dict[str, Any]) -> Profile:
    times = {
        name: parse_time(state[name])
        for name in ("start", "valid_from", "valid_to")
        if state[name] is not None
    }
    periods = tuple(Period(*period) for period in state["periods"])
    purpose = Purpose(state["purpose"])
    return Profile(**{**state, **times, "periods": periods, "purpose": purpose})


@dataclass(frozen=True, slots=True)
class Supply:
    """What a connector can give at most: converts between A and W."""

    rating_w: float
    phases: int
    is_dc: bool = False

    def phases_of(self, phases: int | None) -> int:
        return min(phases or ASSUMED_PHASES, self.phases)

    def convert(
        self, value: float, unit: str, wanted: str, phases: int | None
    ) -> float:
        per_ampere = AC_VOLTAGE_V * self.phases_of(phases)
        if unit == wanted:
            return value
        return value * per_ampere if wanted == "W" else value / per_ampere

    def rating(self, unit: str) -> float:
        """In A, that of the fuse: a 22 kW charger is one of 32 A."""
        if unit == "W":
            return self.rating_w
        return float(round(self.convert(self.rating_w, "W", "A", self.phases)))


class Rule(NamedTuple):
    """What one profile says of one moment."""

    period: Period
    unit: str
    min_rate: float | None

    def limit(self, unit: str, supply: Supply) -> float:
        return supply.convert(self.period.limit, self.unit, unit, self.period.phases)


@dataclass(frozen=True, slots=True)
class Limit:
    """What a connector may offer; ``amperes`` on each phase where a rule is in A."""

    watts: float
    phases: int
    amperes: float = math.inf
    least_w: float = 0.0  # charging below is not worth it (minChargingRate)

    def share(self, watts: float) -> "Limit":
        """The part of it that carries so much power."""
        part = watts / self.watts if self.watts else 0.0
        return Limit(watts, self.phases, self.amperes * part if part else 0.0)

    def within(self, other: "Limit") -> "Limit":
        """Both at once."""
        return Limit(
            min(self.watts, other.watts),
            min(self.phases, other.phases),
            min(self.amperes, other.amperes),
            max(self.least_w, other.least_w),
        )


def limit_of(rule: Rule, supply: Supply) -> Limit:
    least = rule.min_rate or 0.0
    phases = supply.phases_of(rule.period.phases)
    return Limit(
        watts=min(rule.limit("W", supply), supply.rating_w * phases / supply.phases),
        phases=phases,
        amperes=rule.period.limit if rule.unit == "A" else math.inf,
        least_w=supply.convert(least, rule.unit, "W", rule.period.phases),
    )


class Profiles:
    """The profiles that are installed on a charger."""

    def __init__(
        self, state: Iterable[dict[str, Any]], prioritized: Iterable[str] = ()
    ) -> None:
        self._installed = [profile_from_state(item) for item in state]
        self.prioritized = set(prioritized)  # keys of transactions

    def __len__(self) -> int:
        return len(self._installed)

    def __iter__(self) -> Iterator[Profile]:
        return iter(self._installed)

    def install(self, profile: Profile, *, by_id: bool = False) -> bool:
        """Add it or put it in another's place (1.6, 5.16.3), or only in that of the one
        with its id (2.x, K01.FR.05); False when there is no room.
        """
        kept = [
            other
            for other in self._installed
            if other.id != profile.id and (by_id or not _replaces(profile, other))
        ]
        if len(kept) >= MAX_PROFILES:
            return False
        self._installed = [*kept, profile]
        return True

    def clear(
        self,
        *,
        profile_id: int | None = None,
        connector: int | None = None,
        purpose: Purpose | None = None,
        stack_level: int | None = None,
    ) -> int:
        """Remove the one with that id, or all that match; how many were there? (5.5)"""

        def is_meant(profile: Profile) -> bool:
            if profile_id is not None:
                return profile.id == profile_id
            return (
                connector in (None, profile.connector)
                and purpose in (None, profile.purpose)
                and stack_level in (None, profile.stack_level)
            )

        kept = [profile for profile in self._installed if not is_meant(profile)]
        count = len(self._installed) - len(kept)
        self._installed = kept
        return count

    def forget(self, transaction: str) -> None:
        """A transaction is over, and so are its profiles (3.13.1)."""
        self.prioritized.discard(transaction)
        self._installed = [p for p in self._installed if p.transaction != transaction]

    def station_rule(self, at: datetime) -> Rule | None:
        """For all connectors together (3.13.3)."""
        ranked = [p for p in self._installed if p.purpose is Purpose.STATION_MAX]
        ranked.sort(key=lambda profile: -profile.stack_level)
        return _first_rule(ranked, at, at)

    def connector_rule(
        self, connector: int, transaction: str | None, at: datetime, begin: datetime
    ) -> Rule | None:
        """The prevailing one of those for transactions (3.13.1, 3.13.2)."""
        return _first_rule(self._ranked(connector, transaction), at, begin)

    def _ranked(self, connector: int, transaction: str | None) -> list[Profile]:
        """By purpose, the connector's before all connectors', then by level."""
        candidates = [
            profile
            for profile in self._installed
            if profile.purpose is not Purpose.STATION_MAX
            and profile.connector in (0, connector)
            and profile.transaction in (None, transaction)
            and (
                profile.purpose is not Purpose.PRIORITY
                or transaction in self.prioritized
            )
        ]
        return sorted(
            candidates,
            key=lambda p: (_RANKS[p.purpose], p.connector, p.stack_level),
            reverse=True,
        )

    def changes(
        self, connector: int, since: datetime, until: datetime, begin: datetime
    ) -> set[datetime]:
        """When the limit of a connector may change; 0 for that of the charger."""
        return {
            moment
            for profile in self._installed
            if profile.connector in (0, connector)
            for moment in profile.changes(since, until, begin)
        }

    def unit(self, connector: int) -> str:
        """That of the profiles in question, W where they differ or there are none."""
        units = {p.unit for p in self._installed if p.connector in (0, connector)}
        return units.pop() if len(units) == 1 else "W"

    def to_state(self) -> list[dict[str, Any]]:
        return [profile.to_state() for profile in self._installed]


def _replaces(new: Profile, old: Profile) -> bool:
    return (new.connector, new.purpose, new.stack_level, new.transaction) == (
        old.connector,
        old.purpose,
        old.stack_level,
        old.transaction,
    )


def _first_rule(
    ranked: Iterable[Profile], at: datetime, begin: datetime
) -> Rule | None:
    for profile in ranked:
        if (period := profile.period_at(at, begin)) is not None:
            return Rule(period, profile.unit, profile.min_rate)
    return None
