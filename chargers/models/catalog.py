"""The catalog: brands and models of chargers (contract, section 6)."""

import uuid

from django.db import models
from django.db.models import Q

from chargers.choices import CurrentType


class Brand(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


class ChargerModel(models.Model):
    """A model of a brand, as its data sheet describes it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    brand = models.ForeignKey(Brand, models.CASCADE, related_name="models")
    slug = models.SlugField(max_length=100)
    name = models.CharField(max_length=100)
    current_type = models.CharField(max_length=2, choices=CurrentType.choices)
    phases = models.PositiveSmallIntegerField(default=3, help_text="AC phases.")
    connector_count = models.PositiveSmallIntegerField(default=1)
    connector_types = models.JSONField(help_text='Such as ["Type2"].')
    supported_kwh = models.JSONField(
        "supported power",
        help_text="Power ratings per connector, kW, such as [7.4, 22]. The name is the "
        "contract's.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "model"
        ordering = ["brand__slug", "slug"]
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "slug"], name="model_slug_once_per_brand"
            ),
            models.CheckConstraint(
                condition=Q(current_type__in=CurrentType.values),
                name="model_current_type_known",
            ),
            models.CheckConstraint(
                condition=Q(connector_count__gte=1), name="model_has_connectors"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.brand.name} {self.name}"

    @property
    def max_power_w(self) -> int:
        """The highest rating of one connector, W."""
        return round(max(self.supported_kwh) * 1000)
