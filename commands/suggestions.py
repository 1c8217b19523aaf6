"""What the form of a command suggests, from how the charger is now."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from chargers.choices import ConnectorStatus
from chargers.models import Charger, IdTag, Transaction

from .models import Command, Status
from .registry import Definition

# Where a command of this name is likely meant: connectors in one of these states.
FITTING = {
    "start_session": (ConnectorStatus.AVAILABLE, ConnectorStatus.PREPARING),
    "start_transaction": (ConnectorStatus.PREPARING, ConnectorStatus.OCCUPIED),
    "plug_connector": (ConnectorStatus.AVAILABLE,),
    "clear_fault": (ConnectorStatus.FAULTED,),
    "ev_requests_energy": (ConnectorStatus.SUSPENDED_EV,),
    "ev_stops_energy": (ConnectorStatus.CHARGING,),
}


@dataclass(frozen=True)
class Suggestions:
    """For one charger: its connectors with their states, and values to begin with."""

    connectors: list[tuple[int, str]] = field(default_factory=list)
    initial: dict[str, object] = field(default_factory=dict)
    max_power_w: int | None = None


def suggestions_for(definition: Definition, charger: Charger) -> Suggestions:
    """In a fixed number of queries, and only those that the command's fields need."""
    wanted = definition.event().fields
    found = Suggestions(max_power_w=charger.max_power_w)
    open_ones: list[Transaction] = []
    if "connector_id" in wanted or "transaction_id" in wanted:
        running = charger.transactions.filter(stopped_at=None)
        open_ones = list(running.order_by("-started_at")[:2])
    if "connector_id" in wanted:
        states = {c.evse_id: c.status for c in charger.connectors.all()}
        numbers = range(1, charger.connector_count + 1)
        found.connectors.extend(
            (number, states.get(number, ConnectorStatus.UNKNOWN)) for number in numbers
        )
        number = _likely(definition, found.connectors, open_ones)
        if number is not None:
            found.initial["connector_id"] = number
    if "transaction_id" in wanted and len(open_ones) == 1:
        found.initial["transaction_id"] = open_ones[0].transaction_id
    if "id_tag" in wanted and (tag := _last_id_tag(charger)):
        found.initial["id_tag"] = tag
    if "list_version" in wanted:
        found.initial["list_version"] = _last_list_version(charger) + 1
    if "power_w" in wanted:
        found.initial["power_w"] = charger.max_power_w
    return found


def _likely(
    definition: Definition,
    connectors: Sequence[tuple[int, str]],
    open_ones: Sequence[Transaction],
) -> int | None:
    """The connector that is likely meant; None says that each is as likely."""
    if (fitting := FITTING.get(definition.name)) is not None:
        found = [number for number, status in connectors if status in fitting]
    else:
        found = [transaction.evse_id for transaction in open_ones]
    return found[0] if len(connectors) > 1 and found else None


def _last_id_tag(charger: Charger) -> str:
    """The one presented last at this charger; else one that the organization accepts."""
    used = charger.transactions.exclude(id_tag="").order_by("-started_at")
    if tag := used.values_list("id_tag", flat=True).first():
        return tag
    accepted = charger.organization.id_tags.filter(is_blocked=False, expires_at=None)
    return accepted.order_by("pk").values_list("id_tag", flat=True).first() or ""


def shared_id_tag(chargers: Sequence[Charger]) -> str:
    """One that may charge at several chargers at once; "" where there is none."""
    tags = IdTag.objects.filter(
        organization__in={charger.organization_id for charger in chargers},
        allows_concurrent=True,
        is_blocked=False,
        expires_at=None,
    )
    return tags.order_by("pk").values_list("id_tag", flat=True).first() or ""


def _last_list_version(charger: Charger) -> int:
    """Of the local list that was sent last and taken; 0 where there is none."""
    lists = ("local-auth-list", "clear-local-auth-list")
    sent = Command.objects.filter(
        charger=charger, slug__in=lists, status=Status.APPLIED
    ).first()
    version = sent.event.get("list_version", 0) if sent else 0
    return version if isinstance(version, int) else 0
