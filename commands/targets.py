"""From the target of a command to the chargers it names (contract, 10.3)."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from chargers.models import Charger, Location
from ocpplab.models import Organization

from .errors import CommandRefused, TargetNotFound


@dataclass(frozen=True)
class Target:
    """One charger; or a location; or some chargers, of one location or of any."""

    charger_id: str | None = None
    location_id: str | None = None
    charger_ids: Sequence[str] | None = None


@dataclass(frozen=True)
class Selection:
    """The chargers of a target, and the ids in it that name none."""

    chargers: list[Charger]
    missing: list[str]


def find_chargers(organization: Organization, target: Target) -> Selection:
    """The organization's chargers that a target names, or TargetNotFound."""
    chargers = Charger.objects.filter(organization=organization).select_related("model")
    if target.charger_id is not None:
        charger = chargers.filter(pk=target.charger_id).first()
        if charger is None:
            raise TargetNotFound(f"There is no charger {target.charger_id}.")
        return Selection([charger], [])
    if target.location_id is not None:
        chargers = chargers.filter(location=_find_location(organization, target))
    if target.charger_ids is None:
        return Selection(list(chargers.order_by("created_at", "id")), [])
    return _pick(chargers, target.charger_ids)


def _find_location(organization: Organization, target: Target) -> Location:
    location = None
    try:
        key = uuid.UUID(target.location_id or "")
    except ValueError:
        pass
    else:
        location = Location.objects.filter(organization=organization, pk=key).first()
    if location is None:
        raise TargetNotFound(f"There is no location {target.location_id}.")
    return location


def _pick(chargers: QuerySet[Charger], ids: Sequence[str]) -> Selection:
    """The chargers with these ids in the order given, each once."""
    found = chargers.in_bulk(ids)
    wanted = dict.fromkeys(ids)
    return Selection(
        [found[pk] for pk in wanted if pk in found],
        [pk for pk in wanted if pk not in found],
    )


def resolve_connector(
    evse_id: int | None, connector_id: int | None, connector_count: int
) -> int:
    """The connector, 1 to ``connector_count``, that an event names.

    A 1.6 connector n is EVSE n, connector 1: callers may name it either way.
    CommandRefused when the charger has no such connector.
    """
    evse, connector = evse_id or 1, connector_id or 1
    number = max(evse, connector)
    if min(evse, connector) not in (1, number) or number > connector_count:
        have = (
            "1 connector" if connector_count == 1 else f"{connector_count} connectors"
        )
        named = f"connector {connector}"
        if evse_id is not None:
            named = f"EVSE {evse}, {named}"
        raise CommandRefused(f"There is no {named}: the charger has {have}.")
    return number
