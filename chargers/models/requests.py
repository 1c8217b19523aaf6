"""What operators asked of chargers in OCPP's own words."""

from typing import Any

from django.db import models

from chargers.choices import Origin, RequestOutcome

from .charger import Charger


class OperatorRequest(models.Model):
    """An OCPP request that somebody had sent to a charger: who, what, and the answer."""

    charger = models.ForeignKey(
        Charger, models.CASCADE, related_name="operator_requests", db_index=False
    )
    action = models.CharField(max_length=50)
    payload: Any = models.JSONField(default=dict, help_text="Without its secrets.")
    origin = models.CharField(max_length=5, choices=Origin.choices)
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField(auto_now_add=True)
    outcome = models.CharField(
        max_length=14,
        choices=RequestOutcome.choices,
        blank=True,
        help_text="Empty while it is not answered.",
    )
    detail = models.TextField(blank=True, help_text="Why there is no answer.")
    answer: Any = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["-asked_at", "-id"]
        indexes = [
            models.Index(fields=["charger", "-asked_at"]),
            models.Index(fields=["asked_at"]),  # retention
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.asked_at:%Y-%m-%d %H:%M:%S}"
