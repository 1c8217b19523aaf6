"""The values that models, API and admin share."""

from django.db import models

from ocpplab.models import Origin as Origin


class OCPPVersion(models.TextChoices):
    """The spelling of the charger resource (contract, 4.4)."""

    V16 = "OCPP1.6", "OCPP1.6"
    V201 = "OCPP2.0.1", "OCPP2.0.1"
    V21 = "OCPP2.1", "OCPP2.1"


class ChargerKind(models.TextChoices):
    VIRTUAL = "virtual"  # run by our fleet
    PHYSICAL = "physical"  # dials in from outside


class ProvisioningStatus(models.TextChoices):
    """How far the making of a charger is (contract, 4.5)."""

    PENDING = "PENDING"
    PROVISIONING = "PROVISIONING"
    READY = "READY"
    FAILED = "FAILED"


IN_PROVISIONING = (ProvisioningStatus.PENDING, ProvisioningStatus.PROVISIONING)


class ConnectorStatus(models.TextChoices):
    """OCPP 1.6, 7.7; 2.x uses Available, Occupied, Reserved, Unavailable, Faulted."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EVSE = "SuspendedEVSE", "SuspendedEVSE"
    SUSPENDED_EV = "SuspendedEV", "SuspendedEV"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"
    OCCUPIED = "Occupied"
    UNKNOWN = "Unknown"  # not reported yet


class CurrentType(models.TextChoices):
    AC = "ac", "AC"
    DC = "dc", "DC"


class Direction(models.TextChoices):
    """Which way a message travelled (contract, 8.7)."""

    TO_CSMS = "cp_to_csms", "charger → CSMS"
    TO_CHARGER = "csms_to_cp", "CSMS → charger"


class ProcessRole(models.TextChoices):
    """What a process that holds chargers is."""

    FLEET = "fleet"  # runs virtual chargers
    WEB = "web"  # has the connections of physical ones


class BootPolicy(models.TextChoices):
    """What a BootNotification is answered (OCPP 1.6, 4.2)."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"  # an operator has to accept the charger first
    REJECTED = "Rejected"


class SecurityProfile(models.IntegerChoices):
    """How a charger must come to the endpoint, at least (security whitepaper, 2)."""

    UNSECURED = 0, "0: any connection"
    BASIC = 1, "1: password"
    TLS = 2, "2: TLS and password"
    MUTUAL_TLS = 3, "3: TLS and a client certificate"


class StationSubject(models.TextChoices):
    """What a charger reports the progress of."""

    FIRMWARE = "firmware"
    DIAGNOSTICS = "diagnostics"
    LOG = "log"
    PUBLISHING = "publishing", "Published firmware"  # 2.x, for others at its site


class ChargingState(models.TextChoices):
    """What goes on in a transaction (2.0.1, ChargingStateEnumType)."""

    IDLE = "Idle"
    EV_CONNECTED = "EVConnected", "EV connected"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV", "Suspended by EV"
    SUSPENDED_EVSE = "SuspendedEVSE", "Suspended by EVSE"


class VariableAttribute(models.TextChoices):
    """What a value of a variable is (2.0.1, AttributeEnumType)."""

    ACTUAL = "Actual"
    TARGET = "Target"
    MIN_SET = "MinSet", "Lowest to be set"
    MAX_SET = "MaxSet", "Highest to be set"


class Mutability(models.TextChoices):
    """2.0.1, MutabilityEnumType."""

    READ_ONLY = "ReadOnly", "read only"
    WRITE_ONLY = "WriteOnly", "write only"
    READ_WRITE = "ReadWrite", "read and write"


class ReportKind(models.TextChoices):
    """What a 2.x charger has told of, and may tell anew."""

    MONITOR = "monitor", "Monitor of a variable"
    CHARGING_PROFILE = "charging profile"
    CHARGING_LIMIT = "charging limit"
    CHARGING_NEEDS = "charging needs", "Charging needs of an EV"
    CHARGING_SCHEDULE = "charging schedule", "Charging schedule of an EV"
    DISPLAY_MESSAGE = "display message"
    CUSTOMER_INFORMATION = "customer information"
    DER_CONTROL = "DER control"
    EVENT_STREAM = "event stream"
    LOCAL_LIST = "local list"


class RequestOutcome(models.TextChoices):
    """What became of an OCPP request of an operator."""

    ANSWERED = "answered"
    CALL_ERROR = "call_error", "CALLERROR"
    INVALID_ANSWER = "invalid_answer", "invalid answer"
    NOT_ALLOWED = "not_allowed", "not allowed"
    NOT_ANSWERED = "not_answered", "not answered"
    NOT_CONNECTED = "not_connected", "not connected"


class Condition(models.TextChoices):
    """A charger in one word: the first of these that holds (``selectors``)."""

    FAILED = "failed", "not set up"  # its provisioning failed
    PROVISIONING = "provisioning", "provisioning"
    STOPPED = "stopped", "stopped"
    OFFLINE = "offline", "offline"
    FAULTED = "faulted", "faulted"
    CHARGING = "charging", "charging"
    IN_USE = "in_use", "in use"  # a cable is in, or somebody reserved it
    AVAILABLE = "available", "available"
    UNAVAILABLE = "unavailable", "unavailable"
