"""Who holds which charger: leases in the database.

A process is alive while it renews its own row; the chargers of one that is not are free.
There is no other membership protocol.
"""

import math
import os
import secrets
import socket
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from .choices import BootPolicy, ChargerKind, ProcessRole, ProvisioningStatus
from .models import Charger, Process

LEASE = timedelta(seconds=10)
RENEW_EVERY = 2.5  # s
FORGET_AFTER = timedelta(minutes=5)


def new_process_name(role: ProcessRole) -> str:
    host = socket.gethostname()[:16]
    return f"{role}-{host}-{os.getpid()}-{secrets.token_hex(3)}"


def renew(name: str, role: ProcessRole, capacity: int = 0) -> None:
    """Renew a process's lease.

    When it had run out, virtual chargers are lost: others may run them by now. The
    connections of physical ones are still here, and are online where a boot was accepted.
    """
    now = timezone.now()
    alive = Process.objects.filter(name=name, renewed_at__gt=now - LEASE)
    if alive.update(renewed_at=now):
        return
    held = Charger.objects.filter(holder=name)
    held.filter(kind=ChargerKind.VIRTUAL).update(holder=None, is_online=False)
    booted = Q(booted_at__isnull=False, boot_policy=BootPolicy.ACCEPTED)
    held.filter(booted, kind=ChargerKind.PHYSICAL).update(is_online=True)
    Process.objects.update_or_create(
        name=name, defaults={"role": role, "capacity": capacity, "renewed_at": now}
    )
    Process.objects.filter(renewed_at__lt=now - FORGET_AFTER).delete()


def resign(name: str) -> None:
    """Give all chargers of a process back at once."""
    Charger.objects.filter(holder=name).update(
        holder=None, is_online=False, disconnected_at=timezone.now()
    )
    Process.objects.filter(name=name).delete()


def held_chargers(name: str) -> QuerySet[Charger]:
    """The virtual chargers that a fleet process is to run."""
    return _runnable().filter(holder=name)


def fair_share(capacity: int) -> int:
    """How many chargers one of the living fleet processes should hold at most."""
    fleets = Process.objects.filter(
        role=ProcessRole.FLEET, renewed_at__gt=timezone.now() - LEASE
    ).count()
    return min(capacity, math.ceil(_runnable().count() / max(fleets, 1)))


@transaction.atomic
def claim_chargers(name: str, count: int) -> list[str]:
    """Take up to ``count`` virtual chargers that no living process holds; their ids."""
    free = Q(holder=None) | Q(holder__renewed_at__lt=timezone.now() - LEASE)
    ids = list(
        _runnable()
        .filter(free)
        .order_by("created_at")
        .select_for_update(skip_locked=True, of=("self",))
        .values_list("pk", flat=True)[:count]
    )
    Charger.objects.filter(pk__in=ids).update(holder=name, is_online=False)
    return ids


def release_chargers(name: str, charger_ids: list[str]) -> None:
    """Give these chargers back for others to claim."""
    Charger.objects.filter(pk__in=charger_ids, holder=name).update(
        holder=None, is_online=False, disconnected_at=timezone.now()
    )


def _runnable() -> QuerySet[Charger]:
    return Charger.objects.filter(kind=ChargerKind.VIRTUAL, is_enabled=True).exclude(
        provisioning_status=ProvisioningStatus.PENDING
    )
