"""The physical model and the state machine, without any I/O."""

from datetime import UTC, datetime, timedelta

import pytest

from .. import authorization
from ..authorization import AuthorizationCache, is_accepted
from ..clock import SystemClock, parse_time
from ..connector import Connector
from ..states import Status, StopReason
from ..transaction import Transaction
from ..v16.configuration import Configuration
from ..vehicle import Vehicle, usable_w
from .clock import ManualClock


def connector(clock: ManualClock, **changes: object) -> Connector:
    facts = {"rating_w": 22000, "phases": 3, "is_dc": False, **changes}
    return Connector(1, monotonic=clock.monotonic, **facts)  # type: ignore[arg-type]


def start(target: Connector, energy_limit_wh: float | None = None) -> None:
    target.plug()
    transaction = Transaction("key", "TAG", "2026-01-01T00:00:00Z", 0)
    target.start(transaction, energy_limit_wh=energy_limit_wh)


@pytest.mark.parametrize(
    ("offered_w", "usable"),
    [(22000, 22000), (4140, 4140), (4139, 4139), (1380, 1380), (1379, 0), (0, 0)],
)
def test_ac_falls_back_to_one_phase_and_then_to_none(
    offered_w: float, usable: float
) -> None:
    power_w = usable_w(offered_w, phases=3, rating_w=22000, is_dc=False)
    assert power_w == usable


def test_one_phase_carries_no_more_than_its_share_of_the_rating() -> None:
    assert usable_w(4000, phases=3, rating_w=11000, is_dc=False) == 11000 / 3


def test_a_dc_charger_charges_with_any_power() -> None:
    assert usable_w(1, phases=3, rating_w=150000, is_dc=True) == 1


async def test_energy_is_power_over_time() -> None:
    clock = ManualClock()
    target = connector(clock)
    start(target)
    target.limit_power(11000)
    await clock.advance(3600)
    reading = target.read()
    assert (reading.energy_wh, reading.power_w) == (11000, 11000)
    assert target.limit_power(50000) == 22000


async def test_a_dc_battery_tapers_and_gets_full() -> None:
    clock = ManualClock()
    target = connector(clock, rating_w=300000, is_dc=True)
    start(target)
    assert target.read().power_w == 150000
    powers = []
    while target.status is Status.CHARGING:
        await clock.advance(60)
        powers.append(target.read().power_w)
        assert len(powers) < 300
    assert powers == sorted(powers, reverse=True)
    assert target.status is Status.SUSPENDED_EV
    assert target.read().energy_wh == 60000
    assert target.read().soc == 1


async def test_an_ac_battery_tapers_at_its_end() -> None:
    clock = ManualClock()
    target = connector(clock)
    start(target)
    assert target.vehicle is not None
    target.vehicle.charge_wh = target.vehicle.battery_wh * 0.9
    powers = []
    for _ in range(4):
        powers.append(target.read().power_w)
        await clock.advance(600)
    assert powers[0] == 22_000
    assert powers == sorted(powers, reverse=True)
    assert powers[-1] < 12_000


async def test_an_ev_of_one_phase_takes_one_of_three() -> None:
    target = connector(ManualClock())
    start(target)
    assert target.vehicle is not None
    target.vehicle.phases = 1
    reading = target.read()
    assert reading.phases == 1
    assert round(reading.power_w) == 7333
    target.limit_power(1000)  # less than 6 A
    assert target.status is Status.SUSPENDED_EVSE


async def test_an_energy_limit_is_met_exactly() -> None:
    clock = ManualClock()
    target = connector(clock)
    start(target, energy_limit_wh=1000.5)
    assert target.seconds_to_change == pytest.approx(1000.5 * 3600 / 22000)
    await clock.advance(1000)
    assert target.read().energy_wh == 1000
    assert target.limit_reached(clock.now()) is StopReason.ENERGY_LIMIT


async def test_a_restored_connector_charged_in_the_time_between() -> None:
    clock = ManualClock()
    target = connector(clock)
    start(target)
    await clock.advance(36)
    saved, saved_at = target.to_state(), clock.now()
    again = connector(clock)
    again.restore(saved)
    again.catch_up(saved_at, saved_at + timedelta(seconds=36))
    assert again.read().energy_wh == 440
    assert again.status is Status.CHARGING
    again.restore(saved)
    again.catch_up(saved_at, saved_at - timedelta(hours=1))
    assert again.read().energy_wh == 220


async def test_a_partial_state_is_enough() -> None:
    target = connector(ManualClock())
    target.restore({"fault": "GroundFault"})
    assert target.status is Status.FAULTED


def test_an_ev_that_wants_nothing_draws_nothing() -> None:
    assert Vehicle(wants_energy=False).acceptance_w == 0
    assert Vehicle(is_dc=True, charge_wh=75000.0).acceptance_w == 0


def test_configuration_ignores_saved_values_it_no_longer_takes() -> None:
    saved = {"HeartbeatInterval": "x", "Gone": "1", "ResetRetries": "2"}
    configuration = Configuration(saved, connectors=1)
    assert configuration.to_state() == {"ResetRetries": "2"}


async def test_the_system_clock_runs() -> None:
    clock = SystemClock()
    before, earlier = clock.monotonic(), clock.now()
    await clock.sleep(0)
    assert clock.monotonic() >= before
    assert clock.now() >= earlier
    assert parse_time("2026-01-01T00:00:00").tzinfo is UTC


def test_an_expiry_that_cannot_be_read_accepts_nobody() -> None:
    info = {"status": "Accepted", "expiryDate": "2026-01-01T23:59:60Z"}
    assert not is_accepted(info, ManualClock().now())


def test_the_cache_forgets_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorization, "CACHE_LIMIT", 2)
    cache = AuthorizationCache({})
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for tag in ("A", "B", "a", "C"):
        cache.remember(tag, {"status": "Accepted"}, now)
    assert list(cache.to_state()) == ["a", "c"]
    cache.remember("BAD", {"status": "Blocked"}, now)
    assert list(cache.to_state()) == ["c", "bad"]
    cache.remember("D", {"status": "Accepted"}, now)  # what is not valid goes first
    assert list(cache.to_state()) == ["c", "d"]
