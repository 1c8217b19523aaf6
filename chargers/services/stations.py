"""What chargers report beside charging: firmware, uploads, events, what they were set."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from chargers.choices import ReportKind
from chargers.models import (
    Charger,
    SecurityEvent,
    StationEvent,
    StationReport,
    StationStatus,
)


def record_station_status(
    charger: Charger, *, subject: str, status: str, request_id: int | None = None
) -> None:
    """Keep how far a firmware update or an upload is."""
    StationStatus.objects.bulk_create(
        [
            StationStatus(
                charger=charger,
                subject=subject,
                status=status,
                request_id=request_id,
                at=timezone.now(),
            )
        ],
        update_conflicts=True,
        unique_fields=["charger", "subject"],
        update_fields=["status", "request_id", "at"],
    )


def record_security_event(
    charger: Charger, *, kind: str, at: datetime, tech_info: str = ""
) -> None:
    """Keep a security event that the charger reported."""
    SecurityEvent.objects.create(
        charger=charger, type=kind, timestamp=at, tech_info=tech_info
    )


def record_events(
    charger: Charger,
    action: str,
    events: Sequence[tuple[datetime | None, str, Mapping[str, Any]]],
) -> None:
    """Keep what a 2.x charger says has happened: when, in words, and as in OCPP.

    What has no time of its own happened now.
    """
    StationEvent.objects.bulk_create(
        StationEvent(
            charger=charger,
            action=action,
            timestamp=at or timezone.now(),
            summary=summary[:255],
            data=data,
        )
        for at, summary, data in events
    )


def record_reports(
    charger: Charger, kind: ReportKind, reports: Mapping[str, Any]
) -> None:
    """Keep what a 2.x charger tells of some subjects, in place of what it told before."""
    now = timezone.now()
    StationReport.objects.bulk_create(
        [
            StationReport(
                charger=charger,
                kind=kind,
                subject=subject,
                data=data,
                reported_at=now,
            )
            for subject, data in reports.items()
        ],
        update_conflicts=True,
        unique_fields=["charger", "kind", "subject"],
        update_fields=["data", "reported_at"],
    )


def forget_reports(charger: Charger, kind: ReportKind, subjects: Sequence[str]) -> None:
    """Drop what a 2.x charger told of subjects that are no more."""
    StationReport.objects.filter(
        charger=charger, kind=kind, subject__in=subjects
    ).delete()


def forget_profiles_of(charger: Charger, transaction_id: str) -> None:
    """Drop the charging profiles of a transaction: they are gone with it (2.0.1, K01)."""
    StationReport.objects.filter(
        charger=charger,
        kind=ReportKind.CHARGING_PROFILE,
        data__transactionId=transaction_id,
    ).delete()


def local_list_of(charger: Charger) -> dict[str, Any]:
    """The local list that a charger accepted: ``version``, ``entries`` by id tag."""
    known = charger.station_reports.filter(kind=ReportKind.LOCAL_LIST).first()
    return dict(known.data) if known else {"version": 0, "entries": {}}


def delete_old_events(before: datetime) -> None:
    """Drop events past their retention."""
    StationEvent.objects.filter(received_at__lt=before).delete()


def delete_old_customer_information(before: datetime) -> None:
    """Drop what chargers told of customers, past the retention of messages."""
    StationReport.objects.filter(
        kind=ReportKind.CUSTOMER_INFORMATION, reported_at__lt=before
    ).delete()


def delete_old_security_events(before: datetime) -> None:
    """Drop security events past their retention."""
    SecurityEvent.objects.filter(received_at__lt=before).delete()
