"""The OCPP endpoint: one WebSocket, one charger; frames in, frames out (step 7)."""

import asyncio
import base64
import binascii
import logging
import secrets
import sys
from http import HTTPStatus
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone
from twisted.internet.defer import Deferred

from . import services
from .choices import Direction, ProcessRole
from .csms import commands_v16, v16
from .holder import Holder
from .models import Charger
from .ocpp.frames import Frame
from .ocpp.messages import SENT_BY_CHARGERS
from .ocpp.session import Session
from .ocpp.versions import Version, choose_subprotocol

logger = logging.getLogger(__name__)

SPOKEN = (Version.V16,)

# Close codes (RFC 6455, 7.4.1; OCPP-J asks for no particular ones).
NO_COMMON_SUBPROTOCOL = 1002
REPLACED = 1000


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

    async def connect(self) -> None:
        self.is_open = False
        path = self.scope["url_route"]["kwargs"]
        charger = await database_sync_to_async(services.find_charger)(
            path["organization"], path["identity"]
        )
        if charger is None:
            await self.refuse(HTTPStatus.NOT_FOUND)
            return
        if not await self._is_authentic(charger):
            await self.refuse(HTTPStatus.UNAUTHORIZED)
            return
        version = choose_subprotocol(self.scope["subprotocols"], SPOKEN)
        if version is None:
            await self.accept()
            await self.close(NO_COMMON_SUBPROTOCOL)
            return
        self.charger = charger
        self.connection_id = secrets.token_hex(16)
        self.session = Session(
            version,
            send=self._send,
            handle=self._handle,
            observe=self._observe,
            takes=SENT_BY_CHARGERS[version],
        )
        await self.accept(version.value)
        self.is_open = True
        await self._replace_others()
        if not charger.is_virtual:
            await self._hold()

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
        await self.channel_layer.group_discard(self._group, self.channel_name)
        if not self.charger.is_virtual:
            await self._let_go(code)

    # --- As the performer of commands (chargers.delivery) -----------------------------

    @property
    def is_online(self) -> bool:
        return self.is_open

    async def perform(self, command: str, event: dict[str, Any]) -> dict[str, Any]:
        return await commands_v16.perform(
            self.session.call, self.charger, command, event
        )

    # --- The connection ---------------------------------------------------------------

    async def connection_replaced(self, message: dict[str, Any]) -> None:
        """Another connection speaks for this identity now (OCPP-NOTES, 11)."""
        if message["by"] != self.connection_id:
            await self.close(REPLACED)

    async def _replace_others(self) -> None:
        await self.channel_layer.group_add(self._group, self.channel_name)
        await self.channel_layer.group_send(
            self._group, {"type": "connection.replaced", "by": self.connection_id}
        )

    @property
    def _group(self) -> str:
        return f"charger.{self.charger.pk}"

    async def _hold(self) -> None:
        self.holder = await web_holder()
        await database_sync_to_async(services.mark_connected)(
            self.charger, connection_id=self.connection_id, holder=self.holder.name
        )
        self.holder.delivery.attach(self.charger.pk, self)

    async def _let_go(self, code: int) -> None:
        self.holder.delivery.detach(self.charger.pk, self)
        await database_sync_to_async(services.mark_disconnected)(
            self.charger,
            connection_id=self.connection_id,
            detail=f"The connection closed ({code}).",
        )

    async def _is_authentic(self, charger: Charger) -> bool:
        """Basic authentication, where the charger has a password (OCPP-J 1.6, 6.2)."""
        if not charger.password_hash:
            return True
        user, password = _basic_credentials(dict(self.scope["headers"]))
        return user == charger.identity and await asyncio.to_thread(
            services.password_matches, charger, password
        )

    # --- Frames -----------------------------------------------------------------------

    async def _send(self, text: str) -> None:
        await self.send(text_data=text)

    async def _handle(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        return await v16.handle(self.charger, action, payload)

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


def _basic_credentials(headers: dict[bytes, bytes]) -> tuple[str, str]:
    """User and password of an Authorization header; empty when there are none."""
    scheme, _, encoded = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic":
        return "", ""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    user, _, password = text.partition(":")
    return user, password
