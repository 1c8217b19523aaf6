"""Writes to locations."""

import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from chargers.errors import InvalidLocation
from chargers.models import DeletedLocation, Location
from ocpplab.models import Organization


def create_location(*, organization: Organization, **fields: Any) -> Location:
    """Make a location with a slug of its own; InvalidLocation tells what is wrong."""
    name = slugify(fields.get("name", ""))[:100]
    suffix = secrets.token_hex(4)
    slug = f"{name}-{suffix}" if name else suffix
    location = Location(organization=organization, slug=slug, **fields)
    _check(location)
    location.save(force_insert=True)
    return location


def update_location(location: Location, changes: Mapping[str, Any]) -> Location:
    """Change the named fields alone."""
    for name, value in changes.items():
        setattr(location, name, value)
    _check(location)
    location.save(update_fields=[*changes, "updated_at"])
    return location


@transaction.atomic
def delete_location(location: Location) -> None:
    """Remove a location and its chargers, which hang up."""
    DeletedLocation.objects.create(id=location.pk, organization=location.organization)
    location.delete()


def was_deleted(organization: Organization, location_id: uuid.UUID) -> bool:
    """Whether the organization had such a location once."""
    return DeletedLocation.objects.filter(
        organization=organization, pk=location_id
    ).exists()


def _check(location: Location) -> None:
    try:
        location.full_clean(exclude=["organization"])
    except ValidationError as error:
        raise InvalidLocation(" ".join(error.messages)) from None
