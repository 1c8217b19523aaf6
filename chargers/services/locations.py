"""Writes to locations."""

import secrets
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from chargers.errors import InvalidLocation
from chargers.models import DeletedLocation, Location
from ocpplab.models import Organization

from .registering import hang_up


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
    DeletedLocation.objects.get_or_create(
        id=location.pk, defaults={"organization": location.organization}
    )
    hang_up(location.chargers.all())
    location.delete()


def was_deleted(organization: Organization, location_id: str) -> bool:
    """Whether the organization had such a location once."""
    key = as_uuid(location_id)
    deleted = DeletedLocation.objects.filter(organization=organization)
    return key is not None and deleted.filter(pk=key).exists()


def find_locations(
    organization: Organization, ids: Iterable[str]
) -> dict[str, Location]:
    """The organization's locations among these ids, by the id as it was given."""
    keys = {text: as_uuid(text) for text in ids}
    rows = Location.objects.filter(organization=organization).in_bulk(
        {key for key in keys.values() if key}
    )
    return {text: rows[key] for text, key in keys.items() if key in rows}


def as_uuid(text: str) -> uuid.UUID | None:
    """An id as a client sent it; None where it cannot be one of ours."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _check(location: Location) -> None:
    try:
        location.full_clean(exclude=["organization"])
    except ValidationError as error:
        raise InvalidLocation(" ".join(error.messages)) from None
