"""Requests with more items than a charger takes in one message."""

import asyncio
import json
from typing import Any

import pytest
from django.utils import timezone

from chargers.csms.portions import Portions
from chargers.models import Charger, Variable
from chargers.ocpp.schemas import validate_request
from chargers.ocpp.versions import Version
from chargers.services import device_model
from chargers.tests.station import ask, connected_v2

pytestmark = pytest.mark.django_db(transaction=True)

RESULTS = {
    "ClearVariableMonitoring": ("id", "clearMonitoringResult"),
    "GetVariables": ("getVariableData", "getVariableResult"),
    "SetVariableMonitoring": ("setMonitoringData", "setMonitoringResult"),
    "SetVariables": ("setVariableData", "setVariableResult"),
}


class Link:
    """Answers each item of a request with the item itself."""

    def __init__(self, version: Version = Version.V201, **settings: str) -> None:
        self.version = version
        self.settings = settings  # of 1.6
        self.asked: list[dict[str, Any]] = []
        self.refused = False
        self.statuses: list[str] = []

    async def send(
        self, charger: Charger, action: str, payload: dict[str, Any]
    ) -> dict[str, Any]:
        return await Portions(self.call, charger, self.version).send(action, payload)

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        validate_request(self.version, action, payload)
        self.asked.append(payload)
        if action == "GetConfiguration":
            return self.told(payload["key"])
        if self.statuses:
            return {"status": self.statuses.pop(0)}
        if action == "SendLocalList":
            return {"status": "Failed" if self.refused else "Accepted"}
        items, results = RESULTS[action]
        return {results: payload[items]}

    def told(self, keys: list[str]) -> dict[str, Any]:
        known = [
            {"key": key, "value": self.settings[key], "readonly": True}
            for key in keys
            if key in self.settings
        ]
        unknown = [key for key in keys if key not in self.settings]
        return {"configurationKey": known} | (
            {"unknownKey": unknown} if unknown else {}
        )


async def limit(charger: Charger, component: str, instance: str, **limits: int) -> None:
    for name, value in limits.items():
        await Variable.objects.acreate(
            charger=charger,
            component=component,
            name=f"{name.title()}PerMessage",
            instance=instance,
            value=str(value),
            updated_at=timezone.now(),
        )


def item(action: str, number: int) -> Any:
    if action == "ClearVariableMonitoring":
        return number
    named = {"component": {"name": "A"}, "variable": {"name": f"é{number}"}}
    more: dict[str, Any] = {
        "SetVariables": {"attributeValue": "1"},
        "SetVariableMonitoring": {"type": "Delta", "value": 1, "severity": 8},
    }
    return {**named, **more.get(action, {})}


@pytest.mark.parametrize("action", RESULTS)
async def test_a_message_has_no_more_items_than_the_charger_takes(
    action: str, physical_charger: Charger
) -> None:
    name, results = RESULTS[action]
    items = [item(action, number) for number in range(5)]
    link = Link()
    answer = await link.send(physical_charger, action, {name: items})
    assert (answer, link.asked) == ({results: items}, [{name: items}])

    component = "MonitoringCtrlr" if "Monitoring" in action else "DeviceDataCtrlr"
    await limit(physical_charger, component, action, items=4)
    link = Link()
    answer = await link.send(physical_charger, action, {name: items})
    assert answer == {results: items}
    assert link.asked == [{name: items[:4]}, {name: items[4:]}]


async def test_a_message_has_no_more_bytes_than_the_charger_takes(
    physical_charger: Charger,
) -> None:
    items = [item("SetVariables", number) for number in range(7)]
    await limit(physical_charger, "devicedatactrlr", "SetVariables", bytes=300, items=5)
    link = Link()
    payload = {"setVariableData": items}
    await link.send(physical_charger, "SetVariables", payload)
    sizes = []
    for asked in link.asked:
        text = json.dumps([2, "x" * 36, "SetVariables", asked], ensure_ascii=False)
        sizes.append(len(text.replace(", ", ",").replace(": ", ":").encode()))
    assert max(sizes) <= 300
    assert len(link.asked) == 4
    assert [one for asked in link.asked for one in asked["setVariableData"]] == items


def test_limits_that_are_no_numbers_are_none(physical_charger: Charger) -> None:
    for name, value in (("ItemsPerMessage", "many"), ("BytesPerMessage", "0")):
        Variable.objects.create(
            charger=physical_charger,
            component="DeviceDataCtrlr",
            name=name,
            instance="GetVariables",
            value=value,
            updated_at=timezone.now(),
        )
    found = device_model.message_limits(
        physical_charger, "DeviceDataCtrlr", "GetVariables"
    )
    assert found == device_model.MessageLimits()


@pytest.mark.parametrize(
    ("kind", "version", "sent"),
    [
        ("Full", 7, [("Full", 5), ("Differential", 6), ("Differential", 7)]),
        ("Full", 1, [("Full", 1), ("Differential", 2), ("Differential", 3)]),
        ("Differential", 7, [("Differential", number) for number in (7, 8, 9)]),
    ],
)
async def test_a_long_local_list_is_added_to(
    kind: str, version: int, sent: list[Any], physical_charger: Charger
) -> None:
    """Each message has a version higher than the one before (D01.FR.15, D01.FR.19)."""
    await limit(physical_charger, "LocalAuthListCtrlr", "", items=2)
    entries = [{"idToken": {"idToken": f"T{n}", "type": "Central"}} for n in range(5)]
    payload = {
        "updateType": kind,
        "versionNumber": version,
        "localAuthorizationList": entries,
    }
    link = Link()
    answer = await link.send(physical_charger, "SendLocalList", payload)
    assert answer == {"status": "Accepted"}
    assert [(one["updateType"], one["versionNumber"]) for one in link.asked] == sent
    told = [entry for one in link.asked for entry in one["localAuthorizationList"]]
    assert told == entries

    link = Link()
    link.refused = True
    answer = await link.send(physical_charger, "SendLocalList", payload)
    assert (answer, len(link.asked)) == ({"status": "Failed"}, 1)


@pytest.mark.parametrize("action", ["GetReport", "GetMonitoringReport"])
@pytest.mark.parametrize(
    ("statuses", "messages", "verdict"),
    [
        (["Accepted", "EmptyResultSet", "EmptyResultSet"], 3, "Accepted"),
        (["EmptyResultSet"] * 3, 3, "EmptyResultSet"),
        (["Accepted", "Rejected"], 2, "Rejected"),
    ],
)
async def test_a_report_of_much_is_asked_for_part_by_part(
    action: str,
    statuses: list[str],
    messages: int,
    verdict: str,
    physical_charger: Charger,
) -> None:
    """One limit counts for both kinds (B08.FR.06, N02.FR.07)."""
    await limit(physical_charger, "DeviceDataCtrlr", "GetReport", items=2)
    items = [{"component": {"name": f"C{number}"}} for number in range(5)]
    payload = {"requestId": 7, "componentVariable": items}
    link = Link()
    link.statuses = list(statuses)
    answer = await link.send(physical_charger, action, payload)
    assert answer == {"status": verdict}
    portions = [items[:2], items[2:4], items[4:]][:messages]
    assert link.asked == [{**payload, "componentVariable": one} for one in portions]


# --- OCPP 1.6 -------------------------------------------------------------------------


async def test_keys_are_asked_for_as_many_at_a_time_as_a_charger_takes(
    physical_charger: Charger,
) -> None:
    link = Link(Version.V16, GetConfigurationMaxKeys="2", A="1", B="2", C="3")
    portions = Portions(link.call, physical_charger, Version.V16)
    limits = {"key": ["GetConfigurationMaxKeys"]}
    for asked_first in ([limits], []):  # it is asked for that once
        link.asked.clear()
        answer = await portions.send("GetConfiguration", {"key": list("AXBCY")})
        assert [one["key"] for one in answer["configurationKey"]] == list("ABC")
        assert answer["unknownKey"] == ["X", "Y"]
        in_parts = [{"key": list(keys)} for keys in ("AX", "BC", "Y")]
        assert link.asked == [*asked_first, *in_parts]


@pytest.mark.parametrize("told", [{}, {"SendLocalListMaxLength": "many"}])
async def test_a_charger_that_tells_no_limit_is_sent_all_at_once(
    told: dict[str, str], physical_charger: Charger
) -> None:
    link = Link(Version.V16, **told)
    entries = [
        {"idTag": f"T{n}", "idTagInfo": {"status": "Accepted"}} for n in range(3)
    ]
    payload = {
        "updateType": "Full",
        "listVersion": 7,
        "localAuthorizationList": entries,
    }
    await link.send(physical_charger, "SendLocalList", payload)
    assert link.asked[1:] == [payload]


async def test_a_long_local_list_of_a_16_charger_is_added_to(
    physical_charger: Charger,
) -> None:
    link = Link(Version.V16, SendLocalListMaxLength="2")
    entries = [
        {"idTag": f"T{n}", "idTagInfo": {"status": "Accepted"}} for n in range(3)
    ]
    payload = {
        "updateType": "Full",
        "listVersion": 7,
        "localAuthorizationList": entries,
    }
    answer = await link.send(physical_charger, "SendLocalList", payload)
    assert answer == {"status": "Accepted"}
    first, second = link.asked[1:]
    assert first == {
        "updateType": "Full",
        "listVersion": 6,
        "localAuthorizationList": entries[:2],
    }
    assert second == {
        "updateType": "Differential",
        "listVersion": 7,
        "localAuthorizationList": entries[2:],
    }


@pytest.mark.usefixtures("web_process")
async def test_a_charger_is_asked_in_portions(physical_charger: Charger) -> None:
    action = "GetVariables"
    items = [item(action, number) for number in range(3)]
    async with connected_v2(physical_charger) as station:
        await limit(physical_charger, "DeviceDataCtrlr", action, items=2)
        asking = asyncio.create_task(
            ask(physical_charger, action, {"getVariableData": items})
        )
        for portion in (items[:2], items[2:]):
            message_id, _, payload = await station.next_request()
            assert payload == {"getVariableData": portion}
            results = [{**one, "attributeStatus": "Rejected"} for one in portion]
            await station.reply(message_id, {"getVariableResult": results})
        answer = await asking
    names = [result["variable"]["name"] for result in answer["getVariableResult"]]
    assert names == ["é0", "é1", "é2"]
