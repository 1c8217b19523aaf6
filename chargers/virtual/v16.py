"""What a virtual charger says in OCPP 1.6: its facts as messages, answers as facts."""

from typing import Any, Protocol

from .clock import Clock, format_time
from .configuration import Configuration
from .connector import Notice, Reading, Transaction

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


class Identity(Protocol):
    """What BootNotification tells of a charger."""

    @property
    def vendor(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def serial_number(self) -> str: ...
    @property
    def firmware_version(self) -> str: ...


class Messages:
    def __init__(
        self, identity: Identity, configuration: Configuration, clock: Clock
    ) -> None:
        self._identity = identity
        self._configuration = configuration
        self._clock = clock

    def boot_notification(self) -> Request:
        told = {
            "chargePointVendor": self._identity.vendor[:20] or "-",
            "chargePointModel": self._identity.model[:20] or "-",
            "chargePointSerialNumber": self._identity.serial_number[:25],
            "firmwareVersion": self._identity.firmware_version[:50],
        }
        return "BootNotification", {key: text for key, text in told.items() if text}

    def heartbeat(self) -> Request:
        return "Heartbeat", {}

    def status_notification(self, connector: int, notice: Notice) -> Request:
        payload = {
            "connectorId": connector,
            "errorCode": ERROR_CODES[notice.fault] if notice.fault else "NoError",
            "status": notice.status.value,
            "timestamp": self._now(),
        }
        if notice.fault:
            payload["info"] = notice.fault
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
        self, transaction: Transaction, reading: Reading, reason: str
    ) -> Request:
        """Without transactionId as long as the CSMS has given none."""
        payload: dict[str, Any] = {
            "meterStop": reading.energy_wh,
            "timestamp": self._now(),
            "reason": reason,
        }
        if transaction.id is not None:
            payload["transactionId"] = transaction.id
        if reason == "Local":
            payload["idTag"] = transaction.id_tag
        data = transaction.begin_values + self.transaction_data(
            reading, "Transaction.End"
        )
        if data:
            payload["transactionData"] = data
        return "StopTransaction", payload

    def transaction_data(self, reading: Reading, context: str) -> list[dict[str, Any]]:
        """What StopTransaction is to tell of a moment (StopTxnSampledData)."""
        return self._meter_value(reading, "StopTxnSampledData", context)

    def meter_values(
        self,
        connector: int,
        transaction: Transaction | None,
        reading: Reading,
        *,
        key: str = "MeterValuesSampledData",
        context: str,
    ) -> Request | None:
        """The measurands that a configuration key names; None when it names none."""
        meter_value = self._meter_value(reading, key, context)
        if not meter_value:
            return None
        payload: dict[str, Any] = {"connectorId": connector, "meterValue": meter_value}
        if transaction is not None and transaction.id is not None:
            payload["transactionId"] = transaction.id
        return "MeterValues", payload

    def _meter_value(
        self, reading: Reading, key: str, context: str
    ) -> list[dict[str, Any]]:
        samples = []
        for measurand in self._configuration.items(key):
            measured = _measure(reading, measurand)
            if measured is not None:
                value, unit = measured
                samples.append(
                    {
                        "value": value,
                        "context": context,
                        "measurand": measurand,
                        "unit": unit,
                    }
                )
        return [{"timestamp": self._now(), "sampledValue": samples}] if samples else []

    def _now(self) -> str:
        return format_time(self._clock.now())


def tag_info(answer: dict[str, Any]) -> dict[str, Any]:
    """The idTagInfo of an answer; StopTransaction.conf may have none."""
    info: dict[str, Any] = answer.get("idTagInfo", {})
    return info


def _measure(reading: Reading, measurand: str) -> tuple[str, str] | None:
    """Value and unit; None for what this connector does not measure."""
    match measurand:
        case "Energy.Active.Import.Register":
            return str(reading.energy_wh), "Wh"
        case "Power.Active.Import":
            return _number(reading.power_w), "W"
        case "Power.Offered":
            return _number(reading.offered_w), "W"
        case "Current.Import":
            return _number(reading.amperes(reading.power_w)), "A"
        case "Current.Offered":
            return _number(reading.amperes(reading.offered_w)), "A"
        case "Voltage":
            return _number(reading.voltage_v), "V"
        case "SoC" if reading.soc is not None:
            return _number(reading.soc * 100), "Percent"
    return None


def _number(value: float) -> str:
    """At most one decimal, and none where it says nothing: 11000, 15.9."""
    return f"{value:.1f}".removesuffix(".0")
