"""What a charger tells its CSMS in order and until it is heard, beside transactions:
how transfers of firmware and logs go, and security events.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from ..ocpp.errors import CallTimeout, LinkClosed, OCPPError
from .clock import Event

if TYPE_CHECKING:
    from .charger import VirtualCharger

LIMIT = 50  # waiting at a time; the oldest goes first
TRIES = 3  # of one that the CSMS leaves without an answer

Request = tuple[str, dict[str, Any]]


class Notices:
    """One that the CSMS refuses counts as heard: it would refuse it again."""

    def __init__(self, charger: "VirtualCharger", state: list[list[Any]]) -> None:
        self._charger = charger
        self._waiting: list[Request] = [(action, payload) for action, payload in state]
        self._task: asyncio.Task[None] | None = None
        self.told = Event()  # set while nothing waits
        self.told.set()

    def put(self, request: Request | None) -> None:
        """Tell it once the CSMS listens; None is for what this version leaves out."""
        if request is not None:
            self._waiting.append(request)
            del self._waiting[:-LIMIT]
            self._charger.flash.touch()
            self.resume()

    def resume(self) -> None:
        """Go on with what waits; for a charger that runs."""
        if self._waiting:
            self.told.clear()
            if self._task is None or self._task.done():
                self._task = self._charger.spawn(self._deliver())

    def to_state(self) -> list[list[Any]]:
        return [list(request) for request in self._waiting]

    async def _deliver(self) -> None:
        tries = 0
        while self._waiting:
            await self._charger.uplink.ready.wait()
            request, tries = self._waiting[0], tries + 1
            try:
                await self._charger.call(*request)
            except LinkClosed:
                tries -= 1
                await asyncio.sleep(0)  # until the loss of the link has shown
                continue
            except CallTimeout:
                if tries < TRIES:
                    continue
            except OCPPError:
                pass
            if self._waiting and self._waiting[0] is request:
                del self._waiting[0]
            tries = 0
            self._charger.flash.touch()
        self.told.set()
