"""ReserveNow, CancelReservation, and who may charge in spite of them."""

from typing import Any

import pytest

from chargers.ocpp.errors import CommandRejected

from ...tests.csms import Bench, until


async def reserve(
    bench: Bench, connector: int = 1, reservation: int = 5, **more: Any
) -> str:
    request = {
        "connectorId": connector,
        "reservationId": reservation,
        "idTag": "MINE",
        "expiryDate": "2026-01-01T01:00:00Z",
        **more,
    }
    status: str = (await bench.csms.call("ReserveNow", request))["status"]
    return status


async def cancel(bench: Bench, reservation: int = 5) -> str:
    request = {"reservationId": reservation}
    status: str = (await bench.csms.call("CancelReservation", request))["status"]
    return status


async def test_a_reservation_is_used_up_by_its_id_tag(ready: Bench) -> None:
    assert await reserve(ready) == "Accepted"
    await ready.told("1:Reserved")
    with pytest.raises(CommandRejected, match="reserved for another"):
        await ready.perform("start-session", id_tag="OTHER")
    await until(lambda: ready.csms.story[-1] == "1:Reserved")
    ready.csms.forget()
    await ready.perform("start-session", id_tag="mine")
    await ready.told("1:Preparing", "Authorize", "StartTransaction", "1:Charging")
    assert ready.csms.payloads("StartTransaction")[0]["reservationId"] == 5
    assert await cancel(ready) == "Rejected"
    await ready.perform("stop-session")
    await until(lambda: "1:Available" in ready.csms.story)


async def test_a_reservation_expires_by_itself(ready: Bench) -> None:
    await reserve(ready)
    await ready.told("1:Reserved")
    await ready.clock.advance(3600)
    await ready.told("1:Reserved", "Heartbeat", "1:Available")


async def test_a_reservation_can_be_cancelled_and_changed(ready: Bench) -> None:
    assert await cancel(ready) == "Rejected"
    await reserve(ready)
    assert await reserve(ready, connector=2) == "Accepted"
    await ready.told("1:Reserved", "1:Available", "2:Reserved")
    assert await reserve(ready, connector=2, reservation=6) == "Occupied"
    assert await cancel(ready) == "Accepted"
    await until(lambda: ready.csms.story[-1] == "2:Available")


async def test_what_cannot_be_reserved_is_refused_for_its_reason(ready: Bench) -> None:
    assert await reserve(ready, connector=3) == "Rejected"
    assert await reserve(ready, expiryDate="2025-01-01T00:00:00Z") == "Rejected"
    assert await reserve(ready, expiryDate="2026-01-01T23:59:60Z") == "Rejected"
    await ready.perform("plug-connector")
    assert await reserve(ready) == "Occupied"
    await ready.perform("inject-fault", fault_type="WeakSignal")
    assert await reserve(ready) == "Faulted"
    request = {"connectorId": 2, "type": "Inoperative"}
    await ready.csms.call("ChangeAvailability", request)
    assert await reserve(ready, connector=2) == "Unavailable"
    assert await reserve(ready, connector=0) == "Unavailable"
    await ready.perform("clear-fault")
    assert await reserve(ready, connector=0) == "Occupied"


async def test_a_fault_or_being_switched_off_ends_a_reservation(ready: Bench) -> None:
    await reserve(ready)
    await reserve(ready, connector=2, reservation=6)
    await ready.perform("inject-fault", fault_type="WeakSignal")
    request = {"connectorId": 2, "type": "Inoperative"}
    await ready.csms.call("ChangeAvailability", request)
    await until(lambda: ready.charger.reservations.to_state() == [])
    cleared = await ready.perform("clear-fault")
    assert cleared["status"] == "Available"


async def test_the_parent_id_opens_too(ready: Bench) -> None:
    await reserve(ready, parentIdTag="FAMILY")
    info = {"status": "Accepted", "parentIdTag": "family"}
    with pytest.raises(CommandRejected):
        await ready.perform("start-session", id_tag="STRANGER")
    ready.csms.answers["Authorize"] = {"idTagInfo": info}
    ready.csms.forget()
    await ready.perform("plug-connector")
    await ready.perform("start-transaction", id_tag="BROTHER")
    await until(lambda: "1:Charging" in ready.csms.story)
    assert ready.csms.actions.count("Authorize") == 1
    assert ready.csms.payloads("StartTransaction")[0]["reservationId"] == 5


async def test_a_remote_start_minds_reservations(ready: Bench) -> None:
    async def start(id_tag: str, **more: Any) -> str:
        request = {"idTag": id_tag, **more}
        answer = await ready.csms.call("RemoteStartTransaction", request)
        status: str = answer["status"]
        return status

    await reserve(ready, parentIdTag="FAMILY")
    await reserve(ready, connector=2, reservation=6)
    assert await start("OTHER", connectorId=2) == "Rejected"
    assert await start("OTHER", connectorId=1) == "Accepted"
    await until(lambda: "Authorize" in ready.csms.actions)
    assert await start("MINE", connectorId=2) == "Accepted"
    await ready.perform("plug-connector", connector_id=2)
    await until(lambda: "2:Charging" in ready.csms.story)
    assert ready.csms.payloads("StartTransaction")[0]["reservationId"] == 6
    assert "1:Preparing" not in ready.csms.story


async def test_one_connector_is_kept_free_for_connector_zero(ready: Bench) -> None:
    assert await reserve(ready, connector=0) == "Accepted"
    assert ready.csms.story == []
    await ready.perform("start-session", id_tag="OTHER", connector_id=1)
    await until(lambda: "2:Reserved" in ready.csms.story)
    with pytest.raises(CommandRejected, match="reserved"):
        await ready.perform("start-session", id_tag="OTHER", connector_id=2)
    await ready.perform("start-session", id_tag="MINE", connector_id=2)
    assert ready.csms.payloads("StartTransaction")[1]["reservationId"] == 5


async def test_who_is_about_to_plug_in_leaves_the_last_connector(ready: Bench) -> None:
    async def start(**more: Any) -> str:
        answer = await ready.csms.call("RemoteStartTransaction", more)
        status: str = answer["status"]
        return status

    assert await reserve(ready, connector=0) == "Accepted"
    assert await start(idTag="OTHER", connectorId=1) == "Accepted"
    await ready.told("1:Preparing", "2:Reserved")
    assert await start(idTag="OTHER", connectorId=2) == "Rejected"
    await ready.perform("plug-connector", connector_id=1)
    await until(lambda: "1:Charging" in ready.csms.story)
    assert await start(idTag="MINE", connectorId=2) == "Accepted"


async def test_the_only_connector_is_kept_though_a_cable_is_in(bench: Bench) -> None:
    await bench.power_on()
    assert await reserve(bench, connector=0) == "Accepted"
    await bench.perform("plug-connector")
    with pytest.raises(CommandRejected, match="reserved"):
        await bench.perform("start-session", id_tag="OTHER")
    await bench.perform("start-session", id_tag="MINE")


async def test_reservations_survive_a_restart(ready: Bench) -> None:
    await reserve(ready)
    await ready.kill()
    ready.csms.forget()
    await ready.power_on(connectors=2)
    await ready.told("BootNotification", "0:Available", "1:Reserved", "2:Available")
