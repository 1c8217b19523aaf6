"""How a charger comes by a certificate of its own (2.x, A02, A03)."""

import asyncio
from typing import TYPE_CHECKING

from ..clock import Event, wait_for_event
from .device_model import DeviceModel, key

if TYPE_CHECKING:
    from ..charger import VirtualCharger

_WAIT = key("SecurityCtrlr", "CertSigningWaitMinimum")
_REPEATS = key("SecurityCtrlr", "CertSigningRepeatTimes")


class Renewal:
    def __init__(
        self, charger: "VirtualCharger", model: DeviceModel, requests: int
    ) -> None:
        self.requests = requests  # so many had an id of their own (2.1)
        self._charger = charger
        self._model = model
        self._received = Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Ask for a certificate; another request takes the place of the one before."""
        if self._task is not None:
            self._task.cancel()
        self._task = self._charger.spawn(self._request())

    def next_id(self) -> int:
        """The id of a request that is about to be sent."""
        self.requests += 1
        self._charger.flash.touch()
        return self.requests

    def take(self, chain: str, request_id: int | None) -> bool:
        """A certificate comes, asked for or not; False where it is none to take."""
        if request_id is not None and not 1 <= request_id <= self.requests:
            return False  # A02.FR.26
        problem = self._charger.credentials.take_certificate(chain)
        if not problem:
            self._received.set()
        return not problem

    async def _request(self) -> None:
        """Again with doubled pauses where none comes (A02.FR.17 to FR.19)."""
        self._received.clear()
        pause = self._model.integer(_WAIT)
        for _ in range(1 + self._model.integer(_REPEATS)):
            request = self._charger.protocol.certificate_request()
            assert request is not None
            answer = await self._charger.uplink.call(*request)
            if answer["status"] != "Accepted":
                return
            if await wait_for_event(self._received, self._charger.clock, pause):
                return
            pause *= 2
