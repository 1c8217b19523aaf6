"""Changing and removing chargers by the number, in a number of queries that is constant.

Each charger is taken on its own merits: one that cannot be changed holds up no other.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from chargers.errors import InvalidCharger
from chargers.models import Charger, Location
from ocpplab.models import Organization

from .locations import find_locations
from .registering import check_connector_type, hang_up

UNKNOWN = "There is no such charger."
# What no query is spent on to check: it came from the database.
RELATIONS = [field.name for field in Charger._meta.fields if field.is_relation]


@dataclass(frozen=True)
class ChargerFailure:
    """What could not be done to a charger, and why."""

    charger_id: str
    error: str


@transaction.atomic
def update_chargers(
    chargers: QuerySet[Charger],
    changes: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    organization: Organization,
) -> tuple[list[Charger], list[ChargerFailure]]:
    """Change the named fields of chargers among ``chargers``, given by id.

    Fields as of ``update_charger``, but with ``location_id`` for the location. A virtual
    charger whose CSMS or version changes redials.
    """
    rows = chargers.select_for_update(of=("self",)).select_related("model__brand")
    found = rows.in_bulk([pk for pk, _ in changes])
    locations = find_locations(
        organization,
        {change["location_id"] for _, change in changes if change.get("location_id")},
    )
    updated: dict[str, Charger] = {}
    failed = []
    for pk, change in changes:
        try:
            if pk not in found:
                raise InvalidCharger(UNKNOWN)
            found[pk] = updated[pk] = _changed(found[pk], change, locations)
        except InvalidCharger as error:
            failed.append(ChargerFailure(pk, str(error)))
    names = {name for _, change in changes for name in change}
    Charger.objects.bulk_update(updated.values(), [*sorted(names), "updated_at"])
    return list(updated.values()), failed


def _changed(
    charger: Charger, change: Mapping[str, Any], locations: Mapping[str, Location]
) -> Charger:
    """The charger as it would be; InvalidCharger tells what is wrong with that."""
    charger = copy(charger)
    for name, value in change.items():
        if name == "location_id" and value is not None:
            if value not in locations:
                raise InvalidCharger(f"There is no location {value}.")
            value = locations[value].pk
        setattr(charger, name, value.rstrip("/") if name == "ws_url" else value)
    if charger.ws_url and not charger.is_virtual:
        raise InvalidCharger("A physical charger dials our endpoint: no CSMS URL.")
    if "connector_type" in change and charger.model is not None:
        check_connector_type(charger.model, charger.connector_type)
    try:
        charger.clean_fields(exclude=RELATIONS)
    except ValidationError as error:
        raise InvalidCharger(" ".join(error.messages)) from None
    charger.updated_at = timezone.now()
    return charger


@transaction.atomic
def delete_chargers(
    chargers: QuerySet[Charger], ids: Iterable[str]
) -> tuple[list[str], list[ChargerFailure]]:
    """Remove chargers among ``chargers``, given by id. Whoever holds them hangs up."""
    wanted = list(dict.fromkeys(ids))
    found = set(chargers.filter(pk__in=wanted).values_list("pk", flat=True))
    hang_up(chargers.filter(pk__in=found))
    Charger.objects.filter(pk__in=found).delete()
    deleted = [pk for pk in wanted if pk in found]
    return deleted, [ChargerFailure(pk, UNKNOWN) for pk in wanted if pk not in found]
