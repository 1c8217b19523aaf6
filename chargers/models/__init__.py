"""What exists: catalog, locations, chargers, and what chargers report."""

from .catalog import Brand, ChargerModel
from .charger import Charger, Connector, Process, VirtualChargerState
from .location import Location
from .records import IdTag, Message, MeterValue, Transaction

__all__ = [
    "Brand",
    "Charger",
    "ChargerModel",
    "Connector",
    "IdTag",
    "Location",
    "Message",
    "MeterValue",
    "Process",
    "Transaction",
    "VirtualChargerState",
]
