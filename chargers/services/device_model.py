"""The device model of 2.x chargers: what they report of their variables (2.0.1, B)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
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


def value_of(charger: Charger, component: str, name: str) -> str:
    """The value of a variable that has no instance; empty if it was not told."""
    key = key_of({"component": {"name": component}, "variable": {"name": name}}, None)
    value = _named(charger, key).values_list("value", flat=True).first()
    return value or ""


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
    described: list[Variable] = []
    others: list[Variable] = []
    now = timezone.now()
    for data in report:
        rows = described if "variableCharacteristics" in data else others
        rows += [
            Variable(
                charger=charger,
                **key_of(data, attribute.get("type")),
                value=attribute.get("value", ""),
                mutability=attribute.get("mutability", Mutability.READ_WRITE),
                is_persistent=attribute.get("persistent", False),
                is_constant=attribute.get("constant", False),
                characteristics=data.get("variableCharacteristics", {}),
                updated_at=now,
            )
            for attribute in data["variableAttribute"]
        ]
    _upsert(charger, described, (*_TOLD, "characteristics"))
    _upsert(charger, others, _TOLD)


def drop_variables(charger: Charger, *, told_before: datetime) -> None:
    """Forget the variables of which nothing was told since, as new firmware has them not."""
    Variable.objects.filter(charger_id=charger.pk, updated_at__lt=told_before).delete()


def record_values(charger: Charger, results: Iterable[Mapping[str, Any]]) -> None:
    """Keep what GetVariables was answered: ``getVariableResult``."""
    now = timezone.now()
    rows = [
        Variable(
            charger=charger,
            **key_of(result, result.get("attributeType")),
            value=result.get("attributeValue", ""),
            updated_at=now,
        )
        for result in results
        if result["attributeStatus"] == "Accepted"
    ]
    _upsert(charger, rows, ("value", "updated_at"))


def record_settings(
    charger: Charger,
    asked: Iterable[Mapping[str, Any]],
    results: Iterable[Mapping[str, Any]],
) -> None:
    """Keep what a charger let SetVariables change, but what nobody can read.

    ``asked`` is ``setVariableData``, ``results`` the ``setVariableResult`` for it.
    """
    values = {
        folded(key_of(data, data.get("attributeType"))): data["attributeValue"]
        for data in asked
    }
    now = timezone.now()
    for result in results:
        key = key_of(result, result.get("attributeType"))
        value = values.get(folded(key))
        if value is None or result["attributeStatus"] not in SET:
            continue
        _named(charger, key).exclude(mutability=Mutability.WRITE_ONLY).update(
            value=value, updated_at=now
        )


def record_events(charger: Charger, events: Iterable[Mapping[str, Any]]) -> None:
    """Keep the values that events tell (``eventData``) of variables that are known."""
    now = timezone.now()
    for event in events:
        rows = _named(charger, key_of(event, None))
        rows.update(value=event["actualValue"], updated_at=now)


def describe(event: Mapping[str, Any]) -> str:
    """An event in words: ``Connector@1.1.AvailabilityState: Available``."""
    value = "cleared" if event.get("cleared") else event["actualValue"]
    return f"{Variable(**key_of(event, None))}: {value}"


# --- Which one it is ------------------------------------------------------------------

Key = dict[str, Any]  # by column: what tells a variable from others of its charger


def key_of(data: Mapping[str, Any], attribute: str | None) -> Key:
    """That of what OCPP names by a component and a variable."""
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


def folded(key: Key) -> tuple[Any, ...]:
    """The same for all spellings: names are the same in any case (part 2, ComponentType)."""
    return tuple(
        part.lower() if isinstance(part, str) else part for part in key.values()
    )


def _named(charger: Charger, key: Key) -> QuerySet[Variable]:
    lookups = {
        f"{name}__iexact" if isinstance(part, str) else name: part
        for name, part in key.items()
    }
    return Variable.objects.filter(charger_id=charger.pk, **lookups)


def _upsert(charger: Charger, told: Iterable[Variable], fields: Iterable[str]) -> None:
    """Write variables, each as it is spelt already; told twice, as it was told last."""
    known = {
        folded(key): key
        for key in Variable.objects.filter(charger_id=charger.pk).values(*_KEY)
    }
    rows = {}
    for row in told:
        key = {name: getattr(row, name) for name in _KEY}
        same = known.setdefault(folded(key), key)
        for name, spelt in same.items():
            setattr(row, name, spelt)
        rows[folded(key)] = row
    Variable.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["charger", *_KEY],
        update_fields=list(fields),
    )
