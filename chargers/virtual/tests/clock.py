"""A clock that stands still until a test moves it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class ManualClock:
    def __init__(self) -> None:
        self._start = datetime(2026, 1, 1, tzinfo=UTC)
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self.sleeps: list[float] = []  # every pause ever asked for

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        await self._sleeper(seconds)

    def call_later(
        self, seconds: float, callback: Callable[[], None]
    ) -> "asyncio.Future[None]":
        timer = self._sleeper(seconds)
        timer.add_done_callback(lambda _: None if timer.cancelled() else callback())
        return timer

    def _sleeper(self, seconds: float) -> "asyncio.Future[None]":
        self.sleeps.append(seconds)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed + seconds, woken))
        return woken

    async def advance(self, seconds: float) -> None:
        """Move on, waking sleepers one after the other at their own time."""
        target = self._elapsed + seconds
        await _let_tasks_run()
        while (sleeper := self._next(target)) is not None:
            self._sleepers.remove(sleeper)
            self._elapsed = max(self._elapsed, sleeper[0])
            sleeper[1].set_result(None)
            await _let_tasks_run()
        self._elapsed = target

    def _next(self, target: float) -> tuple[float, asyncio.Future[None]] | None:
        self._sleepers = [s for s in self._sleepers if not s[1].done()]
        due = [s for s in self._sleepers if s[0] <= target]
        return min(due, key=lambda sleeper: sleeper[0], default=None)


async def _let_tasks_run() -> None:
    for _ in range(30):
        await asyncio.sleep(0)
