"""The certificate authority of an organization: who dials with TLS is who they say.

Security whitepaper, 2.6 and A02: a charger's certificate names its identity (CN) and its
organization (O).
"""

import ipaddress
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.db import transaction
from django.utils import timezone

from chargers.connections import recheck
from chargers.models import CertificateAuthority, Charger, IssuedCertificate
from ocpplab.encryption import decrypt, encrypt
from ocpplab.models import Organization

AUTHORITY_LIFE = timedelta(days=3650)
CERTIFICATE_LIFE = timedelta(days=365)
CLOCK_SKEW = timedelta(hours=1)  # a charger's clock may be behind
RSA_BITS = 2048  # at least (whitepaper, 2.6)
EC_BITS = 224
NAME_LIMIT = 64  # characters (X.520)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

CERTIFICATE_ERRORS = (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature)


@transaction.atomic
def create_authority(organization: Organization) -> CertificateAuthority:
    """The organization's authority, made now if it has none."""
    existing = CertificateAuthority.objects.filter(organization=organization).first()
    if existing is not None:
        return existing
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"{organization.name} CA", organization)
    certificate = (
        _builder(name, name, key.public_key(), AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return CertificateAuthority.objects.create(
        organization=organization,
        certificate=_pem(certificate),
        key_encrypted=encrypt(_key_pem(key)),
    )


def sign_for_charger(charger: Charger, csr_pem: str) -> str | None:
    """The certificate chain (PEM) for a charger's signing request; None if refused.

    It is refused where the organization has no authority that signs for chargers, and
    when the request does not name this charger, or proves no key that is good enough.
    """
    authority = CertificateAuthority.objects.filter(
        organization=charger.organization_id, signs_chargers=True
    ).first()
    if authority is None:
        return None
    try:
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        is_good = csr.is_signature_valid and _is_strong(csr.public_key())
    except CERTIFICATE_ERRORS:
        return None
    name = _common_name(csr.subject)
    if not is_good or name not in _names_of(charger):
        return None
    certificate = _issue(authority, name, csr.public_key(), charger=charger, hosts=())
    return certificate + authority.certificate


def issue_for_charger(charger: Charger, *, rsa_key: bool = False) -> tuple[str, str]:
    """A certificate (with its chain) and its private key, PEM, for a charger."""
    authority = create_authority(charger.organization)
    key = _new_key(rsa_key)
    certificate = _issue(
        authority, charger.identity, key.public_key(), charger=charger, hosts=()
    )
    return certificate + authority.certificate, _key_pem(key)


def issue_for_server(
    organization: Organization, hosts: list[str], *, rsa_key: bool = False
) -> tuple[str, str]:
    """A certificate (with its chain) and its private key, PEM, for a server."""
    authority = create_authority(organization)
    key = _new_key(rsa_key)
    certificate = _issue(authority, hosts[0], key.public_key(), hosts=tuple(hosts))
    return certificate + authority.certificate, _key_pem(key)


def certificate_belongs_to(charger: Charger, presented_pem: str) -> bool:
    """Whether a certificate that a client proved to own is this charger's.

    The TLS layer has seen to the key; here it is the name, the issuer, the time and
    whether it was revoked.
    """
    authority = CertificateAuthority.objects.filter(
        organization=charger.organization_id
    ).first()
    if authority is None:
        return False
    try:
        presented = x509.load_pem_x509_certificate(presented_pem.encode())
        issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
        presented.verify_directly_issued_by(issuer)
    except CERTIFICATE_ERRORS:
        return False
    now = datetime.now(UTC)
    if not presented.not_valid_before_utc <= now <= presented.not_valid_after_utc:
        return False
    return authority.certificates.filter(
        serial=f"{presented.serial_number:x}",
        charger=charger,
        common_name=_common_name(presented.subject),
        revoked_at=None,
    ).exists()


def revoke(certificate: IssuedCertificate) -> None:
    """Have a certificate refused from now on, also where it is in use."""
    IssuedCertificate.objects.filter(pk=certificate.pk, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    if certificate.charger_id:
        recheck([certificate.charger_id])


def _new_key(rsa_key: bool) -> PrivateKey:
    """An RSA key of the size that OCPP-J allows at most (1.6, 6.2.1), or an EC key."""
    if rsa_key:
        return rsa.generate_private_key(65537, RSA_BITS)
    return ec.generate_private_key(ec.SECP256R1())


def _issue(
    authority: CertificateAuthority,
    common_name: str,
    public_key: x509.base.CertificatePublicKeyTypes,
    *,
    hosts: tuple[str, ...],
    charger: Charger | None = None,
) -> str:
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    key = load_pem_private_key(decrypt(authority.key_encrypted).encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    purpose = (
        ExtendedKeyUsageOID.CLIENT_AUTH if charger else ExtendedKeyUsageOID.SERVER_AUTH
    )
    builder = (
        _builder(
            _name(common_name, authority.organization),
            issuer.subject,
            public_key,
            CERTIFICATE_LIFE,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()),
            critical=False,
        )
    )
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    row = IssuedCertificate.objects.create(
        authority=authority,
        charger=charger,
        common_name=common_name[:NAME_LIMIT],
        serial=f"{certificate.serial_number:x}",
        certificate=_pem(certificate),
        expires_at=certificate.not_valid_after_utc,
    )
    return row.certificate


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: x509.base.CertificatePublicKeyTypes,
    life: timedelta,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _is_strong(key: object) -> bool:
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= EC_BITS


def _names_of(charger: Charger) -> set[str]:
    """What a charger may call itself: its identity, or a serial number it booted with."""
    serials = ("chargePointSerialNumber", "chargeBoxSerialNumber")
    boot = Charger.objects.filter(pk=charger.pk).values_list("boot", flat=True).first()
    boot = boot or {}
    named = {boot.get(name) for name in serials}
    named.add(boot.get("chargingStation", {}).get("serialNumber"))  # 2.x
    return {charger.identity, *filter(None, named)}


def _name(common_name: str, organization: Organization) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name[:NAME_LIMIT]),
            x509.NameAttribute(
                NameOID.ORGANIZATION_NAME, organization.name[:NAME_LIMIT]
            ),
        ]
    )


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if len(found) == 1 else ""


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _key_pem(key: PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
