"""Firmware and logs as OCPP 1.6 and its whitepaper ask for them (5.9, 5.19; L01, N01)."""

from typing import TYPE_CHECKING

from ...ocpp.errors import OCPPError
from ...ocpp.session import Reply
from ..firmware import Update
from ..maintenance import Maintenance, time_of, tries_of
from ..protocol import Payload

if TYPE_CHECKING:
    from ..charger import VirtualCharger

SECURE_PROFILE = 2  # from which on unsigned firmware is refused (L01.FR.20)


class MaintenanceRequests(Maintenance):
    def __init__(self, charger: "VirtualCharger") -> None:
        super().__init__(charger)
        self.handlers = {
            "GetDiagnostics": self._get_diagnostics,
            "GetLog": self.get_log,
            "SignedUpdateFirmware": self.update_firmware,
            "UpdateFirmware": self._update,
        }

    def _update(self, payload: Payload) -> Reply:
        if self._charger.credentials.profile >= SECURE_PROFILE:
            raise OCPPError("NotSupported", "Only signed firmware is installed.")
        update = Update(
            location=payload["location"],
            retrieve_at=time_of(payload["retrieveDate"]),
            tries=tries_of(payload),
        )
        return Reply({}, then=lambda: self._charger.firmware.begin(update))

    def _get_diagnostics(self, payload: Payload) -> Payload | Reply:
        upload = self.upload(
            payload,
            payload["location"],
            payload.get("startTime"),
            payload.get("stopTime"),
        )
        if upload is None:
            return {}
        return self.uploading({"fileName": upload.name}, upload)
