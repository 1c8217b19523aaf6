"""Certificates and credentials as the whitepaper to 1.6 and OCPP 2.x spell them (M)."""

from typing import TYPE_CHECKING

from ..ocpp.session import Reply
from .certificates import CHAIN_LIMIT, HashData, Use
from .protocol import Handler, Payload

if TYPE_CHECKING:
    from .charger import VirtualCharger


class Securing:
    def __init__(self, charger: "VirtualCharger", uses: dict[str, Use]) -> None:
        self._charger = charger
        self._uses = uses
        self._store = charger.certificates
        self._credentials = charger.credentials
        self.handlers: dict[str, Handler] = {
            "CertificateSigned": self._certificate_signed,
            "DeleteCertificate": self._delete,
            "InstallCertificate": self._install,
        }

    def _install(self, payload: Payload) -> Payload:
        use = self._uses.get(payload["certificateType"])
        if use is None:
            return {"status": "Rejected"}
        is_done = self._store.install(
            use, payload["certificate"], self._charger.clock.now()
        )
        self._charger.flash.touch()
        return {"status": "Accepted" if is_done else "Rejected"}

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


def hash_payload(hashed: HashData) -> Payload:
    return {
        "hashAlgorithm": hashed.algorithm,
        "issuerNameHash": hashed.issuer_name,
        "issuerKeyHash": hashed.issuer_key,
        "serialNumber": hashed.serial,
    }
