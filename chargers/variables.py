"""Reading and setting the variables of a connected 2.x charger (2.0.1, B05, B06)."""

from typing import Any

from ocpplab.models import Origin

from .choices import VariableAttribute
from .models import Variable
from .requests import send_request


def set_variable(
    variable: Variable, value: str, *, origin: Origin, asked_by: str
) -> tuple[str, str]:
    """Have the charger give one of its variables a value.

    Returns its SetVariableStatus and what it says to it. RequestError where there is no
    answer. What it accepts is known from then on (chargers.csms.learning).
    """
    wanted = {**as_ocpp(variable), "attributeValue": value}
    answer = send_request(
        variable.charger,
        "SetVariables",
        {"setVariableData": [wanted]},
        origin=origin,
        asked_by=asked_by,
    )
    result = answer["setVariableResult"][0]
    info = result.get("attributeStatusInfo", {})
    return result["attributeStatus"], info.get("additionalInfo", "")


def as_ocpp(variable: Variable) -> dict[str, Any]:
    """Which one it is, as SetVariables and GetVariables name it."""
    component: dict[str, Any] = {"name": variable.component}
    if variable.component_instance:
        component["instance"] = variable.component_instance
    if variable.evse_id:
        component["evse"] = {"id": variable.evse_id}
        if variable.connector_id:
            component["evse"]["connectorId"] = variable.connector_id
    named: dict[str, Any] = {"name": variable.name}
    if variable.instance:
        named["instance"] = variable.instance
    told: dict[str, Any] = {"component": component, "variable": named}
    if variable.attribute != VariableAttribute.ACTUAL:
        told["attributeType"] = str(variable.attribute)
    return told
