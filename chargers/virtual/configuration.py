"""The configuration keys of OCPP 1.6 (chapter 9): type, access, default, reboot."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Power.Offered",
    "Current.Import",
    "Current.Offered",
    "Voltage",
    "SoC",
)
_SAMPLED = (
    "Energy.Active.Import.Register,Power.Active.Import,Power.Offered,"
    "Current.Import,Voltage,SoC"
)
LOCAL_LIST_LIMIT = 1000  # entries
KEYS_LIMIT = 100  # GetConfigurationMaxKeys
_MAX_INTEGER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Key:
    """One configuration key; ``normalize`` raises ValueError for a bad value."""

    name: str
    default: str
    normalize: Callable[[str], str]
    is_readonly: bool = False
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


def _measurands(value: str) -> str:
    names = [name.strip() for name in value.split(",") if name.strip()]
    unknown = [name for name in names if name not in MEASURANDS]
    if unknown:
        raise ValueError(f"cannot measure {', '.join(unknown)}")
    return ",".join(names)


def _nothing(value: str) -> str:
    if value:
        raise ValueError("must be empty")
    return value


def _text(value: str) -> str:
    return value


def _fixed(name: str, value: str) -> Key:
    return Key(name, value, _text, is_readonly=True)


_PROFILES = "Core,LocalAuthListManagement,RemoteTrigger,Reservation,SmartCharging"

_KEYS = (
    Key("AllowOfflineTxForUnknownId", "false", _boolean),
    Key("AuthorizationCacheEnabled", "true", _boolean),
    Key("AuthorizeRemoteTxRequests", "false", _boolean),
    Key("ClockAlignedDataInterval", "0", _integer),
    Key("ConnectionTimeOut", "60", _integer),
    Key("ConnectorPhaseRotation", "NotApplicable", _text),
    _fixed("GetConfigurationMaxKeys", str(KEYS_LIMIT)),
    Key("HeartbeatInterval", "300", _integer),
    Key("LocalAuthListEnabled", "true", _boolean),
    _fixed("LocalAuthListMaxLength", str(LOCAL_LIST_LIMIT)),
    Key("LocalAuthorizeOffline", "true", _boolean),
    Key("LocalPreAuthorize", "false", _boolean),
    Key("MeterValueSampleInterval", "60", _integer),
    Key("MeterValuesAlignedData", "Energy.Active.Import.Register", _measurands),
    Key("MeterValuesSampledData", _SAMPLED, _measurands),
    Key("ResetRetries", "1", _integer),
    _fixed("SendLocalListMaxLength", str(LOCAL_LIST_LIMIT)),
    Key("StopTransactionOnEVSideDisconnect", "true", _boolean),
    Key("StopTransactionOnInvalidId", "true", _boolean),
    Key("StopTxnAlignedData", "", _nothing),
    Key("StopTxnSampledData", "", _measurands),
    _fixed("SupportedFeatureProfiles", _PROFILES),
    Key("TransactionMessageAttempts", "3", _positive),
    Key("TransactionMessageRetryInterval", "10", _integer),
    Key("UnlockConnectorOnEVSideDisconnect", "true", _boolean),
    Key("WebSocketPingInterval", "60", _integer, needs_reboot=True),
)


class Configuration:
    """The keys of one charger; ``values`` are those that were ever set."""

    def __init__(self, values: dict[str, str], *, connectors: int) -> None:
        keys = (*_KEYS, _fixed("NumberOfConnectors", str(connectors)))
        self._keys = {key.name: key for key in keys}
        self._values: dict[str, str] = {}
        for name, value in values.items():
            self.change(name, value)

    def __contains__(self, name: str) -> bool:
        return name in self._keys

    def names(self) -> Iterable[str]:
        return sorted(self._keys)

    def is_readonly(self, name: str) -> bool:
        return self._keys[name].is_readonly

    def text(self, name: str) -> str:
        return self._values.get(name, self._keys[name].default)

    def integer(self, name: str) -> int:
        return int(self.text(name))

    def flag(self, name: str) -> bool:
        return self.text(name) == "true"

    def items(self, name: str) -> list[str]:
        """The members of a comma-separated list."""
        return [item for item in self.text(name).split(",") if item]

    def change(self, name: str, value: str) -> tuple[str, str]:
        """The ConfigurationStatus of a change (1.6, 7.22), and why it was refused."""
        key = self._keys.get(name)
        if key is None:
            return "NotSupported", "is no key of this charger"
        if key.is_readonly:
            return "Rejected", "is read-only"
        try:
            normal = key.normalize(value)
        except ValueError as problem:
            return "Rejected", str(problem)
        is_new = normal != self.text(name)
        self._values[name] = normal
        return ("RebootRequired" if key.needs_reboot and is_new else "Accepted"), ""

    def to_state(self) -> dict[str, str]:
        return dict(self._values)
