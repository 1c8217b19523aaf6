"""WebSockets that send faster than they are answered take turns.

A charger that keeps to OCPP-J waits for the answer to each CALL, so hardly a frame of it
ever waits. One that floods the endpoint is read no faster than its frames are taken, and
all such together are given one frame at a time: the others notice little of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

from daphne.ws_protocol import WebSocketProtocol

WAITING = 32  # frames of a connection, read and not taken yet, before it has to wait
PAUSE = 0.001  # s, after each frame of those that have to wait

Receive = Callable[[], Awaitable[dict[str, Any]]]


class PacedProtocol(WebSocketProtocol):
    """Daphne's WebSocket protocol, which reads no more than the application takes."""

    is_waiting = False

    def processData(self) -> bool:
        """As autobahn's: take a piece of what was read; False to leave the rest."""
        if self.state == self.STATE_OPEN and self._frames_waiting() >= WAITING:
            if not self.is_waiting:
                self.is_waiting = True
                self.transport.pauseProducing()
            return False
        went_on: bool = super().processData()
        return went_on

    def read_on(self) -> None:
        """The application has taken all frames: there is room for more."""
        if self.is_waiting and not self._frames_waiting():
            self.is_waiting = False
            self.transport.resumeProducing()
            self.consumeData()

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        super().onClose(wasClean, code, reason)
        self.data = b""  # what was not taken
        self.is_closed = None  # autobahn's, which keeps the protocol from being freed

    def _frames_waiting(self) -> int:
        waiting: int = self.application_queue.qsize()
        return waiting


def in_turn(protocol: PacedProtocol, receive: Receive) -> Receive:
    """ASGI's ``receive``, which has a connection that floods wait for its turn."""

    async def receive_in_turn() -> dict[str, Any]:
        if protocol.is_waiting:
            protocol.read_on()
            async with _turn():
                await asyncio.sleep(PAUSE)
        return await receive()

    return receive_in_turn


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


def _turn() -> asyncio.Lock:
    """Whose turn it is, of the connections of the running event loop."""
    return _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())
