"""Keys and certificates for tests: an authority and what it signs."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
SOON, LATE = datetime(2025, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)


class Pair(NamedTuple):
    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode()


def issue(
    name: str,
    issuer: Pair | None = None,
    *,
    key: Key | None = None,
    public_key: x509.base.CertificatePublicKeyTypes | None = None,
    is_ca: bool = False,
    since: datetime = SOON,
    until: datetime = LATE,
    address: str = "",
) -> Pair:
    """A certificate by the issuer, or by itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tests"),
        ]
    )
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(public_key or key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since - timedelta(hours=1))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
    )
    if address:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        builder = builder.add_extension(names, critical=False)
    return Pair(builder.sign(signer, hashes.SHA256()), key)


def authority(name: str = "Root") -> Pair:
    return issue(name, is_ca=True)
