"""The chargers' connections in this web process, and word to them from any process.

One subscription to the channel layer a process: one for each of thousands of connections
would cost each of them a queue, two tasks and two round-trips to Redis.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Any, Protocol, cast
from weakref import WeakKeyDictionary

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

GROUP = "connections"
START_WAIT = 2.0  # s, for the first word to be heard
PAUSE = 1.0  # s, between attempts to reach Redis

Message = dict[str, Any]


class Connection(Protocol):
    """A charger's WebSocket: a consumer."""

    async def dispatch(self, message: Message) -> None: ...


class Connections:
    """The connections of one event loop, by charger: one each, but for a moment."""

    def __init__(self) -> None:
        self._connections: dict[str, list[Connection]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._is_heard = asyncio.Event()

    async def add(self, charger_id: str, connection: Connection) -> None:
        """Pass on what is said to this charger, to this connection too."""
        self._connections.setdefault(charger_id, []).append(connection)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        if not self._is_heard.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_heard.wait(), START_WAIT)

    def remove(self, charger_id: str, connection: Connection) -> None:
        remaining = self._connections[charger_id]
        remaining.remove(connection)
        if not remaining:
            del self._connections[charger_id]

    async def close(self) -> None:
        """Listen no more."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        layer = cast(Any, get_channel_layer())
        while True:
            try:
                channel = await layer.new_channel()
                await layer.group_add(GROUP, channel)
                self._is_heard.set()
                while True:
                    await self._pass_on(await layer.receive(channel))
            except (RedisError, OSError) as error:
                logger.warning("word to connections is not heard: %s", error)
                await asyncio.sleep(PAUSE)

    async def _pass_on(self, message: Message) -> None:
        for connection in tuple(self._connections.get(message["charger"], ())):
            try:
                await connection.dispatch(message)
            except Exception:
                logger.exception("%s was not taken", message["type"])


async def tell(charger_id: str, message: Message) -> None:
    """Say something to a charger's connections, in whichever processes they are."""
    layer = cast(Any, get_channel_layer())
    await layer.group_send(GROUP, {"charger": charger_id, **message})


def recheck(charger_ids: Sequence[str]) -> None:
    """Have connections hang up that may stay no longer, once this is committed."""

    async def say() -> None:
        for charger_id in charger_ids:
            await tell(charger_id, {"type": "connection.recheck"})

    if charger_ids:
        transaction.on_commit(async_to_sync(say), robust=True)


def tell_from_thread(charger_id: str, message: Message) -> None:
    """As ``tell``, where there is no event loop."""
    async_to_sync(tell)(charger_id, message)


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Connections] = (
    WeakKeyDictionary()
)


def connections() -> Connections:
    """Those of the running event loop."""
    loop = asyncio.get_running_loop()
    if (found := _of_loops.get(loop)) is None:
        found = _of_loops[loop] = Connections()
    return found
