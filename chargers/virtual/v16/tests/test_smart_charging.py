"""Charging profiles: who rules when, and what it does to the power."""

from typing import Any

import pytest

from ... import smart_charging
from ...tests.csms import Bench, Payload, until

START = "2026-01-01T00:00:00Z"  # when the clock of the tests begins


def profile(
    *periods: tuple[int, float] | tuple[int, float, int],
    purpose: str = "TxDefaultProfile",
    kind: str = "Absolute",
    unit: str = "W",
    profile_id: int = 1,
    level: int = 0,
    schedule: Payload | None = None,
    **more: Any,
) -> Payload:
    names = ("startPeriod", "limit", "numberPhases")
    start = {} if kind == "Relative" else {"startSchedule": START}
    return {
        "chargingProfileId": profile_id,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": {
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [
                dict(zip(names, period, strict=False)) for period in periods
            ],
            **start,
            **(schedule or {}),
        },
        **more,
    }


async def install(bench: Bench, connector: int, sent: Payload) -> str:
    request = {"connectorId": connector, "csChargingProfiles": sent}
    status: str = (await bench.csms.call("SetChargingProfile", request))["status"]
    return status


async def composite(
    bench: Bench, connector: int = 1, duration: int = 86_400, unit: str | None = "W"
) -> list[tuple[float, ...]]:
    request: Payload = {"connectorId": connector, "duration": duration}
    if unit:
        request["chargingRateUnit"] = unit
    answer = await bench.csms.call("GetCompositeSchedule", request)
    assert answer["status"] == "Accepted"
    assert answer["chargingSchedule"]["duration"] == duration
    return [
        tuple(period.values())
        for period in answer["chargingSchedule"]["chargingSchedulePeriod"]
    ]


async def clear(bench: Bench, **criteria: Any) -> str:
    status: str = (await bench.csms.call("ClearChargingProfile", criteria))["status"]
    return status


async def test_without_profiles_the_rating_is_what_there_is(ready: Bench) -> None:
    assert await composite(ready) == [(0, 22000)]
    assert await composite(ready, unit="A") == [(0, 32)]
    assert await composite(ready, connector=0, unit=None) == [(0, 44000)]
    for connector, duration in ((3, 60), (1, 0), (1, 10**30)):
        answer = await ready.csms.call(
            "GetCompositeSchedule", {"connectorId": connector, "duration": duration}
        )
        assert answer == {"status": "Rejected"}


async def test_the_highest_level_that_is_valid_now_rules(ready: Bench) -> None:
    low = profile((0, 11000), level=0)
    high = profile(
        (0, 6000),
        (600, 7000),
        level=2,
        profile_id=2,
        schedule={"duration": 1200},
        validFrom="2026-01-01T00:05:00Z",
    )
    assert await install(ready, 0, low) == "Accepted"
    assert await install(ready, 0, high) == "Accepted"
    assert await composite(ready, duration=3600) == [
        (0, 11000),
        (300, 6000),
        (600, 7000),
        (1200, 11000),
    ]
    await ready.clock.advance(599)
    assert (await composite(ready, duration=2))[0:] == [(0, 6000), (1, 7000)]


async def test_periods_of_a_composite_schedule_begin_at_whole_seconds(
    ready: Bench,
) -> None:
    def until_s(moment: str, limit: int, level: int) -> Payload:
        end = f"2026-01-01T00:00:{moment}Z"
        return profile((0, limit), profile_id=level, level=level, validTo=end)

    await install(ready, 1, profile((0, 1000), profile_id=9))
    await install(ready, 1, until_s("09.600", 3000, 3))
    await install(ready, 1, until_s("10.400", 2000, 2))
    await install(ready, 1, until_s("29.700", 2000, 1))
    assert await composite(ready, duration=40) == [(0, 3000), (10, 2000), (30, 1000)]
    assert await composite(ready, duration=30) == [(0, 3000), (10, 2000)]


async def test_profiles_may_reach_to_the_end_of_time(ready: Bench) -> None:
    endless = profile((0, 3000), (2**62, 0), schedule={"duration": 10**30})
    last = "9999-12-31T23:59:59-14:00"  # no more in UTC
    assert await install(ready, 1, endless | {"validTo": last}) == "Rejected"
    assert await install(ready, 1, endless) == "Accepted"
    assert await composite(ready, duration=60) == [(0, 3000)]


async def test_a_connectors_default_beats_that_of_all(ready: Bench) -> None:
    await install(ready, 0, profile((0, 5000), level=3))
    await install(ready, 2, profile((0, 9000), profile_id=2))
    assert await composite(ready, connector=1) == [(0, 5000)]
    assert await composite(ready, connector=2) == [(0, 9000)]
    assert await composite(ready, connector=0) == [(0, 14000)]


async def test_the_charger_as_a_whole_is_the_lowest_limit(ready: Bench) -> None:
    whole = profile((0, 8000), (60, 30000), purpose="ChargePointMaxProfile")
    assert await install(ready, 0, whole) == "Accepted"
    await install(ready, 0, profile((0, 10000), profile_id=2))
    assert await composite(ready, duration=120) == [(0, 8000), (60, 10000)]
    assert await composite(ready, 0, duration=120) == [(0, 8000), (60, 20000)]


async def test_recurring_profiles_wrap_by_day_or_week(ready: Bench) -> None:
    daily = profile(
        (0, 11000, 3),
        (28_800, 6000, 3),
        (72_000, 11000, 3),
        kind="Recurring",
        recurrencyKind="Daily",
        schedule={"startSchedule": "2013-01-01T00:00:00Z", "duration": 86_400},
    )
    assert await install(ready, 0, daily) == "Accepted"
    await ready.clock.advance(36_000)
    assert await composite(ready, duration=100_000) == [
        (0, 6000, 3),
        (36_000, 11000, 3),
        (79_200, 6000, 3),
    ]
    weekly = profile(
        (0, 0),
        kind="Recurring",
        recurrencyKind="Weekly",
        profile_id=2,
        level=1,
        schedule={"startSchedule": "2025-12-26T10:00:00Z", "duration": 3600},
    )
    assert await install(ready, 0, weekly) == "Accepted"
    assert (86_400, 0) in await composite(ready, duration=100_000)


async def test_amperes_and_watts_convert_by_phases(ready: Bench) -> None:
    await install(ready, 1, profile((0, 16), (60, 16, 1), (120, 64), unit="A"))
    assert await composite(ready) == [(0, 11040), (60, 3680, 1), (120, 22000)]
    assert await composite(ready, unit=None) == [(0, 16), (60, 16, 1), (120, 32)]
    await install(ready, 2, profile((0, 11000), profile_id=2))
    assert await composite(ready, 2, unit="A") == [(0, 15.9)]


@pytest.mark.parametrize(
    ("connector", "sent"),
    [
        (0, profile((0, 1), purpose="TxProfile")),
        (1, profile((0, 1), purpose="TxProfile")),
        (1, profile((0, 1), purpose="ChargePointMaxProfile")),
        (0, profile((0, 1), purpose="ChargePointMaxProfile", kind="Relative")),
        (1, profile((5, 1))),
        (1, profile((0, 1), (9, 2), (9, 3))),
        (1, profile((0, -1))),
        (1, profile((0, 1), level=11)),
        (1, profile((0, 1), kind="Recurring")),
        (1, profile((0, 1), validFrom=START, validTo=START)),
        (1, profile((0, 1), validFrom="2026-01-01T23:59:60Z")),
        (1, profile(*((n, 1) for n in range(101)))),
    ],
)
async def test_what_cannot_be_followed_is_rejected(
    ready: Bench, connector: int, sent: Payload
) -> None:
    assert await install(ready, connector, sent) == "Rejected"
    assert len(ready.charger.profiles) == 0


async def test_there_is_room_for_so_many(
    ready: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smart_charging, "MAX_PROFILES", 2)
    assert await install(ready, 1, profile((0, 1))) == "Accepted"
    assert await install(ready, 1, profile((0, 2), profile_id=2)) == "Accepted"
    assert await install(ready, 1, profile((0, 2), profile_id=3, level=1)) == "Accepted"
    assert await install(ready, 1, profile((0, 2), profile_id=4, level=2)) == "Rejected"
    assert await install(ready, 2, profile((0, 2), profile_id=3)) == "Accepted"


async def test_profiles_are_cleared_by_id_or_by_what_they_are(ready: Bench) -> None:
    for number, (connector, level) in enumerate([(0, 0), (1, 0), (1, 1), (2, 1)]):
        sent = profile((0, 1), profile_id=number, level=level)
        assert await install(ready, connector, sent) == "Accepted"
    assert await clear(ready, id=9) == "Unknown"
    assert await clear(ready, id=0) == "Accepted"
    purpose = "ChargePointMaxProfile"
    assert await clear(ready, chargingProfilePurpose=purpose) == "Unknown"
    assert await clear(ready, connectorId=1, stackLevel=1) == "Accepted"
    assert len(ready.charger.profiles) == 2
    assert await clear(ready) == "Accepted"
    assert await clear(ready) == "Unknown"
    assert ready.store.state["profiles"] == []


async def test_the_power_follows_the_schedule(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="T")
    ready.csms.forget()
    sent = profile(
        (0, 16), (100, 5), (200, 10), purpose="TxProfile", unit="A", transactionId=1
    )
    other = {**sent, "transactionId": 2}
    assert await install(ready, 1, other) == "Rejected"
    assert await install(ready, 1, sent) == "Accepted"
    await ready.clock.advance(60)
    await until(lambda: "MeterValues" in ready.csms.actions)
    samples = ready.csms.payloads("MeterValues")[0]["meterValue"][0]["sampledValue"]
    measured = {s["measurand"]: s["value"] for s in samples}
    assert measured["Power.Offered"] == measured["Power.Active.Import"] == "11040"
    assert measured["Current.Import"] == "16"
    assert measured["Energy.Active.Import.Register"] == "184"
    await ready.clock.advance(40)
    await until(lambda: "1:SuspendedEVSE" in ready.csms.story)
    await ready.clock.advance(100)
    await until(lambda: "1:Charging" in ready.csms.story)
    await ready.clock.advance(100)
    assert ready.charger.connectors[1].read().energy_wh == int(
        (11040 * 100 + 6900 * 100) / 3600
    )
    await ready.perform("power-update", power_w=4600)
    assert ready.charger.connectors[1].power_w == 4600
    result = await ready.perform("power-update", power_w=22000)
    assert result["power_w"] == 6900
    await ready.perform("stop-transaction")
    assert len(ready.charger.profiles) == 0
    assert ready.charger.connectors[1].offered_w == 22000


async def test_one_phase_carries_a_third(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="T")
    await install(ready, 1, profile((0, 22000, 1)))
    reading = ready.charger.connectors[1].read()
    assert (round(reading.power_w), reading.phases) == (7333, 1)


async def test_below_its_least_rate_charging_waits(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="T")
    ready.csms.forget()
    await install(ready, 1, profile((0, 5000), schedule={"minChargingRate": 6000}))
    await ready.told("1:SuspendedEVSE")


async def test_connectors_share_what_the_charger_has(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="T", connector_id=1)
    await ready.perform("start-session", id_tag="T", connector_id=2)
    whole = profile((0, 20000), (60, 6000), purpose="ChargePointMaxProfile")
    await install(ready, 0, whole)
    powers = [connector.power_w for connector in ready.charger.outlets]
    assert powers == [10000, 10000]
    await ready.perform("power-update", power_w=5000, connector_id=1)
    powers = [connector.power_w for connector in ready.charger.outlets]
    assert powers == [5000, 15000]
    await ready.clock.advance(60)
    await until(lambda: "2:SuspendedEVSE" in ready.csms.story)
    assert ready.charger.connectors[1].power_w == 5000


async def test_a_remote_start_brings_its_profile(ready: Bench) -> None:
    async def start(sent: Payload) -> str:
        request = {"idTag": "T", "connectorId": 1, "chargingProfile": sent}
        answer = await ready.csms.call("RemoteStartTransaction", request)
        status: str = answer["status"]
        return status

    await ready.perform("plug-connector")
    relative = profile((0, 6000), (60, 7000), purpose="TxProfile", kind="Relative")
    assert await start(profile((0, 6000))) == "Rejected"
    assert await start({**relative, "transactionId": 3}) == "Rejected"
    await ready.clock.advance(30)
    assert await start(relative) == "Accepted"
    await until(lambda: "1:Charging" in ready.csms.story)
    assert ready.charger.connectors[1].power_w == 6000
    await ready.clock.advance(30)
    assert await composite(ready, duration=60) == [(0, 6000), (30, 7000)]
    await ready.clock.advance(30)
    assert ready.charger.connectors[1].power_w == 7000


async def test_profiles_survive_a_restart_and_ruled_in_between(ready: Bench) -> None:
    await ready.perform("start-session", id_tag="T")
    sent = profile((0, 7200), (100, 0), (200, 7200), purpose="TxProfile")
    sent["validFrom"], sent["validTo"] = START, "2026-01-02T00:00:00Z"
    assert await install(ready, 1, sent) == "Accepted"
    await ready.clock.advance(50)
    await ready.kill()
    await ready.clock.advance(200)
    await ready.power_on(connectors=2)
    await ready.clock.advance(50)
    assert ready.charger.connectors[1].read().energy_wh == 400
    assert await composite(ready, duration=60) == [(0, 7200)]


async def test_a_dc_charger_knows_watts_only(bench: Bench) -> None:
    await bench.power_on(current_type="dc", max_power_w=150_000)
    assert await install(bench, 1, profile((0, 16), unit="A")) == "Rejected"
    assert await install(bench, 1, profile((0, 40_000))) == "Accepted"
    assert await composite(bench) == [(0, 40_000)]
    request = {"connectorId": 1, "duration": 60, "chargingRateUnit": "A"}
    answer = await bench.csms.call("GetCompositeSchedule", request)
    assert answer == {"status": "Rejected"}
