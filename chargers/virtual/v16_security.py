"""Certificates and credentials as the whitepaper to OCPP 1.6 spells them (chapter 5)."""

from typing import TYPE_CHECKING, Any

from ..ocpp.session import Reply
from .certificates import CHAIN_LIMIT, HashData, Use

if TYPE_CHECKING:
    from .charger import VirtualCharger

Payload = dict[str, Any]

_USES = {
    "CentralSystemRootCertificate": Use.CSMS,
    "ManufacturerRootCertificate": Use.MANUFACTURER,
}


class Securing:
    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger
        self._store = charger.certificates
        self._credentials = charger.credentials
        self.handlers = {
            "CertificateSigned": self._certificate_signed,
            "DeleteCertificate": self._delete,
            "GetInstalledCertificateIds": self._get_ids,
            "InstallCertificate": self._install,
        }

    def _install(self, payload: Payload) -> Payload:
        is_done = self._store.install(
            _USES[payload["certificateType"]],
            payload["certificate"],
            self._charger.clock.now(),
        )
        self._charger.flash.touch()
        return {"status": "Accepted" if is_done else "Rejected"}

    def _get_ids(self, payload: Payload) -> Payload:
        found = self._store.find(_USES[payload["certificateType"]])
        if not found:
            return {"status": "NotFound"}
        hashed = [_hash_payload(self._store.hash_of(installed)) for installed in found]
        return {"status": "Accepted", "certificateHashData": hashed}

    def _delete(self, payload: Payload) -> Payload:
        sent = payload["certificateHashData"]
        wanted = HashData(
            sent["hashAlgorithm"],
            sent["issuerNameHash"],
            sent["issuerKeyHash"],
            sent["serialNumber"].lstrip("0") or "0",
        )
        roots = [installed.certificate for installed in self._store.find(*Use)]
        if self._credentials.own.is_named(wanted, roots):
            return {"status": "Failed"}  # M04.FR.05
        named = self._store.named(wanted)
        if not named:
            return {"status": "NotFound"}
        if any(self._charger.uplink.relies_on(installed) for installed in named):
            return {"status": "Failed"}  # M04.FR.06
        for installed in named:
            self._store.delete(installed)
        self._charger.flash.touch()
        return {"status": "Accepted"}

    def _certificate_signed(self, payload: Payload) -> Payload | Reply:
        chain = payload["certificateChain"]
        if len(chain) > CHAIN_LIMIT or self._credentials.take_certificate(chain):
            return {"status": "Rejected"}
        return Reply({"status": "Accepted"}, then=self._charger.uplink.refresh)


def _hash_payload(hashed: HashData) -> Payload:
    return {
        "hashAlgorithm": hashed.algorithm,
        "issuerNameHash": hashed.issuer_name,
        "issuerKeyHash": hashed.issuer_key,
        "serialNumber": hashed.serial,
    }
