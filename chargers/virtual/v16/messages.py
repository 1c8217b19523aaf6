"""What a virtual charger says in OCPP 1.6: its facts as messages, answers as facts."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..clock import format_time
from ..meter import Measurement, Reading, Sample, sampled_value
from ..protocol import Request, about
from ..states import Notice, StopReason
from ..transaction import Transaction

if TYPE_CHECKING:
    from ..charger import VirtualCharger

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
# FirmwareStatus of 1.6 itself (7.25); the whitepaper's has more.
_PLAIN_FIRMWARE = frozenset(
    {
        "Idle",
        "Downloading",
        "Downloaded",
        "DownloadFailed",
        "Installing",
        "Installed",
        "InstallationFailed",
    }
)
_DIAGNOSTICS = ("Idle", "Uploading", "Uploaded")  # anything else has failed (7.24)
_REASONS = {  # where 1.6 has none of its own (7.36)
    StopReason.FAULT: "Other",
    StopReason.ENERGY_LIMIT: "Local",
    StopReason.TIME_LIMIT: "Local",
    StopReason.TIMEOUT: "Other",
}


class Messages:
    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger

    def boot_notification(self) -> Request:
        spec = self._charger.spec
        told = {
            "chargePointVendor": spec.vendor[:20] or "-",
            "chargePointModel": spec.model[:20] or "-",
            "chargePointSerialNumber": spec.serial_number[:25],
            "firmwareVersion": self._charger.firmware.version[:50],
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

    # -- transfers and security: ``request_id`` None is what 1.6 itself has started -----

    def firmware_status(self, status: str, request_id: int | None) -> Request | None:
        if request_id is not None:
            return self.signed_firmware_status(status, request_id)
        if status not in _PLAIN_FIRMWARE:
            return None
        return "FirmwareStatusNotification", {"status": status}

    def signed_firmware_status(self, status: str, request_id: int | None) -> Request:
        return "SignedFirmwareStatusNotification", about(status, request_id)

    def log_status(self, status: str, request_id: int | None) -> Request:
        if request_id is not None:
            return "LogStatusNotification", about(status, request_id)
        told = status if status in _DIAGNOSTICS else "UploadFailed"
        return "DiagnosticsStatusNotification", {"status": told}

    def security_event(self, kind: str, at: datetime, info: str) -> Request:
        payload = {"type": kind, "timestamp": format_time(at)}
        if info:
            payload["techInfo"] = info
        return "SecurityEventNotification", payload

    def _now(self) -> str:
        return format_time(self._charger.clock.now())


def tag_info(answer: dict[str, Any]) -> dict[str, Any]:
    """The idTagInfo of an answer; StopTransaction.conf may have none."""
    info: dict[str, Any] = answer.get("idTagInfo", {})
    return info


def _sampled_value(item: str, sample: Sample, context: str) -> dict[str, Any]:
    """Without what is empty: 1.6 has no Hz (7.45)."""
    value = sampled_value(item, sample, context)
    if sample.unit:
        value["unit"] = sample.unit
    return value
