"""The charging profiles that the portal sets on 2.x chargers (2.0.1, K)."""

from django.utils import timezone

from chargers.choices import CurrentType
from chargers.models import Charger, Transaction
from chargers.ocpp.values import format_time
from chargers.services import device_model

from .commands_common import VOLTAGE, Payload, phases_of, power_limit

# One profile of each sort on an EVSE: its id is the sort's, plus the EVSE.
NEEDS_ID = 1000
POWER_ID = 2000
# What an operator orders rules over what an EV is offered: it is at the highest level
# that the charger takes; here, where it does not tell.
NEEDS_LEVEL, POWER_LEVEL = 0, 1
UNLIMITED_W = 1_000_000  # what no charger gives: it keeps to its own rating


def offered_w(charger: Charger) -> int:
    """What an EV may draw: all that the charger has, where its rating is known."""
    return charger.max_power_w if charger.model else UNLIMITED_W


def for_charging_needs(charger: Charger, running: Transaction) -> Payload:
    """What an EV is offered for its transaction."""
    number = NEEDS_ID + running.evse_id
    schedule = _schedule(charger, number, offered_w(charger))
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


def for_power(
    charger: Charger, evse_id: int, power_w: int, running: Transaction | None
) -> Payload:
    """A limit, W, of the running transaction, or of the next ones where none runs."""
    highest = _told(charger, "ProfileStackLevel")
    profile = {
        "id": POWER_ID + evse_id,
        "stackLevel": int(highest) if highest.isdecimal() else POWER_LEVEL,
        "chargingProfilePurpose": "TxProfile" if running else "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": [_schedule(charger, POWER_ID + evse_id, power_w)],
    }
    if running:
        profile["transactionId"] = running.transaction_id
    return profile


def is_beyond_offer(charger: Charger, schedule: Payload) -> bool:
    """Whether an EV's charging schedule goes beyond what it was offered."""
    model = charger.model
    in_watts = schedule["chargingRateUnit"] == "W"
    if not in_watts and model and model.current_type != CurrentType.AC:
        return False  # at what voltage?
    for period in schedule["chargingSchedulePeriod"]:
        per_unit = 1
        if not in_watts:
            per_unit = VOLTAGE * period.get("numberPhases", phases_of(charger))
        if period.get("limit", 0) * per_unit > offered_w(charger):
            return True
    return False


def charging_profiles(evse_id: int, source: str, profiles: list[Payload]) -> Payload:
    """Profiles that an EVSE has, as they are kept: each by its id."""
    return {
        f"#{profile['id']}, EVSE {evse_id}": {
            "evseId": evse_id,
            "chargingLimitSource": source,
            **profile,
        }
        for profile in profiles
    }


def _schedule(charger: Charger, number: int, power_w: int) -> Payload:
    units = _told(charger, "RateUnit").upper()
    limit = power_limit(charger, power_w, in_watts="W" in units or not units)
    return {"id": number, **limit}


def _told(charger: Charger, name: str) -> str:
    return device_model.value_of(charger, "SmartChargingCtrlr", name)
