"""The variables that the code itself goes by."""

from .device_model import key

LIMITS = ("maxEnergy", "maxTime")  # of a transaction, by the CSMS (2.1)
SLOTS = ("1", "2", "3")  # of network connection profiles
HEARTBEAT_INTERVAL = key("OCPPCommCtrlr", "HeartbeatInterval")
TX_START_POINT = key("TxCtrlr", "TxStartPoint")
TX_STOP_POINT = key("TxCtrlr", "TxStopPoint")
SEND_DURING_IDLE = key("AlignedDataCtrlr", "SendDuringIdle")
NETWORK_PRIORITY = key("OCPPCommCtrlr", "NetworkConfigurationPriority")
NETWORK_ATTEMPTS = key("OCPPCommCtrlr", "NetworkProfileConnectionAttempts")
ACTIVE_PROFILE = key("OCPPCommCtrlr", "ActiveNetworkProfile")
PASSWORD = key("SecurityCtrlr", "BasicAuthPassword")
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
