"""Diagnostics and logs that the CSMS asks for."""

from collections.abc import Iterator
from typing import Any

import pytest

from .csms import Bench, until
from .files import FileServer, ftp_server, http_server

DIAGNOSTICS, LOG = "DiagnosticsStatusNotification", "LogStatusNotification"


@pytest.fixture
def files() -> Iterator[FileServer]:
    with http_server() as server:
        yield server


@pytest.fixture
async def ready(bench: Bench) -> Bench:
    await bench.power_on()
    await until(lambda: "StartupOfTheDevice" in bench.csms.security_events)
    bench.csms.forget()
    return bench


def told(bench: Bench, action: str) -> list[str]:
    return [payload["status"] for payload in bench.csms.payloads(action)]


async def get_log(bench: Bench, url: str, request_id: int, **more: Any) -> Any:
    payload = {
        "logType": "SecurityLog",
        "requestId": request_id,
        "log": {"remoteLocation": url},
        **more,
    }
    return await bench.csms.call("GetLog", payload)


async def test_diagnostics_are_uploaded_as_the_file_that_was_named(
    ready: Bench, files: FileServer
) -> None:
    request = {"location": f"{files.url}/logs/"}
    name = (await ready.csms.call("GetDiagnostics", request))["fileName"]
    await until(lambda: told(ready, DIAGNOSTICS) == ["Uploading", "Uploaded"])
    assert name == "CP-1-diagnostics-20260101T000000Z.log"
    content = files.held[f"/logs/{name}"].decode()
    assert "firmware 1.0.0" in content
    assert "connector 1: Available" in content
    assert "AuthorizationKey" not in content
    assert files.taken == ["PUT"]


async def test_a_server_that_takes_forms_gets_one(
    ready: Bench, files: FileServer
) -> None:
    files.refuses["PUT"] = 405
    await ready.csms.call("GetDiagnostics", {"location": f"{files.url}/form"})
    await until(lambda: told(ready, DIAGNOSTICS) == ["Uploading", "Uploaded"])
    assert b'filename="CP-1-diagnostics-' in files.held["/form"]


async def test_a_login_in_the_location_is_used(ready: Bench, files: FileServer) -> None:
    url = files.url.replace("//", "//u:p@")
    await get_log(ready, url, 1)
    await until(lambda: told(ready, LOG) == ["Uploading", "Uploaded"])
    assert files.logins == ["Basic dTpw"]


async def test_the_security_log_tells_what_happened(ready: Bench) -> None:
    held: dict[str, bytes] = {}
    async with ftp_server(held) as url:
        answer = await get_log(ready, f"{url}/dir", 5)
        await until(lambda: told(ready, LOG) == ["Uploading", "Uploaded"])
    assert answer["status"] == "Accepted"
    assert b"StartupOfTheDevice" in held[f"dir/{answer['filename']}"]
    assert {payload["requestId"] for payload in ready.csms.payloads(LOG)} == {5}


@pytest.mark.parametrize(
    ("status", "told_as"),
    [(403, "PermissionDenied"), (400, "BadMessage"), (500, "UploadFailure")],
)
async def test_why_a_log_could_not_be_uploaded_is_told(
    ready: Bench, files: FileServer, status: int, told_as: str
) -> None:
    files.refuses["PUT"] = status
    await get_log(ready, files.url, 6)
    await until(lambda: told(ready, LOG) == ["Uploading", told_as])


async def test_a_failed_upload_is_tried_as_often_as_asked(
    ready: Bench, files: FileServer
) -> None:
    files.refuses["PUT"] = 500
    request = {"location": files.url, "retries": 1, "retryInterval": 9}
    await ready.csms.call("GetDiagnostics", request)
    await until(lambda: 9 in ready.clock.sleeps)
    await ready.csms.call(
        "TriggerMessage", {"requestedMessage": "DiagnosticsStatusNotification"}
    )
    await until(lambda: told(ready, DIAGNOSTICS) == ["Uploading", "Uploading"])
    await ready.clock.advance(9)
    await until(lambda: told(ready, DIAGNOSTICS)[2:] == ["UploadFailed"])
    assert files.requests == 2


async def test_a_new_log_request_cancels_the_upload_under_way(
    ready: Bench, files: FileServer
) -> None:
    files.refuses["PUT"] = 500
    await get_log(ready, files.url, 1, retries=2, retryInterval=9)
    await until(lambda: 9 in ready.clock.sleeps)
    del files.refuses["PUT"]
    assert (await get_log(ready, files.url, 2))["status"] == "AcceptedCanceled"
    await until(lambda: "Uploaded" in told(ready, LOG))
    ids = [payload["requestId"] for payload in ready.csms.payloads(LOG)]
    assert ids == [1, 2, 2]


async def test_where_there_is_no_log_of_a_time_no_file_is_named(
    ready: Bench, files: FileServer
) -> None:
    request = {"location": files.url, "startTime": "2030-01-01T00:00:00Z"}
    assert await ready.csms.call("GetDiagnostics", request) == {}
    log = {"remoteLocation": files.url, "oldestTimestamp": "2030-01-01T00:00:00Z"}
    assert await get_log(ready, files.url, 3, log=log) == {"status": "Rejected"}


async def test_an_upload_goes_on_after_a_restart(
    ready: Bench, files: FileServer
) -> None:
    files.refuses["PUT"] = 500
    await get_log(ready, files.url, 4, retries=2, retryInterval=9)
    await until(lambda: 9 in ready.clock.sleeps)
    await ready.charger.stop()
    del files.refuses["PUT"]
    await ready.power_on()
    await until(lambda: told(ready, LOG)[-1:] == ["Uploaded"])


async def test_without_an_upload_a_trigger_tells_idle(ready: Bench) -> None:
    await ready.csms.call(
        "ExtendedTriggerMessage", {"requestedMessage": "LogStatusNotification"}
    )
    await until(lambda: ready.csms.payloads(LOG) == [{"status": "Idle"}])


async def test_a_log_that_cannot_be_read_is_not_uploaded(
    ready: Bench, files: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(since: Any, until: Any) -> list[str]:
        raise OSError("the database is away")

    monkeypatch.setattr(ready.charger.uploads, "_read_log", read)
    await ready.csms.call("GetDiagnostics", {"location": files.url})
    await until(lambda: told(ready, DIAGNOSTICS) == ["Uploading", "UploadFailed"])
    assert ready.charger.uploads.current is None
