"""The charger's flash memory: saves that coalesce."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol


class Store(Protocol):
    async def save(self, state: dict[str, Any]) -> None:
        """Return once the state is durable; cancelled, save all of it or nothing."""


class Flash:
    """At most one save is in flight; the next one takes the latest state."""

    def __init__(self, store: Store, snapshot: Callable[[], dict[str, Any]]) -> None:
        self._store = store
        self._snapshot = snapshot
        self._version = 0  # rises with every change
        self._saved = 0
        self._turn = asyncio.Lock()

    def touch(self) -> None:
        """The state has changed: the next ``flush`` has something to save."""
        self._version += 1

    async def flush(self) -> None:
        """Return when all that has changed until now is durable."""
        wanted = self._version
        if self._saved >= wanted:
            return
        async with self._turn:
            if self._saved >= wanted:  # by who had the turn before
                return
            version = self._version
            await self._store.save(self._snapshot())
            self._saved = version
