"""The certificates that a charger holds: roots to trust, and its own (whitepaper, 2.6).

Knows no OCPP version. Certificates are kept as PEM, as they came.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

RSA_BITS, EC_BITS = 2048, 224  # at least (A00.FR.502, A00.FR.503)
ROOTS_LIMIT = 20  # installed at a time
CHAIN_LIMIT = 10_000  # characters of a certificate with its chain
NAME_LIMIT = 64  # characters (X.520)
PENDING_LIMIT = 3  # signing requests whose certificates may still come
CERTIFICATE_ERRORS = (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature)

_ALGORITHMS: dict[str, hashes.HashAlgorithm] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


class Use(StrEnum):
    """What a root certificate is trusted for."""

    CSMS = "CSMS"
    MANUFACTURER = "Manufacturer"
    V2G = "V2G"
    MO = "MO"


class HashData(NamedTuple):
    """How OCPP names a certificate (CertificateHashDataType)."""

    algorithm: str
    issuer_name: str
    issuer_key: str
    serial: str

    def matches(self, other: "HashData") -> bool:
        return [part.casefold() for part in self] == [part.casefold() for part in other]


class Installed(NamedTuple):
    use: Use
    pem: str

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.pem.encode())


class CertificateStore:
    """The root certificates that the CSMS has installed."""

    def __init__(self, state: Iterable[Sequence[str]]) -> None:
        self._installed = [Installed(Use(use), pem) for use, pem in state]

    def install(self, use: Use, pem: str, now: datetime) -> bool:
        """False for a certificate that is no good root, and when there is no room."""
        try:
            (certificate,) = x509.load_pem_x509_certificates(pem.encode())
            is_good = _is_strong(certificate.public_key()) and _is_root(certificate)
        except CERTIFICATE_ERRORS:
            return False
        if not is_good or certificate.not_valid_after_utc < now:
            return False
        new = Installed(use, certificate.public_bytes(Encoding.PEM).decode())
        if new not in self._installed:
            if len(self._installed) >= ROOTS_LIMIT:
                return False
            self._installed.append(new)
        return True

    def find(self, *uses: Use) -> list[Installed]:
        """Those that are trusted for one of the uses."""
        return [installed for installed in self._installed if installed.use in uses]

    def named(self, wanted: HashData) -> list[Installed]:
        if wanted.algorithm not in _ALGORITHMS:
            return []
        return [
            installed
            for installed in self._installed
            if self.hash_of(installed, wanted.algorithm).matches(wanted)
        ]

    def delete(self, installed: Installed) -> None:
        self._installed.remove(installed)

    def hash_of(self, installed: Installed, algorithm: str = "SHA256") -> HashData:
        roots = [other.certificate for other in self._installed]
        return hash_data(installed.certificate, roots, algorithm)

    def valid(self, use: Use, now: datetime) -> list[x509.Certificate]:
        """The roots of that use that are good at the moment."""
        roots = [installed.certificate for installed in self.find(use)]
        return [root for root in roots if _is_valid(root, now)]

    def to_state(self) -> list[list[str]]:
        return [list(installed) for installed in self._installed]


class Identity(NamedTuple):
    """A certificate of the charger itself, with the key it is for."""

    key: str
    chain: str

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificates(self.chain.encode())[0]


class OwnCertificates:
    """The charger's certificates, and the keys of requests that are not answered yet."""

    def __init__(self, state: dict[str, Any]) -> None:
        self._pending: list[str] = list(state.get("pending", []))
        self._held = [Identity(*item) for item in state.get("held", [])]

    def request(self, common_name: str, organization: str) -> str:
        """A signing request (PEM) for a new key, which stays here (A02.FR.02)."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._pending = [*self._pending, pem.decode()][-PENDING_LIMIT:]
        names = [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name[:NAME_LIMIT]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization[:NAME_LIMIT]),
        ]
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def accept(
        self,
        chain_pem: str,
        *,
        common_names: set[str],
        roots: Sequence[x509.Certificate],
        now: datetime,
    ) -> str:
        """Take a signed certificate; why not, or "" when it is good (A02.FR.06)."""
        try:
            certificate, *others = x509.load_pem_x509_certificates(chain_pem.encode())
            key = self._key_of(certificate)
            names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            if key is None:
                return "it is for no key of this charger"
            if certificate.not_valid_after_utc < now:
                return "it has expired"
            if not {str(name.value) for name in names} & common_names:
                return "it names another charger"
            if not _is_issued_under(certificate, others, roots, now):
                return "no installed root certificate vouches for it"
        except CERTIFICATE_ERRORS:
            return "it is no certificate"
        self._pending.remove(key)
        self._held = [Identity(key, chain_pem), *self._held][:2]  # the old: a fallback
        return ""

    def current(self, now: datetime) -> Identity | None:
        """The newest one that is valid (A02.FR.08, A02.FR.09)."""
        valid = [own for own in self._held if _is_valid(own.certificate, now)]
        return max(
            valid, key=lambda own: own.certificate.not_valid_before_utc, default=None
        )

    def is_named(self, wanted: HashData, roots: Sequence[x509.Certificate]) -> bool:
        """Whether the hash data is that of a certificate of the charger itself."""
        return wanted.algorithm in _ALGORITHMS and any(
            hash_data(own.certificate, roots, wanted.algorithm).matches(wanted)
            for own in self._held
        )

    def to_state(self) -> dict[str, Any]:
        return {"pending": self._pending[:], "held": [list(own) for own in self._held]}

    def _key_of(self, certificate: x509.Certificate) -> str | None:
        wanted = _public_bytes(certificate.public_key())
        for pem in self._pending:
            public_key = load_pem_private_key(pem.encode(), None).public_key()
            if _public_bytes(public_key) == wanted:
                return pem
        return None


def hash_data(
    certificate: x509.Certificate,
    candidates: Iterable[x509.Certificate],
    algorithm: str = "SHA256",
) -> HashData:
    """As for OCSP; the issuer is one of the candidates, or the certificate itself."""
    issuer = next((c for c in candidates if _issued(c, certificate)), certificate)
    request = (
        ocsp.OCSPRequestBuilder()
        .add_certificate(certificate, issuer, _ALGORITHMS[algorithm])
        .build()
    )
    return HashData(
        algorithm,
        request.issuer_name_hash.hex(),
        request.issuer_key_hash.hex(),
        f"{request.serial_number:x}",
    )


def is_issued_by(certificate_der: bytes, issuer: x509.Certificate) -> bool:
    return _issued(issuer, x509.load_der_x509_certificate(certificate_der))


def is_signing_certificate(
    pem: str, roots: Iterable[x509.Certificate], now: datetime
) -> bool:
    """Whether one of the manufacturer's roots vouches for it (L01.FR.12, FR.23).

    Without anything in between: there are no intermediate ones (L01, remark).
    """
    try:
        (certificate,) = x509.load_pem_x509_certificates(pem.encode())
        return (
            _is_valid(certificate, now)
            and _is_strong(certificate.public_key())
            and any(_issued(root, certificate) for root in roots)
        )
    except CERTIFICATE_ERRORS:
        return False


def verify_signature(certificate_pem: str, signature: str, sha256: bytes) -> bool:
    """Whether the certificate's key signed a file of that digest (L01.FR.04)."""
    digest = Prehashed(hashes.SHA256())
    try:
        key = x509.load_pem_x509_certificate(certificate_pem.encode()).public_key()
        signed = base64.b64decode("".join(signature.split()), validate=True)
        if isinstance(key, rsa.RSAPublicKey):
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
            key.verify(signed, sha256, pss, digest)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signed, sha256, ec.ECDSA(digest))
            return True
    except (*CERTIFICATE_ERRORS, binascii.Error):
        pass
    return False


def _is_issued_under(
    certificate: x509.Certificate,
    others: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    now: datetime,
) -> bool:
    """Whether a chain of valid certificates leads from a root to this one."""
    if not _is_strong(certificate.public_key()):
        return False
    if any(_issued(root, certificate) for root in roots):
        return True
    return any(
        _issued(other, certificate)
        and _is_valid(other, now)
        and _is_issued_under(other, [o for o in others if o is not other], roots, now)
        for other in others
    )


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except CERTIFICATE_ERRORS:
        return False
    return True


def _is_root(certificate: x509.Certificate) -> bool:
    """An authority; one of the old kind, which does not say, has to sign itself."""
    try:
        extension = certificate.extensions.get_extension_for_class(
            x509.BasicConstraints
        )
    except x509.ExtensionNotFound:
        return _issued(certificate, certificate)
    return extension.value.ca


def _is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _is_strong(key: object) -> bool:
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= EC_BITS


def _public_bytes(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded
