"""What does a fleet process cost?  ``python -m bench.fleet [--chargers N …]``

For each N: a fleet process with N virtual chargers dials a minimal CSMS (of this
process). Measured: seconds until all have booted, the fleet's memory and CPU per charger
while idle and while charging (MeterValues every 5 s), and the time from a command's
submission to its first frame at the CSMS, for one charger and for a fan-out.

``DATABASE_URL`` chooses the database. Prints a table; ``--json FILE`` writes the figures.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from bench.endpoint import ROOT, cpu_seconds, installation, manage, resident_kib
from tests.portal import free_port

SIZES = [100, 1000, 2000, 5000]
SINGLE_COMMANDS = 100
TIME = "2026-01-01T00:00:00Z"


class MinimalCSMS:
    """Says yes to everything, and notes when each id tag and action came."""

    def __init__(self) -> None:
        self.connected = 0
        self.booted: set[str] = set()
        self.frames = 0
        self.tags: dict[str, list[float]] = {}
        self._transactions = 0
        self._changed = asyncio.Event()

    async def serve_one(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        identity = connection.request.path.rsplit("/", 1)[1]
        async for text in connection:
            _, message_id, action, payload = json.loads(text)
            self.frames += 1
            answer = self._answer(action, payload)
            await connection.send(json.dumps([3, message_id, answer]))
            if action == "BootNotification":
                self.booted.add(identity)
            self._changed.set()

    def _answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        accepted = {"status": "Accepted"}
        match action:
            case "BootNotification":
                return {**accepted, "currentTime": TIME, "interval": 300}
            case "Heartbeat":
                return {"currentTime": TIME}
            case "Authorize":
                self.tags.setdefault(payload["idTag"], []).append(time.perf_counter())
                return {"idTagInfo": accepted}
            case "StartTransaction":
                self._transactions += 1
                return {"transactionId": self._transactions, "idTagInfo": accepted}
        return {}

    async def until(self, condition: Any, seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            self._changed.clear()
            left = deadline - time.monotonic()
            if left <= 0:
                raise SystemExit(f"error: not within {seconds:g} s: {what}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), min(left, 1.0))


@contextlib.asynccontextmanager
async def csms() -> AsyncIterator[tuple[MinimalCSMS, str]]:
    minimal = MinimalCSMS()
    port = free_port()
    async with serve(
        minimal.serve_one,
        "127.0.0.1",
        port,
        subprotocols=["ocpp1.6"],  # type: ignore[list-item]
        compression=None,
        ping_interval=None,
    ):
        yield minimal, f"ws://127.0.0.1:{port}"


@contextlib.contextmanager
def role(environment: dict[str, str], *arguments: str) -> Iterator[int]:
    """A process of the portal; its id."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments], env=environment, cwd=ROOT
    )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)


def register(url: str, chargers: int) -> None:
    """So many virtual chargers at one location, as ready ones that dial the bench."""
    from chargers.models import Charger, Location, VirtualChargerState
    from ocpplab.models import Organization

    Organization.objects.all().delete()
    organization = Organization.objects.create(slug="bench", name="Bench")
    location = Location.objects.create(
        organization=organization,
        slug="bench",
        name="Bench",
        address="-",
        city="-",
        country="FR",
        latitude=0,
        longitude=0,
    )
    rows = Charger.objects.bulk_create(
        Charger(
            organization=organization,
            location=location,
            identity=f"BENCH-{n}",
            ws_url=url,
        )
        for n in range(chargers)
    )
    configuration = {"MeterValueSampleInterval": "5"}
    VirtualChargerState.objects.bulk_create(
        VirtualChargerState(charger=row, data={"configuration": configuration})
        for row in rows
    )


def submit(slug: str, event: dict[str, Any], charger_id: str | None = None) -> Any:
    """A command to one charger or to all, through the service that all doors use."""
    from chargers.models import Location
    from commands.models import Origin
    from commands.registry import COMMANDS
    from commands.services import Actor, submit_commands
    from commands.targets import Target

    location = Location.objects.select_related("organization").get()
    target = Target(charger_id=charger_id)
    if charger_id is None:
        target = Target(location_id=str(location.pk))
    return submit_commands(
        organization=location.organization,
        definition=COMMANDS[slug],
        target=target,
        event=event,
        actor=Actor(Origin.CLI, "bench"),
    )


async def measure(environment: dict[str, str], chargers: int, seconds: float) -> Any:
    from chargers.models import Charger

    def online() -> int:
        return Charger.objects.filter(is_online=True).count()

    async with csms() as (minimal, url):
        await asyncio.to_thread(register, url, chargers)
        with (
            role(environment, "rqworker", "default", "--verbosity", "0"),
            role(environment, "runfleet", "--capacity", "100000") as pid,
        ):
            base = await _settled_kib(pid)
            await minimal.until(lambda: minimal.booted, 60, "the first boot")
            begun, cpu = time.perf_counter(), cpu_seconds(pid)
            await minimal.until(
                lambda: len(minimal.booted) >= chargers, 300, "all booted"
            )
            boot_seconds = time.perf_counter() - begun
            boot_cpu = cpu_seconds(pid) - cpu
            while await asyncio.to_thread(online) < chargers:
                await asyncio.sleep(0.2)
            await asyncio.sleep(2)
            figures = {
                "chargers": chargers,
                "boot_seconds": round(boot_seconds, 2),
                "boot_cpu_ms_per_charger": round(boot_cpu / chargers * 1000, 2),
                "kib_per_charger": round((resident_kib(pid) - base) / chargers, 1),
                "idle_cpu_s_per_minute": await _cpu_per_minute(pid, seconds),
                "single_ms": await _single(minimal),
                "fan_out_s": await _fan_out(minimal, chargers),
            }
            await _charge_all(minimal)
            figures["charging_cpu_s_per_minute"] = await _cpu_per_minute(pid, seconds)
            figures["charging_kib_per_charger"] = round(
                (resident_kib(pid) - base) / chargers, 1
            )
            return figures


async def _settled_kib(pid: int) -> int:
    """Memory of the process once it has imported all, before it holds many chargers."""
    from chargers.models import Process

    while not await Process.objects.filter(role="fleet").aexists():
        await asyncio.sleep(0.01)
    return resident_kib(pid)


async def _cpu_per_minute(pid: int, seconds: float) -> float:
    begun, cpu = time.monotonic(), cpu_seconds(pid)
    await asyncio.sleep(seconds)
    return round((cpu_seconds(pid) - cpu) / (time.monotonic() - begun) * 60, 2)


async def _single(minimal: MinimalCSMS) -> dict[str, float]:
    """From submission to the frame at the CSMS, one command at a time, ms."""
    from chargers.models import Charger

    ids = await asyncio.to_thread(
        lambda: list(Charger.objects.values_list("pk", flat=True)[:SINGLE_COMMANDS])
    )
    took = []
    for number in range(SINGLE_COMMANDS):
        tag = f"SINGLE-{number}"
        begun = time.perf_counter()
        event = {"id_tag": tag}
        await asyncio.to_thread(
            submit, "authorize-id-tag", event, ids[number % len(ids)]
        )
        await minimal.until(lambda tag=tag: tag in minimal.tags, 30, tag)
        took.append((minimal.tags[tag][0] - begun) * 1000)
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1)}


async def _fan_out(minimal: MinimalCSMS, chargers: int) -> float:
    """From submission to the last charger's frame, s."""
    begun = time.perf_counter()
    await asyncio.to_thread(submit, "authorize-id-tag", {"id_tag": "ALL"})
    await minimal.until(
        lambda: len(minimal.tags.get("ALL", ())) >= chargers, 120, "the fan-out"
    )
    return round(max(minimal.tags["ALL"]) - begun, 2)


async def _charge_all(minimal: MinimalCSMS) -> None:
    from commands.services import wait_for_commands

    submission = await asyncio.to_thread(submit, "start-session", {"id_tag": "BENCH"})
    await asyncio.to_thread(wait_for_commands, submission.commands, 120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chargers", type=int, nargs="+", default=SIZES)
    parser.add_argument("--seconds", type=float, default=15.0, help="of CPU metering")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    with installation() as environment:
        os.environ.update(environment, DJANGO_SETTINGS_MODULE="ocpplab.settings")
        manage(environment, "migrate", "-v0")
        import django

        django.setup()
        figures = []
        for chargers in options.chargers:
            found = asyncio.run(measure(environment, chargers, options.seconds))
            figures.append(found)
            print(
                f"{found['chargers']:6} chargers:"
                f" booted in {found['boot_seconds']} s,"
                f" {found['boot_cpu_ms_per_charger']} ms CPU each,"
                f" {found['kib_per_charger']} KiB each"
                f" ({found['charging_kib_per_charger']} charging),"
                f" CPU {found['idle_cpu_s_per_minute']} s/min idle,"
                f" {found['charging_cpu_s_per_minute']} charging;"
                f" command p50 {found['single_ms']['p50']} ms,"
                f" p99 {found['single_ms']['p99']} ms,"
                f" fan-out {found['fan_out_s']} s",
                flush=True,
            )
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
