"""The charger's flash memory: saves that coalesce."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol


class Store(Protocol):
    async def save(self, state: dict[str, Any]) -> None:
        """Returns once the state is durable."""


class Flash:
    """At most one save is in flight; the next one takes the latest state."""

    def __init__(self, store: Store, snapshot: Callable[[], dict[str, Any]]) -> None:
        self._store = store
        self._snapshot = snapshot
        self._version = 0  # rises with every change
        self._saved = 0
        self._writing: asyncio.Task[None] | None = None

    def touch(self) -> None:
        """The state has changed: the next ``flush`` has something to save."""
        self._version += 1

    async def flush(self) -> None:
        """Return when all that has changed until now is durable."""
        wanted = self._version
        while self._saved < wanted:
            if self._writing is None or self._writing.done():
                self._writing = asyncio.create_task(self._write())
            # A caller who is cancelled must not leave half a save behind.
            await asyncio.shield(self._writing)

    async def _write(self) -> None:
        version = self._version
        await self._store.save(self._snapshot())
        self._saved = version
