"""Certificates, firmware and logs as OCPP 2.x asks for them (A02, L01, M03 to M05, N01)."""

from typing import TYPE_CHECKING

from ...ocpp.session import Reply
from ..certificates import CHAIN_LIMIT, Use
from ..maintenance import Maintenance
from ..protocol import Payload
from ..securing import Securing, hash_payload

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .protocol import ProtocolV2

_USES = {
    "CSMSRootCertificate": Use.CSMS,
    "ManufacturerRootCertificate": Use.MANUFACTURER,
    "MORootCertificate": Use.MO,
    "V2GRootCertificate": Use.V2G,
}
_NAMES = {use: name for name, use in _USES.items()}


class SecurityRequests(Securing):
    def __init__(self, charger: "VirtualCharger", protocol: "ProtocolV2") -> None:
        super().__init__(charger, _USES)
        self._maintenance = Maintenance(charger)
        self._renewal = protocol.renewal
        self.handlers |= {
            "CertificateSigned": self._take_certificate,
            "GetInstalledCertificateIds": self._get_ids,
            "GetLog": self._maintenance.get_log,
            "UpdateFirmware": self._maintenance.update_firmware,
        }

    def _take_certificate(self, payload: Payload) -> Payload | Reply:
        if payload.get("certificateType") == "V2GCertificate":
            return {"status": "Rejected"}  # there is none for ISO 15118
        chain = payload["certificateChain"]
        if len(chain) > CHAIN_LIMIT or not self._renewal.take(
            chain, payload.get("requestId")
        ):
            return {"status": "Rejected"}
        return Reply({"status": "Accepted"}, then=self._charger.uplink.refresh)

    def _get_ids(self, payload: Payload) -> Payload:
        types = payload.get("certificateType", list(_USES))
        uses = [_USES[name] for name in types if name in _USES]
        found = [
            {
                "certificateType": _NAMES[installed.use],
                "certificateHashData": hash_payload(self._store.hash_of(installed)),
            }
            for installed in self._store.find(*uses)
        ]
        if not found:
            return {"status": "NotFound"}
        return {"status": "Accepted", "certificateHashDataChain": found}
