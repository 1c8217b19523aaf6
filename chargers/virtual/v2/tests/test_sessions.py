"""Sessions of OCPP 2.x: the TransactionEvents they cause, in their order."""

import asyncio
import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from chargers.ocpp.errors import CommandRejected
from chargers.ocpp.versions import Version

from ...tests.csms import Bench, until

READY = ["BootNotification", "1:Available", "2:Available"]
STARTED = "Started(Authorized:EVConnected)"
CHARGING = "Updated(ChargingStateChanged:Charging)"
ENDED = "Ended(StopAuthorized:EVConnected/Local)"


def events(bench: Bench) -> list[dict[str, Any]]:
    return bench.csms.payloads("TransactionEvent")


async def configure(bench: Bench, **settings: str) -> None:
    configuration = {name.replace("_", "."): text for name, text in settings.items()}
    result = await bench.perform("configuration", configuration=configuration)
    assert result["status"] == "Accepted", result


async def test_a_charger_boots_and_reports_its_connectors(bench: Bench) -> None:
    await bench.power_on(connectors=2)
    assert bench.csms.story == READY
    assert bench.csms.payloads("BootNotification") == [
        {
            "reason": "PowerUp",
            "chargingStation": {
                "model": "Virtual",
                "vendorName": "OCPPLAB",
                "firmwareVersion": "1.0.0",
            },
        }
    ]
    await bench.clock.advance(3600)
    await until(lambda: "Heartbeat" in bench.csms.actions)


async def test_a_plain_session_goes_by_the_book(ready: Bench) -> None:
    await ready.perform("plug-connector")
    verdict = await ready.perform("authorize-id-tag", id_tag="TAG")
    started = await ready.perform("start-transaction", id_tag="TAG")
    await ready.clock.advance(60)
    stopped = await ready.perform(
        "stop-transaction", transaction_id=started["transaction_id"]
    )
    unplugged = await ready.perform("unplug-connector")
    await ready.told(
        "1:Occupied",
        "Authorize",
        STARTED,
        CHARGING,
        "Updated(MeterValuePeriodic:Charging)",
        ENDED,
        "1:Available",
    )
    told = events(ready)
    assert verdict == {
        "id_tag": "TAG",
        "status": "Accepted",
        "id_tag_info": {"status": "Accepted"},
    }
    transaction_id = told[0]["transactionInfo"]["transactionId"]
    assert started == {
        "transaction_id": transaction_id,
        "connector_id": 1,
        "id_tag": "TAG",
        "status": "Accepted",
    }
    assert stopped == {
        "transaction_id": transaction_id,
        "meter_stop_wh": 366,
        "reason": "Local",
    }
    assert unplugged == {"connector_id": 1, "status": "Available"}
    assert [event["seqNo"] for event in told] == [0, 1, 2, 3]
    assert {event["transactionInfo"]["transactionId"] for event in told} == {
        transaction_id
    }
    assert not any(event["offline"] for event in told)
    token = {"idToken": "TAG", "type": "ISO14443"}
    assert [event.get("idToken") for event in told] == [token, None, None, token]
    assert [event.get("numberOfPhasesUsed") for event in told] == [None, 3, 3, None]
    assert told[0]["evse"] == {"id": 1, "connectorId": 1}


async def test_meter_values_begin_go_on_and_end(ready: Bench) -> None:
    await configure(
        ready, TxUpdatedInterval="10", SampledDataCtrlr_TxEndedInterval="20"
    )
    await ready.perform("start-session", id_tag="TAG")
    await ready.clock.advance(45)
    await ready.perform("stop-session")
    told = events(ready)
    contexts = [
        [value["sampledValue"][0]["context"] for value in event.get("meterValue", [])]
        for event in told
    ]
    assert contexts == [
        ["Transaction.Begin"],
        [],
        *[["Sample.Periodic"]] * 4,
        ["Transaction.Begin", "Sample.Periodic", "Sample.Periodic", "Transaction.End"],
    ]
    sample = told[2]["meterValue"][0]["sampledValue"]
    assert {
        "value": 61.0,
        "context": "Sample.Periodic",
        "measurand": "Energy.Active.Import.Register",
        "unitOfMeasure": {"unit": "Wh"},
    } in sample


async def test_a_transaction_of_connection_time(ready: Bench) -> None:
    await configure(ready, TxStartPoint="EVConnected", TxStopPoint="EVConnected")
    await ready.perform("plug-connector")
    await ready.perform("start-transaction", id_tag="TAG")
    await ready.perform("stop-transaction")
    unplugged = await ready.perform("unplug-connector")
    await until(lambda: len(events(ready)) == 5)
    assert [s for s in ready.csms.story if "(" in s] == [
        "Started(CablePluggedIn:EVConnected)",
        "Updated(Authorized:EVConnected)",
        CHARGING,
        "Updated(StopAuthorized:EVConnected)",
        "Ended(EVCommunicationLost:Idle/Local)",
    ]
    assert unplugged == {"connector_id": 1, "status": "Available"}
    assert "idToken" not in events(ready)[0]


async def test_a_transaction_of_energy_ends_when_the_ev_has_enough(
    ready: Bench,
) -> None:
    await configure(ready, TxStartPoint="EnergyTransfer", TxStopPoint="EnergyTransfer")
    await ready.perform("plug-connector")
    await ready.perform("start-transaction", id_tag="TAG")
    await ready.perform("ev-stops-energy")
    await ready.told(
        "1:Occupied",
        "Started(ChargingStateChanged:Charging)",
        "Ended(ChargingStateChanged:EVConnected/StoppedByEV)",
    )
    assert ready.charger.connectors[1].transaction is None


async def test_a_parking_bay_sees_the_ev_first(ready: Bench) -> None:
    await configure(
        ready, TxStartPoint="ParkingBayOccupancy", TxStopPoint="ParkingBayOccupancy"
    )
    await ready.perform("start-session", id_tag="TAG")
    await ready.perform("stop-session")
    await until(lambda: len(events(ready)) == 7)
    assert [s for s in ready.csms.story if "(" in s] == [
        "Started(EVDetected:EVConnected)",
        "Updated(CablePluggedIn:EVConnected)",
        "Updated(Authorized:EVConnected)",
        CHARGING,
        "Updated(StopAuthorized:EVConnected)",
        "Updated(EVCommunicationLost:Idle)",
        "Ended(EVDeparted:Idle/Local)",
    ]


async def test_the_ev_suspends_and_goes_on(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    ready.csms.forget()
    assert (await ready.perform("ev-stops-energy"))["status"] == "SuspendedEV"
    await ready.perform("ev-requests-energy")
    await ready.perform("power-update", power_w=0)
    await until(lambda: len(ready.csms.calls) == 4)
    assert [s for s in ready.csms.story if s != "NotifyChargingLimit"] == [
        "Updated(ChargingStateChanged:SuspendedEV)",
        CHARGING,
        "Updated(ChargingStateChanged:SuspendedEVSE)",
    ]


async def test_a_transaction_may_survive_a_cable_that_is_out(ready: Bench) -> None:
    await configure(ready, TxStopPoint="Authorized", StopTxOnEVSideDisconnect="false")
    await ready.perform("plug-connector")
    await ready.perform("start-transaction", id_tag="TAG")
    ready.csms.forget()
    await ready.perform("unplug-connector")
    await until(lambda: len(ready.csms.calls) == 2)
    await ready.perform("plug-connector")
    await until(lambda: len(ready.csms.calls) == 5)
    assert [s for s in ready.csms.story if "(" in s] == [
        "Updated(EVCommunicationLost:Idle)",
        "Updated(CablePluggedIn:EVConnected)",
        CHARGING,
    ]


@pytest.mark.parametrize("point", ["EnergyTransfer", "DataSigned", "PowerPathClosed"])
async def test_a_cable_that_is_out_may_end_a_transaction_for_good(
    ready: Bench, point: str
) -> None:
    await configure(ready, TxStopPoint=point, StopTxOnEVSideDisconnect="false")
    await ready.perform("plug-connector")
    await ready.perform("start-transaction", id_tag="TAG")
    ready.csms.forget()
    await ready.perform("unplug-connector")
    await ready.perform("plug-connector")
    await until(lambda: "1:Occupied" in ready.csms.story)
    assert [s for s in ready.csms.story if "(" in s] == [
        "Ended(EVCommunicationLost:Idle/EVDisconnected)"
    ]
    assert ready.charger.connectors[1].transaction is None


async def test_a_cable_of_the_charger_has_to_be_back_in_time(bench: Bench) -> None:
    await bench.power_on(current_type="dc")
    await configure(bench, TxStopPoint="Authorized", StopTxOnEVSideDisconnect="false")
    await bench.perform("plug-connector")
    await bench.perform("start-transaction", id_tag="TAG")
    await bench.perform("unplug-connector")
    await bench.clock.advance(61)
    end = "Ended(EVConnectTimeout:Idle/Timeout)"
    await until(lambda: end in bench.csms.story)


async def test_each_time_that_the_cable_is_out_counts_anew(bench: Bench) -> None:
    await bench.power_on(current_type="dc")
    await configure(bench, TxStopPoint="Authorized", StopTxOnEVSideDisconnect="false")
    await bench.perform("plug-connector")
    await bench.perform("start-transaction", id_tag="TAG")
    await bench.perform("unplug-connector")
    await bench.clock.advance(50)
    await bench.perform("plug-connector")
    await bench.perform("unplug-connector")
    await bench.clock.advance(30)
    assert bench.charger.connectors[1].transaction is not None
    await bench.kill()
    await bench.power_on(current_type="dc")
    await bench.clock.advance(61)
    end = "Ended(EVConnectTimeout:Idle/Timeout)"
    await until(lambda: end in bench.csms.story)


async def test_registers_are_signed(ready: Bench) -> None:
    await configure(
        ready,
        SampledDataCtrlr_SignReadings="true",
        PublicKeyWithSignedMeterValue="OncePerTransaction",
        TxStartPoint="DataSigned",
    )
    await ready.perform("start-session", id_tag="TAG")
    await ready.clock.advance(30)
    await ready.perform("stop-session")
    assert ready.csms.story[2] == "Started(SignedDataReceived:EVConnected)"
    first, last = events(ready)[0], events(ready)[-1]
    begin = first["meterValue"][0]["sampledValue"][0]["signedMeterValue"]
    end = last["meterValue"][-1]["sampledValue"][0]["signedMeterValue"]
    assert end["publicKey"] == ""
    printed = base64.b64decode(begin["publicKey"]).decode()
    assert printed.startswith("oca:base16:asn1:")
    public_key = load_der_public_key(bytes.fromhex(printed.rpartition(":")[2]))
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    name, payload, signed = base64.b64decode(end["signedMeterData"]).split(b"|")
    assert name == b"OCMF"
    assert json.loads(payload)["RD"][0]["RV"] == 183.0
    signature = bytes.fromhex(json.loads(signed)["SD"])
    public_key.verify(signature, payload, ec.ECDSA(hashes.SHA256()))


async def test_unplugging_ends_a_transaction(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    ready.csms.forget()
    unplugged = await ready.perform("unplug-connector")
    await until(lambda: len(ready.csms.calls) == 2)
    assert "Ended(EVCommunicationLost:Idle/EVDisconnected)" in ready.csms.story
    assert (
        unplugged["transaction_id"]
        == (events(ready)[0]["transactionInfo"]["transactionId"])
    )


@pytest.mark.parametrize(
    ("limit", "end"),
    [
        ({"duration_seconds": 100}, "Ended(TimeLimitReached:EVConnected/"),
        ({"target_energy_kwh": 0.5}, "Ended(EnergyLimitReached:EVConnected/"),
    ],
)
async def test_a_session_stops_at_its_limit(
    ready: Bench, limit: dict[str, Any], end: str
) -> None:
    await ready.perform("start-session", id_tag="TAG", **limit)
    await ready.clock.advance(101)
    await until(lambda: "1:Available" in ready.csms.story)
    assert any(short.startswith(end) for short in ready.csms.story)


async def test_a_refused_id_tag_starts_nothing(ready: Bench) -> None:
    ready.csms.answers["Authorize"] = {"idTokenInfo": {"status": "Blocked"}}
    with pytest.raises(CommandRejected, match="Blocked"):
        await ready.perform("start-session", id_tag="TAG")
    await ready.told("1:Occupied", "Authorize", "1:Available")


async def test_an_id_tag_refused_later_ends_the_transaction(ready: Bench) -> None:
    ready.csms.answers["TransactionEvent"] = lambda event: (
        {"idTokenInfo": {"status": "Invalid"}} if "idToken" in event else {}
    )
    await ready.perform("plug-connector")
    with pytest.raises(CommandRejected, match="Invalid"):
        await ready.perform("start-transaction", id_tag="TAG")
    await until(lambda: len(events(ready)) == 3)
    assert ready.csms.story[-1] == "Ended(Deauthorized:EVConnected/DeAuthorized)"


async def test_or_only_the_energy_where_that_is_set(ready: Bench) -> None:
    await configure(ready, StopTxOnInvalidId="false")
    ready.csms.answers["TransactionEvent"] = lambda event: (
        {"idTokenInfo": {"status": "Invalid"}} if "idToken" in event else {}
    )
    await ready.perform("plug-connector")
    with pytest.raises(CommandRejected, match="Invalid"):
        await ready.perform("start-transaction", id_tag="TAG")
    await until(lambda: len(events(ready)) == 3)
    assert ready.csms.story[-1] == "Updated(ChargingStateChanged:SuspendedEVSE)"


async def test_a_fault_ends_the_transaction(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    ready.csms.forget()
    await ready.perform("inject-fault", fault_type="GroundFault")
    await until(lambda: len(ready.csms.calls) == 3)
    assert set(ready.csms.story) == {
        "Ended(AbnormalCondition:EVConnected/GroundFault)",
        "1:Faulted",
        "NotifyEvent",
    }
    event = ready.csms.payloads("NotifyEvent")[0]["eventData"][0]
    assert event["actualValue"] == "true"
    assert event["techCode"] == "GroundFault"
    ready.csms.forget()
    await ready.perform("clear-fault")
    await until(lambda: set(ready.csms.story) == {"1:Occupied", "NotifyEvent"})


async def test_what_happened_offline_says_so(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    await ready.csms.close()
    await until(lambda: not ready.charger.is_online)
    ready.csms.forget()
    await ready.clock.advance(60)
    await ready.csms.open()
    for _ in range(40):
        await ready.clock.advance(1)
        if ready.charger.uplink.ready.is_set():
            break
        await until(lambda: ready.clock._sleepers)
    await until(lambda: events(ready))
    event = events(ready)[0]
    assert event["offline"] is True
    assert event["timestamp"] == "2026-01-01T00:01:00.000Z"
    assert event["seqNo"] == 2


async def test_a_known_token_starts_offline(ready: Bench) -> None:
    await ready.perform("authorize-id-tag", id_tag="TAG")
    await ready.csms.close()
    await until(lambda: not ready.charger.is_online)
    ready.csms.forget()
    command = asyncio.create_task(ready.perform("start-session", id_tag="TAG"))
    await until(lambda: ready.charger.connectors[1].transaction)
    await ready.csms.open()
    while not ready.charger.uplink.ready.is_set():
        await until(lambda: ready.clock._sleepers)
        await ready.clock.advance(1)
    assert (await command)["status"] == "Accepted"
    assert [event["offline"] for event in events(ready)[:2]] == [True, True]
    assert events(ready)[0]["timestamp"] == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("id_tag", "token"),
    [
        ("Central:4711", {"idToken": "4711", "type": "Central"}),
        ("emaid:DE8ACC", {"idToken": "DE8ACC", "type": "eMAID"}),
        ("ABC:4711", {"idToken": "ABC:4711", "type": "ISO14443"}),
        ("Central:" + 36 * "x", {"idToken": 36 * "x", "type": "Central"}),
    ],
)
async def test_an_id_tag_may_name_its_type(
    ready: Bench, id_tag: str, token: dict[str, str]
) -> None:
    await ready.perform("authorize-id-tag", id_tag=id_tag)
    assert ready.csms.payloads("Authorize") == [{"idToken": token}]


async def test_a_type_of_a_later_version_is_part_of_the_text(ready: Bench) -> None:
    await ready.perform("authorize-id-tag", id_tag="VIN:4711")
    (told,) = ready.csms.payloads("Authorize")
    is_new = ready.version is Version.V21
    assert told["idToken"] == (
        {"idToken": "4711", "type": "VIN"}
        if is_new
        else {"idToken": "VIN:4711", "type": "ISO14443"}
    )


async def test_an_id_tag_that_no_message_has_room_for_starts_nothing(
    ready: Bench,
) -> None:
    await configure(ready, AuthCtrlr_Enabled="false")
    for command in ("authorize-id-tag", "start-transaction", "start-session"):
        with pytest.raises(CommandRejected, match="too long"):
            await ready.perform(command, id_tag=256 * "x")
    await ready.told()


async def test_clock_aligned_values_come_within_and_without(ready: Bench) -> None:
    await configure(ready, AlignedDataCtrlr_Interval="900")
    await ready.perform("start-session", id_tag="TAG")
    await ready.clock.advance(899)
    await until(lambda: len(events(ready)) == 16)
    ready.csms.forget()
    await ready.clock.advance(1)
    await until(lambda: len(ready.csms.calls) >= 3)
    # The main meter's, and that of the EVSE that is idle.
    assert [p["evseId"] for p in ready.csms.payloads("MeterValues")] == [0, 2]
    assert "Updated(MeterValueClock:Charging)" in ready.csms.story


async def test_clock_aligned_values_may_wait_until_all_is_idle(ready: Bench) -> None:
    await configure(
        ready,
        AlignedDataCtrlr_Interval="900",
        SendDuringIdle="true",
        TxUpdatedInterval="0",
    )
    await ready.perform("start-session", id_tag="TAG")
    ready.csms.forget()
    await ready.clock.advance(900)
    await ready.perform("stop-session")
    assert "MeterValues" not in ready.csms.actions
    assert len(events(ready)) == 1
    await ready.clock.advance(900)
    await until(lambda: len(ready.csms.payloads("MeterValues")) == 3)


async def test_lost_links_are_dialed_again_as_the_variables_say(ready: Bench) -> None:
    await configure(
        ready,
        RetryBackOffWaitMinimum="7",
        RetryBackOffRandomRange="0",
        RetryBackOffRepeatTimes="1",
    )
    await ready.csms.close()
    for pause in (7, 14, 14):
        await until(lambda pause=pause: ready.clock.sleeps[-1:] == [pause])
        ready.clock.sleeps.clear()
        await ready.clock.advance(pause)


async def test_an_open_transaction_survives_a_restart(ready: Bench) -> None:
    started = await ready.perform("start-session", id_tag="TAG")
    await ready.charger.stop()
    ready.csms.forget()
    await ready.power_on(connectors=2)
    assert ready.csms.story[:3] == ["BootNotification", "1:Occupied", "2:Available"]
    stopped = await ready.perform("stop-session")
    assert stopped["transaction_id"] == started["transaction_id"]
    seq_nos = [event["seqNo"] for event in events(ready)]
    assert seq_nos == list(range(2, 2 + len(seq_nos)))


async def test_a_charger_of_another_version_forgets_its_transactions(
    ready: Bench,
) -> None:
    await ready.perform("start-session", id_tag="TAG")
    await ready.charger.stop()
    state = {**ready.store.state, "version": "ocpp1.6"}
    ready.csms.forget()
    await ready.power_on(state, connectors=2)
    assert ready.charger.connectors[1].transaction is None
    assert ready.charger.connectors[1].vehicle is not None
