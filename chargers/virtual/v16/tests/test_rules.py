"""What the text of OCPP 1.6 and its errata ask of a charger, rule by rule."""

import asyncio
from typing import Any

import pytest

from chargers.ocpp.errors import CommandRejected, OCPPError

from ...tests.csms import Bench, until
from .test_requests import change, status_of


async def trigger(bench: Bench, action: str, connector: int | None = None) -> str:
    payload: dict[str, Any] = {"requestedMessage": action}
    if connector is not None:
        payload["connectorId"] = connector
    return await status_of(bench, "TriggerMessage", **payload)


# -- boot (4.2) and triggers (5.17) ----------------------------------------------------


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_the_answer_to_a_triggered_boot_is_heeded(
    ready: Bench, status: str
) -> None:
    ready.csms.answers["BootNotification"] = {
        "status": status,
        "currentTime": "2026-01-01T00:00:00Z",
        "interval": 20,
    }
    assert await trigger(ready, "BootNotification") == "Accepted"
    await until(lambda: (False, f"boot {status.lower()}") in ready.links)
    assert ready.charger.is_online is False
    del ready.csms.answers["BootNotification"]
    await until(lambda: 20 in ready.clock.sleeps)
    assert ready.csms.actions == ["BootNotification"]
    await ready.clock.advance(20)
    await ready.told(
        "BootNotification",
        "BootNotification",
        "0:Available",
        "1:Available",
        "2:Available",
    )


async def test_a_pending_charger_neither_starts_nor_stops_from_remote(
    bench: Bench,
) -> None:
    bench.csms.answers["BootNotification"] = {
        "status": "Pending",
        "currentTime": "2026-01-01T00:00:00Z",
        "interval": 20,
    }
    bench.dial()
    await until(lambda: (False, "boot pending") in bench.links)
    assert await status_of(bench, "RemoteStartTransaction", idTag="T") == "Rejected"
    assert await status_of(bench, "RemoteStopTransaction", transactionId=1) == (
        "Rejected"
    )
    assert await change(bench, "HeartbeatInterval", "77") == "Accepted"
    assert await trigger(bench, "Heartbeat") == "Accepted"
    await bench.told("BootNotification", "Heartbeat")


async def test_a_connector_that_says_nothing_to_a_message_is_ignored(
    ready: Bench,
) -> None:
    assert await trigger(ready, "Heartbeat", 99) == "Accepted"
    await ready.told("Heartbeat")
    assert await trigger(ready, "MeterValues", 99) == "Rejected"


async def test_what_is_no_message_is_logged_and_passed_over(ready: Bench) -> None:
    assert ready.csms._connection is not None
    await ready.csms._connection.send("[2]")
    assert await trigger(ready, "Heartbeat") == "Accepted"
    await ready.told("Heartbeat")
    assert ready.charger.security.lines(None, None)[-1].endswith("InvalidMessages")
    assert "InvalidMessages" not in ready.csms.security_events


async def test_the_main_meter_is_that_of_connector_0(ready: Bench) -> None:
    await change(
        ready, "MeterValuesSampledData", "Energy.Active.Import.Register,Power.Offered"
    )
    for number in (1, 2):
        await ready.perform("start-session", id_tag="T", connector_id=number)
    await ready.clock.advance(30)
    ready.csms.forget()
    assert await trigger(ready, "MeterValues", 0) == "Accepted"
    await ready.told("MeterValues")
    (payload,) = ready.csms.payloads("MeterValues")
    assert payload["connectorId"] == 0
    assert "transactionId" not in payload
    values = payload["meterValue"][0]["sampledValue"]
    total = sum(outlet.energy_wh for outlet in ready.charger.outlets)
    assert [value["value"] for value in values] == [str(total), "44000"]


async def test_a_triggered_sample_takes_nothing_from_the_next(ready: Bench) -> None:
    key = "Energy.Active.Import.Interval"
    await change(ready, "MeterValuesSampledData", key)
    await ready.perform("start-session", id_tag="T", connector_id=1)
    ready.csms.forget()
    await ready.clock.advance(30)
    assert await trigger(ready, "MeterValues", 1) == "Accepted"
    await ready.told("MeterValues")
    await ready.clock.advance(30)
    await ready.told("MeterValues", "MeterValues")
    values = [
        payload["meterValue"][0]["sampledValue"][0]["value"]
        for payload in ready.csms.payloads("MeterValues")
    ]
    assert values == ["183", "366"]


async def test_a_pending_charger_measures_when_it_is_triggered(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="T", connector_id=1)
    await ready.charger.stop()
    ready.csms.answers["BootNotification"] = {
        "status": "Pending",
        "currentTime": "2026-01-01T00:00:00Z",
        "interval": 20,
    }
    ready.csms.forget()
    ready.dial(connectors=2)
    await until(lambda: (False, "boot pending") in ready.links)
    assert await trigger(ready, "MeterValues", 1) == "Accepted"
    await ready.told("BootNotification", "MeterValues")
    assert ready.csms.payloads("MeterValues")[0]["transactionId"] == 1


async def test_nothing_to_measure_is_nothing_to_trigger(ready: Bench) -> None:
    await change(ready, "MeterValuesSampledData", "")
    assert await trigger(ready, "MeterValues") == "Rejected"


# -- configuration (5.8, 9) ------------------------------------------------------------


async def test_keys_are_found_whatever_their_case(ready: Bench) -> None:
    answer = await ready.csms.call("GetConfiguration", {"key": ["heartbeatinterval"]})
    assert answer["configurationKey"][0]["key"] == "HeartbeatInterval"
    assert "unknownKey" not in answer


async def test_pings_come_at_the_interval_that_is_set(ready: Bench) -> None:
    connection = ready.charger.uplink._link._connection  # type: ignore[union-attr]
    assert connection.ping_interval == 60
    assert await change(ready, "WebSocketPingInterval", "7") == "Accepted"
    assert connection.ping_interval == 7
    assert await change(ready, "WebSocketPingInterval", "0") == "Accepted"
    assert connection.ping_interval is None
    assert await change(ready, "WebSocketPingInterval", "-1") == "Rejected"


async def test_a_rotation_of_phases_is_in_force_after_a_reboot(ready: Bench) -> None:
    assert await change(ready, "ConnectorPhaseRotation", "1.TSR") == "RebootRequired"
    assert ready.charger.settings.rotation(1) == "RST"
    await status_of(ready, "Reset", type="Soft")
    await until(lambda: 1.0 in ready.clock.sleeps)
    await ready.clock.advance(1)
    await until(lambda: ready.charger.settings.rotation(1) == "TSR")


# -- data transfer (4.3), local list (3.5.2, 6.41) -------------------------------------


async def test_data_transfer_tells_vendors_and_messages_apart(ready: Bench) -> None:
    async def send(**payload: Any) -> Any:
        return await ready.csms.call("DataTransfer", payload)

    assert await send(vendorId="org.else") == {"status": "UnknownVendorId"}
    own = {"vendorId": "com.ocpplab"}
    assert await send(**own, messageId="x") == {"status": "UnknownMessageId"}
    echo = await send(**own, messageId="echo", data="hello")
    assert echo == {"status": "Accepted", "data": "hello"}


async def test_an_empty_list_has_version_0_and_no_other_has(ready: Bench) -> None:
    async def send(version: int, *tags: str) -> str:
        entries = [{"idTag": t, "idTagInfo": {"status": "Accepted"}} for t in tags]
        return await status_of(
            ready,
            "SendLocalList",
            listVersion=version,
            updateType="Full",
            localAuthorizationList=entries,
        )

    assert await send(0, "A") == "Failed"
    assert await send(-1, "A") == "Failed"
    assert await send(5, "A") == "Accepted"
    assert await send(6) == "Accepted"
    assert await ready.csms.call("GetLocalListVersion", {}) == {"listVersion": 0}


async def test_the_csms_hears_that_it_contradicts_its_list(ready: Bench) -> None:
    await change(ready, "LocalPreAuthorize", "true")
    await status_of(
        ready,
        "SendLocalList",
        listVersion=1,
        updateType="Full",
        localAuthorizationList=[{"idTag": "T", "idTagInfo": {"status": "Accepted"}}],
    )
    ready.csms.answers["StartTransaction"] = {
        "transactionId": 4,
        "idTagInfo": {"status": "Blocked"},
    }
    with pytest.raises(CommandRejected):
        await ready.perform("start-session", id_tag="T")
    told = ready.csms.payloads("StatusNotification")
    await until(
        lambda: any(
            payload["errorCode"] == "LocalListConflict" and payload["connectorId"] == 0
            for payload in ready.csms.payloads("StatusNotification")
        )
    )
    assert told


# -- authorization (3.5) ---------------------------------------------------------------


async def test_what_is_known_to_be_invalid_is_refused_offline(ready: Bench) -> None:
    await ready.perform(
        "local-auth-list",
        list_version=1,
        entries=[{"id_tag": "OLD", "expiry_date": "2025-01-01T00:00:00Z"}],
    )
    await change(ready, "AllowOfflineTxForUnknownId", "true")
    await ready.csms.close()
    await until(lambda: not ready.charger.is_online)
    assert (await ready.charger.authorizer.authorize("OLD"))["status"] == "Expired"
    assert (await ready.charger.authorizer.authorize("NEW"))["status"] == "Accepted"


async def test_a_session_begins_offline_for_whom_the_charger_knows(
    ready: Bench,
) -> None:
    await ready.perform("authorize-id-tag", id_tag="FRIEND")
    await ready.perform(
        "local-auth-list",
        list_version=1,
        entries=[{"id_tag": "OLD", "expiry_date": "2025-01-01T00:00:00Z"}],
    )
    await ready.csms.close()
    await until(lambda: not ready.charger.is_online)
    with pytest.raises(CommandRejected, match="Expired"):
        await ready.perform("start-session", id_tag="OLD", connector_id=1)
    started = asyncio.create_task(
        ready.perform("start-session", id_tag="FRIEND", connector_id=2)
    )
    await until(lambda: ready.charger.connectors[2].status == "Charging")
    started.cancel()


# -- status (4.9) ----------------------------------------------------------------------


async def test_an_ev_that_leaves_suspends_where_that_stops_nothing(
    ready: Bench,
) -> None:
    await change(ready, "StopTransactionOnEVSideDisconnect", "false")
    await ready.perform("start-session", id_tag="T")
    ready.csms.forget()
    await ready.perform("unplug-connector")
    (payload,) = ready.csms.payloads("StatusNotification")
    assert payload["status"] == "SuspendedEV"
    assert payload["errorCode"] == "NoError"
    assert payload["info"] == "EV side disconnected"
    await ready.perform("plug-connector")
    await ready.told("1:SuspendedEV", "1:Charging")


async def test_an_ev_that_leaves_ends_its_transaction_in_finishing(
    ready: Bench,
) -> None:
    await ready.perform("start-session", id_tag="T")
    ready.csms.forget()
    await ready.perform("unplug-connector")
    await ready.told("StopTransaction(EVDisconnected)", "1:Finishing", "1:Available")
    finishing, available = ready.csms.payloads("StatusNotification")
    assert finishing["info"] == "EV side disconnected"
    assert "info" not in available


async def test_trouble_in_talking_to_the_ev_is_but_a_warning(ready: Bench) -> None:
    with pytest.raises(CommandRejected, match="no EV"):
        await ready.perform("inject-fault", fault_type="EVCommunicationError")
    await ready.perform("start-session", id_tag="T")
    ready.csms.forget()
    await ready.perform("inject-fault", fault_type="EVCommunicationError")
    await ready.perform("clear-fault")
    await ready.told("1:SuspendedEVSE", "1:Charging")
    suspended, _ = ready.csms.payloads("StatusNotification")
    assert suspended["errorCode"] == "EVCommunicationError"
    await ready.perform("stop-transaction")
    await ready.perform("inject-fault", fault_type="EVCommunicationError")
    ready.csms.forget()
    request = {"connectorId": 1, "type": "Inoperative"}
    assert await status_of(ready, "ChangeAvailability", **request) == "Accepted"
    await ready.told("1:Unavailable")  # where it is no matter
    assert ready.csms.payloads("StatusNotification")[0]["errorCode"] == "NoError"


# -- smart charging --------------------------------------------------------------------


async def test_a_profile_for_no_connector_is_an_error(ready: Bench) -> None:
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
        },
    }
    with pytest.raises(OCPPError, match="PropertyConstraintViolation"):
        await ready.csms.call(
            "SetChargingProfile", {"connectorId": 9, "csChargingProfiles": profile}
        )


async def test_a_composite_schedule_in_amperes_is_for_the_fewest_phases(
    ready: Bench,
) -> None:
    for purpose, connector, limit, phases in (
        ("ChargePointMaxProfile", 0, 31.1, 1),
        ("TxDefaultProfile", 1, 14.7, None),
    ):
        period = {"startPeriod": 0, "limit": limit}
        profile = {
            "chargingProfileId": connector,
            "stackLevel": 0,
            "chargingProfilePurpose": purpose,
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "startSchedule": "2026-01-01T00:00:00Z",
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [
                    {**period, "numberPhases": phases} if phases else period
                ],
            },
        }
        request = {"connectorId": connector, "csChargingProfiles": profile}
        assert await status_of(ready, "SetChargingProfile", **request) == "Accepted"
    answer = await ready.csms.call(
        "GetCompositeSchedule",
        {"connectorId": 1, "duration": 60, "chargingRateUnit": "A"},
    )
    schedule = answer["chargingSchedule"]
    assert "startSchedule" not in schedule
    assert schedule["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 14.7, "numberPhases": 1}
    ]
