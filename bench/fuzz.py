"""Fuzzed frames on many connections at once: does anything break, grow or slow down?

A portal of its own is started. Some chargers send frames gone wrong, of OCPP 1.6 and of
2.0.1, as fast as they are taken; others charge undisturbed beside them, and are timed,
from another process.
Exit status 1 where the web process ended or wrote a traceback, where its memory grew by
more than half once it was warm, or where a charger beside was answered wrongly.

``python -m bench.fuzz [--minutes 10] [--connections 50] [--json FILE]``
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from chargers.ocpp.versions import Version
from chargers.tests.fuzzing import Fuzzer
from tests.portal import Portal

BESIDE = 5  # chargers that behave
PAUSE = 0.2  # s, between their calls
WARM = 0.25  # of the time; memory counts from then on
GROWTH = 1.5
VERSIONS = [*[Version.V16] * 4, Version.V201]
UNREAD = 400  # frames sent before a new connection is made


@dataclass
class Figures:
    frames: int = 0
    connections: int = 0
    answers: int = 0
    calls_beside: list[float] = field(default_factory=list)  # s each
    faults: list[str] = field(default_factory=list)


def fuzz_all(url: str, connections: int, seconds: float) -> Figures:
    """Fuzz on so many connections at once; for a process of its own."""
    seen = Figures()
    until = time.monotonic() + seconds

    async def run() -> None:
        await asyncio.gather(
            *(
                fuzz(f"{url}-{n}", n, VERSIONS[n % len(VERSIONS)], until, seen)
                for n in range(connections)
            )
        )

    asyncio.run(run())
    return seen


async def fuzz(
    url: str, seed: int, version: Version, until: float, seen: Figures
) -> None:
    """Send frame after frame on one connection, and dial again when it is closed."""
    fuzzer = Fuzzer(seed, version)
    while time.monotonic() < until:
        try:
            async with connect(
                url, subprotocols=[version.value], max_size=None, compression=None
            ) as socket:
                seen.connections += 1
                reading = asyncio.create_task(_count_answers(socket, seen))
                for _ in range(UNREAD):
                    await socket.send(fuzzer.frame())
                    seen.frames += 1
                    await asyncio.sleep(0)
                    if time.monotonic() > until:
                        break
                reading.cancel()
        except (OSError, WebSocketException):
            await asyncio.sleep(0.05)


async def _count_answers(socket: ClientConnection, seen: Figures) -> None:
    try:
        async for _ in socket:
            seen.answers += 1
    except WebSocketException:
        pass


async def behave(url: str, until: float, seen: Figures) -> None:
    """Sessions of a charger that keeps to the specification."""
    at = datetime.now(UTC)
    try:
        async with connect(url, subprotocols=["ocpp1.6"], compression=None) as socket:
            boot = {"chargePointModel": "M", "chargePointVendor": "V"}
            await _ask(socket, "BootNotification", boot, seen)
            number = 0
            while time.monotonic() < until:
                number += 1
                stamp = datetime.now(UTC).isoformat()
                start = {
                    "connectorId": 1,
                    "idTag": "A",
                    "meterStart": 0,
                    "timestamp": stamp,
                }
                begun = await _ask(socket, "StartTransaction", start, seen)
                await _ask(socket, "Heartbeat", {}, seen)
                stop = {
                    "transactionId": begun["transactionId"],
                    "meterStop": 10,
                    "timestamp": stamp,
                }
                await _ask(socket, "StopTransaction", stop, seen)
    except (OSError, WebSocketException, TimeoutError, KeyError) as error:
        after = (datetime.now(UTC) - at).total_seconds()
        seen.faults.append(
            f"a charger beside was disturbed after {after:.0f} s: {error!r}"
        )


async def _ask(
    socket: ClientConnection, action: str, payload: dict[str, Any], seen: Figures
) -> dict[str, Any]:
    begun = time.monotonic()
    message_id = f"{begun}"
    await socket.send(json.dumps([2, message_id, action, payload]))
    answer = json.loads(await asyncio.wait_for(socket.recv(), 30))
    seen.calls_beside.append(time.monotonic() - begun)
    if answer[:2] != [3, message_id]:
        seen.faults.append(f"{action} was answered {answer}")
        return {}
    await asyncio.sleep(PAUSE)
    payload = answer[2]
    return payload


async def run(portal: Portal, minutes: float, connections: int) -> dict[str, Any]:
    [web] = portal.children("web")
    seen = Figures()
    seconds = minutes * 60
    until = time.monotonic() + seconds
    memory = [_memory(web)]
    url = f"{portal.ws_url}/fuzz/FUZZ"
    beside = [behave(f"{url}-BESIDE-{n}", until, seen) for n in range(BESIDE)]

    async def watch() -> None:
        while time.monotonic() < until:
            await asyncio.sleep(seconds / 20)
            if web in portal.children("web"):
                memory.append(_memory(web))

    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as another:
        fuzzing = loop.run_in_executor(another, fuzz_all, url, connections, seconds)
        await asyncio.gather(*beside, watch())
        fuzzed = await fuzzing
    if portal.children("web") != [web]:
        seen.faults.append("the web process ended")
    elif memory[-1] > GROWTH * memory[int(len(memory) * WARM)]:
        seen.faults.append("the memory of the web process grew")
    if "Traceback" in portal.output:
        seen.faults.append(portal.output[portal.output.index("Traceback") :][:6000])
    calls = sorted(seen.calls_beside)
    return {
        "minutes": minutes,
        "frames": fuzzed.frames,
        "answers": fuzzed.answers,
        "connections made": fuzzed.connections,
        "memory, MiB": [round(kib / 1024, 1) for kib in memory],
        "calls beside": len(calls),
        "their median, ms": round(1000 * calls[len(calls) // 2], 1) if calls else None,
        "95 % within, ms": round(1000 * calls[len(calls) * 95 // 100], 1)
        if calls
        else None,
        "their slowest, ms": round(1000 * calls[-1], 1) if calls else None,
        "faults": seen.faults,
    }


def _memory(pid: int) -> int:
    """Resident, KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def _register(portal: Portal, connections: int) -> None:
    names = [f"FUZZ-{n}" for n in range(connections)]
    names += [f"FUZZ-BESIDE-{n}" for n in range(BESIDE)]
    portal.manage("organization", "fuzz")
    script = (
        "from ocpplab.models import Organization\n"
        "from chargers.models import Charger, IdTag\n"
        "from chargers.services import register_charger\n"
        "one = Organization.objects.get(slug='fuzz')\n"
        "IdTag.objects.create(organization=one, id_tag='A', allows_concurrent=True)\n"
        f"for name in {names!r}:\n"
        "    register_charger(organization=one, identity=name, kind='physical')\n"
        "from django.utils import timezone\n"
        "Charger.objects.update(booted_at=timezone.now())\n"
    )
    portal.manage("shell", "-c", script)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ocpplab-fuzz-") as directory:
        given = {
            name: os.environ[name]
            for name in ("DATABASE_URL", "REDIS_URL")
            if name in os.environ
        }
        portal = Portal(Path(directory), OCPPLAB_DEMO="0", **given).start()
        try:
            portal.wait_until_ready()
            _register(portal, options.connections)
            figures = asyncio.run(run(portal, options.minutes, options.connections))
        finally:
            portal.stop()
    for name, value in figures.items():
        print(f"{name:<20} {value}")
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=2))
    sys.exit(1 if figures["faults"] else 0)


if __name__ == "__main__":
    main()
