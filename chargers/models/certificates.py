"""The certificate authority of an organization, and what it issued."""

from django.db import models

from ocpplab.models import Organization

from .charger import Charger


class CertificateAuthority(models.Model):
    """A small certificate authority: one an organization."""

    organization = models.OneToOneField(
        Organization, models.CASCADE, related_name="certificate_authority"
    )
    certificate = models.TextField(help_text="PEM.")
    key_encrypted = models.TextField(editable=False)
    signs_chargers = models.BooleanField(
        "signs for chargers",
        default=True,
        help_text="Whether a charger's SignCertificate is accepted.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "certificate authorities"

    def __str__(self) -> str:
        return f"CA of {self.organization_id}"


class IssuedCertificate(models.Model):
    """A certificate that the authority issued, to a charger or to a server."""

    authority = models.ForeignKey(
        CertificateAuthority, models.CASCADE, related_name="certificates"
    )
    charger = models.ForeignKey(
        Charger,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="certificates",
        help_text="Empty: a server's.",
    )
    common_name = models.CharField(max_length=64)
    serial = models.CharField(max_length=40, unique=True, help_text="Hexadecimal.")
    certificate = models.TextField(help_text="PEM.")
    issued_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-issued_at", "-id"]

    def __str__(self) -> str:
        return f"{self.common_name} {self.serial[:8]}"
