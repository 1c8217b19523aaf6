"""Requests with more items than a charger takes in one message go in several.

A 2.x charger reports how many items, and how many bytes, each of its messages may have
(2.0.1, B05.FR.11, B06.FR.05, B08.FR.06, D01.FR.11, N02.FR.07, N04.FR.09, N06.FR.04); one
of 1.6 is asked how many items (9.1.9, 9.2.3).
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from channels.db import database_sync_to_async

from chargers.models import Charger
from chargers.ocpp.errors import OCPPError
from chargers.ocpp.frames import MESSAGE_ID_LIMIT, Call
from chargers.ocpp.versions import Version
from chargers.services import device_model
from chargers.services.device_model import MessageLimits

from .commands_common import Call as SendCall
from .commands_common import Payload

GOES_ON = ("Accepted", "EmptyResultSet")  # answers after which the rest is sent


class _Carrier(NamedTuple):
    """A request that carries items, and where the charger says how many it takes."""

    items: str
    results: tuple[str, ...]  # of its answer; none: it has one status for all
    limit: tuple[str, str]  # component and instance; of 1.6, the key and nothing


_CARRIERS_V16 = {
    "GetConfiguration": _Carrier(
        "key", ("configurationKey", "unknownKey"), ("GetConfigurationMaxKeys", "")
    ),
    "SendLocalList": _Carrier(
        "localAuthorizationList", (), ("SendLocalListMaxLength", "")
    ),
}
_CARRIERS_V2 = {
    "ClearVariableMonitoring": _Carrier(
        "id", ("clearMonitoringResult",), ("MonitoringCtrlr", "ClearVariableMonitoring")
    ),
    "GetMonitoringReport": _Carrier(
        "componentVariable", (), ("DeviceDataCtrlr", "GetReport")
    ),
    "GetReport": _Carrier("componentVariable", (), ("DeviceDataCtrlr", "GetReport")),
    "GetVariables": _Carrier(
        "getVariableData", ("getVariableResult",), ("DeviceDataCtrlr", "GetVariables")
    ),
    "SendLocalList": _Carrier("localAuthorizationList", (), ("LocalAuthListCtrlr", "")),
    "SetVariableMonitoring": _Carrier(
        "setMonitoringData",
        ("setMonitoringResult",),
        ("MonitoringCtrlr", "SetVariableMonitoring"),
    ),
    "SetVariables": _Carrier(
        "setVariableData", ("setVariableResult",), ("DeviceDataCtrlr", "SetVariables")
    ),
}


class Portions:
    """Sends CALLs over one connection, each in as many as its items need."""

    def __init__(self, call: SendCall, charger: Charger, version: Version) -> None:
        self._call = call
        self._charger = charger
        self._is_v16 = version.is_v16
        self._told: dict[str, MessageLimits] = {}  # by a 1.6 charger

    async def send(self, action: str, payload: Payload) -> Payload:
        """Send a CALL, or several, one after another.

        The answer has the results of all. Where one of them is refused, the rest is
        not sent, and the answer is that refusal.
        """
        carrier = (_CARRIERS_V16 if self._is_v16 else _CARRIERS_V2).get(action)
        if carrier is None or len(payload.get(carrier.items, ())) < 2:
            return await self._call(action, payload)
        answers: list[Payload] = []
        limits = await self._limits(*carrier.limit)
        for portion in _portions(action, payload, carrier.items, limits):
            answers.append(await self._call(action, portion))
            if answers[-1].get("status", "Accepted") not in GOES_ON:
                return answers[-1]
        accepted = (one for one in answers if one.get("status") == "Accepted")
        results = {
            name: [result for one in answers for result in one.get(name, ())]
            for name in carrier.results
            if any(name in one for one in answers)
        }
        return {**next(accepted, answers[-1]), **results}

    async def _limits(self, component: str, instance: str) -> MessageLimits:
        if not self._is_v16:
            return await database_sync_to_async(device_model.message_limits)(
                self._charger, component, instance
            )
        if component not in self._told:
            self._told[component] = await self._ask(component)
        return self._told[component]

    async def _ask(self, key: str) -> MessageLimits:
        """The limit that a 1.6 charger has as a configuration key."""
        try:
            answer = await self._call("GetConfiguration", {"key": [key]})
        except OCPPError:
            return MessageLimits()
        for setting in answer.get("configurationKey", ()):
            value = setting.get("value", "")
            if setting["key"].lower() == key.lower() and value.isdecimal():
                return MessageLimits(items=int(value) or math.inf)
        return MessageLimits()


def _portions(
    action: str, payload: Payload, name: str, limits: MessageLimits
) -> Iterator[Payload]:
    portions = list(_divided(action, payload, name, limits))
    if action != "SendLocalList" or len(portions) == 1:
        yield from ({**payload, name: portion} for portion in portions)
        return
    # What follows the first adds to it, each with a version of its own (2.0.1,
    # D01.FR.15; 1.6, 5.15).
    name_of_version = "listVersion" if "listVersion" in payload else "versionNumber"
    version = payload[name_of_version]
    if payload["updateType"] == "Full":  # the last one has the version that was meant
        version = max(1, version - len(portions) + 1)
    for number, portion in enumerate(portions):
        kind = payload["updateType"] if number == 0 else "Differential"
        told = {name_of_version: version + number, "updateType": kind}
        yield {**payload, **told, name: portion}


def _divided(
    action: str, payload: Payload, name: str, limits: MessageLimits
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
