"""Reservations as OCPP 1.6 spells them (5.2, 5.13)."""

from typing import TYPE_CHECKING, Any

from ...ocpp.session import Reply
from ..clock import parse_time
from ..reservation import Reservation

if TYPE_CHECKING:
    from ..charger import VirtualCharger

Payload = dict[str, Any]


class ReservationRequests:
    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger
        self.handlers = {
            "CancelReservation": self._cancel,
            "ReserveNow": self._reserve,
        }

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

    def _cancel(self, payload: Payload) -> Reply:
        was_held = self._charger.reservations.cancel(payload["reservationId"])
        return self._changed("Accepted" if was_held else "Rejected")

    def _changed(self, status: str) -> Reply:
        self._charger.flash.touch()
        self._charger.charging.wake()
        return Reply({"status": status}, then=self._charger.report_all)
