"""What the CSMS asks of a virtual charger in OCPP 2.x.

A handler never awaits a CALL of its own: what follows an answer is started by the
``then`` of its ``Reply``.
"""

from typing import TYPE_CHECKING

from ...ocpp.errors import OCPPError
from ...ocpp.session import Reply
from ..protocol import Handler, Payload
from .customers import CustomerRequests
from .list_requests import ListRequests
from .monitor_requests import MonitorRequests
from .operation_requests import OperationRequests
from .report_requests import ReportRequests
from .reservation_requests import ReservationRequests
from .security_requests import SecurityRequests
from .transaction_requests import TransactionRequests
from .trigger_requests import TriggerRequests
from .variable_requests import VariableRequests

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .protocol import ProtocolV2


_GROUPS = (
    CustomerRequests,
    ListRequests,
    MonitorRequests,
    OperationRequests,
    ReportRequests,
    ReservationRequests,
    SecurityRequests,
    TransactionRequests,
    TriggerRequests,
    VariableRequests,
)


class Requests:
    def __init__(self, charger: "VirtualCharger", protocol: "ProtocolV2") -> None:
        self._handlers: dict[str, Handler] = {
            **protocol.profiles.handlers,
            **protocol.network.handlers,
            **protocol.display.handlers,
        }
        for group in _GROUPS:
            self._handlers |= group(charger, protocol).handlers

    async def handle(self, action: str, payload: Payload) -> Payload | Reply:
        handler = self._handlers.get(action)
        if handler is None:
            raise OCPPError("NotSupported", f"{action} is not supported.")
        return handler(payload)
