"""Transaction-related messages, delivered in order, never lost (OCPP 1.6, 3.7, 4.8)."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from ..ocpp.errors import CallTimeout, LinkClosed, OCPPError
from .clock import Clock, Event
from .flash import Flash
from .settings import Settings

logger = logging.getLogger(__name__)

# A long outage thins out meter values rather than fill the memory (1.6, 4.7).
QUEUE_LIMIT = 300
RETRY_PAUSE = 1.0  # s, after the flash memory failed

Outcome = dict[str, Any] | OCPPError | CallTimeout


class Message:
    """One CALL that waits for its turn; ``transaction`` is the transaction's key."""

    def __init__(
        self,
        action: str,
        payload: dict[str, Any],
        *,
        transaction: str,
        connector: int,
        is_boundary: bool,
        attempts: int = 0,
    ) -> None:
        self.action = action
        self.payload = payload
        self.transaction = transaction
        self.connector = connector
        self.is_boundary = is_boundary  # begins or ends the transaction
        self.attempts = attempts
        self.tried = Event()  # the CSMS has answered once, or kept silent
        self._outcome: Outcome | None = None
        self._done = Event()

    def settle(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self.tried.set()
        self._done.set()

    async def outcome(self) -> Outcome:
        """The CSMS's answer, or why the message was given up."""
        await self._done.wait()
        assert self._outcome is not None
        return self._outcome

    def to_state(self) -> dict[str, Any]:
        return {
            "action": self.action,
            "payload": dict(self.payload),
            "transaction": self.transaction,
            "connector": self.connector,
            "is_boundary": self.is_boundary,
            "attempts": self.attempts,
        }


class Outbox:
    """``send`` waits for a link; ``on_outcome`` is told how each message ended, and
    ``on_failure`` that an attempt failed.
    """

    def __init__(
        self,
        state: list[dict[str, Any]],
        *,
        clock: Clock,
        flash: Flash,
        settings: Settings,
        send: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]],
        on_failure: Callable[[Message], Awaitable[None]],
        on_outcome: Callable[[Message, Outcome], Awaitable[None]],
    ) -> None:
        self._messages = [Message(**item) for item in state]  # no deque: 0.7 KiB
        self._clock = clock
        self._flash = flash
        self._settings = settings
        self._send = send
        self._on_failure = on_failure
        self._on_outcome = on_outcome
        self._filled = Event()
        self.emptied = Event()  # set while nothing waits

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages)

    def put(self, message: Message) -> Message:
        self._messages.append(message)
        self._flash.touch()
        self._thin_out()
        self.emptied.clear()
        self._filled.set()
        return message

    def untried_boundary(self, connector: int) -> Message | None:
        """The message that the connector's next status has to wait for."""
        for message in self._messages:
            if (
                message.connector == connector
                and message.is_boundary
                and not message.tried.is_set()
            ):
                return message
        return None

    def identify(self, transaction: str, transaction_id: int) -> None:
        """Put the id that the CSMS gave a transaction into its waiting messages."""
        for message in self._messages:
            if message.transaction == transaction:
                message.payload["transactionId"] = transaction_id
        self._flash.touch()

    def discard(self, transaction: str, reason: Outcome) -> None:
        """Give up all messages of a transaction that the CSMS never took."""
        given_up = [m for m in self._messages if m.transaction == transaction]
        for message in given_up:
            self._messages.remove(message)
            message.settle(reason)
        self._flash.touch()

    async def run(self) -> None:
        """Deliver for ever."""
        while True:
            while not self._messages:
                self.emptied.set()
                self._filled.clear()
                await self._filled.wait()
            try:
                await self._attempt(self._messages[0])
            except Exception:
                logger.exception("a transaction message could not be saved or handled")
                await self._clock.sleep(RETRY_PAUSE)

    def to_state(self) -> list[dict[str, Any]]:
        return [message.to_state() for message in self._messages]

    async def _attempt(self, message: Message) -> None:
        """Send the first message once; it stays first unless it is dealt with."""
        await self._flash.flush()  # nothing is sent before it is saved
        outcome: Outcome
        try:
            outcome = await self._send(message.action, message.payload)
        except LinkClosed:
            return  # no attempt: the CSMS may never have seen it
        except (OCPPError, CallTimeout) as problem:
            message.attempts += 1
            if message.attempts < self._settings.message_attempts:
                await self._pause_after(message)
                return
            outcome = problem
        if self._messages and self._messages[0] is message:
            del self._messages[0]
        self._flash.touch()
        try:
            await self._on_outcome(message, outcome)
        finally:
            message.settle(outcome)

    async def _pause_after(self, message: Message) -> None:
        message.tried.set()
        self._flash.touch()
        await self._on_failure(message)
        interval = self._settings.message_retry_interval
        await self._clock.sleep(interval * message.attempts)

    def _thin_out(self) -> None:
        """Drop every other meter value, but never the first message: it may be out."""
        if len(self._messages) <= QUEUE_LIMIT:
            return
        head, *rest = self._messages
        dropped = set([m for m in rest if not m.is_boundary][::2])
        self._messages = [m for m in (head, *rest) if m not in dropped]
        for message in dropped:  # whoever waits for it
            message.settle(CallTimeout(f"{message.action} was dropped in an outage."))
