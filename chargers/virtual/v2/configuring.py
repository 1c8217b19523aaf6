"""Settings by a name in one line, as operators write them."""

from ...ocpp.variables import parse_variable_name
from .device_model import DeviceModel, Place
from .variable_requests import find


def find_setting(model: DeviceModel, name: str) -> Place | None:
    """The variable of that name; its own name is enough where only one has it."""
    parsed = parse_variable_name(name)
    if parsed is None:
        places = model.named(name)
        return places[0] if len(places) == 1 else None
    component, variable = parsed
    return find(model, {"component": component, "variable": variable})[0]
