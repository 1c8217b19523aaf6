"""What chargers report beside charging: firmware, uploads, security events."""

from datetime import datetime

from django.utils import timezone

from chargers.models import Charger, SecurityEvent, StationStatus


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
