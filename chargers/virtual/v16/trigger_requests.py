"""Messages that the CSMS triggers (OCPP 1.6, 5.17; whitepaper, 5.5)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...ocpp.session import Reply
from ..protocol import Payload
from .configuration import Configuration
from .messages import Messages

if TYPE_CHECKING:
    from ..charger import VirtualCharger


_PLAIN = {"InstallRebooting": "Installing", "InstallScheduled": "Downloaded"}
_OF_CONNECTORS = ("MeterValues", "StatusNotification")  # others ignore connectorId


class TriggerRequests:
    """They follow the answer, also while the boot is still pending (4.2)."""

    def __init__(
        self,
        charger: "VirtualCharger",
        configuration: Configuration,
        messages: Messages,
    ) -> None:
        self._charger = charger
        self._configuration = configuration
        self._messages = messages
        self.handlers = {
            "ExtendedTriggerMessage": self._trigger_extended,
            "TriggerMessage": self._trigger,
        }

    def _trigger(self, payload: Payload) -> Payload | Reply:
        return self._answer(
            payload,
            {
                "DiagnosticsStatusNotification": self._tell_diagnostics,
                "FirmwareStatusNotification": self._tell_firmware,
            },
        )

    def _trigger_extended(self, payload: Payload) -> Payload | Reply:
        return self._answer(
            payload,
            {
                "FirmwareStatusNotification": self._tell_signed_firmware,
                "LogStatusNotification": self._tell_log,
                "SignChargePointCertificate": self._sign_certificate,
            },
        )

    def _answer(
        self, payload: Payload, others: dict[str, Callable[[], None]]
    ) -> Payload | Reply:
        number, wanted = payload.get("connectorId"), payload["requestedMessage"]
        chosen = [connector.number for connector in self._charger.connectors]
        if wanted in _OF_CONNECTORS and number is not None:
            if number not in chosen:
                return {"status": "Rejected"}
            chosen = [number]
        elif wanted == "MeterValues":
            chosen.remove(0)
        if wanted == "MeterValues" and not self._measurands:
            return {"status": "Rejected"}
        actions: dict[str, Callable[[], None]] = {
            "BootNotification": self._charger.uplink.boot_again,
            "Heartbeat": lambda: self._send(self._charger.protocol.heartbeat()),
            "MeterValues": lambda: self._measure(chosen),
            "StatusNotification": lambda: self._tell_statuses(chosen),
            **others,
        }
        if wanted == "SignChargePointCertificate" and not self._organization:
            return {"status": "Rejected"}  # CpoName has to be set (A02)
        return Reply({"status": "Accepted"}, then=actions[wanted])

    def _measure(self, numbers: list[int]) -> None:
        for number in numbers:
            self._charger.metering.sample(self._charger.connectors[number], "Trigger")

    def _tell_statuses(self, numbers: list[int]) -> None:
        for number in numbers:
            notice = self._charger.connectors[number].notice
            self._send(self._messages.status_notification(number, notice))

    def _tell_diagnostics(self) -> None:
        current = self._charger.uploads.current
        is_busy = current is not None and current.request_id is None
        self._send(self._messages.log_status("Uploading" if is_busy else "Idle", None))

    def _tell_log(self) -> None:
        current = self._charger.uploads.current
        if current is not None and current.request_id is not None:
            self._send(self._messages.log_status("Uploading", current.request_id))
        else:
            self._send(("LogStatusNotification", {"status": "Idle"}))

    def _tell_firmware(self) -> None:
        """Idle unless there is an update of plain 1.6 under way (4.5)."""
        current = self._charger.firmware.current
        is_plain = current is not None and current.request_id is None
        status = current.told if current and is_plain else ""
        request = self._messages.firmware_status(_PLAIN.get(status, status), None)
        self._send(request or ("FirmwareStatusNotification", {"status": "Idle"}))

    def _tell_signed_firmware(self) -> None:
        """The last status, or Idle where that was Installed (L01.FR.28, FR.29)."""
        status, request_id = self._charger.firmware.last
        if status in ("Idle", "Installed"):
            status, request_id = "Idle", None
        self._send(self._messages.signed_firmware_status(status, request_id))

    def _sign_certificate(self) -> None:
        self._send(self._charger.protocol.certificate_request())

    @property
    def _measurands(self) -> list[str]:
        return self._configuration.items("MeterValuesSampledData")

    @property
    def _organization(self) -> str:
        return self._configuration.text("CpoName")

    def _send(self, request: tuple[str, Payload] | None) -> None:
        if request is not None:
            self._charger.spawn(self._charger.uplink.call(*request))
