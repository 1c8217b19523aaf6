"""Variables that follow from the facts, such as what a connector gives."""

from typing import TYPE_CHECKING

from ..certificates import Use
from ..clock import format_time
from ..connector import Connector
from .messages import status_of

if TYPE_CHECKING:
    from ..charger import VirtualCharger

STATUSES = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")


def station_status(charger: "VirtualCharger", connector: Connector) -> str:
    """That of the connector that is the most available."""
    statuses = {status_of(outlet) for outlet in charger.outlets}
    return next(status for status in STATUSES if status in statuses)


def status(charger: "VirtualCharger", connector: Connector) -> str:
    return status_of(connector)


def problem(charger: "VirtualCharger", connector: Connector) -> str:
    faulty = charger.outlets if connector.number == 0 else [connector]
    return str(any(outlet.fault for outlet in faulty)).lower()


def lock_problem(charger: "VirtualCharger", connector: Connector) -> str:
    return str(connector.fault == "ConnectorLockFailure").lower()


def now(charger: "VirtualCharger", connector: Connector) -> str:
    return format_time(charger.clock.now())


def power(charger: "VirtualCharger", connector: Connector) -> str:
    connector.settle()
    return f"{0 if connector.is_held else connector.power_w:.1f}"


def energy(charger: "VirtualCharger", connector: Connector) -> str:
    connector.settle()
    return str(connector.energy_wh)


def model(charger: "VirtualCharger", connector: Connector) -> str:
    return charger.spec.model


def vendor(charger: "VirtualCharger", connector: Connector) -> str:
    return charger.spec.vendor


def serial_number(charger: "VirtualCharger", connector: Connector) -> str:
    return charger.spec.serial_number


def identity(charger: "VirtualCharger", connector: Connector) -> str:
    return charger.spec.identity


def list_entries(charger: "VirtualCharger", connector: Connector) -> str:
    return str(len(charger.local_list))


def profile_entries(charger: "VirtualCharger", connector: Connector) -> str:
    return str(len(charger.profiles))


def certificate_entries(charger: "VirtualCharger", connector: Connector) -> str:
    return str(len(charger.certificates.find(*Use)))


def security_profile(charger: "VirtualCharger", connector: Connector) -> str:
    return str(charger.credentials.profile)
