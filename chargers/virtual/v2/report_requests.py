"""GetBaseReport and GetReport, which NotifyReport follows (2.x, B07, B08)."""

from typing import TYPE_CHECKING

from ...ocpp.session import Reply
from ..protocol import Handler, Payload
from .device_model import INSTANCE, VALUE_LIMIT, Access, DeviceModel, Key, Place, key
from .parts import send_parts
from .variable_requests import limited

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .protocol import ProtocolV2


_SUMMARY = ("AvailabilityState", "Available", "Problem")
_PRESUMED = ("Active", "Available", "Enabled")  # true of a component without it


class ReportRequests:
    def __init__(self, charger: "VirtualCharger", protocol: "ProtocolV2") -> None:
        self._charger = charger
        self._model = protocol.model
        self.handlers: dict[str, Handler] = {
            "GetBaseReport": self._get_base_report,
            "GetReport": self._get_report,
        }

    def _get_base_report(self, payload: Payload) -> Reply:
        match payload["reportBase"]:
            case "ConfigurationInventory":
                chosen = [
                    place
                    for place in self._model
                    if place.variable.access is not Access.READ
                ]
            case "SummaryInventory":
                chosen = [p for p in self._model if p.variable.name in _SUMMARY]
            case _:
                chosen = list(self._model)
        return self._report(payload["requestId"], chosen)

    def _get_report(self, payload: Payload) -> Payload | Reply:
        criteria = payload.get("componentCriteria", [])
        named = limited(payload.get("componentVariable", []))
        chosen = [
            place
            for place in self._model
            if (not named or any(is_named(place, item) for item in named))
            and (not criteria or any(self._meets(place, word) for word in criteria))
        ]
        if not chosen:
            return {"status": "EmptyResultSet"}
        return self._report(payload["requestId"], chosen)

    def _meets(self, place: Place, criterion: str) -> bool:
        """Whether the component is as a criterion says (B08.FR.07 to 10)."""
        component = place.variable.component
        wanted = key(component, criterion, "", place.evse, place.connector)
        if self._model.find(wanted) is None:
            return criterion in _PRESUMED
        return self._model.flag(wanted)

    def _report(self, request_id: int, places: list[Place]) -> Reply:
        def report() -> None:
            elements = [report_data(self._model, place) for place in places]
            self._charger.spawn(
                send_parts(
                    self._charger,
                    "NotifyReport",
                    "reportData",
                    elements,
                    requestId=request_id,
                )
            )

        return Reply({"status": "Accepted"}, then=report)


def is_named(place: Place, item: Payload) -> bool:
    """Whether a ComponentVariable means it; what is left out means all (B08.FR.20)."""
    component, variable = item["component"], item.get("variable")
    known: Key = place.key
    evse = component.get("evse", {})
    name, _, part = known.component.partition(INSTANCE)
    if component["name"].casefold() != name:
        return False
    if component.get("instance", part).casefold() != part:
        return False
    if evse.get("id", known.evse) != known.evse:
        return False
    if evse.get("connectorId", known.connector) != known.connector:
        return False
    if variable is None:
        return True
    instance = variable.get("instance", known.instance)
    return (variable["name"].casefold(), instance.casefold()) == (
        known.variable,
        known.instance,
    )


def report_data(model: DeviceModel, place: Place) -> Payload:
    """ReportDataType: a variable with its attributes and characteristics."""
    variable = place.variable
    attribute: Payload = {
        "type": "Actual",
        "mutability": variable.access.value,
        "persistent": variable.access is not Access.READ,
        "constant": variable.access is Access.READ and variable.read is None,
    }
    if variable.access is not Access.WRITE:
        attribute["value"] = model.text(place.key)[:VALUE_LIMIT]
    return {
        "component": place.component_payload,
        "variable": place.variable_payload,
        "variableAttribute": [attribute],
        "variableCharacteristics": variable.characteristics,
    }
