"""Reservations as OCPP 2.x spells them (H)."""

from typing import TYPE_CHECKING

from ...ocpp.session import Reply
from ..clock import parse_time
from ..protocol import Payload
from ..reservation import Reservation
from ..reserving import Reserving
from .device_model import DeviceModel, key
from .tokens import id_tag_of

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .protocol import ProtocolV2

_ENABLED = key("ReservationCtrlr", "Enabled")
_ANYWHERE = key("ReservationCtrlr", "NonEvseSpecific")


class ReservationRequests(Reserving):
    def __init__(self, charger: "VirtualCharger", protocol: "ProtocolV2") -> None:
        super().__init__(charger)
        self._model: DeviceModel = protocol.model

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
