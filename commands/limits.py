"""Sessions of physical chargers that end at a limit.

A virtual charger watches the limits of start-session by itself; a physical one knows
only how to begin a transaction, so the portal stops it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from chargers.models import Transaction

from .models import FINAL, Command, SessionLimit, Status

NEVER_BEGAN = timedelta(minutes=10)  # after the charger accepted to start
CLOCK_SKEW = timedelta(minutes=1)


def watch(commands: Iterable[Command]) -> None:
    """Note the limits of the start-session commands among these."""
    SessionLimit.objects.bulk_create(
        SessionLimit(
            command=command,
            duration_seconds=command.event.get("duration_seconds"),
            energy_wh=_wh(command.event.get("target_energy_kwh")),
        )
        for command in commands
        if command.slug == "start-session"
        and not command.charger.is_virtual
        and command.event.keys() & {"duration_seconds", "target_energy_kwh"}
    )


def find_due() -> list[tuple[SessionLimit, Transaction]]:
    """The sessions that have reached their limit; those that are over are settled."""
    now = timezone.now()
    due: list[tuple[SessionLimit, Transaction]] = []
    ended = SessionLimit.objects.filter(settled_at=None, command__status__in=FINAL)
    for limit in ended.select_related(
        "command__charger", "command__organization", "command__user", "command__token"
    ):
        running = _transaction_of(limit)
        if limit.command.status != Status.APPLIED:
            settle(limit)
        elif running is None:
            finished_at = limit.command.finished_at
            if finished_at and now - finished_at > NEVER_BEGAN:
                settle(limit)
        elif not running.is_open:
            settle(limit)
        elif _is_due(limit, running, now):
            due.append((limit, running))
    return due


def settle(limit: SessionLimit) -> None:
    SessionLimit.objects.filter(pk=limit.pk).update(settled_at=timezone.now())


def _transaction_of(limit: SessionLimit) -> Transaction | None:
    """The first transaction the charger began with the command's id tag since then.

    Not all 2.x stations say again with what token they were told to begin.
    """
    command = limit.command
    return (
        command.charger.transactions.filter(
            Q(id_tag__iexact=command.event["id_tag"])
            | Q(id_tag="", remote_start_id__isnull=False),
            evse_id=command.event.get("connector_id", 1),
            started_at__gte=command.enqueued_at - CLOCK_SKEW,
        )
        .order_by("id")
        .first()
    )


def _is_due(limit: SessionLimit, running: Transaction, now: datetime) -> bool:
    if limit.duration_seconds is not None:
        ends_at = running.started_at + timedelta(seconds=limit.duration_seconds)
        if now >= ends_at:
            return True
    if limit.energy_wh is None:
        return False
    last = running.meter_values.order_by("-timestamp").first()
    reading = last.energy_wh if last else None
    return reading is not None and reading - running.meter_start_wh >= limit.energy_wh


def _wh(kwh: float | None) -> float | None:
    return None if kwh is None else kwh * 1000
