"""When a virtual charger measures (OCPP 1.6, 3.16, 4.7; 2.x, J01, J02)."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .clock import Event, next_aligned, wait_for_event
from .connector import Connector
from .meter import Measurement, Reading
from .settings import Series

if TYPE_CHECKING:
    from .charger import VirtualCharger

STOP_DATA_LIMIT = 200  # samples kept for the end; beyond, every other goes
_PERIODIC = (Series.END_SAMPLED, Series.SAMPLED)
_ALIGNED = (Series.ALIGNED, Series.END_ALIGNED)
_BOUNDS = ("Transaction.Begin", "Transaction.End")


class Metering:
    """What becomes of a sample is up to the protocol."""

    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger
        self._clock = charger.clock
        self._settings = charger.settings
        self._protocol = charger.protocol
        self._reconfigured = Event()
        self._sampled_at: dict[tuple[int, Series], float] = {}
        self._started_at = self._clock.monotonic()
        self._last_wh: dict[tuple[int, Series], int] = {}

    def reconfigure(self) -> None:
        """A setting changed."""
        self._reconfigured.set()

    def begin(self, connector: Connector) -> None:
        """The transaction begins now."""
        now = self._clock.monotonic()
        for series in _PERIODIC:
            self._sampled_at[connector.number, series] = now
            self._last_wh[connector.number, series] = connector.energy_wh
        self._keep(connector, Series.END_SAMPLED, "Transaction.Begin")

    def sample(
        self, connector: Connector, context: str, series: Series = Series.SAMPLED
    ) -> None:
        """Measure now, within a transaction or not."""
        if values := self.values(connector, series, context):
            self._protocol.measured(connector, values, context)

    def values(
        self, connector: Connector, series: Series, context: str
    ) -> list[dict[str, Any]]:
        """One MeterValue of a series, as the protocol spells it; [] for nothing."""
        if series is Series.END_SAMPLED and context in _BOUNDS:
            items = self._settings.bound_measurands
        else:
            items = self._settings.measurands(series)
        if not items:
            return []
        reading = self._read(connector)
        before = self._last_wh.get((connector.number, series), reading.energy_wh)
        if context != "Trigger":  # which is beside the series
            self._last_wh[connector.number, series] = reading.energy_wh
        rotation = self._settings.rotation(connector.number)
        measurement = Measurement(
            reading,
            reading.energy_wh - before,
            rotation,
            location="" if connector.number else "Inlet",
        )
        return self._protocol.meter_value(measurement, items, context, series)

    def _read(self, connector: Connector) -> Reading:
        """For connector 0 that of the main meter (1.6, 4.7)."""
        if connector.number:
            return connector.read()
        readings = [outlet.read() for outlet in self._charger.outlets]
        first = readings[0]
        return replace(
            first,
            energy_wh=sum(reading.energy_wh for reading in readings),
            power_w=sum(reading.power_w for reading in readings),
            offered_w=sum(reading.offered_w for reading in readings),
            rating_w=sum(reading.rating_w for reading in readings),
            phases=max(reading.phases for reading in readings),
            soc=None,
        )

    def take_due(self, connector: Connector) -> None:
        """The periodic samples of a running transaction for which it is time."""
        for series in _PERIODIC:
            late = -self._left(connector, series)
            if late < 0:
                continue
            now = self._clock.monotonic()
            # The next is not later for that, unless it was missed altogether.
            is_missed = late >= self._settings.interval(series)
            self._sampled_at[connector.number, series] = (
                now if is_missed else now - late
            )
            if series is Series.SAMPLED:
                self.sample(connector, "Sample.Periodic")
            else:
                self._keep(connector, series, "Sample.Periodic")

    def due_in(self, connector: Connector) -> float:
        """Seconds until the next periodic sample."""
        return min(self._left(connector, series) for series in _PERIODIC)

    def _left(self, connector: Connector, series: Series) -> float:
        interval = self._settings.interval(series)
        if not interval or self._protocol.kept_values(connector) is None:
            return math.inf
        key = connector.number, series
        sampled_at = self._sampled_at.get(key, self._started_at)
        return sampled_at + interval - self._clock.monotonic()

    async def watch_aligned(self) -> None:
        """Clock-aligned values: at multiples of the interval since midnight, UTC."""
        while True:
            self._reconfigured.clear()
            now = self._clock.now()
            due = {
                series: next_aligned(now, timedelta(seconds=interval))
                for series in _ALIGNED
                if (interval := self._settings.interval(series))
            }
            first = min(due.values(), default=None)
            left = (first - now).total_seconds() if first else None
            if await wait_for_event(self._reconfigured, self._clock, left):
                continue
            if due.get(Series.ALIGNED) == first:
                for connector in self._charger.connectors:
                    self.sample(connector, "Sample.Clock", Series.ALIGNED)
            if due.get(Series.END_ALIGNED) == first:
                for connector in self._charger.outlets:
                    self._keep(connector, Series.END_ALIGNED, "Sample.Clock")

    def _keep(self, connector: Connector, series: Series, context: str) -> None:
        """Remember it for the end of the transaction (1.6, 9.1.25, 9.1.27)."""
        kept = self._protocol.kept_values(connector)
        if kept is None:
            return
        kept += self.values(connector, series, context)
        if len(kept) >= STOP_DATA_LIMIT:  # there is the end to come
            kept[1:] = kept[2::2]
        if kept:
            self._charger.flash.touch()
