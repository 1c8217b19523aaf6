"""The standard components and variables of a virtual charger (2.0.1, part 2, chapter 2;
part 4, 5.1)."""

from functools import cache
from typing import TYPE_CHECKING

from .. import smart_charging
from ..authorization import LOCAL_LIST_LIMIT
from ..certificates import CHAIN_LIMIT, ROOTS_LIMIT, Use
from ..clock import format_time
from ..connector import Connector
from ..meter import MEASURANDS
from ..transfers import PROTOCOLS
from .device_model import (
    SET_LIMIT,
    VALUE_LIMIT,
    Access,
    Kind,
    Place,
    Reader,
    Refusal,
    Shape,
    Variable,
    key,
)
from .messages import status_of

if TYPE_CHECKING:
    from ..charger import VirtualCharger

ITEMS_LIMIT = 50  # of one request about variables
BYTES_LIMIT = 65_536  # of such a request
MESSAGES_LIMIT = 20  # display messages
SLOTS = ("1", "2", "3")  # of network connection profiles
STATUSES = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")
TX_POINTS = (
    "ParkingBayOccupancy",
    "EVConnected",
    "Authorized",
    "DataSigned",
    "PowerPathClosed",
    "EnergyTransfer",
)
_SAMPLED = (
    "Energy.Active.Import.Register,Power.Active.Import,Power.Offered,"
    "Current.Import,Voltage,SoC"
)
_REGISTER = "Energy.Active.Import.Register"
_MEASURANDS = tuple(name for name in MEASURANDS if name not in ("Temperature", "RPM"))
_MAX_INTEGER = 2**31 - 1


def _flag(
    component: str, name: str, value: bool, access: Access = Access.BOTH
) -> Variable:
    return Variable(component, name, str(value).lower(), Kind.BOOLEAN, access)


def _integer(
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


def _limit(component: str, name: str, value: int, instance: str = "") -> Variable:
    """A number that the charger is built for."""
    return Variable(component, name, str(value), Kind.INTEGER, instance=instance)


def _text(
    component: str,
    name: str,
    value: str,
    *,
    access: Access = Access.BOTH,
    low: int | None = None,
    high: int | None = SET_LIMIT,
) -> Variable:
    return Variable(component, name, value, Kind.STRING, access, low=low, high=high)


def _list(
    component: str,
    name: str,
    value: str,
    values: tuple[str, ...],
    *,
    kind: Kind = Kind.MEMBERS,
    access: Access = Access.BOTH,
) -> Variable:
    return Variable(component, name, value, kind, access, values=values)


def _live(
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


def _password(text: str) -> None:
    """What HTTP Basic authentication can carry."""
    if not text.isascii() or not text.isprintable():
        raise Refusal("InvalidValue", "must be of printable ASCII characters")


def _slots(text: str) -> None:
    if not text:
        raise Refusal("InvalidValue", "must name a slot at least")


def _station_status(charger: "VirtualCharger", connector: Connector) -> str:
    """That of the connector that is the most available."""
    statuses = {status_of(outlet) for outlet in charger.outlets}
    return next(status for status in STATUSES if status in statuses)


def _status(charger: "VirtualCharger", connector: Connector) -> str:
    return status_of(connector)


def _problem(charger: "VirtualCharger", connector: Connector) -> str:
    faulty = charger.outlets if connector.number == 0 else [connector]
    return str(any(outlet.fault for outlet in faulty)).lower()


def _lock_problem(charger: "VirtualCharger", connector: Connector) -> str:
    return str(connector.fault == "ConnectorLockFailure").lower()


def _now(charger: "VirtualCharger", connector: Connector) -> str:
    return format_time(charger.clock.now())


def _power(charger: "VirtualCharger", connector: Connector) -> str:
    connector.settle()
    return f"{connector.power_w:.1f}"


def _energy(charger: "VirtualCharger", connector: Connector) -> str:
    connector.settle()
    return str(connector.energy_wh)


def _model(charger: "VirtualCharger", connector: Connector) -> str:
    return charger.spec.model


def _vendor(charger: "VirtualCharger", connector: Connector) -> str:
    return charger.spec.vendor


def _serial_number(charger: "VirtualCharger", connector: Connector) -> str:
    return charger.spec.serial_number


def _identity(charger: "VirtualCharger", connector: Connector) -> str:
    return charger.spec.identity


def _list_entries(charger: "VirtualCharger", connector: Connector) -> str:
    return str(len(charger.local_list))


def _profile_entries(charger: "VirtualCharger", connector: Connector) -> str:
    return str(len(charger.profiles))


def _certificate_entries(charger: "VirtualCharger", connector: Connector) -> str:
    return str(len(charger.certificates.find(*Use)))


def _security_profile(charger: "VirtualCharger", connector: Connector) -> str:
    return str(charger.credentials.profile)


STATION = (
    # Charging infrastructure (2.13)
    _live(
        "ChargingStation",
        "AvailabilityState",
        _station_status,
        Kind.OPTION,
        values=STATUSES,
    ),
    _flag("ChargingStation", "Available", True, Access.READ),
    _live("ChargingStation", "Problem", _problem, Kind.BOOLEAN),
    _live("ChargingStation", "Model", _model),
    _live("ChargingStation", "VendorName", _vendor),
    _live("ChargingStation", "SerialNumber", _serial_number),
    _flag("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", True),
    # General (2.1)
    _live("ClockCtrlr", "DateTime", _now, Kind.TIME),
    _list(
        "ClockCtrlr",
        "TimeSource",
        "Heartbeat",
        ("Heartbeat", "RealTimeClock"),
        kind=Kind.SEQUENCE,
    ),
    _text("ClockCtrlr", "TimeZone", "UTC", high=50),
    _integer("ClockCtrlr", "TimeAdjustmentReportingThreshold", 20, unit="s"),
    _limit("DeviceDataCtrlr", "ItemsPerMessage", ITEMS_LIMIT, "GetReport"),
    _limit("DeviceDataCtrlr", "ItemsPerMessage", ITEMS_LIMIT, "GetVariables"),
    _limit("DeviceDataCtrlr", "ItemsPerMessage", ITEMS_LIMIT, "SetVariables"),
    _limit("DeviceDataCtrlr", "BytesPerMessage", BYTES_LIMIT, "GetReport"),
    _limit("DeviceDataCtrlr", "BytesPerMessage", BYTES_LIMIT, "GetVariables"),
    _limit("DeviceDataCtrlr", "BytesPerMessage", BYTES_LIMIT, "SetVariables"),
    _limit("DeviceDataCtrlr", "ConfigurationValueSize", SET_LIMIT),
    _limit("DeviceDataCtrlr", "ReportingValueSize", VALUE_LIMIT),
    _limit("OCPPCommCtrlr", "ActiveNetworkProfile", 1),
    _list(
        "OCPPCommCtrlr",
        "FileTransferProtocols",
        PROTOCOLS,
        tuple(PROTOCOLS.split(",")),
        access=Access.READ,
    ),
    _integer("OCPPCommCtrlr", "HeartbeatInterval", 300, unit="s", low=1),
    _integer(
        "OCPPCommCtrlr",
        "MessageTimeout",
        30,
        access=Access.READ,
        instance="Default",
        unit="s",
    ),
    _integer("OCPPCommCtrlr", "MessageAttempts", 3, instance="TransactionEvent", low=1),
    _integer(
        "OCPPCommCtrlr",
        "MessageAttemptInterval",
        10,
        instance="TransactionEvent",
        unit="s",
    ),
    Variable(
        "OCPPCommCtrlr",
        "NetworkConfigurationPriority",
        "1",
        Kind.SEQUENCE,
        Access.BOTH,
        values=SLOTS,
        needs_reboot=True,
        check=_slots,
    ),
    _integer("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", 3, low=1),
    _integer("OCPPCommCtrlr", "OfflineThreshold", 60, unit="s"),
    _flag("OCPPCommCtrlr", "QueueAllMessages", False, Access.READ),
    _integer("OCPPCommCtrlr", "ResetRetries", 1),
    _flag("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", True),
    _integer("OCPPCommCtrlr", "RetryBackOffRepeatTimes", 5),
    _integer("OCPPCommCtrlr", "RetryBackOffRandomRange", 1, unit="s"),
    _integer("OCPPCommCtrlr", "RetryBackOffWaitMinimum", 1, unit="s"),
    _integer("OCPPCommCtrlr", "WebSocketPingInterval", 60, unit="s", needs_reboot=True),
    # Security (2.2)
    Variable(
        "SecurityCtrlr",
        "BasicAuthPassword",
        "",
        Kind.STRING,
        Access.WRITE,
        low=16,
        high=40,
        check=_password,
    ),
    _live("SecurityCtrlr", "Identity", _identity),
    _text("SecurityCtrlr", "OrganizationName", "OCPPLAB", high=64),
    _live(
        "SecurityCtrlr",
        "CertificateEntries",
        _certificate_entries,
        Kind.INTEGER,
        high=ROOTS_LIMIT,
    ),
    _integer("SecurityCtrlr", "CertSigningWaitMinimum", 60, unit="s", low=1),
    _integer("SecurityCtrlr", "CertSigningRepeatTimes", 3),
    _limit("SecurityCtrlr", "MaxCertificateChainSize", CHAIN_LIMIT),
    _flag("SecurityCtrlr", "AdditionalRootCertificateCheck", False, Access.READ),
    _live("SecurityCtrlr", "SecurityProfile", _security_profile, Kind.INTEGER, high=3),
    # Authorization (2.3 to 2.5)
    _flag("AuthCtrlr", "Enabled", True),
    _flag("AuthCtrlr", "AuthorizeRemoteStart", False),
    _flag("AuthCtrlr", "LocalAuthorizeOffline", True),
    _flag("AuthCtrlr", "LocalPreAuthorize", False),
    _flag("AuthCtrlr", "OfflineTxForUnknownIdEnabled", False),
    _flag("AuthCtrlr", "DisableRemoteAuthorization", False),
    _text("AuthCtrlr", "MasterPassGroupId", "", high=36),
    _flag("AuthCacheCtrlr", "Available", True, Access.READ),
    _flag("AuthCacheCtrlr", "Enabled", True),
    _integer("AuthCacheCtrlr", "LifeTime", 0, unit="s"),
    _list(
        "AuthCacheCtrlr",
        "Policy",
        "FIFO",
        ("FIFO",),
        kind=Kind.OPTION,
        access=Access.READ,
    ),
    _flag("AuthCacheCtrlr", "DisablePostAuthorize", False),
    _flag("LocalAuthListCtrlr", "Available", True, Access.READ),
    _flag("LocalAuthListCtrlr", "Enabled", True),
    _live(
        "LocalAuthListCtrlr",
        "Entries",
        _list_entries,
        Kind.INTEGER,
        high=LOCAL_LIST_LIMIT,
    ),
    _limit("LocalAuthListCtrlr", "ItemsPerMessage", LOCAL_LIST_LIMIT),
    _limit("LocalAuthListCtrlr", "BytesPerMessage", 1_000_000),
    _flag("LocalAuthListCtrlr", "DisablePostAuthorize", False),
    # Transactions (2.6)
    _integer("TxCtrlr", "EVConnectionTimeOut", 60, unit="s"),
    _flag("TxCtrlr", "StopTxOnEVSideDisconnect", True),
    _flag("TxCtrlr", "StopTxOnInvalidId", True),
    _integer("TxCtrlr", "MaxEnergyOnInvalidId", 0, unit="Wh"),
    _flag("TxCtrlr", "TxBeforeAcceptedEnabled", True, Access.READ),
    _list("TxCtrlr", "TxStartPoint", "PowerPathClosed", TX_POINTS),
    _list("TxCtrlr", "TxStopPoint", "EVConnected,Authorized", TX_POINTS),
    # Metering (2.7)
    _flag("SampledDataCtrlr", "Available", True, Access.READ),
    _flag("SampledDataCtrlr", "Enabled", True),
    _flag("SampledDataCtrlr", "SignReadings", False),
    _list("SampledDataCtrlr", "TxStartedMeasurands", _REGISTER, _MEASURANDS),
    _list("SampledDataCtrlr", "TxUpdatedMeasurands", _SAMPLED, _MEASURANDS),
    _integer("SampledDataCtrlr", "TxUpdatedInterval", 60, unit="s"),
    _list("SampledDataCtrlr", "TxEndedMeasurands", _REGISTER, _MEASURANDS),
    _integer("SampledDataCtrlr", "TxEndedInterval", 0, unit="s"),
    _flag("AlignedDataCtrlr", "Available", True, Access.READ),
    _flag("AlignedDataCtrlr", "Enabled", True),
    _flag("AlignedDataCtrlr", "SendDuringIdle", False),
    _flag("AlignedDataCtrlr", "SignReadings", False),
    _list("AlignedDataCtrlr", "Measurands", _REGISTER, _MEASURANDS),
    _integer("AlignedDataCtrlr", "Interval", 0, unit="s"),
    _list("AlignedDataCtrlr", "TxEndedMeasurands", _REGISTER, _MEASURANDS),
    _integer("AlignedDataCtrlr", "TxEndedInterval", 0, unit="s"),
    _list(
        "OCPPCommCtrlr",
        "PublicKeyWithSignedMeterValue",
        "Never",
        ("Never", "OncePerTransaction", "EveryMeterValue"),
        kind=Kind.OPTION,
    ),
    # Reservation (2.8)
    _flag("ReservationCtrlr", "Available", True, Access.READ),
    _flag("ReservationCtrlr", "Enabled", True),
    _flag("ReservationCtrlr", "NonEvseSpecific", True, Access.READ),
    # Smart charging (2.9)
    _flag("SmartChargingCtrlr", "Available", True, Access.READ),
    _flag("SmartChargingCtrlr", "Enabled", True),
    _live(
        "SmartChargingCtrlr",
        "Entries",
        _profile_entries,
        Kind.INTEGER,
        instance="ChargingProfiles",
        high=smart_charging.MAX_PROFILES,
    ),
    _flag("SmartChargingCtrlr", "ExternalControlSignalsEnabled", False),
    Variable(
        "SmartChargingCtrlr",
        "LimitChangeSignificance",
        "1",
        Kind.DECIMAL,
        Access.BOTH,
        unit="Percent",
        low=0,
        high=100,
    ),
    _flag("SmartChargingCtrlr", "NotifyChargingLimitWithSchedules", True),
    _limit("SmartChargingCtrlr", "PeriodsPerSchedule", smart_charging.MAX_PERIODS),
    _limit("SmartChargingCtrlr", "ProfileStackLevel", smart_charging.MAX_STACK_LEVEL),
    # Tariff and cost (2.10)
    Variable(
        "TariffCostCtrlr",
        "Available",
        "true",
        Kind.BOOLEAN,
        instance="Cost",
    ),
    Variable(
        "TariffCostCtrlr",
        "Enabled",
        "true",
        Kind.BOOLEAN,
        Access.BOTH,
        instance="Cost",
    ),
    Variable(
        "TariffCostCtrlr",
        "Available",
        "true",
        Kind.BOOLEAN,
        instance="Tariff",
    ),
    Variable(
        "TariffCostCtrlr",
        "Enabled",
        "true",
        Kind.BOOLEAN,
        Access.BOTH,
        instance="Tariff",
    ),
    _text("TariffCostCtrlr", "Currency", "EUR", high=3),
    _text("TariffCostCtrlr", "TariffFallbackMessage", "", high=255),
    _text("TariffCostCtrlr", "TotalCostFallbackMessage", "", high=255),
    # Diagnostics (2.11)
    _flag("MonitoringCtrlr", "Available", True, Access.READ),
    _flag("MonitoringCtrlr", "Enabled", True),
    _limit(
        "MonitoringCtrlr", "ItemsPerMessage", ITEMS_LIMIT, "ClearVariableMonitoring"
    ),
    _limit("MonitoringCtrlr", "ItemsPerMessage", ITEMS_LIMIT, "SetVariableMonitoring"),
    _limit(
        "MonitoringCtrlr", "BytesPerMessage", BYTES_LIMIT, "ClearVariableMonitoring"
    ),
    _limit("MonitoringCtrlr", "BytesPerMessage", BYTES_LIMIT, "SetVariableMonitoring"),
    _integer("MonitoringCtrlr", "OfflineQueuingSeverity", 0, high=9),
    _list(
        "MonitoringCtrlr",
        "ActiveMonitoringBase",
        "All",
        ("All", "FactoryDefault", "HardWiredOnly"),
        kind=Kind.OPTION,
        access=Access.READ,
    ),
    _integer("MonitoringCtrlr", "ActiveMonitoringLevel", 9, access=Access.READ, high=9),
    # Display messages (2.12)
    _flag("DisplayMessageCtrlr", "Available", True, Access.READ),
    _flag("DisplayMessageCtrlr", "Enabled", True),
    Variable(
        "DisplayMessageCtrlr",
        "DisplayMessages",
        "0",
        Kind.INTEGER,
        high=MESSAGES_LIMIT,
    ),
    _list(
        "DisplayMessageCtrlr",
        "SupportedFormats",
        "ASCII,HTML,URI,UTF8",
        ("ASCII", "HTML", "URI", "UTF8"),
        access=Access.READ,
    ),
    _list(
        "DisplayMessageCtrlr",
        "SupportedPriorities",
        "AlwaysFront,InFront,NormalCycle",
        ("AlwaysFront", "InFront", "NormalCycle"),
        access=Access.READ,
    ),
)
ISO15118 = (  # of chargers that speak it with EVs: DC
    _flag("ISO15118Ctrlr", "Available", True, Access.READ),
    _flag("ISO15118Ctrlr", "Enabled", True),
    _flag("ISO15118Ctrlr", "ContractValidationOffline", False, Access.READ),
    _flag("ISO15118Ctrlr", "PnCEnabled", False, Access.READ),
)
EVSE = (
    _live("EVSE", "AvailabilityState", _status, Kind.OPTION, values=STATUSES),
    _flag("EVSE", "Available", True, Access.READ),
    _live("EVSE", "Problem", _problem, Kind.BOOLEAN),
    _flag("EVSE", "AllowReset", True, Access.READ),
    _live("FiscalMetering", "EnergyImportRegister", _energy, Kind.DECIMAL, unit="Wh"),
)
CONNECTOR = (
    _live("ConnectorPlugRetentionLock", "Problem", _lock_problem, Kind.BOOLEAN),
    _live("Connector", "AvailabilityState", _status, Kind.OPTION, values=STATUSES),
    _flag("Connector", "Available", True, Access.READ),
    _live("Connector", "Problem", _problem, Kind.BOOLEAN),
)


@cache
def shape_of(evses: int, max_power_w: int, phases: int, is_dc: bool) -> Shape:
    """The places of all variables, shared by all chargers that are built alike."""
    supply = 0 if is_dc else phases
    connector_type = "cCCS2" if is_dc else "sType2"
    rate_units = ("W",) if is_dc else ("A", "W")
    station = (
        *STATION,
        *(ISO15118 if is_dc else ()),
        _limit("ChargingStation", "SupplyPhases", supply),
        _list(
            "SmartChargingCtrlr",
            "RateUnit",
            ",".join(rate_units),
            rate_units,
            access=Access.READ,
        ),
        _flag("SmartChargingCtrlr", "Phases3to1", not is_dc, Access.READ),
        _flag("SmartChargingCtrlr", "ACPhaseSwitchingSupported", False, Access.READ),
    )
    evse = (
        *EVSE,
        _limit("EVSE", "SupplyPhases", supply),
        _live("EVSE", "Power", _power, Kind.DECIMAL, unit="W", high=max_power_w),
    )
    connector = (
        *CONNECTOR,
        _limit("Connector", "SupplyPhases", supply),
        Variable("Connector", "ConnectorType", connector_type),
    )
    places = [Place(variable, 0, 0) for variable in station]
    for number in range(1, evses + 1):
        places.extend(Place(variable, number, 0) for variable in evse)
        places.extend(Place(variable, number, 1) for variable in connector)
    return {place.key: place for place in places}


HEARTBEAT_INTERVAL = key("OCPPCommCtrlr", "HeartbeatInterval")
TX_START_POINT = key("TxCtrlr", "TxStartPoint")
TX_STOP_POINT = key("TxCtrlr", "TxStopPoint")
SEND_DURING_IDLE = key("AlignedDataCtrlr", "SendDuringIdle")
NETWORK_PRIORITY = key("OCPPCommCtrlr", "NetworkConfigurationPriority")
NETWORK_ATTEMPTS = key("OCPPCommCtrlr", "NetworkProfileConnectionAttempts")
ACTIVE_PROFILE = key("OCPPCommCtrlr", "ActiveNetworkProfile")
OFFLINE_THRESHOLD = key("OCPPCommCtrlr", "OfflineThreshold")
PASSWORD = key("SecurityCtrlr", "BasicAuthPassword")
SECURITY_PROFILE = key("SecurityCtrlr", "SecurityProfile")
CACHE_LIFETIME = key("AuthCacheCtrlr", "LifeTime")
MONITORING_ENABLED = key("MonitoringCtrlr", "Enabled")
MONITORING_BASE = key("MonitoringCtrlr", "ActiveMonitoringBase")
MONITORING_LEVEL = key("MonitoringCtrlr", "ActiveMonitoringLevel")
OFFLINE_SEVERITY = key("MonitoringCtrlr", "OfflineQueuingSeverity")
ORGANIZATION = key("SecurityCtrlr", "OrganizationName")
SIGNIFICANCE = key("SmartChargingCtrlr", "LimitChangeSignificance")
LIMITS_WITH_SCHEDULES = key("SmartChargingCtrlr", "NotifyChargingLimitWithSchedules")
DISPLAY_MESSAGES = key("DisplayMessageCtrlr", "DisplayMessages")
ISO_15118 = key("ISO15118Ctrlr", "Enabled")
SIGN_SAMPLED = key("SampledDataCtrlr", "SignReadings")
SIGN_ALIGNED = key("AlignedDataCtrlr", "SignReadings")
PUBLIC_KEY = key("OCPPCommCtrlr", "PublicKeyWithSignedMeterValue")
SMART_CHARGING = key("SmartChargingCtrlr", "Enabled")
