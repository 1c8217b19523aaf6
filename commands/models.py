"""Commands: what operators told chargers to do, and what became of it."""

import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from chargers.choices import Origin as Origin
from chargers.models import Charger
from ocpplab.models import ApiToken, Organization


def new_command_id() -> str:
    return secrets.token_hex(6)


class Status(models.TextChoices):
    """The life of a command: queued → received → one of the final four."""

    QUEUED = "queued"  # accepted and stored, on its way
    DEFERRED = "deferred"  # waits for the charger's link to come back
    RECEIVED = "received"  # the charger has it
    APPLIED = "applied"  # done, confirmed
    REJECTED = "rejected"  # the charger or its CSMS refused
    FAILED = "failed"  # an error while it was carried out
    EXPIRED = "expired"  # never reached the charger in time


WAITING = (Status.QUEUED, Status.DEFERRED)
OPEN = (*WAITING, Status.RECEIVED)
UNDONE = (Status.REJECTED, Status.FAILED, Status.EXPIRED)
FINAL = (Status.APPLIED, *UNDONE)


class Command(models.Model):
    """One command to one charger. Rows are changed by ``commands.services`` alone.

    ``id`` gives the order of arrival; ``command_id`` is what the world sees.
    """

    id = models.BigAutoField(primary_key=True)
    command_id = models.CharField(
        max_length=12, unique=True, default=new_command_id, editable=False
    )
    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="commands"
    )
    charger = models.ForeignKey(Charger, models.CASCADE, related_name="commands")
    slug = models.CharField("command", max_length=30)
    event_type = models.CharField(max_length=50)
    event: Any = models.JSONField(default=dict)
    origin = models.CharField(max_length=5, choices=Origin.choices)
    # Who: a person, a token, or (from the command line) the operating system's user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True
    )
    token = models.ForeignKey(ApiToken, models.SET_NULL, null=True, blank=True)
    submitted_by = models.CharField(max_length=150, blank=True)

    status = models.CharField(
        max_length=8, choices=Status.choices, default=Status.QUEUED
    )
    detail = models.TextField(blank=True, help_text="Why it did not end as applied.")
    result: Any = models.JSONField(null=True, blank=True)
    enqueued_at = models.DateTimeField()
    deferred_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(
        help_text="Until when it may wait to be received."
    )

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["organization", "-id"]),
            models.Index(fields=["charger", "-id"]),
            # Delivery and the sweep look at open rows only.
            models.Index(
                fields=["charger", "id"],
                condition=Q(status__in=OPEN),
                name="open_command",
            ),
            models.Index(fields=["enqueued_at"], name="command_enqueued"),  # retention
            models.Index(
                fields=["enqueued_at"],
                condition=Q(status__in=UNDONE),
                name="undone_command",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="command_status_known"
            ),
            models.CheckConstraint(
                condition=Q(origin__in=Origin.values), name="command_origin_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=OPEN, finished_at=None)
                | Q(status__in=FINAL, finished_at__isnull=False),
                name="command_finished_when_final",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.slug} {self.command_id}"

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def updated_at(self) -> Any:
        """When its status last changed."""
        return (
            self.finished_at or self.received_at or self.deferred_at or self.enqueued_at
        )


class SessionLimit(models.Model):
    """Where a session of a physical charger ends: such a charger is told only to start.

    Settled once the session has been told to stop, or is over without.
    """

    command = models.OneToOneField(
        Command, models.CASCADE, primary_key=True, related_name="session_limit"
    )
    duration_seconds = models.PositiveIntegerField(null=True, blank=True)
    energy_wh = models.FloatField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        return f"limit of {self.command}"
