"""Handshakes refused with a status of their own (ASGI: websocket.http.response).

OCPP-J asks for 404 where an identity is unknown and for 401 where credentials are wrong;
daphne 4 answers every refusal with 403. This adds the ASGI extension to it.
"""

from http import HTTPStatus
from typing import Any

from autobahn.websocket.types import ConnectionDeny
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

EXTENSION = "websocket.http.response"


class DenyingProtocol(WebSocketProtocol):
    """Daphne's WebSocket protocol, with denial responses."""

    _denial_headers: list[tuple[str, str]]

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


def with_denial_responses(application: Any) -> Any:
    """The application, under a daphne that knows the extension."""
    WebSocketFactory.protocol = DenyingProtocol

    async def extended(scope: dict[str, Any], receive: Any, send: Any) -> None:
        extensions = {**scope.get("extensions", {}), EXTENSION: {}}
        await application({**scope, "extensions": extensions}, receive, send)

    return extended
