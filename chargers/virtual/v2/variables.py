"""The standard components and variables of a virtual charger (2.0.1, part 2, chapter 2;
part 4, 5.1)."""

from functools import cache

from ...ocpp.versions import Version
from .. import smart_charging
from ..authorization import LOCAL_LIST_LIMIT
from ..certificates import CHAIN_LIMIT, ROOTS_LIMIT
from ..meter import MEASURANDS
from ..transfers import PROTOCOLS
from . import readers
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
)
from .evses import BAY, CABLE, CLOSED, ENERGY, PERMIT, SIGNED
from .keys import SLOTS
from .kinds import flag, integer, limit, listing, live, text
from .variables_v21 import V21

ITEMS_LIMIT = 50  # of one request about variables
BYTES_LIMIT = 65_536  # of such a request
MESSAGES_LIMIT = 20  # display messages
FORMATS = ("ASCII", "HTML", "URI", "UTF8")  # of display messages
_TX_POINTS = (BAY, CABLE, PERMIT, SIGNED, CLOSED, ENERGY)
_SAMPLED = (
    "Energy.Active.Import.Register,Power.Active.Import,Power.Offered,"
    "Current.Import,Voltage,SoC"
)
_REGISTER = "Energy.Active.Import.Register"
_MEASURANDS = tuple(name for name in MEASURANDS if name not in ("Temperature", "RPM"))


def _password(text: str) -> None:
    """What HTTP Basic authentication can carry."""
    if not text.isascii() or not text.isprintable():
        raise Refusal("InvalidValue", "must be of printable ASCII characters")


def _slots(text: str) -> None:
    if not text:
        raise Refusal("InvalidValue", "must name a slot at least")


def _state_of(component: str, status: Reader) -> tuple[Variable, ...]:
    """Whether a part of the charger can be used (2.13)."""
    return (
        live(
            component,
            "AvailabilityState",
            status,
            Kind.OPTION,
            values=readers.STATUSES,
        ),
        flag(component, "Available", True, Access.READ),
        live(component, "Problem", readers.problem, Kind.BOOLEAN),
    )


STATION = (
    # Charging infrastructure (2.13)
    *_state_of("ChargingStation", readers.station_status),
    live("ChargingStation", "Model", readers.model),
    live("ChargingStation", "VendorName", readers.vendor),
    live("ChargingStation", "SerialNumber", readers.serial_number),
    flag("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", True),
    # General (2.1)
    live("ClockCtrlr", "DateTime", readers.now, Kind.TIME),
    listing(
        "ClockCtrlr",
        "TimeSource",
        "Heartbeat",
        ("Heartbeat", "RealTimeClock"),
        kind=Kind.SEQUENCE,
    ),
    text("ClockCtrlr", "TimeZone", "UTC", high=50),
    integer("ClockCtrlr", "TimeAdjustmentReportingThreshold", 20, unit="s"),
    limit("DeviceDataCtrlr", "ItemsPerMessage", ITEMS_LIMIT, "GetReport"),
    limit("DeviceDataCtrlr", "ItemsPerMessage", ITEMS_LIMIT, "GetVariables"),
    limit("DeviceDataCtrlr", "ItemsPerMessage", ITEMS_LIMIT, "SetVariables"),
    limit("DeviceDataCtrlr", "BytesPerMessage", BYTES_LIMIT, "GetReport"),
    limit("DeviceDataCtrlr", "BytesPerMessage", BYTES_LIMIT, "GetVariables"),
    limit("DeviceDataCtrlr", "BytesPerMessage", BYTES_LIMIT, "SetVariables"),
    limit("DeviceDataCtrlr", "ConfigurationValueSize", SET_LIMIT),
    limit("DeviceDataCtrlr", "ReportingValueSize", VALUE_LIMIT),
    limit("OCPPCommCtrlr", "ActiveNetworkProfile", 1),
    listing(
        "OCPPCommCtrlr",
        "FileTransferProtocols",
        PROTOCOLS,
        tuple(PROTOCOLS.split(",")),
        access=Access.READ,
    ),
    integer("OCPPCommCtrlr", "HeartbeatInterval", 300, unit="s", low=1),
    integer(
        "OCPPCommCtrlr",
        "MessageTimeout",
        30,
        access=Access.READ,
        instance="Default",
        unit="s",
    ),
    integer("OCPPCommCtrlr", "MessageAttempts", 3, instance="TransactionEvent", low=1),
    integer(
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
    integer("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", 3, low=1),
    integer("OCPPCommCtrlr", "OfflineThreshold", 60, unit="s"),
    flag("OCPPCommCtrlr", "QueueAllMessages", False, Access.READ),
    integer("OCPPCommCtrlr", "ResetRetries", 1),
    flag("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", True),
    integer("OCPPCommCtrlr", "RetryBackOffRepeatTimes", 5, high=10),
    integer("OCPPCommCtrlr", "RetryBackOffRandomRange", 1, unit="s"),
    integer("OCPPCommCtrlr", "RetryBackOffWaitMinimum", 1, unit="s"),
    integer("OCPPCommCtrlr", "WebSocketPingInterval", 60, unit="s", needs_reboot=True),
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
    live("SecurityCtrlr", "Identity", readers.identity),
    text("SecurityCtrlr", "OrganizationName", "OCPPLAB", high=64),
    live(
        "SecurityCtrlr",
        "CertificateEntries",
        readers.certificate_entries,
        Kind.INTEGER,
        high=ROOTS_LIMIT,
    ),
    integer("SecurityCtrlr", "CertSigningWaitMinimum", 60, unit="s", low=1),
    integer("SecurityCtrlr", "CertSigningRepeatTimes", 3),
    limit("SecurityCtrlr", "MaxCertificateChainSize", CHAIN_LIMIT),
    flag("SecurityCtrlr", "AdditionalRootCertificateCheck", False, Access.READ),
    live(
        "SecurityCtrlr",
        "SecurityProfile",
        readers.security_profile,
        Kind.INTEGER,
        high=3,
    ),
    # Authorization (2.3 to 2.5)
    flag("AuthCtrlr", "Enabled", True),
    flag("AuthCtrlr", "AuthorizeRemoteStart", False),
    flag("AuthCtrlr", "LocalAuthorizeOffline", True),
    flag("AuthCtrlr", "LocalPreAuthorize", False),
    flag("AuthCtrlr", "OfflineTxForUnknownIdEnabled", False),
    flag("AuthCtrlr", "DisableRemoteAuthorization", False),
    text("AuthCtrlr", "MasterPassGroupId", "", high=36),
    flag("AuthCacheCtrlr", "Available", True, Access.READ),
    flag("AuthCacheCtrlr", "Enabled", True),
    integer("AuthCacheCtrlr", "LifeTime", 0, unit="s"),
    listing(
        "AuthCacheCtrlr",
        "Policy",
        "FIFO",
        ("FIFO",),
        kind=Kind.OPTION,
        access=Access.READ,
    ),
    flag("AuthCacheCtrlr", "DisablePostAuthorize", False),
    flag("LocalAuthListCtrlr", "Available", True, Access.READ),
    flag("LocalAuthListCtrlr", "Enabled", True),
    live(
        "LocalAuthListCtrlr",
        "Entries",
        readers.list_entries,
        Kind.INTEGER,
        high=LOCAL_LIST_LIMIT,
    ),
    limit("LocalAuthListCtrlr", "ItemsPerMessage", LOCAL_LIST_LIMIT),
    limit("LocalAuthListCtrlr", "BytesPerMessage", 1_000_000),
    flag("LocalAuthListCtrlr", "DisablePostAuthorize", False),
    # Transactions (2.6)
    integer("TxCtrlr", "EVConnectionTimeOut", 60, unit="s"),
    flag("TxCtrlr", "StopTxOnEVSideDisconnect", True),
    flag("TxCtrlr", "StopTxOnInvalidId", True),
    integer("TxCtrlr", "MaxEnergyOnInvalidId", 0, unit="Wh"),
    flag("TxCtrlr", "TxBeforeAcceptedEnabled", True, Access.READ),
    listing("TxCtrlr", "TxStartPoint", "PowerPathClosed", _TX_POINTS),
    listing("TxCtrlr", "TxStopPoint", "EVConnected,Authorized", _TX_POINTS),
    # Metering (2.7)
    flag("SampledDataCtrlr", "Available", True, Access.READ),
    flag("SampledDataCtrlr", "Enabled", True),
    flag("SampledDataCtrlr", "SignReadings", False),
    listing("SampledDataCtrlr", "TxStartedMeasurands", _REGISTER, _MEASURANDS),
    listing("SampledDataCtrlr", "TxUpdatedMeasurands", _SAMPLED, _MEASURANDS),
    integer("SampledDataCtrlr", "TxUpdatedInterval", 60, unit="s"),
    listing("SampledDataCtrlr", "TxEndedMeasurands", _REGISTER, _MEASURANDS),
    integer("SampledDataCtrlr", "TxEndedInterval", 0, unit="s"),
    flag("AlignedDataCtrlr", "Available", True, Access.READ),
    flag("AlignedDataCtrlr", "Enabled", True),
    flag("AlignedDataCtrlr", "SendDuringIdle", False),
    flag("AlignedDataCtrlr", "SignReadings", False),
    listing("AlignedDataCtrlr", "Measurands", _REGISTER, _MEASURANDS),
    integer("AlignedDataCtrlr", "Interval", 0, unit="s"),
    listing("AlignedDataCtrlr", "TxEndedMeasurands", _REGISTER, _MEASURANDS),
    integer("AlignedDataCtrlr", "TxEndedInterval", 0, unit="s"),
    listing(
        "OCPPCommCtrlr",
        "PublicKeyWithSignedMeterValue",
        "Never",
        ("Never", "OncePerTransaction", "EveryMeterValue"),
        kind=Kind.OPTION,
    ),
    # Reservation (2.8)
    flag("ReservationCtrlr", "Available", True, Access.READ),
    flag("ReservationCtrlr", "Enabled", True),
    flag("ReservationCtrlr", "NonEvseSpecific", True, Access.READ),
    # Smart charging (2.9)
    flag("SmartChargingCtrlr", "Available", True, Access.READ),
    flag("SmartChargingCtrlr", "Enabled", True),
    live(
        "SmartChargingCtrlr",
        "Entries",
        readers.profile_entries,
        Kind.INTEGER,
        instance="ChargingProfiles",
        high=smart_charging.MAX_PROFILES,
    ),
    flag("SmartChargingCtrlr", "ExternalControlSignalsEnabled", False),
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
    flag("SmartChargingCtrlr", "NotifyChargingLimitWithSchedules", True),
    limit("SmartChargingCtrlr", "PeriodsPerSchedule", smart_charging.MAX_PERIODS),
    limit("SmartChargingCtrlr", "ProfileStackLevel", smart_charging.MAX_STACK_LEVEL),
    # Tariff and cost (2.10)
    text("TariffCostCtrlr", "Currency", "EUR", high=3),
    text("TariffCostCtrlr", "TariffFallbackMessage", "", high=255),
    text("TariffCostCtrlr", "TotalCostFallbackMessage", "", high=255),
    # Diagnostics (2.11)
    flag("MonitoringCtrlr", "Available", True, Access.READ),
    flag("MonitoringCtrlr", "Enabled", True),
    limit("MonitoringCtrlr", "ItemsPerMessage", ITEMS_LIMIT, "ClearVariableMonitoring"),
    limit("MonitoringCtrlr", "ItemsPerMessage", ITEMS_LIMIT, "SetVariableMonitoring"),
    limit("MonitoringCtrlr", "BytesPerMessage", BYTES_LIMIT, "ClearVariableMonitoring"),
    limit("MonitoringCtrlr", "BytesPerMessage", BYTES_LIMIT, "SetVariableMonitoring"),
    integer("MonitoringCtrlr", "OfflineQueuingSeverity", 0, high=9),
    listing(
        "MonitoringCtrlr",
        "ActiveMonitoringBase",
        "All",
        ("All", "FactoryDefault", "HardWiredOnly"),
        kind=Kind.OPTION,
        access=Access.READ,
    ),
    integer("MonitoringCtrlr", "ActiveMonitoringLevel", 9, access=Access.READ, high=9),
    # Display messages (2.12)
    flag("DisplayMessageCtrlr", "Available", True, Access.READ),
    flag("DisplayMessageCtrlr", "Enabled", True),
    Variable(
        "DisplayMessageCtrlr",
        "DisplayMessages",
        "0",
        Kind.INTEGER,
        high=MESSAGES_LIMIT,
    ),
    listing(
        "DisplayMessageCtrlr",
        "SupportedFormats",
        ",".join(FORMATS),
        FORMATS,
        access=Access.READ,
    ),
    listing(
        "DisplayMessageCtrlr",
        "SupportedPriorities",
        "AlwaysFront,InFront,NormalCycle",
        ("AlwaysFront", "InFront", "NormalCycle"),
        access=Access.READ,
    ),
)
V201 = (
    # Texts about tariffs and costs can be shown (2.10).
    flag("TariffCostCtrlr", "Available", True, Access.READ, "Cost"),
    flag("TariffCostCtrlr", "Enabled", True, instance="Cost"),
    flag("TariffCostCtrlr", "Available", True, Access.READ, "Tariff"),
    flag("TariffCostCtrlr", "Enabled", True, instance="Tariff"),
)


ISO15118 = (  # of chargers that speak it with EVs: DC
    flag("ISO15118Ctrlr", "Available", True, Access.READ),
    flag("ISO15118Ctrlr", "Enabled", True),
    flag("ISO15118Ctrlr", "ContractValidationOffline", False, Access.READ),
    flag("ISO15118Ctrlr", "PnCEnabled", False, Access.READ),
)
EVSE = (
    *_state_of("EVSE", readers.status),
    flag("EVSE", "AllowReset", True, Access.READ),
    live(
        "FiscalMetering",
        "EnergyImportRegister",
        readers.energy,
        Kind.DECIMAL,
        unit="Wh",
    ),
)
CONNECTOR = (
    live("ConnectorPlugRetentionLock", "Problem", readers.lock_problem, Kind.BOOLEAN),
    *_state_of("Connector", readers.status),
)


@cache
def shape_of(
    version: Version, evses: int, max_power_w: int, phases: int, is_dc: bool
) -> Shape:
    """The places of all variables, shared by all chargers that are built alike."""
    supply = 0 if is_dc else phases
    connector_type = "cCCS2" if is_dc else "sType2"
    rate_units = ("W",) if is_dc else ("A", "W")
    station = (
        *STATION,
        *(V21 if version is Version.V21 else V201),
        *(ISO15118 if is_dc else ()),
        limit("ChargingStation", "SupplyPhases", supply),
        listing(
            "SmartChargingCtrlr",
            "RateUnit",
            ",".join(rate_units),
            rate_units,
            access=Access.READ,
        ),
        flag("SmartChargingCtrlr", "Phases3to1", not is_dc, Access.READ),
        flag("SmartChargingCtrlr", "ACPhaseSwitchingSupported", False, Access.READ),
    )
    evse = (
        *EVSE,
        limit("EVSE", "SupplyPhases", supply),
        live("EVSE", "Power", readers.power, Kind.DECIMAL, unit="W", high=max_power_w),
    )
    connector = (
        *CONNECTOR,
        limit("Connector", "SupplyPhases", supply),
        Variable("Connector", "ConnectorType", connector_type),
    )
    places = [Place(variable, 0, 0) for variable in station]
    for number in range(1, evses + 1):
        places.extend(Place(variable, number, 0) for variable in evse)
        places.extend(Place(variable, number, 1) for variable in connector)
    return {place.key: place for place in places}
