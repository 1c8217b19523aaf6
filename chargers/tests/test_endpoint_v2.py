"""The endpoint as a CSMS of 2.0.1 and 2.1: what it answers, keeps and asks by itself."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from chargers import services
from chargers.choices import BootPolicy, ReportKind
from chargers.csms import profiles
from chargers.models import (
    Charger,
    ChargerModel,
    Connector,
    IdTag,
    MeterValue,
    SecurityEvent,
    StationEvent,
    StationReport,
    StationStatus,
    Variable,
)
from chargers.ocpp.versions import Version
from chargers.services import certificates, stations
from chargers.tests.negative_cases import valid_payload
from chargers.tests.station import (
    BOOT_V2,
    TIME,
    Station,
    ask,
    connected,
    connected_v2,
    path_of,
    update,
)
from chargers.tests.test_endpoint import signing_request
from ocpplab.models import Organization

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("web_process"),
]

# --- Which version is spoken ----------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "spoken"),
    [
        (["ocpp2.1", "ocpp2.0.1", "ocpp1.6"], "ocpp2.1"),
        (["ocpp2.0.1", "ocpp2.1"], "ocpp2.0.1"),
        (["ocpp2.0", "ocpp1.6", "ocpp2.1"], "ocpp1.6"),
    ],
)
async def test_the_station_s_first_choice_is_spoken_and_kept(
    physical_charger: Charger, offered: list[str], spoken: str
) -> None:
    station = Station(path_of(physical_charger))
    station.scope["subprotocols"] = offered
    await station.send_input({"type": "websocket.connect"})
    assert (await station.receive_output(5))["subprotocol"] == spoken
    await station.disconnect()
    await physical_charger.arefresh_from_db()
    assert physical_charger.ocpp_version == spoken.upper()


async def test_a_virtual_charger_keeps_its_own_version(
    virtual_charger: Charger,
) -> None:
    before = virtual_charger.ocpp_version
    async with connected_v2(virtual_charger, Version.V21):
        await virtual_charger.arefresh_from_db()
    assert virtual_charger.ocpp_version == before != "OCPP2.1"


# --- Boot -----------------------------------------------------------------------------


async def test_a_station_that_is_pending_says_only_what_it_was_asked_for(
    physical_charger: Charger,
) -> None:
    await update(physical_charger, boot_policy=BootPolicy.PENDING, boot_interval=7)
    report = {"requestId": 5, "generatedAt": TIME, "seqNo": 0}
    async with connected_v2(physical_charger, boot=False) as station:
        assert (await station.call("Heartbeat", {}))[:2] == [4, "SecurityError"]
        boot = await station.ok("BootNotification", BOOT_V2)
        assert (boot["status"], boot["interval"]) == ("Pending", 7)
        await physical_charger.arefresh_from_db()
        assert (await station.call("NotifyReport", report))[1] == "SecurityError"
        for action, payload, causes in (
            (
                "GetBaseReport",
                {"requestId": 5, "reportBase": "FullInventory"},
                ("NotifyReport", report),
            ),
            (
                "TriggerMessage",
                {"requestedMessage": "SignChargingStationCertificate"},
                ("SignCertificate", {"csr": "x"}),
            ),
        ):
            asking = asyncio.create_task(ask(physical_charger, action, payload))
            message_id, _, _ = await station.next_request()
            await station.reply(message_id, {"status": "Accepted"})
            await asking
            await station.ok(*causes)
        assert (await station.call("Heartbeat", {}))[:2] == [4, "SecurityError"]
        await update(physical_charger, boot_policy=BootPolicy.ACCEPTED)
        boot = await station.ok("BootNotification", BOOT_V2)
        assert boot["status"] == "Accepted"
        await station.ok("Heartbeat", {})


async def test_a_station_is_asked_for_its_device_model_when_it_is_new(
    physical_charger: Charger,
) -> None:
    async with connected(physical_charger, boot=False, version=Version.V201) as station:
        await station.ok("BootNotification", BOOT_V2)
        message_id, action, payload = await station.next_request()
        assert (action, payload["reportBase"]) == ("GetBaseReport", "FullInventory")
        await station.reply(message_id, {"status": "Accepted"})
        part = {"requestId": payload["requestId"], "generatedAt": TIME}
        for number in range(2):
            data = [reported(f"Variable{number}", "1")]
            await station.ok(
                "NotifyReport",
                {**part, "seqNo": number, "tbc": number == 0, "reportData": data},
            )
        await station.ok("BootNotification", BOOT_V2)
        assert await station.receive_nothing(0.05)
        await station.ok("BootNotification", {**BOOT_V2, "reason": "FirmwareUpdate"})
        _, action, _ = await station.next_request()
        assert action == "GetBaseReport"
    assert await Variable.objects.filter(charger=physical_charger).acount() == 2


# --- Statuses -------------------------------------------------------------------------


async def status_of(charger: Charger, evse_id: int, connector_id: int) -> str:
    row = await Connector.objects.aget(
        charger=charger, evse_id=evse_id, connector_id=connector_id
    )
    return row.status


async def test_the_status_of_each_connector_of_an_evse_is_kept(
    physical_charger: Charger,
) -> None:
    async with connected_v2(physical_charger) as station:
        for connector, status in ((1, "Occupied"), (2, "Unavailable")):
            report = {
                "timestamp": TIME,
                "connectorStatus": status,
                "evseId": 1,
                "connectorId": connector,
            }
            assert await station.ok("StatusNotification", report) == {}
        answer = await station.call("StatusNotification", {**report, "evseId": 256})
        assert answer[1] == "PropertyConstraintViolation"
        await station.ok("NotifyEvent", event("Faulted", connector_id=2))
    assert await status_of(physical_charger, 1, 1) == "Occupied"
    assert await status_of(physical_charger, 1, 2) == "Faulted"


def event(value: str, connector_id: int = 1) -> dict[str, Any]:
    data = {
        "eventId": 1,
        "timestamp": TIME,
        "trigger": "Delta",
        "actualValue": value,
        "eventNotificationType": "HardWiredNotification",
        "component": {
            "name": "Connector",
            "evse": {"id": 1, "connectorId": connector_id},
        },
        "variable": {"name": "AvailabilityState"},
    }
    return {"generatedAt": TIME, "seqNo": 0, "eventData": [data]}


async def test_events_are_kept_in_words(physical_charger: Charger) -> None:
    async with connected_v2(physical_charger) as station:
        assert await station.ok("NotifyEvent", event("Faulted")) == {}
    row = await StationEvent.objects.aget()
    assert row.summary == "Connector@1.1.AvailabilityState: Faulted"
    assert row.timestamp == datetime(2026, 1, 1, tzinfo=UTC)
    assert row.data["eventNotificationType"] == "HardWiredNotification"


# --- Authorization --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id_token", "type_", "verdict"),
    [
        ("GOOD", "ISO14443", {"status": "Accepted"}),
        ("good", "Central", {"status": "Accepted"}),
        ("NOBODY", "ISO14443", {"status": "Unknown"}),
        ("BLOCKED", "ISO14443", {"status": "Blocked"}),
        ("EMAID", "eMAID", {"status": "Accepted"}),
        ("EMAID", "ISO14443", {"status": "Unknown"}),
        ("", "NoAuthorization", {"status": "Accepted"}),
        (
            "GROUPED",
            "ISO14443",
            {
                "status": "Accepted",
                "groupIdToken": {"idToken": "GROUP", "type": "Central"},
            },
        ),
    ],
)
async def test_a_token_is_judged_by_what_it_is(
    physical_charger: Charger,
    organization: Organization,
    id_token: str,
    type_: str,
    verdict: dict[str, Any],
) -> None:
    for name, more in (
        ("GOOD", {}),
        ("BLOCKED", {"is_blocked": True}),
        ("EMAID", {"type": "eMAID"}),
        ("GROUPED", {"parent_id_tag": "GROUP"}),
    ):
        await IdTag.objects.acreate(organization=organization, id_tag=name, **more)
    async with connected_v2(physical_charger) as station:
        presented = {"idToken": {"idToken": id_token, "type": type_}}
        answer = await station.ok("Authorize", presented)
    assert answer == {"idTokenInfo": verdict}


async def test_an_expired_token_says_since_when(
    physical_charger: Charger, organization: Organization
) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    await IdTag.objects.acreate(
        organization=organization, id_tag="OLD", expires_at=yesterday
    )
    async with connected_v2(physical_charger) as station:
        presented = {"idToken": {"idToken": "OLD", "type": "ISO14443"}}
        info = (await station.ok("Authorize", presented))["idTokenInfo"]
    assert info["status"] == "Expired"
    told = datetime.fromisoformat(info["cacheExpiryDateTime"])
    assert abs(told - yesterday) < timedelta(seconds=1)


# --- Device model ---------------------------------------------------------------------


def reported(name: str, value: str, **more: Any) -> dict[str, Any]:
    return {
        "component": {"name": "OCPPCommCtrlr"},
        "variable": {"name": name},
        "variableAttribute": [{"value": value, "mutability": "ReadWrite"}],
        "variableCharacteristics": {
            "dataType": "integer",
            "unit": "s",
            "supportsMonitoring": False,
        },
        **more,
    }


async def value_of(charger: Charger, name: str, **more: Any) -> str:
    return (await Variable.objects.aget(charger=charger, name=name, **more)).value


async def test_reports_make_the_device_model(physical_charger: Charger) -> None:
    evse = {"id": 1, "connectorId": 2}
    data = [
        reported("HeartbeatInterval", "300"),
        reported("HeartbeatInterval", "60"),  # told twice: the last counts
        reported("Available", "true", component={"name": "Connector", "evse": evse}),
        reported(
            "MessageAttempts",
            "3",
            variable={"name": "MessageAttempts", "instance": "TransactionEvent"},
            variableAttribute=[
                {"value": "3"},
                {"type": "MaxSet", "value": "9", "mutability": "ReadOnly"},
            ],
        ),
    ]
    report = {"requestId": 1, "generatedAt": TIME, "seqNo": 0, "reportData": data}
    async with connected_v2(physical_charger) as station:
        assert await station.ok("NotifyReport", report) == {}
        without = reported("HeartbeatInterval", "61")
        del without["variableCharacteristics"]
        await station.ok("NotifyReport", {**report, "reportData": [without]})
        place = {"name": "Connector", "evse": {"id": 2**31}}
        far = [reported("Available", "true", component=place)]
        answer = await station.call("NotifyReport", {**report, "reportData": far})
        assert answer[1] == "PropertyConstraintViolation"
    rows = [row async for row in Variable.objects.filter(charger=physical_charger)]
    assert [f"{row} {row.attribute}={row.value}" for row in rows] == [
        "Connector@1.2.Available Actual=true",
        "OCPPCommCtrlr.HeartbeatInterval Actual=61",
        "OCPPCommCtrlr.MessageAttempts[TransactionEvent] Actual=3",
        "OCPPCommCtrlr.MessageAttempts[TransactionEvent] MaxSet=9",
    ]
    assert [row.is_writable for row in rows] == [True, True, True, False]
    assert (rows[1].unit, rows[1].data_type) == ("s", "integer")


async def test_what_is_read_and_set_is_known_from_then_on(
    physical_charger: Charger,
) -> None:
    component = {"name": "OCPPCommCtrlr"}
    one, other = {"name": "HeartbeatInterval"}, {"name": "Secret"}
    hidden = reported(
        "Secret", "", variableAttribute=[{"mutability": "WriteOnly"}], variable=other
    )
    report = {"requestId": 1, "generatedAt": TIME, "seqNo": 0, "reportData": [hidden]}
    async with connected_v2(physical_charger) as station:
        await station.ok("NotifyReport", report)
        asked: list[dict[str, Any]] = [{"component": component, "variable": one}]
        asking = asyncio.create_task(
            ask(physical_charger, "GetVariables", {"getVariableData": asked})
        )
        message_id, _, _ = await station.next_request()
        read = {**asked[0], "attributeStatus": "Accepted", "attributeValue": "300"}
        await station.reply(message_id, {"getVariableResult": [read]})
        await asking
        assert await value_of(physical_charger, "HeartbeatInterval") == "300"

        wanted = [
            {"component": component, "variable": variable, "attributeValue": value}
            for variable, value in ((one, "60"), (other, "hunter2"))
        ]
        asking = asyncio.create_task(
            ask(physical_charger, "SetVariables", {"setVariableData": wanted})
        )
        message_id, _, _ = await station.next_request()
        results = [
            {
                "component": component,
                "variable": item["variable"],
                "attributeStatus": "Accepted",
            }
            for item in wanted
        ]
        await station.reply(message_id, {"setVariableResult": results})
        await asking
    assert await value_of(physical_charger, "HeartbeatInterval") == "60"
    assert await value_of(physical_charger, "Secret") == ""


async def test_monitors_are_known_as_they_are_set_and_cleared(
    physical_charger: Charger,
) -> None:
    monitor = {
        "component": {"name": "EVSE"},
        "variable": {"name": "Power"},
        "type": "Delta",
        "value": 5,
        "severity": 4,
    }
    other = {**monitor, "value": 9, "severity": 5}

    def result(of: dict[str, Any], number: int) -> dict[str, Any]:
        same = {name: of[name] for name in of if name != "value"}
        return {**same, "status": "Accepted", "id": number}

    async with connected_v2(physical_charger) as station:
        for action, request, answer, known in (
            (
                "SetVariableMonitoring",
                {"setMonitoringData": [monitor, other]},
                {"setMonitoringResult": [result(other, 8), result(monitor, 7)]},
                {"#7": {**monitor, "id": 7}, "#8": {**other, "id": 8}},
            ),
            (
                "ClearVariableMonitoring",
                {"id": [7, 8]},
                {
                    "clearMonitoringResult": [
                        {"id": 8, "status": "Rejected"},
                        {"id": 7, "status": "Accepted"},
                    ]
                },
                {"#8": {**other, "id": 8}},
            ),
        ):
            asking = asyncio.create_task(ask(physical_charger, action, request))
            message_id, _, _ = await station.next_request()
            await station.reply(message_id, answer)
            await asking
            assert await reports(physical_charger, ReportKind.MONITOR) == known


# --- What is kept as it was told ------------------------------------------------------


async def reports(charger: Charger, kind: ReportKind) -> dict[str, Any]:
    rows = StationReport.objects.filter(charger=charger, kind=kind)
    return {row.subject: row.data async for row in rows}


async def test_limits_come_and_go(physical_charger: Charger) -> None:
    limit = {"evseId": 1, "chargingLimit": {"chargingLimitSource": "EMS"}}
    async with connected_v2(physical_charger) as station:
        assert await station.ok("NotifyChargingLimit", limit) == {}
        kept = await reports(physical_charger, ReportKind.CHARGING_LIMIT)
        assert kept == {"EVSE 1, EMS": limit}
        cleared = {"evseId": 1, "chargingLimitSource": "EMS"}
        assert await station.ok("ClearedChargingLimit", cleared) == {}
    assert await reports(physical_charger, ReportKind.CHARGING_LIMIT) == {}


BEGUN = {
    "eventType": "Started",
    "triggerReason": "CablePluggedIn",
    "seqNo": 0,
    "timestamp": TIME,
    "transactionInfo": {"transactionId": "T-1"},
    "evse": {"id": 1, "connectorId": 1},
}


async def test_an_ev_is_offered_what_there_is_while_it_charges(
    physical_charger: Charger,
) -> None:
    needs = {
        "evseId": 1,
        "chargingNeeds": {"requestedEnergyTransfer": "AC_three_phase"},
    }
    async with connected_v2(physical_charger) as station:
        answer = await station.ok("NotifyEVChargingNeeds", needs)
        assert answer["status"] == "Rejected"
        await station.ok("TransactionEvent", BEGUN)
        answer = await station.ok("NotifyEVChargingNeeds", needs)
        assert answer == {"status": "Accepted"}
        message_id, action, payload = await station.next_request()
        await station.reply(message_id, {"status": "Accepted"})
    assert action == "SetChargingProfile"
    profile = payload["chargingProfile"]
    assert (payload["evseId"], profile["transactionId"]) == (1, "T-1")
    [period] = profile["chargingSchedule"][0]["chargingSchedulePeriod"]
    rating = await sync_to_async(lambda: physical_charger.max_power_w)()
    assert period["limit"] == rating
    # A charger of no known model is left to its own rating.
    physical_charger.model = None
    assert profiles.offered_w(physical_charger) == profiles.UNLIMITED_W
    kept = await reports(physical_charger, ReportKind.CHARGING_NEEDS)
    assert kept == {"EVSE 1": needs}


@pytest.mark.parametrize(
    ("unit", "beyond", "phases"),
    [("W", 22_001, {}), ("A", 97, {"numberPhases": 1}), ("A", 32.1, {})],
)
async def test_an_ev_that_wants_more_than_it_was_offered_is_offered_it_again(
    physical_charger: Charger, unit: str, beyond: float, phases: dict[str, int]
) -> None:
    await ChargerModel.objects.aupdate(supported_kwh=[22], current_type="ac", phases=3)

    def wanted(limit: float) -> dict[str, Any]:
        period = {"startPeriod": 0, "limit": limit, **phases}
        schedule = {"id": 1, "chargingRateUnit": unit}
        schedule["chargingSchedulePeriod"] = [period]
        return {"timeBase": TIME, "evseId": 1, "chargingSchedule": schedule}

    async with connected_v2(physical_charger) as station:
        answer = await station.ok("NotifyEVChargingSchedule", wanted(beyond))
        assert answer["status"] == "Rejected"
        await station.ok("TransactionEvent", BEGUN)
        answer = await station.ok("NotifyEVChargingSchedule", wanted(beyond))
        assert answer["status"] == "Rejected"
        message_id, action, payload = await station.next_request()
        await station.reply(message_id, {"status": "Accepted"})
        answer = await station.ok("NotifyEVChargingSchedule", wanted(beyond - 2))
        assert answer == {"status": "Accepted"}
        # The profile is known until the transaction ends.
        profile = ReportKind.CHARGING_PROFILE
        async with asyncio.timeout(10):
            while "#1001, EVSE 1" not in await reports(physical_charger, profile):
                await asyncio.sleep(0.01)
        await station.ok("TransactionEvent", {**BEGUN, "eventType": "Ended"})
        assert not await reports(physical_charger, profile)
    assert (action, payload["evseId"]) == ("SetChargingProfile", 1)
    assert payload["chargingProfile"]["transactionId"] == "T-1"


async def test_charging_profiles_are_known_as_they_are_set_and_cleared(
    physical_charger: Charger,
) -> None:
    async def told(
        station: Station, action: str, payload: Any, status: str
    ) -> set[Any]:
        asking = asyncio.create_task(ask(physical_charger, action, payload))
        message_id, _, _ = await station.next_request()
        await station.reply(message_id, {"status": status})
        await asking
        return set(await reports(physical_charger, ReportKind.CHARGING_PROFILE))

    def a_profile(number: int, level: int) -> dict[str, Any]:
        profile = profiles.for_power(physical_charger, 1, 7000, None)
        changed = {**profile, "id": number, "stackLevel": level}
        return {"evseId": 1, "chargingProfile": changed}

    one, two, three = (f"#{number}, EVSE 1" for number in (1, 2, 3))
    steps: list[tuple[str, Any, str, set[str]]] = [
        ("Set", await sync_to_async(a_profile)(1, 0), "Accepted", {one}),
        ("Set", await sync_to_async(a_profile)(2, 1), "Accepted", {one, two}),
        ("Set", await sync_to_async(a_profile)(3, 2), "Rejected", {one, two}),
        ("Set", await sync_to_async(a_profile)(3, 2), "Accepted", {one, two, three}),
        ("Clear", {"chargingProfileId": 1}, "Unknown", {two, three}),
        (
            "Clear",
            {"chargingProfileCriteria": {"evseId": 1, "stackLevel": 1}},
            "Accepted",
            {three},
        ),
        (
            "Clear",
            {"chargingProfileCriteria": {"chargingProfilePurpose": "TxProfile"}},
            "Unknown",
            {three},
        ),
        ("Clear", {}, "Accepted", set()),
    ]
    async with connected_v2(physical_charger) as station:
        for verb, payload, status, left in steps:
            action = f"{verb}ChargingProfile"
            assert await told(station, action, payload, status) == left, payload


@pytest.mark.parametrize(
    ("action", "kind", "subject"),
    [
        ("NotifyMonitoringReport", ReportKind.MONITOR, "#1"),
        ("ReportChargingProfiles", ReportKind.CHARGING_PROFILE, "#1, EVSE 1"),
        ("NotifyDisplayMessages", ReportKind.DISPLAY_MESSAGE, "#1"),
        (
            "NotifyCustomerInformation",
            ReportKind.CUSTOMER_INFORMATION,
            "request 1, part 1",
        ),
        ("NotifyEVChargingSchedule", ReportKind.CHARGING_SCHEDULE, "EVSE 1"),
    ],
)
async def test_the_last_report_of_each_subject_is_kept(
    physical_charger: Charger, action: str, kind: ReportKind, subject: str
) -> None:
    payload = valid_payload(Version.V201, action)
    async with connected_v2(physical_charger) as station:
        for _ in range(2):
            await station.ok(action, payload)
    assert list(await reports(physical_charger, kind)) == [subject]


async def test_what_2_1_adds_is_kept(physical_charger: Charger) -> None:
    v21 = Version.V21
    async with connected_v2(physical_charger, v21) as station:
        for action in ("BatterySwap", "NotifyDERAlarm", "NotifyDERStartStop"):
            assert await station.ok(action, valid_payload(v21, action)) == {}
        await station.ok("NotifySettlement", valid_payload(v21, "NotifySettlement"))
        opened = valid_payload(v21, "OpenPeriodicEventStream")
        assert await station.ok("OpenPeriodicEventStream", opened) == {
            "status": "Accepted"
        }
        values = valid_payload(v21, "NotifyPeriodicEventStream", "send")
        await station.send("NotifyPeriodicEventStream", values)
        await station.ok("Heartbeat", {})
        kept = await reports(physical_charger, ReportKind.EVENT_STREAM)
        assert kept == {"#1": opened["constantStreamData"], "#1 values": values}
        assert await station.ok("ClosePeriodicEventStream", {"id": 1}) == {}
        await station.ok("ReportDERControl", valid_payload(v21, "ReportDERControl"))
    assert await reports(physical_charger, ReportKind.EVENT_STREAM) == {}
    controls = await reports(physical_charger, ReportKind.DER_CONTROL)
    assert {"curve x", "gradient x", "limitMaxDischarge x"} <= set(controls)
    told = [row.summary async for row in StationEvent.objects.order_by("id")]
    assert told == [
        "BatteryIn: x",
        "EnterService alarm of CurrentImbalance ended",
        "DER control x started",
        "Settlement x: 1 settled",
    ]


async def test_progress_and_security_events_are_kept(
    physical_charger: Charger,
) -> None:
    security = {"type": "FirmwareUpdated", "timestamp": TIME}
    async with connected_v2(physical_charger) as station:
        for action, payload in (
            ("FirmwareStatusNotification", {"status": "Installed", "requestId": 5}),
            ("LogStatusNotification", {"status": "Uploading", "requestId": 6}),
            (
                "PublishFirmwareStatusNotification",
                {"status": "Published", "location": ["http://x"], "requestId": 7},
            ),
            ("SecurityEventNotification", security),
            (
                "ReservationStatusUpdate",
                {"reservationId": 8, "reservationUpdateStatus": "Expired"},
            ),
        ):
            assert await station.ok(action, payload) == {}
    rows = StationStatus.objects.filter(charger=physical_charger)
    assert {row.subject: (row.status, row.request_id) async for row in rows} == {
        "firmware": ("Installed", 5),
        "log": ("Uploading", 6),
        "publishing": ("Published", 7),
    }
    assert (await SecurityEvent.objects.aget()).type == "FirmwareUpdated"
    assert (await StationEvent.objects.aget()).summary == "Reservation 8: Expired"


async def test_meter_values_of_no_transaction_are_kept(
    physical_charger: Charger,
) -> None:
    sampled = {"value": 1.5, "unitOfMeasure": {"unit": "kWh"}}
    values = {"timestamp": TIME, "sampledValue": [sampled]}
    report = {"evseId": 1, "meterValue": [values]}
    async with connected_v2(physical_charger) as station:
        assert await station.ok("MeterValues", report) == {}
        huge = {**values, "sampledValue": [{"value": 10**300}]}
        answer = await station.call("MeterValues", {**report, "meterValue": [huge]})
        assert answer[1] == "PropertyConstraintViolation"
    row = await MeterValue.objects.aget()
    assert (row.energy_wh, row.evse_id, row.transaction_id) == (1500, 1, None)


async def test_a_certificate_is_signed_for_what_it_was_asked_for(
    physical_charger: Charger,
) -> None:
    await sync_to_async(certificates.create_authority)(physical_charger.organization)
    request = {
        "csr": signing_request("SERIAL-1"),
        "certificateType": "V2GCertificate",
        "requestId": 5,
    }
    boot = {**BOOT_V2["chargingStation"], "serialNumber": "SERIAL-1"}  # type: ignore[dict-item]
    async with connected_v2(physical_charger, Version.V21) as station:
        assert await station.ok("SignCertificate", request) == {"status": "Rejected"}
        booted = {"chargingStation": boot, "reason": "PowerUp"}
        await station.ok("BootNotification", booted)
        message_id, action, _ = await station.next_request()
        await station.reply(message_id, {"status": "NotSupported"})
        assert await station.ok("SignCertificate", request) == {"status": "Accepted"}
        message_id, action, payload = await station.next_request()
        assert action == "CertificateSigned"
        assert payload["certificateType"] == "V2GCertificate"
        assert payload["requestId"] == 5
        assert payload["certificateChain"].count("BEGIN CERTIFICATE") == 2
        await station.reply(message_id, {"status": "Accepted"})


async def test_names_of_variables_are_the_same_in_any_case(
    physical_charger: Charger,
) -> None:
    report = {"requestId": 1, "generatedAt": TIME, "seqNo": 0}
    shouted = {"component": {"name": "OCPPCOMMCTRLR"}}
    async with connected_v2(physical_charger) as station:
        data = [reported("HeartbeatInterval", "300")]
        await station.ok("NotifyReport", {**report, "reportData": data})
        data = [
            reported("HEARTBEATINTERVAL", "60", **shouted),
            reported("New", "1"),
            reported("NEW", "2", **shouted),
        ]
        await station.ok("NotifyReport", {**report, "seqNo": 1, "reportData": data})
    rows = Variable.objects.filter(charger=physical_charger)
    assert [f"{row}={row.value}" async for row in rows] == [
        "OCPPCommCtrlr.HeartbeatInterval=60",
        "OCPPCommCtrlr.New=2",
    ]


FULL = {"reportBase": "FullInventory"}
SUMMARY = {"reportBase": "SummaryInventory"}
WANTED = {"componentVariable": [{"component": {"name": "OCPPCommCtrlr"}}]}


@pytest.mark.parametrize(
    ("action", "asked", "parts", "known"),
    [
        ("GetBaseReport", FULL, [(0, True, "A"), (1, False, "B")], ["A", "B"]),
        ("GetBaseReport", FULL, [(0, True, "A")] * 2 + [(1, False, "B")], ["A", "B"]),
        ("GetBaseReport", FULL, [(0, True, "A"), (1, True, "B")], ["A", "B", "Old"]),
        ("GetBaseReport", FULL, [(0, True, "A"), (2, False, "B")], ["A", "B", "Old"]),
        ("GetBaseReport", FULL, [(0, False, "")], ["Old"]),
        ("GetBaseReport", SUMMARY, [(0, False, "A")], ["A", "Old"]),
        ("GetReport", WANTED, [(0, False, "A")], ["A", "Old"]),
    ],
)
async def test_what_a_full_report_names_no_more_is_forgotten_when_all_of_it_has_come(
    physical_charger: Charger,
    action: str,
    asked: dict[str, Any],
    parts: list[tuple[int, bool, str]],
    known: list[str],
) -> None:
    async with connected_v2(physical_charger) as station:
        report = {"requestId": 1, "generatedAt": TIME, "seqNo": 0}
        old = [reported("Old", "1")]
        await station.ok("NotifyReport", {**report, "reportData": old})
        for request_action, request in (("GetBaseReport", FULL), (action, asked)):
            asking = asyncio.create_task(
                ask(physical_charger, request_action, {"requestId": 7, **request})
            )
            message_id, _, _ = await station.next_request()
            await station.reply(message_id, {"status": "Accepted"})
            await asking
        for number, goes_on, name in parts:
            part = {**report, "requestId": 7, "seqNo": number, "tbc": goes_on}
            data = {"reportData": [reported(name, "1")]} if name else {}
            await station.ok("NotifyReport", {**part, **data})
    rows = Variable.objects.filter(charger=physical_charger)
    assert [row.name async for row in rows] == known


async def test_names_with_other_characters_than_ocpp_has_for_them_are_taken(
    physical_charger: Charger,
) -> None:
    """What stations do send; a charging session would be lost with its token."""
    report = {"requestId": 1, "generatedAt": TIME, "seqNo": 0}
    component = {"name": "Slot #1 (left)"}
    async with connected_v2(physical_charger) as station:
        data = [reported("Größe/Rest", "1", component=component)]
        await station.ok("NotifyReport", {**report, "reportData": data})
        token = {"idToken": "12 34#", "type": "KeyCode"}
        verdict = await station.ok("Authorize", {"idToken": token})
        assert verdict["idTokenInfo"]["status"] == "Unknown"
        wanted = [{"component": component, "variable": {"name": "Größe/Rest"}}]
        asking = asyncio.create_task(
            ask(physical_charger, "GetVariables", {"getVariableData": wanted})
        )
        message_id, _, payload = await station.next_request()
        assert payload == {"getVariableData": wanted}
        read = {**wanted[0], "attributeStatus": "Accepted", "attributeValue": "2"}
        await station.reply(message_id, {"getVariableResult": [read]})
        await asking
    assert await value_of(physical_charger, "Größe/Rest") == "2"


async def test_a_customer_who_is_cleared_leaves_the_local_list(
    physical_charger: Charger,
) -> None:
    def token(name: str) -> dict[str, Any]:
        return {"idToken": name, "type": "Central"}

    entries = [
        {"idToken": token(name), "idTokenInfo": {"status": "Accepted"}}
        for name in ("One", "Two")
    ]
    send = {"versionNumber": 3, "updateType": "Full", "localAuthorizationList": entries}
    customer = {"requestId": 1, "report": False, "clear": True}

    async def known() -> tuple[int, set[str]]:
        kept = await sync_to_async(stations.local_list_of)(physical_charger)
        return kept["version"], set(kept["entries"])

    async with connected_v2(physical_charger) as station:

        async def told(action: str, payload: Any) -> None:
            asking = asyncio.create_task(ask(physical_charger, action, payload))
            message_id, _, _ = await station.next_request()
            await station.reply(message_id, {"status": "Accepted"})
            await asking

        await told("SendLocalList", send)
        assert await known() == (3, {"One", "Two"})
        await told("CustomerInformation", {**customer, "customerIdentifier": "x"})
        await told("CustomerInformation", {**customer, "idToken": token("Three")})
        await told("CustomerInformation", {**customer, "idToken": token("ONE")})
        message_id, action, payload = await station.next_request()
        assert (action, payload) == (
            "SendLocalList",
            {
                "versionNumber": 4,
                "updateType": "Differential",
                "localAuthorizationList": [{"idToken": token("ONE")}],
            },
        )
        await station.reply(message_id, {"status": "Accepted"})
        await station.ok("Heartbeat", {})
        async with asyncio.timeout(10):
            while await known() != (4, {"Two"}):
                await asyncio.sleep(0.01)
        empty = {"versionNumber": 5, "updateType": "Full"}
        await told("SendLocalList", empty)
        assert await known() == (5, set())


@pytest.mark.parametrize(
    ("status", "of_the_other"), [("Accepted", "Rejected"), ("Rejected", "Accepted")]
)
async def test_a_password_counts_once_the_station_has_accepted_it(
    physical_charger: Charger, status: str, of_the_other: str
) -> None:
    """Whatever else was set with it, and in whatever order that is answered (A01)."""
    old, new = "0a" * 20, "0b" * 20
    await sync_to_async(services.keep_password)(physical_charger, old)
    password, other = (
        {"component": {"name": component}, "variable": {"name": name}}
        for component, name in (
            ("SecurityCtrlr", "BasicAuthPassword"),
            ("OCPPCommCtrlr", "HeartbeatInterval"),
        )
    )
    data = [{**password, "attributeValue": new}, {**other, "attributeValue": "60"}]
    results = [
        {**other, "attributeStatus": of_the_other},
        {**password, "attributeStatus": status},
    ]
    options: dict[str, Any] = {"version": Version.V201, "boot": False}
    async with connected(physical_charger, password=old, **options) as station:
        await update(physical_charger, ocpp_version="OCPP2.0.1")
        physical_charger.ocpp_version = "OCPP2.0.1"
        await station.ok("BootNotification", BOOT_V2)
        asking = asyncio.create_task(
            ask(physical_charger, "SetVariables", {"setVariableData": data})
        )
        action = ""
        while action != "SetVariables":  # it is asked for its device model first
            message_id, action, _ = await station.next_request()
            if action == "GetBaseReport":
                await station.reply(message_id, {"status": "NotSupported"})
        await station.reply(message_id, {"setVariableResult": results})
        await asking
    right = new if status == "Accepted" else old
    async with connected(physical_charger, password=right, **options):
        pass
