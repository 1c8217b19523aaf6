"""One virtual charger: joins link, connectors, transactions, commands and memory."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from typing import Protocol as Interface

from ..ocpp.errors import CallTimeout, LinkClosed, OCPPError
from ..ocpp.frames import Frame
from ..ocpp.versions import Version
from .authorization import AuthorizationCache, LocalList
from .authorizing import Authorizer
from .certificates import CertificateStore
from .charging import Charging
from .clock import Clock, Event, format_time, parse_time, wait_for_event
from .commands import Commands
from .connector import Connector
from .credentials import Credentials
from .firmware import Firmware
from .flash import Flash, Store
from .metering import Metering
from .notices import Notices
from .outbox import Outbox
from .power import Power
from .protocol import Protocol
from .reservation import Reservations
from .security import SecurityLog
from .settings import Settings
from .smart_charging import Profiles
from .states import Notice, StopReason
from .uplink import Uplink, cancel
from .uploads import ReadLog, Uploads, no_log
from .v2.protocol import ProtocolV2
from .v16.protocol import ProtocolV16

logger = logging.getLogger(__name__)

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
    secure_url: str = ""  # for security profiles 2 and 3, where ``url`` is not secure


class FrameListener(Interface):
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

    def __init__(
        self,
        spec: ChargerSpec,
        *,
        state: dict[str, Any],
        store: Store,
        clock: Clock,
        on_frame: FrameListener,
        on_link: Callable[[bool, str], None],
        read_log: ReadLog = no_log,
    ) -> None:
        self.spec = spec
        self.clock = clock
        # Python gives objects of up to 30 attributes one table of their names; beyond,
        # each has its own, of more than a KiB.
        self._on_frame = on_frame
        self.flash = Flash(store, self._snapshot)
        state = _for_version(spec.version, state)
        made = ProtocolV16 if spec.version.is_v16 else ProtocolV2
        self.protocol: Protocol = made(self, state)
        self.local_list = LocalList(state.get("local_list", {}))
        self.cache = AuthorizationCache(state.get("cache", {}))
        self.connectors = [self._connector(n) for n in range(spec.connectors + 1)]
        self.outlets = self.connectors[1:]
        self.profiles = Profiles(
            state.get("profiles", []), state.get("prioritized", [])
        )
        self.power = Power(self)
        self._restore_connectors(state)
        self.reservations = Reservations(
            state.get("reservations", []),
            outlets=self.outlets,
            clock=clock,
            on_lost=self.protocol.lost_reservation,
        )
        self.authorizer = Authorizer(self)
        self.metering = Metering(self)
        self.charging = Charging(self)
        self.outbox = Outbox(
            state.get("outbox", []),
            clock=clock,
            flash=self.flash,
            settings=self.settings,
            send=self._send_queued,
            on_failure=self.charging.on_failure,
            on_outcome=self.charging.on_outcome,
        )
        self.notices = Notices(self, state.get("notices", []))
        self.security = SecurityLog(self, state.get("security_log", []))
        self.certificates = CertificateStore(state.get("certificates", []))
        self.credentials = Credentials(self, state.get("secrets", {}))
        self.firmware = Firmware(self, state.get("firmware", {}))
        self.uploads = Uploads(self, state.get("upload"), read_log)
        self._commands = Commands(self)
        self.uplink = Uplink(
            self, handle=self._handle, observe=self._observe, on_link=on_link
        )
        self._told: dict[int, Notice] = {}  # what the CSMS knows, by connector
        self._telling = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopping = Event()
        self._stopped = Event()
        self._stopped.set()
        self.protocol.ready()

    # -- life ------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        return self.protocol.settings

    @property
    def is_online(self) -> bool:
        return self.uplink.online.is_set()

    async def run(self) -> None:
        """Dial, boot, serve, reconnect; until cancelled or stopped."""
        self._stopped.clear()
        self.security.note("StartupOfTheDevice")
        for errand in (self.notices, self.firmware, self.uploads):
            errand.resume()
        self.protocol.resume()
        bodies = (
            self.uplink.run(),
            self.outbox.run(),
            self.charging.watch(),
            self.metering.watch_aligned(),
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
            await cancel(tasks)
            while self._tasks:
                await cancel([*self._tasks])
            if was_online:
                self.uplink.stopped()
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
        if self._stopping.is_set():
            raise LinkClosed("The charger was stopped.")
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

    # -- messages --------------------------------------------------------------------

    async def call(
        self, action: str, payload: dict[str, Any], *, validate: bool = True
    ) -> dict[str, Any]:
        """Send a CALL; LinkClosed unless the CSMS has accepted the charger."""
        if not self.is_online:
            raise LinkClosed("The charger is not connected to its CSMS.")
        return await self.uplink.call(action, payload, validate=validate)

    async def _send_queued(
        self, action: str, payload: dict[str, Any]
    ) -> dict[str, Any]:
        await self.uplink.ready.wait()
        return await self.call(action, payload)

    async def _handle(self, action: str, payload: dict[str, Any]) -> Any:
        """Answer the CSMS, once what it changed is durable."""
        reply = await self.protocol.handle(action, payload)
        await self.flash.flush()
        return reply

    def _observe(
        self, *, sent: bool, frame: Frame | None, action: str, text: str
    ) -> None:
        if frame is None and not sent:
            self.security.note("InvalidMessages")
        self._on_frame(
            direction="cp_to_csms" if sent else "csms_to_cp",
            frame=frame,
            action=action,
            text=text,
            at=self.clock.now(),
        )

    # -- status ----------------------------------------------------------------------

    async def report(self, connector: Connector) -> None:
        """Return once the CSMS knows the connector's status, however long that takes.

        CallTimeout when it does not answer the StatusNotification.
        """
        await asyncio.shield(self.spawn(self._report(connector)))

    def report_soon(self, connector: Connector) -> None:
        """The same in the background; without a link, the next one tells it."""
        if self.is_online and not self._is_told(connector):
            self.spawn(self._report(connector))

    def report_all(self) -> None:
        for connector in self.connectors:
            self.report_soon(connector)

    async def _report(self, connector: Connector) -> None:
        while not self._is_told(connector):
            # CSMSs expect Charging after StartTransaction, Finishing after Stop.
            boundary = self.outbox.untried_boundary(connector.number)
            if boundary is not None and self.protocol.status_waits:
                await boundary.tried.wait()
                continue
            await self.uplink.online.wait()
            if not await self._is_stable(connector):
                continue
            with contextlib.suppress(LinkClosed):
                await self.tell_status(connector)

    async def _is_stable(self, connector: Connector) -> bool:
        """Whether the status lasts as long as MinimumStatusDuration asks (9.1.20)."""
        notice = self.protocol.notice(connector)
        if duration := self.settings.minimum_status_duration:
            await self.clock.sleep(duration)
        return self.protocol.notice(connector) == notice

    def _is_told(self, connector: Connector) -> bool:
        notice = self.protocol.notice(connector)
        return notice is None or self._told.get(connector.number) == notice

    async def tell_status(self, connector: Connector) -> None:
        """Send StatusNotification now, unless the CSMS knows the status."""
        async with self._telling:
            notice = self.protocol.notice(connector)
            if notice is None or self._told.get(connector.number) == notice:
                return
            self._told[connector.number] = notice
            request = self.protocol.status_notification(connector.number, notice)
            try:
                await self.call(*request)
            except (LinkClosed, asyncio.CancelledError):
                self._told.pop(connector.number, None)
                raise
            except OCPPError as refusal:
                logger.info("%s: %s", self.spec.identity, refusal)

    def forget_statuses(self) -> None:
        """After a boot the CSMS is told every status anew."""
        self._told.clear()

    # -- what others change ----------------------------------------------------------

    def configure(self, name: str, value: str) -> tuple[str, str]:
        """Change a setting; its status, and why it was refused."""
        status, problem = self.protocol.configure(name, value)
        self.settings_changed()
        return status, problem

    def settings_changed(self) -> None:
        """Take notice of settings that are other than they were."""
        self.flash.touch()
        self.uplink.settings_changed()
        self.metering.reconfigure()
        self.charging.wake()

    def change_availability(self, number: int, operative: bool) -> bool:
        """For a connector, or with 0 for all; False when that has to wait somewhere."""
        chosen = self.outlets if number == 0 else [self.connectors[number]]
        results = [connector.change_availability(operative) for connector in chosen]
        if number == 0:
            self.connectors[0].scheduled_operative = operative
            self.settle_availability()
        self.reservations.settle()
        self.flash.touch()
        return all(results)

    def settle_availability(self) -> None:
        """The charger as a whole changes once no connector is waiting any more."""
        self.firmware.settle()
        whole = self.connectors[0]
        if whole.scheduled_operative is None:
            return
        if all(connector.scheduled_operative is None for connector in self.outlets):
            whole.change_availability(whole.scheduled_operative)

    async def reboot(self, *, hard: bool, reason: str = "RemoteReset") -> None:
        """Restart as Reset asks (1.6, 5.14).

        Soft, transactions are reported before; hard, after the boot.
        """
        if hard:
            self.uplink.restart(reason)
        for connector in self.outlets:
            self.charging.forget_remote_start(connector)
            if connector.transaction is not None:
                ended_by = StopReason.HARD_RESET if hard else StopReason.SOFT_RESET
                self.charging.end(connector, ended_by)
        if not hard:
            await wait_for_event(self.outbox.emptied, self.clock, SOFT_RESET_LIMIT)
            self.uplink.restart(reason)

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
            "version": self.spec.version.value,
            "local_list": self.local_list.to_state(),
            "cache": self.cache.to_state(),
            "connectors": {str(c.number): c.to_state() for c in self.connectors},
            "profiles": self.profiles.to_state(),
            "prioritized": sorted(self.profiles.prioritized),
            "reservations": self.reservations.to_state(),
            "outbox": self.outbox.to_state(),
            "notices": self.notices.to_state(),
            "security_log": self.security.to_state(),
            "certificates": self.certificates.to_state(),
            "secrets": self.credentials.to_state(),
            "firmware": self.firmware.to_state(),
            "upload": self.uploads.to_state(),
            **self.protocol.to_state(),
        }

    def _restore_connectors(self, state: dict[str, Any]) -> None:
        saved = state.get("connectors", {})
        now = self.clock.now()
        saved_at = parse_time(state["saved_at"]) if "saved_at" in state else now
        for connector in self.connectors:
            if str(connector.number) in saved:
                connector.restore(saved[str(connector.number)])
        self.power.catch_up(saved_at, now)


def _for_version(version: Version, state: dict[str, Any]) -> dict[str, Any]:
    """What of a saved state is of use: another family knows no transaction of it."""
    saved = Version(state.get("version", Version.V16))
    if saved.is_v16 == version.is_v16:
        return state
    connectors = {
        number: {**connector, "transaction": None}
        for number, connector in state.get("connectors", {}).items()
    }
    return {**state, "connectors": connectors, "outbox": [], "profiles": []}
