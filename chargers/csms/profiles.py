"""The charging profiles that the portal sets on 2.x chargers (2.0.1, K)."""

from typing import Any

from django.utils import timezone

from chargers.models import Charger, Transaction
from chargers.ocpp.values import format_time

Payload = dict[str, Any]

# One profile of each sort on an EVSE: its id is the sort's, plus the EVSE.
NEEDS_ID = 1000
POWER_ID = 2000
# What an operator orders rules over what an EV is offered.
NEEDS_LEVEL, POWER_LEVEL = 0, 1


def for_charging_needs(charger: Charger, running: Transaction) -> Payload:
    """What an EV may draw in its transaction: as much as the charger has."""
    number = NEEDS_ID + running.evse_id
    schedule = _schedule(number, charger.max_power_w)
    return {
        "id": number,
        "stackLevel": NEEDS_LEVEL,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Absolute",
        "transactionId": running.transaction_id,
        "chargingSchedule": [
            {**schedule, "startSchedule": format_time(timezone.now())}
        ],
    }


def for_power(evse_id: int, power_w: int, running: Transaction | None) -> Payload:
    """A limit, W, of the running transaction, or of the next ones where none runs."""
    profile = {
        "id": POWER_ID + evse_id,
        "stackLevel": POWER_LEVEL,
        "chargingProfilePurpose": "TxProfile" if running else "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": [_schedule(POWER_ID + evse_id, power_w)],
    }
    if running:
        profile["transactionId"] = running.transaction_id
    return profile


def _schedule(number: int, power_w: int) -> Payload:
    return {
        "id": number,
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": power_w}],
    }
