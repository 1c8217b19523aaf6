"""One virtual charger: joins link, connectors, transactions, commands and memory."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ..ocpp.errors import CallTimeout, LinkClosed, OCPPError
from ..ocpp.frames import Frame
from ..ocpp.session import DEFAULT_CALL_TIMEOUT
from ..ocpp.versions import Version
from .authorization import AuthorizationCache, LocalList
from .charging import Charging
from .clock import Clock, format_time, parse_time, wait_for_event
from .commands import Commands
from .configuration import Configuration
from .connector import Connector, Notice
from .flash import Flash, Store
from .link import Backoff, Link, LinkFailed, dial
from .outbox import Outbox
from .v16 import Messages
from .v16_requests import Requests

logger = logging.getLogger(__name__)

BOOT_PAUSE = 30  # s, between boots where the CSMS leaves it to us
REBOOT_PAUSE = 1.0  # s that a restart takes
SOFT_RESET_LIMIT = 30.0  # s for transactions to be reported before a restart


@dataclass(frozen=True, slots=True)
class ChargerSpec:
    """What a charger is; ``url`` has its identity as last path segment."""

    identity: str
    url: str
    version: Version = Version.V16
    vendor: str = "OCPPLAB"
    model: str = "Virtual"
    serial_number: str = ""
    firmware_version: str = "1.0.0"
    connectors: int = 1
    current_type: str = "ac"  # or "dc"
    phases: int = 3  # AC
    max_power_w: int = 22000  # rating per connector
    password: str = ""  # Basic authentication when not empty


class FrameListener(Protocol):
    """The message log; direction ``cp_to_csms`` or ``csms_to_cp``."""

    def __call__(
        self,
        *,
        direction: str,
        frame: Frame | None,
        action: str,
        text: str,
        at: datetime,
    ) -> None: ...


class VirtualCharger:
    """``state`` is what the store was last given, or {} for a factory-new charger.

    ``on_link(True, "")`` tells that the CSMS has accepted the charger, ``on_link(False,
    reason)`` that the link dropped or could not be had.
    """

    call_timeout = DEFAULT_CALL_TIMEOUT

    def __init__(
        self,
        spec: ChargerSpec,
        *,
        state: dict[str, Any],
        store: Store,
        clock: Clock,
        on_frame: FrameListener,
        on_link: Callable[[bool, str], None],
    ) -> None:
        if not spec.version.is_v16:
            raise ValueError(f"{spec.version.label} is not spoken yet")
        self.spec = spec
        self.clock = clock
        self._on_frame = on_frame
        self._on_link = on_link
        self.flash = Flash(store, self._snapshot)
        self.configuration = Configuration(
            state.get("configuration", {}), connectors=spec.connectors
        )
        self.local_list = LocalList(state.get("local_list", {}))
        self.cache = AuthorizationCache(state.get("cache", {}))
        self.connectors = [self._connector(n) for n in range(spec.connectors + 1)]
        self.outlets = self.connectors[1:]
        self._restore_connectors(state)
        self.messages = Messages(spec, self.configuration, clock)
        self.charging = Charging(self)
        self.outbox = Outbox(
            state.get("outbox", []),
            clock=clock,
            flash=self.flash,
            configuration=self.configuration,
            send=self._send_queued,
            on_failure=self.charging.on_failure,
            on_outcome=self.charging.on_outcome,
        )
        self._requests = Requests(self)
        self._commands = Commands(self)
        self._link: Link | None = None
        self._online = asyncio.Event()  # boot accepted
        self._ready = asyncio.Event()  # and the statuses have been told
        self._told: dict[int, Notice] = {}  # what the CSMS knows, by connector
        self._telling = asyncio.Lock()
        self._needs_boot = True
        self._boot_now = asyncio.Event()
        self._heartbeat_changed = asyncio.Event()
        self._hang_up: LinkFailed | None = None  # why we end the link ourselves
        self._backoff = Backoff()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self._stopped.set()

    # -- life ------------------------------------------------------------------------

    @property
    def is_online(self) -> bool:
        return self._online.is_set()

    async def run(self) -> None:
        """Dial, boot, serve, reconnect; until cancelled or stopped."""
        self._stopped.clear()
        bodies = (
            self._keep_link(),
            self.outbox.run(),
            self.charging.watch(),
            self.charging.watch_aligned(),
            self._stopping.wait(),
        )
        tasks = [asyncio.ensure_future(body) for body in bodies]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # a defect must be heard of
        finally:
            self._stopping.set()
            was_online = self.is_online
            await _cancel(tasks)
            while self._tasks:
                await _cancel([*self._tasks])
            if was_online:
                self._on_link(False, "stopped")
            self.flash.touch()
            try:
                await self.flash.flush()
            finally:
                self._stopped.set()

    async def stop(self) -> None:
        """Hang up, save the state; ``run`` then returns."""
        self._stopping.set()
        await self._stopped.wait()

    async def perform(self, command: str, event: dict[str, Any]) -> dict[str, Any]:
        """Carry out an operator's command and return its result.

        CommandRejected when that is not possible, LinkClosed or CallTimeout when the
        CSMS did not confirm it. May be cancelled.
        """
        task = asyncio.create_task(self._commands.perform(command, event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            result = await task
        except asyncio.CancelledError:
            if self._stopping.is_set() and task.cancelled():
                raise LinkClosed("The charger was stopped.") from None
            raise
        await self.flash.flush()
        return result

    def spawn(self, body: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Run it in the background, until the charger stops."""
        task = asyncio.create_task(body)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        problem = None if task.cancelled() else task.exception()
        if isinstance(problem, LinkClosed | CallTimeout | OCPPError):
            logger.info("%s: %s", self.spec.identity, problem)
        elif problem is not None:
            logger.error("%s: a task failed", self.spec.identity, exc_info=problem)

    # -- link ------------------------------------------------------------------------

    async def call(
        self, action: str, payload: dict[str, Any], *, validate: bool = True
    ) -> dict[str, Any]:
        """Send a CALL; LinkClosed unless the CSMS has accepted the charger."""
        if not self.is_online:
            raise LinkClosed("The charger is not connected to its CSMS.")
        return await self.call_unaccepted(action, payload, validate=validate)

    async def call_unaccepted(
        self, action: str, payload: dict[str, Any], *, validate: bool = True
    ) -> dict[str, Any]:
        """As ``call``, but also for what a CSMS triggers while the boot is pending."""
        link = self._link
        if link is None:
            raise LinkClosed("The charger is not connected to its CSMS.")
        try:
            return await link.session.call(action, payload, validate=validate)
        except LinkClosed:
            if self._link is link:
                self._go_offline()
            raise

    async def _keep_link(self) -> None:
        while True:
            try:
                await self._connect()
            except LinkFailed as failure:
                self._on_link(False, failure.reason)
                pause = failure.retry_after
                await self.clock.sleep(self._backoff.next() if pause is None else pause)

    async def _connect(self) -> None:
        """Dial and use the link; always ends in LinkFailed."""
        spec = self.spec
        connection = await dial(
            spec.url,
            spec.version,
            credentials=(spec.identity, spec.password) if spec.password else None,
            ping_interval=self.configuration.integer("WebSocketPingInterval"),
        )
        self._hang_up = None
        self._link = Link(
            connection,
            spec.version,
            handle=self._handle,
            observe=self._observe,
            call_timeout=self.call_timeout,
        )
        await self._use(self._link)

    async def _use(self, link: Link) -> None:
        reader = asyncio.create_task(link.read())
        talker = asyncio.create_task(self._talk())
        try:
            await asyncio.wait({reader, talker}, return_when=asyncio.FIRST_COMPLETED)
            if talker.done() and isinstance(talker.exception(), LinkFailed):
                talker.result()
            if self._hang_up is not None:
                raise self._hang_up
            if talker.done() and not isinstance(talker.exception(), LinkClosed):
                talker.result()
            raise LinkFailed(await reader)
        finally:
            self._go_offline()
            await _cancel([talker])
            await link.close()
            await _cancel([reader])

    async def _talk(self) -> None:
        """What the charger says of itself on a new link, for as long as it lasts."""
        if self._needs_boot:
            await self._boot()
        self._backoff.reset()
        self._online.set()
        self._on_link(True, "")
        for connector in self.connectors:
            with contextlib.suppress(CallTimeout):
                await self.tell_status(connector)
        self._ready.set()
        await self._beat()

    def _go_offline(self) -> None:
        self._link = None
        self._online.clear()
        self._ready.clear()

    def _restart(self) -> None:
        """Hang up at once, then dial and boot anew."""
        self._needs_boot = True
        if self._link is not None:
            self._hang_up = LinkFailed("reset", REBOOT_PAUSE)
            self.spawn(self._link.close())
            self._go_offline()

    async def _handle(self, action: str, payload: dict[str, Any]) -> Any:
        """Answer the CSMS, once what it changed is durable."""
        reply = await self._requests.handle(action, payload)
        await self.flash.flush()
        return reply

    def _observe(
        self, *, sent: bool, frame: Frame | None, action: str, text: str
    ) -> None:
        self._on_frame(
            direction="cp_to_csms" if sent else "csms_to_cp",
            frame=frame,
            action=action,
            text=text,
            at=self.clock.now(),
        )

    async def _send_queued(
        self, action: str, payload: dict[str, Any]
    ) -> dict[str, Any]:
        await self._ready.wait()
        return await self.call(action, payload)

    # -- boot and heartbeat ----------------------------------------------------------

    async def _boot(self) -> None:
        """Send BootNotification until the CSMS accepts the charger (1.6, 4.2)."""
        self._told.clear()
        while True:
            self._boot_now.clear()
            try:
                answer = await self.call_unaccepted(*self.messages.boot_notification())
            except (OCPPError, CallTimeout) as problem:
                raise LinkFailed(f"boot failed: {problem}") from problem
            interval = answer["interval"]
            if answer["status"] == "Accepted":
                break
            pause = interval if interval > 0 else BOOT_PAUSE
            if answer["status"] == "Rejected":
                # Nothing may be sent, nor answered, until then: better to hang up.
                raise LinkFailed("boot rejected", pause)
            self._on_link(False, "boot pending")
            await wait_for_event(self._boot_now, self.clock, pause)
        self._needs_boot = False
        if interval > 0:
            self.configure("HeartbeatInterval", str(interval))

    def boot_again(self) -> None:
        """The CSMS triggers a BootNotification."""
        if self.is_online:
            self.spawn(self.call(*self.messages.boot_notification()))
        else:
            self._boot_now.set()

    async def _beat(self) -> None:
        """Heartbeats, for ever; an interval of 0 means none."""
        while True:
            self._heartbeat_changed.clear()
            interval = self.configuration.integer("HeartbeatInterval") or None
            if await wait_for_event(self._heartbeat_changed, self.clock, interval):
                continue
            with contextlib.suppress(OCPPError, CallTimeout):
                await self.call(*self.messages.heartbeat())

    async def reboot(self, *, hard: bool) -> None:
        """Restart as Reset asks (1.6, 5.14).

        Soft, transactions are reported before; hard, after the boot.
        """
        if hard:
            self._restart()
        for connector in self.outlets:
            self.charging.forget_remote_start(connector)
            if connector.transaction is not None:
                self.charging.end(connector, "HardReset" if hard else "SoftReset")
        if not hard:
            await wait_for_event(self.outbox.emptied, self.clock, SOFT_RESET_LIMIT)
            self._restart()

    # -- status ----------------------------------------------------------------------

    async def report(self, connector: Connector) -> None:
        """Return once the CSMS knows the connector's status, however long that takes.

        CallTimeout when it does not answer the StatusNotification.
        """
        await asyncio.shield(self.spawn(self._report(connector)))

    def report_soon(self, connector: Connector) -> None:
        """The same in the background; without a link, the next one tells it."""
        if self.is_online and self._told.get(connector.number) != connector.notice:
            self.spawn(self._report(connector))

    async def _report(self, connector: Connector) -> None:
        while self._told.get(connector.number) != connector.notice:
            # CSMSs expect Charging after StartTransaction, Finishing after Stop.
            if boundary := self.outbox.untried_boundary(connector.number):
                await boundary.tried.wait()
                continue
            await self._online.wait()
            with contextlib.suppress(LinkClosed):
                await self.tell_status(connector)

    async def tell_status(self, connector: Connector) -> None:
        """Send StatusNotification now, unless the CSMS knows the status."""
        async with self._telling:
            notice = connector.notice
            if self._told.get(connector.number) == notice:
                return
            self._told[connector.number] = notice
            request = self.messages.status_notification(connector.number, notice)
            try:
                await self.call(*request)
            except (LinkClosed, asyncio.CancelledError):
                self._told.pop(connector.number, None)
                raise
            except OCPPError as refusal:
                logger.info("%s: %s", self.spec.identity, refusal)

    # -- what others change ----------------------------------------------------------

    def configure(self, name: str, value: str) -> tuple[str, str]:
        """Change a configuration key; its status, and why it was refused."""
        status, problem = self.configuration.change(name, value)
        self.flash.touch()
        if name == "HeartbeatInterval":
            self._heartbeat_changed.set()
        self.charging.reconfigure()
        return status, problem

    def change_availability(self, number: int, operative: bool) -> bool:
        """For a connector, or with 0 for all; False when that has to wait somewhere."""
        chosen = self.outlets if number == 0 else [self.connectors[number]]
        results = [connector.change_availability(operative) for connector in chosen]
        if number == 0:
            self.connectors[0].scheduled_operative = operative
            self.settle_availability()
        self.flash.touch()
        return all(results)

    def settle_availability(self) -> None:
        """The charger as a whole changes once no connector is waiting any more."""
        whole = self.connectors[0]
        if whole.scheduled_operative is None:
            return
        if all(connector.scheduled_operative is None for connector in self.outlets):
            whole.change_availability(whole.scheduled_operative)
            if self.is_online:
                self.report_soon(whole)

    # -- memory ----------------------------------------------------------------------

    def _connector(self, number: int) -> Connector:
        is_dc = self.spec.current_type == "dc"
        return Connector(
            number,
            rating_w=self.spec.max_power_w if number else 0,
            phases=self.spec.phases,
            is_dc=is_dc,
            monotonic=self.clock.monotonic,
        )

    def _snapshot(self) -> dict[str, Any]:
        """A state that later changes do not touch."""
        return {
            "saved_at": format_time(self.clock.now()),
            "configuration": self.configuration.to_state(),
            "local_list": self.local_list.to_state(),
            "cache": self.cache.to_state(),
            "connectors": {str(c.number): c.to_state() for c in self.connectors},
            "outbox": self.outbox.to_state(),
        }

    def _restore_connectors(self, state: dict[str, Any]) -> None:
        saved = state.get("connectors", {})
        now = self.clock.now()
        saved_at = parse_time(state["saved_at"]) if "saved_at" in state else now
        for connector in self.connectors:
            if str(connector.number) in saved:
                connector.restore(saved[str(connector.number)], saved_at, now)


async def _cancel(tasks: "Sequence[asyncio.Future[Any]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
