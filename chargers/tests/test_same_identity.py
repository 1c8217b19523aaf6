"""Two organizations have a charger of the same identity: nothing of them is mixed up."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from chargers import consumers
from chargers.choices import ChargerKind
from chargers.models import (
    Charger,
    Connector,
    IdTag,
    Message,
    OperatorRequest,
    Transaction,
    Variable,
)
from chargers.ocpp.versions import Version
from chargers.tests.station import TIME, Station, ask, connected, connected_v2
from ocpplab.models import Organization
from tests.fixtures import create_charger

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("web_process"),
]


@pytest.fixture
def pair(
    physical_charger: Charger, other_organization: Organization
) -> tuple[Charger, Charger]:
    other = create_charger(
        organization=other_organization,
        identity=physical_charger.identity,
        kind=ChargerKind.PHYSICAL,
    )
    return physical_charger, other


async def told(charger: Charger) -> dict[str, Any]:
    """What is known of a charger: by what, how often or what."""
    holder = await consumers.web_holder()
    await holder.flush()
    of_it: Any = {"charger": charger}
    messages = Message.objects.filter(**of_it, message_type=2)
    status = await Connector.objects.aget(**of_it, evse_id=1)
    return {
        "values": [row.value async for row in Variable.objects.filter(**of_it)],
        "status": status.status,
        "transactions": [
            (t.transaction_id, t.id_tag, t.stopped_at is not None)
            async for t in Transaction.objects.filter(**of_it)
        ],
        "requests": [r.action async for r in OperatorRequest.objects.filter(**of_it)],
        "messages": sorted([m.action async for m in messages]),
    }


async def test_stations_of_2x_with_the_same_ids(pair: tuple[Charger, Charger]) -> None:
    ours, theirs = pair
    await IdTag.objects.acreate(organization_id=ours.organization_id, id_tag="TAG-1")
    component, variable = {"name": "OCPPCommCtrlr"}, {"name": "HeartbeatInterval"}
    named = {"component": component, "variable": variable}

    async def speak(station: Station, value: str, status: str, kinds: str) -> Any:
        attribute = [{"value": value}]
        await station.ok(
            "NotifyReport",
            {
                "requestId": 1,
                "generatedAt": TIME,
                "seqNo": 0,
                "reportData": [{**named, "variableAttribute": attribute}],
            },
        )
        connector = {"evseId": 1, "connectorId": 1, "connectorStatus": status}
        await station.ok("StatusNotification", {"timestamp": TIME, **connector})
        for seq_no, kind in enumerate(kinds.split()):
            await station.ok(
                "TransactionEvent",
                {
                    "eventType": kind,
                    "triggerReason": "Trigger",
                    "seqNo": seq_no,
                    "timestamp": TIME,
                    "transactionInfo": {"transactionId": "T-1"},
                    "idToken": {"idToken": value, "type": "Central"},
                    "evse": {"id": 1, "connectorId": 1},
                },
            )
        token = {"idToken": "TAG-1", "type": "ISO14443"}
        verdict = await station.ok("Authorize", {"idToken": token})
        return verdict["idTokenInfo"]["status"]

    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(connected_v2(ours))
        there = await stack.enter_async_context(connected_v2(theirs))
        assert await asyncio.gather(
            speak(here, "1", "Occupied", "Started"),
            speak(there, "2", "Faulted", "Started Ended"),
        ) == ["Accepted", "Unknown"]
        read = {"getVariableData": [named]}
        asking = asyncio.create_task(ask(theirs, "GetVariables", read))
        message_id, _, _ = await there.next_request()
        result = {**named, "attributeStatus": "Accepted", "attributeValue": "3"}
        await there.reply(message_id, {"getVariableResult": [result]})
        await asking
        assert await here.receive_nothing(0.05)
    said = ["Authorize", "BootNotification", "GetBaseReport", "NotifyReport"]
    assert await told(ours) == {
        "values": ["1"],
        "status": "Occupied",
        "transactions": [("T-1", "1", False)],
        "requests": [],
        "messages": sorted([*said, "StatusNotification", "TransactionEvent"]),
    }
    assert await told(theirs) == {
        "values": ["3"],
        "status": "Faulted",
        "transactions": [("T-1", "2", True)],
        "requests": ["GetVariables"],
        "messages": sorted(
            [*said, "GetVariables", "StatusNotification", *["TransactionEvent"] * 2]
        ),
    }


async def test_a_16_charger_cannot_end_a_transaction_of_its_namesake(
    pair: tuple[Charger, Charger],
) -> None:
    ours, theirs = pair
    async with AsyncExitStack() as stack:
        here, there = [
            await stack.enter_async_context(connected(charger, version=Version.V16))
            for charger in pair
        ]
        start = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": TIME}
        begun = await here.ok("StartTransaction", start)
        stop = {"transactionId": begun["transactionId"], "meterStop": 5}
        await there.ok("StopTransaction", {**stop, "timestamp": TIME})
        reading = [{"timestamp": TIME, "sampledValue": [{"value": "3"}]}]
        await there.ok(
            "MeterValues",
            {
                "connectorId": 1,
                "transactionId": begun["transactionId"],
                "meterValue": reading,
            },
        )
        running = await Transaction.objects.aget(charger=ours)
        assert running.stopped_at is None
        assert await running.meter_values.acount() == 0
        assert (await told(theirs))["messages"] == [
            *("BootNotification", "MeterValues", "StopTransaction")
        ]
