"""The RPC layer of one connection, the same for either end (OCPP-J 1.6, section 4).

A session is given text and gives text: it knows no socket, so that a Channels consumer,
a WebSocket client and a test can each put it to work.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from .errors import CallTimeout, FrameError, InvalidAnswer, LinkClosed, OCPPError
from .frames import (
    BadMessageId,
    Call,
    CallError,
    CallResult,
    CallResultError,
    Frame,
    Send,
    Unanswerable,
    UnknownMessageType,
    new_message_id,
    parse,
)
from .schemas import actions, validate_request, validate_response, validate_send
from .versions import Version

logger = logging.getLogger(__name__)

DEFAULT_CALL_TIMEOUT = 30.0  # s


@dataclass(slots=True, frozen=True)
class Reply:
    """A CALLRESULT payload, and what to do once it has been sent."""

    payload: dict[str, Any]
    then: Callable[[], None] | None = None  # starts a task if it has to wait


Handler = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any] | Reply]]


class Observer(Protocol):
    """Is shown every frame, for the message log."""

    def __call__(
        self, *, sent: bool, frame: Frame | None, action: str, text: str
    ) -> None:
        """``action`` of an answer is that of its request; ``frame`` is None for a text
        that is no OCPP-J message.
        """


class Session:
    """Sends CALLs one at a time, matches their answers, and answers the peer's.

    ``handle(action, payload)`` answers a valid CALL of the peer; what it raises becomes
    a CALLERROR. It must not await a CALL of its own on the same session (that would
    wait for itself): it returns a ``Reply`` whose ``then`` starts the task that does.
    ``takes`` names the actions that the peer may send, where not all: the others of the
    version are answered NotSupported, whatever they carry.
    """

    def __init__(
        self,
        version: Version,
        *,
        send: Callable[[str], Awaitable[None]],
        handle: Handler,
        observe: Observer | None = None,
        call_timeout: float = DEFAULT_CALL_TIMEOUT,
        takes: frozenset[str] | None = None,
    ) -> None:
        self.version = version
        self.call_timeout = call_timeout
        self._send = send
        self._handle = handle
        self._observe = observe
        self._takes = takes
        self._turn = (
            asyncio.Lock()
        )  # one CALL in flight per direction (OCPP-J 1.6, 4.1.1)
        self._open: tuple[Call, asyncio.Future[CallResult | CallError]] | None = None
        self._closed = False

    async def call(
        self,
        action: str,
        payload: dict[str, Any],
        *,
        timeout: float | None = None,
        validate: bool = True,
    ) -> dict[str, Any]:
        """Send a CALL when it is its turn and return the payload of the answer.

        Raises OCPPError (the peer's CALLERROR, or a payload that is invalid in either
        direction), CallTimeout after ``timeout`` seconds, LinkClosed when the
        connection ends first. ``validate=False`` sends a payload as it is, for
        provoking a peer.
        """
        if validate:
            try:
                validate_request(self.version, action, payload)
            except OCPPError as invalid:
                logger.error("our %s is not valid: %s", action, invalid)
                raise
        call = Call(new_message_id(), action, payload)
        async with self._turn:
            if self._closed:
                raise LinkClosed(
                    f"The connection closed before {action} could be sent."
                )
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[CallResult | CallError] = loop.create_future()
            self._open = (call, answer)
            try:
                await self._emit(call, action)
                timer = loop.call_later(
                    timeout or self.call_timeout, _give_up, answer, action
                )
                try:
                    frame = await answer
                finally:
                    timer.cancel()
            finally:
                self._open = None
        if isinstance(frame, CallError):
            raise OCPPError(frame.code, frame.description, frame.details)
        if validate:
            try:
                validate_response(self.version, action, frame.payload)
            except OCPPError as error:
                await self._complain(frame, action, error)
                raise InvalidAnswer(error.code, error.description) from None
        return frame.payload

    async def send(self, action: str, payload: dict[str, Any]) -> None:
        """Send a message that is not answered, without waiting for a turn (2.1)."""
        validate_send(self.version, action, payload)
        if self._closed:
            raise LinkClosed(f"The connection closed before {action} could be sent.")
        await self._emit(Send(new_message_id(), action, payload), action)

    async def receive(self, text: str | bytes) -> None:
        """Take one WebSocket frame. Never raises for anything a peer sent.

        The next is taken once this returns: what a peer asks is answered in its order.
        """
        try:
            frame = parse(text, self.version)
        except FrameError as problem:
            shown = (
                text
                if isinstance(text, str)
                else text.decode(errors="backslashreplace")
            )
            self._show(sent=False, frame=None, action="", text=shown)
            await self._refuse(problem)
            return
        assert isinstance(text, str)
        if isinstance(frame, Call):
            self._show(sent=False, frame=frame, action=frame.action, text=text)
            await self._answer(frame)
        elif isinstance(frame, Send):
            self._show(sent=False, frame=frame, action=frame.action, text=text)
            await self._take(frame)
        elif isinstance(frame, CallResultError):
            self._show(sent=False, frame=frame, action="", text=text)
            logger.warning("an answer of ours was refused: %s", text)
        else:
            self._settle(frame, text)

    def close(self) -> None:
        """The connection is gone: whoever waits for an answer hears LinkClosed."""
        self._closed = True
        if self._open is not None and not self._open[1].done():
            action = self._open[0].action
            self._open[1].set_exception(
                LinkClosed(f"The connection closed before {action} was answered.")
            )
            self._open[1].exception()  # seen, also where nobody waits for it any more

    async def _answer(self, call: Call) -> None:
        try:
            self._check_direction(call.action)
            validate_request(self.version, call.action, call.payload)
            reply = await self._reply_to(call)
        except OCPPError as error:
            await self._emit(self._error_for(call.message_id, error), call.action)
            return
        await self._emit(CallResult(call.message_id, reply.payload), call.action)
        if reply.then is not None:
            reply.then()

    async def _take(self, message: Send) -> None:
        """Handle a SEND: what is wrong with it is nobody's to hear."""
        try:
            validate_send(self.version, message.action, message.payload)
            await self._handle(message.action, message.payload)
        except OCPPError as error:
            logger.info("a SEND is passed over: %s", error)
        except Exception:
            logger.exception("%s could not be handled", message.action)

    def _check_direction(self, action: str) -> None:
        if self._takes is None or action in self._takes:
            return
        if action in actions(self.version):
            raise OCPPError("NotSupported", f"{action} is not for this side to answer.")

    async def _reply_to(self, call: Call) -> Reply:
        """The handler's answer, valid; OCPPError when it refuses or fails."""
        try:
            reply = await self._handle(call.action, call.payload)
        except OCPPError:
            raise
        except Exception:
            logger.exception("%s could not be answered", call.action)
            raise OCPPError(
                "InternalError", "The request could not be processed."
            ) from None
        if not isinstance(reply, Reply):
            reply = Reply(reply)
        try:
            validate_response(self.version, call.action, reply.payload)
        except OCPPError as invalid:
            logger.error("our answer is not valid: %s", invalid)
            raise OCPPError(
                "InternalError", "The request could not be answered."
            ) from None
        return reply

    def _settle(self, frame: CallResult | CallError, text: str) -> None:
        """Hand an answer to its CALL; one that is late or unknown is ignored."""
        waiting = self._open
        if waiting is None or waiting[0].message_id != frame.message_id:
            self._show(sent=False, frame=frame, action="", text=text)
            return
        self._show(sent=False, frame=frame, action=waiting[0].action, text=text)
        if not waiting[1].done():
            waiting[1].set_result(frame)

    async def _complain(
        self, answer: CallResult, action: str, error: OCPPError
    ) -> None:
        """Tell the peer that its answer is not valid, where its version knows how."""
        if self.version is Version.V21 and not self._closed:
            complaint = CallResultError(
                answer.message_id, error.code, error.description, error.details
            )
            await self._emit(complaint, action)

    def _spoil(self, message_id: str | None, error: OCPPError) -> None:
        """Who waits for the answer with this id need wait no longer."""
        waiting = self._open
        if waiting is None or waiting[0].message_id != message_id:
            return
        if not waiting[1].done():
            waiting[1].set_exception(InvalidAnswer(error.code, error.description))

    async def _refuse(self, problem: FrameError) -> None:
        """Answer a text that is no OCPP-J message, where its version has an answer."""
        message_id = problem.message_id
        if isinstance(problem, Unanswerable):
            self._spoil(message_id, problem.error)
            return
        if self.version.is_v16:
            # It ignores unknown message types, and what has no id it cannot answer.
            if message_id is None or isinstance(problem, UnknownMessageType):
                return
        elif message_id is None or isinstance(problem, BadMessageId):
            message_id = "-1"
        error = self._error_for(message_id, problem.error)
        await self._emit(error, "")

    def _error_for(self, message_id: str, error: OCPPError) -> CallError:
        return CallError(
            message_id, error.code_for(self.version), error.description, error.details
        )

    async def _emit(self, frame: Frame, action: str) -> None:
        text = frame.encode()
        self._show(sent=True, frame=frame, action=action, text=text)
        await self._send(text)

    def _show(self, *, sent: bool, frame: Frame | None, action: str, text: str) -> None:
        if self._observe is not None:
            self._observe(sent=sent, frame=frame, action=action, text=text)


def _give_up(answer: "asyncio.Future[Any]", action: str) -> None:
    if not answer.done():
        answer.set_exception(CallTimeout(f"{action} was not answered in time."))
