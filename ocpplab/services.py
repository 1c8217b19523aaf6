"""Writes to organizations and API tokens, and the look-up of a presented token."""

import hashlib
import json
import secrets
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.crypto import salted_hmac

from .models import ApiToken, Organization, Role, User

TOKEN_MARK = "ocpplab_"  # noqa: S105, makes a leaked token recognizable


def ensure_organization(*, slug: str, name: str = "") -> Organization:
    """The organization with this slug, made if there is none."""
    organization = Organization.objects.filter(slug=slug).first()
    if organization is None:
        organization = Organization(slug=slug, name=name or slug)
        organization.full_clean()
        organization.save()
    return organization


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def digest_of_request(*parts: Any) -> str:
    """Tells requests apart without keeping them: they may hold a password."""
    text = json.dumps(parts, sort_keys=True)
    return salted_hmac("ocpplab.request", text, algorithm="sha256").hexdigest()


def create_token(
    *,
    organization: Organization | None,
    name: str = "",
    role: str = Role.ADMIN,
    created_by: User | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Make a token; the second value is the secret, which is not kept anywhere."""
    secret = TOKEN_MARK + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        organization=organization,
        name=name,
        role=role,
        prefix=secret[:14],
        digest=digest_of(secret),
        created_by=created_by,
        expires_at=expires_at,
    )
    return token, secret


def find_token(secret: str) -> ApiToken | None:
    """The valid token with this secret, or None; notes that it was used."""
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("organization")
        .filter(digest=digest_of(secret))
        .first()
    )
    if token is None or not token.is_valid(now):
        return None
    if token.last_used_at is None or (now - token.last_used_at).total_seconds() > 60:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token
