"""Chargers, their connectors, and what the fleet keeps of virtual ones."""

import secrets
from typing import Any

from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from chargers.choices import (
    IN_PROVISIONING,
    BootPolicy,
    ChargerKind,
    ConnectorStatus,
    OCPPVersion,
    ProcessRole,
    ProvisioningStatus,
    SecurityProfile,
)
from ocpplab.models import Organization

from .catalog import ChargerModel
from .location import Location


def new_charger_id() -> str:
    return f"dep-{secrets.token_hex(6)}"


class Charger(models.Model):
    """One charge point (1.6) or charging station (2.x), known by its OCPP identity."""

    id = models.CharField(
        primary_key=True, max_length=20, default=new_charger_id, editable=False
    )
    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="chargers"
    )
    location = models.ForeignKey(
        Location, models.CASCADE, null=True, blank=True, related_name="chargers"
    )
    identity = models.CharField(
        max_length=48,
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9*_=:+|@.\-]+\Z",
                "Letters, digits and * - _ = : + | @ . only.",
            )
        ],
        help_text="Its OCPP identity: the last part of its WebSocket URL.",
    )
    kind = models.CharField(
        max_length=10, choices=ChargerKind.choices, default=ChargerKind.VIRTUAL
    )
    model = models.ForeignKey(ChargerModel, models.PROTECT, null=True, blank=True)
    name = models.CharField(max_length=200, blank=True)
    location_name = models.CharField(max_length=200, blank=True)
    connector_type = models.CharField(max_length=20, blank=True)
    connector_count = models.PositiveSmallIntegerField("connectors", default=1)
    ocpp_version = models.CharField(
        "OCPP version",
        max_length=10,
        choices=OCPPVersion.choices,
        default=OCPPVersion.V16,
    )
    ws_url = models.CharField(
        "CSMS URL",
        max_length=500,
        blank=True,
        validators=[RegexValidator(r"^wss?://", "It begins ws:// or wss://.")],
        help_text="The CSMS that a virtual charger dials, without the identity. Empty: "
        "the built-in endpoint.",
    )
    # What the charger presents to our endpoint, hashed; what a virtual charger presents
    # to its CSMS must be known to it and is encrypted.
    password_hash = models.CharField(max_length=200, blank=True, editable=False)
    password_encrypted = models.TextField(blank=True, editable=False)

    provisioning_status = models.CharField(
        max_length=12,
        choices=ProvisioningStatus.choices,
        default=ProvisioningStatus.READY,
        editable=False,
    )
    provisioning_error = models.JSONField(null=True, blank=True, editable=False)
    provisioned_at = models.DateTimeField(null=True, blank=True, editable=False)
    workflow_run_id = models.CharField(max_length=40, blank=True, editable=False)
    provisioning_started_at = models.DateTimeField(
        null=True, blank=True, editable=False
    )
    provisioning_job = models.ForeignKey(
        "ProvisioningJob",
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="chargers",
    )
    # What a create asked for: the same again within a minute means the same charger.
    request_digest = models.CharField(max_length=64, blank=True, editable=False)

    is_enabled = models.BooleanField(
        "running", default=True, help_text="Whether the fleet runs this charger."
    )
    restarts = models.PositiveIntegerField(
        default=0, editable=False, help_text="How often it was told to restart."
    )
    is_online = models.BooleanField(
        "online",
        default=False,
        editable=False,
        help_text="Whether its link to the CSMS is up and its boot accepted.",
    )
    link_detail = models.CharField(max_length=200, blank=True, editable=False)
    connected_at = models.DateTimeField(null=True, blank=True, editable=False)
    disconnected_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The WebSocket that now speaks for this identity; a newer one replaces it.
    connection_id = models.CharField(max_length=36, blank=True, editable=False)
    boot = models.JSONField(
        default=dict, blank=True, editable=False, help_text="Its BootNotification."
    )
    booted_at = models.DateTimeField(null=True, blank=True, editable=False)
    boot_policy = models.CharField(
        max_length=8,
        choices=BootPolicy.choices,
        default=BootPolicy.ACCEPTED,
        help_text="What its BootNotification is answered.",
    )
    boot_interval = models.PositiveIntegerField(
        default=0,
        validators=[MaxValueValidator(2**31 - 1)],
        help_text="Answered with it, s: the heartbeat interval, or the pause before the "
        "next attempt. 0: the portal's default.",
    )
    security_profile = models.PositiveSmallIntegerField(
        choices=SecurityProfile.choices,
        default=SecurityProfile.UNSECURED,
        help_text="A connection that offers less is refused. A password, where the "
        "charger has one, is asked for in any case but profile 3.",
    )
    next_security_profile = models.PositiveSmallIntegerField(
        choices=SecurityProfile.choices,
        default=SecurityProfile.UNSECURED,
        editable=False,
        help_text="A higher one that it has accepted: asked for once it comes by it.",
    )

    holder = models.ForeignKey(
        "Process",
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="chargers",
        help_text="The process that runs it (virtual) or has its connection (physical).",
    )

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at", "id"]
        indexes = [
            models.Index(fields=["organization", "-created_at"]),
            models.Index(fields=["location", "-created_at"]),
            models.Index(
                fields=["provisioning_started_at"],
                condition=Q(provisioning_status__in=IN_PROVISIONING),
                name="charger_in_provisioning",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "identity"],
                name="identity_once_per_organization",
                violation_error_message="A charger with this identity exists already.",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ChargerKind.values), name="charger_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(ocpp_version__in=OCPPVersion.values),
                name="charger_version_known",
            ),
            models.CheckConstraint(
                condition=Q(kind=ChargerKind.VIRTUAL) | Q(ws_url=""),
                name="physical_charger_dials_us",
                violation_error_message="A physical charger dials our endpoint: it has "
                "no CSMS URL.",
            ),
            models.CheckConstraint(
                condition=Q(connector_count__gte=1), name="charger_has_connectors"
            ),
            models.CheckConstraint(
                condition=Q(provisioning_status__in=ProvisioningStatus.values),
                name="charger_provisioning_status_known",
            ),
            models.CheckConstraint(
                condition=Q(boot_policy__in=BootPolicy.values),
                name="charger_boot_policy_known",
            ),
        ]

    def __str__(self) -> str:
        return self.identity

    @property
    def is_virtual(self) -> bool:
        return self.kind == ChargerKind.VIRTUAL

    @property
    def max_power_w(self) -> int:
        """The rating of one connector, W; 22 kW where the model is not known."""
        return self.model.max_power_w if self.model else 22_000

    @property
    def display_name(self) -> str:
        return self.name or self.identity


class Connector(models.Model):
    """The reported state of one connector.

    A 1.6 connector n is EVSE n, connector 1; EVSE 0, connector 0 is the whole charger.
    """

    charger = models.ForeignKey(Charger, models.CASCADE, related_name="connectors")
    evse_id = models.PositiveSmallIntegerField("EVSE")
    connector_id = models.PositiveSmallIntegerField("connector")
    status = models.CharField(
        max_length=15,
        choices=ConnectorStatus.choices,
        default=ConnectorStatus.UNKNOWN,
    )
    error_code = models.CharField(max_length=50, blank=True)
    info = models.CharField(max_length=255, blank=True)
    status_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["evse_id", "connector_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["charger", "evse_id", "connector_id"],
                name="connector_once_per_charger",
            ),
            models.CheckConstraint(
                condition=Q(status__in=ConnectorStatus.values),
                name="connector_status_known",
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.charger} EVSE {self.evse_id}" if self.evse_id else f"{self.charger}"
        )


class VirtualChargerState(models.Model):
    """What a real station keeps in flash and finds again after a restart."""

    charger = models.OneToOneField(
        Charger, models.CASCADE, primary_key=True, related_name="virtual_state"
    )
    data: Any = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"state of {self.charger_id}"


class Process(models.Model):
    """A running process that holds chargers: the lease on all of them in one row.

    One that has not renewed itself in time has lost its chargers to the others.
    """

    name = models.CharField(primary_key=True, max_length=40)
    role = models.CharField(max_length=5, choices=ProcessRole.choices)
    capacity = models.PositiveIntegerField(
        default=0, help_text="Virtual chargers at most."
    )
    started_at = models.DateTimeField(auto_now_add=True)
    renewed_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "processes"

    def __str__(self) -> str:
        return self.name
