"""Whatever a CSMS asks, a charger answers, goes on, and can save what it knows."""

import logging
import random
from typing import Any

import pytest

from chargers.ocpp.errors import OCPPError
from chargers.ocpp.messages import SENT_BY_CHARGERS
from chargers.ocpp.schemas import actions, schema_of
from chargers.ocpp.versions import Version

from .csms import Bench

REQUESTS = 300
# A charger that restarts or dials anew is off for a while: others' tests.
_LEFT_OUT = {"Reset", "SetNetworkProfile"}
_INTEGERS = [0, 1, 1, 2, 2, 3, -1, 60, 86_400, 2**31 - 1, -(2**31), 2**63, 10**30]
_NUMBERS = [0, 0.1, 6, 16, 11_000, -1, 1e6, 1e300]
_TIMES = [
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:10:00.123456789+02:00",
    "2026-06-30T23:59:60Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
]
_TEXTS = ["", "T", "x" * 36, "-1", "60", "true", "Voltage", "\0", "é中", "a,b", "%00"]


class OddRequests:
    """Requests that their schemas allow, of values that hardly anybody means."""

    def __init__(self, version: Version, seed: int) -> None:
        self._version = version
        self._random = random.Random(seed)
        asked = actions(version) - SENT_BY_CHARGERS[version] - _LEFT_OUT
        self._actions = sorted({*asked, "DataTransfer"})

    def next(self) -> tuple[str, dict[str, Any]]:
        action = self._random.choice(self._actions)
        self._root = schema_of(self._version, action)
        payload: dict[str, Any] = self._value(self._root)
        return action, payload

    def _value(self, schema: dict[str, Any]) -> Any:
        if "$ref" in schema:
            schema = self._root["definitions"][schema["$ref"].rpartition("/")[2]]
        choose, required = self._random.choice, schema.get("required", ())
        match schema.get("type"):
            case "object":
                return {
                    name: self._value(part)
                    for name, part in schema.get("properties", {}).items()
                    if name in required or self._random.random() < 0.5
                }
            case "array":
                count = self._random.randint(schema.get("minItems", 0), 2)
                return [self._value(schema["items"]) for _ in range(count)]
            case "integer":
                return choose(_INTEGERS)
            case "number":
                return choose(_NUMBERS)
            case "boolean":
                return choose([True, False])
        if "enum" in schema:
            return choose(schema["enum"])
        if schema.get("format") == "date-time":
            return choose(_TIMES)
        if schema.get("format") == "uri":
            return choose(["ftp://127.0.0.1:1/x", "http://127.0.0.1:1", "gopher://x/"])
        return choose(_TEXTS)[: schema.get("maxLength")]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("version", Version)
async def test_no_request_harms_a_charger(
    version: Version, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(version)
    await bench.csms.open()
    await bench.power_on(connectors=2)
    await bench.perform("start-session", id_tag="T", connector_id=2)
    requests = OddRequests(version, seed)
    try:
        for _ in range(REQUESTS):
            action, payload = requests.next()
            assert bench.csms.session is not None
            code = ""
            try:
                await bench.csms.session.call(action, payload, validate=False)
            except OCPPError as refusal:
                code = refusal.code
            assert code != "InternalError", (action, payload)
        await bench.clock.advance(60)
        await bench.charger.stop()
        await bench.power_on(connectors=2)  # from what it has saved
    finally:
        await bench.power_off()
        await bench.csms.close()
    assert bench.csms.faults == []
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]
