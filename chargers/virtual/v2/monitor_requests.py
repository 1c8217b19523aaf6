"""Requests about monitors (2.x, N02 to N06)."""

from typing import TYPE_CHECKING

from ...ocpp.session import Reply
from ...ocpp.versions import Version
from ..protocol import Handler, Payload
from .device_model import Access, Place
from .keys import MONITORING_BASE, MONITORING_LEVEL
from .monitors import (
    ALIGNED,
    DELTA,
    HARDWIRED,
    LEAST_SEVERE,
    LOWER,
    PERIODIC,
    UPPER,
    Monitor,
)
from .parts import send_parts
from .report_requests import is_named
from .variable_requests import find, key_of, limited

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .protocol import ProtocolV2


SHORTEST_INTERVAL = 1.0  # s, of what is told periodically

_KINDS = {
    "ThresholdMonitoring": (UPPER, LOWER),
    "DeltaMonitoring": (DELTA,),
    "PeriodicMonitoring": (PERIODIC, ALIGNED),
}


class MonitorRequests:
    def __init__(self, charger: "VirtualCharger", protocol: "ProtocolV2") -> None:
        self._charger = charger
        self._model = protocol.model
        self._monitors = protocol.monitors
        self.handlers: dict[str, Handler] = {
            "ClearVariableMonitoring": self._clear,
            "GetMonitoringReport": self._get_report,
            "SetMonitoringBase": self._set_base,
            "SetMonitoringLevel": self._set_level,
            "SetVariableMonitoring": self._set,
        }

    # -- set and clear ---------------------------------------------------------------

    def _set(self, payload: Payload) -> Reply:
        sent = limited(payload["setMonitoringData"])
        results = [self._set_one(item) for item in sent]
        self._charger.flash.touch()
        return Reply({"setMonitoringResult": results}, then=self._monitors.check)

    def _set_one(self, item: Payload) -> Payload:
        result: Payload = {
            "type": item["type"],
            "severity": item["severity"],
            "component": item["component"],
            "variable": item["variable"],
        }
        place, status = find(self._model, item)
        known = self._monitors.get(item.get("id", 0))
        if known is not None and known.key != key_of(item):
            status = "Rejected"  # also where there is no such variable (N04.FR.16)
        elif place is not None and status == "Accepted":
            monitor = Monitor(
                item.get("id", 0),
                place,
                item["type"],
                item["value"],
                item["severity"],
                in_transaction=item.get("transaction", False),
            )
            status = self._judge(monitor, "id" in item)
            if status == "Accepted":
                self._monitors.put(monitor)
                result["id"] = monitor.id
        if "id" in item:
            result["id"] = item["id"]
        return {**result, "status": status}

    def _judge(self, monitor: Monitor, is_change: bool) -> str:
        """The SetMonitoringStatus (N04)."""
        if not _supports(monitor.place, monitor.kind):
            return "UnsupportedMonitorType"
        old = self._monitors.get(monitor.id)
        if is_change and (old is None or old.origin == HARDWIRED):
            return "Rejected"
        if not 0 <= monitor.severity <= LEAST_SEVERE or not _is_in_range(monitor):
            return "Rejected"
        for other in self._monitors:
            if other.id != monitor.id and (
                (other.key, other.kind, other.severity)
                == (monitor.key, monitor.kind, monitor.severity)
            ):
                return "Duplicate"
        return "Accepted"

    def _clear(self, payload: Payload) -> Payload:
        results = [
            {"id": monitor_id, "status": self._clear_one(monitor_id)}
            for monitor_id in limited(payload["id"])
        ]
        self._charger.flash.touch()
        return {"clearMonitoringResult": results}

    def _clear_one(self, monitor_id: int) -> str:
        monitor = self._monitors.get(monitor_id)
        if monitor is None:
            return "NotFound"
        if monitor.origin == HARDWIRED:
            return "Rejected"
        self._monitors.remove(monitor_id)
        return "Accepted"

    def _set_base(self, payload: Payload) -> Payload:
        base = payload["monitoringBase"]
        if base != "All":
            self._monitors.keep_hardwired()
        self._model.store(MONITORING_BASE, base)
        self._charger.flash.touch()
        return {"status": "Accepted"}

    def _set_level(self, payload: Payload) -> Payload:
        severity = payload["severity"]
        if not 0 <= severity <= LEAST_SEVERE:
            return {"status": "Rejected"}
        self._model.store(MONITORING_LEVEL, str(severity))
        self._charger.flash.touch()
        return {"status": "Accepted"}

    # -- report ----------------------------------------------------------------------

    def _get_report(self, payload: Payload) -> Payload | Reply:
        criteria = payload.get("monitoringCriteria", [])
        named = limited(payload.get("componentVariable", []))
        kinds = {kind for word in criteria for kind in _KINDS[word]}
        chosen: dict[Place, list[Monitor]] = {}
        for monitor in self._monitors:
            if named and not any(is_named(monitor.place, item) for item in named):
                continue
            if not criteria or monitor.kind in kinds:
                chosen.setdefault(monitor.place, []).append(monitor)
        if not chosen:
            return {"status": "EmptyResultSet"}
        elements = [self._data(place, found) for place, found in chosen.items()]

        def report() -> None:
            self._charger.spawn(
                send_parts(
                    self._charger,
                    "NotifyMonitoringReport",
                    "monitor",
                    elements,
                    requestId=payload["requestId"],
                )
            )

        return Reply({"status": "Accepted"}, then=report)

    def _data(self, place: Place, monitors: list[Monitor]) -> Payload:
        """MonitoringDataType."""
        return {
            "component": place.component_payload,
            "variable": place.variable_payload,
            "variableMonitoring": [self._monitor_data(monitor) for monitor in monitors],
        }

    def _monitor_data(self, monitor: Monitor) -> Payload:
        told: Payload = {
            "id": monitor.id,
            "transaction": monitor.in_transaction,
            "value": monitor.value,
            "type": monitor.kind,
            "severity": monitor.severity,
        }
        if self._charger.spec.version is Version.V21:
            told["eventNotificationType"] = monitor.origin
        return told


def _supports(place: Place, kind: str) -> bool:
    variable = place.variable
    if kind in (UPPER, LOWER):
        return variable.is_numeric
    if variable.access is Access.WRITE:
        return kind == DELTA
    return variable.is_monitorable and kind in (DELTA, PERIODIC, ALIGNED)


def _is_in_range(monitor: Monitor) -> bool:
    variable, value = monitor.place.variable, monitor.value
    if monitor.kind == DELTA:
        return value >= 0
    if monitor.kind in (PERIODIC, ALIGNED):
        return value >= SHORTEST_INTERVAL
    is_low = variable.low is not None and value < variable.low
    is_high = variable.high is not None and value > variable.high
    return not is_low and not is_high
