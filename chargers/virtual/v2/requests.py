"""What the CSMS asks of a virtual charger in OCPP 2.x.

A handler never awaits a CALL of its own: what follows an answer is started by the
``then`` of its ``Reply``.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...ocpp.errors import OCPPError
from ...ocpp.session import Reply
from ..protocol import Payload
from .monitor_requests import MonitorRequests
from .report_requests import ReportRequests
from .variable_requests import VariableRequests

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .protocol import ProtocolV2

Handler = Callable[[Payload], Payload | Reply]

_GROUPS = (MonitorRequests, ReportRequests, VariableRequests)


class Requests:
    def __init__(self, charger: "VirtualCharger", protocol: "ProtocolV2") -> None:
        self._handlers: dict[str, Handler] = {}
        for group in _GROUPS:
            self._handlers |= group(charger, protocol).handlers

    async def handle(self, action: str, payload: Payload) -> Payload | Reply:
        handler = self._handlers.get(action)
        if handler is None:
            raise OCPPError("NotSupported", f"{action} is not supported.")
        return handler(payload)
