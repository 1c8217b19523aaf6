"""A 2.0.1 station that is not ours: the ``ocpp`` package's, against the real endpoint;
and its CSMS, which one of our chargers dials.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from ocpp.routing import after, on
from ocpp.v201 import ChargePoint, call, call_result
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import serve

from chargers.virtual.tests.csms import until
from chargers.virtual.v2.tests.test_third_party import Place
from tests.portal import Portal
from tests.test_third_party import PASSWORD, basic, now, send, url_of

pytestmark = pytest.mark.portal

TOKEN = {"idToken": "TAG-RFID-001", "type": "ISO14443"}
VARIABLES = {
    "OCPPCommCtrlr": {"HeartbeatInterval": "300"},
    "DeviceDataCtrlr": {"ItemsPerMessage": "10"},
}


class ThirdParty(ChargePoint):
    """One EVSE: it starts and stops when it is asked to, and remembers the rest."""

    def __init__(self, connection: ClientConnection) -> None:
        super().__init__("third-party", connection)
        self.asked: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self.seq_no = 0

    async def tell(self, message: Any) -> Any:
        return await self.call(message, suppress=False)

    async def next(self) -> tuple[str, dict[str, Any]]:
        return await asyncio.wait_for(self.asked.get(), 20)

    async def tell_event(self, kind: str, trigger: str, **more: Any) -> Any:
        event = call.TransactionEvent(
            event_type=kind,
            timestamp=now(),
            trigger_reason=trigger,
            seq_no=self.seq_no,
            transaction_info={"transactionId": "their-own-id", **more.pop("info", {})},
            **more,
        )
        self.seq_no += 1
        return await self.tell(event)

    @on("GetBaseReport")
    async def on_base_report(self, **payload: Any) -> Any:
        return call_result.GetBaseReport(status="Accepted")

    @after("GetBaseReport")
    async def after_base_report(self, request_id: int, **payload: Any) -> None:
        parts = list(VARIABLES.items())
        for number, (component, variables) in enumerate(parts):
            data = [
                {
                    "component": {"name": component},
                    "variable": {"name": name},
                    "variableAttribute": [{"value": value}],
                    "variableCharacteristics": {
                        "dataType": "integer",
                        "supportsMonitoring": False,
                    },
                }
                for name, value in variables.items()
            ]
            await self.tell(
                call.NotifyReport(
                    request_id=request_id,
                    generated_at=now(),
                    seq_no=number,
                    report_data=data,
                    tbc=number + 1 < len(parts),
                )
            )
        self.asked.put_nowait(("GetBaseReport", payload))

    @on("SetVariables")
    async def on_set_variables(self, set_variable_data: Any, **payload: Any) -> Any:
        results = [
            {
                "attributeStatus": "Accepted",
                "component": data["component"],
                "variable": data["variable"],
            }
            for data in set_variable_data
        ]
        self.asked.put_nowait(("SetVariables", set_variable_data))
        return call_result.SetVariables(set_variable_result=results)

    @on("RequestStartTransaction")
    async def on_remote_start(self, **payload: Any) -> Any:
        self.asked.put_nowait(("RequestStartTransaction", payload))
        return call_result.RequestStartTransaction(status="Accepted")

    @on("RequestStopTransaction")
    async def on_remote_stop(self, **payload: Any) -> Any:
        self.asked.put_nowait(("RequestStopTransaction", payload))
        return call_result.RequestStopTransaction(status="Accepted")

    @on("SetChargingProfile")
    async def on_charging_profile(self, **payload: Any) -> Any:
        self.asked.put_nowait(("SetChargingProfile", payload))
        return call_result.SetChargingProfile(status="Accepted")


@pytest.fixture(scope="module")
def charger(portal: Portal) -> tuple[str, str]:
    """Identity and id of a physical charger."""
    identity = "THIRD-PARTY-2"
    charger_id = portal.manage(
        *("addcharger", identity, "--organization", "demo", "--physical"),
        *("--password", PASSWORD),
    ).strip()
    return identity, charger_id


@contextlib.asynccontextmanager
async def connected(portal: Portal, identity: str) -> AsyncIterator[ThirdParty]:
    async with connect(
        url_of(portal, identity),
        subprotocols=["ocpp2.0.1"],  # type: ignore[list-item]
        additional_headers=basic(identity),
    ) as connection:
        station = ThirdParty(connection)
        listening = asyncio.create_task(station.start())
        try:
            yield station
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening


def metered(wh: float, context: str) -> list[dict[str, Any]]:
    sampled = {"value": wh / 1000, "context": context}
    sampled["unitOfMeasure"] = {"unit": "kWh"}
    return [{"timestamp": now(), "sampledValue": [sampled]}]


async def test_a_session_from_boot_to_stop(
    portal: Portal, charger: tuple[str, str]
) -> None:
    identity, charger_id = charger
    target = ("--charger-id", charger_id)
    async with connected(portal, identity) as station:
        boot = await station.tell(
            call.BootNotification({"model": "M", "vendorName": "V"}, "PowerUp")
        )
        assert boot.status == "Accepted"
        assert (await station.next())[0] == "GetBaseReport"
        await station.tell(call.StatusNotification(now(), "Available", 1, 1))
        verdict = await station.tell(call.Authorize(TOKEN))
        assert verdict.id_token_info == {"status": "Accepted"}

        answer = await send(
            *(portal, "configuration", *target),
            *("--configuration", json.dumps({"HeartbeatInterval": "60"})),
        )
        assert answer["results"][0]["command"]["id"]
        action, [data] = await station.next()  # type: ignore[misc]
        assert action == "SetVariables"
        assert data["attribute_value"] == "60"

        await send(
            *(portal, "start-transaction", *target),
            *("--id-tag", "TAG-RFID-001", "--connector-id", "1"),
        )
        action, asked = await station.next()
        assert action == "RequestStartTransaction"
        assert asked["evse_id"] == 1
        assert asked["id_token"] == {"id_token": "TAG-RFID-001", "type": "ISO14443"}
        begun = await station.tell_event(
            *("Started", "RemoteStart"),
            evse={"id": 1, "connectorId": 1},
            id_token=TOKEN,
            meter_value=metered(1000, "Transaction.Begin"),
            info={"remoteStartId": asked["remote_start_id"]},
        )
        assert begun.id_token_info == {"status": "Accepted"}

        await send(portal, "power-update", *target, "--power-w", "7000")
        action, asked = await station.next()
        assert action == "SetChargingProfile"
        assert asked["charging_profile"]["transaction_id"] == "their-own-id"
        await station.tell_event(
            *("Updated", "ChargingStateChanged"),
            info={"chargingState": "Charging"},
            meter_value=metered(2000, "Sample.Periodic"),
        )

        await send(portal, "stop-transaction", *target)
        assert await station.next() == (
            "RequestStopTransaction",
            {"transaction_id": "their-own-id"},
        )
        await station.tell_event(
            *("Ended", "RemoteStop"),
            meter_value=metered(3500, "Transaction.End"),
            info={"stoppedReason": "Remote"},
        )
        await station.tell(call.Heartbeat())


async def test_an_operator_can_send_any_request_from_the_shell(
    portal: Portal, charger: tuple[str, str]
) -> None:
    async with connected(portal, charger[0]) as station:
        await station.tell(call.Heartbeat())
        payload = {"requestId": 5, "reportBase": "ConfigurationInventory"}
        answer = await sync_to_async(portal.manage)(
            "request", charger[0], "GetBaseReport", json.dumps(payload)
        )
        assert json.loads(answer) == {"status": "Accepted"}
        assert (await station.next())[0] == "GetBaseReport"


async def test_our_charger_serves_a_csms_that_is_not_ours(portal: Portal) -> None:
    place = Place()
    async with serve(place.serve, "127.0.0.1", 0, subprotocols=["ocpp2.0.1"]) as server:  # type: ignore[list-item]
        port = server.sockets[0].getsockname()[1]
        await sync_to_async(portal.manage)("organization", "strangers")
        charger_id = await sync_to_async(portal.manage)(
            *("addcharger", "OURS-2", "--organization", "strangers"),
            *("--ws-url", f"ws://127.0.0.1:{port}/OURS-2"),
            *("--ocpp-version", "OCPP2.0.1"),
        )
        session = ("start-session", "--charger-id", charger_id.strip())
        answer = await send(portal, *session, "--id-tag", "TAG")
        while answer["failed"]:  # until its boot is known
            assert "not connected" in answer["failed"][0]["error"]
            answer = await send(portal, *session, "--id-tag", "TAG")
        (command,) = answer["results"]
        assert command["status"] == "applied"
        csms = place.csms
        assert csms is not None
        stop = call.RequestStopTransaction(command["result"]["transaction_id"])
        assert (await csms.ask(stop)).status == "Accepted"
        await until(lambda: len(csms.of("TransactionEvent")) == 3)
        told = csms.of("TransactionEvent")
        assert [(event["event_type"], event["seq_no"]) for event in told] == [
            *(("Started", 0), ("Updated", 1), ("Ended", 2)),
        ]
        assert not csms.refused
