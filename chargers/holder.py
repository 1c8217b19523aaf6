"""A process that holds chargers: what fleet and web processes have in common."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any

import redis.asyncio
from channels.db import database_sync_to_async
from django.conf import settings
from redis.exceptions import RedisError

from . import leases, services
from .batching import BatchWriter
from .changes import Announcer
from .choices import ProcessRole
from .delivery import Delivery, doorbell_key
from .ocpp.frames import MESSAGE_TYPES, Frame
from .ocpp.secrecy import text_without_secrets

logger = logging.getLogger(__name__)

REDIS_PAUSE = 1.0  # s, between attempts to reach Redis
BELL_WAIT = 5  # s, one blocking look at the doorbell


class Holder:
    """Renews the process's lease, hears its doorbell, delivers commands to the chargers
    attached, and writes their message log.
    """

    def __init__(self, role: ProcessRole, capacity: int = 0) -> None:
        self.name = leases.new_process_name(role)
        self.role = role
        self.capacity = capacity
        self.changes = Announcer()
        self.messages: BatchWriter[services.Frame] = BatchWriter(
            services.record_messages, self._note
        )
        self.links: BatchWriter[services.Link] = BatchWriter(
            services.record_links, self._note
        )
        self.closings: BatchWriter[services.Closed] = BatchWriter(
            services.mark_disconnected
        )
        self.delivery = Delivery(before_record=self.flush)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take the lease and begin; ``stop`` ends what this starts."""
        await self._renew()
        for work in (
            self._keep_renewing(),
            self._hear_doorbell(),
            self.delivery.run(),
            self.messages.run(),
            self.links.run(),
            self.closings.run(),
            self.changes.run(),
        ):
            self._tasks.append(asyncio.create_task(_guard(work)))

    async def stop(self) -> None:
        """End cleanly: results and messages are written, the chargers given back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.delivery.close()
        await self.flush()
        await database_sync_to_async(leases.resign)(self.name)

    async def flush(self) -> None:
        """Have the messages and links seen so far in the database."""
        await self.links.flush()
        await self.messages.flush()

    def log_message(
        self,
        charger_id: str,
        *,
        direction: str,
        frame: Frame | None,
        action: str,
        text: str,
        at: datetime,
    ) -> None:
        """Add a frame to the OCPP message log, soon, without its secrets."""
        text = text_without_secrets(frame, text)
        self.messages.put(
            services.Frame(
                charger_id,
                direction,
                action[:50],
                MESSAGE_TYPES[type(frame)] if frame is not None else None,
                text.replace("\0", "\N{REPLACEMENT CHARACTER}"),
                at,
            )
        )

    def _note(self, rows: Sequence[services.Frame | services.Link]) -> None:
        self.changes.note(row.charger_id for row in rows)

    async def _keep_renewing(self) -> None:
        while True:
            await asyncio.sleep(leases.RENEW_EVERY)
            try:
                await self._renew()
            except Exception as error:
                logger.warning("the lease could not be renewed: %s", error)

    async def _renew(self) -> None:
        await database_sync_to_async(leases.renew)(self.name, self.role, self.capacity)

    async def _hear_doorbell(self) -> None:
        """Ring for the chargers named on the doorbell; for all, when it may have been
        missed.
        """
        client: Any = redis.asyncio.from_url(settings.REDIS_URL)
        missed = True
        while True:
            try:
                if missed:
                    await client.ping()
                    self.delivery.ring_all()
                    missed = False
                rung = await client.blpop([doorbell_key(self.name)], timeout=BELL_WAIT)
            except RedisError as error:
                logger.warning("the doorbell is silent: %s", error)
                missed = True
                await asyncio.sleep(REDIS_PAUSE)
                continue
            if rung is not None:
                self.delivery.ring(json.loads(rung[1]))


async def _guard(work: Coroutine[Any, Any, None]) -> None:
    """Say when a part of the process dies, which none ever should."""
    with contextlib.suppress(asyncio.CancelledError):
        try:
            await work
        except Exception:
            logger.critical("a part of the process has died", exc_info=True)
