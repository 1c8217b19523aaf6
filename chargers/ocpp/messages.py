"""Which side sends which message, by version (the specifications' message lists)."""

from .schemas import actions
from .versions import Version

_V16_SENT_BY_CHARGERS = frozenset(
    {
        # Core
        "Authorize",
        "BootNotification",
        "DataTransfer",
        "Heartbeat",
        "MeterValues",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
        # Firmware management
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        # Security whitepaper
        "LogStatusNotification",
        "SecurityEventNotification",
        "SignCertificate",
        "SignedFirmwareStatusNotification",
    }
)
_V201_SENT_BY_CHARGERS = frozenset(
    {
        "Authorize",
        "BootNotification",
        "ClearedChargingLimit",
        "DataTransfer",
        "FirmwareStatusNotification",
        "Get15118EVCertificate",
        "GetCertificateStatus",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "NotifyChargingLimit",
        "NotifyCustomerInformation",
        "NotifyDisplayMessages",
        "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule",
        "NotifyEvent",
        "NotifyMonitoringReport",
        "NotifyReport",
        "PublishFirmwareStatusNotification",
        "ReportChargingProfiles",
        "ReservationStatusUpdate",
        "SecurityEventNotification",
        "SignCertificate",
        "StatusNotification",
        "TransactionEvent",
    }
)
_ADDED_BY_V21 = frozenset(
    {
        "BatterySwap",
        "GetCertificateChainStatus",
        "NotifyDERAlarm",
        "NotifyDERStartStop",
        "NotifyPeriodicEventStream",
        "NotifyPriorityCharging",
        "NotifySettlement",
        "NotifyWebPaymentStarted",
        "OpenPeriodicEventStream",
        "ClosePeriodicEventStream",
        "PullDynamicScheduleUpdate",
        "ReportDERControl",
        "VatNumberValidation",
    }
)

SENT_BY_CHARGERS: dict[Version, frozenset[str]] = {
    Version.V16: _V16_SENT_BY_CHARGERS,
    Version.V201: _V201_SENT_BY_CHARGERS,
    Version.V21: (_V201_SENT_BY_CHARGERS | _ADDED_BY_V21) & actions(Version.V21),
}
