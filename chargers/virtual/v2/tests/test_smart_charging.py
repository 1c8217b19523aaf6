"""Charging profiles of OCPP 2.x."""

from typing import Any

import pytest

from chargers.ocpp.errors import OCPPError

from ...tests.csms import Bench, until
from .test_requests import start
from .test_sessions import configure, events

START = "2026-01-01T00:00:00Z"


def profile(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A profile of 16 A; ``schedule`` changes its schedule, the rest the profile."""
    schedule = {
        "id": 1,
        "startSchedule": START,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}],
        **fields.pop("schedule", {}),
    }
    return {
        "id": number,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [{k: v for k, v in schedule.items() if v is not None}],
        **fields,
    }


async def set_profile(bench: Bench, evse: int, sent: dict[str, Any]) -> str:
    answer = await bench.csms.call(
        "SetChargingProfile", {"evseId": evse, "chargingProfile": sent}
    )
    if answer["status"] == "Accepted":
        return "Accepted"
    reason: str = answer["statusInfo"]["reasonCode"]
    return reason


def periods(*limits: float, **fields: Any) -> dict[str, Any]:
    return {
        "chargingSchedulePeriod": [
            {"startPeriod": 600 * n, "limit": limit, **fields}
            for n, limit in enumerate(limits)
        ]
    }


@pytest.mark.parametrize(
    ("evse", "sent", "result"),
    [
        (1, profile(), "Accepted"),
        (0, profile(), "Accepted"),
        (0, profile(chargingProfilePurpose="ChargingStationMaxProfile"), "Accepted"),
        (
            1,
            profile(chargingProfilePurpose="ChargingStationMaxProfile"),
            "InvalidSchedule",
        ),
        (
            0,
            profile(chargingProfilePurpose="ChargingStationExternalConstraints"),
            "InvalidProfile",
        ),
        (3, profile(), "UnknownEvse"),
        (1, profile(chargingProfilePurpose="TxProfile"), "MissingParam"),
        (
            1,
            profile(chargingProfilePurpose="TxProfile", transactionId="X"),
            "TxNotFound",
        ),
        (1, profile(schedule={"startSchedule": None}), "InvalidSchedule"),
        (1, profile(chargingProfileKind="Relative"), "InvalidSchedule"),
        (
            1,
            profile(chargingProfileKind="Relative", schedule={"startSchedule": None}),
            "Accepted",
        ),
        (1, profile(chargingProfileKind="Recurring"), "InvalidProfile"),
        (
            1,
            profile(chargingProfileKind="Recurring", recurrencyKind="Daily"),
            "Accepted",
        ),
        (1, profile(stackLevel=99), "InvalidSchedule"),
        (1, profile(schedule=periods(16, numberPhases=1, phaseToUse=1)), "Accepted"),
        (
            1,
            profile(schedule=periods(16, numberPhases=1, phaseToUse=2)),
            "PhaseConflict",
        ),
    ],
)
async def test_a_profile_is_taken_or_not(
    ready: Bench, evse: int, sent: dict[str, Any], result: str
) -> None:
    assert await set_profile(ready, evse, sent) == result


async def test_no_two_profiles_hold_at_once(ready: Bench) -> None:
    assert await set_profile(ready, 1, profile(1)) == "Accepted"
    assert await set_profile(ready, 1, profile(1)) == "Accepted"  # replaced
    assert await set_profile(ready, 1, profile(2)) == "DuplicateProfile"
    assert await set_profile(ready, 0, profile(2)) == "DuplicateProfile"
    assert await set_profile(ready, 2, profile(2)) == "Accepted"
    assert await set_profile(ready, 1, profile(3, stackLevel=1)) == "Accepted"


async def test_a_profile_limits_a_transaction(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    transaction_id = events(ready)[0]["transactionInfo"]["transactionId"]
    ready.csms.forget()
    tx_profile = profile(
        chargingProfilePurpose="TxProfile", transactionId=transaction_id
    )
    assert await set_profile(ready, 1, tx_profile) == "Accepted"
    assert ready.charger.connectors[1].power_w == 11_040
    await ready.told("Updated(ChargingRateChanged:Charging)")
    assert (
        await set_profile(
            ready,
            0,
            profile(
                2,
                chargingProfilePurpose="ChargingStationMaxProfile",
                schedule=periods(10, 0),
            ),
        )
        == "Accepted"
    )
    assert ready.charger.connectors[1].power_w == 6900
    await ready.clock.advance(600)
    await until(
        lambda: "Updated(ChargingStateChanged:SuspendedEVSE)" in ready.csms.story
    )
    await ready.perform("stop-session")
    assert [p.id for p in ready.charger.profiles] == [2]


async def test_a_profile_may_come_with_a_start(ready: Bench) -> None:
    await ready.perform("plug-connector")
    sent = profile(chargingProfilePurpose="TxProfile")
    refused = await start(
        ready, evseId=1, chargingProfile={**sent, "transactionId": "X"}
    )
    assert refused["status"] == "Rejected"
    assert (await start(ready, evseId=1, chargingProfile=sent))["status"] == "Accepted"
    await until(lambda: len(events(ready)) == 2)
    assert ready.charger.connectors[1].power_w == 11_040


async def test_a_profile_holds_from_the_very_moment_of_the_start(
    ready: Bench,
) -> None:
    await ready.clock.advance(0.3)
    await ready.perform("plug-connector")
    sent = profile(
        chargingProfilePurpose="TxProfile",
        chargingProfileKind="Relative",
        schedule={"startSchedule": None},
    )
    await start(ready, evseId=1, chargingProfile=sent)
    await until(lambda: len(events(ready)) == 2)
    await ready.clock.advance(0.3)
    answer = await ready.csms.call(
        "GetCompositeSchedule", {"evseId": 1, "duration": 60}
    )
    assert answer["schedule"]["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 16.0}
    ]


async def test_a_composite_schedule_joins_the_profiles(ready: Bench) -> None:
    await set_profile(ready, 1, profile(schedule=periods(16, 8)))
    answer = await ready.csms.call(
        "GetCompositeSchedule", {"evseId": 1, "duration": 1200, "chargingRateUnit": "A"}
    )
    assert answer == {
        "status": "Accepted",
        "schedule": {
            "evseId": 1,
            "duration": 1200,
            "scheduleStart": "2026-01-01T00:00:00.000Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 16.0},
                {"startPeriod": 600, "limit": 8.0},
            ],
        },
    }
    refused = await ready.csms.call(
        "GetCompositeSchedule", {"evseId": 9, "duration": 1200}
    )
    assert refused["status"] == "Rejected"


async def reports(bench: Bench, **payload: Any) -> list[dict[str, Any]]:
    bench.csms.forget()
    answer = await bench.csms.call(
        "GetChargingProfiles", {"requestId": 5, "chargingProfile": {}, **payload}
    )
    if answer["status"] != "Accepted":
        return [answer]
    await until(
        lambda: (
            (told := bench.csms.payloads("ReportChargingProfiles"))
            and not told[-1]["tbc"]
        )
    )
    return bench.csms.payloads("ReportChargingProfiles")


async def test_profiles_are_reported(ready: Bench) -> None:
    assert await reports(ready) == [{"status": "NoProfiles"}]
    first, second = profile(1), profile(2, stackLevel=3)
    station = profile(3, chargingProfilePurpose="ChargingStationMaxProfile")
    await set_profile(ready, 1, first)
    await set_profile(ready, 1, second)
    await set_profile(ready, 0, station)
    await ready.perform("power-update", connector_id=2, power_w=7000)
    told = await reports(ready)
    assert [(r["evseId"], r["chargingLimitSource"], r["tbc"]) for r in told] == [
        (1, "CSO", True),
        (0, "CSO", True),
        (2, "EMS", False),
    ]
    assert told[0]["chargingProfile"] == [first, second]
    assert told[2]["chargingProfile"][0]["chargingProfilePurpose"] == (
        "ChargingStationExternalConstraints"
    )
    (one,) = await reports(ready, chargingProfile={"chargingProfileId": [2, 9]})
    assert [p["id"] for p in one["chargingProfile"]] == [2]
    (one,) = await reports(ready, chargingProfile={"chargingLimitSource": ["EMS"]})
    assert one["evseId"] == 2
    (one,) = await reports(ready, evseId=0)
    assert one["chargingProfile"] == [station]
    await ready.kill()
    await ready.power_on(connectors=2)
    assert len(await reports(ready)) == 3


async def test_profiles_are_cleared(ready: Bench) -> None:
    async def clear(**payload: Any) -> str:
        answer = await ready.csms.call("ClearChargingProfile", payload)
        return str(answer["status"])

    await set_profile(ready, 1, profile(1))
    await set_profile(ready, 1, profile(2, stackLevel=3))
    await set_profile(ready, 2, profile(3))
    assert await clear(chargingProfileId=9) == "Unknown"
    assert await clear(chargingProfileId=1) == "Accepted"
    assert await clear(chargingProfileCriteria={"stackLevel": 3}) == "Accepted"
    assert await clear(
        chargingProfileCriteria={
            "chargingProfilePurpose": "ChargingStationExternalConstraints"
        }
    ) == ("Unknown")
    assert await clear(chargingProfileCriteria={"evseId": 2}) == "Accepted"
    assert len(ready.charger.profiles) == 0


async def test_a_limit_from_outside_is_told(ready: Bench) -> None:
    await ready.perform("power-update", power_w=7000)
    await ready.told("NotifyChargingLimit")
    told = ready.csms.payloads("NotifyChargingLimit")[0]
    assert told["chargingLimit"] == {"chargingLimitSource": "EMS"}
    assert told["evseId"] == 1
    assert told["chargingSchedule"][0]["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 7000.0}
    ]
    await ready.perform("power-update", power_w=22000)
    await ready.told("NotifyChargingLimit", "ClearedChargingLimit")
    await configure(ready, NotifyChargingLimitWithSchedules="false")
    await ready.perform("power-update", power_w=5000)
    await until(lambda: len(ready.csms.calls) == 3)
    assert "chargingSchedule" not in ready.csms.payloads("NotifyChargingLimit")[1]


async def test_an_ev_tells_what_it_needs_and_takes_what_it_gets(bench: Bench) -> None:
    await bench.power_on(connectors=1, current_type="dc", max_power_w=150_000)
    await bench.perform("start-session", id_tag="TAG")
    await until(lambda: bench.csms.payloads("NotifyEVChargingNeeds"))
    needs = bench.csms.payloads("NotifyEVChargingNeeds")[0]["chargingNeeds"]
    assert needs["requestedEnergyTransfer"] == "DC"
    assert needs["dcChargingParameters"]["stateOfCharge"] == 20
    transaction_id = events(bench)[0]["transactionInfo"]["transactionId"]
    sent = profile(
        chargingProfilePurpose="TxProfile",
        transactionId=transaction_id,
        schedule={"chargingRateUnit": "W", **periods(50_000)},
    )
    second = {**sent["chargingSchedule"][0], "id": 2}
    sent["chargingSchedule"].append(second)
    assert await set_profile(bench, 1, sent) == "Accepted"
    await until(lambda: bench.csms.payloads("NotifyEVChargingSchedule"))
    (told,) = bench.csms.payloads("NotifyEVChargingSchedule")
    assert told["chargingSchedule"] == sent["chargingSchedule"][0]
    assert bench.charger.connectors[1].power_w == 50_000


async def test_only_an_ev_that_told_its_needs_is_given_a_choice(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="TAG")
    transaction_id = events(ready)[0]["transactionInfo"]["transactionId"]
    sent = profile(chargingProfilePurpose="TxProfile", transactionId=transaction_id)
    sent["chargingSchedule"].append({**sent["chargingSchedule"][0], "id": 2})
    assert await set_profile(ready, 1, sent) == "InvalidSchedule"


async def test_smart_charging_may_be_switched_off(ready: Bench) -> None:
    await configure(ready, SmartChargingCtrlr_Enabled="false")
    with pytest.raises(OCPPError, match="NotSupported"):
        await set_profile(ready, 1, profile())
    await ready.perform("plug-connector")
    sent = profile(chargingProfilePurpose="TxProfile")
    assert (await start(ready, evseId=1, chargingProfile=sent))["status"] == "Accepted"
    await until(lambda: len(events(ready)) == 2)
    assert ready.charger.connectors[1].power_w == 22_000
