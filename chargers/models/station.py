"""What chargers report of themselves beside charging: firmware, logs, security."""

from django.db import models

from chargers.choices import StationSubject

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
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-timestamp", "-id"]
        indexes = [models.Index(fields=["charger", "-timestamp"])]

    def __str__(self) -> str:
        return f"{self.charger_id} {self.type}"
