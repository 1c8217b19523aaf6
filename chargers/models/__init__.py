"""What exists: catalog, locations, chargers, and what chargers report."""

from .catalog import Brand, ChargerModel
from .charger import Charger, Connector, Process, VirtualChargerState
from .location import Location
from .provisioning import DeletedLocation, ProvisioningJob
from .records import IdTag, Message, MeterValue, Transaction

__all__ = [
    "Brand",
    "Charger",
    "ChargerModel",
    "Connector",
    "DeletedLocation",
    "IdTag",
    "Location",
    "Message",
    "MeterValue",
    "Process",
    "ProvisioningJob",
    "Transaction",
    "VirtualChargerState",
]
