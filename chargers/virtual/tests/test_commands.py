"""Each command: the frames it causes, in their order, and its result."""

import asyncio
from typing import Any

import pytest

from chargers.ocpp.errors import CallTimeout, CommandRejected, LinkClosed, OCPPError

from .csms import PATIENCE, Bench, until


@pytest.fixture
async def ready(bench: Bench) -> Bench:
    """A charger with two connectors that has just booted."""
    await bench.power_on(connectors=2)
    assert bench.csms.story == [
        "BootNotification",
        "0:Available",
        "1:Available",
        "2:Available",
    ]
    bench.csms.forget()
    return bench


def blocked(payload: dict[str, Any]) -> dict[str, Any]:
    return {"transactionId": 7, "idTagInfo": {"status": "Blocked"}}


async def test_a_plain_session_goes_by_the_book(ready: Bench) -> None:
    await ready.perform("plug-connector")
    verdict = await ready.perform("authorize-id-tag", id_tag="TAG")
    started = await ready.perform("start-transaction", id_tag="TAG", connector_id=1)
    await ready.clock.advance(30)
    stopped = await ready.perform("stop-transaction", transaction_id="1")
    unplugged = await ready.perform("unplug-connector", evse_id=1, connector_id=1)
    await ready.told(
        "1:Preparing",
        "Authorize",
        "StartTransaction",
        "1:Charging",
        "StopTransaction(Local)",
        "1:Finishing",
        "1:Available",
    )
    assert verdict == {
        "id_tag": "TAG",
        "status": "Accepted",
        "id_tag_info": {"status": "Accepted"},
    }
    assert started == {
        "transaction_id": 1,
        "connector_id": 1,
        "id_tag": "TAG",
        "status": "Accepted",
    }
    assert stopped == {"transaction_id": 1, "meter_stop_wh": 183, "reason": "Local"}
    assert unplugged == {"connector_id": 1, "status": "Available"}


async def test_proxy_message_sends_what_it_is_given(ready: Bench) -> None:
    payload = {"charge_point_vendor": "V", "chargePointModel": "M"}
    result = await ready.perform(
        "proxy-message",
        action="boot_notification",
        ocpp_version="ocpp1.6",
        payload=payload,
    )
    await ready.told("BootNotification")
    assert result["action"] == "BootNotification"
    assert result["payload"] == {"chargePointVendor": "V", "chargePointModel": "M"}
    assert result["response"]["status"] == "Accepted"


async def test_proxy_message_is_not_validated_by_the_charger(ready: Bench) -> None:
    with pytest.raises(CommandRejected) as refusal:
        await ready.perform(
            "proxy-message",
            action="start_transaction",
            ocpp_version="ocpp1.6",
            payload={"id_tag": 5},
        )
    assert refusal.value.result is not None
    assert "Violation" in refusal.value.result["code"]
    assert set(refusal.value.result) == {"code", "description", "details"}


async def test_configuration_names_what_it_refuses(ready: Bench) -> None:
    result = await ready.perform(
        "configuration",
        configuration={"HeartbeatInterval": "30", "NumberOfConnectors": "9", "X": ""},
    )
    assert result["status"] == "Rejected"
    assert result["configured"] == ["HeartbeatInterval"]
    assert "NumberOfConnectors is read-only" in result["msg"]
    assert "X is no key" in result["msg"]
    assert ready.store.state["configuration"]["HeartbeatInterval"] == "30"


async def test_configuration_says_when_a_reset_is_needed(ready: Bench) -> None:
    result = await ready.perform(
        "configuration", configuration={"ConnectorPhaseRotation": "1.RTS"}
    )
    assert result["status"] == "RebootRequired"
    assert result["configured"] == ["ConnectorPhaseRotation"]


async def test_cache_reset_counts_what_authorize_filled(ready: Bench) -> None:
    await ready.perform("authorize-id-tag", id_tag="A")
    await ready.perform("authorize-id-tag", id_tag="a")
    await ready.perform("authorize-id-tag", id_tag="B")
    result = await ready.perform("cache/reset")
    assert result == {"msg": "Authorization cache cleared", "cleared_entries": 2}


async def test_a_local_list_replaces_the_one_before(ready: Bench) -> None:
    first = [{"id_tag": "A"}, {"id_tag": "B", "parent_id_tag": "P"}]
    result = await ready.perform("local-auth-list", list_version=2, entries=first)
    assert result == {"status": "Accepted", "list_version": 2, "entries_received": 2}
    assert await ready.csms.call("GetLocalListVersion", {}) == {"listVersion": 2}
    cleared = await ready.perform("clear-local-auth-list")
    assert cleared["entries_deleted"] == 2
    assert await ready.csms.call("GetLocalListVersion", {}) == {"listVersion": 0}


@pytest.mark.parametrize(
    ("version", "tags"), [(1, ["A"]), (2, ["A"]), (3, ["A", "a"]), (3, ["A"] * 1001)]
)
async def test_a_stale_or_wrong_local_list_is_refused(
    ready: Bench, version: int, tags: list[str]
) -> None:
    await ready.perform("local-auth-list", list_version=2, entries=[{"id_tag": "Z"}])
    with pytest.raises(CommandRejected):
        await ready.perform(
            "local-auth-list",
            list_version=version,
            entries=[{"id_tag": tag} for tag in tags],
        )
    assert ready.charger.local_list.version == 2


async def test_a_fault_ends_the_transaction_and_can_be_cleared(ready: Bench) -> None:
    await ready.perform("plug-connector")
    await ready.perform("start-transaction", id_tag="TAG")
    ready.csms.forget()
    fault = await ready.perform("inject-fault", fault_type="OverCurrent")
    with pytest.raises(CommandRejected):
        await ready.perform("inject-fault", fault_type="GroundFault")
    cleared = await ready.perform("clear-fault")
    await ready.told("StopTransaction(Other)", "1:Faulted", "1:Finishing")
    status = ready.csms.payloads("StatusNotification")[0]
    assert status["errorCode"] == "OverCurrentFailure"
    assert fault == {
        "msg": "Fault injected",
        "fault_type": "OverCurrent",
        "evse_id": 1,
        "connector_id": 1,
        "status": "Faulted",
    }
    assert cleared["status"] == "Finishing"
    assert cleared["fault_type"] == "OverCurrent"
    with pytest.raises(CommandRejected):
        await ready.perform("clear-fault")


async def test_what_a_connector_cannot_do_is_refused(ready: Bench) -> None:
    for command, event in [
        ("unplug-connector", {}),
        ("start-transaction", {"id_tag": "TAG"}),
        ("stop-transaction", {}),
        ("stop-transaction", {"transaction_id": "txn-001"}),
        ("stop-session", {}),
        ("ev-requests-energy", {}),
        ("ev-stops-energy", {}),
        ("clear-fault", {}),
        ("inject-fault", {"fault_type": "Rain"}),
        ("plug-connector", {"connector_id": 3}),
        ("make-coffee", {}),
        ("_told", {}),
    ]:
        with pytest.raises(CommandRejected):
            await ready.perform(command, **event)
    assert ready.csms.story == []


async def test_a_faulted_or_unavailable_connector_takes_no_cable(ready: Bench) -> None:
    await ready.perform("inject-fault", fault_type="WeakSignal")
    with pytest.raises(CommandRejected, match="Faulted"):
        await ready.perform("plug-connector")
    await ready.csms.call(
        "ChangeAvailability", {"connectorId": 2, "type": "Inoperative"}
    )
    with pytest.raises(CommandRejected, match="Unavailable"):
        await ready.perform("plug-connector", connector_id=2)


async def test_a_second_cable_is_refused(ready: Bench) -> None:
    await ready.perform("plug-connector")
    with pytest.raises(CommandRejected, match="already"):
        await ready.perform("plug-connector")


async def test_unplugging_ends_a_running_transaction(ready: Bench) -> None:
    await ready.perform("plug-connector")
    await ready.perform("start-transaction", id_tag="TAG")
    ready.csms.forget()
    result = await ready.perform("unplug-connector")
    await ready.told("StopTransaction(EVDisconnected)", "1:Finishing", "1:Available")
    assert result == {"connector_id": 1, "status": "Available", "transaction_id": 1}


async def test_a_transaction_may_outlive_the_cable_on_the_ev_side(ready: Bench) -> None:
    await ready.perform(
        "configuration", configuration={"StopTransactionOnEVSideDisconnect": "false"}
    )
    await ready.perform("plug-connector")
    await ready.perform("start-transaction", id_tag="TAG")
    ready.csms.forget()
    await ready.perform("unplug-connector")
    await ready.perform("plug-connector")
    await ready.told("1:SuspendedEV", "1:Charging")


async def test_unlocking_ends_the_transaction_and_leaves_the_cable(
    ready: Bench,
) -> None:
    await ready.perform("plug-connector")
    await ready.perform("start-transaction", id_tag="TAG")
    ready.csms.forget()
    result = await ready.perform("unlock-connector")
    await ready.told("StopTransaction(UnlockCommand)", "1:Finishing")
    assert result == {"status": "Unlocked", "connector_id": 1}


async def test_a_refused_id_tag_ends_the_transaction(ready: Bench) -> None:
    ready.csms.answers["StartTransaction"] = blocked
    await ready.perform("plug-connector")
    with pytest.raises(CommandRejected, match="Blocked"):
        await ready.perform("start-transaction", id_tag="TAG")
    await ready.told(
        "1:Preparing",
        "StartTransaction",
        "StopTransaction(DeAuthorized)",
        "1:Finishing",
    )
    assert ready.csms.payloads("StopTransaction")[0]["transactionId"] == 7


async def test_a_refused_id_tag_may_only_suspend_the_energy(ready: Bench) -> None:
    ready.csms.answers["StartTransaction"] = blocked
    await ready.perform(
        "configuration", configuration={"StopTransactionOnInvalidId": "false"}
    )
    await ready.perform("plug-connector")
    with pytest.raises(CommandRejected, match="Blocked"):
        await ready.perform("start-transaction", id_tag="TAG")
    await ready.told("1:Preparing", "StartTransaction", "1:SuspendedEVSE")


async def test_a_start_that_the_csms_never_takes_has_no_id(ready: Bench) -> None:
    def fail(payload: dict[str, Any]) -> dict[str, Any]:
        raise OCPPError("InternalError", "out of order")

    ready.csms.answers["StartTransaction"] = fail
    await ready.perform(
        "configuration", configuration={"TransactionMessageAttempts": "1"}
    )
    await ready.perform("plug-connector")
    with pytest.raises(CommandRejected, match="out of order"):
        await ready.perform("start-transaction", id_tag="TAG")
    await ready.told("1:Preparing", "StartTransaction", "1:Charging")
    await ready.perform("stop-transaction")
    assert ready.csms.payloads("StopTransaction")[0]["transactionId"] == -1


async def test_a_session_stops_by_itself_when_its_time_is_up(ready: Bench) -> None:
    result = await ready.perform(
        "start-session", id_tag="TAG", connector_id=2, duration_seconds=90
    )
    assert result["status"] == "Accepted"
    await ready.clock.advance(90)
    await ready.told(
        "2:Preparing",
        "Authorize",
        "StartTransaction",
        "2:Charging",
        "MeterValues",
        "MeterValues",
        "StopTransaction(Local)",
        "2:Finishing",
        "2:Available",
    )
    assert ready.csms.payloads("StopTransaction")[0]["meterStop"] == 550
    contexts = [
        values["meterValue"][0]["sampledValue"][0]["context"]
        for values in ready.csms.payloads("MeterValues")
    ]
    assert contexts == ["Sample.Periodic", "Transaction.End"]


async def test_a_session_stops_at_its_energy_and_not_beyond(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG", target_energy_kwh=1.5)
    await ready.perform("power-update", power_w=11000)
    for _ in range(50):
        await ready.clock.advance(10)
    await until(lambda: "1:Available" in ready.csms.story)
    assert ready.csms.payloads("StopTransaction")[0]["meterStop"] == 1500


async def test_a_session_that_is_not_authorized_goes_away_again(ready: Bench) -> None:
    ready.csms.answers["Authorize"] = {"idTagInfo": {"status": "Expired"}}
    with pytest.raises(CommandRejected, match="Expired") as refusal:
        await ready.perform("start-session", id_tag="TAG")
    await ready.told("1:Preparing", "Authorize", "1:Available")
    assert refusal.value.result is not None
    assert refusal.value.result["status"] == "Expired"


async def test_a_session_refused_at_its_start_goes_away_too(ready: Bench) -> None:
    ready.csms.answers["StartTransaction"] = blocked
    with pytest.raises(CommandRejected, match="Blocked"):
        await ready.perform("start-session", id_tag="TAG")
    await ready.told(
        "1:Preparing",
        "Authorize",
        "StartTransaction",
        "StopTransaction(DeAuthorized)",
        "1:Finishing",
        "1:Available",
    )


async def test_stop_session_reads_the_meter_stops_and_unplugs(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG", connector_id=2)
    ready.csms.forget()
    await ready.clock.advance(30)
    result = await ready.perform("stop-session", connector_id=None)
    await ready.told(
        "MeterValues", "StopTransaction(Local)", "2:Finishing", "2:Available"
    )
    assert result == {
        "transaction_id": 1,
        "meter_stop_wh": 183,
        "energy_wh": 183,
        "reason": "Local",
        "connector_id": 2,
        "status": "Available",
    }


async def test_a_negative_verdict_is_a_result(ready: Bench) -> None:
    ready.csms.answers["Authorize"] = {"idTagInfo": {"status": "Blocked"}}
    result = await ready.perform("authorize-id-tag", id_tag="TAG")
    assert result["status"] == "Blocked"


async def test_the_ev_stops_and_requests_energy(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    ready.csms.forget()
    stopped = await ready.perform("ev-stops-energy")
    requested = await ready.perform("ev-requests-energy")
    await ready.told("1:SuspendedEV", "1:Charging")
    assert stopped == {"connector_id": 1, "status": "SuspendedEV"}
    assert requested == {"connector_id": 1, "status": "Charging"}


async def test_offered_power_shows_in_the_next_meter_values(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    result = await ready.perform("power-update", power_w=11000, evse_id=1)
    assert result == {"connector_id": 1, "power_w": 11000}
    ready.csms.forget()
    await ready.clock.advance(60)
    await ready.told("MeterValues")
    values = ready.csms.payloads("MeterValues")[0]
    assert values["transactionId"] == 1
    measured = {
        sample["measurand"]: (sample["value"], sample["unit"])
        for sample in values["meterValue"][0]["sampledValue"]
    }
    assert measured == {
        "Energy.Active.Import.Register": ("183", "Wh"),
        "Power.Active.Import": ("11000", "W"),
        "Power.Offered": ("11000", "W"),
        "Current.Import": ("15.9", "A"),
        "Voltage": ("230", "V"),
        "SoC": ("20.2", "Percent"),
    }


async def test_too_little_power_suspends_until_there_is_more(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    ready.csms.forget()
    await ready.perform("power-update", power_w=1000)
    await ready.perform("power-update", power_w=2000)
    result = await ready.perform("power-update", power_w=99000)
    await ready.told("1:SuspendedEVSE", "1:Charging")
    assert result["power_w"] == 22000


async def test_a_new_sample_interval_rules_the_running_transaction(
    ready: Bench,
) -> None:
    await ready.perform("start-session", id_tag="TAG")
    ready.csms.forget()
    await ready.perform(
        "configuration", configuration={"MeterValueSampleInterval": "5"}
    )
    await ready.clock.advance(5)
    await ready.told("MeterValues")


async def test_transaction_data_comes_where_it_is_asked_for(ready: Bench) -> None:
    await ready.perform(
        "configuration",
        configuration={"StopTxnSampledData": "Energy.Active.Import.Register"},
    )
    await ready.perform("start-session", id_tag="TAG")
    await ready.clock.advance(36)
    await ready.perform("stop-transaction")
    data = ready.csms.payloads("StopTransaction")[0]["transactionData"]
    samples = [value["sampledValue"][0] for value in data]
    assert [(s["context"], s["value"]) for s in samples] == [
        ("Transaction.Begin", "0"),
        ("Transaction.End", "220"),
    ]


async def test_a_departure_that_was_not_heard_of_troubles_no_later_one(
    ready: Bench,
) -> None:
    silence = asyncio.Event()

    async def keep_silent(payload: dict[str, Any]) -> dict[str, Any]:
        await silence.wait()
        return {}

    await ready.perform("start-session", id_tag="TAG")
    assert ready.charger.uplink._link is not None
    ready.csms.keeps_silent = True
    ready.charger.uplink._link.session.call_timeout = 0.05
    ready.csms.answers["StatusNotification"] = keep_silent
    with pytest.raises(CallTimeout):
        await ready.perform("stop-session")
    silence.set()
    ready.charger.uplink._link.session.call_timeout = PATIENCE
    refusal = {"idTagInfo": {"status": "Invalid"}, "transactionId": 9}
    ready.csms.answers["StartTransaction"] = refusal
    await ready.perform("plug-connector")
    with pytest.raises(CommandRejected):
        await ready.perform("start-transaction", id_tag="TAG")


async def test_a_cancelled_command_corrupts_nothing(ready: Bench) -> None:
    answered = asyncio.Event()

    async def late(payload: dict[str, Any]) -> dict[str, Any]:
        await answered.wait()
        return {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}

    ready.csms.answers["StartTransaction"] = late
    await ready.perform("plug-connector")
    command = asyncio.create_task(
        ready.charger.perform("start-transaction", {"id_tag": "TAG"})
    )
    await until(lambda: "StartTransaction" in ready.csms.actions)
    command.cancel()
    await asyncio.gather(command, return_exceptions=True)
    answered.set()
    await ready.told("1:Preparing", "StartTransaction", "1:Charging")
    stopped = await ready.perform("stop-transaction", transaction_id="07")
    assert stopped["transaction_id"] == 7


async def test_without_a_link_a_question_to_the_csms_fails_at_once(
    ready: Bench,
) -> None:
    await ready.csms.close()
    await until(lambda: not ready.charger.is_online)
    with pytest.raises(LinkClosed):
        await ready.perform("authorize-id-tag", id_tag="TAG")
    with pytest.raises(LinkClosed):
        await ready.perform(
            "proxy-message", action="heartbeat", ocpp_version="ocpp1.6", payload={}
        )


async def test_a_command_hears_that_its_charger_was_stopped(ready: Bench) -> None:
    ready.csms.answers["Authorize"] = lambda payload: asyncio.Event().wait()
    command = asyncio.create_task(
        ready.charger.perform("authorize-id-tag", {"id_tag": "TAG"})
    )
    await until(lambda: "Authorize" in ready.csms.actions)
    await ready.charger.stop()
    with pytest.raises(LinkClosed):
        await command


async def test_a_full_battery_suspends_the_transaction(ready: Bench) -> None:
    await ready.perform(
        "configuration", configuration={"MeterValueSampleInterval": "0"}
    )
    await ready.perform("start-session", id_tag="TAG")
    ready.csms.forget()
    await ready.clock.advance(60_000 / 22_000 * 3600 + 2000)  # it tapers
    await until(lambda: "1:SuspendedEV" in ready.csms.story)
    assert ready.charger.connectors[1].energy_wh == 60_000
    result = await ready.perform("ev-requests-energy")
    assert result["status"] == "SuspendedEV"


async def test_a_silent_csms_is_named(ready: Bench) -> None:
    assert ready.charger.uplink._link is not None
    ready.charger.uplink._link.session.call_timeout = 0.05
    ready.csms.answers["StatusNotification"] = lambda payload: asyncio.Event().wait()
    with pytest.raises(CallTimeout):
        await ready.perform("plug-connector")


async def test_a_refused_status_is_an_answer_all_the_same(ready: Bench) -> None:
    def refuse(payload: dict[str, Any]) -> dict[str, Any]:
        raise OCPPError("InternalError", "no")

    ready.csms.answers["StatusNotification"] = refuse
    result = await ready.perform("plug-connector")
    assert result["status"] == "Preparing"
    ready.csms.answers["Authorize"] = refuse
    for command in ("authorize-id-tag", "start-session"):
        with pytest.raises(CommandRejected, match="InternalError: no"):
            await ready.perform(command, id_tag="TAG")


async def test_a_stuck_lock_and_a_second_transaction_are_refused(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    with pytest.raises(CommandRejected, match="already has a running transaction"):
        await ready.perform("start-transaction", id_tag="TAG")
    await ready.perform("inject-fault", fault_type="ConnectorLockFailure")
    with pytest.raises(CommandRejected, match="stuck"):
        await ready.perform("unlock-connector")
    with pytest.raises(CommandRejected, match="speaks"):
        await ready.perform(
            "proxy-message", action="heartbeat", ocpp_version="ocpp2.0.1", payload={}
        )
