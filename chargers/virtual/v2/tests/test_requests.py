"""What the CSMS asks for in OCPP 2.x, and what follows."""

import asyncio
from typing import Any

import pytest

from chargers.ocpp.errors import CommandRejected, OCPPError

from ...tests.csms import Bench, until
from .test_sessions import CHARGING, configure, events

TOKEN = {"idToken": "TAG", "type": "ISO14443"}
OTHER = {"idToken": "OTHER", "type": "Central"}


async def status_of(bench: Bench, action: str, **payload: Any) -> str:
    status: str = (await bench.csms.call(action, payload))["status"]
    return status


async def start(bench: Bench, **payload: Any) -> dict[str, Any]:
    return await bench.csms.call(
        "RequestStartTransaction", {"idToken": TOKEN, "remoteStartId": 42, **payload}
    )


def running_id(bench: Bench) -> str:
    transaction_id: str = events(bench)[0]["transactionInfo"]["transactionId"]
    return transaction_id


# -- remote start and stop -------------------------------------------------------------


async def test_a_start_from_remote_tells_who_asked(ready: Bench) -> None:
    await ready.perform("plug-connector")
    assert await start(ready, evseId=1) == {"status": "Accepted"}
    await ready.told("1:Occupied", "Started(RemoteStart:EVConnected)", CHARGING)
    first = events(ready)[0]
    assert first["transactionInfo"]["remoteStartId"] == 42
    assert first["idToken"] == TOKEN
    assert await status_of(
        ready, "RequestStopTransaction", transactionId=running_id(ready)
    ) == ("Accepted")
    await until(lambda: len(events(ready)) == 3)
    assert ready.csms.story[-1] == "Ended(RemoteStop:EVConnected/Remote)"
    assert "idToken" not in events(ready)[-1]


async def test_a_start_from_remote_waits_for_a_cable(ready: Bench) -> None:
    await configure(ready, TxStartPoint="Authorized")
    await start(ready, evseId=1)
    await ready.told("Started(RemoteStart:Idle)")
    await ready.perform("plug-connector")
    await until(lambda: len(ready.csms.calls) == 4)
    assert [s for s in ready.csms.story if "(" in s] == [
        "Started(RemoteStart:Idle)",
        "Updated(CablePluggedIn:EVConnected)",
        CHARGING,
    ]
    assert ready.charger.connectors[1].transaction is not None


async def test_no_cable_in_time_ends_it(ready: Bench) -> None:
    await configure(ready, TxStartPoint="Authorized")
    await start(ready, evseId=1)
    await until(lambda: events(ready))
    await ready.clock.advance(61)
    await ready.told(
        "Started(RemoteStart:Idle)", "Ended(EVConnectTimeout:Idle/Timeout)"
    )


async def test_a_restart_ends_the_wait_for_a_cable(ready: Bench) -> None:
    await configure(ready, TxStartPoint="Authorized")
    await start(ready, evseId=1)
    await until(lambda: events(ready))
    await ready.charger.stop()
    await ready.power_on(connectors=2)
    await until(lambda: "Ended(EVConnectTimeout:Idle/Timeout)" in ready.csms.story)
    await ready.perform("plug-connector")
    assert "Ended" in ready.csms.payloads("TransactionEvent")[-1]["eventType"]


async def test_a_transaction_that_waited_in_vain_may_be_joined(ready: Bench) -> None:
    await configure(ready, TxStartPoint="Authorized", TxStopPoint="EVConnected")
    await start(ready, evseId=1)
    await until(lambda: "Started(RemoteStart:Idle)" in ready.csms.story)
    await ready.clock.advance(61)
    await until(lambda: "Updated(EVConnectTimeout:Idle)" in ready.csms.story)
    answer = await start(ready, evseId=1)
    assert (
        answer["transactionId"] == events(ready)[0]["transactionInfo"]["transactionId"]
    )


async def test_a_start_from_remote_may_join_a_transaction(ready: Bench) -> None:
    await configure(ready, TxStartPoint="EVConnected")
    await ready.perform("plug-connector")
    await until(lambda: events(ready))
    answer = await start(ready, evseId=1)
    assert answer == {"status": "Accepted", "transactionId": running_id(ready)}
    await until(lambda: len(events(ready)) == 3)
    assert "Updated(RemoteStart:EVConnected)" in ready.csms.story


async def test_a_start_from_remote_may_have_to_be_authorized(ready: Bench) -> None:
    await configure(ready, AuthorizeRemoteStart="true")
    await ready.perform("plug-connector")
    ready.csms.answers["Authorize"] = {"idTokenInfo": {"status": "Blocked"}}
    assert (await start(ready))["status"] == "Accepted"
    await ready.told("1:Occupied", "Authorize")
    await until(lambda: ready.charger.charging.place_for(1, "T"))
    del ready.csms.answers["Authorize"]
    await start(ready)
    await until(lambda: events(ready))


@pytest.mark.parametrize("evse", [3, 2])
async def test_a_start_from_remote_is_refused(ready: Bench, evse: int) -> None:
    await ready.perform("inject-fault", connector_id=2, fault_type="OverCurrent")
    assert (await start(ready, evseId=evse))["status"] == "Rejected"


async def test_an_unknown_transaction_is_not_stopped(ready: Bench) -> None:
    assert await status_of(ready, "RequestStopTransaction", transactionId="X") == (
        "Rejected"
    )


async def test_a_transaction_has_a_status(ready: Bench) -> None:
    async def ask(**payload: Any) -> dict[str, Any]:
        return await ready.csms.call("GetTransactionStatus", payload)

    assert await ask() == {"messagesInQueue": False}
    assert await ask(transactionId="X") == {
        "ongoingIndicator": False,
        "messagesInQueue": False,
    }
    await ready.perform("start-session", id_tag="TAG")
    answer = await ask(transactionId=running_id(ready))
    assert answer["ongoingIndicator"] is True
    ready.csms.answers["TransactionEvent"] = lambda event: asyncio.Event().wait()
    stop = asyncio.create_task(
        ready.charger.perform("stop-transaction", {"transaction_id": None})
    )
    await until(lambda: ready.charger.connectors[1].transaction is None)
    assert await ask(transactionId=running_id(ready)) == {
        "ongoingIndicator": False,
        "messagesInQueue": True,
    }
    stop.cancel()


# -- availability, resets, locks -------------------------------------------------------


async def change(bench: Bench, status: str, evse: int = 0, connector: int = 0) -> str:
    payload: dict[str, Any] = {"operationalStatus": status}
    if evse:
        payload["evse"] = {"id": evse}
    if connector:
        payload["evse"]["connectorId"] = connector
    return await status_of(bench, "ChangeAvailability", **payload)


async def test_a_station_is_set_out_of_service_and_back(ready: Bench) -> None:
    assert await change(ready, "Inoperative", 2, 1) == "Accepted"
    await ready.told("2:Unavailable")
    assert await change(ready, "Inoperative") == "Accepted"
    await ready.told("2:Unavailable", "1:Unavailable")
    await ready.kill()
    ready.csms.forget()
    await ready.power_on(connectors=2)
    await ready.told("BootNotification", "1:Unavailable", "2:Unavailable")
    ready.csms.forget()
    assert await change(ready, "Operative") == "Accepted"
    await ready.told("1:Available")  # the other one was set by itself
    assert await change(ready, "Operative", 2, 1) == "Accepted"
    await ready.told("1:Available", "2:Available")
    assert await change(ready, "Operative", 3) == "Rejected"
    assert await change(ready, "Operative", 1, 2) == "Rejected"


async def test_availability_waits_for_a_transaction(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    assert await change(ready, "Inoperative", 1) == "Scheduled"
    ready.csms.forget()
    await ready.perform("stop-session")
    await until(lambda: "1:Unavailable" in ready.csms.story)
    assert ready.charger.connectors[2].is_operative


async def test_a_reset_ends_transactions_and_boots(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    ready.csms.forget()
    assert await status_of(ready, "Reset", type="Immediate") == "Accepted"
    await until(lambda: ready.csms.story)
    await until(lambda: not ready.charger.is_online)
    await ready.clock.advance(1)
    await until(lambda: len(ready.csms.story) == 4)
    assert ready.csms.story == [
        "Ended(ResetCommand:EVConnected/ImmediateReset)",
        "BootNotification",
        "1:Occupied",
        "2:Available",
    ]
    assert ready.csms.payloads("BootNotification")[0]["reason"] == "RemoteReset"


async def test_a_reset_may_wait_until_all_is_idle(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    assert await status_of(ready, "Reset", type="OnIdle") == "Scheduled"
    ready.csms.forget()
    stop = asyncio.create_task(ready.perform("stop-session"))
    await until(lambda: not ready.charger.is_online)
    await ready.clock.advance(1)
    await stop
    assert ready.csms.payloads("BootNotification")[0]["reason"] == "ScheduledReset"


async def test_one_evse_is_reset_without_a_boot(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG", connector_id=1)
    await ready.perform("start-session", id_tag="TAG", connector_id=2)
    ready.csms.forget()
    assert await status_of(ready, "Reset", type="Immediate", evseId=1) == "Accepted"
    await ready.told("Ended(ResetCommand:EVConnected/ImmediateReset)")
    assert ready.charger.connectors[2].transaction is not None
    assert await status_of(ready, "Reset", type="Immediate", evseId=9) == "Rejected"


async def test_a_connector_is_unlocked_unless_it_is_in_use(ready: Bench) -> None:
    async def unlock(evse: int, connector: int) -> str:
        return await status_of(
            ready, "UnlockConnector", evseId=evse, connectorId=connector
        )

    assert await unlock(1, 1) == "Unlocked"
    assert await unlock(1, 2) == "UnknownConnector"
    assert await unlock(3, 1) == "UnknownConnector"
    await ready.perform("start-session", id_tag="TAG")
    assert await unlock(1, 1) == "OngoingAuthorizedTransaction"
    await ready.perform(
        "inject-fault", connector_id=2, fault_type="ConnectorLockFailure"
    )
    assert await unlock(2, 1) == "UnlockFailed"


# -- triggers --------------------------------------------------------------------------


async def trigger(bench: Bench, message: str, **evse: int) -> str:
    payload: dict[str, Any] = {"requestedMessage": message}
    if evse:
        payload["evse"] = evse
    return await status_of(bench, "TriggerMessage", **payload)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Heartbeat", {}),
        ("FirmwareStatusNotification", {"status": "Idle"}),
        ("LogStatusNotification", {"status": "Idle"}),
    ],
)
async def test_a_triggered_message_follows(
    ready: Bench, message: str, told: dict[str, Any]
) -> None:
    assert await trigger(ready, message) == "Accepted"
    await ready.told(message)
    assert ready.csms.payloads(message) == [told]


async def test_triggers_about_evses(ready: Bench) -> None:
    assert await trigger(ready, "StatusNotification") == "Rejected"
    assert await trigger(ready, "StatusNotification", id=2, connectorId=1) == "Accepted"
    await ready.told("2:Available")
    ready.csms.forget()
    assert await trigger(ready, "MeterValues") == "Accepted"
    await ready.told("MeterValues", "MeterValues")
    values = ready.csms.payloads("MeterValues")[0]["meterValue"][0]["sampledValue"]
    assert values[0]["context"] == "Trigger"
    assert await trigger(ready, "TransactionEvent") == "Rejected"
    await ready.perform("start-session", id_tag="TAG")
    ready.csms.forget()
    assert await trigger(ready, "TransactionEvent", id=1) == "Accepted"
    await ready.told("Updated(Trigger:Charging)")
    assert events(ready)[0]["meterValue"]
    assert await trigger(ready, "MeterValues", id=9) == "Rejected"
    assert await trigger(ready, "BootNotification") == "Rejected"
    assert await trigger(ready, "PublishFirmwareStatusNotification") == (
        "NotImplemented"
    )


async def test_meter_values_are_not_triggered_where_nothing_is_measured(
    ready: Bench,
) -> None:
    await configure(ready, AlignedDataCtrlr_Measurands="")
    assert await trigger(ready, "MeterValues") == "Rejected"
    await ready.told()


async def test_a_boot_may_be_triggered_while_it_is_pending(bench: Bench) -> None:
    answers = [
        {"status": "Pending", "interval": 300},
        {"status": "Accepted", "interval": 60},
    ]
    bench.csms.answers["BootNotification"] = lambda payload: {
        "currentTime": "2026-01-01T00:00:00Z",
        **answers.pop(0),
    }
    bench.dial(connectors=1)
    await until(lambda: bench.csms.story == ["BootNotification"])
    await until(lambda: bench.links)
    assert await trigger(bench, "BootNotification") == "Accepted"
    await until(lambda: len(bench.csms.story) == 3)
    reasons = [boot["reason"] for boot in bench.csms.payloads("BootNotification")]
    assert reasons == ["PowerUp", "Triggered"]


# -- lists and reservations ------------------------------------------------------------


def entry(token: dict[str, str], status: str | None = "Accepted") -> dict[str, Any]:
    return {"idToken": token, **({"idTokenInfo": {"status": status}} if status else {})}


async def test_local_lists_come_whole_or_in_parts(ready: Bench) -> None:
    async def send(version: int, update: str, *entries: dict[str, Any]) -> str:
        payload: dict[str, Any] = {"versionNumber": version, "updateType": update}
        if entries:
            payload["localAuthorizationList"] = list(entries)
        return await status_of(ready, "SendLocalList", **payload)

    async def version() -> int:
        number: int = (await ready.csms.call("GetLocalListVersion", {}))[
            "versionNumber"
        ]
        return number

    assert await version() == 0
    assert await send(3, "Full", entry(TOKEN), entry(OTHER)) == "Accepted"
    assert await send(3, "Differential", entry(TOKEN)) == "VersionMismatch"
    assert await send(0, "Full") == "Failed"
    assert await send(4, "Full", entry(TOKEN), entry(TOKEN)) == "Failed"
    assert await send(4, "Differential", entry(TOKEN, None)) == "Accepted"
    assert len(ready.charger.local_list) == 1
    assert ready.charger.local_list.find("central:other") == {"status": "Accepted"}
    assert await send(5, "Differential") == "Accepted"
    assert await version() == 5
    await configure(ready, LocalAuthListCtrlr_Enabled="false")
    assert await version() == 0
    assert await send(6, "Full") == "Failed"


async def test_the_local_list_authorizes_before_the_csms_does(ready: Bench) -> None:
    await configure(ready, LocalPreAuthorize="true")
    await ready.csms.call(
        "SendLocalList",
        {
            "versionNumber": 1,
            "updateType": "Full",
            "localAuthorizationList": [entry(TOKEN)],
        },
    )
    await ready.perform("start-session", id_tag="TAG")
    assert "Authorize" not in ready.csms.actions


async def test_a_refused_token_may_be_left_unasked(ready: Bench) -> None:
    ready.csms.answers["Authorize"] = {"idTokenInfo": {"status": "Blocked"}}
    for _ in range(2):
        with pytest.raises(CommandRejected, match="Blocked"):
            await ready.perform("start-session", id_tag="TAG")
    assert len(ready.csms.payloads("Authorize")) == 2
    await configure(ready, AuthCacheCtrlr_DisablePostAuthorize="true")
    with pytest.raises(CommandRejected, match="Blocked"):
        await ready.perform("start-session", id_tag="TAG")
    assert len(ready.csms.payloads("Authorize")) == 2


async def test_what_is_cached_has_its_time(ready: Bench) -> None:
    await configure(ready, LifeTime="600", LocalPreAuthorize="true")
    await ready.perform("authorize-id-tag", id_tag="TAG")
    await ready.perform("start-session", id_tag="TAG")
    await ready.perform("stop-session")
    assert len(ready.csms.payloads("Authorize")) == 1
    await ready.clock.advance(601)
    await ready.perform("start-session", id_tag="TAG")
    assert len(ready.csms.payloads("Authorize")) == 2


async def test_a_master_pass_starts_nothing(ready: Bench) -> None:
    await configure(ready, MasterPassGroupId="MASTERS")
    group = {"idToken": "Masters", "type": "Central"}
    ready.csms.answers["Authorize"] = {
        "idTokenInfo": {"status": "Accepted", "groupIdToken": group}
    }
    with pytest.raises(CommandRejected, match="Invalid"):
        await ready.perform("start-session", id_tag="TAG")


async def test_a_master_pass_stops_everything(ready: Bench) -> None:
    await configure(ready, MasterPassGroupId="MASTERS")
    for number in (1, 2):
        await ready.perform("start-session", id_tag="TAG", connector_id=number)
    ready.csms.forget()
    group = {"idToken": "Masters", "type": "Central"}
    ready.csms.answers["Authorize"] = {
        "idTokenInfo": {"status": "Accepted", "groupIdToken": group}
    }
    await ready.perform("authorize-id-tag", id_tag="BOSS")
    end = "Ended(StopAuthorized:EVConnected/MasterPass)"
    await ready.told("Authorize", end, end)


async def test_without_authorization_anybody_charges(ready: Bench) -> None:
    await configure(ready, AuthCtrlr_Enabled="false")
    await ready.perform("start-session", id_tag="TAG")
    assert "Authorize" not in ready.csms.actions


async def test_a_transaction_that_was_stopped_is_not_joined(ready: Bench) -> None:
    await configure(ready, TxStopPoint="EVConnected")
    await ready.perform("plug-connector")
    await ready.perform("start-transaction", id_tag="TAG")
    await ready.perform("stop-transaction")
    assert (await start(ready, evseId=1))["status"] == "Rejected"


async def test_the_csms_may_never_be_asked(ready: Bench) -> None:
    await configure(ready, DisableRemoteAuthorization="true")
    with pytest.raises(CommandRejected, match="Unknown"):
        await ready.perform("start-session", id_tag="TAG")
    assert "Authorize" not in ready.csms.actions


async def test_the_cache_is_cleared_where_there_is_one(ready: Bench) -> None:
    await ready.perform("authorize-id-tag", id_tag="TAG")
    assert await status_of(ready, "ClearCache") == "Accepted"
    assert (await ready.perform("cache/reset"))["cleared_entries"] == 0
    await configure(ready, AuthCacheCtrlr_Enabled="false")
    assert await status_of(ready, "ClearCache") == "Rejected"


async def reserve(bench: Bench, reservation: int, **payload: Any) -> str:
    return await status_of(
        bench,
        "ReserveNow",
        id=reservation,
        idToken=TOKEN,
        expiryDateTime="2026-01-01T01:00:00Z",
        **payload,
    )


async def test_a_reservation_is_used_up_by_its_token(ready: Bench) -> None:
    assert await reserve(ready, 7, evseId=1) == "Accepted"
    await ready.told("1:Reserved")
    assert await reserve(ready, 8, evseId=1) == "Occupied"
    assert (await start(ready, evseId=1, idToken=OTHER))["status"] == "Rejected"
    ready.csms.forget()
    await ready.perform("plug-connector", connector_id=1)
    await start(ready, evseId=1)
    await until(lambda: len(events(ready)) == 2)
    assert events(ready)[0]["reservationId"] == 7
    assert "reservationId" not in events(ready)[1]
    await until(lambda: "1:Occupied" in ready.csms.story)
    assert "ReservationStatusUpdate" not in ready.csms.actions


async def test_a_reservation_is_used_up_by_one_who_has_yet_to_plug_in(
    ready: Bench,
) -> None:
    await configure(ready, TxStartPoint="Authorized")
    await reserve(ready, 7, evseId=1)
    await ready.told("1:Reserved")
    await start(ready, evseId=1)
    await until(lambda: len(ready.csms.story) == 3)
    assert set(ready.csms.story[1:]) == {"Started(RemoteStart:Idle)", "1:Available"}
    assert events(ready)[0]["reservationId"] == 7
    await ready.perform("plug-connector")
    await until(lambda: len(events(ready)) == 3)
    assert not any("reservationId" in event for event in events(ready)[1:])


async def test_a_group_may_use_a_reservation(ready: Bench) -> None:
    group = {"idToken": "GROUP", "type": "Central"}
    assert await reserve(ready, 7, evseId=1, groupIdToken=group) == "Accepted"
    await ready.perform("plug-connector", connector_id=1)
    answer = await start(ready, evseId=1, idToken=OTHER, groupIdToken=group)
    assert answer["status"] == "Accepted"
    await until(lambda: events(ready))


async def test_a_reservation_ends_by_itself(ready: Bench) -> None:
    await reserve(ready, 7, evseId=1)
    await reserve(ready, 8, evseId=2)
    await until(lambda: len(ready.csms.calls) == 2)
    ready.csms.forget()
    await ready.perform("inject-fault", connector_id=2, fault_type="OverCurrent")
    await ready.clock.advance(3601)
    await until(lambda: len(ready.csms.payloads("ReservationStatusUpdate")) == 2)
    assert ready.csms.payloads("ReservationStatusUpdate") == [
        {"reservationId": 8, "reservationUpdateStatus": "Removed"},
        {"reservationId": 7, "reservationUpdateStatus": "Expired"},
    ]
    await until(lambda: "1:Available" in ready.csms.story)


async def test_reservations_are_refused_and_cancelled(ready: Bench) -> None:
    assert await reserve(ready, 7, connectorType="cCCS1") == "Rejected"
    assert await reserve(ready, 7, connectorType="sType2") == "Accepted"
    assert await status_of(ready, "CancelReservation", reservationId=7) == "Accepted"
    assert await status_of(ready, "CancelReservation", reservationId=7) == "Rejected"
    await ready.perform("plug-connector", connector_id=1)
    assert await reserve(ready, 9, evseId=1) == "Occupied"
    await change(ready, "Inoperative", 2)
    assert await reserve(ready, 9, evseId=2) == "Unavailable"
    await configure(ready, ReservationCtrlr_Enabled="false")
    assert await reserve(ready, 10) == "Rejected"


async def test_the_rest(ready: Bench) -> None:
    assert await status_of(ready, "DataTransfer", vendorId="X") == "UnknownVendorId"
    own = {"vendorId": "com.ocpplab"}
    assert await status_of(ready, "DataTransfer", **own) == "UnknownMessageId"
    assert await ready.csms.call(
        "DataTransfer", {**own, "messageId": "echo", "data": {"a": 1}}
    ) == {"status": "Accepted", "data": {"a": 1}}
    assert ready.csms.session is not None
    with pytest.raises(OCPPError, match="NotImplemented"):
        await ready.csms.session.call("MakeCoffee", {}, validate=False)
