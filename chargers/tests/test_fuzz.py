"""Whatever a charger sends, its connection goes on and nothing fails inside.

Longer, and with many connections: ``python -m bench.fuzz``.
"""

import asyncio
import json
import logging
from typing import Any

import pytest

from chargers.models import Charger
from chargers.ocpp.versions import Version
from chargers.tests.fuzzing import Fuzzer
from chargers.tests.station import connected

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("web_process"),
]

FRAMES = 250


@pytest.mark.parametrize("version", [Version.V16, Version.V201])
@pytest.mark.parametrize("seed", range(3))
async def test_no_frame_harms_the_endpoint(
    physical_charger: Charger,
    seed: int,
    version: Version,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fuzzer = Fuzzer(seed, version)
    async with connected(physical_charger, version=version) as station:
        for _ in range(FRAMES):
            frame = fuzzer.frame()
            kind = "bytes" if isinstance(frame, bytes) else "text"
            await station.send_input({"type": "websocket.receive", kind: frame})
            await asyncio.sleep(0)
        await station.send_to(text_data='[2,"last","Heartbeat",{}]')
        answers: dict[str, Any] = {}
        while "last" not in answers:
            answer = json.loads(await station.receive_from(30))
            answers[answer[1]] = answer
    assert answers["last"][0] == 3
    codes = {answer[2] for answer in answers.values() if answer[0] == 4}
    assert "InternalError" not in codes
    assert "TypeConstraintViolation" in codes
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]
