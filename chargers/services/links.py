"""Chargers' links to their CSMS, and who holds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from chargers.choices import BootPolicy, ChargerKind, ProvisioningStatus
from chargers.errors import InvalidCharger
from chargers.models import Charger
from chargers.rows import update_rows
from ocpplab.models import Organization

from .registering import register_charger


class Address(NamedTuple):
    """Whom an endpoint path names."""

    organization: str  # its slug
    identity: str


def find_chargers(addresses: Sequence[Address]) -> list[Charger | None]:
    """The chargers that endpoint paths name."""
    rows = Charger.objects.select_related("organization", "model").filter(
        organization__slug__in={address.organization for address in addresses},
        identity__in={address.identity for address in addresses},
    )
    found = {(row.organization.slug, row.identity): row for row in rows.order_by()}
    return [found.get(address) for address in addresses]


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
                boot_policy=BootPolicy.PENDING,
            )
    except (InvalidCharger, IntegrityError):
        # Another connection of it may have been faster.
        [found] = find_chargers([Address(organization_slug, identity)])
        return found
    return charger


def keep_next_security_profile(charger: Charger, profile: int) -> None:
    """Note a security profile that the charger has accepted to come by."""
    Charger.objects.filter(pk=charger.pk).update(next_security_profile=profile)


def raise_security_profile(charger: Charger, profile: int) -> None:
    """Ask this profile of the charger from now on."""
    charger.security_profile = profile
    Charger.objects.filter(pk=charger.pk, security_profile__lt=profile).update(
        security_profile=profile
    )


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


@dataclass(frozen=True, slots=True)
class Opened:
    """The WebSocket of a physical charger is open."""

    charger: Charger
    connection_id: str
    holder: str
    version: str  # of OCPP, its label
    at: datetime


def mark_connected(opened: Sequence[Opened]) -> list[None]:
    """Note open connections; a newer one of a charger takes the place of an older.

    A charger that has booted before is online at once: it need not boot after a mere
    loss of its link. It speaks the OCPP version that was agreed on now.
    """
    update_rows(
        Charger,
        (
            "connection_id",
            "holder",
            "ocpp_version",
            "connected_at",
            "is_online",
            "link_detail",
            "id",
        ),
        [
            (
                one.connection_id,
                one.holder,
                one.version,
                one.at,
                has_booted(one.charger),
                "",
                one.charger.pk,
            )
            for one in opened
        ],
    )
    return [None] * len(opened)


class Closed(NamedTuple):
    """The WebSocket of a physical charger is closed."""

    charger_id: str
    connection_id: str
    detail: str


@transaction.atomic(savepoint=False)  # many share a group commit
def mark_disconnected(closed: Sequence[Closed]) -> None:
    """Note closed connections, but where a newer one has taken its place."""
    by_detail: dict[str, list[Closed]] = {}
    for one in closed:
        by_detail.setdefault(one.detail, []).append(one)
    for detail, group in by_detail.items():
        # Connection ids are unique.
        Charger.objects.filter(
            pk__in=[one.charger_id for one in group],
            connection_id__in=[one.connection_id for one in group],
        ).update(
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
