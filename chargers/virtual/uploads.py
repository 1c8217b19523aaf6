"""Logs that a charger uploads on request (1.6, 5.9; whitepaper and 2.x, N01)."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .clock import format_time, parse_time
from .transfers import Failure, TransferFailed, Tries, deliver

if TYPE_CHECKING:
    from .charger import VirtualCharger

logger = logging.getLogger(__name__)

UPLOADING = "Uploading"
CANCELED = "AcceptedCanceled"  # for another one (2.x, N01.FR.20)
_STATUSES = {  # UploadLogStatus of what went wrong
    Failure.OTHER: "UploadFailure",
    Failure.UNSUPPORTED: "NotSupportedOperation",
    Failure.DENIED: "PermissionDenied",
    Failure.MALFORMED: "BadMessage",
}

# The frames of a charger between two moments, oldest first, as lines of text.
ReadLog = Callable[[datetime | None, datetime | None], Awaitable[list[str]]]


async def no_log(since: datetime | None, until: datetime | None) -> list[str]:
    """For a charger whose frames nobody keeps."""
    return []


@dataclass(frozen=True, slots=True)
class Upload:
    """``request_id`` None: asked for by GetDiagnostics of 1.6."""

    location: str
    name: str
    is_security: bool
    request_id: int | None
    tries: Tries
    since: datetime | None
    until: datetime | None
    is_whole: bool = False  # the location, which names a file rather than a folder

    def to_state(self) -> dict[str, Any]:
        since, until = (
            moment and format_time(moment) for moment in (self.since, self.until)
        )
        return {**asdict(self), "since": since, "until": until}


class Uploads:
    """One at a time: a new one takes the place of the one under way."""

    def __init__(
        self,
        charger: "VirtualCharger",
        state: dict[str, Any] | None,
        read_log: ReadLog,
    ) -> None:
        self._charger = charger
        self._read_log = read_log
        self.current = _upload_from_state(state) if state else None
        self._task: asyncio.Task[None] | None = None

    def has_log(self, since: datetime | None, until: datetime | None) -> bool:
        """Whether there can be anything of that time."""
        is_over = since is not None and since > self._charger.clock.now()
        return not is_over and (since is None or until is None or since <= until)

    def name(self, *, is_security: bool) -> str:
        """What a log that is uploaded now is called."""
        identity = re.sub(r"[^\w.-]", "_", self._charger.spec.identity, flags=re.ASCII)
        kind = "security" if is_security else "diagnostics"
        return f"{identity[:100]}-{kind}-{self._charger.clock.now():%Y%m%dT%H%M%SZ}.log"

    def begin(self, upload: Upload) -> None:
        if self.current is not None:
            self._tell(self.current, CANCELED)
        if self._task is not None:
            self._task.cancel()
        self.current = upload
        self._charger.flash.touch()
        self.resume()

    def resume(self) -> None:
        """Upload what was asked for, from the start; for a charger that runs."""
        if self.current is not None:
            self._task = self._charger.spawn(self._carry_out(self.current))

    def to_state(self) -> dict[str, Any] | None:
        return self.current.to_state() if self.current else None

    async def _carry_out(self, upload: Upload) -> None:
        self._tell(upload, UPLOADING)
        try:
            await self._deliver(upload)
        except TransferFailed as problem:
            self._tell(upload, _STATUSES[problem.failure])
        except Exception:  # whoever keeps the log could not read it
            logger.exception("%s: no log", self._charger.spec.identity)
            self._tell(upload, _STATUSES[Failure.OTHER])
        else:
            self._tell(upload, "Uploaded")
        self.current = self._task = None
        self._charger.flash.touch()
        await self._charger.flash.flush()

    async def _deliver(self, upload: Upload) -> None:
        content = "\n".join([*await self._lines(upload), ""]).encode()
        tls = self._charger.credentials.trust()
        await upload.tries.run(
            lambda: deliver(
                upload.location, upload.name, content, tls, is_whole=upload.is_whole
            ),
            self._charger.clock,
        )

    async def _lines(self, upload: Upload) -> list[str]:
        if upload.is_security:
            return self._charger.security.lines(upload.since, upload.until)
        spec = self._charger.spec
        return [
            f"{spec.vendor} {spec.model} {spec.serial_number}".rstrip(),
            f"firmware {self._charger.firmware.version}",
            *(f"connector {c.number}: {c.status}" for c in self._charger.connectors),
            *self._charger.protocol.settings_lines(),
            *await self._read_log(upload.since, upload.until),
        ]

    def _tell(self, upload: Upload, status: str) -> None:
        protocol = self._charger.protocol
        self._charger.notices.put(protocol.log_status(status, upload.request_id))


def _upload_from_state(state: dict[str, Any]) -> Upload:
    since, until = (
        parse_time(state[name]) if state[name] else None for name in ("since", "until")
    )
    tries = Tries(*state["tries"])
    return Upload(**{**state, "since": since, "until": until, "tries": tries})
