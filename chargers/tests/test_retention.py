"""What is deleted when it is old."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from chargers.choices import Direction, Origin, ReportKind
from chargers.jobs import delete_old_messages
from chargers.models import (
    Charger,
    Message,
    OperatorRequest,
    SecurityEvent,
    StationEvent,
    StationReport,
)

pytestmark = pytest.mark.django_db

# What is kept, when it came, and for how many days.
KEPT = [
    (Message, "timestamp", 30, {"direction": Direction.TO_CSMS}),
    (StationEvent, "received_at", 30, {"data": {}, "timestamp": timezone.now()}),
    (
        StationReport,
        "reported_at",
        30,
        {"kind": ReportKind.CUSTOMER_INFORMATION, "subject": "", "data": {}},
    ),
    (OperatorRequest, "asked_at", 365, {"origin": Origin.CLI}),
    (SecurityEvent, "received_at", 365, {"timestamp": timezone.now()}),
]


@pytest.mark.parametrize(("model", "field", "days", "fields"), KEPT)
def test_what_is_past_its_retention_is_deleted(
    model: Any, field: str, days: int, fields: dict[str, Any], virtual_charger: Charger
) -> None:
    row = model.objects.create(
        charger=virtual_charger, **{field: timezone.now(), **fields}
    )
    for age, is_left in ((days - 0.5, True), (days + 0.5, False)):
        at = timezone.now() - timedelta(days=age)
        model.objects.update(**{field: at})
        delete_old_messages()
        assert model.objects.filter(pk=row.pk).exists() == is_left


def test_what_a_station_last_said_of_itself_stays(virtual_charger: Charger) -> None:
    for kind in set(ReportKind) - {ReportKind.CUSTOMER_INFORMATION}:
        StationReport.objects.create(
            charger=virtual_charger,
            kind=kind,
            data={},
            reported_at=timezone.now() - timedelta(days=999),
        )
    delete_old_messages()
    assert StationReport.objects.count() == len(ReportKind) - 1
