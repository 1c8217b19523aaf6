"""Requests about reservations, as far as all OCPP versions spell them alike (H02)."""

from typing import TYPE_CHECKING

from ..ocpp.session import Reply
from .protocol import Handler, Payload

if TYPE_CHECKING:
    from .charger import VirtualCharger


class Reserving:
    """``ReserveNow`` is up to the version."""

    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger
        self.handlers: dict[str, Handler] = {
            "CancelReservation": self._cancel,
            "ReserveNow": self._reserve,
        }

    def _reserve(self, payload: Payload) -> Payload | Reply:
        raise NotImplementedError

    def _cancel(self, payload: Payload) -> Reply:
        was_held = self._charger.reservations.cancel(payload["reservationId"])
        return self._changed("Accepted" if was_held else "Rejected")

    def _changed(self, status: str) -> Reply:
        self._charger.flash.touch()
        self._charger.charging.wake()
        return Reply({"status": status}, then=self._charger.report_all)
