"""Monitors of variables, and the events that they cause (2.x, N07, N08)."""

import asyncio
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ...ocpp.errors import CallTimeout, LinkClosed, OCPPError
from ...ocpp.versions import Version
from ..clock import Event, format_time, next_aligned, wait_for_event
from ..protocol import Payload
from .device_model import Access, DeviceModel, Key, Place
from .keys import MONITORING_ENABLED, MONITORING_LEVEL, OFFLINE_SEVERITY
from .parts import send_parts

if TYPE_CHECKING:
    from ..charger import VirtualCharger

logger = logging.getLogger(__name__)

UPPER, LOWER, DELTA = "UpperThreshold", "LowerThreshold", "Delta"
PERIODIC, ALIGNED = "Periodic", "PeriodicClockAligned"
DAY = 86_400.0  # s
LOOK_EVERY = 10.0  # s, at values that change by themselves
QUEUE_LIMIT = 100  # events that wait for a link
LEAST_SEVERE = 9
PROBLEM_SEVERITY = 2  # of an EVSE's problem
FIRST_CUSTOM_ID = 1000
HARDWIRED, CUSTOM = "HardWiredMonitor", "CustomMonitor"  # EventNotificationEnumType


@dataclass(slots=True)
class Monitor:
    """``seen`` is the value that it compares with; ``due_at`` a monotonic time."""

    id: int
    place: Place
    kind: str
    value: float
    severity: int
    origin: str = CUSTOM
    in_transaction: bool = False  # only while one is running
    seen: str | None = None
    is_alarmed: bool = False
    due_at: float = math.inf

    @property
    def key(self) -> Key:
        return self.place.key

    @property
    def is_secret(self) -> bool:
        return self.place.variable.access is Access.WRITE

    @property
    def is_numeric(self) -> bool:
        return self.place.variable.is_numeric

    def passes(self, text: str) -> bool:
        """Whether the value is beyond the threshold."""
        number = _number(text)
        return number > self.value if self.kind == UPPER else number < self.value

    def to_state(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "key": list(self.key),
            "kind": self.kind,
            "value": self.value,
            "severity": self.severity,
            "origin": self.origin,
            "in_transaction": self.in_transaction,
            "is_alarmed": self.is_alarmed,
        }


class Monitors:
    """Problems have hardwired monitors; the CSMS sets others."""

    def __init__(
        self, charger: "VirtualCharger", model: DeviceModel, state: dict[str, Any]
    ) -> None:
        self._charger = charger
        self._model = model
        self._changed = Event()
        self._watcher: asyncio.Task[Any] | None = None
        self._delivery: asyncio.Task[Any] | None = None
        self._waiting: list[Payload] = []  # events
        self._next_event = 1
        self._monitors = {
            number: Monitor(number, place, DELTA, 1, PROBLEM_SEVERITY, HARDWIRED)
            for number, place in enumerate(_hardwired(model), start=1)
        }
        self._next_id = state.get("next_id", FIRST_CUSTOM_ID)
        for item in state.get("monitors", []):
            if (place := model.find(Key(*item["key"]))) is not None:
                kept = {name: value for name, value in item.items() if name != "key"}
                self._monitors[item["id"]] = Monitor(place=place, **kept)

    def __iter__(self) -> Iterator[Monitor]:
        return iter(self._monitors.values())

    def to_state(self) -> dict[str, Any]:
        kept = [m.to_state() for m in self if m.origin != HARDWIRED]
        return {"monitors": kept, "next_id": self._next_id} if kept else {}

    # -- what there is to watch ------------------------------------------------------

    def get(self, monitor_id: int) -> Monitor | None:
        return self._monitors.get(monitor_id)

    def put(self, monitor: Monitor) -> None:
        """Watch from now on; one of the same id is replaced (N04.FR.12)."""
        if monitor.id == 0:
            monitor.id = self._next_id
            self._next_id += 1
        old = self._monitors.get(monitor.id)
        if old is not None and old.is_alarmed and old.kind == monitor.kind:
            # It is cleared now, or exceeded anew (N07.FR.11).
            monitor.is_alarmed = not monitor.passes(self._model.text(monitor.key))
        self._monitors[monitor.id] = monitor
        self.resume()
        self._changed.set()

    def remove(self, monitor_id: int) -> None:
        del self._monitors[monitor_id]
        self._changed.set()

    def keep_hardwired(self) -> None:
        """Forget what the CSMS set (N03.FR.04, N03.FR.05)."""
        self._monitors = {m.id: m for m in self if m.origin == HARDWIRED}
        self._changed.set()

    # -- as values change ------------------------------------------------------------

    def resume(self) -> None:
        """Watch in the background what changes by itself, if anything."""
        is_watching = self._watcher is not None and not self._watcher.done()
        if not is_watching and any(m.origin != HARDWIRED for m in self):
            self._watcher = self._charger.spawn(self._watch())

    async def _watch(self) -> None:
        while any(monitor.origin != HARDWIRED for monitor in self):
            self.check()
            now = self._charger.clock.monotonic()
            for monitor in self:
                if monitor.kind in (PERIODIC, ALIGNED) and math.isinf(monitor.due_at):
                    monitor.due_at = now + self._until_due(monitor)
            self._changed.clear()
            due_at = min(monitor.due_at for monitor in self)
            await wait_for_event(
                self._changed,
                self._charger.clock,
                min(max(0.0, due_at - now), LOOK_EVERY),
            )
            self._report_periodic()

    def _until_due(self, monitor: Monitor) -> float:
        if monitor.kind == PERIODIC:
            return monitor.value
        now = self._charger.clock.now()
        interval = timedelta(seconds=min(monitor.value, DAY))
        return (next_aligned(now, interval) - now).total_seconds()

    def _report_periodic(self) -> None:
        now = self._charger.clock.monotonic()
        due = [monitor for monitor in self if monitor.due_at <= now]
        for monitor in due:
            monitor.due_at = math.inf
        self._emit(
            [(m, "Periodic", self._model.text(m.key)) for m in due if self._is_on(m)]
        )

    def check(self) -> None:
        """Compare all values with what the monitors are waiting for."""
        found = []
        for monitor in self:
            if monitor.kind in (PERIODIC, ALIGNED) or not self._is_on(monitor):
                continue
            if monitor.is_secret:
                continue
            text = self._model.text(monitor.key)
            if monitor.kind == DELTA:
                if self._has_moved(monitor, text):
                    found.append((monitor, "Delta", text))
            elif monitor.passes(text) is not monitor.is_alarmed:
                monitor.is_alarmed = not monitor.is_alarmed
                self._charger.flash.touch()
                found.append((monitor, "Alerting", text))
        self._emit(found)

    def heed(self, changed: Key) -> None:
        """A write-only variable was set, whose value is not shown (N07.FR.10)."""
        self._emit([(m, "Delta", "") for m in self if m.key == changed])

    def _has_moved(self, monitor: Monitor, text: str) -> bool:
        """Whether the value is far enough from that of the last event."""
        before = monitor.seen
        if before is None:
            is_far = False
        elif monitor.is_numeric:
            is_far = abs(_number(text) - _number(before)) > monitor.value
        else:
            is_far = text != before
        if before is None or is_far:
            monitor.seen = text
        return is_far

    def _is_on(self, monitor: Monitor) -> bool:
        return not monitor.in_transaction or self._transaction_id(monitor) is not None

    def _transaction_id(self, monitor: Monitor) -> str | None:
        """That of a transaction which the component has to do with."""
        evse = monitor.place.evse
        for connector in self._charger.outlets:
            if evse in (0, connector.number):
                found = self._charger.protocol.new_key(connector)
                if found is not None:
                    return found
        return None

    # -- events ----------------------------------------------------------------------

    def _emit(self, found: list[tuple[Monitor, str, str]]) -> None:
        """Tell of them, as far as the level and the link allow (N05, N07)."""
        if not self._model.flag(MONITORING_ENABLED):
            return
        level = self._model.integer(MONITORING_LEVEL)
        queued = self._model.integer(OFFLINE_SEVERITY)
        for monitor, trigger, text in found:
            if monitor.severity > level:
                continue
            if self._charger.is_online or monitor.severity <= queued:
                self._waiting.append(self._event(monitor, trigger, text))
        del self._waiting[:-QUEUE_LIMIT]
        is_delivering = self._delivery is not None and not self._delivery.done()
        if self._waiting and not is_delivering:
            self._delivery = self._charger.spawn(self._deliver())

    def _event(self, monitor: Monitor, trigger: str, text: str) -> Payload:
        event: Payload = {
            "eventId": self._next_event,
            "timestamp": format_time(self._charger.clock.now()),
            "trigger": trigger,
            "actualValue": text,
            "variableMonitoringId": monitor.id,
            "eventNotificationType": monitor.origin,
            "component": monitor.place.component_payload,
            "variable": monitor.place.variable_payload,
        }
        self._next_event += 1
        if trigger == "Alerting":
            event["cleared"] = not monitor.is_alarmed
        if (transaction_id := self._transaction_id(monitor)) is not None:
            event["transactionId"] = transaction_id
        fault = self._charger.connectors[monitor.place.evse].fault
        if fault and monitor.place.variable.name == "Problem":
            event["techCode"] = fault
        if self._charger.spec.version is Version.V21:
            event["severity"] = monitor.severity
        return event

    async def _deliver(self) -> None:
        while self._waiting:
            await self._charger.uplink.ready.wait()
            events, self._waiting = self._waiting, []
            try:
                await send_parts(self._charger, "NotifyEvent", "eventData", events)
            except LinkClosed:
                self._waiting = events + self._waiting
            except (CallTimeout, OCPPError) as problem:
                logger.info("%s: %s", self._charger.spec.identity, problem)


def _hardwired(model: DeviceModel) -> Iterator[Place]:
    """The problems of locks, and of the EVSEs that have them (G05)."""
    components = ("ConnectorPlugRetentionLock", "EVSE")
    return (
        place
        for component in components
        for place in model
        if (place.variable.component, place.variable.name) == (component, "Problem")
    )


def _number(text: str) -> float:
    return float(text or 0)
