"""How fast is the OCPP endpoint?  ``python -m bench.endpoint [--points N] [--seconds S]``

N charge points talk to a daphne of its own: each runs sessions of a boot, statuses, an
authorization, a transaction with meter values, and heartbeats, one call at a time
(closed loop), or together a fixed number of calls a second (open loop, ``--rate``).
Beside it, in the same run, a Channels consumer that does nothing but answer: the ceiling.

``DATABASE_URL`` chooses the database (``python -m tests.postgres python -m bench.endpoint``
for a throw-away PostgreSQL). Prints a table; ``--json FILE`` writes the figures.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.portal import free_port

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
    url: str, pid: int, points: int, seconds: float, rate: float
) -> dict[str, Any]:
    """Connect, warm up, talk for so long; calls per second, latencies, server's CPU."""
    latencies: Latencies = defaultdict(list)
    begun = time.perf_counter()
    gate = asyncio.Semaphore(50)

    async def open_one(number: int) -> ClientConnection:
        async with gate:
            return await connect(
                f"{url}/BENCH-{number}",
                subprotocols=["ocpp1.6"],  # type: ignore[list-item]
                compression=None,
                ping_interval=None,
                open_timeout=60,
            )

    connections = await asyncio.gather(*(open_one(n) for n in range(points)))
    connect_seconds = time.perf_counter() - begun
    charge_points = [ChargePoint(c, latencies) for c in connections]

    async def talk(point: ChargePoint, until: float, pause: float) -> None:
        due = time.perf_counter() + pause * (charge_points.index(point) / points)
        while time.perf_counter() < until:
            if pause:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                due += pause
            await point.step()

    async def talk_all(duration: float) -> float:
        begun = time.perf_counter()
        pause = points / rate if rate else 0.0
        await asyncio.gather(*(talk(p, begun + duration, pause) for p in charge_points))
        return time.perf_counter() - begun

    await talk_all(WARM_UP)
    latencies.clear()
    cpu = cpu_seconds(pid)
    elapsed = await talk_all(seconds)
    cpu = cpu_seconds(pid) - cpu
    for connection in connections:
        with contextlib.suppress(Exception):
            await connection.close()
    calls = sum(len(values) for values in latencies.values())
    return {
        "calls_per_second": calls / elapsed,
        "cpu_us_per_call": cpu / calls * 1e6,
        "connects_per_second": points / connect_seconds,
        "latency_ms": {
            action: _percentiles(values)
            for action, values in [
                ("all", [v for values in latencies.values() for v in values]),
                *sorted(latencies.items()),
            ]
        },
    }


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


@contextlib.contextmanager
def server(application: str, environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """A daphne with this application; its WebSocket address and process id."""
    port = free_port()
    command = [sys.executable, "-m", "daphne", "--verbosity", "0", "-p", str(port)]
    process = subprocess.Popen(
        [*command, "--websocket_timeout", "-1", application],
        env={**environment, "PORT": str(port)},
        cwd=ROOT,
    )
    try:
        _wait_for(port)
        yield f"ws://127.0.0.1:{port}", process.pid
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
        "o = Organization.objects.create(slug='bench', name='Bench')\n"
        "IdTag.objects.create(organization=o, id_tag='BENCH', allows_concurrent=True)\n"
        "Charger.objects.bulk_create(Charger(organization=o, kind='physical',"
        f" identity=f'BENCH-{{n}}') for n in range({points}))",
    )


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def idle_kib_per_connection(url: str, pid: int, points: int) -> float:
    """Memory of the server for one connection that says nothing after its boot."""

    async def hold() -> int:
        points_ = [
            await connect(
                f"{url}/BENCH-{n}",
                subprotocols=["ocpp1.6"],  # type: ignore[list-item]
                compression=None,
                ping_interval=None,
            )
            for n in range(points)
        ]
        grown = resident_kib(pid)
        for point in points_:
            await point.close()
        return grown

    before = resident_kib(pid)
    return (asyncio.run(hold()) - before) / points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--rate", type=float, default=0.0, help="calls/s; 0: closed loop"
    )
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    figures: dict[str, Any] = {
        "points": options.points,
        "rate": options.rate or None,
        "database": os.environ.get("DATABASE_URL", "sqlite").split(":")[0],
    }
    run = (options.points, options.seconds, options.rate)
    with installation() as environment:
        register(environment, options.points)
        with server("bench.ceiling:application", environment) as (url, pid):
            figures["ceiling"] = asyncio.run(load(url, pid, *run))
        with server("ocpplab.asgi:application", environment) as (url, pid):
            url += "/ocpp/bench"
            figures["kib_per_idle_connection"] = round(
                idle_kib_per_connection(url, pid, options.points), 1
            )
            figures["endpoint"] = asyncio.run(load(url, pid, *run))
    figures["share_of_ceiling"] = round(
        figures["endpoint"]["calls_per_second"]
        / figures["ceiling"]["calls_per_second"],
        3,
    )
    show(figures)
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=2))


def show(figures: dict[str, Any]) -> None:
    loop = f"{figures['rate']:g} calls/s" if figures["rate"] else "closed loop"
    print(f"{figures['points']} charge points, {loop}, {figures['database']}")
    for name in ("ceiling", "endpoint"):
        part = figures[name]
        print(
            f"  {name:10} {part['calls_per_second']:9.0f} calls/s"
            f"  {part['cpu_us_per_call']:7.0f} µs CPU/call"
            f"  {part['connects_per_second']:7.0f} connects/s"
        )
    print(f"  share of the ceiling     {figures['share_of_ceiling']:.1%}")
    print(f"  memory, idle connection  {figures['kib_per_idle_connection']} KiB")
    print(f"  {'latency, ms':22} {'p50':>8} {'p95':>8} {'p99':>8}")
    for action, cuts in figures["endpoint"]["latency_ms"].items():
        if cuts:
            row = "".join(f" {cuts[name]:8.2f}" for name in ("p50", "p95", "p99"))
            print(f"  {action:22}{row}")


if __name__ == "__main__":
    main()
