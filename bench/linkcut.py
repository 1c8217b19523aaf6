"""Is a transaction lost when the link is?  ``python -m bench.linkcut [--cuts N …]``

Virtual chargers run sessions against a strict CSMS through a proxy that cuts the link at
random bytes, in the middle of frames too, and now and then the charger's process is
killed. Afterwards the CSMS must have every transaction exactly once, in order, with the
energy that the meter shows. Time passes faster than it does: a session of ten minutes
takes a second.

Exits with 1 and says what is wrong, if anything is. ``--seed`` repeats a run's cuts.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from chargers.ocpp.errors import LinkClosed
from chargers.ocpp.session import Session
from chargers.ocpp.versions import Version
from chargers.virtual.charger import ChargerSpec, VirtualCharger
from chargers.virtual.clock import Timer

SPEED = 600.0  # times real time
SESSION_S = 600
CUT_AFTER = (100, 6000)  # bytes in either direction
LOST_ANSWER_SHARE = 0.5  # of the cuts let the frame arrive, and its answer not
ARRIVAL_S = 0.01
KILL_SHARE = 0.1  # of the cuts that kill the charger
PATIENCE = 60.0  # s for a session, and for the last messages

Payload = dict[str, Any]


class FastClock:
    def __init__(self) -> None:
        self._start = datetime(2026, 1, 1, tzinfo=UTC)
        self._zero = time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._zero) * SPEED

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / SPEED)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(seconds / SPEED, callback)


class MemoryStore:
    """What a charger had saved when it was killed."""

    def __init__(self) -> None:
        self.text = "{}"
        self.is_dead = False

    async def save(self, state: dict[str, Any]) -> None:
        text = json.dumps(state)
        await asyncio.sleep(0.001)
        if not self.is_dead:
            self.text = text


@dataclass
class Transaction:
    charger: str
    start: Payload
    stop: Payload | None = None
    registers: list[int] = field(default_factory=list)
    values: list[Payload] = field(default_factory=list)


class StrictCSMS:
    """Knows a repeated message by what it says; ``faults`` is what broke a rule."""

    def __init__(self) -> None:
        self.transactions: dict[int, Transaction] = {}
        self.repeated = 0
        self.faults: list[str] = []
        self._ids = itertools.count(1)
        self._last: dict[str, str] = {}  # the newest timestamp by charger

    async def serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        identity = connection.request.path.rsplit("/", 1)[1]
        open_calls = 0

        async def handle(action: str, payload: Payload) -> Payload:
            nonlocal open_calls
            open_calls += 1
            if open_calls > 1:
                self.faults.append(f"{identity}: two CALLs at once")
            try:
                await asyncio.sleep(0.001)
                return self._answer(identity, action, payload)
            finally:
                open_calls -= 1

        session = Session(Version.V16, send=connection.send, handle=handle)
        receiving: set[asyncio.Task[None]] = set()
        with contextlib.suppress(ConnectionClosed, LinkClosed):
            async for text in connection:
                task = asyncio.create_task(self._receive(session, text))
                receiving.add(task)
                task.add_done_callback(receiving.discard)
        session.close()

    async def _receive(self, session: Session, text: str | bytes) -> None:
        with contextlib.suppress(ConnectionClosed, LinkClosed):
            await session.receive(text)

    def _answer(self, identity: str, action: str, payload: Payload) -> Payload:
        now = "2026-01-01T00:00:00Z"
        accepted = {"idTagInfo": {"status": "Accepted"}}
        match action:
            case "BootNotification":
                return {"status": "Accepted", "currentTime": now, "interval": 3600}
            case "Heartbeat":
                return {"currentTime": now}
            case "Authorize":
                return accepted
            case "StartTransaction":
                return {**accepted, "transactionId": self._start(identity, payload)}
            case "StopTransaction":
                self._stop(identity, payload)
            case "MeterValues" if "transactionId" in payload:
                self._measure(identity, payload)
        return {}

    def _start(self, identity: str, payload: Payload) -> int:
        for number, known in self.transactions.items():
            if (known.charger, known.start) == (identity, payload):
                self.repeated += 1
                return number
        self._keep_order(identity, payload["timestamp"])
        number = next(self._ids)
        self.transactions[number] = Transaction(identity, payload)
        return number

    def _stop(self, identity: str, payload: Payload) -> None:
        transaction = self._find(identity, payload)
        if transaction is None:
            return
        if transaction.stop == payload:
            self.repeated += 1
        elif transaction.stop is not None:
            self.faults.append(f"{identity}: ended twice: {payload}")
        else:
            self._keep_order(identity, payload["timestamp"])
            transaction.stop = payload

    def _measure(self, identity: str, payload: Payload) -> None:
        transaction = self._find(identity, payload)
        if transaction is None:
            return
        if payload in transaction.values:
            self.repeated += 1
            return
        transaction.values.append(payload)
        for value in payload["meterValue"][0]["sampledValue"]:
            if value["measurand"] == "Energy.Active.Import.Register":
                transaction.registers.append(int(value["value"]))

    def _find(self, identity: str, payload: Payload) -> Transaction | None:
        found = self.transactions.get(payload["transactionId"])
        if found is None or found.charger != identity:
            self.faults.append(f"{identity}: no such transaction: {payload}")
            return None
        return found

    def _keep_order(self, identity: str, at: str) -> None:
        if at < self._last.get(identity, ""):
            self.faults.append(f"{identity}: {at} came after {self._last[identity]}")
        self._last[identity] = at


class Proxy:
    """Passes bytes on until it is time to cut; ``kills`` asks for more than that."""

    def __init__(self, port: int, cuts: int, dice: random.Random) -> None:
        self.cuts = 0
        self.kills: asyncio.Queue[None] = asyncio.Queue()
        self.kills_done = 0
        self._port = port
        self._wanted = cuts
        self._dice = dice
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        writers = (writer, far_writer)
        left = [self._dice.randint(*CUT_AFTER)]
        ways = [
            asyncio.create_task(self._pass_on(reader, far_writer, writers, left)),
            asyncio.create_task(self._pass_on(far_reader, writer, writers, left)),
        ]
        await asyncio.wait(ways)

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        writers: tuple[asyncio.StreamWriter, ...],
        left: list[int],
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(4096):
                if self.cuts < self._wanted and len(chunk) >= left[0]:
                    self._cut()
                    if self._dice.random() < LOST_ANSWER_SHARE:
                        writers[0].transport.abort()
                        writer.write(chunk)
                    else:
                        writer.write(chunk[: left[0]])
                    await asyncio.sleep(ARRIVAL_S)
                    break
                left[0] -= len(chunk)
                writer.write(chunk)
                await writer.drain()
        for each in writers:
            each.transport.abort()

    def _cut(self) -> None:
        self.cuts += 1
        if self._dice.random() < KILL_SHARE:
            self.kills.put_nowait(None)


class Driver:
    """Has one charger run its sessions, and starts it anew when it was killed."""

    def __init__(self, identity: str, url: str, clock: FastClock) -> None:
        self.identity = identity
        self._spec = ChargerSpec(identity, f"{url}/{identity}")
        self._clock = clock
        self._store = MemoryStore()
        self._running: asyncio.Task[None] | None = None
        self.charger: VirtualCharger
        self.power_on()

    def power_on(self) -> None:
        self._store.is_dead = False
        self.charger = VirtualCharger(
            self._spec,
            state=json.loads(self._store.text),
            store=self._store,
            clock=self._clock,
            on_frame=lambda **frame: None,
            on_link=lambda is_up, reason: None,
        )
        self._running = asyncio.create_task(self.charger.run())

    async def kill(self) -> None:
        """As kill -9: what is not saved by now never is."""
        self._store.is_dead = True
        assert self._running is not None
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def run_session(self) -> None:
        """Begin one, if the link lets it, and wait until it has ended by itself."""
        event = {"id_tag": "TAG", "duration_seconds": SESSION_S}
        session = asyncio.create_task(self.charger.perform("start-session", event))
        await asyncio.wait({session})
        session.exception()  # a session that could not begin is no concern
        await until(self._is_idle)

    def _is_idle(self) -> bool:
        outlet = self.charger.outlets[0]
        return outlet.transaction is None and outlet.vehicle is None

    async def delivered(self) -> None:
        await until(self.charger.outbox.emptied.is_set)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)


@dataclass(frozen=True)
class Outcome:
    cuts: int
    kills: int
    transactions: int
    repeated: int
    faults: list[str]


async def run(
    *, chargers: int, transactions: int, cuts: int, seed: int | None = None
) -> Outcome:
    """Run at least so many transactions and make so many cuts."""
    dice, csms = random.Random(seed), StrictCSMS()
    async with serve(
        csms.serve,
        "127.0.0.1",
        0,
        subprotocols=["ocpp1.6"],  # type: ignore[list-item]
        compression=None,
    ) as server:
        proxy = Proxy(next(iter(server.sockets)).getsockname()[1], cuts, dice)
        async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as front:
            port = front.sockets[0].getsockname()[1]
            clock, url = FastClock(), f"ws://127.0.0.1:{port}"
            drivers = [Driver(f"CP-{n}", url, clock) for n in range(chargers)]

            async def drive(driver: Driver) -> None:
                while len(csms.transactions) < transactions or proxy.cuts < cuts:
                    await driver.run_session()

            async def kill() -> None:
                for victim in itertools.cycle(drivers):
                    await proxy.kills.get()
                    await victim.kill()
                    victim.power_on()
                    proxy.kills_done += 1

            killer = asyncio.create_task(kill())
            await asyncio.gather(*(drive(driver) for driver in drivers))
            killer.cancel()
            await asyncio.gather(*(driver.delivered() for driver in drivers))
            faults = [*csms.faults, *(f for d in drivers for f in _check(d, csms))]
            await asyncio.gather(*(driver.charger.stop() for driver in drivers))
    return Outcome(
        proxy.cuts, proxy.kills_done, len(csms.transactions), csms.repeated, faults
    )


def _check(driver: Driver, csms: StrictCSMS) -> Iterator[str]:
    """The transactions of a charger follow each other, and add up to its meter."""
    register = 0
    for number, transaction in csms.transactions.items():
        if transaction.charger != driver.identity:
            continue
        if transaction.stop is None:
            yield f"{driver.identity}: transaction {number} has no end"
            continue
        start, stop = transaction.start["meterStart"], transaction.stop["meterStop"]
        registers = [start, *transaction.registers, stop]
        if start != register:
            yield f"{driver.identity}: {number} starts at {start}, not at {register}"
        if registers != sorted(registers):
            yield f"{driver.identity}: {number}: the register falls: {registers}"
        register = stop
    if register != driver.charger.outlets[0].energy_wh:
        shown = driver.charger.outlets[0].energy_wh
        yield f"{driver.identity}: {register} Wh told, the meter shows {shown} Wh"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chargers", type=int, default=10)
    parser.add_argument("--transactions", type=int, default=100)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    outcome = asyncio.run(run(**vars(options)))
    print(
        f"{outcome.cuts} cuts, {outcome.kills} kills, {outcome.transactions} "
        f"transactions, {outcome.repeated} messages repeated, "
        f"{len(outcome.faults)} faults"
    )
    for fault in outcome.faults:
        print(f"fault: {fault}")
    raise SystemExit(1 if outcome.faults else 0)


if __name__ == "__main__":
    main()
