"""The device model of a 2.x charger: its components' variables (2.0.1, part 1, 4)."""

from typing import Any

from django.db import models

from chargers.choices import Mutability, VariableAttribute
from chargers.ocpp.schemas import INTEGER_LIMIT

from .charger import Charger


class Variable(models.Model):
    """One attribute of a variable of a component, as it was last reported.

    EVSE and connector are 0, instances are empty where OCPP has none.
    """

    # Its own index would say what the unique one says already.
    charger = models.ForeignKey(
        Charger, models.CASCADE, related_name="variables", db_index=False
    )
    component = models.CharField(max_length=50)
    component_instance = models.CharField(max_length=50, blank=True)
    evse_id = models.PositiveSmallIntegerField("EVSE", default=0)
    connector_id = models.PositiveSmallIntegerField("connector", default=0)
    name = models.CharField(max_length=50)
    instance = models.CharField(max_length=50, blank=True)
    attribute = models.CharField(
        max_length=6,
        choices=VariableAttribute.choices,
        default=VariableAttribute.ACTUAL,
    )
    value = models.TextField(blank=True)
    mutability = models.CharField(
        max_length=9, choices=Mutability.choices, default=Mutability.READ_WRITE
    )
    is_persistent = models.BooleanField("persistent", default=False)
    is_constant = models.BooleanField("constant", default=False)
    characteristics: Any = models.JSONField(
        default=dict,
        help_text="As in OCPP: dataType, unit, minLimit, maxLimit, valuesList, …",
    )
    updated_at = models.DateTimeField()

    class Meta:
        ordering = [
            "component",
            "component_instance",
            "evse_id",
            "connector_id",
            "name",
            "instance",
            "attribute",
        ]
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "charger",
                    "component",
                    "component_instance",
                    "evse_id",
                    "connector_id",
                    "name",
                    "instance",
                    "attribute",
                ],
                name="variable_once_per_charger",
            )
        ]

    def __str__(self) -> str:
        return f"{self.component_label}.{self.variable_label}"

    @property
    def component_label(self) -> str:
        """As in ``EVSE@1`` or ``Controller[main]``: what a configuration key names."""
        place = ".".join(str(n) for n in (self.evse_id, self.connector_id) if n)
        return _labelled(self.component, self.component_instance) + (
            f"@{place}" if place else ""
        )

    @property
    def variable_label(self) -> str:
        return _labelled(self.name, self.instance)

    @property
    def unit(self) -> str:
        return str(self.characteristics.get("unit", ""))

    @property
    def data_type(self) -> str:
        return str(self.characteristics.get("dataType", ""))

    @property
    def choices(self) -> list[str]:
        """The values that an OptionList lets one choose from."""
        listed = str(self.characteristics.get("valuesList", ""))
        return [value.strip() for value in listed.split(",") if value.strip()]

    @property
    def limits(self) -> str:
        """What values it takes, in words: ``at least 10; at most 300``.

        That an integer has 32 bits is no limit of its own.
        """
        told = self.characteristics
        parts = []
        if told.get("minLimit", -INTEGER_LIMIT - 1) > -INTEGER_LIMIT - 1:
            parts.append(f"at least {told['minLimit']}")
        if told.get("maxLimit", INTEGER_LIMIT) < INTEGER_LIMIT:
            parts.append(f"at most {told['maxLimit']}")
        if self.choices:
            parts.append(f"of {', '.join(self.choices)}")
        return "; ".join(parts)

    @property
    def is_writable(self) -> bool:
        return self.mutability != Mutability.READ_ONLY and not self.is_constant


def _labelled(name: str, instance: str) -> str:
    return f"{name}[{instance}]" if instance else name
