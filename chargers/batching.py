"""Gathering writes: many small ones become a few statements."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError

from .group_commit import group_commit

logger = logging.getLogger(__name__)

Item = TypeVar("Item")

GATHER = 0.02  # s, for others to come along before a batch is written
RETRY_PAUSE = 1.0  # s, after the database did not answer
LIMIT = 100_000  # items kept while the database is away; then the oldest are dropped


class BatchWriter(Generic[Item]):
    """Hands items to ``write`` in batches, in order; while one is written, the next
    gathers. A transaction costs more than its rows: nobody waits for these, so some time
    passes before it.

    ``write`` commits all of a batch or nothing. A batch that finds no database is tried
    again; one that the database refuses is written item by item, without the bad ones.
    ``written`` hears of what was committed.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], None],
        written: Callable[[Sequence[Item]], None] = lambda items: None,
    ) -> None:
        self._write = write
        self._written = written
        self._items: list[Item] = []
        self._done = 0  # items written since the start
        self._work = asyncio.Event()
        self._turn = asyncio.Lock()

    def put(self, item: Item) -> None:
        """Write this soon."""
        self._items.append(item)
        self._work.set()

    async def flush(self) -> None:
        """Return once all that was put so far is committed."""
        target = self._done + len(self._items)
        while self._done < target:
            # Who no longer waits must not leave behind what is written a second time.
            await asyncio.shield(self._write_next(target))

    async def run(self) -> None:
        """Write what is put, until cancelled."""
        while True:
            await self._work.wait()
            await asyncio.sleep(GATHER)
            self._work.clear()
            await self.flush()

    async def _write_next(self, target: int) -> None:
        async with self._turn:
            if self._done < target:  # not by who had the turn before
                await self._write_batch()

    async def _write_batch(self) -> None:
        batch = self._items[:]
        try:
            await group_commit().run(self._write, batch)
        except (OperationalError, InterfaceError) as error:
            logger.warning("%d writes will be tried again: %s", len(batch), error)
            if (surplus := len(self._items) - LIMIT) > 0:
                logger.error("%d writes are dropped", surplus)
                self._forget(surplus)
            await asyncio.sleep(RETRY_PAUSE)
        except Exception:
            for item in batch:
                await self._write_singly(item)
            self._forget(len(batch))
            self._written(batch)
        else:
            self._forget(len(batch))
            self._written(batch)

    async def _write_singly(self, item: Item) -> None:
        try:
            await group_commit().run(self._write, [item])
        except Exception:
            logger.exception("%r could not be written", item)

    def _forget(self, count: int) -> None:
        del self._items[:count]
        self._done += count
