"""What a connector may be in, and why a transaction may end there. No I/O."""

from enum import StrEnum
from typing import NamedTuple

EV_GONE = "EV side disconnected"  # as 1.6 has it (4.9)
WARNINGS = frozenset({"EVCommunicationError"})  # faults that leave it usable (4.9)
FAULTS = (
    "GroundFault",
    "OverCurrent",
    "OverVoltage",
    "UnderVoltage",
    "OverTemperature",
    "InternalError",
    "ConnectorLockFailure",
    "EVCommunicationError",
    "PowerMeterFailure",
    "WeakSignal",
)


class Status(StrEnum):
    """ChargePointStatus (OCPP 1.6, 7.7), the finest that there is of any version."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class StopReason(StrEnum):
    """Why energy may flow no longer."""

    LOCAL = "Local"
    REMOTE = "Remote"
    EV_DISCONNECTED = "EVDisconnected"
    DEAUTHORIZED = "DeAuthorized"
    MASTER = "MasterPass"
    UNLOCK = "UnlockCommand"
    FAULT = "Fault"
    SOFT_RESET = "SoftReset"
    HARD_RESET = "HardReset"
    ENERGY_LIMIT = "EnergyLimitReached"
    TIME_LIMIT = "TimeLimitReached"
    TIMEOUT = "Timeout"
    OTHER = "Other"


class Notice(NamedTuple):
    """What a StatusNotification tells."""

    status: str
    fault: str = ""
    info: str = ""
