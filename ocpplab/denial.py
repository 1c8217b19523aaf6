"""Daphne's WebSocket protocol with what an OCPP endpoint needs besides.

- Handshakes refused with a status of their own (ASGI: websocket.http.response). OCPP-J
  asks for 404 where an identity is unknown and for 401 where credentials are wrong;
  daphne 4 answers every refusal with 403.
- The certificate that a client presented (ASGI: tls).
- Compression where the client offers it, in little memory.
- A closing frame that says why, where a frame is too long (1009) or no UTF-8 (1007).
- Turns for those that send faster than they are answered (see ``pacing``).
"""

from collections.abc import Sequence
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
)
from autobahn.websocket.types import ConnectionDeny
from cryptography.hazmat.primitives.serialization import Encoding
from daphne.ws_protocol import WebSocketFactory

from .pacing import PacedProtocol, in_turn

EXTENSION = "websocket.http.response"

MESSAGE_LIMIT = 1024 * 1024  # bytes, as daphne's own; after decompression too
WORTH_COMPRESSING = 512  # bytes; below, it costs more than it saves
COMPRESSION_MEMORY = 4  # zlib's memLevel: 8 KiB instead of 128

# What daphne starts for a connection runs in a copy of the context it was started in.
_protocol: ContextVar["DenyingProtocol | None"] = ContextVar("protocol", default=None)


class DenyingProtocol(PacedProtocol):
    """Daphne's WebSocket protocol, extended."""

    _denial_headers: list[tuple[str, str]]

    def _connectionMade(self) -> None:
        super()._connectionMade()
        self.failByDrop = False
        self.perMessageCompressionAccept = _accept_compression

    def onConnect(self, request: Any) -> Any:
        token = _protocol.set(self)
        try:
            return super().onConnect(request)
        finally:
            _protocol.reset(token)

    def serverSend(self, content: Any, binary: bool = False) -> None:
        if binary or self.state == self.STATE_CONNECTING:
            super().serverSend(content, binary)
            return
        if self.state != self.STATE_OPEN:
            return  # who has hung up hears nothing; the application will learn of it
        payload = content.encode()
        self.sendMessage(payload, doNotCompress=len(payload) < WORTH_COMPRESSING)

    def serverClose(self, code: int | None = None) -> None:
        """As daphne's, with the codes that RFC 6455 gives to servers too (7.4.1)."""
        self.sendCloseFrame(code=1000 if code is None else code)

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == f"{EXTENSION}.start":
            self._denial_headers = [
                (name.decode(), value.decode()) for name, value in message["headers"]
            ]
            self._deny(HTTPStatus(message["status"]))
        elif message["type"] != f"{EXTENSION}.body":
            super().handle_reply(message)

    def _deny(self, status: HTTPStatus) -> None:
        """As daphne's serverReject, with another status."""
        self.handshake_deferred.errback(ConnectionDeny(status.value, status.phrase))
        del self.handshake_deferred
        self.server.protocol_disconnected(self)

    def failHandshake(self, reason: str, code: int = 400, headers: Any = None) -> None:
        headers = headers or getattr(self, "_denial_headers", None)
        super().failHandshake(reason, code, headers)


def _accept_compression(offers: Sequence[Any]) -> PerMessageDeflateOfferAccept | None:
    """The first offer of permessage-deflate, without context kept between messages."""
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(
                offer,
                request_no_context_takeover=offer.accept_no_context_takeover,
                no_context_takeover=True,
                mem_level=COMPRESSION_MEMORY,
                max_message_size=MESSAGE_LIMIT,
            )
    return None


def _tls_of(transport: Any) -> dict[str, Any] | None:
    """The ASGI extension of a TLS connection; the client may have no certificate."""
    get_certificate = getattr(transport, "getPeerCertificate", None)
    if get_certificate is None:
        return None
    presented = get_certificate()
    if presented is None:
        return {"client_cert_chain": []}
    pem = presented.to_cryptography().public_bytes(Encoding.PEM).decode()
    return {"client_cert_chain": [pem]}


def with_denial_responses(application: Any) -> Any:
    """The application, under a daphne that knows the extensions."""
    WebSocketFactory.protocol = DenyingProtocol

    async def extended(scope: dict[str, Any], receive: Any, send: Any) -> None:
        protocol = _protocol.get()
        assert protocol is not None
        _protocol.set(None)  # else all that is started from here on would keep it
        extensions = {**scope.get("extensions", {}), EXTENSION: {}}
        if (tls := _tls_of(protocol.transport)) is not None:
            extensions["tls"] = tls
        scope = {**scope, "extensions": extensions}
        await application(scope, in_turn(protocol, receive), send)

    return extended
