"""The device model of 2.x chargers: what they report of their variables (2.0.1, B)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import Q
from django.utils import timezone

from chargers.choices import Mutability, VariableAttribute
from chargers.models import Charger, Variable
from chargers.ocpp.values import check_range
from chargers.ocpp.variables import parse_variable_name

PLACE_LIMIT = 2**15 - 1  # of an EVSE's or a connector's number
SET = ("Accepted", "RebootRequired")

_KEY = (
    "component",
    "component_instance",
    "evse_id",
    "connector_id",
    "name",
    "instance",
    "attribute",
)
_TOLD = ("value", "mutability", "is_persistent", "is_constant", "updated_at")


def has_device_model(charger: Charger) -> bool:
    """Whether the charger has ever reported a variable."""
    return Variable.objects.filter(charger_id=charger.pk).exists()


Name = tuple[dict[str, Any], dict[str, Any]]  # component and variable, as in OCPP


def find_variables(charger: Charger, names: Sequence[str]) -> dict[str, Name]:
    """What operators' names of variables mean; what means none is left out.

    A name without a component means the variable of that name that is the only one.
    """
    found = {}
    for name in names:
        if parsed := parse_variable_name(name) or _find_alone(charger, name):
            found[name] = parsed
    return found


class MessageLimits(NamedTuple):
    """How many items and bytes a charger takes in a message; infinite: not told."""

    items: float = math.inf
    bytes: float = math.inf


def message_limits(charger: Charger, component: str, instance: str) -> MessageLimits:
    """What the component says of the messages that this instance names."""
    rows = Variable.objects.filter(
        Q(name__iexact="ItemsPerMessage") | Q(name__iexact="BytesPerMessage"),
        charger_id=charger.pk,
        component__iexact=component,
        instance__iexact=instance,
        attribute=VariableAttribute.ACTUAL,
    )
    told = {
        name.lower().removesuffix("permessage"): int(value)
        for name, value in rows.values_list("name", "value")
        if value.isdecimal() and int(value) > 0
    }
    return MessageLimits(**told)


def _find_alone(charger: Charger, name: str) -> Name | None:
    rows = list(
        Variable.objects.filter(
            charger_id=charger.pk,
            name__iexact=name,
            attribute=VariableAttribute.ACTUAL,
        )[:2]
    )
    return parse_variable_name(str(rows[0])) if len(rows) == 1 else None


def record_report(charger: Charger, report: Iterable[Mapping[str, Any]]) -> None:
    """Keep the variables of a NotifyReport: ``reportData``."""
    described: dict[tuple[Any, ...], Variable] = {}
    others: dict[tuple[Any, ...], Variable] = {}
    now = timezone.now()
    for data in report:
        for attribute in data["variableAttribute"]:
            row = Variable(
                charger=charger,
                **_key(data, attribute.get("type")),
                value=attribute.get("value", ""),
                mutability=attribute.get("mutability", Mutability.READ_WRITE),
                is_persistent=attribute.get("persistent", False),
                is_constant=attribute.get("constant", False),
                characteristics=data.get("variableCharacteristics", {}),
                updated_at=now,
            )
            # One told twice counts as it was told last.
            rows = described if "variableCharacteristics" in data else others
            rows[tuple(getattr(row, name) for name in _KEY)] = row
    _upsert(described.values(), (*_TOLD, "characteristics"))
    _upsert(others.values(), _TOLD)


def record_values(charger: Charger, results: Iterable[Mapping[str, Any]]) -> None:
    """Keep what GetVariables was answered: ``getVariableResult``."""
    now = timezone.now()
    rows = {}
    for result in results:
        if result["attributeStatus"] == "Accepted":
            row = Variable(
                charger=charger,
                **_key(result, result.get("attributeType")),
                value=result.get("attributeValue", ""),
                updated_at=now,
            )
            rows[tuple(getattr(row, name) for name in _KEY)] = row
    _upsert(rows.values(), ("value", "updated_at"))


def record_settings(
    charger: Charger,
    asked: Iterable[Mapping[str, Any]],
    results: Iterable[Mapping[str, Any]],
) -> None:
    """Keep what a charger let SetVariables change, but what nobody can read.

    ``asked`` is ``setVariableData``, ``results`` the ``setVariableResult`` for it.
    """
    values = {
        tuple(_key(data, data.get("attributeType")).values()): data["attributeValue"]
        for data in asked
    }
    now = timezone.now()
    for result in results:
        key = _key(result, result.get("attributeType"))
        value = values.get(tuple(key.values()))
        if value is None or result["attributeStatus"] not in SET:
            continue
        Variable.objects.filter(charger_id=charger.pk, **key).exclude(
            mutability=Mutability.WRITE_ONLY
        ).update(value=value, updated_at=now)


def _key(data: Mapping[str, Any], attribute: str | None) -> dict[str, Any]:
    component, variable = data["component"], data["variable"]
    evse = {"id": 0, "connectorId": 0, **component.get("evse", {})}
    return {
        "component": component["name"],
        "component_instance": component.get("instance", ""),
        "evse_id": check_range(evse, "id", 0, PLACE_LIMIT),
        "connector_id": check_range(evse, "connectorId", 0, PLACE_LIMIT),
        "name": variable["name"],
        "instance": variable.get("instance", ""),
        "attribute": attribute or VariableAttribute.ACTUAL.value,
    }


def _upsert(rows: Iterable[Variable], fields: Iterable[str]) -> None:
    Variable.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["charger", *_KEY],
        update_fields=list(fields),
    )


def record_events(charger: Charger, events: Iterable[Mapping[str, Any]]) -> None:
    """Keep the values that events tell (``eventData``) of variables that are known."""
    now = timezone.now()
    for event in events:
        Variable.objects.filter(charger_id=charger.pk, **_key(event, None)).update(
            value=event["actualValue"], updated_at=now
        )


def describe(event: Mapping[str, Any]) -> str:
    """An event in words: ``Connector@1.1.AvailabilityState: Available``."""
    value = "cleared" if event.get("cleared") else event["actualValue"]
    return f"{Variable(**_key(event, None))}: {value}"
