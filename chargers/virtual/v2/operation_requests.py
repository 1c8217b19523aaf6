"""Availability, resets, locks and data transfer as OCPP 2.x asks for them."""

from typing import TYPE_CHECKING

from ...ocpp.session import Reply
from ..data_transfer import transfer_data
from ..protocol import Handler, Payload
from .messages import CONNECTOR

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .protocol import ProtocolV2


class OperationRequests:
    def __init__(self, charger: "VirtualCharger", protocol: "ProtocolV2") -> None:
        self._charger = charger
        self._availability = protocol.availability
        self._resets = protocol.resets
        self._transactions = protocol.transactions
        self.handlers: dict[str, Handler] = {
            "ChangeAvailability": self._change_availability,
            "DataTransfer": transfer_data,
            "NotifyWebPaymentStarted": self._web_payment_started,
            "Reset": self._reset,
            "UnlockConnector": self._unlock_connector,
        }

    def _change_availability(self, payload: Payload) -> Payload | Reply:
        evse = payload.get("evse", {})
        number, connector = evse.get("id", 0), evse.get("connectorId", 0)
        if not self._exists(number, connector):
            return {"status": "Rejected", "statusInfo": {"reasonCode": "UnknownEvse"}}
        is_done = self._availability.change(
            (number, connector), payload["operationalStatus"] == "Operative"
        )
        status = "Accepted" if is_done else "Scheduled"
        return Reply({"status": status}, then=self._charger.report_all)

    def _exists(self, evse: int, connector: int) -> bool:
        if evse == 0:
            return connector == 0
        return 0 < evse <= len(self._charger.outlets) and connector in (0, CONNECTOR)

    def _reset(self, payload: Payload) -> Payload | Reply:
        evse = payload.get("evseId", 0)
        if not self._exists(evse, 0):
            return {"status": "Rejected", "statusInfo": {"reasonCode": "UnknownEvse"}}
        if payload["type"] == "OnIdle" and self._resets.is_busy(evse):
            self._resets.schedule(evse)
            return {"status": "Scheduled"}

        def reset() -> None:
            self._charger.spawn(self._resets.carry_out(evse))

        return Reply({"status": "Accepted"}, then=reset)

    def _unlock_connector(self, payload: Payload) -> Payload | Reply:
        number, connector_id = payload["evseId"], payload["connectorId"]
        if number == 0 or connector_id == 0 or not self._exists(number, connector_id):
            return {"status": "UnknownConnector"}
        connector = self._charger.connectors[number]
        if connector.transaction is not None:
            return {"status": "OngoingAuthorizedTransaction"}
        if connector.fault == "ConnectorLockFailure":
            return {"status": "UnlockFailed"}

        def unlock() -> None:
            self._charger.charging.unlock(connector)

        return Reply({"status": "Unlocked"}, then=unlock)

    def _web_payment_started(self, payload: Payload) -> Payload:
        """It would be shown on the display (2.1, C25)."""
        return {}
