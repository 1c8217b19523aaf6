"""Messages on the display of a charger, and what a transaction costs (2.x, I, O)."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from ...ocpp.session import Reply
from ..clock import parse_time
from ..protocol import Handler, Payload
from .device_model import DeviceModel
from .keys import DISPLAY_MESSAGES
from .parts import send_parts
from .variables import FORMATS, MESSAGES_LIMIT

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .transactions import Transactions


class Display:
    """``state`` are the messages as they were sent, by id."""

    def __init__(
        self,
        charger: "VirtualCharger",
        model: DeviceModel,
        transactions: "Transactions",
        state: dict[str, Payload],
    ) -> None:
        self._charger = charger
        self._model = model
        self._transactions = transactions
        self._messages = {int(number): sent for number, sent in state.items()}
        self.handlers: dict[str, Handler] = {
            "ClearDisplayMessage": self._clear,
            "CostUpdated": self._update_cost,
            "GetDisplayMessages": self._get,
            "SetDisplayMessage": self._set,
        }

    def to_state(self) -> dict[str, Payload]:
        return {str(number): sent for number, sent in self._messages.items()}

    def forget(self, transaction_id: str) -> None:
        """A transaction is over, and with it what was to be shown meanwhile (O06)."""
        self._keep(lambda sent: sent.get("transactionId") != transaction_id)

    def _set(self, payload: Payload) -> Payload:
        message = payload["message"]
        if message["message"]["format"] not in FORMATS:
            return {"status": "NotSupportedMessageFormat"}
        wanted = message.get("transactionId")
        if wanted is not None and self._transactions.find(wanted) is None:
            return {"status": "UnknownTransaction"}
        now = self._charger.clock.now()
        if _is_over(message, now):
            return {"status": "Rejected"}
        self._keep(lambda sent: not _is_over(sent, now))
        if message["id"] not in self._messages and (
            len(self._messages) >= MESSAGES_LIMIT
        ):
            return {"status": "Rejected", "statusInfo": {"reasonCode": "NoSpace"}}
        if message["priority"] == "AlwaysFront":  # there is one at a time (O01.FR.11)
            self._keep(lambda sent: sent["priority"] != "AlwaysFront")
        self._messages[message["id"]] = message
        self._changed()
        return {"status": "Accepted"}

    def _clear(self, payload: Payload) -> Payload:
        if self._messages.pop(payload["id"], None) is None:
            return {"status": "Unknown"}
        self._changed()
        return {"status": "Accepted"}

    def _get(self, payload: Payload) -> Payload | Reply:
        now = self._charger.clock.now()
        self._keep(lambda sent: not _is_over(sent, now))
        ids = payload.get("id")
        found = [
            message
            for number, message in self._messages.items()
            if (ids is None or number in ids)
            and payload.get("priority") in (None, message["priority"])
            and payload.get("state") in (None, message.get("state"))
        ]
        if not found:
            return {"status": "Unknown"}

        def notify() -> None:
            self._charger.spawn(
                send_parts(
                    self._charger,
                    "NotifyDisplayMessages",
                    "messageInfo",
                    found,
                    requestId=payload["requestId"],
                )
            )

        return Reply({"status": "Accepted"}, then=notify)

    def _update_cost(self, payload: Payload) -> Payload:
        """It would be shown to the driver (I02)."""
        return {}

    def _keep(self, is_kept: Callable[[Payload], bool]) -> None:
        count = len(self._messages)
        self._messages = {
            n: sent for n, sent in self._messages.items() if is_kept(sent)
        }
        if len(self._messages) < count:
            self._changed()

    def _changed(self) -> None:
        self._model.store(DISPLAY_MESSAGES, str(len(self._messages)))
        self._charger.flash.touch()


def _is_over(message: Payload, now: datetime) -> bool:
    end = message.get("endDateTime")
    try:
        return end is not None and parse_time(end) <= now
    except ValueError:  # no date
        return True
