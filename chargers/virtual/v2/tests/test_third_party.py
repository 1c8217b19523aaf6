"""A 2.0.1 CSMS that is not ours, made with the ``ocpp`` package."""

import asyncio
from collections.abc import AsyncIterator, Callable
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
    """Takes whatever is valid by the package's own schemas, and remembers it."""

    def __init__(self, connection: ServerConnection) -> None:
        super().__init__("CP-1", connection)
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.refused: list[str] = []  # the CALLERRORs that the charger was sent

    def of(self, action: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.told if name == action]

    async def ask(self, request: Any) -> Any:
        return await self.call(request, suppress=False)

    async def _send(self, message: str) -> None:
        if message.startswith("[4,"):
            self.refused.append(message)
        await super()._send(message)


def _handler_of(action: str) -> Callable[..., Any]:
    def handle(csms: ThirdParty, **payload: Any) -> Any:
        csms.told.append((action, payload))
        answer: dict[str, Any] = {}
        match action:
            case "BootNotification":
                now = datetime.now(UTC).isoformat()
                answer = {"current_time": now, "interval": 300, "status": "Accepted"}
            case "Heartbeat":
                answer = {"current_time": datetime.now(UTC).isoformat()}
            case "Authorize":
                answer = {"id_token_info": {"status": "Accepted"}}
            case "DataTransfer":
                answer = {"status": "Accepted"}
        return getattr(call_result, action)(**answer)

    handle.__name__ = f"on_{action}"  # by which the package finds it
    return handle


for _action in (
    "Authorize",
    "BootNotification",
    "ClearedChargingLimit",
    "DataTransfer",
    "Heartbeat",
    "MeterValues",
    "NotifyChargingLimit",
    "NotifyEvent",
    "NotifyReport",
    "SecurityEventNotification",
    "StatusNotification",
    "TransactionEvent",
):
    setattr(ThirdParty, f"on_{_action}", on(_action)(_handler_of(_action)))


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
        assert not place.csms.refused


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


COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("configuration", {"configuration": {"TxCtrlr.TxStartPoint": "EVConnected"}}),
    ("plug-connector", {}),
    ("authorize-id-tag", {"id_tag": "TAG"}),
    ("start-transaction", {"id_tag": "TAG"}),
    ("ev-stops-energy", {}),
    ("ev-requests-energy", {}),
    ("power-update", {"power_w": 5000}),
    ("stop-transaction", {}),
    ("unlock-connector", {}),
    ("unplug-connector", {}),
    ("inject-fault", {"fault_type": "GroundFault"}),
    ("clear-fault", {}),
    ("local-auth-list", {"list_version": 1, "entries": [{"id_tag": "TAG"}]}),
    ("clear-local-auth-list", {}),
    ("cache/reset", {}),
    ("start-session", {"id_tag": "TAG"}),
    ("stop-session", {}),
    (
        "proxy-message",
        {
            "action": "data_transfer",
            "ocpp_version": "ocpp2.0.1",
            "payload": {"vendor_id": "x"},
        },
    ),
]


async def test_all_commands_are_taken(
    meeting: tuple[VirtualCharger, ThirdParty],
) -> None:
    charger, csms = meeting
    for command, event in COMMANDS:
        await charger.perform(command, event)
    events = csms.of("TransactionEvent")
    for transaction_id in {e["transaction_info"]["transaction_id"] for e in events}:
        own = [
            event["seq_no"]
            for event in events
            if event["transaction_info"]["transaction_id"] == transaction_id
        ]
        assert own == list(range(len(own)))
    assert csms.of("DataTransfer") == [{"vendor_id": "x"}]
    await until(lambda: csms.of("NotifyChargingLimit"))
    await until(lambda: len(csms.of("NotifyEvent")) == 2)
