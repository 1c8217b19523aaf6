"""Keeps a virtual charger connected: dials, boots, beats, reconnects (1.6, 4.2, 4.6)."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..ocpp.errors import CallTimeout, LinkClosed, OCPPError
from ..ocpp.session import Handler, Observer
from .certificates import Installed, Use, is_issued_by
from .clock import Event, wait_for_event
from .credentials import Line
from .link import Link, LinkFailed, dial

if TYPE_CHECKING:
    from .charger import VirtualCharger

BOOT_PAUSE = 30  # s, between boots where the CSMS leaves it to us
REBOOT_PAUSE = 1.0  # s that a restart takes


class Uplink:
    """``online`` is set while the CSMS accepts the charger, ``ready`` once it also knows
    every connector's status.
    """

    def __init__(
        self,
        charger: "VirtualCharger",
        *,
        handle: Handler,
        observe: Observer,
        on_link: Callable[[bool, str], None],
    ) -> None:
        self.online = Event()
        self.ready = Event()
        self._charger = charger
        self._clock = charger.clock
        self._settings = charger.settings
        self._protocol = charger.protocol
        self._handle = handle
        self._observe = observe
        self._on_link = on_link
        self._credentials = charger.credentials
        self._link: Link | None = None
        self._line: Line | None = None  # that it was dialed with
        self._lost_at = self._clock.monotonic()
        self._failures = 0  # since the CSMS accepted the charger
        self._boot_reason: str | None = "PowerUp"  # None: it has booted
        self._boot_now = Event()
        self._interval = 0  # between heartbeats
        self._interval_changed = Event()
        self._hang_up: LinkFailed | None = None  # why we end the link ourselves

    # -- for the rest of the charger -------------------------------------------------

    async def call(
        self, action: str, payload: dict[str, Any], *, validate: bool = True
    ) -> dict[str, Any]:
        """Send a CALL; LinkClosed without a link.

        Only what a CSMS triggers may be sent before it has accepted the charger.
        """
        link = self._link
        if link is None:
            raise LinkClosed("The charger is not connected to its CSMS.")
        try:
            return await link.session.call(action, payload, validate=validate)
        except LinkClosed:
            if self._link is link:
                self._go_offline()
            raise

    def stopped(self) -> None:
        """The charger has hung up, and stays silent."""
        self._on_link(False, "stopped")

    def boot_again(self) -> None:
        """The CSMS triggers a BootNotification."""
        self._boot_now.set()
        self._interval_changed.set()

    def settings_changed(self) -> None:
        """Beat, ping and wait for other times, if those have changed."""
        if self._settings.heartbeat_interval != self._interval:
            self._interval_changed.set()
        if self._link is not None:
            self._link.change_ping_interval(self._settings.ping_interval)
            self._link.session.call_timeout = self._settings.message_timeout

    def restart(self, reason: str = "RemoteReset") -> None:
        """Hang up at once, then dial and boot anew, telling the reason."""
        self._boot_reason = reason
        self._protocol.restarting()
        self._charger.security.note("ResetOrReboot")
        self._drop("reset", REBOOT_PAUSE)

    def refresh(self) -> None:
        """Dial anew where the charger has come to dial in another way."""
        if self._line is not None and self._line != self._credentials.line():
            self._drop("new credentials", 0.0)

    def relies_on(self, root: Installed) -> bool:
        """Whether the CSMS that is connected was trusted for that certificate."""
        shown = self._link.peer_certificate if self._link else None
        roots = self._charger.certificates.find(Use.CSMS)
        return shown is not None and (
            roots == [root] or is_issued_by(shown, root.certificate)
        )

    def _drop(self, reason: str, pause: float) -> None:
        if self._link is not None:
            self._hang_up = LinkFailed(reason, pause)
            self._charger.spawn(self._link.close())
            self._go_offline()

    # -- link ------------------------------------------------------------------------

    async def run(self) -> None:
        """Dial for ever, with growing pauses after failures."""
        while True:
            try:
                await self._connect()
            except LinkFailed as failure:
                self._on_link(False, failure.reason)
                pause = failure.retry_after
                if pause is None:
                    pause = self._settings.retry_pause(self._failures)
                    self._failures += 1
                if pause:
                    await self._clock.sleep(pause)

    async def _connect(self) -> None:
        """Dial and use the link; always ends in LinkFailed."""
        spec, line = self._charger.spec, self._credentials.line()
        try:
            connection = await dial(
                line.url,
                spec.version,
                login=line.login,
                tls=self._credentials.trust(line.own) if line.is_tls else None,
                ping_interval=self._settings.ping_interval,
            )
        except LinkFailed as failure:
            self._credentials.failed_to_dial(failure.__cause__)
            self._protocol.failed_to_dial()
            raise
        self._credentials.dialed()
        self._protocol.dialed()
        self._line, self._hang_up = line, None
        self._link = Link(
            connection,
            spec.version,
            handle=self._handle,
            observe=self._observe,
            call_timeout=self._settings.message_timeout,
        )
        await self._use(self._link)

    async def _use(self, link: Link) -> None:
        reader = asyncio.create_task(link.read())
        talker = asyncio.create_task(self._talk())
        try:
            await asyncio.wait({reader, talker}, return_when=asyncio.FIRST_COMPLETED)
            if self._hang_up is not None:
                raise self._hang_up
            if talker.done() and not isinstance(talker.exception(), LinkClosed):
                talker.result()  # LinkFailed, or a defect
            raise LinkFailed(await reader)
        finally:
            self._go_offline()
            await cancel([talker])
            await link.close()
            await cancel([reader])

    async def _talk(self) -> None:
        """What the charger says of itself on a new link, for as long as it lasts."""
        answer = None
        offline_s = self._clock.monotonic() - self._lost_at
        if offline_s > self._settings.offline_threshold:
            self._charger.forget_statuses()
        while True:
            if self._boot_reason is not None:
                await self._boot(self._boot_reason, answer)
            self._failures = 0
            self.online.set()
            self._on_link(True, "")
            for connector in self._charger.connectors:
                with contextlib.suppress(CallTimeout):
                    await self._charger.tell_status(connector)
            self.ready.set()
            self._credentials.renew()
            answer = await self._beat()
            self._boot_reason = "Triggered"
            self.online.clear()
            self.ready.clear()

    def _go_offline(self) -> None:
        if self._link is not None:
            self._lost_at = self._clock.monotonic()
        self._link = self._line = None
        self.online.clear()
        self.ready.clear()
        self._protocol.lost_link()

    # -- boot and heartbeat ----------------------------------------------------------

    async def _boot(self, reason: str, answer: dict[str, Any] | None = None) -> None:
        """Send BootNotification until the CSMS accepts the charger.

        ``answer`` is that to one that was sent already.
        """
        self._charger.forget_statuses()
        while True:
            self._boot_now.clear()
            answer = answer or await self._ask_to_boot(reason)
            if answer["status"] == "Accepted":
                break
            interval = answer["interval"]
            pause = interval if interval > 0 else BOOT_PAUSE
            if answer["status"] == "Rejected":
                # Nothing may be sent, nor answered, until then: better to hang up.
                raise LinkFailed("boot rejected", pause)
            self._on_link(False, "boot pending")
            if await wait_for_event(self._boot_now, self._clock, pause):
                reason = "Triggered"
            answer = None
        self._boot_reason = None
        self._take_interval(answer)

    def _take_interval(self, answer: dict[str, Any]) -> None:
        if answer["interval"] > 0:
            self._protocol.change_heartbeat_interval(answer["interval"])

    async def _ask_to_boot(self, reason: str) -> dict[str, Any]:
        try:
            return await self.call(*self._protocol.boot_notification(reason))
        except (OCPPError, CallTimeout) as problem:
            raise LinkFailed(f"boot failed: {problem}") from problem

    async def _beat(self) -> dict[str, Any]:
        """Heartbeats, until a BootNotification that was triggered is not accepted: its
        answer. An interval of 0 means none.
        """
        while True:
            self._interval_changed.clear()
            if self._boot_now.is_set():
                self._boot_now.clear()
                with contextlib.suppress(OCPPError, CallTimeout):
                    answer = await self.call(
                        *self._protocol.boot_notification("Triggered")
                    )
                    if answer["status"] != "Accepted":
                        return answer
                    self._take_interval(answer)
                continue
            self._interval = self._settings.heartbeat_interval
            due_in = self._interval or None
            if await wait_for_event(self._interval_changed, self._clock, due_in):
                continue
            with contextlib.suppress(OCPPError, CallTimeout):
                await self.call(*self._protocol.heartbeat())
            self._credentials.renew()


async def cancel(tasks: "Sequence[asyncio.Future[Any]]") -> None:
    """Cancel the tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
