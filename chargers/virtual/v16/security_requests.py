"""Certificates as the whitepaper to OCPP 1.6 spells them (chapter 5)."""

from typing import TYPE_CHECKING

from ..certificates import Use
from ..protocol import Payload
from ..securing import Securing, hash_payload

if TYPE_CHECKING:
    from ..charger import VirtualCharger

_USES = {
    "CentralSystemRootCertificate": Use.CSMS,
    "ManufacturerRootCertificate": Use.MANUFACTURER,
}


class SecurityRequests(Securing):
    def __init__(self, charger: "VirtualCharger") -> None:
        super().__init__(charger, _USES)
        self.handlers["GetInstalledCertificateIds"] = self._get_ids

    def _get_ids(self, payload: Payload) -> Payload:
        found = self._store.find(_USES[payload["certificateType"]])
        if not found:
            return {"status": "NotFound"}
        hashed = [hash_payload(self._store.hash_of(installed)) for installed in found]
        return {"status": "Accepted", "certificateHashData": hashed}
