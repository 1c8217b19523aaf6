"""Word of which chargers have changed, for the pages that show them.

A page hears *that* a charger changed and asks the database *what* it is now: a word that
is lost costs a page some seconds, never the truth. Whoever holds chargers says so for
each that sent or got a message; services in other processes call ``announce``.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

from ocpplab.queue import redis_client

logger = logging.getLogger(__name__)

CHANNEL = "ocpplab:changes"
PACE = 0.5  # s, in which a holder gathers changes before it tells them
PAGE_PACE = 1.0  # s, in which a page is told no more than once
KEEP_ALIVE = 20.0  # s, of silence, then a sign of life
LIFETIME = 600.0  # s, then a page asks again, and its rights are looked up again
REDIS_PAUSE = 2.0  # s, before another attempt to reach Redis


def announce(charger_ids: Iterable[str]) -> None:
    """Say at once that these chargers have changed."""
    changed = sorted(set(charger_ids))
    if not changed:
        return
    try:
        redis_client().publish(CHANNEL, json.dumps(changed))
    except RedisError as error:
        logger.warning("changes could not be announced: %s", error)


class Announcer:
    """Gathers the changes that a process sees, and tells of them twice a second."""

    def __init__(self) -> None:
        self._changed: set[str] = set()
        self._work = asyncio.Event()

    def note(self, charger_ids: Iterable[str]) -> None:
        self._changed.update(charger_ids)
        self._work.set()

    async def run(self) -> None:
        async with redis.asyncio.from_url(settings.REDIS_URL) as client:
            while True:
                await self._work.wait()
                await asyncio.sleep(PACE)
                self._work.clear()
                changed, self._changed = self._changed, set()
                with contextlib.suppress(RedisError):
                    await client.publish(CHANNEL, json.dumps(sorted(changed)))


# --- The web process ------------------------------------------------------------------


class Page:
    """An open page; ``wanted`` None means every charger."""

    def __init__(self, wanted: frozenset[str] | None) -> None:
        self._wanted = wanted
        self._changed: set[str] = set()
        self._work = asyncio.Event()

    def tell(self, charger_ids: frozenset[str]) -> None:
        changed = charger_ids if self._wanted is None else charger_ids & self._wanted
        if changed:
            self._changed |= changed
            self._work.set()

    async def changes(self) -> list[str]:
        """Which of its chargers changed since the last call, once one has."""
        await self._work.wait()
        self._work.clear()
        changed, self._changed = self._changed, set()
        return sorted(changed)


class Hub:
    """The one subscription of a process, for all its open pages."""

    def __init__(self) -> None:
        self._pages: set[Page] = set()
        self._listening: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def page(self, wanted: frozenset[str] | None) -> Iterator[Page]:
        page = Page(wanted)
        self._pages.add(page)
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen())
        try:
            yield page
        finally:
            self._pages.discard(page)
            if not self._pages:
                self._listening.cancel()
                self._listening = None  # it ends later: the next page needs another

    async def _listen(self) -> None:
        """Pass words on, until cancelled."""
        while True:
            client: Any = redis.asyncio.from_url(settings.REDIS_URL)
            try:
                async with client, client.pubsub() as words:
                    await words.subscribe(CHANNEL)
                    async for word in words.listen():
                        if word["type"] == "message":
                            self._tell(frozenset(json.loads(word["data"])))
            except RedisError as error:
                logger.warning("changes are not heard: %s", error)
                await asyncio.sleep(REDIS_PAUSE)

    def _tell(self, charger_ids: frozenset[str]) -> None:
        for page in self._pages:
            page.tell(charger_ids)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


async def events(wanted: frozenset[str] | None) -> AsyncIterator[str]:
    """Server-sent events: the ids of the chargers that changed, as a JSON list.

    Who may see every charger there is is told only that something changed.
    """
    loop = asyncio.get_running_loop()
    hub = _hubs.setdefault(loop, Hub())
    ends_at = loop.time() + LIFETIME
    yield "retry: 3000\n\n"
    with hub.page(wanted) as page:
        while loop.time() < ends_at:
            try:
                changed = await asyncio.wait_for(page.changes(), KEEP_ALIVE)
            except TimeoutError:
                yield ": quiet\n\n"
                continue
            told = [] if wanted is None else changed
            yield f"data: {json.dumps(told)}\n\n"
            await asyncio.sleep(PAGE_PACE)
