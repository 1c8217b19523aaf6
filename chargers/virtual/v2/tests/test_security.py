"""Certificates, firmware, logs and the line of OCPP 2.x."""

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509

from ...firmware import INSTALL_TIME
from ...states import StopReason
from ...tests.csms import CSMS, Bench, until
from ...tests.files import FileServer, http_server
from ...tests.signing import authority, issue
from ...tests.test_credentials import server_tls
from ...tests.test_firmware import in_s, install, pass_time, told
from ...uplink import REBOOT_PAUSE
from .test_requests import status_of, trigger
from .test_variables import element, get, status_of_set


@pytest.fixture
def files() -> Iterator[FileServer]:
    with http_server() as server:
        server.held["/fw-2.5.1.bin"] = b"new firmware"
        yield server


async def install_certificate(bench: Bench, kind: str, pem: str) -> str:
    return await status_of(
        bench, "InstallCertificate", certificateType=kind, certificate=pem
    )


async def test_certificates_are_installed_listed_and_deleted(ready: Bench) -> None:
    async def ids(*kinds: str) -> Any:
        payload = {"certificateType": list(kinds)} if kinds else {}
        return await ready.csms.call("GetInstalledCertificateIds", payload)

    assert await ids() == {"status": "NotFound"}
    assert await install_certificate(ready, "CSMSRootCertificate", authority().pem) == (
        "Accepted"
    )
    assert await install_certificate(ready, "MORootCertificate", authority().pem) == (
        "Accepted"
    )
    assert await install_certificate(ready, "V2GRootCertificate", "nonsense") == (
        "Rejected"
    )
    both = await ids()
    assert [c["certificateType"] for c in both["certificateHashDataChain"]] == [
        "CSMSRootCertificate",
        "MORootCertificate",
    ]
    (one,) = (await ids("MORootCertificate"))["certificateHashDataChain"]
    hashed = one["certificateHashData"]
    (entries,) = await get(ready, element("SecurityCtrlr.CertificateEntries"))
    assert entries["attributeValue"] == "2"
    for status in ("Accepted", "NotFound"):
        assert await status_of(
            ready, "DeleteCertificate", certificateHashData=hashed
        ) == (status)


async def test_a_certificate_of_the_charger_is_asked_for_and_taken(
    ready: Bench,
) -> None:
    root = authority()
    await install_certificate(ready, "CSMSRootCertificate", root.pem)
    assert await trigger(ready, "SignChargingStationCertificate") == "Accepted"
    await until(lambda: ready.csms.payloads("SignCertificate"))
    (request,) = ready.csms.payloads("SignCertificate")
    assert request["certificateType"] == "ChargingStationCertificate"
    assert "BEGIN CERTIFICATE REQUEST" in request["csr"]
    assert await status_of(
        ready, "CertificateSigned", certificateChain=issue("CP-1", root).pem
    ) == ("Rejected")
    await until(
        lambda: "InvalidChargingStationCertificate" in ready.csms.security_events
    )


async def test_a_signing_request_is_repeated_until_it_is_answered(
    ready: Bench,
) -> None:
    def requests() -> list[Any]:
        return ready.csms.payloads("SignCertificate")

    ready.csms.answers["SignCertificate"] = {"status": "Accepted"}
    root = authority()
    await install_certificate(ready, "CSMSRootCertificate", root.pem)
    await trigger(ready, "SignChargingStationCertificate")
    for pause in (60, 120):
        await until(lambda pause=pause: pause in ready.clock.sleeps)
        await ready.clock.advance(pause)
    await until(lambda: len(requests()) == 3)
    request = x509.load_pem_x509_csr(requests()[-1]["csr"].encode())
    signed = issue("CP-1", root, public_key=request.public_key())
    answer = await status_of(ready, "CertificateSigned", certificateChain=signed.pem)
    assert answer == "Accepted"
    await ready.clock.advance(1000)
    assert len(requests()) == 3


async def test_firmware_goes_through_its_states(
    ready: Bench, files: FileServer
) -> None:
    assert await status_of(
        ready,
        "UpdateFirmware",
        requestId=9,
        firmware={
            "location": f"{files.url}/fw-2.5.1.bin",
            "retrieveDateTime": in_s(ready, 0),
        },
    ) == ("Accepted")
    await install(ready)
    await until(lambda: "Installed" in told(ready))
    assert told(ready) == [
        "Downloading",
        "Downloaded",
        "Installing",
        "InstallRebooting",
        "Installed",
    ]
    statuses = ready.csms.payloads("FirmwareStatusNotification")
    assert {status["requestId"] for status in statuses} == {9}
    (boot,) = ready.csms.payloads("BootNotification")
    assert boot["reason"] == "FirmwareUpdate"
    assert boot["chargingStation"]["firmwareVersion"] == "2.5.1"


async def test_firmware_waits_for_a_transaction_that_begins_as_another_ends(
    ready: Bench, files: FileServer
) -> None:
    await ready.perform("start-session", id_tag="TAG")
    await ready.perform("plug-connector", connector_id=2)
    firmware = {
        "location": f"{files.url}/fw-2.5.1.bin",
        "retrieveDateTime": in_s(ready, 0),
    }
    await status_of(ready, "UpdateFirmware", requestId=9, firmware=firmware)
    await until(lambda: told(ready)[-1:] == ["InstallScheduled"])
    await ready.clock.advance(0)
    first, second = ready.charger.outlets
    ready.charger.charging.end(first, StopReason.LOCAL)
    ready.charger.charging.start(second, "TAG")
    await ready.clock.advance(0)
    assert not second.is_blocked
    await ready.perform("stop-transaction")
    await until(lambda: told(ready)[-1] == "Installing")


async def test_firmware_of_an_unknown_signer_is_refused(ready: Bench) -> None:
    assert await status_of(
        ready,
        "UpdateFirmware",
        requestId=9,
        firmware={
            "location": "http://127.0.0.1:9/x",
            "retrieveDateTime": in_s(ready, 0),
            "signingCertificate": authority().pem,
            "signature": "AAAA",
        },
    ) == ("InvalidCertificate")
    await until(
        lambda: "InvalidFirmwareSigningCertificate" in ready.csms.security_events
    )


async def test_a_new_update_cancels_the_one_under_way(ready: Bench) -> None:
    firmware = {
        "location": "http://127.0.0.1:9/x",
        "retrieveDateTime": in_s(ready, 3600),
    }
    assert await status_of(ready, "UpdateFirmware", requestId=1, firmware=firmware) == (
        "Accepted"
    )
    await until(lambda: told(ready) == ["DownloadScheduled"])
    assert await trigger(ready, "FirmwareStatusNotification") == "Accepted"
    await until(lambda: len(told(ready)) == 2)
    assert told(ready)[1] == "DownloadScheduled"
    assert await status_of(ready, "UpdateFirmware", requestId=2, firmware=firmware) == (
        "AcceptedCanceled"
    )


async def test_sessions_may_begin_while_an_update_waits(
    ready: Bench, files: FileServer
) -> None:
    await ready.perform("start-session", id_tag="TAG", connector_id=1)
    firmware = {
        "location": f"{files.url}/fw-2.5.1.bin",
        "retrieveDateTime": in_s(ready, 0),
    }
    await status_of(ready, "UpdateFirmware", requestId=9, firmware=firmware)
    await until(lambda: told(ready)[-1:] == ["InstallScheduled"])
    await ready.perform("start-session", id_tag="TAG", connector_id=2)
    await ready.perform("stop-session", connector_id=1)
    await ready.perform("stop-session", connector_id=2)
    await install(ready)
    await until(lambda: "Installed" in told(ready))


async def test_a_log_is_uploaded(ready: Bench, files: FileServer) -> None:
    answer = await ready.csms.call(
        "GetLog",
        {
            "logType": "SecurityLog",
            "requestId": 4,
            "log": {"remoteLocation": f"{files.url}/logs/"},
        },
    )
    assert answer["status"] == "Accepted"
    await until(lambda: len(ready.csms.payloads("LogStatusNotification")) == 2)
    assert ready.csms.payloads("LogStatusNotification") == [
        {"status": "Uploading", "requestId": 4},
        {"status": "Uploaded", "requestId": 4},
    ]


async def test_a_new_log_cancels_the_upload_under_way(
    ready: Bench, files: FileServer
) -> None:
    async def get_log(request_id: int, **more: Any) -> str:
        return await status_of(
            ready,
            "GetLog",
            logType="DiagnosticsLog",
            requestId=request_id,
            log={"remoteLocation": more.pop("url", f"{files.url}/logs/")},
            **more,
        )

    await get_log(1, url="http://127.0.0.1:9/", retries=3, retryInterval=60)
    await until(lambda: 60 in ready.clock.sleeps)
    assert await get_log(2) == "AcceptedCanceled"
    await until(lambda: len(ready.csms.payloads("LogStatusNotification")) == 4)
    assert ready.csms.payloads("LogStatusNotification")[1] == {
        "status": "AcceptedCanceled",
        "requestId": 1,
    }


async def test_another_password_is_used_on_a_new_line(bench: Bench) -> None:
    await bench.power_on(password="first-password-of-it")
    bench.csms.forget()
    assert await status_of_set(
        bench, "SecurityCtrlr.BasicAuthPassword", "another-password-1"
    ) == ("Accepted")
    await until(lambda: len(bench.csms.headers) == 2)
    sent = [headers["Authorization"] for headers in bench.csms.headers]
    assert sent[0] != sent[1]
    await until(bench.charger.uplink.ready.is_set)
    assert "BootNotification" not in bench.csms.actions
    assert "another-password-1" not in str(bench.store.state["variables"])


def network_profile(url: str, **fields: Any) -> dict[str, Any]:
    return {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": url,
        "messageTimeout": 30,
        "securityProfile": 0,
        "ocppInterface": "Wired0",
        **fields,
    }


async def set_network(bench: Bench, slot: int, data: dict[str, Any]) -> str:
    return await status_of(
        bench, "SetNetworkProfile", configurationSlot=slot, connectionData=data
    )


async def test_a_charger_moves_to_another_csms(ready: Bench) -> None:
    other = CSMS(ready.clock, ready.version)
    await other.open()
    try:
        url = other.url.rpartition("/")[0]
        assert await set_network(ready, 9, network_profile(url)) == "Rejected"
        assert await set_network(ready, 2, network_profile("http://x")) == "Rejected"
        assert await status_of_set(
            ready, "OCPPCommCtrlr.NetworkConfigurationPriority", "2,1"
        ) == ("Rejected")
        assert await set_network(ready, 2, network_profile(url)) == "Accepted"
        assert await status_of_set(
            ready, "OCPPCommCtrlr.NetworkConfigurationPriority", "2,1"
        ) == ("RebootRequired")
        await status_of(ready, "Reset", type="Immediate")
        await pass_time(ready, REBOOT_PAUSE)
        await until(lambda: "BootNotification" in other.actions)
        await until(ready.charger.uplink.ready.is_set)
    finally:
        await other.close()
    await until(lambda: not ready.charger.is_online)
    ready.csms.forget()
    for _ in range(100):  # until the attempts of the profile are used up
        if ready.charger.uplink.ready.is_set():
            break
        await until(lambda: ready.clock._sleepers)
        await ready.clock.advance(5)
    assert ready.charger.is_online
    (active,) = await get(ready, element("OCPPCommCtrlr.ActiveNetworkProfile"))
    assert active["attributeValue"] == "1"


async def test_security_is_never_lowered(bench: Bench) -> None:
    await bench.power_on(password="0123456789abcdef")
    assert await set_network(bench, 2, network_profile("ws://x/ocpp")) == "Rejected"
    data = network_profile("wss://x/ocpp", securityProfile=2)
    assert await set_network(bench, 2, data) == "Accepted"
    priority = "OCPPCommCtrlr.NetworkConfigurationPriority"
    assert await status_of_set(bench, priority, "2") == "Rejected"  # needs a root
    root = authority()
    await install_certificate(bench, "CSMSRootCertificate", root.pem)
    assert await status_of_set(bench, priority, "2,1") == "RebootRequired"
    other = CSMS(bench.clock, bench.version)
    other.tls = server_tls(issue("127.0.0.1", root, address="127.0.0.1"))
    await other.open()
    try:
        url = other.url.replace("ws:", "wss:").rpartition("/")[0]
        await set_network(bench, 2, network_profile(url, securityProfile=2))
        await status_of(bench, "Reset", type="Immediate")
        await pass_time(bench, REBOOT_PAUSE)
        await until(lambda: "BootNotification" in other.actions)
        first, bench.csms = bench.csms, other
        # What is less secure is forgotten (A05.FR.06).
        (left,) = await get(bench, element(priority))
        assert left["attributeValue"] == "2"
        assert await status_of_set(bench, priority, "1") == "Rejected"
    finally:
        await bench.power_off()
        await other.close()
        bench.csms = first


async def test_it_takes_time_to_install(ready: Bench, files: FileServer) -> None:
    files.held["/empty"] = b""
    await ready.csms.call(
        "UpdateFirmware",
        {
            "requestId": 3,
            "firmware": {
                "location": f"{files.url}/empty",
                "retrieveDateTime": in_s(ready, 0),
            },
        },
    )
    await pass_time(ready, INSTALL_TIME)
    await until(lambda: told(ready)[-1:] == ["InstallationFailed"])
