"""Variables of the usual kinds, in few words."""

from .device_model import SET_LIMIT, Access, Kind, Reader, Variable

_MAX_INTEGER = 2**31 - 1


def flag(
    component: str,
    name: str,
    value: bool,
    access: Access = Access.BOTH,
    instance: str = "",
) -> Variable:
    text = str(value).lower()
    return Variable(component, name, text, Kind.BOOLEAN, access, instance)


def integer(
    component: str,
    name: str,
    value: int,
    *,
    access: Access = Access.BOTH,
    instance: str = "",
    unit: str = "",
    low: int = 0,
    high: int = _MAX_INTEGER,
    needs_reboot: bool = False,
) -> Variable:
    return Variable(
        component,
        name,
        str(value),
        Kind.INTEGER,
        access,
        instance,
        unit,
        low,
        high,
        needs_reboot=needs_reboot,
    )


def limit(component: str, name: str, value: int, instance: str = "") -> Variable:
    """A number that the charger is built for."""
    return Variable(component, name, str(value), Kind.INTEGER, instance=instance)


def text(
    component: str,
    name: str,
    value: str,
    *,
    access: Access = Access.BOTH,
    low: int | None = None,
    high: int | None = SET_LIMIT,
) -> Variable:
    return Variable(component, name, value, Kind.STRING, access, low=low, high=high)


def listing(
    component: str,
    name: str,
    value: str,
    values: tuple[str, ...],
    *,
    kind: Kind = Kind.MEMBERS,
    access: Access = Access.BOTH,
) -> Variable:
    return Variable(component, name, value, kind, access, values=values)


def live(
    component: str,
    name: str,
    read: Reader,
    kind: Kind = Kind.STRING,
    *,
    instance: str = "",
    unit: str = "",
    high: float | None = None,
    values: tuple[str, ...] = (),
) -> Variable:
    return Variable(
        component,
        name,
        kind=kind,
        instance=instance,
        unit=unit,
        high=high,
        values=values,
        read=read,
    )
