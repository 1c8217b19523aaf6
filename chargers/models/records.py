"""What chargers report: id tags used, transactions, meter values, messages."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from chargers.choices import ChargingState, Direction
from ocpplab.models import Organization

from .charger import Charger
from .location import Location

ID_TAG_LIMIT = 255  # characters in 2.1; 36 in 2.0.1, 20 in 1.6
SHORT_ID = 12  # characters of a transaction id in a table


class IdTag(models.Model):
    """An RFID or other token that authorizes (1.6 ``idTag``, 2.x ``idToken``)."""

    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="id_tags"
    )
    id_tag = models.CharField(max_length=ID_TAG_LIMIT)
    type = models.CharField(
        max_length=20,
        blank=True,
        help_text="Of a 2.x token, such as ISO14443 or eMAID. Empty: of any type.",
    )
    parent_id_tag = models.CharField(
        max_length=ID_TAG_LIMIT,
        blank=True,
        help_text="The group it belongs to (2.x: groupIdToken).",
    )
    is_blocked = models.BooleanField("blocked", default=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    allows_concurrent = models.BooleanField(
        "several transactions at once",
        default=False,
        help_text="Otherwise a second transaction is answered ConcurrentTx.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "id tag"
        ordering = ["id_tag"]
        constraints = [
            # Id tags are case-insensitive (OCPP 1.6, IdToken: CiString20).
            models.UniqueConstraint(
                "organization",
                Lower("id_tag"),
                name="id_tag_once_per_organization",
                violation_error_message="This id tag exists already.",
            )
        ]

    def __str__(self) -> str:
        return self.id_tag

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


class Transaction(models.Model):
    """A transaction; energies are meter readings in Wh.

    ``id`` is what our endpoint gives a 1.6 charger as transactionId: made by the
    database, never used twice. ``transaction_id`` is the OCPP id as text: the same
    number in 1.6, the station's own string in 2.x.
    """

    # Its own index would say what the composite ones say already.
    charger = models.ForeignKey(
        Charger, models.CASCADE, related_name="transactions", db_index=False
    )
    transaction_id = models.CharField(max_length=36)
    evse_id = models.PositiveSmallIntegerField("EVSE")
    connector_id = models.PositiveSmallIntegerField("connector", default=1)
    id_tag = models.CharField(max_length=ID_TAG_LIMIT, blank=True)
    authorization = models.CharField(
        max_length=20,
        blank=True,
        help_text="What the id tag was answered at its start.",
    )
    started_at = models.DateTimeField()
    meter_start_wh = models.BigIntegerField("meter at start (Wh)", default=0)
    stopped_at = models.DateTimeField(null=True, blank=True)
    meter_stop_wh = models.BigIntegerField("meter at stop (Wh)", null=True, blank=True)
    stop_reason = models.CharField(max_length=30, blank=True)
    stop_id_tag = models.CharField(max_length=ID_TAG_LIMIT, blank=True)
    # What only 2.x knows.
    charging_state = models.CharField(
        max_length=15, choices=ChargingState.choices, blank=True
    )
    remote_start_id = models.BigIntegerField(null=True, blank=True)
    reservation_id = models.BigIntegerField(null=True, blank=True)
    seq_no = models.BigIntegerField(
        "sequence number",
        null=True,
        blank=True,
        help_text="The highest of its TransactionEvents; empty in 1.6.",
    )
    missing_seq_nos: Any = models.JSONField(
        "missing sequence numbers",
        default=list,
        blank=True,
        help_text="Those below that have not come yet: [first, last] each.",
    )
    last_event_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last of its events happened."
    )
    details: Any = models.JSONField(
        default=dict, blank=True, help_text="What else its TransactionEvents told."
    )

    class Meta:
        ordering = ["-started_at", "-id"]
        indexes = [
            models.Index(fields=["charger", "-started_at"]),
            models.Index(fields=["stopped_at"]),  # the open ones, and today's
            models.Index(
                Lower("id_tag"),
                condition=Q(stopped_at=None),
                name="open_transaction_of_id_tag",
            ),
            models.Index(
                fields=["charger"],
                condition=Q(stopped_at=None),
                name="open_transaction_of_charger",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["charger", "transaction_id"],
                name="transaction_id_once_per_charger",
            ),
            # A charger that repeats StartTransaction means the same transaction.
            models.UniqueConstraint(
                fields=["charger", "evse_id", "connector_id", "started_at", "id_tag"],
                # EVSE 0 holds the ends of those whose beginning was never reported. In
                # 2.x the station's own transaction id tells.
                condition=Q(evse_id__gt=0, seq_no=None),
                name="transaction_started_once",
            ),
        ]

    def __str__(self) -> str:
        return self.transaction_id or f"#{self.pk}"

    @property
    def short_id(self) -> str:
        """As narrow tables have room for it: the uuids of 2.x are cut."""
        text = str(self)
        return text if len(text) <= SHORT_ID else f"{text[: SHORT_ID - 1]}…"

    @property
    def is_open(self) -> bool:
        return self.stopped_at is None

    @property
    def energy_wh(self) -> int | None:
        """Energy delivered, Wh; None while it runs."""
        if self.meter_stop_wh is None:
            return None
        return self.meter_stop_wh - self.meter_start_wh


class MeterValue(models.Model):
    """One MeterValue of OCPP: a time and the values sampled then."""

    # Its own index would say what the composite ones say already.
    charger = models.ForeignKey(
        Charger, models.CASCADE, related_name="meter_values", db_index=False
    )
    transaction = models.ForeignKey(
        Transaction, models.CASCADE, null=True, blank=True, related_name="meter_values"
    )
    evse_id = models.PositiveSmallIntegerField("EVSE")
    connector_id = models.PositiveSmallIntegerField("connector", default=1)
    timestamp = models.DateTimeField()
    sampled_values: Any = models.JSONField(help_text="As in OCPP: sampledValue.")

    class Meta:
        ordering = ["-timestamp", "-id"]
        indexes = [
            models.Index(fields=["charger", "-timestamp"]),
            models.Index(fields=["transaction", "timestamp"]),
        ]

    def __str__(self) -> str:
        return f"{self.charger_id} {self.timestamp:%Y-%m-%d %H:%M:%S}"

    def value_of(self, measurand: str) -> float | None:
        """A measurand in W, Wh, A, V or percent, at the outlet if it is told where.

        Of energy and power also the sum, where only the phases are told.
        """
        phases: dict[str, float] = {}
        for sampled in sorted(self.sampled_values, key=_is_elsewhere):
            if sampled.get("measurand", "Energy.Active.Import.Register") != measurand:
                continue
            value = _value_in_base_unit(sampled)
            phase = sampled.get("phase")
            if value is None or not phase:
                return value
            if phase in PHASES:
                phases.setdefault(phase[:2], value)
        can_be_added = measurand.startswith(("Energy.", "Power."))
        return sum(phases.values()) if phases and can_be_added else None

    @property
    def energy_wh(self) -> float | None:
        return self.value_of("Energy.Active.Import.Register")

    @property
    def power_w(self) -> float | None:
        return self.value_of("Power.Active.Import")

    @property
    def offered_w(self) -> float | None:
        return self.value_of("Power.Offered")


READING_LIMIT = 2.0**53  # beyond it a reading is no reading
PHASES = ("L1", "L2", "L3", "L1-N", "L2-N", "L3-N")


def _is_elsewhere(sampled: dict[str, Any]) -> bool:
    return sampled.get("location", "Outlet") != "Outlet"


def _value_in_base_unit(sampled: dict[str, Any]) -> float | None:
    """1.6 has a unit, 2.x a unit and a power of ten."""
    measure = sampled.get("unitOfMeasure", sampled)
    try:
        power = float(measure.get("multiplier", 0))
        value = float(sampled["value"]) * 10.0**power
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if str(measure.get("unit", "")).startswith("k"):
        value *= 1000
    return value if abs(value) < READING_LIMIT else None


class Message(models.Model):
    """One OCPP-J frame as it was on the wire; answers carry their request's action."""

    # Its own index would say what the composite ones say already.
    charger = models.ForeignKey(
        Charger, models.CASCADE, related_name="messages", db_index=False
    )
    direction = models.CharField(max_length=10, choices=Direction.choices)
    action = models.CharField(max_length=50, blank=True)
    message_type = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="2 CALL, 3 CALLRESULT, 4 CALLERROR, …"
    )
    text = models.TextField()
    timestamp = models.DateTimeField()

    class Meta:
        ordering = ["-timestamp", "-id"]
        indexes = [
            models.Index(fields=["charger", "-timestamp", "-id"]),
            models.Index(fields=["charger", "action", "-timestamp"]),
            models.Index(fields=["timestamp"]),  # retention
            models.Index(
                fields=["charger", "-timestamp"],
                condition=Q(message_type=4),
                name="error_message",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(direction__in=Direction.values),
                name="message_direction_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.action or 'frame'} {self.get_direction_display()}"


class PowerSample(models.Model):
    """What the chargers of a location delivered together at one moment.

    One a minute and location: charts of a day need not read every meter value. Without
    a location it is of the organization's chargers that have none.
    """

    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="power_samples", db_index=False
    )
    location = models.ForeignKey(
        Location, models.CASCADE, null=True, related_name="power_samples"
    )
    at = models.DateTimeField(db_index=True)
    power_w = models.FloatField()
    sessions = models.PositiveIntegerField(help_text="Transactions that were open.")

    class Meta:
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.power_w:.0f} W at {self.at:%Y-%m-%d %H:%M}"
