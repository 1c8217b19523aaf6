"""What chargers report of themselves beside charging: firmware, logs, security."""

from typing import Any

from django.db import models

from chargers.choices import ReportKind, StationSubject

from .charger import Charger


class StationStatus(models.Model):
    """The last status of a firmware update, or of an upload of diagnostics or logs."""

    charger = models.ForeignKey(
        Charger, models.CASCADE, related_name="station_statuses"
    )
    subject = models.CharField(max_length=11, choices=StationSubject.choices)
    status = models.CharField(max_length=30)
    request_id = models.BigIntegerField(null=True, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "station statuses"
        ordering = ["subject"]
        constraints = [
            models.UniqueConstraint(
                fields=["charger", "subject"], name="station_status_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.charger_id} {self.subject}: {self.status}"


class SecurityEvent(models.Model):
    """A SecurityEventNotification (security whitepaper, A03)."""

    charger = models.ForeignKey(Charger, models.CASCADE, related_name="security_events")
    type = models.CharField(max_length=50)
    tech_info = models.CharField(max_length=255, blank=True)
    timestamp = models.DateTimeField(help_text="By the charger's clock.")
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)  # retention

    class Meta:
        ordering = ["-timestamp", "-id"]
        indexes = [models.Index(fields=["charger", "-timestamp"])]

    def __str__(self) -> str:
        return f"{self.charger_id} {self.type}"


class StationEvent(models.Model):
    """Something that a 2.x charger said has happened: NotifyEvent and the like."""

    # Its own index would say what the composite one says already.
    charger = models.ForeignKey(
        Charger, models.CASCADE, related_name="station_events", db_index=False
    )
    action = models.CharField(max_length=50, help_text="The OCPP message.")
    summary = models.CharField(max_length=255)
    data: Any = models.JSONField(help_text="As in OCPP.")
    timestamp = models.DateTimeField(help_text="By the charger's clock.")
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)  # retention

    class Meta:
        ordering = ["-timestamp", "-id"]
        indexes = [models.Index(fields=["charger", "-timestamp"])]

    def __str__(self) -> str:
        return f"{self.charger_id} {self.summary}"


class StationReport(models.Model):
    """What a 2.x charger last said of one thing: a monitor, a charging profile, …"""

    charger = models.ForeignKey(
        Charger, models.CASCADE, related_name="station_reports", db_index=False
    )
    kind = models.CharField(max_length=20, choices=ReportKind.choices)
    subject = models.CharField(max_length=120, help_text="Which one: EVSE 1, say.")
    data: Any = models.JSONField(help_text="As in OCPP.")
    reported_at = models.DateTimeField()

    class Meta:
        ordering = ["kind", "subject"]
        constraints = [
            models.UniqueConstraint(
                fields=["charger", "kind", "subject"], name="station_report_once"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=ReportKind.values),
                name="station_report_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.charger_id} {self.kind} {self.subject}"
