"""The fleet process: runs its share of the virtual chargers.

It joins the virtual chargers, which know neither database nor Redis, to both.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from channels.db import database_sync_to_async
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from ocpplab.encryption import decrypt, encrypt

from . import leases, services
from .choices import CurrentType, ProcessRole
from .group_commit import group_commit
from .holder import Holder
from .models import Charger
from .ocpp.versions import Version
from .virtual.charger import ChargerSpec, VirtualCharger
from .virtual.clock import SystemClock

logger = logging.getLogger(__name__)

BALANCE_EVERY = 2.0  # s
CLAIM_AT_ONCE = 500
START_AT_ONCE, START_PAUSE = 50, 0.05  # so many, then a pause, s: 1,000 a second
STOP_TIMEOUT = 10.0  # s, for a charger to hang up
RETRY_PAUSE = 1.0  # s, after the database did not answer

# What a virtual charger is made from: a change of any means to start it anew, unless it
# has been told of its new password itself.
_COLUMNS = (
    "identity",
    "ws_url",
    "organization__slug",
    "ocpp_version",
    "connector_count",
    "restarts",
    "model__brand__name",
    "model__name",
    "model__current_type",
    "model__phases",
    "model__supported_kwh",
    "password_encrypted",
)
Columns = tuple[Any, ...]


@dataclass(slots=True)
class Run:
    """A virtual charger that this process runs, and what it was made from."""

    virtual: VirtualCharger
    task: asyncio.Task[None]
    columns: Columns

    def fits(self, columns: Columns) -> bool:
        """Whether the charger may run on, its row being as it is now."""
        if columns != self.columns and columns[:-1] == self.columns[:-1]:
            password = _password_of(self.virtual.spec.identity, columns[-1])
            if password == self.virtual.credentials.password:
                self.columns = columns
        return columns == self.columns


class Fleet:
    """Holds leases on virtual chargers and runs them, until told to stop."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.holder = Holder(ProcessRole.FLEET, capacity)
        self.clock = SystemClock()
        self._runs: dict[str, Run] = {}
        self._stop = asyncio.Event()

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        """Run the share of this process until ``stop``; then hang all chargers up."""
        await self.holder.start()
        try:
            while not self._stop.is_set():
                try:
                    await self._balance()
                except Exception:
                    logger.exception("the fleet will balance again")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), BALANCE_EVERY)
        finally:
            await self._hang_up(list(self._runs))
            await self.holder.stop()

    async def _balance(self) -> None:
        """Run what this process holds, no more than its share, and claim what is free."""
        held = await database_sync_to_async(self._held)()
        await self._release([pk for pk in self._runs if pk not in held])
        await self._hang_up(
            [pk for pk, run in self._runs.items() if not run.fits(held[pk])]
        )
        await self._start(held)

        share = await database_sync_to_async(leases.fair_share)(self.capacity)
        if len(self._runs) > share:
            await self._release(list(self._runs)[share:])
        while (missing := share - len(self._runs)) > 0:
            claimed = await database_sync_to_async(leases.claim_chargers)(
                self.holder.name, min(missing, CLAIM_AT_ONCE)
            )
            if not claimed:
                break
            await self._start(await database_sync_to_async(self._held)())

    def _held(self) -> dict[str, Columns]:
        """The chargers this process is to run, as they are in the database now."""
        rows = leases.held_chargers(self.holder.name).values_list("pk", *_COLUMNS)
        return {pk: tuple(columns) for pk, *columns in rows}

    async def _start(self, held: Mapping[str, Columns]) -> None:
        """Start those that do not run yet from the states they last saved, not all at
        one moment.
        """
        missing = [pk for pk in held if pk not in self._runs]
        if not missing:
            return
        rows = await database_sync_to_async(_read_chargers)(missing)
        states = await database_sync_to_async(services.virtual_states)(missing)
        for count, row in enumerate(rows, start=1):
            try:
                self._start_one(row, held[row.pk], states.get(row.pk, {}))
            except Exception:  # it would keep the others from starting
                logger.exception("virtual charger %s cannot be made", row.pk)
            if count % START_AT_ONCE == 0:
                await asyncio.sleep(START_PAUSE)

    def _start_one(self, row: Charger, columns: Columns, state: dict[str, Any]) -> None:
        charger_id = row.pk
        virtual = VirtualCharger(
            spec_of(row),
            state=_unsealed(charger_id, state),
            store=_Flash(charger_id, self.holder.name),
            clock=self.clock,
            on_frame=partial(self.holder.log_message, charger_id),
            on_link=partial(self._note_link, charger_id),
            read_log=partial(self._read_log, charger_id),
        )
        task = asyncio.create_task(self._run_charger(charger_id, virtual))
        self._runs[charger_id] = Run(virtual, task, columns)
        self.holder.delivery.attach(charger_id, virtual)

    async def _run_charger(self, charger_id: str, virtual: VirtualCharger) -> None:
        try:
            await virtual.run()
        except Exception:
            logger.exception(
                "virtual charger %s has failed; it starts anew", charger_id
            )
            await asyncio.sleep(BALANCE_EVERY)
            run = self._runs.get(charger_id)
            if run is not None and run.virtual is virtual:
                self.holder.delivery.detach(charger_id, virtual)
                del self._runs[charger_id]

    async def _hang_up(self, charger_ids: list[str]) -> None:
        """Stop these chargers: they hang up and save their state."""
        runs = [(pk, self._runs.pop(pk)) for pk in charger_ids if pk in self._runs]
        for pk, run in runs:
            self.holder.delivery.detach(pk, run.virtual)
        await asyncio.gather(*(_stop_run(run) for _, run in runs))

    async def _release(self, charger_ids: list[str]) -> None:
        """Hang these chargers up and leave them to others, if any should run them."""
        if not charger_ids:
            return
        await self._hang_up(charger_ids)
        await database_sync_to_async(leases.release_chargers)(
            self.holder.name, charger_ids
        )

    async def _read_log(
        self, charger_id: str, since: datetime | None, until: datetime | None
    ) -> list[str]:
        await self.holder.flush()
        read = database_sync_to_async(services.message_lines)
        return await read(charger_id, since, until)

    def _note_link(self, charger_id: str, is_up: bool, detail: str) -> None:
        name, now = self.holder.name, timezone.now()
        self.holder.links.put(services.Link(charger_id, name, is_up, detail, now))
        self.holder.delivery.ring([charger_id])


class _Flash:
    """The flash memory of one virtual charger: a row of the database."""

    __slots__ = ("_sealed", "_secrets", "charger_id", "holder")

    def __init__(self, charger_id: str, holder: str) -> None:
        self.charger_id = charger_id
        self.holder = holder
        self._secrets: dict[str, Any] = {}
        self._sealed = ""

    async def save(self, state: dict[str, Any]) -> None:
        """Return once it is committed, however long the database is away."""
        sealed = {**state, "secrets": self._seal(state["secrets"])}
        saved = services.SavedState(self.charger_id, self.holder, sealed)
        while True:
            try:
                await group_commit().run_batched(services.save_virtual_states, saved)
            except (OperationalError, InterfaceError) as error:
                logger.warning("%s will be saved again: %s", self.charger_id, error)
                await asyncio.sleep(RETRY_PAUSE)
            else:
                return

    def _seal(self, secrets: dict[str, Any]) -> str:
        """Encrypted anew only when they have changed, which they seldom do."""
        if secrets != self._secrets:
            self._sealed = encrypt(json.dumps(secrets)) if secrets else ""
            self._secrets = secrets
        return self._sealed


def _unsealed(charger_id: str, state: dict[str, Any]) -> dict[str, Any]:
    """The saved state with its secrets in the clear."""
    sealed = state.get("secrets")
    try:
        secrets = json.loads(decrypt(sealed)) if sealed else {}
    except InvalidToken:
        logger.error("%s: its secrets are from another SECRET_KEY", charger_id)
        secrets = {}
    return {**state, "secrets": secrets}


async def _stop_run(run: Run) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(run.virtual.stop(), STOP_TIMEOUT)
    run.task.cancel()
    await asyncio.gather(run.task, return_exceptions=True)


def _read_chargers(ids: Sequence[str]) -> list[Charger]:
    rows = Charger.objects.select_related("organization", "model__brand")
    return list(rows.filter(pk__in=ids))


def spec_of(row: Charger) -> ChargerSpec:
    """What a virtual charger has to know of itself, from its row."""
    model = row.model
    base, secure = row.ws_url or settings.OCPP_ENDPOINT_URL, ""
    path = f"/{quote(row.identity, safe='')}"
    if not row.ws_url:
        path = f"/{row.organization.slug}{path}"
        secure = settings.OCPP_SECURE_ENDPOINT_URL
    return ChargerSpec(
        identity=row.identity,
        url=f"{base}{path}",
        secure_url=f"{secure}{path}" if secure else "",
        version=Version.from_label(row.ocpp_version),
        vendor=model.brand.name if model else "OCPPLAB",
        model=model.name if model else "Virtual",
        serial_number=row.pk,
        connectors=row.connector_count,
        current_type=model.current_type if model else CurrentType.AC.value,
        phases=model.phases if model else 3,
        max_power_w=row.max_power_w,
        password=_password_of(row.identity, row.password_encrypted),
    )


def _password_of(identity: str, encrypted: str) -> str:
    if not encrypted:
        return ""
    try:
        return decrypt(encrypted)
    except InvalidToken:
        logger.error("%s: its password is from another SECRET_KEY", identity)
        return ""
