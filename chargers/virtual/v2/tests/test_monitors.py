"""Monitors that the CSMS sets, and the events they cause."""

import asyncio
from typing import Any

import pytest

from chargers.ocpp.versions import Version

from ...tests.csms import Bench, until
from .test_variables import element, status_of_set

POWER = element("EVSE.Power", evse={"id": 1})


async def monitor(
    bench: Bench, item: dict[str, Any], kind: str, value: float, **fields: Any
) -> dict[str, Any]:
    data = {**item, "type": kind, "value": value, "severity": 5, **fields}
    answer = await bench.csms.call(
        "SetVariableMonitoring", {"setMonitoringData": [data]}
    )
    (result,) = answer["setMonitoringResult"]
    assert result["component"] == item["component"]
    return dict(result)


def events(bench: Bench) -> list[dict[str, Any]]:
    return [
        event
        for payload in bench.csms.payloads("NotifyEvent")
        for event in payload["eventData"]
    ]


@pytest.mark.parametrize(
    ("item", "kind", "value", "fields", "status"),
    [
        (POWER, "UpperThreshold", 7000, {}, "Accepted"),
        (POWER, "Delta", 500, {}, "Accepted"),
        (POWER, "Delta", -1, {}, "Rejected"),
        (POWER, "UpperThreshold", 23000, {}, "Rejected"),
        (POWER, "Periodic", 0, {}, "Rejected"),
        (POWER, "Periodic", 0.1, {}, "Rejected"),
        (POWER, "PeriodicClockAligned", 1e12, {}, "Accepted"),
        (POWER, "Periodic", 60, {"severity": 10}, "Rejected"),
        (POWER, "Periodic", 60, {"id": 77}, "Rejected"),
        (POWER, "Periodic", 60, {"id": 1}, "Rejected"),  # a hardwired one
        (element("TxCtrlr.Nonsense"), "Delta", 1, {}, "UnknownVariable"),
        (element("Nonsense.A"), "Delta", 1, {}, "UnknownComponent"),
        (element("TxCtrlr.TxStartPoint"), "Delta", 1, {}, "Accepted"),
        (
            element("TxCtrlr.TxStartPoint"),
            "UpperThreshold",
            1,
            {},
            "UnsupportedMonitorType",
        ),
        (
            element("SecurityCtrlr.BasicAuthPassword"),
            "Periodic",
            60,
            {},
            "UnsupportedMonitorType",
        ),
    ],
)
async def test_a_monitor_is_set_or_not(
    ready: Bench,
    item: dict[str, Any],
    kind: str,
    value: float,
    fields: dict[str, Any],
    status: str,
) -> None:
    assert (await monitor(ready, item, kind, value, **fields))["status"] == status


async def test_a_monitor_stays_with_its_variable(ready: Bench) -> None:
    monitor_id = (await monitor(ready, POWER, "Delta", 500))["id"]
    for other in ("ChargingStation.Power", "EVSE.Power"):
        result = await monitor(ready, element(other), "Delta", 500, id=monitor_id)
        assert result["status"] == "Rejected"


async def test_a_monitor_is_replaced_by_its_id_and_never_doubled(ready: Bench) -> None:
    first = await monitor(ready, POWER, "Delta", 500)
    assert (await monitor(ready, POWER, "Delta", 600))["status"] == "Duplicate"
    changed = await monitor(ready, POWER, "Delta", 700, id=first["id"])
    assert (changed["status"], changed["id"]) == ("Accepted", first["id"])
    other = element("EVSE.Power", evse={"id": 2})
    moved = await monitor(ready, other, "Delta", 700, id=first["id"])
    assert moved["status"] == "Rejected"


async def test_a_threshold_alerts_and_clears(ready: Bench) -> None:
    result = await monitor(ready, POWER, "UpperThreshold", 7000)
    await ready.perform("start-session", id_tag="TAG")
    await until(lambda: events(ready))
    await ready.perform("power-update", power_w=5000)
    await until(lambda: len(events(ready)) == 2)
    alarm, clearance = events(ready)
    assert alarm["trigger"] == "Alerting"
    assert alarm["actualValue"] == "22000.0"
    assert alarm["variableMonitoringId"] == result["id"]
    assert alarm["eventNotificationType"] == "CustomMonitor"
    assert alarm["component"] == POWER["component"]
    assert alarm["transactionId"]
    assert (alarm["cleared"], clearance["cleared"]) == (False, True)
    assert ready.csms.payloads("NotifyEvent")[0]["seqNo"] == 0


async def test_a_threshold_that_is_set_anew_alerts_anew(ready: Bench) -> None:
    monitor_id = (await monitor(ready, POWER, "UpperThreshold", 7000))["id"]
    await ready.perform("start-session", id_tag="TAG")
    await ready.clock.advance(10)
    await monitor(ready, POWER, "UpperThreshold", 0, id=monitor_id)
    await until(lambda: len(events(ready)) == 2)
    transaction_id = ready.csms.payloads("TransactionEvent")[0]["transactionInfo"][
        "transactionId"
    ]
    await ready.perform("stop-session")
    await until(lambda: len(events(ready)) == 3)
    assert [event.get("cleared") for event in events(ready)] == [False, False, True]
    assert {event["transactionId"] for event in events(ready)} == {transaction_id}


async def test_a_change_that_is_set_is_told(ready: Bench) -> None:
    await monitor(ready, element("TxCtrlr.TxStartPoint"), "Delta", 1)
    await status_of_set(ready, "TxCtrlr.TxStartPoint", "EVConnected")
    await until(lambda: events(ready))
    assert events(ready)[0]["trigger"] == "Delta"
    assert events(ready)[0]["actualValue"] == "EVConnected"


async def test_a_value_that_changes_by_itself_is_looked_at(ready: Bench) -> None:
    register = element("FiscalMetering.EnergyImportRegister", evse={"id": 1})
    await monitor(ready, register, "Delta", 1000)
    await ready.perform("start-session", id_tag="TAG")
    await ready.clock.advance(200)
    await until(lambda: events(ready))
    assert 1000 < float(events(ready)[0]["actualValue"]) <= 1222


async def test_periodic_monitors_report_every_so_often(ready: Bench) -> None:
    await ready.clock.advance(100)
    await monitor(ready, POWER, "Periodic", 60)
    await monitor(ready, POWER, "PeriodicClockAligned", 900)
    await ready.clock.advance(60)
    await until(lambda: events(ready))
    await ready.clock.advance(740)
    await until(lambda: len(events(ready)) == 14)
    assert {event["trigger"] for event in events(ready)} == {"Periodic"}
    times = [event["timestamp"] for event in events(ready)]
    assert times[0] == "2026-01-01T00:02:40.000Z"
    assert "2026-01-01T00:15:00.000Z" in times


async def test_only_severe_enough_events_are_told(ready: Bench) -> None:
    start = element("TxCtrlr.TxStartPoint")
    await monitor(ready, start, "Delta", 1, severity=6)
    status = await ready.csms.call("SetMonitoringLevel", {"severity": 5})
    assert status == {"status": "Accepted"}
    assert await ready.csms.call("SetMonitoringLevel", {"severity": 10}) == {
        "status": "Rejected"
    }
    await monitor(ready, start, "Delta", 1, severity=5)
    await status_of_set(ready, "TxCtrlr.TxStartPoint", "EVConnected")
    await until(lambda: events(ready))
    assert len(events(ready)) == 1


async def test_monitors_are_reported_and_cleared(ready: Bench) -> None:
    delta = await monitor(ready, POWER, "Delta", 500)
    await monitor(ready, POWER, "Periodic", 60)

    async def ask(**payload: Any) -> list[dict[str, Any]]:
        ready.csms.forget()
        answer = await ready.csms.call(
            "GetMonitoringReport", {"requestId": 3, **payload}
        )
        if answer["status"] != "Accepted":
            return [answer]
        await until(lambda: ready.csms.payloads("NotifyMonitoringReport"))
        (told,) = ready.csms.payloads("NotifyMonitoringReport")
        assert (told["requestId"], told["seqNo"], told["tbc"]) == (3, 0, False)
        return list(told["monitor"])

    everything = await ask()
    assert len(everything) == 5  # four hardwired ones beside
    some = await ask(monitoringCriteria=["DeltaMonitoring"], componentVariable=[POWER])
    told = {
        "id": delta["id"],
        "transaction": False,
        "value": 500,
        "type": "Delta",
        "severity": 5,
    }
    if ready.version is Version.V21:
        told["eventNotificationType"] = "CustomMonitor"
    assert some == [{**POWER, "variableMonitoring": [told]}]
    assert await ask(monitoringCriteria=["ThresholdMonitoring"]) == [
        {"status": "EmptyResultSet"}
    ]
    cleared = await ready.csms.call(
        "ClearVariableMonitoring", {"id": [delta["id"], 1, 999]}
    )
    assert [r["status"] for r in cleared["clearMonitoringResult"]] == [
        "Accepted",
        "Rejected",
        "NotFound",
    ]
    assert await ready.csms.call(
        "SetMonitoringBase", {"monitoringBase": "HardWiredOnly"}
    ) == {"status": "Accepted"}
    assert len(await ask()) == 4


async def test_monitors_survive_a_restart(ready: Bench) -> None:
    await monitor(ready, POWER, "Periodic", 60)
    await ready.kill()
    await ready.power_on(connectors=2)
    ready.csms.forget()
    await ready.clock.advance(61)
    await until(lambda: events(ready))


async def test_severe_events_wait_for_a_link(ready: Bench) -> None:
    await status_of_set(ready, "MonitoringCtrlr.OfflineQueuingSeverity", "2")
    await ready.csms.close()
    await until(lambda: not ready.charger.is_online)
    ready.charger.connectors[1].set_fault("GroundFault")
    ready.charger.charging.wake()
    await ready.clock.advance(0)
    await ready.csms.open()
    await until(lambda: ready.clock._sleepers)
    while not ready.charger.uplink.ready.is_set():
        await ready.clock.advance(1)
        await until(lambda: ready.clock._sleepers)
    await until(lambda: events(ready))
    assert events(ready)[0]["timestamp"] == "2026-01-01T00:00:00.000Z"


async def test_an_outage_does_not_pile_up_deliveries(ready: Bench) -> None:
    await status_of_set(ready, "MonitoringCtrlr.OfflineQueuingSeverity", "2")
    await ready.csms.close()
    await until(lambda: not ready.charger.is_online)
    ready.charger.connectors[1].set_fault("GroundFault")
    ready.charger.charging.wake()
    await ready.clock.advance(0)
    before = len(asyncio.all_tasks())
    for _ in range(20):
        ready.charger.charging.wake()
        await ready.clock.advance(0)
    assert len(asyncio.all_tasks()) == before


async def test_a_lock_that_fails_is_told(ready: Bench) -> None:
    await ready.perform("inject-fault", fault_type="ConnectorLockFailure")
    await until(lambda: len(events(ready)) == 2)
    lock = next(e for e in events(ready) if e["component"]["name"] != "EVSE")
    assert lock["component"] == {
        "name": "ConnectorPlugRetentionLock",
        "evse": {"id": 1, "connectorId": 1},
    }
    assert (lock["variable"]["name"], lock["actualValue"]) == ("Problem", "true")


async def test_a_change_of_what_is_secret_is_told_without_it(ready: Bench) -> None:
    password = element("SecurityCtrlr.BasicAuthPassword")
    assert (await monitor(ready, password, "Delta", 1))["status"] == "Accepted"
    await status_of_set(ready, "SecurityCtrlr.BasicAuthPassword", "0123456789abcdef")
    await until(lambda: events(ready))
    assert events(ready)[0]["actualValue"] == ""
