"""The device model: variables read, set and reported."""

from typing import Any

import pytest

from chargers.ocpp.errors import OCPPError

from ...tests.csms import Bench, until
from ..variables import ITEMS_LIMIT


def element(name: str, **fields: Any) -> dict[str, Any]:
    """``Component.Variable[instance]`` as a request names it; ``evse`` and the rest."""
    component, _, variable = name.partition(".")
    variable, _, instance = variable.rstrip("]").partition("[")
    made: dict[str, Any] = {"component": {"name": component}}
    if variable:
        made["variable"] = {"name": variable}
    if instance:
        made["variable"]["instance"] = instance
    if evse := fields.pop("evse", None):
        made["component"]["evse"] = evse
    if component_instance := fields.pop("component_instance", None):
        made["component"]["instance"] = component_instance
    return {**made, **fields}


async def get(bench: Bench, *items: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await bench.csms.call("GetVariables", {"getVariableData": list(items)})
    results: list[dict[str, Any]] = answer["getVariableResult"]
    return results


async def status_of_set(bench: Bench, name: str, value: str, **fields: Any) -> str:
    item = element(name, attributeValue=value, **fields)
    answer = await bench.csms.call("SetVariables", {"setVariableData": [item]})
    status: str = answer["setVariableResult"][0]["attributeStatus"]
    return status


async def report(bench: Bench, action: str, **payload: Any) -> list[dict[str, Any]]:
    """What NotifyReport tells after a request, all parts together."""
    bench.csms.forget()
    answer = await bench.csms.call(action, {"requestId": 7, **payload})
    assert answer == {"status": "Accepted"}
    await until(
        lambda: (parts := bench.csms.payloads("NotifyReport")) and not parts[-1]["tbc"]
    )
    parts = bench.csms.payloads("NotifyReport")
    assert [part["seqNo"] for part in parts] == list(range(len(parts)))
    assert all(part["tbc"] for part in parts[:-1])
    assert {part["requestId"] for part in parts} == {7}
    return [data for part in parts for data in part["reportData"]]


def names(data: list[dict[str, Any]]) -> set[str]:
    return {f"{d['component']['name']}.{d['variable']['name']}" for d in data}


@pytest.mark.parametrize(
    ("item", "status", "value"),
    [
        (element("TxCtrlr.TxStartPoint"), "Accepted", "PowerPathClosed"),
        (element("txctrlr.TXSTARTPOINT"), "Accepted", "PowerPathClosed"),
        (element("OCPPCommCtrlr.MessageAttempts[transactionevent]"), "Accepted", "3"),
        (element("OCPPCommCtrlr.MessageAttempts"), "UnknownVariable", None),
        (element("EVSE.AvailabilityState", evse={"id": 2}), "Accepted", "Available"),
        (element("EVSE.AvailabilityState", evse={"id": 3}), "UnknownComponent", None),
        (element("EVSE.AvailabilityState"), "UnknownComponent", None),
        (
            element("Connector.Available", evse={"id": 1, "connectorId": 1}),
            "Accepted",
            "true",
        ),
        (element("Nonsense.Available"), "UnknownComponent", None),
        (element("TxCtrlr.Nonsense"), "UnknownVariable", None),
        (
            element("TxCtrlr.TxStartPoint", component_instance="A"),
            "UnknownComponent",
            None,
        ),
        (
            element("TxCtrlr.TxStartPoint", attributeType="Target"),
            "NotSupportedAttributeType",
            None,
        ),
        (element("SecurityCtrlr.BasicAuthPassword"), "Rejected", None),
        (element("ClockCtrlr.DateTime"), "Accepted", "2026-01-01T00:00:00.000Z"),
        (element("SecurityCtrlr.Identity"), "Accepted", "CP-1"),
    ],
)
async def test_a_variable_is_read(
    ready: Bench, item: dict[str, Any], status: str, value: str | None
) -> None:
    (result,) = await get(ready, item)
    assert result["attributeStatus"] == status
    assert result.get("attributeValue") == value
    assert result["component"] == item["component"]
    assert result["variable"] == item["variable"]
    assert result["attributeType"] == item.get("attributeType", "Actual")


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("OCPPCommCtrlr.HeartbeatInterval", "30", "Accepted"),
        ("OCPPCommCtrlr.HeartbeatInterval", "0", "Rejected"),
        ("OCPPCommCtrlr.HeartbeatInterval", "1.5", "Rejected"),
        ("OCPPCommCtrlr.HeartbeatInterval", "99999999999", "Rejected"),
        ("OCPPCommCtrlr.NetworkConfigurationPriority", "1", "Accepted"),
        ("OCPPCommCtrlr.NetworkConfigurationPriority", "2", "Rejected"),
        ("OCPPCommCtrlr.NetworkConfigurationPriority", "", "Rejected"),
        ("AuthCtrlr.LocalPreAuthorize", "TRUE", "Accepted"),
        ("AuthCtrlr.LocalPreAuthorize", "perhaps", "Rejected"),
        ("TxCtrlr.TxStopPoint", "Authorized, EVConnected", "Accepted"),
        ("TxCtrlr.TxStopPoint", "Authorized,Tuesday", "Rejected"),
        ("TxCtrlr.TxStopPoint", "Authorized,Authorized", "Rejected"),
        ("SampledDataCtrlr.TxUpdatedMeasurands", "Voltage,SoC", "Accepted"),
        ("SampledDataCtrlr.TxUpdatedMeasurands", "Wind", "Rejected"),
        ("SmartChargingCtrlr.LimitChangeSignificance", "2.5", "Accepted"),
        ("SmartChargingCtrlr.LimitChangeSignificance", "NaN", "Rejected"),
        ("SecurityCtrlr.BasicAuthPassword", "short", "Rejected"),
        ("SecurityCtrlr.BasicAuthPassword", "0123456789abcdef", "Accepted"),
        ("SecurityCtrlr.Identity", "CP-2", "Rejected"),
        ("ChargingStation.AvailabilityState", "Faulted", "Rejected"),
        ("Nonsense.A", "1", "UnknownComponent"),
        ("TxCtrlr.Nonsense", "1", "UnknownVariable"),
    ],
)
async def test_a_variable_is_set(
    ready: Bench, name: str, value: str, status: str
) -> None:
    assert await status_of_set(ready, name, value) == status


async def test_what_was_set_survives_a_restart(ready: Bench) -> None:
    assert await status_of_set(ready, "txctrlr.evconnectiontimeout", "17") == "Accepted"
    assert (
        await status_of_set(
            ready, "TxCtrlr.StopTxOnInvalidId", "0", attributeType="MaxSet"
        )
        == "NotSupportedAttributeType"
    )
    await ready.kill()
    await ready.power_on(connectors=2)
    (result,) = await get(ready, element("TxCtrlr.EVConnectionTimeOut"))
    assert result["attributeValue"] == "17"


async def test_too_many_variables_at_once_are_refused(ready: Bench) -> None:
    items = [element("TxCtrlr.TxStartPoint")] * (ITEMS_LIMIT + 1)
    with pytest.raises(OCPPError, match="OccurrenceConstraintViolation"):
        await get(ready, *items)


async def test_a_full_inventory_comes_in_parts(ready: Bench) -> None:
    data = await report(ready, "GetBaseReport", reportBase="FullInventory")
    assert len(ready.csms.payloads("NotifyReport")) > 2
    told = names(data)
    assert {"EVSE.Power", "Connector.ConnectorType", "TxCtrlr.TxStopPoint"} <= told
    by_name = {
        (
            entry["component"]["name"],
            entry["variable"]["name"],
            entry["component"].get("evse", {}).get("id"),
        ): entry
        for entry in data
    }
    assert by_name["EVSE", "Power", 2] == {
        "component": {"name": "EVSE", "evse": {"id": 2}},
        "variable": {"name": "Power"},
        "variableAttribute": [
            {
                "type": "Actual",
                "mutability": "ReadOnly",
                "persistent": False,
                "constant": False,
                "value": "0.0",
            }
        ],
        "variableCharacteristics": {
            "dataType": "decimal",
            "unit": "W",
            "maxLimit": 22000,
            "supportsMonitoring": True,
        },
    }
    password = by_name["SecurityCtrlr", "BasicAuthPassword", None]
    assert "value" not in password["variableAttribute"][0]


async def test_other_inventories_are_smaller(ready: Bench) -> None:
    summary = await report(ready, "GetBaseReport", reportBase="SummaryInventory")
    assert {d["variable"]["name"] for d in summary} == {
        "AvailabilityState",
        "Available",
        "Problem",
    }
    settings = await report(ready, "GetBaseReport", reportBase="ConfigurationInventory")
    assert {d["variableAttribute"][0]["mutability"] for d in settings} == {
        "ReadWrite",
        "WriteOnly",
    }


async def test_a_report_may_be_about_some_variables(ready: Bench) -> None:
    one = await report(
        ready, "GetReport", componentVariable=[element("EVSE.AvailabilityState")]
    )
    assert [d["component"]["evse"]["id"] for d in one] == [1, 2]
    whole = await report(
        ready, "GetReport", componentVariable=[element("EVSE", evse={"id": 1})]
    )
    assert len(whole) > 4
    instances = await report(
        ready,
        "GetReport",
        componentVariable=[element("DeviceDataCtrlr.ItemsPerMessage")],
    )
    assert len(instances) == 3


async def test_a_report_may_have_criteria(ready: Bench) -> None:
    nothing = await ready.csms.call(
        "GetReport", {"requestId": 1, "componentCriteria": ["Problem"]}
    )
    assert nothing == {"status": "EmptyResultSet"}
    unknown = await ready.csms.call(
        "GetReport", {"requestId": 1, "componentVariable": [element("Nonsense")]}
    )
    assert unknown == {"status": "EmptyResultSet"}
    await ready.perform("inject-fault", connector_id=2, fault_type="OverCurrent")
    found = await report(ready, "GetReport", componentCriteria=["Problem"])
    assert {d["component"]["name"] for d in found} == {
        "ChargingStation",
        "EVSE",
        "Connector",
    }
    enabled = await report(ready, "GetReport", componentCriteria=["Enabled"])
    assert "AuthCtrlr.Enabled" in names(enabled)
    await status_of_set(ready, "AuthCtrlr.Enabled", "false")
    enabled = await report(ready, "GetReport", componentCriteria=["Enabled"])
    assert "AuthCtrlr.Enabled" not in names(enabled)


async def test_operators_name_variables_in_one_line(ready: Bench) -> None:
    result = await ready.perform(
        "configuration",
        configuration={
            "TxCtrlr.EVConnectionTimeOut": "20",
            "MeterValueSampleInterval": "15",
            "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": "4",
            "HeartbeatInterval": "100",
        },
    )
    assert result["status"] == "Accepted"
    items = [
        element("TxCtrlr.EVConnectionTimeOut"),
        element("SampledDataCtrlr.TxUpdatedInterval"),
        element("OCPPCommCtrlr.MessageAttempts[TransactionEvent]"),
        element("OCPPCommCtrlr.HeartbeatInterval"),
    ]
    values = [item["attributeValue"] for item in await get(ready, *items)]
    assert values == ["20", "15", "4", "100"]
    refused = await ready.perform("configuration", configuration={"Enabled": "true"})
    assert refused["status"] == "Rejected"
