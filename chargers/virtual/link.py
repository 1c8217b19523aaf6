"""The line to the CSMS: dialing, and one WebSocket with its RPC session."""

import base64
import socket
import ssl

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)
from websockets.typing import Subprotocol

from ..ocpp.errors import LinkClosed
from ..ocpp.session import Handler, Observer, Session
from ..ocpp.versions import Version

OPEN_TIMEOUT = 15.0  # s, for TCP, TLS and the WebSocket handshake
CLOSE_TIMEOUT = 2.0  # s


class LinkFailed(Exception):
    """There is no link; ``retry_after`` seconds if that is not up to the settings."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class Link:
    """One connection and the session on it; both end together."""

    def __init__(
        self,
        connection: ClientConnection,
        version: Version,
        *,
        handle: Handler,
        observe: Observer,
        call_timeout: float,
    ) -> None:
        self._connection = connection
        self.session = Session(
            version,
            send=self._transmit,
            handle=handle,
            observe=observe,
            call_timeout=call_timeout,
        )

    async def read(self) -> str:
        """Take frames until the connection ends; returns why it did."""
        try:
            while True:
                await self.session.receive(await self._connection.recv())
        except (ConnectionClosed, LinkClosed):
            return self._close_reason()
        finally:
            self.session.close()

    async def close(self) -> None:
        self.session.close()
        await self._connection.close()

    def change_ping_interval(self, seconds: int) -> None:
        """From now on; 0 for no pings."""
        connection = self._connection
        if (connection.ping_interval or 0) == seconds:
            return
        if connection.keepalive_task is not None:
            connection.keepalive_task.cancel()
        connection.ping_interval = seconds or None
        connection.start_keepalive()

    @property
    def peer_certificate(self) -> bytes | None:
        """What the CSMS has shown by TLS (DER)."""
        tls = self._connection.transport.get_extra_info("ssl_object")
        return tls.getpeercert(binary_form=True) if tls is not None else None

    async def _transmit(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed:
            raise LinkClosed("The connection is closed.") from None

    def _close_reason(self) -> str:
        code, reason = self._connection.close_code, self._connection.close_reason
        if code is None or code == 1006:
            return "connection lost"
        return f"connection closed ({code}{' ' + reason if reason else ''})"


async def dial(
    url: str,
    version: Version,
    *,
    login: tuple[str, bytes] | None,
    tls: ssl.SSLContext | None,
    ping_interval: int,
) -> ClientConnection:
    """Open a WebSocket that speaks the version; LinkFailed when that is not possible.

    ``ping_interval`` in seconds, 0 for no pings.
    """
    try:
        connection = await connect(
            url,
            subprotocols=[Subprotocol(version.value)],
            compression=None,
            additional_headers=_authorization(login),
            ssl=tls,
            ping_interval=ping_interval or None,
            open_timeout=OPEN_TIMEOUT,
            close_timeout=CLOSE_TIMEOUT,
            proxy=None,
        )
    except (
        OSError,
        ConnectionClosed,  # in the middle of the handshake
        InvalidHandshake,
        InvalidURI,
        EOFError,
        ValueError,
    ) as problem:
        raise LinkFailed(_dial_failure(problem)) from problem
    if connection.subprotocol != version.value:
        await connection.close()
        raise LinkFailed(f"the CSMS does not speak {version.value}")
    for message in (connection.request, connection.response):
        if message is not None:
            message.headers.clear()  # 4 KiB that nobody reads any more
    return connection


def _authorization(login: tuple[str, bytes] | None) -> dict[str, str]:
    """HTTP Basic authentication (OCPP-J 1.6, 6.2)."""
    if login is None:
        return {}
    user, password = login
    token = base64.b64encode(user.encode() + b":" + password).decode()
    return {"Authorization": f"Basic {token}"}


def _dial_failure(problem: Exception) -> str:
    match problem:
        case InvalidStatus():
            return f"HTTP {problem.response.status_code}"
        case TimeoutError():
            return "timeout"
        case socket.gaierror():
            return "host not found"
        case ssl.SSLError():
            return f"TLS: {problem.reason or problem}"
        case OSError() if isinstance(problem, ConnectionRefusedError) or (
            "Connect call failed" in str(problem)  # several addresses, all refused
        ):
            return "connection refused"
        case InvalidHandshake() | ConnectionClosed() | EOFError():
            return "WebSocket handshake failed"
        case InvalidURI() | ValueError():
            return "not a WebSocket URL"
    return str(getattr(problem, "strerror", None) or problem)
