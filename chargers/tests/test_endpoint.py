"""The endpoint as a CSMS: who may connect, who has booted, what is kept, what is asked."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.contrib.auth.hashers import make_password
from django.db import OperationalError
from django.utils import timezone

from chargers import batching, consumers, services
from chargers.choices import BootPolicy, SecurityProfile
from chargers.models import (
    Charger,
    IdTag,
    IssuedCertificate,
    MeterValue,
    SecurityEvent,
    StationStatus,
    Transaction,
)
from chargers.ocpp.versions import Version
from chargers.services import certificates, transactions
from chargers.tests.station import BOOT, TIME, Station, ask, connected, path_of, update
from ocpplab.models import Organization

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("web_process"),
]


async def dial(path: str, **options: Any) -> int:
    station = Station(path, **options)
    status = await station.dial()
    if status == 101:
        await station.disconnect()
    return status


# --- Who may connect ------------------------------------------------------------------


async def test_strangers_are_refused(physical_charger: Charger) -> None:
    assert await dial("ocpp/acme/NOBODY") == 404
    assert await dial("ocpp/nobody/ACME-CP-1") == 404
    assert await dial("ocpp/acme/A\0") == await dial("ocpp/\0/A") == 404
    assert await dial("elsewhere") == 404


async def test_an_unknown_charger_can_be_registered_for_an_operator_to_accept(
    organization: Organization, settings: Any
) -> None:
    settings.OCPP_REGISTER_UNKNOWN_CHARGERS = True
    station = Station("ocpp/acme/NEW-1")
    assert await station.dial() == 101
    assert (await station.ok("BootNotification", BOOT))["status"] == "Pending"
    charger = await Charger.objects.aget(identity="NEW-1")
    assert not charger.is_virtual
    assert not charger.is_online
    assert charger.boot == BOOT
    await update(charger, boot_policy=BootPolicy.ACCEPTED)
    assert (await station.ok("BootNotification", BOOT))["status"] == "Accepted"
    await station.disconnect()
    assert await dial("ocpp/nobody/NEW-1") == 404
    assert await dial("ocpp/acme/NO%24IDENTITY") == 404


@pytest.mark.parametrize(
    ("profile", "password", "tls", "status"),
    [
        (SecurityProfile.UNSECURED, "", False, 101),
        (SecurityProfile.UNSECURED, "secret", False, 101),
        (SecurityProfile.BASIC, "secret", False, 101),
        (SecurityProfile.BASIC, "", False, 401),
        (SecurityProfile.TLS, "secret", False, 401),
        (SecurityProfile.TLS, "secret", True, 101),
        (SecurityProfile.TLS, "", True, 401),
        (SecurityProfile.MUTUAL_TLS, "secret", True, 401),
    ],
)
async def test_a_security_profile_is_the_least_that_is_asked_for(
    physical_charger: Charger,
    profile: SecurityProfile,
    password: str,
    tls: bool,
    status: int,
) -> None:
    services.set_password(physical_charger, password)
    await update(
        physical_charger,
        security_profile=profile,
        password_hash=physical_charger.password_hash,
    )
    extensions: dict[str, Any] = {"tls": {"client_cert_chain": []}} if tls else {}
    options = {"password": password, "extensions": extensions}
    assert await dial(path_of(physical_charger), **options) == status


@pytest.mark.parametrize(
    ("password", "presented", "status"),
    [
        ("0f" * 20, "0f" * 20, 101),
        ("0f" * 20, b"\x0f" * 20, 101),
        ("FE" * 20, b"\xfe" * 20, 101),
        ("fe" * 20, b"\xfe" * 20, 101),
        ("fe" * 20, b"\xfd" * 20, 401),
        ("pass:word", "pass:word", 101),
        ("Größe", "Größe", 101),
        ("secret", "Secret", 401),
    ],
)
async def test_a_key_may_be_presented_as_digits_or_as_their_bytes(
    physical_charger: Charger, password: str, presented: Any, status: int
) -> None:
    await sync_to_async(services.keep_password)(physical_charger, password)
    assert await dial(path_of(physical_charger), password=presented) == status


@pytest.mark.parametrize("hasher", ["pbkdf2_sha256", "charger_pbkdf2"])
async def test_a_password_that_an_earlier_version_hashed_is_hashed_anew(
    physical_charger: Charger, hasher: str
) -> None:
    old = make_password("fe" * 20, hasher=hasher)
    await update(physical_charger, password_hash=old)
    path = path_of(physical_charger)
    assert await dial(path, password="secret") == 401
    await physical_charger.arefresh_from_db()
    assert physical_charger.password_hash == old
    assert await dial(path, password=b"\xfe" * 20) == 101
    await physical_charger.arefresh_from_db()
    assert physical_charger.password_hash.startswith("charger_hmac$")
    assert await dial(path, password="fe" * 20) == 101


@pytest.mark.parametrize(
    "header",
    [b"", b"Basic", b"Basic !", b"Basic QQ", b"Bearer QUNNRS1DUC0xOnNlY3JldA=="],
)
async def test_a_header_of_no_credentials_is_refused(
    physical_charger: Charger, header: bytes
) -> None:
    await sync_to_async(services.keep_password)(physical_charger, "secret")
    headers = [(b"authorization", header)]
    assert await dial(path_of(physical_charger), headers=headers) == 401


async def test_an_identity_may_hold_a_colon(organization: Organization) -> None:
    charger = await sync_to_async(services.register_charger)(
        organization=organization, identity="A:1", kind="physical", password="b:c"
    )
    assert await dial(path_of(charger), password="b:c") == 101
    assert await dial("ocpp/acme/A%3A1", password="b:c") == 101


async def test_mutual_tls_asks_for_the_chargers_own_certificate(
    physical_charger: Charger, virtual_charger: Charger
) -> None:
    await update(physical_charger, security_profile=SecurityProfile.MUTUAL_TLS)
    issue = sync_to_async(certificates.issue_for_charger)
    (own, _), (others, _) = await issue(physical_charger), await issue(virtual_charger)

    async def presenting(pem: str) -> int:
        tls = {"tls": {"client_cert_chain": [pem.partition("\n-----BEGIN")[0]]}}
        return await dial(path_of(physical_charger), extensions=tls)

    assert await presenting(own) == 101
    assert await presenting(others) == 401
    assert await presenting("rubbish") == 401
    row = await IssuedCertificate.objects.aget(charger=physical_charger)
    await sync_to_async(certificates.revoke)(row)
    assert await presenting(own) == 401


@pytest.mark.parametrize(
    ("version", "action", "payload"),
    [
        (
            Version.V201,
            "SetNetworkProfile",
            {
                "configurationSlot": 1,
                "connectionData": {
                    "ocppVersion": "OCPP20",
                    "ocppTransport": "JSON",
                    "ocppCsmsUrl": "wss://portal/ocpp/acme",
                    "messageTimeout": 30,
                    "securityProfile": 2,
                    "ocppInterface": "Wired0",
                },
            },
        ),
        (Version.V16, "ChangeConfiguration", {"key": "SecurityProfile", "value": "2"}),
    ],
)
async def test_a_charger_is_held_to_the_higher_profile_that_it_accepted(
    physical_charger: Charger, version: Version, action: str, payload: dict[str, Any]
) -> None:
    services.set_password(physical_charger, "secret")
    await update(physical_charger, password_hash=physical_charger.password_hash)
    plain: dict[str, Any] = {"password": "secret", "version": version}
    secure = {**plain, "extensions": {"tls": {"client_cert_chain": []}}}
    path = path_of(physical_charger)
    for status in ("Rejected", "Accepted"):
        async with connected(physical_charger, **plain) as station:
            physical_charger.ocpp_version = version.label
            asking = asyncio.create_task(ask(physical_charger, action, payload))
            asked = ""
            while asked != action:  # a 2.x station is asked for its device model first
                message_id, asked, _ = await station.next_request()
                await station.reply(message_id, {"status": status})
            await asking
        assert await dial(path, **plain) == 101  # it has not come by it yet
        if status == "Rejected":
            assert await dial(path, **secure) == 101
            assert await dial(path, **plain) == 101
    assert await dial(path, **secure) == 101
    assert await dial(path, **plain) == 401
    assert await dial(path, **secure) == 101


@pytest.mark.parametrize("profile", [SecurityProfile.TLS, SecurityProfile.MUTUAL_TLS])
async def test_a_connection_ends_with_the_certificate_that_it_needs(
    physical_charger: Charger, profile: SecurityProfile
) -> None:
    await update(physical_charger, security_profile=profile, password_hash="")
    services.set_password(physical_charger, "secret")
    await update(physical_charger, password_hash=physical_charger.password_hash)
    issue = sync_to_async(certificates.issue_for_charger)
    (pem, _), _ = await issue(physical_charger), await issue(physical_charger)
    in_use, spare = [row async for row in IssuedCertificate.objects.order_by("pk")]
    tls = {"tls": {"client_cert_chain": [pem.partition("\n-----BEGIN")[0]]}}
    options: dict[str, Any] = {"extensions": tls, "password": "secret"}
    async with connected(physical_charger, **options) as station:
        await sync_to_async(certificates.revoke)(spare)
        await station.ok("Heartbeat", {})
        await sync_to_async(certificates.revoke)(in_use)
        if profile == SecurityProfile.TLS:
            await station.ok("Heartbeat", {})
            return
        output = await station.receive_output(5)
        assert (output["type"], output["code"]) == ("websocket.close", 1008)


@pytest.mark.parametrize("removed", ["charger", "chargers", "location"])
async def test_a_connection_ends_with_its_charger(
    physical_charger: Charger, removed: str
) -> None:
    station = Station(path_of(physical_charger))
    assert await station.dial() == 101
    await station.ok("BootNotification", BOOT)
    everybody = Charger.objects.all()
    remove: dict[str, Callable[[], Any]] = {
        "charger": lambda: services.delete_charger(physical_charger),
        "chargers": lambda: services.delete_chargers(everybody, [physical_charger.pk]),
        "location": lambda: services.delete_location(everybody.get().location),
    }
    await sync_to_async(remove[removed])()
    assert (await station.receive_output(5))["type"] == "websocket.close"
    await station.disconnect()


async def test_an_expired_certificate_is_refused(
    physical_charger: Charger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await update(physical_charger, security_profile=SecurityProfile.MUTUAL_TLS)
    monkeypatch.setattr(certificates, "CERTIFICATE_LIFE", timedelta(minutes=-1))
    pem, _ = await sync_to_async(certificates.issue_for_charger)(physical_charger)
    tls = {"tls": {"client_cert_chain": [pem]}}
    assert await dial(path_of(physical_charger), extensions=tls) == 401


async def test_a_proxy_that_is_trusted_may_hand_on_the_certificate(
    physical_charger: Charger, settings: Any
) -> None:
    await update(physical_charger, security_profile=SecurityProfile.MUTUAL_TLS)
    pem, _ = await sync_to_async(certificates.issue_for_charger)(physical_charger)
    value = pem.replace("\n", "%0A").encode()
    headers = [(b"x-client-cert", value), (b"x-forwarded-proto", b"https")]
    path = path_of(physical_charger)
    assert await dial(path, headers=headers) == 401
    settings.HTTPS, settings.OCPP_CLIENT_CERTIFICATE_HEADER = True, "X-Client-Cert"
    assert await dial(path, headers=headers) == 101


# --- Boot -----------------------------------------------------------------------------


async def test_nothing_is_heard_before_a_boot_is_accepted(
    physical_charger: Charger,
) -> None:
    await update(physical_charger, boot_policy=BootPolicy.PENDING, boot_interval=7)
    async with connected(physical_charger, boot=False) as station:
        assert (await station.call("Heartbeat", {}))[:2] == [4, "SecurityError"]
        boot = await station.ok("BootNotification", BOOT)
        assert (boot["status"], boot["interval"]) == ("Pending", 7)
        assert (await station.call("Heartbeat", {}))[:2] == [4, "SecurityError"]
        await update(physical_charger, boot_policy=BootPolicy.REJECTED, boot_interval=0)
        boot = await station.ok("BootNotification", BOOT)
        assert (boot["status"], boot["interval"]) == ("Rejected", 60)
        await update(physical_charger, boot_policy=BootPolicy.ACCEPTED)
        boot = await station.ok("BootNotification", BOOT)
        assert (boot["status"], boot["interval"]) == ("Accepted", 300)
        await station.ok("Heartbeat", {})


async def test_who_has_booted_before_need_not_boot_again(
    physical_charger: Charger,
) -> None:
    async with connected(physical_charger):
        pass
    async with connected(physical_charger, boot=False) as station:
        await station.ok("Heartbeat", {})
        await physical_charger.arefresh_from_db()
        assert physical_charger.is_online


async def test_what_was_triggered_is_heard_while_the_boot_is_pending(
    physical_charger: Charger,
) -> None:
    await update(physical_charger, boot_policy=BootPolicy.PENDING)
    async with connected(physical_charger, boot=False) as station:
        await station.ok("BootNotification", BOOT)
        trigger = {"requestedMessage": "Heartbeat"}
        asking = asyncio.create_task(ask(physical_charger, "TriggerMessage", trigger))
        message_id, _, payload = await station.next_request()
        assert payload == trigger
        await station.reply(message_id, {"status": "Accepted"})
        assert await asking == {"status": "Accepted"}
        await station.ok("Heartbeat", {})
        assert (await station.call("Authorize", {"idTag": "A"}))[1] == "SecurityError"


async def test_firmware_that_is_signed_may_be_told_while_the_boot_is_pending(
    physical_charger: Charger,
) -> None:
    await update(physical_charger, boot_policy=BootPolicy.PENDING)
    async with connected(physical_charger, boot=False) as station:
        await station.ok("BootNotification", BOOT)
        for name, action, payload in (
            (
                "FirmwareStatusNotification",
                "SignedFirmwareStatusNotification",
                {"status": "Idle"},
            ),
            ("SignChargePointCertificate", "SignCertificate", {"csr": "x"}),
        ):
            trigger = {"requestedMessage": name}
            asking = asyncio.create_task(
                ask(physical_charger, "ExtendedTriggerMessage", trigger)
            )
            message_id, _, _ = await station.next_request()
            await station.reply(message_id, {"status": "Accepted"})
            await asking
            await station.ok(action, payload)


async def test_a_charger_whose_connection_fails_is_offline(
    physical_charger: Charger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*args: Any, **options: Any) -> None:
        raise OSError("broken pipe")

    station = Station(path_of(physical_charger))
    assert await station.dial() == 101
    await station.ok("BootNotification", BOOT)
    monkeypatch.setattr(consumers.ChargerConsumer, "send", fail)
    with pytest.raises(OSError, match="broken pipe"):
        await station.call("Heartbeat", {})
    await physical_charger.arefresh_from_db()
    assert not physical_charger.is_online
    assert physical_charger.connection_id == ""


async def test_a_second_connection_replaces_the_first(
    physical_charger: Charger,
) -> None:
    async with (
        connected(physical_charger) as first,
        connected(physical_charger) as second,
    ):
        assert (await first.receive_output(5))["type"] == "websocket.close"
        await second.ok("Heartbeat", {})


# --- What is kept ---------------------------------------------------------------------


async def test_reports_of_firmware_diagnostics_and_logs_are_kept(
    physical_charger: Charger,
) -> None:
    async with connected(physical_charger) as station:
        for action, payload in (
            ("FirmwareStatusNotification", {"status": "Downloading"}),
            (
                "SignedFirmwareStatusNotification",
                {"status": "InvalidSignature", "requestId": 5},
            ),
            ("DiagnosticsStatusNotification", {"status": "Uploading"}),
            ("LogStatusNotification", {"status": "Uploaded", "requestId": -1}),
        ):
            assert await station.ok(action, payload) == {}
        huge = {"status": "Uploaded", "requestId": 2**70}
        answer = await station.call("LogStatusNotification", huge)
        assert answer[1] == "PropertyConstraintViolation"
    rows = StationStatus.objects.filter(charger=physical_charger)
    kept = {row.subject: (row.status, row.request_id) async for row in rows}
    assert kept == {
        "firmware": ("InvalidSignature", 5),
        "diagnostics": ("Uploading", None),
        "log": ("Uploaded", -1),
    }


async def test_security_events_are_kept(physical_charger: Charger) -> None:
    event = {"type": "InvalidMessages", "timestamp": TIME, "techInfo": "x" * 255}
    async with connected(physical_charger) as station:
        assert await station.ok("SecurityEventNotification", event) == {}
    row = await SecurityEvent.objects.aget()
    assert (row.type, row.tech_info) == ("InvalidMessages", "x" * 255)
    assert row.timestamp == datetime(2026, 1, 1, tzinfo=UTC)


async def test_data_of_unknown_vendors_is_refused(physical_charger: Charger) -> None:
    async with connected(physical_charger) as station:
        answer = await station.ok("DataTransfer", {"vendorId": "x", "data": "y"})
    assert answer == {"status": "UnknownVendorId"}


def signing_request(name: str, curve: ec.EllipticCurve | None = None) -> str:
    key = ec.generate_private_key(curve or ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


async def test_a_certificate_is_signed_and_sent(physical_charger: Charger) -> None:
    csr = {"csr": signing_request(physical_charger.identity)}
    async with connected(physical_charger) as station:
        refused = await station.ok("SignCertificate", csr)
        assert refused == {"status": "Rejected"}  # there is no authority
        await sync_to_async(certificates.create_authority)(
            physical_charger.organization
        )
        assert await station.ok("SignCertificate", csr) == {"status": "Accepted"}
        message_id, action, payload = await station.next_request()
        assert action == "CertificateSigned"
        await station.reply(message_id, {"status": "Accepted"})
    chain = x509.load_pem_x509_certificates(payload["certificateChain"].encode())
    assert len(chain) == 2
    chain[0].verify_directly_issued_by(chain[1])
    belongs = sync_to_async(certificates.certificate_belongs_to)
    pem = chain[0].public_bytes(Encoding.PEM).decode()
    assert await belongs(physical_charger, pem)


@pytest.mark.parametrize(
    "csr",
    [
        "",
        "rubbish",
        signing_request("SOMEBODY-ELSE"),
        signing_request("ACME-CP-1", ec.SECP192R1()),
    ],
)
async def test_a_signing_request_that_is_no_good_is_rejected(
    physical_charger: Charger, csr: str
) -> None:
    await sync_to_async(certificates.create_authority)(physical_charger.organization)
    async with connected(physical_charger) as station:
        answer = await station.ok("SignCertificate", {"csr": csr})
    assert answer == {"status": "Rejected"}


# --- Transactions ---------------------------------------------------------------------


def stop_of(transaction_id: int, **more: Any) -> dict[str, Any]:
    return {
        "transactionId": transaction_id,
        "meterStop": 5000,
        "timestamp": "2026-01-01T02:00:00Z",
        **more,
    }


def start_at(hour: int) -> dict[str, Any]:
    at = f"2026-01-01T{hour:02}:00:00Z"
    return {"connectorId": 1, "idTag": "A", "meterStart": 1000, "timestamp": at}


async def test_the_end_of_an_unknown_transaction_is_kept_once(
    physical_charger: Charger,
) -> None:
    begin = {"timestamp": "2026-01-01T01:00:00Z", "sampledValue": [{"value": "3000"}]}
    async with connected(physical_charger) as station:
        for _ in range(2):
            stop = stop_of(987654, transactionData=[begin], reason="Reboot")
            assert await station.ok("StopTransaction", stop) == {}
        # Of several with nothing known, each is a transaction of its own.
        await station.ok("StopTransaction", stop_of(1_000_001))
        await station.ok("StopTransaction", stop_of(1_000_002))
    rows = {row.transaction_id: row async for row in Transaction.objects.all()}
    assert set(rows) == {"987654", "1000001", "1000002"}
    row = rows["987654"]
    assert (row.energy_wh, row.stop_reason, row.evse_id) == (2000, "Reboot", 0)
    assert await row.meter_values.acount() == 1
    assert rows["1000001"].energy_wh == 0


async def test_ends_without_an_id_are_kept_each_once(
    physical_charger: Charger,
) -> None:
    """A charger that could not tell of the beginning sends -1."""
    begin = {"timestamp": "2026-01-01T01:00:00Z", "sampledValue": [{"value": "3000"}]}
    meter = {"connectorId": 1, "transactionId": -1, "meterValue": [begin]}
    async with connected(physical_charger) as station:
        for meter_stop in (5000, 6000, 5000):
            assert await station.ok("MeterValues", meter) == {}
            stop = stop_of(-1, meterStop=meter_stop, transactionData=[begin])
            assert await station.ok("StopTransaction", stop) == {}
        # The same id of elsewhere, for two transactions.
        for meter_stop in (7000, 8000, 7000, 8000):
            stop = stop_of(987654, meterStop=meter_stop)
            assert await station.ok("StopTransaction", stop) == {}
    rows = [row async for row in Transaction.objects.order_by("meter_stop_wh")]
    assert [row.meter_stop_wh for row in rows] == [5000, 6000, 7000, 8000]
    assert [row.energy_wh for row in rows[:2]] == [2000, 3000]
    assert not await MeterValue.objects.filter(
        transaction__isnull=False, evse_id=1
    ).aexists()


async def test_the_same_report_on_two_connections_counts_once(
    physical_charger: Charger,
) -> None:
    """As when a charger dials again before the answers to its queue have come."""
    start, stop = start_at(0), stop_of(0)
    async with connected(physical_charger) as first:
        await first.dispatch_unanswered("StartTransaction", start)
        async with connected(physical_charger, boot=False) as second:
            begun = await second.ok("StartTransaction", start)
            stop["transactionId"] = begun["transactionId"]
            await first.dispatch_unanswered("StopTransaction", stop)
            await second.ok("StopTransaction", stop)
            await second.ok("StopTransaction", stop)
    row = await Transaction.objects.aget()
    assert (row.transaction_id, row.energy_wh) == (str(begun["transactionId"]), 4000)


async def test_an_id_that_an_unknown_transaction_had_is_given_all_the_same(
    physical_charger: Charger,
) -> None:
    async with connected(physical_charger) as station:
        first = await station.ok("StartTransaction", start_at(0))
        coming = first["transactionId"] + 2
        await station.ok("StopTransaction", stop_of(coming))
        begun = await station.ok("StartTransaction", start_at(1))
        assert begun["transactionId"] == coming
        await station.ok("StopTransaction", stop_of(coming))
    row = await Transaction.objects.aget(transaction_id=str(coming))
    assert row.energy_wh == 4000


async def test_a_stop_that_comes_late_corrects_the_presumed_end(
    physical_charger: Charger,
) -> None:
    async with connected(physical_charger) as station:
        first = await station.ok("StartTransaction", start_at(0))
        await station.ok("StartTransaction", start_at(3))
        row = await Transaction.objects.aget(pk=first["transactionId"])
        assert (row.is_open, row.energy_wh, row.stop_reason) == (False, 0, "")
        await station.ok("StopTransaction", stop_of(first["transactionId"]))
    await row.arefresh_from_db()
    assert (row.energy_wh, row.stop_reason) == (4000, "Local")


async def test_transactions_that_a_booted_charger_forgot_are_ended_after_a_while(
    physical_charger: Charger,
) -> None:
    close = sync_to_async(transactions.close_abandoned_transactions)
    async with connected(physical_charger) as station:
        await station.ok("StartTransaction", start_at(0))
        assert await close(timedelta(hours=1)) == 0
        booted = timezone.now() - timedelta(hours=2)
        await update(physical_charger, booted_at=booted)
        assert await close(timedelta(hours=1)) == 1
    row = await Transaction.objects.aget()
    assert row.stopped_at == booted


async def test_a_repeated_session_counts_once(
    physical_charger: Charger, organization: Organization
) -> None:
    await IdTag.objects.acreate(organization=organization, id_tag="A")
    async with connected(physical_charger) as station:
        start = {**start_at(0), "reservationId": 5}
        begun = [await station.ok("StartTransaction", start) for _ in range(2)]
        assert begun[0] == begun[1]
        assert begun[0]["idTagInfo"] == {"status": "Accepted"}
        for _ in range(2):
            await station.ok("StopTransaction", stop_of(begun[0]["transactionId"]))
    row = await Transaction.objects.aget()
    assert (row.energy_wh, row.reservation_id) == (4000, 5)


async def test_a_charger_that_hung_up_while_the_database_was_away_is_offline_after_all(
    physical_charger: Charger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "RETRY_PAUSE", 0.01)
    mark_disconnected = services.mark_disconnected
    attempts = []

    def mark_late(closed: Any) -> Any:
        attempts.append(closed)
        if len(attempts) < 4:
            raise OperationalError("the database is away")
        return mark_disconnected(closed)

    monkeypatch.setattr(services, "mark_disconnected", mark_late)
    async with connected(physical_charger):
        await physical_charger.arefresh_from_db()
        assert physical_charger.is_online
    await physical_charger.arefresh_from_db()
    assert not physical_charger.is_online
