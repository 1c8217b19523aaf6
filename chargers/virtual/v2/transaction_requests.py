"""Transactions started, stopped and asked after by the CSMS (2.x, E14, F01 to F04)."""

from typing import TYPE_CHECKING

from ...ocpp.session import Reply
from ..connector import Connector
from ..protocol import Handler, Payload
from ..smart_charging import Profile
from ..states import StopReason
from .tokens import id_tag_of

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .protocol import ProtocolV2


class TransactionRequests:
    def __init__(self, charger: "VirtualCharger", protocol: "ProtocolV2") -> None:
        self._charger = charger
        self._charging = charger.charging
        self._transactions = protocol.transactions
        self._profiles = protocol.profiles
        self.handlers: dict[str, Handler] = {
            "GetTransactionStatus": self._get_status,
            "RequestStartTransaction": self._start,
            "RequestStopTransaction": self._stop,
        }

    def _start(self, payload: Payload) -> Payload | Reply:
        id_tag = id_tag_of(payload["idToken"])
        group = payload.get("groupIdToken")
        parent = id_tag_of(group) if group else None
        if not self._charger.is_online:
            return _rejected("CSNotAccepted")
        connector = self._charging.place_for(payload.get("evseId"), id_tag, parent)
        if connector is None or self._transactions.is_over(connector):
            return _rejected("NotFound")
        profile: Profile | None = None
        sent = payload.get("chargingProfile")
        if sent and self._profiles.is_enabled:  # F01.FR.12
            profile = self._profiles.read_for_start(connector.number, sent)
            if profile is None:
                return _rejected("InvalidProfile")
        answer: Payload = {"status": "Accepted"}
        if (running := self._transactions.running(connector.number)) is not None:
            answer["transactionId"] = running.id

        def start() -> None:
            self._charging.start_remotely(
                connector,
                id_tag,
                profile,
                parent=parent,
                remote_start_id=payload["remoteStartId"],
            )

        return Reply(answer, then=start)

    def _stop(self, payload: Payload) -> Payload | Reply:
        connector = self._transactions.find(payload["transactionId"])
        if connector is None or not self._charger.is_online:
            return _rejected("TxNotFound")
        return Reply({"status": "Accepted"}, then=lambda: self._end(connector))

    def _end(self, connector: Connector) -> None:
        """Also a transaction that nobody is authorized for (any more)."""
        if connector.transaction is not None:
            self._charging.end(connector, StopReason.REMOTE)
        elif connector.awaits_cable:
            self._charging.forget_remote_start(connector)
        else:
            self._transactions.abort(connector, StopReason.REMOTE)

    def _get_status(self, payload: Payload) -> Payload:
        waiting = {message.transaction for message in self._charger.outbox}
        wanted = payload.get("transactionId")
        if wanted is None:
            return {"messagesInQueue": bool(waiting)}
        return {
            "ongoingIndicator": self._transactions.find(wanted) is not None,
            "messagesInQueue": wanted in waiting,
        }


def _rejected(reason: str) -> Payload:
    return {"status": "Rejected", "statusInfo": {"reasonCode": reason}}
