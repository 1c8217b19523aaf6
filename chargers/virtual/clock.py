"""Time as a virtual charger sees it, so that tests can move it; and waiting for things."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol


class Timer(Protocol):
    def cancel(self) -> object: ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The date and time, in UTC."""

    def monotonic(self) -> float:
        """Seconds since some moment; never falls."""

    async def sleep(self, seconds: float) -> None: ...

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call it once the seconds are over, unless the timer is cancelled."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(seconds, callback)


class Event:
    """As asyncio's, of which a charger's dozen took ten KiB."""

    __slots__ = ("_is_set", "_waiters")

    def __init__(self) -> None:
        self._is_set = False
        self._waiters: list[asyncio.Future[bool]] = []

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        for waiter in self._waiters:
            _settle(waiter, True)

    def clear(self) -> None:
        self._is_set = False

    async def wait(self) -> bool:
        """Return True once it is set."""
        if self._is_set:
            return True
        waiter = self._waiter()
        try:
            return await waiter
        finally:
            self._waiters.remove(waiter)

    async def wait_for(self, clock: Clock, seconds: float) -> bool:
        """Wait at most so many seconds; was it set?"""
        if self._is_set:
            return True
        waiter = self._waiter()
        timer = clock.call_later(seconds, partial(_settle, waiter, False))
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiters.remove(waiter)

    def _waiter(self) -> "asyncio.Future[bool]":
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        return waiter


def _settle(waiter: "asyncio.Future[bool]", was_set: bool) -> None:
    if not waiter.done():
        waiter.set_result(was_set)


async def wait_for_event(event: Event, clock: Clock, seconds: float | None) -> bool:
    """Wait for the event, at most so many seconds (None: for ever); was it set?"""
    if seconds is None:
        return await event.wait()
    return await event.wait_for(clock, seconds)


def next_aligned(now: datetime, interval: timedelta) -> datetime:
    """The next multiple of the interval since midnight, at which it begins anew."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = (now - midnight) // interval
    due = min(midnight + (passed + 1) * interval, midnight + timedelta(days=1))
    # A timer that fires a little early must not take the same moment twice.
    is_near = due - now <= min(interval / 2, timedelta(seconds=0.5))
    return next_aligned(due, interval) if is_near else due


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as OCPP's dateTime wants it."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """The moment in UTC, which one that names no zone is in. ValueError for no date."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the zone takes it out of the calendar
        raise ValueError(f"{text} is before or after all years") from None
