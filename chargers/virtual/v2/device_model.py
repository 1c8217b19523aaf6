"""The device model of OCPP 2.x: components with their variables (part 1, chapter 4).

What variables there are is told once for all chargers of a shape; a charger holds only
the values that were set.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from ..connector import Connector

if TYPE_CHECKING:
    from ..charger import VirtualCharger

VALUE_LIMIT = 2500  # characters, ReportingValueSize
SET_LIMIT = 1000  # characters, ConfigurationValueSize


class Kind(StrEnum):
    """DataEnumType."""

    STRING = "string"
    DECIMAL = "decimal"
    INTEGER = "integer"
    TIME = "dateTime"
    BOOLEAN = "boolean"
    OPTION = "OptionList"
    SEQUENCE = "SequenceList"
    MEMBERS = "MemberList"


INSTANCE = "#"  # between the name of a component and its instance, as one text


class Access(StrEnum):
    """MutabilityEnumType."""

    READ = "ReadOnly"
    WRITE = "WriteOnly"
    BOTH = "ReadWrite"


class Refusal(Exception):
    """A value that a variable does not take: a reason code of OCPP, and why."""

    def __init__(self, code: str, problem: str) -> None:
        super().__init__(problem)
        self.code = code


class Key(NamedTuple):
    """Names in it are folded: they are case-insensitive."""

    component: str
    evse: int  # 0 for the charging station
    connector: int  # 0 for the EVSE
    variable: str
    instance: str


def key(
    component: str, variable: str, instance: str = "", evse: int = 0, connector: int = 0
) -> Key:
    return Key(
        component.casefold(), evse, connector, variable.casefold(), instance.casefold()
    )


Reader = Callable[["VirtualCharger", Connector], str]


@dataclass(frozen=True, slots=True)
class Variable:
    """``value`` is that of the factory; one with ``read`` follows from the facts.

    ``high`` is the greatest value, or the greatest length of a text.
    """

    component: str
    name: str
    value: str = ""
    kind: Kind = Kind.STRING
    access: Access = Access.READ
    instance: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    needs_reboot: bool = False
    check: Callable[[str], None] | None = None  # raises Refusal
    read: Reader | None = None

    def normalize(self, text: str) -> str:
        """The value as it is kept; Refusal when the variable does not take it."""
        match self.kind:
            case Kind.BOOLEAN:
                if text.lower() not in ("true", "false"):
                    raise Refusal("InvalidValue", "must be true or false")
                text = text.lower()
            case Kind.INTEGER | Kind.DECIMAL:
                self._check_number(text)
            case Kind.TIME:
                _check_time(text)
            case Kind.OPTION:
                text = self._member(text)
            case Kind.SEQUENCE | Kind.MEMBERS:
                text = self._members(text)
            case _:
                self._check_length(text)
        if self.check is not None:
            self.check(text)
        return text

    def _check_number(self, text: str) -> None:
        try:
            number = int(text) if self.kind is Kind.INTEGER else float(text)
        except ValueError:
            raise Refusal("InvalidValue", f"must be of type {self.kind}") from None
        if not math.isfinite(number) or not text.isascii():
            raise Refusal("InvalidValue", f"must be of type {self.kind}")
        if self.low is not None and number < self.low:
            raise Refusal("ValueTooLow", f"must be at least {self.low:g}")
        if self.high is not None and number > self.high:
            raise Refusal("ValueTooHigh", f"must be at most {self.high:g}")

    def _check_length(self, text: str) -> None:
        if self.low is not None and len(text) < self.low:
            raise Refusal("InvalidValue", f"must have {self.low:g} characters at least")
        if self.high is not None and len(text) > self.high:
            raise Refusal("InvalidValue", f"must have {self.high:g} characters at most")

    def _member(self, text: str) -> str:
        for value in self.values:
            if value.casefold() == text.strip().casefold():
                return value
        raise Refusal("InvalidValue", f"{text[:50]!r} is none of its values")

    def _members(self, text: str) -> str:
        found = [self._member(item) for item in text.split(",") if item.strip()]
        if len(set(found)) < len(found):
            raise Refusal("InvalidValue", "names a value twice")
        return ",".join(found)

    @property
    def characteristics(self) -> dict[str, Any]:
        """VariableCharacteristicsType."""
        told: dict[str, Any] = {
            "dataType": self.kind.value,
            "supportsMonitoring": self.is_monitorable,
        }
        if self.unit:
            told["unit"] = self.unit
        if self.low is not None:
            told["minLimit"] = self.low
        if self.high is not None:
            told["maxLimit"] = self.high
        if self.values:
            told["valuesList"] = ",".join(self.values)[:1000]
        return told

    @property
    def is_numeric(self) -> bool:
        return self.kind in (Kind.INTEGER, Kind.DECIMAL)

    @property
    def is_monitorable(self) -> bool:
        return self.kind is not Kind.TIME


class Place(NamedTuple):
    """A variable and where it is."""

    variable: Variable
    evse: int
    connector: int

    @property
    def key(self) -> Key:
        variable = self.variable
        return key(
            variable.component,
            variable.name,
            variable.instance,
            self.evse,
            self.connector,
        )

    @property
    def component_payload(self) -> dict[str, Any]:
        name, _, instance = self.variable.component.partition(INSTANCE)
        payload: dict[str, Any] = {"name": name}
        if instance:
            payload["instance"] = instance
        if self.evse:
            payload["evse"] = {"id": self.evse}
        if self.connector:
            payload["evse"]["connectorId"] = self.connector
        return payload

    @property
    def variable_payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = {"name": self.variable.name}
        if self.variable.instance:
            payload["instance"] = self.variable.instance
        return payload


Shape = dict[Key, Place]


class DeviceModel:
    """The variables of one charger; ``state`` are the values that were ever set."""

    def __init__(
        self, charger: "VirtualCharger", shape: Shape, state: dict[str, str]
    ) -> None:
        self._charger = charger
        self._shape = shape
        self._values: dict[Key, str] = {}
        for text, value in state.items():
            found = _key_from_text(text)
            if found in shape:
                self._values[found] = value

    def __iter__(self) -> Iterator[Place]:
        return iter(self._shape.values())

    def find(self, wanted: Key) -> Place | None:
        return self._shape.get(wanted)

    def has_component(self, wanted: Key) -> bool:
        place = wanted[:3]
        return any(known[:3] == place for known in self._shape)

    def named(self, variable: str, instance: str = "") -> list[Place]:
        """Those of any component of the charging station itself by that name."""
        name = variable.casefold()
        return [
            place
            for found, place in self._shape.items()
            if found[1:] == (0, 0, name, instance.casefold())
        ]

    # -- values ----------------------------------------------------------------------

    def text(self, wanted: Key) -> str:
        place = self._shape[wanted]
        read = place.variable.read
        if read is not None:
            return read(self._charger, self._charger.connectors[place.evse])
        return self._values.get(wanted, place.variable.value)

    def integer(self, wanted: Key) -> int:
        return int(self.text(wanted) or 0)

    def flag(self, wanted: Key) -> bool:
        return self.text(wanted) == "true"

    def items(self, wanted: Key) -> list[str]:
        """The members of a comma-separated list."""
        return [item for item in self.text(wanted).split(",") if item]

    def change(self, place: Place, text: str) -> str:
        """Set a variable; its SetVariableStatus. Refusal if it does not take that."""
        variable = place.variable
        if variable.access is Access.READ:
            raise Refusal("ReadOnly", "is read-only")
        if len(text) > SET_LIMIT:
            raise Refusal("InvalidValue", f"must have {SET_LIMIT} characters at most")
        value = variable.normalize(text)
        is_new = value != self.text(place.key)
        self._values[place.key] = value
        return "RebootRequired" if variable.needs_reboot and is_new else "Accepted"

    def store(self, wanted: Key, value: str) -> None:
        """Set a variable from within, whatever its access."""
        self._values[wanted] = value

    def forget(self, wanted: Key) -> None:
        """Keep the value elsewhere, such as with other secrets."""
        self._values.pop(wanted, None)

    def to_state(self) -> dict[str, str]:
        return values_to_state(self._values)


def values_to_state(values: dict[Key, str]) -> dict[str, str]:
    """What a device model with these values keeps."""
    return {_key_to_text(known): value for known, value in values.items()}


def _check_time(text: str) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise Refusal("InvalidValue", "must be a date and time") from None


def _key_to_text(wanted: Key) -> str:
    return "/".join(str(part) for part in wanted)


def _key_from_text(text: str) -> Key:
    component, evse, connector, variable, instance = text.split("/", 4)
    return Key(component, int(evse), int(connector), variable, instance)
