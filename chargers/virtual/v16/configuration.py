"""The configuration keys of OCPP 1.6 (chapter 9): type, access, default, reboot."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple

from .. import smart_charging
from ..authorization import LOCAL_LIST_LIMIT
from ..certificates import CHAIN_LIMIT, ROOTS_LIMIT
from ..meter import is_measurable
from ..metering import STOP_DATA_LIMIT
from ..transfers import PROTOCOLS

_SAMPLED = (
    "Energy.Active.Import.Register,Power.Active.Import,Power.Offered,"
    "Current.Import,Voltage,SoC"
)
KEYS_LIMIT = 100  # GetConfigurationMaxKeys

MEASURANDS_LIMIT = 50  # in one key
_MAX_INTEGER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Key:
    """One configuration key; ``normalize`` raises ValueError for a bad value."""

    name: str
    default: str
    normalize: Callable[[str], str]
    is_readonly: bool = False
    is_writeonly: bool = False
    needs_reboot: bool = False


def _boolean(value: str) -> str:
    if value.lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return value.lower()


def _integer(value: str) -> str:
    if not value.isascii() or not value.isdigit() or int(value) > _MAX_INTEGER:
        raise ValueError("must be a whole number, not negative")
    return str(int(value))


def _positive(value: str) -> str:
    if _integer(value) == "0":
        raise ValueError("must be at least 1")
    return _integer(value)


def _percentage(value: str) -> str:
    if int(_integer(value)) > 100:
        raise ValueError("must be at most 100")
    return _integer(value)


def _measurands(value: str) -> str:
    names = [name.strip() for name in value.split(",") if name.strip()]
    unknown = [name for name in names if not is_measurable(name)]
    if unknown:
        raise ValueError(f"cannot measure {', '.join(unknown)}")
    if len(names) > MEASURANDS_LIMIT:
        raise ValueError(f"takes at most {MEASURANDS_LIMIT} measurands")
    return ",".join(names)


def _rotations(connectors: int, value: str) -> str:
    """``0.RST,1.RTS``, each connector once, or one word for all others (9.1.7)."""
    items = [item.strip() for item in value.split(",") if item.strip()]
    parts = [item.rpartition(".") for item in items]
    known = [str(number) for number in range(connectors + 1)]
    for number, dot, word in parts:
        if word not in _ROTATIONS or (dot and number not in known):
            raise ValueError("must be such as 1.RST, 2.NotApplicable")
    if len({number for number, _, _ in parts}) < len(parts):
        raise ValueError("has a connector twice")
    return ",".join(items)


def _authorization_key(value: str) -> str:
    """16 bytes at least (whitepaper, 7.2), and nothing that HTTP could not carry."""
    if not 16 <= len(value) <= 40 or not value.isascii() or not value.isprintable():
        raise ValueError("must be 16 to 40 characters")
    return value


def _name(value: str) -> str:
    if len(value) > 64:  # of an organization in X.509
        raise ValueError("must be at most 64 characters")
    return value


def _text(value: str) -> str:
    return value


def _security_profile(value: str) -> str:
    if value not in ("0", "1", "2", "3"):
        raise ValueError("must be 0 to 3")
    return value


def _units(is_dc: bool) -> str:
    """What a ChargingSchedule may be in (9.4.2)."""
    return "Power" if is_dc else "Current,Power"


def _fixed(name: str, value: str) -> Key:
    return Key(name, value, _text, is_readonly=True)


_PROFILES = (
    "Core,FirmwareManagement,LocalAuthListManagement,RemoteTrigger,Reservation,"
    "SmartCharging"
)
_ROTATIONS = ("NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR")
_KEYS = (
    # Core (9.1)
    Key("AllowOfflineTxForUnknownId", "false", _boolean),
    Key("AuthorizationCacheEnabled", "true", _boolean),
    Key("AuthorizeRemoteTxRequests", "false", _boolean),
    Key("BlinkRepeat", "3", _integer),
    Key("ClockAlignedDataInterval", "0", _integer),
    Key("ConnectionTimeOut", "60", _integer),
    _fixed("GetConfigurationMaxKeys", str(KEYS_LIMIT)),
    Key("HeartbeatInterval", "300", _integer),
    Key("LightIntensity", "100", _percentage),
    Key("LocalAuthorizeOffline", "true", _boolean),
    Key("LocalPreAuthorize", "false", _boolean),
    Key("MaxEnergyOnInvalidId", "0", _integer),
    Key("MessageTimeout", "30", _positive),
    Key("MeterValueSampleInterval", "60", _integer),
    Key("MeterValuesAlignedData", "Energy.Active.Import.Register", _measurands),
    _fixed("MeterValuesAlignedDataMaxLength", str(MEASURANDS_LIMIT)),
    Key("MeterValuesSampledData", _SAMPLED, _measurands),
    _fixed("MeterValuesSampledDataMaxLength", str(MEASURANDS_LIMIT)),
    Key("MinimumStatusDuration", "0", _integer),
    Key("ResetRetries", "1", _integer),
    _fixed("StopTransactionMaxMeterValues", str(STOP_DATA_LIMIT)),
    Key("StopTransactionOnEVSideDisconnect", "true", _boolean),
    Key("StopTransactionOnInvalidId", "true", _boolean),
    Key("StopTxnAlignedData", "", _measurands),
    _fixed("StopTxnAlignedDataMaxLength", str(MEASURANDS_LIMIT)),
    Key("StopTxnSampledData", "", _measurands),
    _fixed("StopTxnSampledDataMaxLength", str(MEASURANDS_LIMIT)),
    _fixed("SupportedFeatureProfiles", _PROFILES),
    _fixed("SupportedFeatureProfilesMaxLength", "6"),
    Key("TransactionMessageAttempts", "3", _positive),
    Key("TransactionMessageRetryInterval", "10", _integer),
    Key("WebSocketPingInterval", "60", _integer),
    # Local authorization list (9.2)
    Key("LocalAuthListEnabled", "true", _boolean),
    _fixed("LocalAuthListMaxLength", str(LOCAL_LIST_LIMIT)),
    _fixed("SendLocalListMaxLength", str(LOCAL_LIST_LIMIT)),
    # Reservation (9.3)
    _fixed("ReserveConnectorZeroSupported", "true"),
    # Smart charging (9.4)
    _fixed("ChargeProfileMaxStackLevel", str(smart_charging.MAX_STACK_LEVEL)),
    _fixed("ChargingScheduleMaxPeriods", str(smart_charging.MAX_PERIODS)),
    _fixed("MaxChargingProfilesInstalled", str(smart_charging.MAX_PROFILES)),
    # Security (whitepaper, 7)
    _fixed("AdditionalRootCertificateCheck", "false"),
    Key("AuthorizationKey", "", _authorization_key, is_writeonly=True),
    _fixed("CertificateSignedMaxChainSize", str(CHAIN_LIMIT)),
    _fixed("CertificateStoreMaxLength", str(ROOTS_LIMIT)),
    Key("CpoName", "", _name),
    Key("SecurityProfile", "0", _security_profile),
    _fixed("SupportedFileTransferProtocols", PROTOCOLS),
)


@cache
def _keys_of(connectors: int, is_dc: bool) -> tuple[dict[str, Key], dict[str, str]]:
    """The keys of such a charger by name, and their names by casefolded ones."""
    keys = (
        *_KEYS,
        _fixed("ChargingScheduleAllowedChargingRateUnit", _units(is_dc)),
        Key(
            "ConnectorPhaseRotation",
            "NotApplicable",
            partial(_rotations, connectors),
            needs_reboot=True,
        ),
        _fixed("ConnectorPhaseRotationMaxLength", str(connectors + 1)),
        _fixed("ConnectorSwitch3to1PhaseSupported", str(not is_dc).lower()),
        _fixed("NumberOfConnectors", str(connectors)),
        # A cable for direct current is fixed (errata, 3.85).
        _fixed("UnlockConnectorOnEVSideDisconnect", "false")
        if is_dc
        else Key("UnlockConnectorOnEVSideDisconnect", "true", _boolean),
    )
    return {key.name: key for key in keys}, {k.name.casefold(): k.name for k in keys}


def phase_rotation(value: str, connector: int) -> str:
    """The phases of the grid that the connector's own are: R is L1 (9.1.7)."""
    for item in value.split(","):
        number, _, word = item.rpartition(".")
        if number in ("", str(connector)) and len(word) == 3:
            return word
    return "RST"


class Binding(NamedTuple):
    """A key whose value lives elsewhere; ``change`` says why not, or ""."""

    read: Callable[[], str]
    change: Callable[[str], str]


class Configuration:
    """The keys of one charger; ``values`` are those that were ever set."""

    def __init__(
        self,
        values: dict[str, str],
        *,
        connectors: int,
        is_dc: bool = False,
    ) -> None:
        self._keys, self._names = _keys_of(connectors, is_dc)
        self._bound: dict[str, Binding] = {}
        self._values: dict[str, str] = {}
        for name, value in values.items():
            self.change(name, value)
        self.boot()

    def bind(self, name: str, binding: Binding) -> None:
        """The key is somebody else's from now on."""
        self._bound[name] = binding
        self._values.pop(name, None)

    def find(self, name: str) -> str | None:
        """The key that is meant: names are case-insensitive (CiString50)."""
        return self._names.get(name.casefold())

    def names(self) -> Iterable[str]:
        return sorted(self._keys)

    def is_readonly(self, name: str) -> bool:
        return self._keys[name].is_readonly

    def is_writeonly(self, name: str) -> bool:
        return self._keys[name].is_writeonly

    def text(self, name: str) -> str:
        if name in self._bound:
            return self._bound[name].read()
        return self._values.get(name, self._keys[name].default)

    def boot(self) -> None:
        """What needed a reboot is in force from now on."""
        self._in_force = {
            key.name: self.text(key.name)
            for key in self._keys.values()
            if key.needs_reboot
        }

    def in_force(self, name: str) -> str:
        """The value that is heeded, where a new one waits for a reboot."""
        return self._in_force.get(name, self.text(name))

    def integer(self, name: str) -> int:
        return int(self.text(name))

    def flag(self, name: str) -> bool:
        return self.text(name) == "true"

    def items(self, name: str) -> list[str]:
        """The members of a comma-separated list."""
        return [item for item in self.text(name).split(",") if item]

    def change(self, name: str, value: str) -> tuple[str, str]:
        """The ConfigurationStatus of a change (1.6, 7.22), and why it was refused."""
        found = self.find(name)
        if found is None:
            return "NotSupported", "is no key of this charger"
        name, key = found, self._keys[found]
        if key.is_readonly:
            return "Rejected", "is read-only"
        try:
            normal = key.normalize(value)
        except ValueError as error:
            return "Rejected", str(error)
        if name in self._bound:
            problem = self._bound[name].change(normal)
            return ("Rejected" if problem else "Accepted"), problem
        is_new = normal != self.text(name)
        self._values[name] = normal
        return ("RebootRequired" if key.needs_reboot and is_new else "Accepted"), ""

    def to_state(self) -> dict[str, str]:
        return dict(self._values)
