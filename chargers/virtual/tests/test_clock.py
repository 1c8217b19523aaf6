import asyncio
from datetime import timedelta

import pytest

from chargers.virtual.clock import (
    Event,
    SystemClock,
    next_aligned,
    parse_time,
    wait_for_event,
)

from .clock import ManualClock


async def test_an_event_wakes_all_who_wait_and_who_comes_later() -> None:
    event = Event()
    waiting = [asyncio.create_task(event.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    event.set()
    event.clear()
    assert await asyncio.gather(*waiting) == [True, True]
    event.set()
    assert await event.wait()


async def test_a_wait_ends_by_the_event_or_by_time() -> None:
    event, clock = Event(), ManualClock()
    in_time = asyncio.create_task(wait_for_event(event, clock, 10))
    await clock.advance(9)
    assert not in_time.done()
    event.set()
    assert await in_time
    event.clear()
    too_late = asyncio.create_task(wait_for_event(event, clock, 10))
    await clock.advance(10)
    assert not await too_late
    assert not await wait_for_event(event, SystemClock(), 0.001)


async def test_who_no_longer_waits_for_an_event_is_forgotten() -> None:
    event, clock = Event(), ManualClock()
    for wait in (event.wait(), wait_for_event(event, clock, 10)):
        task = asyncio.create_task(wait)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert not event._waiters
    event.set()
    await clock.advance(10)
    assert event.is_set()


@pytest.mark.parametrize(
    ("now", "hours", "due"),
    [
        ("2026-01-01T01:00:00Z", 7, "2026-01-01T07:00:00Z"),
        ("2026-01-01T07:00:00Z", 7, "2026-01-01T14:00:00Z"),
        ("2026-01-01T21:00:00Z", 7, "2026-01-02T00:00:00Z"),
        ("2026-01-01T21:00:00Z", 48, "2026-01-02T00:00:00Z"),
        ("2026-01-01T06:59:59.9Z", 7, "2026-01-01T14:00:00Z"),
        ("2026-01-01T23:59:59.9Z", 7, "2026-01-02T07:00:00Z"),
    ],
)
def test_intervals_begin_anew_at_midnight(now: str, hours: int, due: str) -> None:
    found = next_aligned(parse_time(now), timedelta(hours=hours))
    assert found == parse_time(due)
