"""How a command reaches its charger, wherever that runs (the tour's step 5).

The database holds the commands; Redis only carries the word that there are some. Whoever
holds a charger's connection (a fleet process for virtual chargers, a web process for
physical ones) attaches it to the ``Delivery`` of its process, which claims the charger's
commands one after the other, has them performed, and records how they ended.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from channels.db import database_sync_to_async
from django.conf import settings
from django.db.models import QuerySet

from ocpplab.queue import redis_client

from .models import Charger
from .ocpp.errors import CallTimeout, CommandRejected, LinkClosed, OCPPError

logger = logging.getLogger(__name__)

RETRY_PAUSE = 1.0  # s, after the database did not answer
BATCH = 500  # commands claimed at a time
DOORBELL_TTL = 60  # s, of a ring that nobody hears


@dataclass(frozen=True, slots=True)
class Instruction:
    """A claimed command as its charger sees it."""

    pk: int
    charger_id: str
    command: str  # its slug
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a claimed command ended: applied, rejected or failed."""

    pk: int
    status: str
    result: dict[str, Any] | None = None
    detail: str = ""


class Ledger(Protocol):
    """Who keeps the commands: ``commands.services``, which this app does not import."""

    def claim_commands(self, charger_ids: Sequence[str]) -> list[Instruction]:
        """Mark the next waiting command of each charger received, and return them."""

    def defer_commands(self, charger_ids: Sequence[str]) -> None:
        """Note that these chargers' commands wait for a link."""

    def finish_commands(self, outcomes: Sequence[Outcome]) -> None:
        """Record how claimed commands ended."""

    def abandon_commands(self, charger_ids: Sequence[str]) -> None:
        """Fail the commands that an earlier holder of these chargers left unfinished."""


_ledger: Ledger | None = None


def register_ledger(ledger: Ledger) -> None:
    """Called once, by the app that keeps the commands."""
    global _ledger
    _ledger = ledger


class Performer(Protocol):
    """A charger to whoever delivers to it: a VirtualCharger, or a consumer."""

    @property
    def is_online(self) -> bool: ...

    async def perform(self, command: str, event: dict[str, Any]) -> dict[str, Any]: ...


# --- Ringing: any process ------------------------------------------------------------


def ring(chargers: QuerySet[Charger]) -> None:
    """Tell the holders of these chargers that commands wait for them.

    A ring may be lost with Redis: the sweep rings again. A charger that nobody holds is
    left alone: its next holder looks for commands by itself.
    """
    by_holder: dict[str, list[str]] = {}
    held = chargers.filter(holder__isnull=False).order_by()
    for pk, holder in held.values_list("pk", "holder").distinct():
        by_holder.setdefault(holder, []).append(pk)
    if not by_holder:
        return
    with redis_client().pipeline(transaction=False) as pipe:
        for holder, ids in by_holder.items():
            pipe.rpush(doorbell_key(holder), json.dumps(ids))
            pipe.expire(doorbell_key(holder), DOORBELL_TTL)
        pipe.execute()


def doorbell_key(holder: str) -> str:
    """The Redis list where a process hears of commands for the chargers it holds."""
    return f"ocpplab:doorbell:{holder}"


# --- Delivering: the process that holds the charger -----------------------------------


class Delivery:
    """Claims, performs and records the commands of the chargers attached to it.

    Commands of one charger run in their order of arrival, one at a time; chargers do not
    wait for each other. Claims and results of all chargers are gathered into a few
    statements: while one batch is in the database, the next gathers.
    """

    def __init__(self, before_record: Callable[[], Awaitable[None]]) -> None:
        """``before_record`` has what a command caused written before its result is."""
        self._before_record = before_record
        self._performers: dict[str, Performer] = {}
        self._running: dict[str, asyncio.Task[None]] = {}  # by charger
        self._new: set[str] = set()
        self._ringing: set[str] = set()
        self._outcomes: list[Outcome] = []
        self._work = asyncio.Event()

    def attach(self, charger_id: str, performer: Performer) -> None:
        """Deliver to this charger from now on."""
        self._performers[charger_id] = performer
        self._new.add(charger_id)
        self.ring([charger_id])

    def detach(self, charger_id: str, performer: Performer) -> None:
        """Deliver no more to this charger, unless another has taken its place."""
        if self._performers.get(charger_id) is performer:
            del self._performers[charger_id]
            if task := self._running.get(charger_id):
                task.cancel()

    def ring(self, charger_ids: Iterable[str]) -> None:
        """Commands may be waiting for these chargers, or their link is up again."""
        self._ringing.update(charger_ids)
        self._work.set()

    def ring_all(self) -> None:
        self.ring(self._performers)

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                await self._settle()
            except Exception:
                logger.exception("delivery will try again")
                self._work.set()
                await asyncio.sleep(RETRY_PAUSE)

    async def close(self) -> None:
        """Stop what is running and record it; call after ``run`` has ended."""
        for charger_id, performer in list(self._performers.items()):
            self.detach(charger_id, performer)
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self._settle()

    async def _settle(self) -> None:
        """One round: record what ended, then claim for whoever is free."""
        assert _ledger is not None, "no app has registered a ledger"
        new = [pk for pk in self._new if pk in self._performers]
        if new:
            await database_sync_to_async(_ledger.abandon_commands)(new)
        self._new.difference_update(new)
        if outcomes := self._outcomes[:]:
            await self._before_record()
            await database_sync_to_async(_ledger.finish_commands)(outcomes)
            del self._outcomes[: len(outcomes)]
        idle, cut_off = self._take_ringing()
        if cut_off:
            await database_sync_to_async(_ledger.defer_commands)(cut_off)
        if idle:
            await self._claim(idle)

    def _take_ringing(self) -> tuple[list[str], list[str]]:
        """The ringing chargers that are free, and those whose link is down."""
        idle: list[str] = []
        cut_off: list[str] = []
        while self._ringing and len(idle) + len(cut_off) < BATCH:
            charger_id = self._ringing.pop()
            performer = self._performers.get(charger_id)
            if performer is not None and charger_id not in self._running:
                (idle if performer.is_online else cut_off).append(charger_id)
        if self._ringing:
            self._work.set()
        return idle, cut_off

    async def _claim(self, idle: list[str]) -> None:
        assert _ledger is not None
        try:
            claimed = await database_sync_to_async(_ledger.claim_commands)(idle)
        except Exception:
            self._ringing.update(idle)
            raise
        for instruction in claimed:
            task = asyncio.create_task(self._perform(instruction))
            self._running[instruction.charger_id] = task

    async def _perform(self, instruction: Instruction) -> None:
        try:
            outcome = await self._outcome_of(instruction)
        except asyncio.CancelledError:
            outcome = Outcome(
                instruction.pk,
                "failed",
                detail="The charger's connection ended while it carried this out.",
            )
        self._outcomes.append(outcome)
        del self._running[instruction.charger_id]
        self.ring([instruction.charger_id])

    async def _outcome_of(self, instruction: Instruction) -> Outcome:
        pk = instruction.pk
        performer = self._performers.get(instruction.charger_id)
        if performer is None:
            return Outcome(
                pk, "failed", detail="The charger was handed over meanwhile."
            )
        try:
            async with asyncio.timeout(settings.COMMAND_TIMEOUT):
                result = await performer.perform(instruction.command, instruction.event)
        except CommandRejected as refusal:
            return Outcome(pk, "rejected", refusal.result, refusal.detail)
        except OCPPError as error:
            answer = {"code": error.code, "description": error.description}
            return Outcome(pk, "rejected", answer, str(error))
        except (LinkClosed, CallTimeout) as error:
            return Outcome(pk, "failed", detail=str(error))
        except TimeoutError:
            return Outcome(
                pk,
                "failed",
                detail=f"The charger did not finish within {settings.COMMAND_TIMEOUT} s.",
            )
        except Exception:
            logger.exception("%s failed", instruction)
            return Outcome(pk, "failed", detail="The portal met an internal error.")
        return Outcome(pk, "applied", result)
