"""The admin of chargers: where they stand, what they are, what they report.

What operators tell them to do is added by the app ``commands``, which this one does not
know: it registers subclasses of these classes in their place.
"""

from .catalog import BrandAdmin, ChargerModelAdmin
from .chargers import ChargerAdmin
from .device_model import StationEventAdmin, StationReportAdmin, VariableAdmin
from .id_tags import IdTagAdmin
from .locations import LocationAdmin
from .provisioning import ProvisioningJobAdmin
from .records import (
    ChargerRecordAdmin,
    MessageAdmin,
    MeterValueAdmin,
    TransactionAdmin,
)

__all__ = [
    "BrandAdmin",
    "ChargerAdmin",
    "ChargerModelAdmin",
    "ChargerRecordAdmin",
    "IdTagAdmin",
    "LocationAdmin",
    "MessageAdmin",
    "MeterValueAdmin",
    "ProvisioningJobAdmin",
    "StationEventAdmin",
    "StationReportAdmin",
    "TransactionAdmin",
    "VariableAdmin",
]
