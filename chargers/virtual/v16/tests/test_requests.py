"""What the CSMS asks for, and what it gets."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from chargers.ocpp.errors import CommandRejected, OCPPError

from ...tests.csms import Bench, until


async def status_of(bench: Bench, action: str, **payload: Any) -> str:
    status: str = (await bench.csms.call(action, payload))["status"]
    return status


async def change(bench: Bench, key: str, value: str) -> str:
    return await status_of(bench, "ChangeConfiguration", key=key, value=value)


async def test_configuration_is_read_and_changed(ready: Bench) -> None:
    everything = await ready.csms.call("GetConfiguration", {})
    keys = {item["key"]: item for item in everything["configurationKey"]}
    assert keys["NumberOfConnectors"] == {
        "key": "NumberOfConnectors",
        "readonly": True,
        "value": "2",
    }
    some = await ready.csms.call("GetConfiguration", {"key": ["ResetRetries", "Nope"]})
    assert [item["key"] for item in some["configurationKey"]] == ["ResetRetries"]
    assert some["unknownKey"] == ["Nope"]
    assert await change(ready, "HeartbeatInterval", "30") == "Accepted"
    assert await change(ready, "HeartbeatInterval", "-1") == "Rejected"
    assert await change(ready, "LocalPreAuthorize", "perhaps") == "Rejected"
    assert await change(ready, "MeterValuesSampledData", "Voltage,Wind") == "Rejected"
    assert await change(ready, "NumberOfConnectors", "3") == "Rejected"
    assert await change(ready, "Nope", "1") == "NotSupported"
    assert await change(ready, "heartbeatINTERVAL", "30") == "Accepted"
    assert await change(ready, "ConnectorPhaseRotation", "1.TSR") == "RebootRequired"
    assert ready.store.state["configuration"]["HeartbeatInterval"] == "30"


async def test_a_remote_start_follows_its_answer(ready: Bench) -> None:
    await ready.perform("plug-connector", connector_id=2)
    ready.csms.forget()
    assert await status_of(ready, "RemoteStartTransaction", idTag="T") == "Accepted"
    await ready.told("StartTransaction", "2:Charging")
    assert await status_of(ready, "RemoteStopTransaction", transactionId=9) == (
        "Rejected"
    )
    assert await status_of(ready, "RemoteStopTransaction", transactionId=1) == (
        "Accepted"
    )
    await ready.told(
        "StartTransaction", "2:Charging", "StopTransaction(Remote)", "2:Finishing"
    )


async def test_a_remote_start_waits_for_a_cable(ready: Bench) -> None:
    request = {"idTag": "T", "connectorId": 1}
    assert await status_of(ready, "RemoteStartTransaction", **request) == "Accepted"
    await ready.told("1:Preparing")
    assert await status_of(ready, "RemoteStartTransaction", **request) == "Rejected"
    await ready.perform("plug-connector")
    await ready.told("1:Preparing", "StartTransaction", "1:Charging")


async def test_a_remote_start_gives_up_without_a_cable(ready: Bench) -> None:
    await change(ready, "ConnectionTimeOut", "20")
    await status_of(ready, "RemoteStartTransaction", idTag="T")
    await ready.told("1:Preparing")
    await ready.clock.advance(20)
    await ready.told("1:Preparing", "1:Available")


async def test_a_remote_start_may_have_to_be_authorized(ready: Bench) -> None:
    await change(ready, "AuthorizeRemoteTxRequests", "true")
    await ready.perform("plug-connector")
    ready.csms.answers["Authorize"] = {"idTagInfo": {"status": "Invalid"}}
    await status_of(ready, "RemoteStartTransaction", idTag="T")
    await ready.told("1:Preparing", "Authorize")
    await until(lambda: ready.charger.charging.place_for(1, "T"))
    del ready.csms.answers["Authorize"]
    await status_of(ready, "RemoteStartTransaction", idTag="T")
    await ready.told(
        "1:Preparing", "Authorize", "Authorize", "StartTransaction", "1:Charging"
    )


async def test_two_remote_starts_take_two_connectors(ready: Bench) -> None:
    await change(ready, "AuthorizeRemoteTxRequests", "true")
    start = "RemoteStartTransaction"
    assert await status_of(ready, start, idTag="A") == "Accepted"
    assert await status_of(ready, start, idTag="X", connectorId=1) == "Rejected"
    assert await status_of(ready, start, idTag="B") == "Accepted"
    assert await status_of(ready, start, idTag="C") == "Rejected"
    await until(lambda: "2:Preparing" in ready.csms.story)
    for number in (1, 2):
        await ready.perform("plug-connector", connector_id=number)
    await until(lambda: len(ready.csms.payloads("StartTransaction")) == 2)
    started = [p["idTag"] for p in ready.csms.payloads("StartTransaction")]
    assert started == ["A", "B"]


async def test_a_known_id_tag_may_need_no_authorize(ready: Bench) -> None:
    await change(ready, "LocalPreAuthorize", "true")
    await ready.perform("authorize-id-tag", id_tag="CACHED")
    await ready.perform(
        "local-auth-list",
        list_version=1,
        entries=[
            {"id_tag": "listed"},
            {"id_tag": "OLD", "expiry_date": "2025-01-01T00:00:00Z"},
        ],
    )
    ready.csms.forget()
    await ready.perform("start-session", id_tag="cached", connector_id=1)
    await ready.perform("start-session", id_tag="LISTED", connector_id=2)
    assert "Authorize" not in ready.csms.actions
    await ready.perform("stop-session", connector_id=1)
    await ready.perform("start-session", id_tag="OLD", connector_id=1)
    assert "Authorize" in ready.csms.actions


async def test_availability_waits_for_the_transaction_and_persists(
    ready: Bench,
) -> None:
    await ready.perform("start-session", id_tag="T", connector_id=1)
    ready.csms.forget()
    request = {"connectorId": 0, "type": "Inoperative"}
    assert await status_of(ready, "ChangeAvailability", **request) == "Scheduled"
    await ready.told("2:Unavailable")
    await ready.perform("stop-transaction")
    await ready.told(
        "2:Unavailable", "StopTransaction(Local)", "1:Unavailable", "0:Unavailable"
    )
    await ready.charger.stop()
    ready.csms.forget()
    await ready.power_on(connectors=2)
    await ready.told(
        "BootNotification", "0:Unavailable", "1:Unavailable", "2:Unavailable"
    )
    ready.csms.forget()
    request = {"connectorId": 0, "type": "Operative"}
    assert await status_of(ready, "ChangeAvailability", **request) == "Accepted"
    await ready.told("0:Available", "1:Preparing", "2:Available")


@pytest.mark.parametrize(
    ("kind", "story"),
    [
        ("Soft", ["StopTransaction(SoftReset)", "BootNotification"]),
        ("Hard", ["BootNotification", "StopTransaction(HardReset)"]),
    ],
)
async def test_reset_ends_transactions_and_boots_anew(
    ready: Bench, kind: str, story: list[str]
) -> None:
    await ready.perform("start-session", id_tag="T")
    ready.csms.forget()
    assert await status_of(ready, "Reset", type=kind) == "Accepted"
    await until(lambda: (False, "reset") in ready.links)
    await until(lambda: 1.0 in ready.clock.sleeps)
    await ready.clock.advance(1)
    await until(lambda: "2:Available" in ready.csms.story)
    await until(lambda: story[1] in ready.csms.story)
    assert [frame for frame in ready.csms.story if frame in story] == story
    assert "1:Finishing" in ready.csms.story


async def test_a_remote_start_waits_for_a_cable_after_a_reset_too(ready: Bench) -> None:
    await status_of(ready, "Reset", type="Hard")
    await until(lambda: (False, "reset") in ready.links)
    await until(lambda: 1.0 in ready.clock.sleeps)
    await ready.clock.advance(1)
    await until(ready.charger.uplink.ready.is_set)
    ready.csms.forget()
    await status_of(ready, "RemoteStartTransaction", idTag="T", connectorId=1)
    await ready.told("1:Preparing")
    await ready.perform("plug-connector")
    await ready.told("1:Preparing", "StartTransaction", "1:Charging")


async def test_unlock_connector_ends_a_transaction(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="T")
    ready.csms.forget()
    assert await status_of(ready, "UnlockConnector", connectorId=9) == "NotSupported"
    assert await status_of(ready, "UnlockConnector", connectorId=1) == "Unlocked"
    await ready.told("StopTransaction(UnlockCommand)", "1:Finishing")
    await ready.perform("inject-fault", fault_type="ConnectorLockFailure")
    assert await status_of(ready, "UnlockConnector", connectorId=1) == "UnlockFailed"


async def test_a_cable_may_stay_locked_when_its_ev_is_gone(ready: Bench) -> None:
    await change(ready, "UnlockConnectorOnEVSideDisconnect", "false")
    await ready.perform("start-session", id_tag="T")
    ready.csms.forget()
    await ready.perform("unplug-connector")
    await ready.told("StopTransaction(EVDisconnected)", "1:Finishing")
    await ready.power_off()
    ready.csms.forget()
    await ready.power_on(connectors=2)
    await ready.told("BootNotification", "0:Available", "1:Finishing", "2:Available")
    with pytest.raises(CommandRejected, match="locked"):
        await ready.perform("unplug-connector")
    ready.csms.forget()
    assert await status_of(ready, "UnlockConnector", connectorId=1) == "Unlocked"
    await ready.told("1:Available")
    await ready.perform("start-session", id_tag="T")
    await ready.perform("unplug-connector")
    await ready.perform("plug-connector")  # the EV comes back to the cable
    assert ready.csms.story[-1] == "1:Preparing"
    await ready.perform("unplug-connector")
    assert ready.csms.story[-1] == "1:Available"


async def test_a_fixed_cable_is_not_held(bench: Bench) -> None:
    await bench.power_on(current_type="dc")
    assert await change(bench, "UnlockConnectorOnEVSideDisconnect", "true") == (
        "Rejected"
    )
    await bench.perform("start-session", id_tag="T")
    await bench.perform("unplug-connector")
    assert bench.csms.story[-1] == "1:Available"


async def test_the_csms_says_how_long_to_wait_for_it(ready: Bench) -> None:
    assert await change(ready, "MessageTimeout", "0") == "Rejected"
    assert await change(ready, "MessageTimeout", "7") == "Accepted"
    assert ready.charger.uplink._link is not None
    assert ready.charger.uplink._link.session.call_timeout == 7


async def test_a_cable_that_stays_in_is_prepared_anew(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="T")
    await ready.perform("stop-transaction")
    ready.csms.forget()
    start = {"idTag": "T", "connectorId": 1}
    assert await status_of(ready, "RemoteStartTransaction", **start) == "Accepted"
    await ready.told("1:Preparing", "StartTransaction", "1:Charging")
    await ready.perform("stop-transaction")
    ready.csms.forget()
    await ready.perform("start-session", id_tag="T")
    await ready.told("Authorize", "1:Preparing", "StartTransaction", "1:Charging")


async def test_local_lists_come_whole_or_in_parts(ready: Bench) -> None:
    def entry(tag: str, status: str | None = "Accepted") -> dict[str, Any]:
        return {"idTag": tag, **({"idTagInfo": {"status": status}} if status else {})}

    async def send(version: int, update: str, *entries: dict[str, Any]) -> str:
        return await status_of(
            ready,
            "SendLocalList",
            listVersion=version,
            updateType=update,
            localAuthorizationList=list(entries),
        )

    assert await send(3, "Full", entry("A"), entry("B")) == "Accepted"
    assert await send(3, "Differential", entry("C")) == "VersionMismatch"
    assert await send(4, "Differential", entry("C"), entry("a", None)) == "Accepted"
    assert len(ready.charger.local_list) == 2
    assert ready.charger.local_list.find("A") is None
    assert await send(5, "Full", entry("A"), entry("a")) == "Failed"
    assert await ready.csms.call("GetLocalListVersion", {}) == {"listVersion": 4}
    await change(ready, "LocalAuthListEnabled", "false")
    assert await send(6, "Full") == "NotSupported"
    assert await ready.csms.call("GetLocalListVersion", {}) == {"listVersion": -1}


@pytest.mark.parametrize(
    "action",
    [
        "BootNotification",
        "Heartbeat",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
    ],
)
async def test_a_triggered_message_follows(ready: Bench, action: str) -> None:
    assert await status_of(ready, "TriggerMessage", requestedMessage=action) == (
        "Accepted"
    )
    await ready.told(action)


async def test_triggers_may_name_a_connector(ready: Bench) -> None:
    async def trigger(action: str, number: int | None = None) -> str:
        payload: dict[str, Any] = {"requestedMessage": action}
        if number is not None:
            payload["connectorId"] = number
        return await status_of(ready, "TriggerMessage", **payload)

    assert await trigger("StatusNotification", 9) == "Rejected"
    assert await trigger("StatusNotification", 2) == "Accepted"
    await ready.told("2:Available")
    ready.csms.forget()
    await trigger("StatusNotification")
    await ready.told("0:Available", "1:Available", "2:Available")
    ready.csms.forget()
    await trigger("MeterValues")
    await ready.told("MeterValues", "MeterValues")
    values = ready.csms.payloads("MeterValues")[0]["meterValue"][0]["sampledValue"]
    assert values[0]["context"] == "Trigger"


async def test_clock_aligned_values_come_without_a_transaction(ready: Bench) -> None:
    await change(ready, "ClockAlignedDataInterval", "900")
    await ready.clock.advance(900)
    await ready.told("MeterValues", "MeterValues", "MeterValues")
    payloads = ready.csms.payloads("MeterValues")
    assert [payload["connectorId"] for payload in payloads] == [0, 1, 2]
    values = payloads[0]["meterValue"][0]
    assert values["timestamp"] == "2026-01-01T00:15:00.000Z"
    assert values["sampledValue"][0]["context"] == "Sample.Clock"
    assert values["sampledValue"][0]["location"] == "Inlet"  # the main meter


async def test_clock_aligned_values_are_taken_by_a_clock_that_ticks(
    ready: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks, now = itertools.count(1), ready.clock.now
    monkeypatch.setattr(
        ready.clock, "now", lambda: now() + timedelta(microseconds=next(ticks))
    )
    await change(ready, "ClockAlignedDataInterval", "900")
    await ready.clock.advance(900)
    await ready.told("MeterValues", "MeterValues", "MeterValues")


async def test_clock_aligned_values_wait_for_the_link(ready: Bench) -> None:
    await change(ready, "ClockAlignedDataInterval", "60")
    await ready.csms.close()
    await until(lambda: not ready.charger.is_online)
    await ready.clock.advance(60)
    await ready.csms.open()
    await ready.clock.advance(30)
    await until(lambda: len(ready.csms.payloads("MeterValues")) == 3)
    values = ready.csms.payloads("MeterValues")[2]["meterValue"][0]
    assert values["timestamp"] == "2026-01-01T00:01:00.000Z"


async def test_the_rest_of_core(ready: Bench) -> None:
    await ready.perform("authorize-id-tag", id_tag="A")
    assert await status_of(ready, "ClearCache") == "Accepted"
    assert (await ready.perform("cache/reset"))["cleared_entries"] == 0
    assert await status_of(ready, "DataTransfer", vendorId="X") == "UnknownVendorId"


async def test_an_unknown_action_is_not_implemented(ready: Bench) -> None:
    assert ready.csms.session is not None
    with pytest.raises(OCPPError, match="NotImplemented"):
        await ready.csms.session.call("MakeCoffee", {}, validate=False)
