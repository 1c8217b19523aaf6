"""A charge point that is not ours: the ``ocpp`` package's, against the real endpoint."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import ocpp.messages
import pytest
import websockets
from asgiref.sync import sync_to_async
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from websockets.asyncio.client import ClientConnection, connect

from tests.portal import Portal

pytestmark = pytest.mark.portal

PASSWORD = "a-password-of-16"
ocpp.messages.ASYNC_VALIDATION = False


class ThirdParty(ChargePoint):
    """Accepts what it is asked, and remembers it."""

    def __init__(self, connection: ClientConnection) -> None:
        super().__init__("third-party", connection)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    @on("RemoteStartTransaction")
    async def on_remote_start(self, **payload: Any) -> Any:
        self.asked.append(("RemoteStartTransaction", payload))
        return call_result.RemoteStartTransaction(status="Accepted")

    @on("RemoteStopTransaction")
    async def on_remote_stop(self, **payload: Any) -> Any:
        self.asked.append(("RemoteStopTransaction", payload))
        return call_result.RemoteStopTransaction(status="Accepted")

    @on("UnlockConnector")
    async def on_unlock(self, **payload: Any) -> Any:
        self.asked.append(("UnlockConnector", payload))
        return call_result.UnlockConnector(status="UnlockFailed")

    @on("SetChargingProfile")
    async def on_charging_profile(self, **payload: Any) -> Any:
        self.asked.append(("SetChargingProfile", payload))
        return call_result.SetChargingProfile(status="Accepted")

    async def tell(self, message: Any) -> Any:
        return await self.call(message, suppress=False)


@pytest.fixture(scope="module")
def charger(portal: Portal) -> tuple[str, str]:
    """Identity and id of a physical charger with two connectors."""
    identity = "THIRD-PARTY-1"
    charger_id = portal.manage(
        *("addcharger", identity, "--organization", "demo", "--physical"),
        *("--password", PASSWORD, "--connectors", "2"),
    ).strip()
    return identity, charger_id


def url_of(portal: Portal, identity: str) -> str:
    return f"{portal.ws_url}/demo/{identity}"


def basic(identity: str, password: str = PASSWORD) -> dict[str, str]:
    secret = base64.b64encode(f"{identity}:{password}".encode()).decode()
    return {"Authorization": f"Basic {secret}"}


@asynccontextmanager
async def connected(
    portal: Portal, identity: str, **options: Any
) -> AsyncIterator[ClientConnection]:
    options = {
        "subprotocols": ["ocpp1.6"],
        "additional_headers": basic(identity),
        **options,
    }
    async with connect(url_of(portal, identity), **options) as connection:
        yield connection


def now() -> str:
    return datetime.now(UTC).isoformat()


async def send(portal: Portal, command: str, *arguments: str) -> dict[str, Any]:
    """``manage.py send … --wait --json``, while the charge point goes on talking."""
    text = await sync_to_async(portal.manage)(
        "send", command, *arguments, "--wait", "30", "--json", check=False
    )
    answer: dict[str, Any] = json.loads(text)
    return answer


async def boot(connection: ClientConnection) -> None:
    payload = {"chargePointVendor": "V", "chargePointModel": "M"}
    await connection.send(json.dumps([2, "boot", "BootNotification", payload]))
    assert json.loads(await connection.recv())[:2] == [3, "boot"]


async def status_of(identity: str, portal: Portal, options: dict[str, Any]) -> int:
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with connected(portal, identity, **options):
            pass
    return caught.value.response.status_code


async def test_strangers_are_refused_with_the_right_status(
    portal: Portal, charger: tuple[str, str]
) -> None:
    identity, _ = charger
    assert await status_of("NOBODY", portal, {}) == 404
    wrong = {"additional_headers": basic(identity, "wrong")}
    assert await status_of(identity, portal, wrong) == 401
    assert await status_of(identity, portal, {"additional_headers": {}}) == 401


async def test_without_a_common_subprotocol_the_connection_ends_at_once(
    portal: Portal, charger: tuple[str, str]
) -> None:
    async with connected(portal, charger[0], subprotocols=["ocpp9"]) as connection:
        assert connection.subprotocol is None
        with pytest.raises(websockets.ConnectionClosed):
            await connection.recv()


async def test_a_session_from_boot_to_stop(
    portal: Portal, charger: tuple[str, str]
) -> None:
    identity, charger_id = charger
    async with connected(portal, identity) as connection:
        station = ThirdParty(connection)
        listening = asyncio.create_task(station.start())
        boot = await station.tell(call.BootNotification("Model", "Vendor"))
        assert (boot.status, boot.interval) == ("Accepted", 300)
        for number in range(3):
            await station.tell(call.StatusNotification(number, "NoError", "Available"))
        verdict = await station.tell(call.Authorize("tag-rfid-001"))
        assert verdict.id_tag_info["status"] == "Accepted"

        answer = await send(
            *(portal, "start-transaction", "--charger-id", charger_id),
            *("--id-tag", "TAG-RFID-001", "--connector-id", "1"),
        )
        assert answer["queued_count"] == 1
        assert station.asked[-1] == (
            "RemoteStartTransaction",
            {"connector_id": 1, "id_tag": "TAG-RFID-001"},
        )
        begun = await station.tell(
            call.StartTransaction(1, "TAG-RFID-001", 1000, now())
        )
        assert begun.id_tag_info["status"] == "Accepted"
        second = await station.tell(
            call.StartTransaction(2, "TAG-RFID-001", 1000, now())
        )
        assert second.id_tag_info["status"] == "ConcurrentTx"

        await send(
            *(portal, "power-update", "--charger-id", charger_id),
            *("--power-w", "7000", "--connector-id", "1"),
        )
        action, payload = station.asked[-1]
        assert action == "SetChargingProfile"
        profile = payload["cs_charging_profiles"]
        assert profile["transaction_id"] == begun.transaction_id
        assert profile["charging_schedule"] == {
            "charging_rate_unit": "W",
            "charging_schedule_period": [{"start_period": 0, "limit": 7000}],
        }

        await send(
            *(portal, "unlock-connector", "--charger-id", charger_id),
            *("--connector-id", "2"),
        )
        assert station.asked[-1] == ("UnlockConnector", {"connector_id": 2})

        await send(portal, "stop-transaction", "--charger-id", charger_id)
        assert station.asked[-1] == (
            "RemoteStopTransaction",
            {"transaction_id": begun.transaction_id},
        )
        sampled = [{"value": "2000"}]
        await station.tell(
            call.MeterValues(
                1,
                [{"timestamp": now(), "sampledValue": sampled}],
                begun.transaction_id,
            )
        )
        for row in (begun, second):
            await station.tell(call.StopTransaction(3000, now(), row.transaction_id))
        listening.cancel()


async def test_rubbish_does_not_end_the_connection(
    portal: Portal, charger: tuple[str, str]
) -> None:
    async with connected(portal, charger[0]) as connection:
        await boot(connection)
        for rubbish in ("hello", "[]", "[2]", b"\xff\x00", "[7, 8, 9]", "[3, 4]"):
            await connection.send(rubbish)
        await connection.send('[2, "1", "Nonsense", {}]')
        assert json.loads(await connection.recv())[:3] == [4, "1", "NotImplemented"]
        await connection.send('[2, "2", "StartTransaction", {}]')
        answer = json.loads(await connection.recv())
        assert answer[:3] == [4, "2", "OccurenceConstraintViolation"]
        await connection.send('[2, "3", "Heartbeat", {}]')
        assert json.loads(await connection.recv())[0] == 3


async def test_a_second_connection_replaces_the_first(
    portal: Portal, charger: tuple[str, str]
) -> None:
    async with (
        connected(portal, charger[0]) as first,
        connected(portal, charger[0]) as second,
    ):
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(first.recv(), 10)
        await boot(second)


async def test_an_operator_can_send_any_request_from_the_shell(
    portal: Portal, charger: tuple[str, str]
) -> None:
    async with connected(portal, charger[0]) as connection:
        station = ThirdParty(connection)
        listening = asyncio.create_task(station.start())
        await station.tell(call.BootNotification("Model", "Vendor"))
        answer = await sync_to_async(portal.manage)(
            "request", charger[0], "UnlockConnector", '{"connectorId": 1}'
        )
        assert json.loads(answer) == {"status": "UnlockFailed"}
        assert station.asked == [("UnlockConnector", {"connector_id": 1})]
        for action, payload in (
            ("UnlockConnector", "{}"),
            ("Heartbeat", "{}"),
            ("UnlockConnector", "["),
        ):
            text = await sync_to_async(portal.manage)(
                "request", charger[0], action, payload, check=False
            )
            assert text == ""
        assert len(station.asked) == 1
        listening.cancel()
