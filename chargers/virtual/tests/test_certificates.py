"""Certificates: installed, listed, deleted, asked for and received."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from .csms import Bench, until
from .signing import Pair, authority, issue

CSMS_ROOT, MANUFACTURER_ROOT = (
    "CentralSystemRootCertificate",
    "ManufacturerRootCertificate",
)


@pytest.fixture
async def ready(bench: Bench) -> Bench:
    await bench.power_on(serial_number="SN-77")
    await until(lambda: "StartupOfTheDevice" in bench.csms.security_events)
    bench.csms.forget()
    return bench


async def install(bench: Bench, pem: str, kind: str = CSMS_ROOT) -> str:
    request = {"certificateType": kind, "certificate": pem}
    answer = await bench.csms.call("InstallCertificate", request)
    status: str = answer["status"]
    return status


async def ids(bench: Bench, kind: str = CSMS_ROOT) -> Any:
    return await bench.csms.call(
        "GetInstalledCertificateIds", {"certificateType": kind}
    )


async def delete(bench: Bench, **hashed: str) -> str:
    request = {"certificateHashData": hashed}
    status: str = (await bench.csms.call("DeleteCertificate", request))["status"]
    return status


async def test_an_installed_certificate_is_listed_by_its_hashes(ready: Bench) -> None:
    root = authority()
    assert await ids(ready) == {"status": "NotFound"}
    assert await install(ready, root.pem) == "Accepted"
    key = root.certificate.public_key().public_bytes(
        Encoding.X962, PublicFormat.UncompressedPoint
    )
    name = root.certificate.subject.public_bytes()
    assert await ids(ready) == {
        "status": "Accepted",
        "certificateHashData": [
            {
                "hashAlgorithm": "SHA256",
                "issuerNameHash": hashlib.sha256(name).hexdigest(),
                "issuerKeyHash": hashlib.sha256(key).hexdigest(),
                "serialNumber": f"{root.certificate.serial_number:x}",
            }
        ],
    }
    assert await ids(ready, MANUFACTURER_ROOT) == {"status": "NotFound"}
    await ready.charger.stop()
    await ready.power_on()
    assert (await ids(ready))["status"] == "Accepted"


def past() -> Pair:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    return issue("Old", is_ca=True, since=old, until=datetime(2021, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "make",
    [
        lambda: "nonsense",
        lambda: authority().pem[:-60],
        lambda: past().pem,
        lambda: issue("Leaf", authority()).pem,
        lambda: issue("Weak", key=rsa.generate_private_key(65537, 1024)).pem,
        lambda: authority().pem + authority().pem,
    ],
)
async def test_what_is_no_good_root_is_rejected(ready: Bench, make: Any) -> None:
    assert await install(ready, make()) == "Rejected"
    assert await ids(ready) == {"status": "NotFound"}


async def test_there_is_room_for_so_many_certificates(ready: Bench) -> None:
    keys = await ready.csms.call(
        "GetConfiguration", {"key": ["CertificateStoreMaxLength"]}
    )
    limit = int(keys["configurationKey"][0]["value"])
    roots = [authority() for _ in range(limit)]
    for root in roots:
        assert await install(ready, root.pem, MANUFACTURER_ROOT) == "Accepted"
    assert await install(ready, roots[0].pem, MANUFACTURER_ROOT) == "Accepted"
    assert await install(ready, authority().pem) == "Rejected"


async def test_certificates_are_deleted_by_any_of_the_hash_algorithms(
    ready: Bench,
) -> None:
    root = authority()
    await install(ready, root.pem)
    (hashed,) = (await ids(ready))["certificateHashData"]
    assert await delete(ready, **{**hashed, "serialNumber": "123"}) == "NotFound"
    key = root.certificate.public_key().public_bytes(
        Encoding.X962, PublicFormat.UncompressedPoint
    )
    name = root.certificate.subject.public_bytes()
    wanted = {
        "hashAlgorithm": "SHA512",
        "issuerNameHash": hashlib.sha512(name).hexdigest().upper(),
        "issuerKeyHash": hashlib.sha512(key).hexdigest(),
        "serialNumber": hashed["serialNumber"].upper(),
    }
    assert await delete(ready, **wanted) == "Accepted"
    assert await delete(ready, **wanted) == "NotFound"
    assert await ids(ready) == {"status": "NotFound"}


async def request_signing(bench: Bench) -> x509.CertificateSigningRequest:
    bench.csms.answers["SignCertificate"] = {"status": "Accepted"}
    request = {"requestedMessage": "SignChargePointCertificate"}
    answer = await bench.csms.call("ExtendedTriggerMessage", request)
    assert answer == {"status": "Accepted"}
    await until(lambda: bench.csms.payloads("SignCertificate"))
    sent = bench.csms.payloads("SignCertificate")[-1]["csr"]
    return x509.load_pem_x509_csr(sent.encode())


async def signed(bench: Bench, chain: str) -> str:
    request = {"certificateChain": chain}
    status: str = (await bench.csms.call("CertificateSigned", request))["status"]
    return status


async def name_operator(bench: Bench) -> None:
    await bench.csms.call("ChangeConfiguration", {"key": "CpoName", "value": "Ohm AG"})


async def test_a_signing_request_needs_the_name_of_the_operator(ready: Bench) -> None:
    request = {"requestedMessage": "SignChargePointCertificate"}
    answer = await ready.csms.call("ExtendedTriggerMessage", request)
    assert answer == {"status": "Rejected"}


async def test_a_signing_request_names_operator_and_charger(ready: Bench) -> None:
    await name_operator(ready)
    csr = await request_signing(ready)
    assert csr.is_signature_valid
    names = {attribute.oid: attribute.value for attribute in csr.subject}
    assert names == {
        NameOID.COMMON_NAME: "SN-77",
        NameOID.ORGANIZATION_NAME: "Ohm AG",
    }


async def test_a_signed_certificate_is_taken_with_its_chain(ready: Bench) -> None:
    await name_operator(ready)
    root = authority()
    between = issue("Between", root, is_ca=True)
    await install(ready, root.pem)
    csr = await request_signing(ready)
    own = issue("SN-77", between, public_key=csr.public_key())
    assert await signed(ready, own.pem + between.pem) == "Accepted"
    current = ready.charger.credentials.own.current(ready.clock.now())
    assert current is not None
    assert current.certificate == own.certificate
    assert await signed(ready, own.pem + between.pem) == "Rejected"  # its key is used
    await until(
        lambda: "ReconfigurationOfSecurityParameters" in ready.csms.security_events
    )


@pytest.mark.parametrize("case", ["key", "root", "name", "time", "text", "size"])
async def test_a_bad_certificate_is_discarded(ready: Bench, case: str) -> None:
    await name_operator(ready)
    root = authority()
    await install(ready, root.pem)
    csr = await request_signing(ready)
    key = csr.public_key()
    match case:
        case "key":
            chain = issue("SN-77", root).pem
        case "root":
            chain = issue("SN-77", authority(), public_key=key).pem
        case "name":
            chain = issue("SN-78", root, public_key=key).pem
        case "time":
            until_then = datetime(2025, 6, 1, tzinfo=UTC)
            chain = issue("SN-77", root, public_key=key, until=until_then).pem
        case "text":
            chain = "nonsense"
        case _:
            chain = issue("SN-77", root, public_key=key).pem + root.pem * 12
            assert len(chain) < 10_000
            chain = chain.ljust(10_000) + "x"
            assert ready.csms.session is not None
            with pytest.raises(Exception, match="PropertyConstraint"):
                await ready.csms.session.call(
                    "CertificateSigned", {"certificateChain": chain}, validate=False
                )
            return
    assert await signed(ready, chain) == "Rejected"
    await until(lambda: "InvalidChargePointCertificate" in ready.csms.security_events)


async def test_the_chargers_own_certificate_cannot_be_deleted(ready: Bench) -> None:
    await name_operator(ready)
    root = authority()
    await install(ready, root.pem)
    csr = await request_signing(ready)
    own = issue("SN-77", root, public_key=csr.public_key())
    assert await signed(ready, own.pem) == "Accepted"
    (hashed,) = (await ids(ready))["certificateHashData"]
    serial = f"{own.certificate.serial_number:x}"
    assert await delete(ready, **{**hashed, "serialNumber": serial}) == "Failed"
