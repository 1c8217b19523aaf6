"""What exists: catalog, locations, chargers, and what chargers report."""

from .catalog import Brand, ChargerModel
from .certificates import CertificateAuthority, IssuedCertificate
from .charger import Charger, Connector, Process, VirtualChargerState
from .location import Location
from .provisioning import DeletedLocation, ProvisioningJob
from .records import IdTag, Message, MeterValue, PowerSample, Transaction
from .requests import OperatorRequest
from .station import SecurityEvent, StationEvent, StationReport, StationStatus
from .variables import Variable

__all__ = [
    "Brand",
    "CertificateAuthority",
    "Charger",
    "ChargerModel",
    "Connector",
    "DeletedLocation",
    "IdTag",
    "IssuedCertificate",
    "Location",
    "Message",
    "MeterValue",
    "OperatorRequest",
    "PowerSample",
    "Process",
    "ProvisioningJob",
    "SecurityEvent",
    "StationEvent",
    "StationReport",
    "StationStatus",
    "Transaction",
    "Variable",
    "VirtualChargerState",
]
