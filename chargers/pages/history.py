"""Power over the day: sampled once a minute by a job, drawn by pages."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils import timezone

from ..models import Charger, PowerSample, Transaction
from .chart import KILOWATT, Series
from .selectors import Session, open_sessions, total_power

KEPT = timedelta(days=32)
SPAN = timedelta(hours=24)
GAP = timedelta(minutes=3)  # no worker ran: the line is broken


def sample_power() -> None:
    """Note what each location delivers now. Where nothing stands, nothing is noted."""
    now = timezone.now()
    places = Charger.objects.order_by().values_list("organization_id", "location_id")
    running: dict[tuple[int, Any], list[Session]] = {
        place: [] for place in places.distinct()
    }
    for session in open_sessions(Transaction.objects.all()):
        charger = session.transaction.charger
        place = (charger.organization_id, charger.location_id)
        running.setdefault(place, []).append(session)
    PowerSample.objects.bulk_create(
        PowerSample(
            organization_id=organization_id,
            location_id=location_id,
            at=now,
            power_w=total_power(sessions),
            sessions=len(sessions),
        )
        for (organization_id, location_id), sessions in running.items()
    )


def delete_old_samples() -> None:
    PowerSample.objects.filter(at__lt=timezone.now() - KEPT).delete()


def power_of_day(samples: QuerySet[PowerSample]) -> Series:
    """What the chargers of these samples delivered together in the last 24 hours."""
    since = timezone.now() - SPAN
    totals = (
        samples.filter(at__gte=since)
        .order_by("at")
        .values_list("at")
        .annotate(Sum("power_w"))
    )
    points = [(at, watts / 1000) for at, watts in totals]
    return Series("power", "Power", KILOWATT, points)
