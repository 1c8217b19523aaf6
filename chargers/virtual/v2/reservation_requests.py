"""Reservations as OCPP 2.x spells them (H)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...ocpp.session import Reply
from ..clock import parse_time
from ..protocol import Payload
from ..reservation import Reservation
from .device_model import DeviceModel, key
from .tokens import id_tag_of

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .protocol import ProtocolV2

Handler = Callable[[Payload], Payload | Reply]

_ENABLED = key("ReservationCtrlr", "Enabled")
_ANYWHERE = key("ReservationCtrlr", "NonEvseSpecific")


class ReservationRequests:
    def __init__(self, charger: "VirtualCharger", protocol: "ProtocolV2") -> None:
        self._charger = charger
        self._model: DeviceModel = protocol.model
        self.handlers: dict[str, Handler] = {
            "CancelReservation": self._cancel,
            "ReserveNow": self._reserve,
        }

    def _reserve(self, payload: Payload) -> Payload | Reply:
        evse, group = payload.get("evseId", 0), payload.get("groupIdToken")
        is_anywhere = evse == 0
        if not self._model.flag(_ENABLED) or (
            is_anywhere and not self._model.flag(_ANYWHERE)
        ):
            return {"status": "Rejected"}
        wanted_type = payload.get("connectorType")
        own_type = self._model.text(key("Connector", "ConnectorType", "", 1, 1))
        if wanted_type is not None and wanted_type != own_type:
            return {"status": "Rejected"}
        try:
            wanted = Reservation(
                id=payload["id"],
                connector=evse,
                id_tag=id_tag_of(payload["idToken"]),
                expires_at=parse_time(payload["expiryDateTime"]),
                parent=id_tag_of(group) if group else None,
            )
        except ValueError:  # no date
            return {"status": "Rejected"}
        return self._changed(self._charger.reservations.reserve(wanted))

    def _cancel(self, payload: Payload) -> Reply:
        was_held = self._charger.reservations.cancel(payload["reservationId"])
        return self._changed("Accepted" if was_held else "Rejected")

    def _changed(self, status: str) -> Reply:
        self._charger.flash.touch()
        self._charger.charging.wake()
        return Reply({"status": status}, then=self._charger.report_all)
