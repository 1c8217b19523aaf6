"""Charging profiles in the words that all OCPP versions share (1.6, 7.8; 2.x, K)."""

from .clock import parse_time
from .protocol import Payload
from .smart_charging import Period, Profile, Purpose

_RECURRENCES = {"Daily": 86_400, "Weekly": 604_800}  # s


def profile_of(
    sent: Payload, schedule: Payload, *, number: int, connector: int, purpose: Purpose
) -> Profile:
    """The profile of that number with its only schedule; ValueError for no date."""
    kind = sent["chargingProfileKind"]
    recurrency = sent["recurrencyKind"] if kind == "Recurring" else None
    start = None if kind == "Relative" else schedule.get("startSchedule")
    valid_from, valid_to = sent.get("validFrom"), sent.get("validTo")
    return Profile(
        id=number,
        connector=connector,
        purpose=purpose,
        stack_level=sent["stackLevel"],
        unit=schedule["chargingRateUnit"],
        periods=tuple(
            Period(period["startPeriod"], period["limit"], period.get("numberPhases"))
            for period in schedule["chargingSchedulePeriod"]
        ),
        start=parse_time(start) if start else None,
        duration=schedule.get("duration"),
        recurrence=_RECURRENCES[recurrency] if recurrency else None,
        min_rate=schedule.get("minChargingRate"),
        valid_from=parse_time(valid_from) if valid_from else None,
        valid_to=parse_time(valid_to) if valid_to else None,
    )


def period_payload(period: Period) -> Payload:
    payload: Payload = {"startPeriod": period.start, "limit": period.limit}
    return {**payload, "numberPhases": period.phases} if period.phases else payload
