"""How fast is the OCPP endpoint?  ``python -m bench.endpoint [--points N] [--seconds S]``

N charge points talk to a daphne of its own: each runs sessions of a boot, statuses, an
authorization, a transaction with meter values, and heartbeats, one call at a time
(closed loop), or together a fixed number of calls a second (open loop, ``--rate``).
Beside it, in the same run, a Channels consumer that does nothing but answer: the ceiling.

Runs on SQLite and, where its programs are installed, on a throw-away PostgreSQL; on
another server alone when ``DATABASE_URL`` names one. Prints a table; ``--json FILE``
writes the figures. CPU is that of the server's process; statements are those given to
the database driver, one for many rows being one.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.portal import free_port
from tests.postgres import find_programs, running_server

from .counted import statements

PASSWORD = "bench-bench-bench"
ROOT = Path(__file__).resolve().parent.parent
WARM_UP = 1.0  # s
Latencies = dict[str, list[float]]


class ChargePoint:
    """One connection that goes through the messages of sessions for ever."""

    def __init__(self, connection: ClientConnection, latencies: Latencies) -> None:
        self.connection = connection
        self.latencies = latencies
        self.ids = count()
        self.script = self._script()
        self.transaction_id = 0

    async def step(self) -> None:
        action, payload = next(self.script)
        begun = time.perf_counter()
        message_id = str(next(self.ids))
        await self.connection.send(json.dumps([2, message_id, action, payload]))
        answer = json.loads(await self.connection.recv())
        assert answer[:2] == [3, message_id], answer
        self.latencies[action].append(time.perf_counter() - begun)
        self.transaction_id = answer[2].get("transactionId", self.transaction_id)

    def _script(self) -> Iterator[tuple[str, dict[str, Any]]]:
        yield (
            "BootNotification",
            {"chargePointVendor": "Bench", "chargePointModel": "B"},
        )
        energy = 0
        while True:
            yield self._status("Preparing")
            yield "Authorize", {"idTag": "BENCH"}
            start = {"connectorId": 1, "idTag": "BENCH", "meterStart": energy}
            yield "StartTransaction", {**start, "timestamp": _now()}
            yield self._status("Charging")
            for _ in range(4):
                energy += 100
                yield self._meter_values(energy)
                yield "Heartbeat", {}
                yield "Heartbeat", {}
            stop = {"transactionId": self.transaction_id, "meterStop": energy}
            yield "StopTransaction", {**stop, "timestamp": _now()}
            yield self._status("Available")

    def _status(self, status: str) -> tuple[str, dict[str, Any]]:
        payload = {"connectorId": 1, "errorCode": "NoError", "status": status}
        return "StatusNotification", payload

    def _meter_values(self, energy: int) -> tuple[str, dict[str, Any]]:
        sampled = [
            {"value": str(energy), "unit": "Wh"},
            {"value": "11000", "measurand": "Power.Active.Import", "unit": "W"},
        ]
        return "MeterValues", {
            "connectorId": 1,
            "transactionId": self.transaction_id,
            "meterValue": [{"timestamp": _now(), "sampledValue": sampled}],
        }


async def load(
    url: str, server: "Server", points: int, seconds: float, rate: float
) -> dict[str, Any]:
    """Connect, warm up, talk for so long; calls per second, latencies, server's CPU."""
    latencies: Latencies = defaultdict(list)
    async with connected(url, range(points)) as connections:
        charge_points = [ChargePoint(c, latencies) for c in connections]

        async def talk(number: int, until: float, pause: float) -> None:
            due = time.perf_counter() + pause * number / points
            while time.perf_counter() < until:
                if pause:
                    await asyncio.sleep(max(0.0, due - time.perf_counter()))
                    due += pause
                await charge_points[number].step()

        async def talk_all(duration: float) -> float:
            begun = time.perf_counter()
            pause = points / rate if rate else 0.0
            until = begun + duration
            await asyncio.gather(*(talk(n, until, pause) for n in range(points)))
            return time.perf_counter() - begun

        await talk_all(WARM_UP)
        latencies.clear()
        cpu, counted = server.cpu_seconds, server.statements
        elapsed = await talk_all(seconds)
        cpu, counted = server.cpu_seconds - cpu, server.statements - counted
    every = [value for values in latencies.values() for value in values]
    return {
        "calls_per_second": len(every) / elapsed,
        "cpu_us_per_call": cpu / len(every) * 1e6,
        "statements_per_call": counted / len(every),
        "latency_ms": {
            action: _percentiles(values)
            for action, values in [("all", every), *sorted(latencies.items())]
        },
    }


async def connecting(url: str, server: "Server", points: int) -> dict[str, float]:
    """What a connection costs: to open one, and to have one that says nothing.

    The first few are no measure: with them the process loads what it needs.
    """
    few = min(points // 5, 50)
    async with connected(url, range(few)):
        await asyncio.sleep(1)
        memory, cpu, begun = (
            server.resident_kib,
            server.cpu_seconds,
            time.perf_counter(),
        )
        async with connected(url, range(few, points)):
            elapsed = time.perf_counter() - begun
            await asyncio.sleep(1)
            new = points - few
            return {
                "connects_per_second": new / elapsed,
                "cpu_us_per_connect": (server.cpu_seconds - cpu) / new * 1e6,
                "kib_per_idle_connection": (server.resident_kib - memory) / new,
            }


@contextlib.asynccontextmanager
async def connected(
    url: str, numbers: Iterable[int]
) -> AsyncIterator[list[ClientConnection]]:
    """Connections of the charge points with these numbers, with Basic authentication."""
    gate = asyncio.Semaphore(50)

    async def open_one(number: int) -> ClientConnection:
        secret = base64.b64encode(f"BENCH-{number}:{PASSWORD}".encode()).decode()
        async with gate:
            return await connect(
                f"{url}/BENCH-{number}",
                subprotocols=["ocpp1.6"],  # type: ignore[list-item]
                additional_headers={"Authorization": f"Basic {secret}"},
                compression=None,
                ping_interval=None,
                open_timeout=60,
            )

    connections = await asyncio.gather(*(open_one(number) for number in numbers))
    try:
        yield connections
    finally:
        for connection in connections:
            with contextlib.suppress(Exception):
                await connection.close()


def _percentiles(values: list[float]) -> dict[str, float]:
    if len(values) < 2:
        return {}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {
        name: round(cuts[index] * 1000, 2)
        for name, index in (("p50", 49), ("p95", 94), ("p99", 98))
    }


def _now() -> str:
    return datetime.now(UTC).isoformat()


# --- The server -------------------------------------------------------------------------


class Server:
    """A process that serves, and what it has used."""

    def __init__(self, pid: int, counter: Path) -> None:
        self.pid = pid
        self.counter = counter

    @property
    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    @property
    def resident_kib(self) -> int:
        return resident_kib(self.pid)

    @property
    def statements(self) -> int:
        return statements(self.counter)


@contextlib.contextmanager
def server(
    application: str, environment: dict[str, str]
) -> Iterator[tuple[str, Server]]:
    """A daphne with this application; its WebSocket address and process."""
    port = free_port()
    counter = Path(environment["OCPPLAB_DATA_DIR"]) / f"statements-{port}"
    command = [sys.executable, "-m", "daphne", "--verbosity", "0", "-p", str(port)]
    process = subprocess.Popen(
        [*command, "--websocket_timeout", "-1", application],
        env={**environment, "PORT": str(port), "BENCH_COUNTER": str(counter)},
        cwd=ROOT,
    )
    try:
        _wait_for(port)
        yield f"ws://127.0.0.1:{port}", Server(process.pid, counter)
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int) -> None:
    import socket

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port)),
        ):
            return
        time.sleep(0.1)
    raise SystemExit("error: daphne did not start")


@contextlib.contextmanager
def installation() -> Iterator[dict[str, str]]:
    """Environment of a fresh portal with Redis and an empty database."""
    from ocpplab.embedded import answers, server_command

    with tempfile.TemporaryDirectory(prefix="ocpplab-bench-") as directory:
        redis_socket = Path(directory) / "redis.sock"
        environment = {
            **os.environ,
            "OCPPLAB_DATA_DIR": directory,
            "REDIS_URL": f"unix://{redis_socket}?db=0",
            "OCPPLAB_DEMO": "0",
            "SECRET_KEY": "bench",
        }
        redis = subprocess.Popen(
            server_command(redis_socket, Path(directory) / "redis")
        )
        try:
            while not answers(redis_socket):
                time.sleep(0.05)
            yield environment
        finally:
            redis.terminate()
            redis.wait()


def manage(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *arguments], env=environment, cwd=ROOT, check=True
    )


def register(environment: dict[str, str], points: int) -> None:
    """The bench's organization, id tag and physical chargers."""
    manage(environment, "migrate", "-v0")
    manage(
        environment,
        "shell",
        "-v0",
        "-c",
        "from chargers.models import Charger, IdTag\n"
        "from ocpplab.models import Organization\n"
        "from chargers.services import set_password\n"
        "o = Organization.objects.create(slug='bench', name='Bench')\n"
        "IdTag.objects.create(organization=o, id_tag='BENCH', allows_concurrent=True)\n"
        "chargers = [Charger(organization=o, kind='physical', identity=f'BENCH-{n}')"
        f" for n in range({points})]\n"
        f"for charger in chargers: set_password(charger, {PASSWORD!r})\n"
        "Charger.objects.bulk_create(chargers)",
    )


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def measure(points: int, seconds: float, rate: float, connections: int) -> Any:
    """The endpoint and its ceiling, on the database of the environment."""
    figures: dict[str, Any] = {
        "database": os.environ.get("DATABASE_URL", "sqlite").split(":")[0]
    }
    run = (points, seconds, rate)
    with installation() as environment:
        register(environment, max(points, connections))
        for name, application, path in (
            ("ceiling", "bench.ceiling:application", ""),
            ("endpoint", "bench.counted:application", "/ocpp/bench"),
        ):
            with server(application, environment) as (url, process):
                figures[name] = asyncio.run(
                    connecting(url + path, process, connections)
                ) | asyncio.run(load(url + path, process, *run))
    ceiling, endpoint = figures["ceiling"], figures["endpoint"]
    figures["share_of_ceiling"] = (
        endpoint["calls_per_second"] / ceiling["calls_per_second"]
    )
    figures["share_of_ceiling_by_cpu"] = (
        ceiling["cpu_us_per_call"] / endpoint["cpu_us_per_call"]
    )
    return figures


@contextlib.contextmanager
def databases() -> Iterator[Iterator[None]]:
    """Each database to measure on, named to the processes by the environment."""

    def each() -> Iterator[None]:
        yield
        if "DATABASE_URL" not in os.environ and (programs := find_programs()):
            with running_server(programs) as address:
                os.environ["DATABASE_URL"] = address
                yield
            del os.environ["DATABASE_URL"]

    with contextlib.closing(each()) as found:
        yield found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--rate", type=float, default=0.0, help="calls/s; 0: closed loop"
    )
    parser.add_argument(
        "--connections", type=int, default=500, help="to measure connecting"
    )
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    loop = f"{options.rate:g} calls/s" if options.rate else "closed loop"
    print(f"{options.points} charge points, {loop}")
    found = []
    with databases() as each:
        for _ in each:
            found.append(
                measure(
                    options.points, options.seconds, options.rate, options.connections
                )
            )
            show(found[-1])
    if options.json:
        figures = {"points": options.points, "rate": options.rate or None}
        Path(options.json).write_text(
            json.dumps({**figures, "measured": found}, indent=2)
        )


def show(figures: dict[str, Any]) -> None:
    ceiling, endpoint = figures["ceiling"], figures["endpoint"]
    rows = (
        ("calls/s", "calls_per_second", 0),
        ("CPU per call, µs", "cpu_us_per_call", 0),
        ("statements per call", "statements_per_call", 2),
        ("connects/s, Basic", "connects_per_second", 0),
        ("CPU per connect, µs", "cpu_us_per_connect", 0),
        ("idle connection, KiB", "kib_per_idle_connection", 1),
    )
    print(f"\n{figures['database']:24} {'endpoint':>10} {'ceiling':>10}")
    for label, name, digits in rows:
        print(f"{label:24} {endpoint[name]:10.{digits}f} {ceiling[name]:10.{digits}f}")
    share, by_cpu = figures["share_of_ceiling"], figures["share_of_ceiling_by_cpu"]
    print(f"{'share of the ceiling':24} {share:10.0%}   by CPU {by_cpu:.0%}")
    print(f"{'latency, ms':24} {'p50':>10} {'p95':>10} {'p99':>10}")
    for action, cuts in endpoint["latency_ms"].items():
        if cuts:
            row = "".join(f" {cuts[name]:10.2f}" for name in ("p50", "p95", "p99"))
            print(f"{action:24}{row}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
