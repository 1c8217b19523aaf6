"""Why energy may flow no longer, in the words of OCPP 2.x."""

from ..connector import Connector
from ..states import StopReason

TRIGGERS = {  # TriggerReasonEnumType
    StopReason.LOCAL: "StopAuthorized",
    StopReason.MASTER: "StopAuthorized",
    StopReason.REMOTE: "RemoteStop",
    StopReason.EV_DISCONNECTED: "EVCommunicationLost",
    StopReason.DEAUTHORIZED: "Deauthorized",
    StopReason.UNLOCK: "UnlockCommand",
    StopReason.FAULT: "AbnormalCondition",
    StopReason.SOFT_RESET: "ResetCommand",
    StopReason.HARD_RESET: "ResetCommand",
    StopReason.ENERGY_LIMIT: "EnergyLimitReached",
    StopReason.TIME_LIMIT: "TimeLimitReached",
    StopReason.TIMEOUT: "EVConnectTimeout",
    StopReason.OTHER: "AbnormalCondition",
}
_REASONS = {  # where ReasonEnumType spells them otherwise
    StopReason.UNLOCK: "Other",
    StopReason.FAULT: "Other",
    StopReason.SOFT_RESET: "ImmediateReset",
    StopReason.HARD_RESET: "ImmediateReset",
}
_FAULT_REASONS = {
    "GroundFault": "GroundFault",
    "OverCurrent": "OvercurrentFault",
    "OverVoltage": "PowerQuality",
    "UnderVoltage": "PowerQuality",
}


def reason_of(reason: StopReason, connector: Connector) -> str:
    """ReasonEnumType."""
    if reason is StopReason.FAULT:
        return _FAULT_REASONS.get(connector.fault, "Other")
    return _REASONS.get(reason, reason.value)
