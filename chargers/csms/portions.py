"""Requests with more items than a 2.x charger takes in one message go in several.

It reports how many items, and how many bytes, each of its messages may have (2.0.1,
B05.FR.11, B06.FR.05, D01.FR.11, N04.FR.09, N06.FR.04).
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from channels.db import database_sync_to_async

from chargers.models import Charger
from chargers.ocpp.frames import MESSAGE_ID_LIMIT, Call
from chargers.services import device_model

from .commands_common import Call as SendCall
from .commands_common import Payload


class _Carrier(NamedTuple):
    """A request that carries items, and where the charger says how many it takes."""

    items: str
    results: str  # of its answer; empty: it has one status for all
    component: str
    instance: str


_CARRIERS = {
    "ClearVariableMonitoring": _Carrier(
        "id", "clearMonitoringResult", "MonitoringCtrlr", "ClearVariableMonitoring"
    ),
    "GetVariables": _Carrier(
        "getVariableData", "getVariableResult", "DeviceDataCtrlr", "GetVariables"
    ),
    "SendLocalList": _Carrier("localAuthorizationList", "", "LocalAuthListCtrlr", ""),
    "SetVariableMonitoring": _Carrier(
        "setMonitoringData",
        "setMonitoringResult",
        "MonitoringCtrlr",
        "SetVariableMonitoring",
    ),
    "SetVariables": _Carrier(
        "setVariableData", "setVariableResult", "DeviceDataCtrlr", "SetVariables"
    ),
}


async def send_in_portions(
    call: SendCall, charger: Charger, action: str, payload: Payload
) -> Payload:
    """Send a CALL, or as many as its items need, one after another.

    The answer has the results of all. Where one of them is refused, the rest is not
    sent, and the answer is that refusal.
    """
    carrier = _CARRIERS.get(action)
    if carrier is None or len(payload.get(carrier.items, ())) < 2:
        return await call(action, payload)
    limits = await database_sync_to_async(device_model.message_limits)(
        charger, carrier.component, carrier.instance
    )
    results: list[Any] = []
    answer: Payload = {}
    for portion in _portions(action, payload, carrier.items, limits):
        answer = await call(action, portion)
        results += answer.get(carrier.results, ())
        if answer.get("status", "Accepted") != "Accepted":
            break
    return {**answer, carrier.results: results} if carrier.results else answer


def _portions(
    action: str, payload: Payload, name: str, limits: device_model.MessageLimits
) -> Iterator[Payload]:
    portions = list(_divided(action, payload, name, limits))
    if action != "SendLocalList" or len(portions) == 1:
        yield from ({**payload, name: portion} for portion in portions)
        return
    # What follows the first adds to it, each with a version of its own (D01.FR.15).
    version = payload["versionNumber"]
    if payload["updateType"] == "Full":  # the last one has the version that was meant
        version = max(1, version - len(portions) + 1)
    for number, portion in enumerate(portions):
        kind = payload["updateType"] if number == 0 else "Differential"
        told = {"versionNumber": version + number, "updateType": kind}
        yield {**payload, **told, name: portion}


def _divided(
    action: str, payload: Payload, name: str, limits: device_model.MessageLimits
) -> Iterator[list[Any]]:
    """The items, as many at a time as the charger takes, and one at the least."""
    empty = Call("x" * MESSAGE_ID_LIMIT, action, {**payload, name: []})
    frame_size = len(empty.encode().encode())
    portion: list[Any] = []
    size = frame_size
    for item in payload[name]:
        item_size = len(json.dumps(item, ensure_ascii=False).encode()) + 1
        is_full = len(portion) == limits.items or size + item_size > limits.bytes
        if portion and is_full:
            yield portion
            portion, size = [], frame_size
        portion.append(item)
        size += item_size
    yield portion
