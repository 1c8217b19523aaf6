"""What a virtual charger says in OCPP 2.x: its facts as payloads."""

from collections.abc import Iterable
from typing import Any

from ..clock import Clock, format_time
from ..connector import Connector, Notice, Status
from ..meter import Measurement, Sample, split_item
from ..protocol import MeterValue, Request

CONNECTOR = 1  # every EVSE has one


class Messages:
    def __init__(self, identity: Any, clock: Clock) -> None:
        self._identity = identity
        self._clock = clock

    def boot_notification(self, reason: str) -> Request:
        identity = self._identity
        station = {
            "model": identity.model[:20] or "-",
            "vendorName": identity.vendor[:50] or "-",
            "serialNumber": identity.serial_number[:25],
            "firmwareVersion": identity.firmware_version[:50],
        }
        told = {name: text for name, text in station.items() if text}
        return "BootNotification", {"reason": reason, "chargingStation": told}

    def status_notification(self, evse: int, notice: Notice) -> Request:
        return "StatusNotification", {
            "timestamp": self.now(),
            "connectorStatus": notice.status,
            "evseId": evse,
            "connectorId": CONNECTOR,
        }

    def meter_values(self, evse: int, values: list[MeterValue]) -> Request:
        return "MeterValues", {"evseId": evse, "meterValue": values}

    def meter_value(
        self, measurement: Measurement, items: Iterable[str], context: str
    ) -> list[MeterValue]:
        """One MeterValue of what can be measured of the items; [] for nothing."""
        values = [
            _sampled_value(item, sample, context)
            for item in items
            if (sample := measurement.sample(item)) is not None
        ]
        return [{"timestamp": self.now(), "sampledValue": values}] if values else []

    def now(self) -> str:
        return format_time(self._clock.now())


def status_of(connector: Connector) -> str:
    """ConnectorStatusEnumType: what is seen from outside."""
    status = connector.status
    if status in (Status.FAULTED, Status.UNAVAILABLE):
        return status.value
    if connector.vehicle is not None:
        return "Occupied"
    return "Reserved" if status is Status.RESERVED else "Available"


def evse_of(connector: Connector) -> dict[str, int]:
    return {"id": connector.number, "connectorId": CONNECTOR}


def _sampled_value(item: str, sample: Sample, context: str) -> dict[str, Any]:
    value: dict[str, Any] = {
        "value": float(sample.value),
        "context": context,
        "measurand": split_item(item)[0],
    }
    if sample.phase:
        value["phase"] = sample.phase
    if sample.location:
        value["location"] = sample.location
    if sample.unit:
        value["unitOfMeasure"] = {"unit": sample.unit}
    return value
