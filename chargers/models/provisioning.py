"""Jobs that make many chargers (contract, 9.2), and what is left of a deleted location."""

import uuid
from typing import Any

from django.db import models

from chargers.choices import ProvisioningStatus
from ocpplab.models import Organization

from .location import Location


class ProvisioningJob(models.Model):
    """A bulk create: the chargers asked for, and how far their making is.

    ``items`` are made in order; those before ``next_index`` are done: each became a
    charger of this job or an entry of ``failed``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="provisioning_jobs"
    )
    location = models.ForeignKey(
        Location, models.CASCADE, related_name="provisioning_jobs"
    )
    workflow_run_id = models.CharField(max_length=40)
    status = models.CharField(
        max_length=12,
        choices=ProvisioningStatus.choices,
        default=ProvisioningStatus.PENDING,
    )
    templates: Any = models.JSONField(help_text="Of each group, as it was sent.")
    items: Any = models.JSONField(help_text="[{group, identity, name}], to be made.")
    next_index = models.PositiveIntegerField(default=0)
    failed: Any = models.JSONField(default=list, help_text="[{identity, error}].")
    error: Any = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    provisioned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["organization", "-created_at"])]

    def __str__(self) -> str:
        return f"{len(self.items)} chargers for {self.location}"

    @property
    def is_made(self) -> bool:
        """Whether every item has become a charger or a failure."""
        return self.next_index >= len(self.items)


class DeletedLocation(models.Model):
    """Remembers a location, so that deleting it again is no error (contract, 7)."""

    id = models.UUIDField(primary_key=True, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE)
    deleted_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.id)
