"""What a virtual charger says in OCPP 1.6: its facts as messages, answers as facts."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ..clock import Clock, format_time
from ..meter import Measurement, Reading, Sample, split_item
from ..states import Notice, StopReason
from ..transaction import Transaction
from .notifications import Notifications

Request = tuple[str, dict[str, Any]]  # action and payload

ERROR_CODES = {  # fault types to ChargePointErrorCode (1.6, 7.6)
    "GroundFault": "GroundFailure",
    "OverCurrent": "OverCurrentFailure",
    "OverVoltage": "OverVoltage",
    "UnderVoltage": "UnderVoltage",
    "OverTemperature": "HighTemperature",
    "InternalError": "InternalError",
    "ConnectorLockFailure": "ConnectorLockFailure",
    "EVCommunicationError": "EVCommunicationError",
    "PowerMeterFailure": "PowerMeterFailure",
    "WeakSignal": "WeakSignal",
}
_REASONS = {  # where 1.6 has none of its own (7.36)
    StopReason.FAULT: "Other",
    StopReason.ENERGY_LIMIT: "Local",
    StopReason.TIME_LIMIT: "Local",
    StopReason.TIMEOUT: "Other",
}


class Identity(Protocol):
    """What BootNotification tells of a charger."""

    @property
    def vendor(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def serial_number(self) -> str: ...


class Messages(Notifications):
    def __init__(
        self, identity: Identity, clock: Clock, *, firmware: Callable[[], str]
    ) -> None:
        self._identity = identity
        self._firmware = firmware
        self._clock = clock

    def boot_notification(self) -> Request:
        told = {
            "chargePointVendor": self._identity.vendor[:20] or "-",
            "chargePointModel": self._identity.model[:20] or "-",
            "chargePointSerialNumber": self._identity.serial_number[:25],
            "firmwareVersion": self._firmware()[:50],
        }
        return "BootNotification", {key: text for key, text in told.items() if text}

    def status_notification(self, connector: int, notice: Notice) -> Request:
        payload = {
            "connectorId": connector,
            "errorCode": ERROR_CODES[notice.fault] if notice.fault else "NoError",
            "status": notice.status,
            "timestamp": self._now(),
        }
        if notice.info:
            payload["info"] = notice.info
        return "StatusNotification", payload

    def authorize(self, id_tag: str) -> Request:
        return "Authorize", {"idTag": id_tag}

    def start_transaction(self, connector: int, transaction: Transaction) -> Request:
        payload = {
            "connectorId": connector,
            "idTag": transaction.id_tag,
            "meterStart": transaction.meter_start_wh,
            "timestamp": transaction.started_at,
        }
        if transaction.reservation_id is not None:
            payload["reservationId"] = transaction.reservation_id
        return "StartTransaction", payload

    def stop_transaction(
        self,
        transaction: Transaction,
        reading: Reading,
        reason: StopReason,
        *,
        data: list[dict[str, Any]],
    ) -> Request:
        """Without transactionId as long as the CSMS has given none."""
        payload: dict[str, Any] = {
            "meterStop": reading.energy_wh,
            "timestamp": self._now(),
            "reason": _REASONS.get(reason, reason.value),
        }
        if transaction.id is not None:
            payload["transactionId"] = transaction.id
        if payload["reason"] == "Local":
            payload["idTag"] = transaction.id_tag
        if data:
            payload["transactionData"] = data
        return "StopTransaction", payload

    def meter_values(
        self,
        connector: int,
        transaction: Transaction | None,
        meter_value: list[dict[str, Any]],
    ) -> Request:
        payload: dict[str, Any] = {"connectorId": connector, "meterValue": meter_value}
        if transaction is not None and transaction.id is not None:
            payload["transactionId"] = transaction.id
        return "MeterValues", payload

    def meter_value(
        self, measurement: Measurement, items: Iterable[str], context: str
    ) -> list[dict[str, Any]]:
        """One MeterValue of what can be measured of the items; [] for nothing."""
        values = [
            _sampled_value(item, sample, context)
            for item in items
            for sample in measurement.samples(item)
        ]
        return [{"timestamp": self._now(), "sampledValue": values}] if values else []

    def _now(self) -> str:
        return format_time(self._clock.now())


def tag_info(answer: dict[str, Any]) -> dict[str, Any]:
    """The idTagInfo of an answer; StopTransaction.conf may have none."""
    info: dict[str, Any] = answer.get("idTagInfo", {})
    return info


def _sampled_value(item: str, sample: Sample, context: str) -> dict[str, Any]:
    """Without what is empty: 1.6 has no Hz (7.45)."""
    value = {
        "value": sample.value,
        "context": context,
        "measurand": split_item(item)[0],
        "phase": sample.phase,
        "location": sample.location,
        "unit": sample.unit,
    }
    return {name: text for name, text in value.items() if text}
