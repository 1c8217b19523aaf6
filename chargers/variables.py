"""Asking for and setting variables of a connected 2.x charger (2.0.1, B05, B06)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ocpplab.models import Origin

from .choices import VariableAttribute
from .models import Charger, Variable
from .requests import send_request
from .services.device_model import folded, key_of


class Outcome(NamedTuple):
    """What a charger answered of one variable."""

    variable: Variable
    status: str  # a SetVariableStatus or GetVariableStatus
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.status}: {self.detail}" if self.detail else self.status


def set_variables(
    charger: Charger,
    wanted: Sequence[tuple[Variable, str]],
    *,
    origin: Origin,
    asked_by: str,
) -> list[Outcome]:
    """Have the charger give variables of its own new values.

    RequestError where there is no answer. What it accepts is known from then on
    (chargers.csms.learning).
    """
    data = [
        {**as_ocpp(variable), "attributeValue": value} for variable, value in wanted
    ]
    answer = send_request(
        charger,
        "SetVariables",
        {"setVariableData": data},
        origin=origin,
        asked_by=asked_by,
    )
    variables = [variable for variable, _ in wanted]
    return _outcomes(variables, answer["setVariableResult"])


def ask_values(
    charger: Charger, variables: Sequence[Variable], *, origin: Origin, asked_by: str
) -> list[Outcome]:
    """Have the charger say what values these variables of its own have; as above."""
    answer = send_request(
        charger,
        "GetVariables",
        {"getVariableData": [as_ocpp(variable) for variable in variables]},
        origin=origin,
        asked_by=asked_by,
    )
    return _outcomes(variables, answer["getVariableResult"])


def _outcomes(
    variables: Iterable[Variable], results: Sequence[Mapping[str, Any]]
) -> list[Outcome]:
    """The result of each variable, in whatever order the charger gave them."""
    found = {
        folded(key_of(result, result.get("attributeType"))): result
        for result in results
    }
    outcomes = []
    for variable in variables:
        result = found.get(folded(key_of(as_ocpp(variable), variable.attribute)))
        if result is None:
            outcomes.append(Outcome(variable, "Unanswered"))
            continue
        info = result.get("attributeStatusInfo", {})
        detail = info.get("additionalInfo") or info.get("reasonCode", "")
        outcomes.append(Outcome(variable, result["attributeStatus"], detail))
    return outcomes


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
