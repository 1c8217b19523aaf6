"""The variables that OCPP 2.1 adds, or has mean something else."""

from .device_model import INSTANCE, Access, Kind, Variable
from .keys import LIMITS, SLOTS
from .kinds import flag, integer, listing, text
from .tokens import TYPES

_INTERFACES = (
    *(f"{kind}{number}" for kind in ("Wired", "Wireless") for number in range(4)),
    "Any",
)
_OCPP_VERSIONS = ("OCPP12", "OCPP15", "OCPP16", "OCPP20", "OCPP201", "OCPP21")
_STATES = ("Charging", "Faulted", "Idle", "Unavailable", "Suspended", "Discharging")


def _network(slot: str) -> tuple[Variable, ...]:
    """What a network profile is (2.1, 2.1.8); Network keeps the values."""
    component = f"NetworkConfiguration{INSTANCE}{slot}"

    def option(name: str, value: str, values: tuple[str, ...]) -> Variable:
        kind, access = Kind.OPTION, Access.READ
        return listing(component, name, value, values, kind=kind, access=access)

    return (
        text(component, "OcppCsmsUrl", "", access=Access.READ),
        option("OcppInterface", "Any", _INTERFACES),
        option("OcppTransport", "JSON", ("JSON",)),
        option("OcppVersion", "OCPP21", _OCPP_VERSIONS),
        integer(component, "MessageTimeout", 30, access=Access.READ, unit="s"),
        integer(component, "SecurityProfile", 0, access=Access.READ, high=3),
        flag(component, "ApnEnabled", False, Access.READ),
        flag(component, "VpnEnabled", False, Access.READ),
    )


V21 = (
    *(variable for slot in SLOTS for variable in _network(slot)),
    # There, the same variables are about tariffs that a machine reads (2.10).
    flag("TariffCostCtrlr", "Available", False, Access.READ, "Cost"),
    flag("TariffCostCtrlr", "Available", False, Access.READ, "Tariff"),
    listing(
        "AuthCtrlr",
        "SupportedIdTokenTypes",
        ",".join(TYPES),
        TYPES,
        access=Access.READ,
    ),
    listing(
        "DisplayMessageCtrlr",
        "SupportedStates",
        ",".join(_STATES),
        _STATES,
        access=Access.READ,
    ),
    listing(
        "TxCtrlr",
        "SupportedLimits",
        ",".join(LIMITS),
        LIMITS,
        access=Access.READ,
    ),
    listing("DisplayMessageCtrlr", "Language", "en", ("en",), kind=Kind.OPTION),
    flag("SmartChargingCtrlr", "SupportsFeature", True, Access.READ, "DynamicProfiles"),
    listing(
        "SmartChargingCtrlr",
        "SupportedAdditionalPurposes",
        "PriorityCharging",
        ("PriorityCharging", "LocalGeneration"),
        access=Access.READ,
    ),
)
