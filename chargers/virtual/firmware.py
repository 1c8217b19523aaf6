"""Firmware updates of a charger, signed or not (1.6, 5.19; whitepaper and 2.x, L01).

The file is really fetched, and its signature really verified; to install it takes some
seconds and a reboot. A file is good firmware unless it is empty.
"""

import asyncio
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from .certificates import verify_signature
from .clock import Event, format_time, parse_time, wait_for_event
from .transfers import TransferFailed, Tries, fetch

if TYPE_CHECKING:
    from .charger import VirtualCharger

INSTALL_TIME = 5.0  # s
TELL_TIME = 30.0  # s for the CSMS to hear of it before the charger goes on


@dataclass(slots=True)
class Update:
    """``request_id`` None: asked for by UpdateFirmware of 1.6, which is never signed."""

    location: str
    retrieve_at: datetime
    tries: Tries
    request_id: int | None = None
    install_at: datetime | None = None
    certificate: str = ""  # that signed it, PEM; "" for unsigned
    signature: str = ""  # base64
    is_ready: bool = False  # to be installed
    is_empty: bool = False
    told: str = ""  # the status that the CSMS was told last

    def to_state(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "retrieve_at": format_time(self.retrieve_at),
            "install_at": self.install_at and format_time(self.install_at),
        }


class UpdateFailed(Exception):
    """``status`` is the FirmwareStatus that says how."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Firmware:
    """One update at a time: a new one takes the place of the one under way."""

    def __init__(self, charger: "VirtualCharger", state: dict[str, Any]) -> None:
        self._charger = charger
        self.version: str = state.get("version") or charger.spec.firmware_version
        saved = state.get("update")
        self.current = _update_from_state(saved) if saved else None
        # The status and request id last told of an update that has one (L01.FR.29).
        self.last: tuple[str, int | None] = tuple(state.get("last", ("Idle", None)))
        self._task: asyncio.Task[None] | None = None
        self._is_free = Event()  # no transaction runs
        if self.current is not None and self.current.is_ready:
            self._block(True)

    def begin(self, update: Update) -> None:
        self.cancel()
        self.current = update
        self._charger.flash.touch()
        self.resume()

    def cancel(self) -> None:
        """Break off the update under way, if any."""
        if self._task is not None:
            self._task.cancel()
        self._end()

    def resume(self) -> None:
        """Go on with the update; for a charger that runs."""
        if self.current is not None:
            self._task = self._charger.spawn(self._carry_out(self.current))

    def settle(self) -> None:
        """A transaction has ended."""
        if not self._is_anyone_charging:
            self._is_free.set()

    def to_state(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "update": self.current.to_state() if self.current else None,
            "last": list(self.last),
        }

    # -- the sequence ----------------------------------------------------------------

    async def _carry_out(self, update: Update) -> None:
        try:
            if not update.is_ready:
                await self._retrieve(update)
                update.is_ready = True
                await self._charger.flash.flush()
            await self._await_its_time(update)
            await self._install(update)
        except UpdateFailed as failure:
            self._tell(update, failure.status)
            self._end()
        await self._charger.flash.flush()

    async def _retrieve(self, update: Update) -> None:
        if await self._is_later(update.retrieve_at, update, "DownloadScheduled"):
            await self._charger.clock.sleep(self._seconds_to(update.retrieve_at))
        self._tell(update, "Downloading")
        tls = self._charger.credentials.trust()
        try:
            fetched = await update.tries.run(
                lambda: fetch(update.location, tls), self._charger.clock
            )
        except TransferFailed:
            raise UpdateFailed("DownloadFailed") from None
        self._tell(update, "Downloaded")
        update.is_empty = fetched.size == 0
        if update.certificate:
            if not verify_signature(
                update.certificate, update.signature, fetched.sha256
            ):
                self._charger.security.note("InvalidFirmwareSignature")
                raise UpdateFailed("InvalidSignature")
            self._tell(update, "SignatureVerified")

    async def _await_its_time(self, update: Update) -> None:
        """Until the hour has come and no transaction runs; none begins meanwhile,
        unless the settings let it (2.x, L01.FR.06, FR.07).
        """
        if update.install_at is not None and await self._is_later(
            update.install_at, update, "InstallScheduled"
        ):
            await self._charger.clock.sleep(self._seconds_to(update.install_at))
        if self._is_anyone_charging:
            self._tell(update, "InstallScheduled")
        self._block(not self._charger.settings.admits_before_update)
        await self._wait_for(self._charger.notices.told)
        self._charger.report_all()
        while self._is_anyone_charging:  # one may begin as another ends
            self._is_free.clear()
            await self._is_free.wait()
        self._block(True)
        await self._wait_for(self._charger.outbox.emptied)  # of the transactions' ends

    @property
    def _is_anyone_charging(self) -> bool:
        return any(connector.transaction for connector in self._charger.outlets)

    async def _install(self, update: Update) -> None:
        self._tell(update, "Installing")
        await self._charger.clock.sleep(INSTALL_TIME)
        if update.is_empty:
            raise UpdateFailed("InstallationFailed")
        self._tell(update, "InstallRebooting")
        await self._wait_for(self._charger.notices.told)
        self.version = _version_in(update.location, self.version)
        await self._charger.reboot(hard=False, reason="FirmwareUpdate")
        # The link is down: what follows is told after the boot.
        self._charger.security.note("FirmwareUpdated", f"firmware {self.version}")
        self._tell(update, "Installed")
        self._end()

    async def _wait_for(self, heard: Event) -> None:
        """Let the CSMS hear what it should know before more is told; but not for long."""
        await wait_for_event(heard, self._charger.clock, TELL_TIME)

    async def _is_later(self, moment: datetime, update: Update, status: str) -> bool:
        if self._seconds_to(moment) <= 0:
            return False
        self._tell(update, status)
        return True

    def _seconds_to(self, moment: datetime) -> float:
        return (moment - self._charger.clock.now()).total_seconds()

    def _end(self) -> None:
        self.current = self._task = None
        self._block(False)
        self._charger.report_all()
        self._charger.flash.touch()

    def _block(self, is_blocked: bool) -> None:
        """Connectors without a transaction are Unavailable until it is over."""
        for connector in self._charger.outlets:
            if connector.is_blocked and not is_blocked:
                connector.start_over()
            connector.is_blocked = is_blocked

    def _tell(self, update: Update, status: str) -> None:
        if status == update.told:
            return  # a restart came in between
        update.told = status
        if update.request_id is not None:
            self.last = (status, update.request_id)
        protocol = self._charger.protocol
        self._charger.notices.put(protocol.firmware_status(status, update.request_id))


def _version_in(location: str, current: str) -> str:
    """What the file's name says of its version, else the next after the current one."""
    name = unquote(urlsplit(location).path).rpartition("/")[2]
    if named := re.search(r"\d+(?:\.\d+)+", name):
        return named[0][:50]
    head, dot, last = current.rpartition(".")
    return f"{head}{dot}{int(last) + 1}" if last.isdecimal() else f"{current}.1"


def _update_from_state(state: dict[str, Any]) -> Update:
    install_at = state["install_at"]
    values = {
        "tries": Tries(*state["tries"]),
        "retrieve_at": parse_time(state["retrieve_at"]),
        "install_at": parse_time(install_at) if install_at else None,
    }
    return Update(**{**state, **values})
