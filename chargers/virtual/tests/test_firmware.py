"""Firmware updates, plain and signed, and what is told of them."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from ..clock import format_time
from ..firmware import INSTALL_TIME
from ..uplink import REBOOT_PAUSE
from .csms import Bench, until
from .files import FileServer, ftp_server, http_server
from .signing import Pair, authority, issue

IMAGE = b"new firmware"
BOOT = ["BootNotification", "0:Available", "1:Available"]


@pytest.fixture
def files() -> Iterator[FileServer]:
    with http_server() as server:
        server.held["/fw-2.5.1.bin"] = IMAGE
        yield server


@pytest.fixture
async def ready(bench: Bench) -> Bench:
    await bench.power_on()
    bench.csms.forget()
    return bench


def in_s(bench: Bench, seconds: float) -> str:
    return format_time(bench.clock.now() + timedelta(seconds=seconds))


async def update(bench: Bench, location: str, **more: Any) -> None:
    payload = {"location": location, "retrieveDate": in_s(bench, 0), **more}
    assert await bench.csms.call("UpdateFirmware", payload) == {}


async def pass_time(bench: Bench, seconds: float) -> None:
    """Once the charger sleeps for so long."""
    await until(lambda: seconds in bench.clock.sleeps)
    await bench.clock.advance(seconds)


async def install(bench: Bench) -> None:
    await pass_time(bench, INSTALL_TIME)
    await until(lambda: (False, "reset") in bench.links)
    await pass_time(bench, REBOOT_PAUSE)


def told(bench: Bench, action: str = "FirmwareStatusNotification") -> list[str]:
    return [payload["status"] for payload in bench.csms.payloads(action)]


async def test_an_update_ends_with_a_boot_of_the_new_version(
    ready: Bench, files: FileServer
) -> None:
    await update(ready, f"{files.url}/fw-2.5.1.bin")
    await install(ready)
    await until(lambda: "Installed" in told(ready))
    assert told(ready) == ["Downloading", "Downloaded", "Installing", "Installed"]
    (boot,) = ready.csms.payloads("BootNotification")
    assert boot["firmwareVersion"] == "2.5.1"
    story = ready.csms.story
    assert story[-len(BOOT) - 1 : -1] == BOOT  # and after it, Installed
    assert "1:Unavailable" in story[: story.index("BootNotification")]
    await until(lambda: "FirmwareUpdated" in ready.csms.security_events)
    await ready.charger.stop()
    assert ready.store.state["firmware"]["version"] == "2.5.1"


async def test_firmware_comes_by_ftp_as_well(ready: Bench) -> None:
    async with ftp_server({"dir/fw.bin": IMAGE}) as url:
        await update(ready, f"{url}/dir/fw.bin")
        await install(ready)
    await until(lambda: "Installed" in told(ready))
    assert ready.csms.payloads("BootNotification")[0]["firmwareVersion"] == "1.0.1"


@pytest.mark.parametrize("location", ["gopher://127.0.0.1/x", "http://127.0.0.1:9/x"])
async def test_what_cannot_be_fetched_fails(ready: Bench, location: str) -> None:
    await update(ready, location)
    await until(lambda: told(ready) == ["Downloading", "DownloadFailed"])
    assert ready.charger.firmware.current is None


async def test_a_download_is_tried_as_often_as_asked(
    ready: Bench, files: FileServer
) -> None:
    await update(ready, f"{files.url}/none", retries=2, retryInterval=7)
    await pass_time(ready, 7)
    await until(lambda: ready.clock.sleeps.count(7) == 2)
    await ready.clock.advance(7)
    await until(lambda: told(ready) == ["Downloading", "DownloadFailed"])
    assert files.requests == 3


async def test_an_empty_file_is_no_firmware(ready: Bench, files: FileServer) -> None:
    files.held["/empty"] = b""
    await update(ready, f"{files.url}/empty")
    await pass_time(ready, INSTALL_TIME)
    await until(lambda: told(ready)[-1:] == ["InstallationFailed"])
    await until(lambda: ready.csms.story[-1] == "1:Available")


async def test_an_update_waits_for_its_date_and_for_transactions(
    ready: Bench, files: FileServer
) -> None:
    await ready.perform("start-session", id_tag="T")
    ready.csms.forget()
    location = f"{files.url}/fw-2.5.1.bin"
    await update(ready, location, retrieveDate=in_s(ready, 100))
    await ready.clock.advance(99)
    assert files.requests == 0
    await ready.clock.advance(1)
    await until(lambda: told(ready) == ["Downloading", "Downloaded"])
    await until(lambda: ready.charger.outlets[0].is_blocked)
    await ready.charger.stop()  # and the update goes on after a restart
    ready.csms.forget()
    await ready.power_on()
    await until(lambda: "1:Charging" in ready.csms.story)
    assert told(ready) == []
    await ready.perform("stop-session")
    await until(lambda: told(ready) == ["Installing"])
    assert ready.csms.story[-3:] == [
        "StopTransaction(Local)",
        "1:Unavailable",
        "FirmwareStatusNotification",
    ]
    await install(ready)
    await until(lambda: told(ready) == ["Installing", "Installed"])


class Signed:
    """A SignedUpdateFirmware that is good unless it is changed."""

    def __init__(self, bench: Bench, root: Pair, url: str, key: Any = None) -> None:
        self.bench = bench
        self.signer = issue("Maker", root, key=key)
        if isinstance(self.signer.key, ec.EllipticCurvePrivateKey):
            signature = self.signer.key.sign(IMAGE, ec.ECDSA(hashes.SHA256()))
        else:
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
            signature = self.signer.key.sign(IMAGE, pss, hashes.SHA256())
        self.firmware = {
            "location": url,
            "retrieveDateTime": in_s(bench, 0),
            "signingCertificate": self.signer.pem,
            "signature": base64.b64encode(signature).decode(),
        }

    async def send(self, request_id: int) -> str:
        payload = {"requestId": request_id, "firmware": self.firmware}
        answer = await self.bench.csms.call("SignedUpdateFirmware", payload)
        status: str = answer["status"]
        return status


async def trust(bench: Bench, root: Pair) -> None:
    answer = await bench.csms.call(
        "InstallCertificate",
        {"certificateType": "ManufacturerRootCertificate", "certificate": root.pem},
    )
    assert answer == {"status": "Accepted"}


SIGNED = "SignedFirmwareStatusNotification"


@pytest.mark.parametrize("kind", ["ec", "rsa"])
async def test_signed_firmware_is_verified_and_installed(
    ready: Bench, files: FileServer, kind: str
) -> None:
    root = authority()
    await trust(ready, root)
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else None
    request = Signed(ready, root, f"{files.url}/fw-2.5.1.bin", key)
    assert await request.send(7) == "Accepted"
    await install(ready)
    await until(lambda: "Installed" in told(ready, SIGNED))
    assert told(ready, SIGNED) == [
        "Downloading",
        "Downloaded",
        "SignatureVerified",
        "Installing",
        "InstallRebooting",
        "Installed",
    ]
    assert {payload["requestId"] for payload in ready.csms.payloads(SIGNED)} == {7}


async def test_signed_firmware_may_be_scheduled(
    ready: Bench, files: FileServer
) -> None:
    root = authority()
    await trust(ready, root)
    request = Signed(ready, root, f"{files.url}/fw-2.5.1.bin")
    request.firmware["retrieveDateTime"] = in_s(ready, 50)
    request.firmware["installDateTime"] = in_s(ready, 90)
    assert await request.send(7) == "Accepted"
    await pass_time(ready, 50)
    await pass_time(ready, 40)
    await until(lambda: "Installing" in told(ready, SIGNED))
    assert told(ready, SIGNED)[0] == "DownloadScheduled"
    assert told(ready, SIGNED)[-2:] == ["InstallScheduled", "Installing"]


async def test_a_certificate_that_no_root_vouches_for_is_refused(
    ready: Bench, files: FileServer
) -> None:
    root = authority()
    request = Signed(ready, root, f"{files.url}/fw-2.5.1.bin")
    assert await request.send(1) == "InvalidCertificate"
    await trust(ready, authority("Other"))
    assert await request.send(2) == "InvalidCertificate"
    events = ready.csms.security_events
    await until(lambda: events.count("InvalidFirmwareSigningCertificate") == 2)
    assert told(ready, SIGNED) == []


async def test_a_wrong_signature_is_found_out(ready: Bench, files: FileServer) -> None:
    root = authority()
    await trust(ready, root)
    files.held["/fw-2.5.1.bin"] = b"forged"
    assert await Signed(ready, root, f"{files.url}/fw-2.5.1.bin").send(3) == "Accepted"
    await until(lambda: "InvalidSignature" in told(ready, SIGNED))
    assert told(ready, SIGNED)[:2] == ["Downloading", "Downloaded"]
    await until(lambda: "InvalidFirmwareSignature" in ready.csms.security_events)
    await trigger(ready, SIGNED, "InvalidSignature", 3)


async def test_a_new_signed_update_cancels_the_one_under_way(
    ready: Bench, files: FileServer
) -> None:
    root = authority()
    await trust(ready, root)
    request = Signed(ready, root, f"{files.url}/fw-2.5.1.bin")
    request.firmware["retrieveDateTime"] = in_s(ready, 50)
    assert await request.send(1) == "Accepted"
    request.firmware["retrieveDateTime"] = in_s(ready, 0)
    assert await request.send(2) == "AcceptedCanceled"
    await until(lambda: "Installing" in told(ready, SIGNED))
    ids = [payload["requestId"] for payload in ready.csms.payloads(SIGNED)]
    assert ids == [1, 2, 2, 2, 2]


async def trigger(bench: Bench, action: str, status: str, request_id: int) -> None:
    bench.csms.forget()
    await bench.csms.call(
        "ExtendedTriggerMessage", {"requestedMessage": "FirmwareStatusNotification"}
    )
    await until(lambda: bench.csms.payloads(action))
    assert bench.csms.payloads(action) == [{"status": status, "requestId": request_id}]


async def test_a_trigger_tells_how_far_a_plain_update_is(
    ready: Bench, files: FileServer
) -> None:
    async def asked() -> str:
        ready.csms.forget()
        await ready.csms.call(
            "TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"}
        )
        await until(lambda: told(ready))
        return told(ready)[0]

    await update(ready, f"{files.url}/x-1.1.bin", retrieveDate=in_s(ready, 50))
    assert await asked() == "Idle"
    await ready.perform("start-session", id_tag="T")
    await update(ready, f"{files.url}/fw-2.5.1.bin")
    await until(lambda: "Downloaded" in told(ready))
    await until(lambda: ready.charger.connectors[1].is_blocked)
    assert await asked() == "Downloaded"  # it waits for the end of the transaction
    await ready.perform("stop-session")
    await until(lambda: "Installing" in told(ready))
    assert await asked() == "Installing"
