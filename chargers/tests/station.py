"""A charge point at the endpoint, in the test's own process."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import unquote

from channels.testing import WebsocketCommunicator
from django.db import connection

from chargers import requests
from chargers.choices import Origin
from chargers.models import Charger
from chargers.ocpp.versions import Version
from chargers.routing import websocket_urls

TIME = "2026-01-01T00:00:00Z"
BOOT = {"chargePointModel": "Model", "chargePointVendor": "Vendor"}
BOOT_V2 = {
    "chargingStation": {"model": "Model", "vendorName": "Vendor"},
    "reason": "PowerUp",
}


class Station(WebsocketCommunicator):
    """Sends CALLs one by one; the CSMS's own are kept, and answered when asked to."""

    def __init__(
        self,
        path: str,
        *,
        version: Version = Version.V16,
        password: str | bytes = "",
        extensions: dict[str, Any] | None = None,
        headers: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        headers = list(headers or ())
        if password:
            identity = path.rpartition("/")[2]
            if isinstance(password, str):
                password = password.encode()
            secret = base64.b64encode(unquote(identity).encode() + b":" + password)
            headers.append((b"authorization", b"Basic " + secret))
        super().__init__(
            websocket_urls, path, headers=headers, subprotocols=[version.value]
        )
        self.scope["extensions"] = {
            "websocket.http.response": {},
            **(extensions or {}),
        }
        self.asked: list[list[Any]] = []
        self.sent = 0

    async def dial(self) -> int:
        """101 when the connection is open, else the status it was refused with."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(5)
        if answer["type"] == "websocket.accept":
            return 101
        assert answer["type"] == "websocket.http.response.start"
        status: int = answer["status"]
        return status

    async def call(self, action: str, payload: dict[str, Any]) -> list[Any]:
        """The answer to a CALL, without its id."""
        self.sent += 1
        await self.send_to(text_data=json.dumps([2, str(self.sent), action, payload]))
        while True:
            frame = json.loads(await self.receive_from(10))
            if frame[0] == 2:
                self.asked.append(frame)
            elif frame[1] == str(self.sent):
                return [frame[0], *frame[2:]]

    async def dispatch_unanswered(self, action: str, payload: dict[str, Any]) -> None:
        """Send a CALL and do not wait for its answer."""
        self.sent += 1
        await self.send_to(text_data=json.dumps([2, str(self.sent), action, payload]))

    async def ok(self, action: str, payload: dict[str, Any]) -> Any:
        """The payload of the CALLRESULT that the CALL must have."""
        answer = await self.call(action, payload)
        assert answer[0] == 3, answer
        return answer[1]

    async def send(self, action: str, payload: dict[str, Any]) -> None:
        """A message that is not answered (2.1)."""
        self.sent += 1
        await self.send_to(text_data=json.dumps([6, str(self.sent), action, payload]))

    async def next_request(self) -> tuple[str, str, dict[str, Any]]:
        """Id, action and payload of the CSMS's next CALL."""
        frame = (
            self.asked.pop(0) if self.asked else json.loads(await self.receive_from(10))
        )
        assert frame[0] == 2, frame
        return frame[1], frame[2], frame[3]

    async def reply(self, message_id: str, payload: dict[str, Any]) -> None:
        await self.send_to(text_data=json.dumps([3, message_id, payload]))

    async def refuse(
        self, message_id: str, code: str, description: str, details: dict[str, Any]
    ) -> None:
        refusal = [4, message_id, code, description, details]
        await self.send_to(text_data=json.dumps(refusal))


@asynccontextmanager
async def connected(
    charger: Charger, *, boot: bool = True, **options: Any
) -> AsyncIterator[Station]:
    station = Station(path_of(charger), **options)
    assert await station.dial() == 101
    try:
        if boot:
            says = BOOT if options.get("version", Version.V16).is_v16 else BOOT_V2
            assert (await station.ok("BootNotification", says))["status"] == "Accepted"
        yield station
    finally:
        await station.disconnect()
        await asyncio.sleep(0)


@asynccontextmanager
async def connected_v2(
    charger: Charger, version: Version = Version.V201, *, boot: bool = True
) -> AsyncIterator[Station]:
    """A 2.x station; it says that it cannot report its device model."""
    async with connected(charger, boot=False, version=version) as station:
        if boot:
            verdict = await station.ok("BootNotification", BOOT_V2)
            assert verdict["status"] == "Accepted"
            message_id, action, _ = await station.next_request()
            assert action == "GetBaseReport"
            await station.reply(message_id, {"status": "NotSupported"})
            await charger.arefresh_from_db()
        yield station


def path_of(charger: Charger) -> str:
    return f"ocpp/{charger.organization.slug}/{charger.identity}"


async def update(charger: Charger, **fields: Any) -> None:
    await Charger.objects.filter(pk=charger.pk).aupdate(**fields)


async def ask(charger: Charger, action: str, payload: dict[str, Any]) -> Any:
    """As another process would, which has no event loop of its own."""
    asking = partial(
        requests.send_request,
        charger,
        action,
        payload,
        origin=Origin.CLI,
        asked_by="somebody",
    )
    return await in_thread(asking)


async def in_thread(function: Callable[[], Any]) -> Any:
    """Run a function in a thread, which keeps no database connection."""

    def run() -> Any:
        try:
            return function()
        finally:
            connection.close()

    return await asyncio.get_running_loop().run_in_executor(None, run)
