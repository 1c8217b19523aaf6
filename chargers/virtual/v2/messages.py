"""What a virtual charger says in OCPP 2.x: its facts as payloads."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..clock import format_time
from ..connector import Connector
from ..meter import Measurement, Sample, sampled_value
from ..protocol import MeterValue, Request
from ..states import Notice, Status

if TYPE_CHECKING:
    from ..charger import VirtualCharger

CONNECTOR = 1  # every EVSE has one


class Messages:
    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger

    def boot_notification(self, reason: str) -> Request:
        identity = self._charger.spec
        station = {
            "model": identity.model[:20] or "-",
            "vendorName": identity.vendor[:50] or "-",
            "serialNumber": identity.serial_number[:25],
            "firmwareVersion": self._charger.firmware.version[:50],
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
            for sample in measurement.samples(item)
        ]
        return [{"timestamp": self.now(), "sampledValue": values}] if values else []

    def now(self) -> str:
        return format_time(self._charger.clock.now())


def status_of(connector: Connector) -> str:
    """ConnectorStatusEnumType: what is seen from outside."""
    status = connector.status
    if status in (Status.FAULTED, Status.UNAVAILABLE):
        return status.value
    if connector.is_reserved and connector.transaction is None:
        return "Reserved"  # whoever plugs in (G03.FR.09)
    has_cable = connector.vehicle is not None or connector.is_locked
    return "Occupied" if has_cable else "Available"


def evse_of(connector: Connector) -> dict[str, int]:
    return {"id": connector.number, "connectorId": CONNECTOR}


def _sampled_value(item: str, sample: Sample, context: str) -> dict[str, Any]:
    value = sampled_value(item, sample, context)
    value["value"] = float(sample.value)
    if sample.unit:
        value["unitOfMeasure"] = {"unit": sample.unit}
    return value
