"""RQ jobs: one more door to the services."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from . import leases, provisioning, services
from .pages import history
from .services import reports, stations, transactions


def mark_lost_chargers() -> None:
    services.mark_lost_chargers(renewed_after=timezone.now() - leases.LEASE)


def start_chargers() -> None:
    provisioning.start_chargers()


def make_chargers(job_id: str) -> None:
    provisioning.make_chargers(job_id)


def settle_provisioning() -> None:
    provisioning.start_chargers()
    provisioning.settle_chargers()
    provisioning.settle_jobs()


def delete_old_messages() -> None:
    """What is kept for a while only: see the ages in docs/operations.md."""
    now = timezone.now()
    before = now - timedelta(days=settings.MESSAGE_RETENTION_DAYS)
    services.delete_old_messages(before)
    stations.delete_old_events(before)
    stations.delete_old_customer_information(before)
    kept = timedelta(days=settings.COMMAND_RETENTION_DAYS)
    reports.delete_old_requests(before=now - kept)
    kept = timedelta(days=settings.AUDIT_RETENTION_DAYS)
    stations.delete_old_security_events(before=now - kept)


def close_abandoned_transactions() -> None:
    age = timedelta(seconds=settings.TRANSACTION_ABANDONED_AFTER)
    transactions.close_abandoned_transactions(after=age)


def sample_power() -> None:
    history.sample_power()


def delete_old_samples() -> None:
    history.delete_old_samples()
