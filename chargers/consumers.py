"""The OCPP endpoint: one WebSocket, one charger; frames in, frames out (step 7)."""

import asyncio
import contextlib
import json
import logging
import secrets
import sys
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone
from redis.exceptions import RedisError
from twisted.internet.defer import Deferred

from . import admission, requests, services
from .choices import BootPolicy, Direction, ProcessRole
from .connections import connections, tell
from .csms import commands_v16, commands_v201, v16, v21, v201
from .csms.commands_common import Commands, perform
from .csms.common import Handlers, handle, may_be_asked, triggered_by
from .csms.inventory import Inventories
from .csms.learning import learn
from .csms.portions import Portions
from .group_commit import group_commit
from .holder import Holder
from .models import Charger
from .ocpp.errors import (
    CallTimeout,
    CommandRejected,
    InvalidAnswer,
    LinkClosed,
    OCPPError,
)
from .ocpp.frames import Frame
from .ocpp.messages import SENT_BY_CHARGERS
from .ocpp.secrecy import accepted_password
from .ocpp.session import Reply, Session
from .ocpp.versions import Version, choose_subprotocol
from .services import device_model, links

logger = logging.getLogger(__name__)

# Those spoken, each with what it does on a charger's messages.
HANDLERS: dict[Version, Handlers] = {
    Version.V16: v16.HANDLERS,
    Version.V201: v201.HANDLERS,
    Version.V21: v21.HANDLERS,
}
COMMANDS: dict[Version, Commands] = {
    Version.V16: commands_v16.COMMANDS,
    Version.V201: commands_v201.COMMANDS,
    Version.V21: commands_v201.COMMANDS,
}

# Close codes (RFC 6455, 7.4.1; OCPP-J asks for no particular ones).
NO_COMMON_SUBPROTOCOL = 1002
REPLACED = 1000
NO_LONGER_ALLOWED = 1008
FAILED = 1011


class Stranger(AsyncWebsocketConsumer):
    """Refuses handshakes: as it is, at paths where there is no endpoint."""

    async def connect(self) -> None:
        await self.refuse(HTTPStatus.NOT_FOUND)

    async def refuse(self, status: HTTPStatus) -> None:
        """End the handshake with an HTTP status (OCPP-J 1.6, 3.1.1 and 6.2)."""
        if "websocket.http.response" not in self.scope.get("extensions", {}):
            await self.close()
            return
        headers = []
        if status == HTTPStatus.UNAUTHORIZED:
            headers = [(b"WWW-Authenticate", b'Basic realm="OCPP"')]
        start = {"type": "websocket.http.response.start", "status": status.value}
        await self.base_send({**start, "headers": headers})
        await self.base_send({"type": "websocket.http.response.body", "body": b""})


class ChargerConsumer(Stranger):
    """The CSMS's end of a charger's connection.

    Of a physical charger it is also the holder: it writes the charger's message log and
    link state and takes its commands. A virtual charger's fleet process does that.
    """

    charger: Charger
    session: Session
    is_open = False

    async def connect(self) -> None:
        self.is_open = False
        path = self.scope["url_route"]["kwargs"]
        charger = await admission.find_charger(path["organization"], path["identity"])
        if charger is None:
            await self.refuse(HTTPStatus.NOT_FOUND)
            return
        if not await admission.is_authentic(self.scope, charger):
            await self.refuse(HTTPStatus.UNAUTHORIZED)
            return
        version = choose_subprotocol(self.scope["subprotocols"], tuple(HANDLERS))
        if version is None:
            await self.accept()
            await self.close(NO_COMMON_SUBPROTOCOL)
            return
        self.charger = charger
        self.handlers = HANDLERS[version]
        self.has_booted = links.has_booted(charger)
        self.verdict: str | None = None  # on its last boot over this connection
        self.triggered: set[str] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.connection_id = secrets.token_hex(16)
        self.connected_at = timezone.now().timestamp()
        self.session = Session(
            version,
            send=self._send,
            handle=self._handle,
            observe=self._observe,
            takes=SENT_BY_CHARGERS[version],
        )
        self.portions = Portions(self._call_once, charger, version)
        self.inventories = Inventories()
        await self.accept(version.value)
        self.is_open = True
        await self._replace_others()
        if not charger.is_virtual:
            await self._hold()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """As Channels does, in one task: what other processes have to say comes by way
        of ``chargers.connections``.
        """
        self.scope = scope
        self.base_send = send
        try:
            with contextlib.suppress(StopConsumer):
                while True:
                    await self.dispatch(await receive())
        finally:
            # After a failure nothing else would tell that the charger is gone.
            await self.disconnect(FAILED)
            # Its parts know it: else all of it would wait for a search for such cycles.
            self.__dict__.clear()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels does, without a hop to a thread for every frame.

        It would look after database connections there; whoever uses one here does that.
        """
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"No handler for {message['type']}")
        await handler(message)

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        frame = bytes_data if text_data is None else text_data
        if self.is_open and frame is not None:
            await self.session.receive(frame)

    async def disconnect(self, code: int) -> None:
        if not self.is_open:
            return
        self.is_open = False
        self.session.close()
        while self.tasks:  # one that ends may have started another
            await asyncio.gather(*self.tasks, return_exceptions=True)
        connections().remove(self.charger.pk, self)
        if not self.charger.is_virtual:
            await self._let_go(code)

    # --- As the performer of commands (chargers.delivery) -----------------------------

    @property
    def is_online(self) -> bool:
        return self.is_open

    async def perform(self, command: str, event: dict[str, Any]) -> dict[str, Any]:
        commands = COMMANDS[self.session.version]
        return await perform(commands, self._call, self.charger, command, event)

    # --- The connection ---------------------------------------------------------------

    async def connection_replaced(self, message: dict[str, Any]) -> None:
        """Another connection speaks for this identity now."""
        if not self.is_open:
            return
        is_newer = (message["at"], message["by"]) > (
            self.connected_at,
            self.connection_id,
        )
        if is_newer:
            await self.close(REPLACED)

    async def connection_recheck(self, message: dict[str, Any]) -> None:
        """The charger was removed, or a certificate of it revoked."""
        if self.is_open:
            self._start(self._recheck())

    async def _recheck(self) -> None:
        charger = await Charger.objects.filter(pk=self.charger.pk).afirst()
        if charger is None or not await admission.is_authentic(self.scope, charger):
            await self.close(NO_LONGER_ALLOWED)

    async def _replace_others(self) -> None:
        await connections().add(self.charger.pk, self)
        word = {
            "type": "connection.replaced",
            "by": self.connection_id,
            "at": self.connected_at,
        }
        try:
            await tell(self.charger.pk, word)
        except (RedisError, OSError) as error:
            logger.warning("%s: others do not hear of it: %s", self.charger, error)

    async def _hold(self) -> None:
        self.holder = await web_holder()
        opened = services.Opened(
            self.charger,
            self.connection_id,
            self.holder.name,
            self.session.version.label,
            timezone.now(),
        )
        await group_commit().run_batched(services.mark_connected, opened)
        self.holder.delivery.attach(self.charger.pk, self)
        self.holder.changes.note([self.charger.pk])

    async def _let_go(self, code: int) -> None:
        self.holder.delivery.detach(self.charger.pk, self)
        closed = services.Closed(
            self.charger.pk, self.connection_id, f"The connection closed ({code})."
        )
        self.holder.closings.put(closed)
        await self.holder.closings.flush()
        self.holder.changes.note([self.charger.pk])

    # --- Requests of operators (chargers.requests) ------------------------------------

    async def request_send(self, message: dict[str, Any]) -> None:
        """Send a CALL that somebody, maybe in another process, waits for."""
        if self.is_open:
            self._start(self._answer_request(message))

    async def _answer_request(self, message: dict[str, Any]) -> None:
        if not await requests.claim(message["id"]):
            return
        answer: dict[str, Any]
        try:
            if message["version"] != self.session.version:
                raise LinkClosed("The charger has come back with another OCPP version.")
            payload = json.loads(message["payload"])
            answer = {"payload": await self._call(message["action"], payload)}
        except InvalidAnswer as error:
            answer = {"invalid": str(error)}
        except OCPPError as error:
            answer = {
                "code": error.code,
                "description": error.description,
                "details": error.details,
            }
        except CommandRejected as refusal:
            answer = {"refusal": refusal.detail}
        except (CallTimeout, LinkClosed) as error:
            answer = {"failure": str(error)}
        await requests.answer(message["id"], answer)

    async def _call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if not may_be_asked(action, self.verdict):
            raise CommandRejected(
                f"Its boot was answered {self.verdict}: {action} is not allowed yet."
            )
        if triggered := triggered_by(action, payload):
            self.triggered.add(triggered)
        return await self.portions.send(action, payload)

    async def _call_once(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.inventories.note_request(action, payload)
        answer = await self.session.call(action, payload)
        if password := accepted_password(action, payload, answer):
            # Before the charger can dial again with it: that is looked up in turn.
            await group_commit().run(services.keep_password, self.charger, password)
        if follows := await learn(self.charger, action, payload, answer):
            self._start(self._tell(*follows))
        return answer

    async def _tell(self, action: str, payload: dict[str, Any]) -> None:
        """Send a CALL that nobody waits for."""
        try:
            await self._call(action, payload)
        except (OCPPError, CommandRejected, CallTimeout, LinkClosed) as error:
            logger.warning("%s: %s: %s", self.charger, action, error)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # --- Frames -----------------------------------------------------------------------

    async def _send(self, text: str) -> None:
        await self.send(text_data=text)

    async def _handle(self, action: str, payload: dict[str, Any]) -> Reply:
        is_boot = action == "BootNotification"
        if not (self.has_booted or is_boot or action in self.triggered):
            raise OCPPError("SecurityError", "No boot of the charger was accepted yet.")
        answer = await handle(self.handlers, self.charger, action, payload)
        if is_boot:
            self.verdict = answer.payload["status"]
            self.has_booted = self.verdict == BootPolicy.ACCEPTED
        elif action == "NotifyReport" and (
            asked_at := self.inventories.note_report(payload)
        ):
            await group_commit().run(
                device_model.drop_variables, self.charger, told_before=asked_at
            )
        if answer.follows is None:
            return Reply(answer.payload)
        follows = answer.follows
        return Reply(answer.payload, then=lambda: self._start(self._tell(*follows)))

    def _observe(
        self, *, sent: bool, frame: Frame | None, action: str, text: str
    ) -> None:
        if self.charger.is_virtual:
            return
        self.holder.log_message(
            self.charger.pk,
            direction=Direction.TO_CHARGER if sent else Direction.TO_CSMS,
            frame=frame,
            action=action,
            text=text,
            at=timezone.now(),
        )


_holder: Holder | None = None
_holder_starts = asyncio.Lock()


async def web_holder() -> Holder:
    """This web process as the holder of physical chargers; begins with the first."""
    global _holder
    async with _holder_starts:
        if _holder is None:
            holder = Holder(ProcessRole.WEB)
            await holder.start()
            _stop_with_daphne(holder)
            _holder = holder
    return _holder


def _stop_with_daphne(holder: Holder) -> None:
    """Daphne has no lifespan events: its reactor says when it shuts down."""
    reactor = sys.modules.get("twisted.internet.reactor")
    if reactor is not None:
        reactor.addSystemEventTrigger(
            "before",
            "shutdown",
            lambda: Deferred.fromFuture(asyncio.ensure_future(holder.stop())),
        )
