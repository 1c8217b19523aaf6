"""Which side sends which message, by version (the specifications' message lists)."""

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
        "ClosePeriodicEventStream",
        "GetCertificateChainStatus",
        "NotifyDERAlarm",
        "NotifyDERStartStop",
        "NotifyPriorityCharging",
        "NotifySettlement",
        "OpenPeriodicEventStream",
        "PullDynamicScheduleUpdate",
        "ReportDERControl",
        "VatNumberValidation",
    }
)

SENT_BY_CHARGERS: dict[Version, frozenset[str]] = {
    Version.V16: _V16_SENT_BY_CHARGERS,
    Version.V201: _V201_SENT_BY_CHARGERS,
    Version.V21: _V201_SENT_BY_CHARGERS | _ADDED_BY_V21,
}

# SEND messages: nobody answers them (2.1, part 4, 4.2.4). All are chargers'.
UNANSWERED: dict[Version, frozenset[str]] = {
    Version.V16: frozenset(),
    Version.V201: frozenset(),
    Version.V21: frozenset({"NotifyPeriodicEventStream"}),
}
