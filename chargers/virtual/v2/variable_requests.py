"""GetVariables and SetVariables (2.x, B05, B06)."""

from typing import TYPE_CHECKING, Any

from ...ocpp.errors import OCPPError
from ...ocpp.session import Reply
from ..protocol import Handler, Payload
from .device_model import (
    INSTANCE,
    VALUE_LIMIT,
    Access,
    DeviceModel,
    Key,
    Place,
    Refusal,
    key,
)
from .variables import ITEMS_LIMIT

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .protocol import ProtocolV2


class VariableRequests:
    def __init__(self, charger: "VirtualCharger", protocol: "ProtocolV2") -> None:
        self._charger = charger
        self._protocol = protocol
        self._model = protocol.model
        self.handlers: dict[str, Handler] = {
            "GetVariables": self._get,
            "SetVariables": self._set,
        }

    def _get(self, payload: Payload) -> Payload:
        asked = limited(payload["getVariableData"])
        return {"getVariableResult": [self._result_of_get(item) for item in asked]}

    def _result_of_get(self, item: Payload) -> Payload:
        place, status = find(self._model, item)
        result = _result(item, status)
        if place is None or status != "Accepted":
            return result
        if place.variable.access is Access.WRITE:
            return {**result, "attributeStatus": "Rejected"}
        text = self._model.text(place.key)
        return {**result, "attributeValue": text[:VALUE_LIMIT]}

    def _set(self, payload: Payload) -> Reply:
        sent = limited(payload["setVariableData"])
        results = [self._result_of_set(item) for item in sent]
        # Another password is used once that is answered (A01).
        then = self._charger.uplink.refresh
        return Reply({"setVariableResult": results}, then=then)

    def _result_of_set(self, item: Payload) -> Payload:
        place, status = find(self._model, item)
        result = _result(item, status)
        if place is None or status != "Accepted":
            return result
        try:
            result["attributeStatus"] = self._protocol.change(
                place, item["attributeValue"]
            )
        except Refusal as refusal:
            result["attributeStatus"] = "Rejected"
            result["attributeStatusInfo"] = {
                "reasonCode": refusal.code,
                "additionalInfo": str(refusal)[:512],
            }
        return result


def key_of(item: Payload) -> Key:
    """The key for an element that names a component and a variable."""
    component, variable = item["component"], item["variable"]
    name, evse = component["name"], component.get("evse", {})
    if instance := component.get("instance"):
        name += f"{INSTANCE}{instance}"
    return key(
        name,
        variable["name"],
        variable.get("instance", ""),
        evse.get("id", 0),
        evse.get("connectorId", 0),
    )


def find(model: DeviceModel, item: Payload) -> tuple[Place | None, str]:
    """What an element names, and what the status of a request for it is."""
    wanted = key_of(item)
    place = model.find(wanted)
    if place is None:
        is_known = model.has_component(wanted)
        return None, "UnknownVariable" if is_known else "UnknownComponent"
    if item.get("attributeType", "Actual") != "Actual":
        return place, "NotSupportedAttributeType"
    return place, "Accepted"


def limited(items: list[Any], limit: int = ITEMS_LIMIT) -> list[Any]:
    """The elements of a request, of which there may not be more (B05.FR.11)."""
    if len(items) > limit:
        raise OCPPError("OccurrenceConstraintViolation", f"At most {limit} at once.")
    return items


def _result(item: Payload, status: str) -> Payload:
    return {
        "attributeStatus": status,
        "attributeType": item.get("attributeType", "Actual"),
        "component": item["component"],
        "variable": item["variable"],
    }
