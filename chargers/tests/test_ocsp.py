"""What 2.x stations hear of certificates: their own, and contracts of EVs."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp as x509_ocsp
from django.utils import timezone

from chargers.models import Charger, IdTag, IssuedCertificate
from chargers.ocpp.versions import Version
from chargers.services import certificates, ocsp
from chargers.tests.station import connected_v2
from ocpplab.models import Organization

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("web_process"),
]


def hash_data(chain_pem: str, algorithm: hashes.HashAlgorithm | None = None) -> Any:
    """As OCPP names the first certificate of a chain."""
    certificate, issuer = x509.load_pem_x509_certificates(chain_pem.encode())
    algorithm = algorithm or hashes.SHA256()
    request = (
        x509_ocsp.OCSPRequestBuilder()
        .add_certificate(certificate, issuer, algorithm)
        .build()
    )
    return {
        "hashAlgorithm": algorithm.name.upper(),
        "issuerNameHash": request.issuer_name_hash.hex(),
        "issuerKeyHash": request.issuer_key_hash.hex(),
        "serialNumber": f"{certificate.serial_number:X}",
    }


def at(url: str, data: Any) -> Any:
    return {**data, "responderURL": url}


@pytest.fixture
def chain(physical_charger: Charger) -> str:
    return certificates.issue_for_charger(physical_charger)[0]


@pytest.fixture
def foreign(other_organization: Organization) -> str:
    return certificates.issue_for_server(other_organization, ["elsewhere"])[0]


async def update_certificate(**fields: Any) -> None:
    await IssuedCertificate.objects.aupdate(**fields)


def status_in(answer: dict[str, Any]) -> str:
    assert answer["status"] == "Accepted"
    response = base64.b64decode(answer["ocspResult"])
    told = x509_ocsp.load_der_ocsp_response(response)
    return told.certificate_status.name


# --- The station's own certificate ----------------------------------------------------


@pytest.mark.parametrize(
    "algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()]
)
async def test_the_portal_answers_for_its_own_certificates(
    physical_charger: Charger, chain: str, algorithm: hashes.HashAlgorithm
) -> None:
    asked = {"ocspRequestData": at("http://nowhere", hash_data(chain, algorithm))}
    async with connected_v2(physical_charger) as station:
        assert status_in(await station.ok("GetCertificateStatus", asked)) == "GOOD"
        await update_certificate(revoked_at=timezone.now())
        answer = await station.ok("GetCertificateStatus", asked)
        assert status_in(answer) == "REVOKED"


@pytest.mark.parametrize(
    "wrong",
    [
        {"serialNumber": "abc"},
        {"serialNumber": "no number"},
        {"issuerKeyHash": "00"},
        {"issuerNameHash": "x"},
        {"hashAlgorithm": "SHA512"},
    ],
)
async def test_nobody_answers_for_what_is_not_known(
    physical_charger: Charger, chain: str, wrong: dict[str, str]
) -> None:
    data = at("http://nowhere", {**hash_data(chain), **wrong})
    async with connected_v2(physical_charger) as station:
        answer = await station.ok("GetCertificateStatus", {"ocspRequestData": data})
    assert answer["status"] == "Failed"
    assert "ocspResult" not in answer


@contextmanager
def responder(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """An OCSP responder of another authority: its URL, and what it was asked."""
    asked: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_the_responder_of_another_authority_is_asked_where_that_is_allowed(
    physical_charger: Charger, foreign: str, settings: Any
) -> None:
    row = await IssuedCertificate.objects.select_related("authority").aget()
    response = await sync_to_async(ocsp.answer_for)(row, "SHA256")
    with responder(response) as (url, questions):
        asked = {"ocspRequestData": at(url, hash_data(foreign))}
        async with connected_v2(physical_charger) as station:
            answer = await station.ok("GetCertificateStatus", asked)
            assert answer["status"] == "Failed"
            assert questions == []
            settings.OCPP_OCSP_HOSTS = ["127.0.0.1"]
            answer = await station.ok("GetCertificateStatus", asked)
            assert status_in(answer) == "GOOD"
    [question] = questions
    number = x509_ocsp.load_der_ocsp_request(question).serial_number
    assert f"{number:x}" == row.serial


async def test_rubbish_of_a_responder_is_no_answer(
    physical_charger: Charger, foreign: str, settings: Any
) -> None:
    settings.OCPP_OCSP_HOSTS = ["127.0.0.1"]
    with responder(b"rubbish") as (url, _):
        asked = {"ocspRequestData": at(url, hash_data(foreign))}
        async with connected_v2(physical_charger) as station:
            answer = await station.ok("GetCertificateStatus", asked)
    assert answer["status"] == "Failed"


async def test_an_answer_on_another_certificate_is_no_answer(
    physical_charger: Charger, foreign: str, settings: Any
) -> None:
    settings.OCPP_OCSP_HOSTS = ["127.0.0.1"]
    row = await IssuedCertificate.objects.select_related("authority").aget()
    response = await sync_to_async(ocsp.answer_for)(row, "SHA256")
    asked = hash_data(foreign)
    asked["serialNumber"] = f"{int(asked['serialNumber'], 16) + 1:x}"
    with responder(response) as (url, questions):
        async with connected_v2(physical_charger) as station:
            request = {"ocspRequestData": at(url, asked)}
            answer = await station.ok("GetCertificateStatus", request)
    assert len(questions) == 1
    assert answer["status"] == "Failed"


async def test_a_responder_whose_address_is_none_is_not_asked(
    physical_charger: Charger, foreign: str, settings: Any
) -> None:
    settings.OCPP_OCSP_HOSTS = ["responder"]
    asked = {"ocspRequestData": at("http://responder:port/", hash_data(foreign))}
    async with connected_v2(physical_charger) as station:
        answer = await station.ok("GetCertificateStatus", asked)
    assert answer["status"] == "Failed"


async def test_several_certificates_are_told_of_in_2_1(
    physical_charger: Charger, chain: str, foreign: str
) -> None:
    asked = {
        "certificateStatusRequests": [
            {
                "certificateHashData": hash_data(pem),
                "source": source,
                "urls": ["http://nowhere"],
            }
            for pem, source in ((chain, "OCSP"), (chain, "CRL"), (foreign, "OCSP"))
        ]
    }
    async with connected_v2(physical_charger, Version.V21) as station:
        answer = await station.ok("GetCertificateChainStatus", asked)
        told = [one["status"] for one in answer["certificateStatus"]]
        assert told == ["Good", "Good", "Failed"]
        await update_certificate(revoked_at=timezone.now())
        answer = await station.ok("GetCertificateChainStatus", asked)
        assert answer["certificateStatus"][0]["status"] == "Revoked"


async def test_there_is_no_contract_certificate_to_install(
    physical_charger: Charger,
) -> None:
    asked = {"iso15118SchemaVersion": "x", "action": "Install", "exiRequest": "x"}
    async with connected_v2(physical_charger) as station:
        answer = await station.ok("Get15118EVCertificate", asked)
    assert (answer["status"], answer["exiResponse"]) == ("Failed", "")


# --- Contracts of EVs -----------------------------------------------------------------


@pytest.mark.parametrize("is_whole", [True, False])
@pytest.mark.parametrize(
    ("tag", "certificate", "status", "of_certificate"),
    [
        ({}, {}, "Accepted", "Accepted"),
        ({"is_blocked": True}, {}, "Blocked", "ContractCancelled"),
        (None, {}, "Unknown", "ContractCancelled"),
        ({}, {"revoked_at": True}, "Invalid", "CertificateRevoked"),
        ({}, {"expires_at": True}, "Expired", "CertificateExpired"),
        ({}, None, "Invalid", "CertChainError"),
    ],
)
async def test_a_contract_is_judged_with_its_certificate(
    physical_charger: Charger,
    organization: Organization,
    chain: str,
    foreign: str,
    is_whole: bool,
    tag: dict[str, Any] | None,
    certificate: dict[str, Any] | None,
    status: str,
    of_certificate: str,
) -> None:
    if tag is not None:
        await IdTag.objects.acreate(organization=organization, id_tag="EMAID", **tag)
    if certificate:
        await update_certificate(**dict.fromkeys(certificate, timezone.now()))
    shown = foreign if certificate is None else chain
    request: dict[str, Any] = {"idToken": {"idToken": "EMAID", "type": "eMAID"}}
    if is_whole:
        request["certificate"] = shown
    else:
        data = at("http://nowhere", hash_data(shown))
        request["iso15118CertificateHashData"] = [data]
    async with connected_v2(physical_charger) as station:
        answer = await station.ok("Authorize", request)
    assert answer["idTokenInfo"]["status"] == status
    assert answer["certificateStatus"] == of_certificate


async def test_a_certificate_that_is_none_fails(physical_charger: Charger) -> None:
    token = {"idToken": "EMAID", "type": "eMAID"}
    async with connected_v2(physical_charger) as station:
        for rubbish in ("", "rubbish"):
            request = {"idToken": token, "certificate": rubbish}
            answer = await station.ok("Authorize", request)
            assert answer["certificateStatus"] == "CertChainError"
            assert answer["idTokenInfo"]["status"] == "Invalid"
