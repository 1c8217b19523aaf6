"""How a charger proves who it is, and whom it trusts: security profiles 0 to 3."""

import ssl
import tempfile
from datetime import timedelta

import pytest

from ..credentials import FALLBACK_TRIES
from .csms import Bench, until
from .signing import Pair, authority, issue
from .test_certificates import install, name_operator, request_signing, signed

OLD, NEW = "an-old-password-1", "a-new-password-22"


async def change(bench: Bench, key: str, value: str) -> str:
    request = {"key": key, "value": value}
    status: str = (await bench.csms.call("ChangeConfiguration", request))["status"]
    return status


async def profile(bench: Bench) -> str:
    answer = await bench.csms.call("GetConfiguration", {"key": ["SecurityProfile"]})
    value: str = answer["configurationKey"][0]["value"]
    return value


def logins(bench: Bench) -> list[str]:
    return [headers.get("Authorization", "") for headers in bench.csms.headers]


def server_tls(pair: Pair, *, client_root: Pair | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(pair.key_pem + pair.pem)
        file.flush()
        context.load_cert_chain(file.name)
    if client_root is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client_root.pem)
    return context


async def reopen(bench: Bench, tls: ssl.SSLContext | None) -> None:
    """The CSMS goes on at the same port, with or without TLS."""
    await bench.csms.close()
    bench.csms.tls = tls
    await bench.csms.open()


async def pause(bench: Bench, failures: int) -> None:
    """Let so many attempts to dial fail."""
    for _ in range(failures):
        seen = len(bench.links)
        await bench.clock.advance(60)
        await until(lambda: len(bench.links) > seen)  # noqa: B023


@pytest.fixture
async def secured(bench: Bench) -> Bench:
    """A charger with a password, as by profile 1."""
    bench.csms.password = OLD
    await bench.power_on(password=OLD)
    bench.csms.forget()
    return bench


async def test_a_new_password_is_used_at_once_and_from_then_on(secured: Bench) -> None:
    assert await profile(secured) == "1"
    secured.csms.password = NEW
    assert await change(secured, "AuthorizationKey", NEW) == "Accepted"
    await until(lambda: len(secured.csms.headers) == 2)
    await until(secured.charger.uplink.ready.is_set)
    assert secured.csms.refused == 0
    assert "BootNotification" not in secured.csms.actions  # it was no reboot
    await until(
        lambda: "ReconfigurationOfSecurityParameters" in secured.csms.security_events
    )
    assert NEW not in "".join(secured.charger.security.lines(None, None))
    await secured.charger.stop()
    await secured.power_on(password=OLD)  # as it was given at the start
    assert secured.csms.refused == 0


async def test_a_password_that_the_operator_sets_later_rules(secured: Bench) -> None:
    secured.csms.password = NEW
    await change(secured, "AuthorizationKey", NEW)
    await until(secured.charger.uplink.ready.is_set)
    await secured.charger.stop()
    secured.csms.password = "a-third-password-3"
    await secured.power_on(password="a-third-password-3")
    assert secured.csms.refused == 0


@pytest.mark.parametrize("key", ["short", "x" * 41, "ümlaut-password-1"])
async def test_a_bad_password_is_refused(secured: Bench, key: str) -> None:
    assert await change(secured, "AuthorizationKey", key) == "Rejected"
    answer = await secured.csms.call("GetConfiguration", {"key": ["AuthorizationKey"]})
    assert answer["configurationKey"] == [
        {"key": "AuthorizationKey", "readonly": False}
    ]


async def test_a_hexadecimal_password_is_tried_as_its_bytes_too(bench: Bench) -> None:
    key = "41" * 20
    bench.csms.password = "A" * 20
    bench.dial(password=key)
    await until(lambda: bench.links)
    await bench.clock.advance(60)
    await until(lambda: (True, "") in bench.links)
    assert bench.csms.refused == 1
    assert "FailedToAuthenticateAtCentralSystem" in "".join(
        bench.charger.security.lines(None, None)
    )


async def test_a_profile_can_only_be_raised_and_needs_its_means(
    bench: Bench,
) -> None:
    await bench.power_on()
    assert await profile(bench) == "0"
    for wanted in ("0", "1", "2", "3", "4", "x"):
        assert await change(bench, "SecurityProfile", wanted) == "Rejected"
    assert await change(bench, "AuthorizationKey", OLD) == "Accepted"
    await until(lambda: len(bench.csms.headers) == 2)
    await until(bench.charger.uplink.ready.is_set)
    assert await change(bench, "SecurityProfile", "2") == "Rejected"  # no root
    assert await change(bench, "SecurityProfile", "1") == "Accepted"
    await until(lambda: len(bench.csms.headers) == 3)
    await until(bench.charger.uplink.ready.is_set)
    assert await change(bench, "SecurityProfile", "1") == "Rejected"
    assert await profile(bench) == "1"


async def test_the_csms_is_verified_by_the_installed_root(secured: Bench) -> None:
    root = authority()
    assert await install(secured, root.pem) == "Accepted"
    server = issue("127.0.0.1", root, address="127.0.0.1")
    await until(secured.charger.uplink.ready.is_set)
    assert await change(secured, "SecurityProfile", "2") == "Accepted"
    await reopen(secured, server_tls(server))
    await secured.clock.advance(60)
    await until(secured.charger.uplink.ready.is_set)
    assert await profile(secured) == "2"
    assert secured.charger.uplink._line is not None
    assert secured.charger.uplink._line.url.startswith("wss://")
    # The root that vouches for the connection stays (M04.FR.06).
    kind = {"certificateType": "CentralSystemRootCertificate"}
    answer = await secured.csms.call("GetInstalledCertificateIds", kind)
    request = {"certificateHashData": answer["certificateHashData"][0]}
    assert await secured.csms.call("DeleteCertificate", request) == {"status": "Failed"}
    # Unsigned firmware is not for this profile (L01.FR.20).
    with pytest.raises(Exception, match="NotSupported"):
        await secured.csms.call(
            "UpdateFirmware",
            {"location": "http://x/y", "retrieveDate": "2026-01-01T00:00:00Z"},
        )


async def test_a_csms_that_nobody_vouches_for_is_not_trusted(secured: Bench) -> None:
    await install(secured, authority().pem)
    await change(secured, "SecurityProfile", "2")
    await until(lambda: not secured.charger.is_online)
    await reopen(secured, server_tls(issue("127.0.0.1", address="127.0.0.1")))
    await pause(secured, FALLBACK_TRIES + 1)
    # After some failures the charger goes back to what worked (A05.FR.08).
    await reopen(secured, None)
    await secured.clock.advance(60)
    await until(secured.charger.uplink.ready.is_set)
    assert await profile(secured) == "1"
    events = secured.csms.security_events
    await until(lambda: events.count("InvalidCentralSystemCertificate") == 1)


async def test_a_certificate_is_renewed_in_its_last_month(secured: Bench) -> None:
    root = authority()
    await install(secured, root.pem)
    await name_operator(secured)
    csr = await request_signing(secured)
    end = secured.clock.now() + timedelta(days=40)
    own = issue("CP-1", root, public_key=csr.public_key(), until=end)
    assert await signed(secured, own.pem) == "Accepted"
    credentials = secured.charger.credentials
    credentials.profile = 3  # as if the link were by TLS
    secured.csms.forget()
    credentials.renew()
    await secured.clock.advance(11 * 86_400)
    credentials.renew()
    credentials.renew()
    await until(lambda: secured.csms.payloads("SignCertificate"))
    assert secured.csms.actions.count("SignCertificate") == 1


async def test_a_certificate_takes_the_place_of_the_password(secured: Bench) -> None:
    root = authority()
    await install(secured, root.pem)
    await name_operator(secured)
    csr = await request_signing(secured)
    assert await change(secured, "SecurityProfile", "3") == "Rejected"  # none yet
    own = issue("CP-1", root, public_key=csr.public_key())
    assert await signed(secured, own.pem) == "Accepted"
    assert await change(secured, "SecurityProfile", "3") == "Accepted"
    secured.csms.password = None
    server = issue("127.0.0.1", root, address="127.0.0.1")
    await reopen(secured, server_tls(server, client_root=root))
    await secured.clock.advance(60)
    await until(secured.charger.uplink.ready.is_set)
    assert logins(secured)[-1] == ""
    assert secured.csms.peer_names == ["CP-1"]
    await secured.charger.stop()
    await secured.power_on(password=OLD)
    assert secured.csms.peer_names == ["CP-1", "CP-1"]
