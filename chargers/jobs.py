"""RQ jobs: one more door to the services."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from . import leases, services


def mark_lost_chargers() -> None:
    services.mark_lost_chargers(renewed_after=timezone.now() - leases.LEASE)


def delete_old_messages() -> None:
    age = timedelta(days=settings.MESSAGE_RETENTION_DAYS)
    services.delete_old_messages(before=timezone.now() - age)
