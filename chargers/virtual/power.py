"""How much each connector may offer as time passes, and what it will be (1.6, 3.13)."""

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .clock import parse_time
from .connector import Connector
from .smart_charging import Limit, Period, Supply, limit_of
from .vehicle import MIN_CURRENT_A

if TYPE_CHECKING:
    from .charger import VirtualCharger

COMPOSITE_LIMIT = 31 * 86_400  # s that a composite schedule may reach ahead
LOOK_AHEAD = timedelta(days=1)  # for the next change; then one looks again


class Power:
    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger
        self._profiles = charger.profiles
        self._clock = charger.clock

    # -- now -------------------------------------------------------------------------

    def apply(self, at: datetime | None = None) -> None:
        """Let every connector offer what its profiles allow now, or at that moment."""
        now = at or self._clock.now()
        if len(self._profiles) == 0:
            for connector in self._charger.outlets:
                connector.limit_by(None)
            return
        limits = {c: self._own_limit(c, now) for c in self._charger.outlets}
        limits |= self._shares(limits, now)
        for connector, limit in limits.items():
            connector.limit_by(limit)

    def reconsider(self) -> None:
        """Profiles have been set or cleared: go by them from now on."""
        self._charger.flash.touch()
        self.apply()
        self._charger.charging.wake()

    def due_in(self) -> float:
        """Seconds until a limit may change; inf for not in sight."""
        if len(self._profiles) == 0:
            return math.inf
        now = self._clock.now()
        due = min(self._changes(now, now + LOOK_AHEAD), default=now + LOOK_AHEAD)
        return (due - now).total_seconds()

    def catch_up(self, since: datetime, until: datetime) -> None:
        """Charge as the profiles had it while the charger's process was down."""
        moment = since
        charges = any(connector.could_charge for connector in self._charger.outlets)
        changes = self._changes(since, until) if charges else ()
        for change in [*sorted(changes), until]:
            self.apply(moment)
            for connector in self._charger.outlets:
                connector.catch_up(moment, change)
            moment = change

    def _changes(self, since: datetime, until: datetime) -> set[datetime]:
        return {
            moment
            for connector in self._charger.outlets
            for moment in self._profiles.changes(
                connector.number, since, until, _begin(connector, since)
            )
        }

    def _own_limit(self, connector: Connector, at: datetime) -> Limit:
        limit = Limit(connector.local_limit_w, connector.phases)
        rule = self._profiles.connector_rule(
            connector.number, _key(connector), at, _begin(connector, at)
        )
        if rule is not None:
            limit = limit.within(limit_of(rule, connector.supply))
        return limit

    def _shares(
        self, limits: dict[Connector, Limit], at: datetime
    ) -> dict[Connector, Limit]:
        """ChargePointMaxProfile: all connectors together stay below it (3.13.3).

        In equal shares, and what one cannot use goes to the others. Where a share would
        be too small to charge with, the connectors of higher numbers have to wait.
        """
        rule = self._profiles.station_rule(at)
        if rule is None:
            return {}
        whole = limit_of(rule, self._charger.outlets[0].supply)
        sharers = [c for c in self._charger.outlets if c.could_charge]
        shares = {c: limits[c].within(whole) for c in self._charger.outlets}
        least_w = self._least_w()
        served = sharers[: max(1, int(whole.watts // least_w))] if least_w else sharers
        shares.update({c: whole.share(0.0) for c in sharers if c not in served})
        left_w = whole.watts
        for count, connector in enumerate(
            sorted(served, key=lambda c: limits[c].watts), start=-len(served)
        ):
            watts = min(limits[connector].watts, left_w / -count)
            left_w -= watts
            shares[connector] = limits[connector].within(whole.share(watts))
        return shares

    def _least_w(self) -> float:
        supply = self._charger.outlets[0].supply
        return 0.0 if supply.is_dc else supply.convert(MIN_CURRENT_A, "A", "W", None)

    # -- in the future ---------------------------------------------------------------

    def composite(
        self, number: int, start: datetime, duration: int, unit: str
    ) -> list[Period]:
        """The composite schedule of a connector, or of the charger with 0 (5.7)."""
        end = start + timedelta(seconds=duration)
        chosen = [c for c in self._charger.outlets if number in (0, c.number)]
        moments = {start}
        for connector in chosen:
            begin = _begin(connector, start)
            moments |= self._profiles.changes(connector.number, start, end, begin)
        periods: list[Period] = []
        for moment in sorted(moments):
            limit, phases = self._limit_at(chosen, moment, start, unit)
            offset = round((moment - start).total_seconds())
            if offset == duration:
                break
            if periods and periods[-1].start == offset:
                periods.pop()  # less than a second long
            if not periods or periods[-1][1:] != (limit, phases):
                periods.append(Period(offset, limit, phases))
        return periods

    def _limit_at(
        self, chosen: list[Connector], at: datetime, start: datetime, unit: str
    ) -> tuple[float, int | None]:
        """Rounded to tenths (7.14), and the phases where a profile names them."""
        limits = [self._connector_limit_at(c, at, start, unit) for c in chosen]
        total = sum(limit for limit, _ in limits)
        phases = limits[0][1] if len(limits) == 1 else None
        rule = self._profiles.station_rule(at)
        if rule is not None:
            whole = rule.limit(unit, chosen[0].supply)
            if unit == "A":
                phases = _fewer(phases, rule.period.phases)
            elif whole <= total:
                phases = rule.period.phases
            total = min(total, whole)
        return round(total, 1), phases

    def _connector_limit_at(
        self, connector: Connector, at: datetime, start: datetime, unit: str
    ) -> tuple[float, int | None]:
        supply: Supply = connector.supply
        limit, phases = supply.rating(unit), None
        if connector.limit_w is not None and connector.limit_w < connector.rating_w:
            limit = supply.convert(connector.limit_w, "W", unit, connector.phases)
        rule = self._profiles.connector_rule(
            connector.number, _key(connector), at, _begin(connector, start)
        )
        if rule is not None:
            if unit == "A" or rule.limit(unit, supply) <= limit:
                phases = rule.period.phases
            limit = min(limit, rule.limit(unit, supply))
        return limit, phases


def _fewer(one: int | None, other: int | None) -> int | None:
    """What is in A is meant for no more phases than any of the schedules names."""
    return min((n for n in (one, other) if n is not None), default=None)


def _key(connector: Connector) -> str | None:
    return connector.transaction.key if connector.transaction else None


def _begin(connector: Connector, otherwise: datetime) -> datetime:
    """When its transaction began; without one, it would begin at that moment."""
    transaction = connector.transaction
    return parse_time(transaction.started_at) if transaction else otherwise
