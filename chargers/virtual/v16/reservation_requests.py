"""Reservations as OCPP 1.6 spells them (5.2, 5.13)."""

from ...ocpp.session import Reply
from ..clock import parse_time
from ..protocol import Payload
from ..reservation import Reservation
from ..reserving import Reserving


class ReservationRequests(Reserving):
    def _reserve(self, payload: Payload) -> Reply:
        try:
            wanted = Reservation(
                id=payload["reservationId"],
                connector=payload["connectorId"],
                id_tag=payload["idTag"],
                expires_at=parse_time(payload["expiryDate"]),
                parent=payload.get("parentIdTag"),
            )
        except ValueError:  # no date
            return Reply({"status": "Rejected"})
        return self._changed(self._charger.reservations.reserve(wanted))
