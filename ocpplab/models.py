"""Who may use the portal: users, organizations (the tenants) and API tokens.

And what the API remembers of its requests.
"""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q


class User(AbstractUser):
    """A person who signs in. A superuser sees every organization."""


class Organization(models.Model):
    """The tenant: no organization sees another's data."""

    slug = models.CharField(
        max_length=50,
        unique=True,
        validators=[
            RegexValidator(
                r"^[a-z0-9]+(-[a-z0-9]+)*$",
                "Lower-case letters, digits and single hyphens.",
            )
        ],
        help_text="Part of the chargers' WebSocket URL.",
    )
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member or a token may do, each more than the one before."""

    VIEWER = "viewer"  # reads
    OPERATOR = "operator"  # reads, sends commands
    ADMIN = "admin"  # everything in its organization

    @property
    def may_command(self) -> bool:
        return self is not Role.VIEWER

    @property
    def may_change(self) -> bool:
        return self is Role.ADMIN


class Membership(models.Model):
    """A user's role in an organization."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.OPERATOR)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organization"], name="membership_once"
            ),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization} ({self.role})"


class ApiToken(models.Model):
    """A Bearer token of the REST API. Only its digest is kept.

    Without an organization it is an admin token, which names one per request in
    ``X-Organization-Id`` (contract, 3). The secret is 256 random bits: a plain SHA-256
    cannot be searched backwards, and costs nothing per request.
    """

    organization = models.ForeignKey(
        Organization,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="tokens",
        help_text="Empty: an admin token, for every organization.",
    )
    name = models.CharField(max_length=100, blank=True)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.ADMIN)
    prefix = models.CharField(max_length=16, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API token"
        verbose_name_plural = "API tokens"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="token_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}".strip()

    @property
    def is_admin(self) -> bool:
        """Whether it acts across organizations."""
        return self.organization_id is None

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and (
            self.expires_at is None or now < self.expires_at
        )


class Origin(models.TextChoices):
    """The door by which somebody came in."""

    API = "api", "API"
    ADMIN = "admin"
    CLI = "cli", "command line"


class AuditEntry(models.Model):
    """Who did what, by which door, with what result; written once, never changed.

    Commands to chargers are no part of it: each keeps this itself.
    """

    at = models.DateTimeField(auto_now_add=True)
    organization = models.ForeignKey(
        Organization,
        models.SET_NULL,
        null=True,
        blank=True,
        help_text="Empty: of the installation, or of an organization that is gone.",
    )
    door = models.CharField(max_length=5, choices=Origin.choices)
    # Who: a person, a token, or the operating system's user; by name as they were then.
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True)
    token = models.ForeignKey(ApiToken, models.SET_NULL, null=True, blank=True)
    who = models.CharField(max_length=150, blank=True)
    address = models.GenericIPAddressField(
        "IP address", null=True, blank=True, unpack_ipv4=True
    )
    action = models.CharField(max_length=30, help_text="Such as added.")
    subject = models.CharField(
        max_length=300, blank=True, help_text="What it was done to."
    )
    is_done = models.BooleanField("done", default=True)
    detail = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["organization", "-id"]),
            models.Index(fields=["at"]),  # retention
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(door__in=Origin.values), name="audit_door_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.who} {self.action} {self.subject}".strip()


class IdempotencyKey(models.Model):
    """A POST that was sent with an ``Idempotency-Key``, and how it was answered."""

    token = models.ForeignKey(ApiToken, models.CASCADE)
    organization = models.ForeignKey(Organization, models.CASCADE)
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64, help_text="Of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True, help_text="Null: not yet.")
    body: Any = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["token", "organization", "key"], name="idempotency_key_once"
            )
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def is_done(self) -> bool:
        return self.status is not None
