"""Messages that the CSMS triggers (2.x, F06)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...ocpp.session import Reply
from ..connector import Connector
from ..protocol import Handler, Payload, Request
from ..settings import Series
from .messages import CONNECTOR

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .protocol import ProtocolV2


class TriggerRequests:
    """They follow the answer, also while the boot is still pending (B02)."""

    def __init__(self, charger: "VirtualCharger", protocol: "ProtocolV2") -> None:
        self._charger = charger
        self._protocol = protocol
        self.handlers: dict[str, Handler] = {"TriggerMessage": self._trigger}

    def _trigger(self, payload: Payload) -> Payload | Reply:
        evse = payload.get("evse", {})
        number, connector_id = evse.get("id", 0), evse.get("connectorId")
        if not 0 <= number <= len(self._charger.outlets):
            return {"status": "Rejected"}
        chosen = [c for c in self._charger.outlets if number in (0, c.number)]
        match payload["requestedMessage"]:
            case "BootNotification":
                if self._charger.is_online:
                    return {"status": "Rejected"}  # F06.FR.17
                send = self._charger.uplink.boot_again
            case "Heartbeat":
                send = self._sender(self._protocol.heartbeat)
            case "StatusNotification":
                if number == 0 or connector_id != CONNECTOR:
                    return {"status": "Rejected"}  # F06.FR.12
                send = self._sender(lambda: self._status(chosen[0]))
            case "MeterValues":
                if not self._charger.settings.measurands(Series.ALIGNED):
                    return {"status": "Rejected"}  # nothing to send (F06.FR.10)
                send = self._for_all(chosen, self._measure)
            case "TransactionEvent":
                chosen = [c for c in chosen if self._runs(c)]
                if not chosen:
                    return {"status": "Rejected"}
                send = self._for_all(chosen, self._tell_transaction)
            case "FirmwareStatusNotification":
                send = self._sender(self._firmware_status)
            case "LogStatusNotification":
                send = self._sender(self._log_status)
            case "SignChargingStationCertificate":
                send = self._protocol.renewal.begin
            case _:
                return {"status": "NotImplemented"}
        return Reply({"status": "Accepted"}, then=send)

    def _sender(self, make: Callable[[], Request]) -> Callable[[], None]:
        def send() -> None:
            self._charger.spawn(self._charger.uplink.call(*make()))

        return send

    def _for_all(
        self, chosen: list[Connector], tell: Callable[[Connector], object]
    ) -> Callable[[], None]:
        def send() -> None:
            for connector in chosen:
                tell(connector)

        return send

    def _runs(self, connector: Connector) -> bool:
        return self._protocol.transactions.running(connector.number) is not None

    def _status(self, connector: Connector) -> Request:
        notice = self._protocol.notice(connector)
        assert notice is not None
        return self._protocol.status_notification(connector.number, notice)

    def _measure(self, connector: Connector) -> None:
        self._charger.metering.sample(connector, "Trigger", Series.ALIGNED)

    def _tell_transaction(self, connector: Connector) -> None:
        self._protocol.transactions.trigger(connector)

    def _firmware_status(self) -> Request:
        """The last status, or Idle where that was Installed (L01.FR.25, FR.26)."""
        status, request_id = self._charger.firmware.last
        if status in ("Idle", "Installed"):
            status, request_id = "Idle", None
        return self._protocol.firmware_status(status, request_id)

    def _log_status(self) -> Request:
        current = self._charger.uploads.current
        if current is None:
            return self._protocol.log_status("Idle", None)
        return self._protocol.log_status("Uploading", current.request_id)
