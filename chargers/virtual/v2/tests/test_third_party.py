"""A 2.0.1 CSMS that is not ours, made with the ``ocpp`` package."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from ocpp.routing import on
from ocpp.v201 import ChargePoint, call, call_result
from websockets.asyncio.server import ServerConnection, serve

from chargers.ocpp.versions import Version

from ...charger import ChargerSpec, VirtualCharger
from ...clock import SystemClock
from ...tests.csms import MemoryStore, until

TOKEN = {"idToken": "TAG", "type": "ISO14443"}


class ThirdParty(ChargePoint):
    def __init__(self, connection: ServerConnection) -> None:
        super().__init__("CP-1", connection)
        self.told: list[tuple[str, dict[str, Any]]] = []

    def of(self, action: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.told if name == action]

    async def ask(self, request: Any) -> Any:
        return await self.call(request, suppress=False)

    @on("BootNotification")
    async def on_boot(self, **payload: Any) -> Any:
        now = datetime.now(UTC).isoformat()
        return call_result.BootNotification(now, 300, "Accepted")

    @on("StatusNotification")
    async def on_status(self, **payload: Any) -> Any:
        self.told.append(("StatusNotification", payload))
        return call_result.StatusNotification()

    @on("SecurityEventNotification")
    async def on_security_event(self, **payload: Any) -> Any:
        return call_result.SecurityEventNotification()

    @on("Authorize")
    async def on_authorize(self, **payload: Any) -> Any:
        self.told.append(("Authorize", payload))
        return call_result.Authorize({"status": "Accepted"})

    @on("TransactionEvent")
    async def on_event(self, **payload: Any) -> Any:
        self.told.append(("TransactionEvent", payload))
        return call_result.TransactionEvent()

    @on("NotifyReport")
    async def on_report(self, **payload: Any) -> Any:
        self.told.append(("NotifyReport", payload))
        return call_result.NotifyReport()


class Place:
    """Where the charger dials in, and who is there."""

    csms: ThirdParty | None = None

    async def serve(self, connection: ServerConnection) -> None:
        self.csms = ThirdParty(connection)
        await self.csms.start()


@pytest.fixture
async def meeting() -> AsyncIterator[tuple[VirtualCharger, ThirdParty]]:
    place = Place()
    async with serve(place.serve, "127.0.0.1", 0, subprotocols=["ocpp2.0.1"]) as server:  # type: ignore[list-item]
        port = server.sockets[0].getsockname()[1]
        charger = VirtualCharger(
            ChargerSpec("CP-1", f"ws://127.0.0.1:{port}/CP-1", Version.V201),
            state={},
            store=MemoryStore(),
            clock=SystemClock(),
            on_frame=lambda **frame: None,
            on_link=lambda is_up, reason: None,
        )
        running = asyncio.create_task(charger.run())
        await until(charger.uplink.ready.is_set)
        assert place.csms is not None
        yield charger, place.csms
        await charger.stop()
        await running


async def test_a_session_started_and_stopped_from_remote(
    meeting: tuple[VirtualCharger, ThirdParty],
) -> None:
    charger, csms = meeting
    await charger.perform("plug-connector", {})
    started = await csms.ask(
        call.RequestStartTransaction(id_token=TOKEN, remote_start_id=3, evse_id=1)
    )
    assert started.status == "Accepted"
    await until(lambda: len(csms.of("TransactionEvent")) == 2)
    first = csms.of("TransactionEvent")[0]
    assert (first["event_type"], first["trigger_reason"]) == ("Started", "RemoteStart")
    transaction_id = first["transaction_info"]["transaction_id"]
    stopped = await csms.ask(call.RequestStopTransaction(transaction_id=transaction_id))
    assert stopped.status == "Accepted"
    await until(lambda: len(csms.of("TransactionEvent")) == 3)
    last = csms.of("TransactionEvent")[-1]
    assert last["transaction_info"]["stopped_reason"] == "Remote"
    assert [event["seq_no"] for event in csms.of("TransactionEvent")] == [0, 1, 2]


async def test_a_session_of_an_operator(
    meeting: tuple[VirtualCharger, ThirdParty],
) -> None:
    charger, csms = meeting
    await charger.perform("start-session", {"id_tag": "TAG"})
    result = await charger.perform("stop-session", {})
    assert result["status"] == "Available"
    assert csms.of("Authorize") == [
        {"id_token": {"id_token": "TAG", "type": "ISO14443"}}
    ]
    assert [event["event_type"] for event in csms.of("TransactionEvent")] == [
        "Started",
        "Updated",
        "Ended",
    ]


async def test_the_device_model_is_read_and_changed(
    meeting: tuple[VirtualCharger, ThirdParty],
) -> None:
    _, csms = meeting
    variable = {
        "component": {"name": "TxCtrlr"},
        "variable": {"name": "EVConnectionTimeOut"},
    }
    changed = await csms.ask(
        call.SetVariables(set_variable_data=[{**variable, "attributeValue": "20"}])
    )
    assert changed.set_variable_result[0]["attribute_status"] == "Accepted"
    read = await csms.ask(call.GetVariables(get_variable_data=[variable]))
    assert read.get_variable_result[0]["attribute_value"] == "20"
    await csms.ask(call.GetBaseReport(request_id=1, report_base="FullInventory"))
    await until(lambda: (parts := csms.of("NotifyReport")) and not parts[-1].get("tbc"))
    assert sum(len(part["report_data"]) for part in csms.of("NotifyReport")) > 100
