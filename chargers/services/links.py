"""Chargers' links to their CSMS, and who holds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from chargers.choices import BootPolicy, ChargerKind, ProvisioningStatus
from chargers.errors import InvalidCharger
from chargers.models import Charger
from ocpplab.models import Organization

from .registering import register_charger


def find_charger(organization_slug: str, identity: str) -> Charger | None:
    """The charger that an endpoint path names."""
    return (
        Charger.objects.select_related("organization", "model")
        .filter(organization__slug=organization_slug, identity=identity)
        .first()
    )


def register_unknown_charger(organization_slug: str, identity: str) -> Charger | None:
    """Register who dials the endpoint of an organization, for an operator to accept.

    None where there is no such organization, or the identity cannot be one.
    """
    organization = Organization.objects.filter(slug=organization_slug).first()
    if organization is None:
        return None
    try:
        with transaction.atomic():
            charger = register_charger(
                organization=organization,
                identity=identity,
                kind=ChargerKind.PHYSICAL,
            )
            charger.boot_policy = BootPolicy.PENDING
            charger.save(update_fields=["boot_policy"])
    except (InvalidCharger, IntegrityError):
        # Another connection of it may have been faster.
        return find_charger(organization_slug, identity)
    return charger


@dataclass(frozen=True, slots=True)
class Link:
    """A change of a charger's link to its CSMS."""

    charger_id: str
    holder: str  # name of the process that saw it; another's charger is left alone
    is_up: bool
    detail: str
    at: datetime


@transaction.atomic
def record_links(links: Sequence[Link]) -> None:
    """Note which chargers are online: the last word on each counts."""
    last = {link.charger_id: link for link in links}
    groups: dict[tuple[str, bool, str], list[Link]] = {}
    for link in last.values():
        groups.setdefault((link.holder, link.is_up, link.detail), []).append(link)
    for (holder, is_up, detail), group in groups.items():
        at = max(link.at for link in group)
        times = {"connected_at": at} if is_up else {"disconnected_at": at}
        Charger.objects.filter(
            pk__in=[link.charger_id for link in group], holder=holder
        ).update(is_online=is_up, link_detail=detail[:200], **times)
    _make_ready([link.charger_id for link in last.values() if link.is_up])


def _make_ready(charger_ids: Sequence[str]) -> None:
    """A charger whose boot was accepted is provisioned, however late."""
    if charger_ids:
        Charger.objects.filter(pk__in=charger_ids).exclude(
            provisioning_status=ProvisioningStatus.READY
        ).update(
            provisioning_status=ProvisioningStatus.READY,
            provisioning_error=None,
            provisioned_at=timezone.now(),
        )


def has_booted(charger: Charger) -> bool:
    """Whether a boot of it was accepted, and it need not boot again to be heard."""
    return charger.booted_at is not None and charger.boot_policy == BootPolicy.ACCEPTED


def mark_connected(
    charger: Charger, *, connection_id: str, holder: str, version: str
) -> None:
    """A physical charger's WebSocket is open; a newer connection replaces an older.

    One that has booted before is online at once: it need not boot after a mere loss of
    its link. It speaks the OCPP version that was agreed on now.
    """
    Charger.objects.filter(pk=charger.pk).update(
        connection_id=connection_id,
        holder=holder,
        ocpp_version=version,
        connected_at=timezone.now(),
        is_online=has_booted(charger),
        link_detail="",
    )


def mark_disconnected(charger: Charger, *, connection_id: str, detail: str) -> None:
    """A physical charger's WebSocket is closed, unless a newer one has replaced it."""
    Charger.objects.filter(pk=charger.pk, connection_id=connection_id).update(
        connection_id="",
        holder=None,
        is_online=False,
        disconnected_at=timezone.now(),
        link_detail=detail[:200],
    )


def mark_lost_chargers(renewed_after: datetime) -> None:
    """Chargers whose process is gone are offline, until another takes them."""
    lost = Q(holder=None) | Q(holder__renewed_at__lt=renewed_after)
    Charger.objects.filter(lost, is_online=True).update(
        is_online=False,
        disconnected_at=timezone.now(),
        link_detail="The process that held it stopped.",
    )
