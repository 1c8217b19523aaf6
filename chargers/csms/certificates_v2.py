"""What 2.x stations ask of certificates (2.0.1, C07 and M)."""

import asyncio
import base64
from typing import Any

from django.utils import timezone

from chargers.group_commit import group_commit
from chargers.models import Charger
from chargers.ocpp.values import format_time
from chargers.services import ocsp
from chargers.services.ocsp import CertificateId, Standing

Payload = dict[str, Any]

# What a contract certificate is answered, and its token then (C07.FR.15 to 17).
_REFUSED = {
    Standing.UNKNOWN: ("CertChainError", "Invalid"),
    Standing.EXPIRED: ("CertificateExpired", "Expired"),
    Standing.REVOKED: ("CertificateRevoked", "Invalid"),
}
_CANCELLED = ("Blocked", "Expired", "Invalid", "Unknown")  # C07.FR.13


async def on_ev_certificate(charger: Charger, payload: Payload) -> Payload:
    """Failed: no provider of contract certificates is behind the portal (M01, M02)."""
    return {"status": "Failed", "statusInfo": nobody_to_ask(), "exiResponse": ""}


async def on_certificate_status(charger: Charger, payload: Payload) -> Payload:
    """The OCSP response that a station staples to its own certificate (M06)."""
    asked = payload["ocspRequestData"]
    _, response = await _look_up(charger, asked, [asked["responderURL"]])
    if response is None:
        return {"status": "Failed", "statusInfo": nobody_to_ask()}
    result = base64.b64encode(response).decode()
    return {"status": "Accepted", "ocspResult": result}


async def on_chain_status(charger: Charger, payload: Payload) -> Payload:
    """The standing of each certificate that is asked about."""
    until = format_time(timezone.now() + ocsp.ANSWER_LIFE)
    told = []
    for asked in payload["certificateStatusRequests"]:
        data, source = asked["certificateHashData"], asked["source"]
        urls = asked["urls"] if source == "OCSP" else []
        _, response = await _look_up(charger, data, urls)
        standing = ocsp.standing_in(response) if response else None
        told.append(
            {
                "certificateHashData": data,
                "source": source,
                "status": "Failed" if standing is None else standing.name.title(),
                "nextUpdate": until,
            }
        )
    return {"certificateStatus": told}


async def judge_contract(
    charger: Charger, payload: Payload, status: str
) -> tuple[str, str]:
    """The certificateStatus of an Authorize with a contract certificate, and the status
    of its token, which was ``status`` by itself.
    """
    standings = [Standing.GOOD]
    if "certificate" in payload:
        pem = payload["certificate"]
        found = await group_commit().run(ocsp.standing_of_chain, charger, pem)
        standings.append(found)
    for data in payload.get("iso15118CertificateHashData", ()):
        standing, _ = await _look_up(charger, data, [data["responderURL"]])
        standings.append(standing)
    worst = max(standings)
    if worst is not Standing.GOOD:
        return _REFUSED[worst]
    return "ContractCancelled" if status in _CANCELLED else "Accepted", status


async def _look_up(
    charger: Charger, data: Payload, urls: list[str]
) -> tuple[Standing, bytes | None]:
    """What is known of a certificate, and the OCSP response that says so."""
    wanted = CertificateId(
        data["hashAlgorithm"],
        data["issuerNameHash"],
        data["issuerKeyHash"],
        data["serialNumber"],
    )
    own = await group_commit().run(_own, charger, wanted)
    if own is not None:
        return own
    for url in urls:
        response = await asyncio.to_thread(ocsp.ask_responder, url, wanted)
        if response is not None:
            return ocsp.standing_in(response) or Standing.GOOD, response
    return Standing.UNKNOWN, None


def _own(charger: Charger, wanted: CertificateId) -> tuple[Standing, bytes] | None:
    certificate = ocsp.find_own(charger, wanted)
    if certificate is None:
        return None
    answer = ocsp.answer_for(certificate, wanted.algorithm)
    return ocsp.standing_of(certificate), answer


def nobody_to_ask() -> Payload:
    return reason("UnsupportedRequest", "The portal has nobody to ask for it.")


def reason(code: str, text: str) -> Payload:
    """A ``statusInfo`` (2.0.1, appendix 5)."""
    return {"reasonCode": code, "additionalInfo": text}
