"""A small CSMS on a real WebSocket, and a charger that dials it."""

import asyncio
import base64
import contextlib
import itertools
import json
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as WebSocketRequest
from websockets.http11 import Response as WebSocketResponse

from chargers.ocpp.errors import LinkClosed
from chargers.ocpp.frames import Frame
from chargers.ocpp.session import Session
from chargers.ocpp.versions import Version

from ..charger import ChargerSpec, VirtualCharger
from .clock import ManualClock

CALL = 2
PATIENCE = 5.0  # s, real ones

Payload = dict[str, Any]
Answer = Payload | Callable[[Payload], Payload | Awaitable[Payload]]


async def until(condition: Callable[[], Any]) -> None:
    """Wait for what the other tasks bring about."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.001)


class CSMS:
    """``answers[action]`` replaces the usual answer; ``calls`` is what came in,
    ``faults`` what was wrong with it.
    """

    def __init__(self, clock: ManualClock, version: Version = Version.V16) -> None:
        self.version = version
        self.calls: list[tuple[str, Payload]] = []
        self.security_events: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.headers: list[Any] = []
        self.subprotocols: list[Any] | None = [version.value]
        self.tls: ssl.SSLContext | None = None
        self.password: str | None = None  # asked for by Basic authentication
        self.refused = 0
        self.peer_names: list[str] = []  # of the certificates that were shown
        self.session: Session | None = None
        self._connection: ServerConnection | None = None
        self._server: Server | None = None
        self._port = 0
        self._clock = clock
        self.keeps_silent = False  # lets CALLs run into their timeout
        self.faults: list[str] = []
        self._message_ids: set[str] = set()
        self._open_call: str | None = None
        self._transaction_ids = itertools.count(1)

    async def open(self) -> None:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self._port,
            subprotocols=self.subprotocols,
            compression=None,
            ssl=self.tls,
            process_request=self._admit,
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def hang_up(self) -> None:
        assert self._connection is not None
        await self._connection.close()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/ocpp/demo/CP-1"

    @property
    def actions(self) -> list[str]:
        return [action for action, _ in self.calls]

    @property
    def story(self) -> list[str]:
        """The frames in short: a status by its name, an end by its reason."""
        return [_short(action, payload) for action, payload in self.calls]

    def payloads(self, action: str) -> list[Payload]:
        return [payload for name, payload in self.calls if name == action]

    def forget(self) -> None:
        self.calls.clear()

    async def call(self, action: str, payload: Payload) -> Payload:
        assert self.session is not None
        return await self.session.call(action, payload, timeout=PATIENCE)

    def _admit(
        self, connection: ServerConnection, request: WebSocketRequest
    ) -> WebSocketResponse | None:
        if self.password is None:
            return None
        login = base64.b64encode(f"CP-1:{self.password}".encode()).decode()
        if request.headers.get("Authorization") == f"Basic {login}":
            return None
        self.refused += 1
        return connection.respond(401, "who are you?")

    def _look_at_certificate(self, connection: ServerConnection) -> None:
        tls = connection.transport.get_extra_info("ssl_object")
        shown = tls.getpeercert() if tls is not None else None
        if shown:
            names = dict(pair for (pair, *_) in shown["subject"])
            self.peer_names.append(names["commonName"])

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.headers.append(connection.request.headers)
        self._look_at_certificate(connection)
        self._open_call = None

        async def send(text: str) -> None:
            if json.loads(text)[1] == self._open_call:
                self._open_call = None
            await connection.send(text)

        session = Session(self.version, send=send, handle=self._handle)
        self.session, self._connection = session, connection
        receiving: set[asyncio.Task[None]] = set()
        try:
            async for text in connection:
                self._judge(str(text))
                task = asyncio.create_task(session.receive(text))
                receiving.add(task)
                task.add_done_callback(receiving.discard)
        except (ConnectionClosed, LinkClosed):
            pass
        finally:
            session.close()
            for task in receiving:
                task.cancel()
            await asyncio.gather(*receiving, return_exceptions=True)

    def _judge(self, text: str) -> None:
        """What a strict CSMS would find fault with (OCPP-J 1.6, 4.1.1, 4.1.4)."""
        kind, message_id, *_ = json.loads(text)
        if kind != CALL:
            return
        if self._open_call is not None and not self.keeps_silent:
            self.faults.append(f"while another CALL is open: {text}")
        if message_id in self._message_ids:
            self.faults.append(f"its id was used before: {text}")
        self._message_ids.add(message_id)
        self._open_call = message_id

    async def _handle(self, action: str, payload: Payload) -> Payload:
        if action == "SecurityEventNotification":  # beside the story
            self.security_events.append(payload["type"])
            return {}
        self.calls.append((action, payload))
        answer = self.answers.get(action)
        if answer is None:
            return self._usual_answer(action)
        result = answer(payload) if callable(answer) else answer
        return await result if isinstance(result, Awaitable) else result

    def _usual_answer(self, action: str) -> Payload:
        now = self._clock.now().isoformat()
        info = "idTagInfo" if self.version.is_v16 else "idTokenInfo"
        accepted = {info: {"status": "Accepted"}}
        match action:
            case "BootNotification":
                return {"status": "Accepted", "currentTime": now, "interval": 3600}
            case "Heartbeat":
                return {"currentTime": now}
            case "Authorize":
                return accepted
            case "SignCertificate":
                return {"status": "Accepted"}
            case "StartTransaction":
                return {**accepted, "transactionId": next(self._transaction_ids)}
        return {}


def _short(action: str, payload: Payload) -> str:
    match action:
        case "StatusNotification" if "evseId" in payload:
            return f"{payload['evseId']}:{payload['connectorStatus']}"
        case "StatusNotification":
            return f"{payload['connectorId']}:{payload['status']}"
        case "TransactionEvent":
            info = payload["transactionInfo"]
            end = f"/{info['stoppedReason']}" if "stoppedReason" in info else ""
            return (
                f"{payload['eventType']}({payload['triggerReason']}:"
                f"{info['chargingState']}{end})"
            )
        case "StopTransaction":
            return f"StopTransaction({payload['reason']})"
    return action


class MemoryStore:
    """Keeps the state as JSON text, as a database would."""

    def __init__(self) -> None:
        self.text = "{}"
        self.saves = 0
        self.is_dead = False  # the process was killed: nothing more is saved

    async def save(self, state: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        if not self.is_dead:
            self.text = json.dumps(state)
            self.saves += 1

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self.text)
        return state


class Bench:
    """One charger, its CSMS, its clock and its memory."""

    def __init__(self, version: Version = Version.V16) -> None:
        self.version = version
        self.clock = ManualClock()
        self.csms = CSMS(self.clock, version)
        self.store = MemoryStore()
        self.links: list[tuple[bool, str]] = []
        self.frames: list[tuple[str, str]] = []
        self.charger: VirtualCharger
        self._running: asyncio.Task[None] | None = None

    async def power_on(self, state: dict[str, Any] | None = None, **spec: Any) -> None:
        """Build a charger from the saved state and wait until all is told."""
        self.dial(state, **spec)
        told = len(self.csms.payloads("StatusNotification")) + (
            self.charger.spec.connectors + self.version.is_v16
        )
        await until(lambda: len(self.csms.payloads("StatusNotification")) >= told)
        await until(self.charger.uplink.ready.is_set)

    def dial(self, state: dict[str, Any] | None = None, **spec: Any) -> None:
        self.charger = VirtualCharger(
            ChargerSpec("CP-1", self.csms.url, self.version, **spec),
            state=self.store.state if state is None else state,
            store=self.store,
            clock=self.clock,
            on_frame=self._on_frame,
            on_link=lambda up, reason: self.links.append((up, reason)),
        )
        self._running = asyncio.create_task(self.charger.run())

    async def kill(self) -> None:
        """As kill -9: what is not saved by now never is."""
        self.store.is_dead = True
        await self.power_off()
        self.store.is_dead = False

    async def power_off(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None

    async def perform(self, command: str, **event: Any) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            return await self.charger.perform(command, event)

    async def told(self, *story: str) -> None:
        """Wait until these frames, and no others, have come since ``forget``."""
        with contextlib.suppress(TimeoutError):
            await until(lambda: len(self.csms.story) >= len(story))
        assert self.csms.story == list(story)

    def _on_frame(
        self, *, direction: str, frame: Frame | None, action: str, text: str, at: Any
    ) -> None:
        self.frames.append((direction, action))
