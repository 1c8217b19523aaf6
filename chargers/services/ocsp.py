"""Whether certificates still hold (2.0.1, C07 and M06).

For those of an organization's own authority the portal is the OCSP responder; another's
is asked where OCPPLAB_OCSP_HOSTS allows its host. RFC 6960.
"""

import hashlib
import urllib.request
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from http.client import HTTPException
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509 import ocsp
from django.conf import settings

from chargers.models import CertificateAuthority, Charger, IssuedCertificate
from ocpplab.encryption import decrypt

from .certificates import CERTIFICATE_ERRORS

ANSWER_LIFE = timedelta(days=1)
ANSWER_LIMIT = 64 * 1024  # bytes
TIMEOUT = 5  # s, for another's responder

_ALGORITHMS: dict[str, hashes.HashAlgorithm] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


class Standing(IntEnum):
    """What is known of a certificate; of several the highest counts."""

    GOOD = 0
    UNKNOWN = 1  # nobody who is trusted vouches for it
    EXPIRED = 2
    REVOKED = 3


class CertificateId(NamedTuple):
    """A certificate by hashes of who issued it (OCPP: CertificateHashData)."""

    algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial: str  # hexadecimal

    @property
    def serial_number(self) -> int | None:
        try:
            return int(self.serial, 16)
        except ValueError:
            return None


# --- The organization's own certificates ----------------------------------------------


def find_own(charger: Charger, wanted: CertificateId) -> IssuedCertificate | None:
    """The certificate, if the authority of the charger's organization issued it."""
    authority = _authority_of(charger)
    if authority is None or wanted.serial_number is None:
        return None
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    if _hashes_of(issuer, wanted.algorithm) != (
        wanted.issuer_name_hash.lower(),
        wanted.issuer_key_hash.lower(),
    ):
        return None
    found = authority.certificates.filter(serial=f"{wanted.serial_number:x}")
    return found.select_related("authority").first()


def standing_of(certificate: IssuedCertificate) -> Standing:
    if certificate.revoked_at is not None:
        return Standing.REVOKED
    is_over = certificate.expires_at <= datetime.now(UTC)
    return Standing.EXPIRED if is_over else Standing.GOOD


def answer_for(certificate: IssuedCertificate, algorithm: str) -> bytes:
    """The authority's OCSP response on one of its certificates, DER."""
    authority = certificate.authority
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    key = load_pem_private_key(decrypt(authority.key_encrypted).encode(), None)
    now = datetime.now(UTC)
    is_revoked = certificate.revoked_at is not None
    status = ocsp.OCSPCertStatus
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=x509.load_pem_x509_certificate(certificate.certificate.encode()),
        issuer=issuer,
        algorithm=_ALGORITHMS[algorithm],
        cert_status=status.REVOKED if is_revoked else status.GOOD,
        this_update=now,
        next_update=now + ANSWER_LIFE,
        revocation_time=certificate.revoked_at,
        revocation_reason=None,
    )
    signed = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer).sign(
        key,  # type: ignore[arg-type]
        hashes.SHA256(),
    )
    return signed.public_bytes(Encoding.DER)


def standing_of_chain(charger: Charger, chain_pem: str) -> Standing:
    """That of a certificate with its chain, which must lead to our own authority."""
    authority = _authority_of(charger)
    if authority is None:
        return Standing.UNKNOWN
    try:
        chain = x509.load_pem_x509_certificates(chain_pem.encode())
        root = x509.load_pem_x509_certificate(authority.certificate.encode())
        if chain[-1] != root:
            chain.append(root)
        for certificate, issuer in pairwise(chain):
            certificate.verify_directly_issued_by(issuer)
    except CERTIFICATE_ERRORS:
        return Standing.UNKNOWN
    now = datetime.now(UTC)
    if any(now > certificate.not_valid_after_utc for certificate in chain):
        return Standing.EXPIRED
    serial = f"{chain[0].serial_number:x}"
    row = authority.certificates.filter(serial=serial).first()
    return Standing.UNKNOWN if row is None else standing_of(row)


def _authority_of(charger: Charger) -> CertificateAuthority | None:
    return CertificateAuthority.objects.filter(
        organization=charger.organization_id
    ).first()


def _hashes_of(issuer: x509.Certificate, algorithm: str) -> tuple[str, str]:
    """Of its name and of its public key, hexadecimal (RFC 6960, 4.1.1)."""
    point = issuer.public_key().public_bytes(
        Encoding.X962, PublicFormat.UncompressedPoint
    )
    name, key = issuer.subject.public_bytes(), point
    hashed = (hashlib.new(algorithm.lower(), data).hexdigest() for data in (name, key))
    return next(hashed), next(hashed)


# --- Those of others ------------------------------------------------------------------


def may_ask(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and host in settings.OCPP_OCSP_HOSTS


def ask_responder(url: str, wanted: CertificateId) -> bytes | None:
    """The OCSP response of another's responder, DER; None if there is none. Waits.

    Who signed it cannot be checked, as an issuer is known by its hashes alone: which
    hosts may be asked is a matter of trust.
    """
    if wanted.serial_number is None or not may_ask(url):
        return None
    try:
        question = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
            bytes.fromhex(wanted.issuer_name_hash),
            bytes.fromhex(wanted.issuer_key_hash),
            wanted.serial_number,
            _ALGORITHMS[wanted.algorithm],
        )
        request = urllib.request.Request(  # noqa: S310  (may_ask)
            url,
            data=question.build().public_bytes(Encoding.DER),
            headers={"Content-Type": "application/ocsp-request"},
        )
        with _OPENER.open(request, timeout=TIMEOUT) as answer:
            told: bytes = answer.read(ANSWER_LIMIT)
        return told if _tells_of(told, wanted) else None
    except (ValueError, OSError, HTTPException):
        return None


def _tells_of(response: bytes, wanted: CertificateId) -> bool:
    """Whether it is the answer to that question, and of now; ValueError if it is none."""
    told = ocsp.load_der_ocsp_response(response)
    if told.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
        return False
    until = told.next_update_utc
    return told.serial_number == wanted.serial_number and (
        until is None or datetime.now(UTC) < until
    )


def standing_in(response: bytes) -> Standing | None:
    """What an OCSP response says; None if it is none, or has nothing to say."""
    try:
        told = ocsp.load_der_ocsp_response(response)
        if told.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
            return None
        status = told.certificate_status
    except ValueError:
        return None
    return {
        ocsp.OCSPCertStatus.GOOD: Standing.GOOD,
        ocsp.OCSPCertStatus.REVOKED: Standing.REVOKED,
    }.get(status, Standing.UNKNOWN)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A responder that may be asked must not send us to one that may not."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)
