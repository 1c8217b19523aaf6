"""When a virtual charger measures, and what becomes of it (OCPP 1.6, 3.16, 4.7)."""

import asyncio
import math
from typing import TYPE_CHECKING, Any

from .clock import wait_for_event
from .configuration import phase_rotation
from .connector import Connector, Transaction
from .meter import Measurement
from .outbox import Message

if TYPE_CHECKING:
    from .charger import VirtualCharger

STOP_DATA_LIMIT = 200  # samples kept for StopTransaction; beyond, every other goes


class Metering:
    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger
        self._clock = charger.clock
        self._configuration = charger.configuration
        self._reconfigured = asyncio.Event()
        started = self._clock.monotonic()
        self._sampled_at = {c.number: started for c in charger.outlets}
        self._last_wh: dict[tuple[int, str], int] = {}  # by connector and key

    def reconfigure(self) -> None:
        """A configuration key changed."""
        self._reconfigured.set()

    def begin(self, connector: Connector, transaction: Transaction) -> None:
        """The transaction begins now."""
        self._sampled_at[connector.number] = self._clock.monotonic()
        for key in ("MeterValuesSampledData", "StopTxnSampledData"):
            self._last_wh[connector.number, key] = connector.energy_wh
        self._keep(connector, transaction, "StopTxnSampledData", "Transaction.Begin")

    def end_data(self, connector: Connector) -> list[dict[str, Any]]:
        """What StopTransaction is to tell of the end."""
        return self._values(connector, "StopTxnSampledData", "Transaction.End")

    def sample(
        self, connector: Connector, context: str, key: str = "MeterValuesSampledData"
    ) -> None:
        """Queue MeterValues of the running transaction, or send them without one."""
        transaction = connector.transaction
        meter_value = self._values(connector, key, context)
        if not meter_value:
            return
        request = self._charger.messages.meter_values(
            connector.number, transaction, meter_value
        )
        if transaction is not None:
            self._charger.outbox.put(
                Message(
                    *request,
                    transaction=transaction.key,
                    connector=connector.number,
                    is_boundary=False,
                )
            )
        else:
            # One that a CSMS triggers may come before it has accepted the charger.
            send = self._charger.uplink.call if context == "Trigger" else None
            if send or self._charger.is_online:
                self._charger.spawn((send or self._charger.call)(*request))

    def take_due(self, connector: Connector) -> None:
        """The periodic sample of a running transaction, if it is time."""
        if self.due_in(connector) <= 0 and connector.transaction is not None:
            self._sampled_at[connector.number] = self._clock.monotonic()
            self._keep(
                connector,
                connector.transaction,
                "StopTxnSampledData",
                "Sample.Periodic",
            )
            self.sample(connector, "Sample.Periodic")

    def due_in(self, connector: Connector) -> float:
        """Seconds until the next periodic sample; 0 switches them off (9.1.19)."""
        interval = self._configuration.integer("MeterValueSampleInterval")
        if not interval or connector.transaction is None:
            return math.inf
        sampled_at = self._sampled_at[connector.number]
        return sampled_at + interval - self._clock.monotonic()

    async def watch_aligned(self) -> None:
        """Clock-aligned values: at multiples of the interval since midnight, UTC."""
        while True:
            interval = self._configuration.integer("ClockAlignedDataInterval")
            due_in = self._until_aligned(interval) if interval else None
            self._reconfigured.clear()
            if await wait_for_event(self._reconfigured, self._clock, due_in):
                continue
            for connector in self._charger.outlets:
                self.sample(connector, "Sample.Clock", "MeterValuesAlignedData")
                if connector.transaction is not None:
                    self._keep(
                        connector,
                        connector.transaction,
                        "StopTxnAlignedData",
                        "Sample.Clock",
                    )

    def _until_aligned(self, interval: int) -> float:
        now = self._clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        left = interval - (now - midnight).total_seconds() % interval
        # A timer that fires a little early must not take the same sample twice.
        return left if left > interval / 2 or left > 0.5 else left + interval

    def _keep(
        self, connector: Connector, transaction: Transaction, key: str, context: str
    ) -> None:
        """Remember for StopTransaction what the key names (9.1.25, 9.1.27)."""
        kept = transaction.begin_values
        kept += self._values(connector, key, context)
        if len(kept) > STOP_DATA_LIMIT:
            kept[1:] = kept[2::2]
        if len(kept):
            self._charger.flash.touch()

    def _values(
        self, connector: Connector, key: str, context: str
    ) -> list[dict[str, Any]]:
        items = self._configuration.items(key)
        if not items:
            return []
        reading = connector.read()
        before = self._last_wh.get((connector.number, key), reading.energy_wh)
        self._last_wh[connector.number, key] = reading.energy_wh
        rotation = phase_rotation(
            self._configuration.text("ConnectorPhaseRotation"), connector.number
        )
        measurement = Measurement(reading, reading.energy_wh - before, rotation)
        return self._charger.messages.meter_value(measurement, items, context)
