"""Operators' commands on a charger of OCPP 2.x: the same results as on one of 1.6."""

from typing import Any

import pytest

from chargers.ocpp.errors import CommandRejected

from ...tests.csms import Bench, until
from .test_sessions import events


async def test_faults_come_and_go(ready: Bench) -> None:
    injected = await ready.perform("inject-fault", fault_type="OverVoltage")
    assert injected == {
        "msg": "Fault injected",
        "fault_type": "OverVoltage",
        "evse_id": 1,
        "connector_id": 1,
        "status": "Faulted",
    }
    with pytest.raises(CommandRejected, match="Faulted"):
        await ready.perform("plug-connector")
    cleared = await ready.perform("clear-fault")
    assert cleared["status"] == "Available"
    assert [s for s in ready.csms.story if ":" in s] == ["1:Faulted", "1:Available"]


async def test_unlocking_ends_a_transaction(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    result = await ready.perform("unlock-connector", connector_id=1)
    assert result == {"status": "Unlocked", "connector_id": 1}
    assert ready.csms.story[-1] == "Ended(UnlockCommand:EVConnected/Other)"


async def test_a_session_tells_what_it_was(ready: Bench) -> None:
    started = await ready.perform(
        "start-session", id_tag="TAG", connector_id=2, evse_id=2
    )
    await ready.clock.advance(360)
    stopped = await ready.perform("stop-session", connector_id=2)
    assert stopped == {
        "transaction_id": started["transaction_id"],
        "meter_stop_wh": 2200,
        "reason": "Local",
        "energy_wh": 2200,
        "connector_id": 2,
        "status": "Available",
    }
    assert {event["evse"]["id"] for event in events(ready)} == {2}


async def test_lists_and_cache_are_set_and_emptied(ready: Bench) -> None:
    entries = [
        {"id_tag": "A", "parent_id_tag": "P"},
        {"id_tag": "Central:B", "expiry_date": "2030-01-01T00:00:00Z"},
    ]
    sent = await ready.perform("local-auth-list", list_version=3, entries=entries)
    assert sent == {"status": "Accepted", "list_version": 3, "entries_received": 2}
    answer = await ready.csms.call("GetLocalListVersion", {})
    assert answer == {"versionNumber": 3}
    cleared = await ready.perform("clear-local-auth-list")
    assert cleared["entries_deleted"] == 2
    await ready.perform("authorize-id-tag", id_tag="C")
    assert (await ready.perform("cache/reset"))["cleared_entries"] == 1


async def test_any_message_may_be_sent(ready: Bench) -> None:
    payload: dict[str, Any] = {"vendor_id": "V", "custom_data": {"vendorId": "V"}}
    ready.csms.answers["DataTransfer"] = {"status": "Accepted"}
    result = await ready.perform(
        "proxy-message",
        action="data_transfer",
        ocpp_version=ready.version.value,
        payload=payload,
    )
    assert result["action"] == "DataTransfer"
    assert result["response"] == {"status": "Accepted"}
    assert ready.csms.payloads("DataTransfer") == [
        {"vendorId": "V", "customData": {"vendorId": "V"}}
    ]
    with pytest.raises(CommandRejected, match="speaks"):
        await ready.perform(
            "proxy-message", action="Heartbeat", ocpp_version="ocpp1.6", payload={}
        )


async def test_settings_may_be_refused(ready: Bench) -> None:
    result = await ready.perform(
        "configuration",
        configuration={"TxCtrlr.EVConnectionTimeOut": "x", "Nonsense": "1"},
    )
    assert result["status"] == "Rejected"
    assert "Nonsense is no variable" in result["msg"]
    assert "TxCtrlr.EVConnectionTimeOut must be" in result["msg"]


async def test_power_and_energy_are_what_the_operator_says(ready: Bench) -> None:
    await ready.perform("plug-connector")
    started = await ready.perform("start-transaction", id_tag="TAG")
    assert await ready.perform("power-update", power_w=30_000) == {
        "connector_id": 1,
        "power_w": 22_000,
    }
    await ready.perform("ev-stops-energy")
    assert (await ready.perform("ev-requests-energy"))["status"] == "Charging"
    with pytest.raises(CommandRejected, match="no running transaction"):
        await ready.perform("stop-transaction", transaction_id="another")
    stopped = await ready.perform(
        "stop-transaction", transaction_id=started["transaction_id"]
    )
    assert stopped["reason"] == "Local"
    await until(lambda: "Ended" in str(ready.csms.story))
