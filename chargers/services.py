"""Every write to chargers and to what they report (the tour's step 8).

Plain functions, one transaction each, which know neither requests nor sockets.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from ocpplab.encryption import encrypt
from ocpplab.models import Organization

from .choices import ChargerKind, OCPPVersion
from .errors import InvalidCharger
from .models import (
    Charger,
    ChargerModel,
    Connector,
    IdTag,
    Location,
    Message,
    MeterValue,
    Transaction,
    VirtualChargerState,
)
from .ocpp.values import parse_time

ACCEPTED = "Accepted"
PASSWORD_HASHER = "charger_pbkdf2"  # noqa: S105, see settings.PASSWORD_HASHERS


# --- Registering ------------------------------------------------------------------------


@transaction.atomic
def register_charger(
    *,
    organization: Organization,
    identity: str,
    kind: str = ChargerKind.VIRTUAL,
    model: ChargerModel | None = None,
    location: Location | None = None,
    name: str = "",
    location_name: str = "",
    connector_type: str = "",
    ocpp_version: str = OCPPVersion.V16,
    ws_url: str = "",
    password: str = "",
    connector_count: int | None = None,
) -> Charger:
    """Make a charger with its connectors; InvalidCharger tells what is wrong with it."""
    charger = Charger(
        organization=organization,
        identity=identity,
        kind=kind,
        model=model,
        location=location,
        name=name,
        location_name=location_name,
        connector_type=connector_type,
        ocpp_version=ocpp_version,
        ws_url=ws_url.rstrip("/"),
        connector_count=connector_count or (model.connector_count if model else 1),
        provisioned_at=timezone.now(),
    )
    set_password(charger, password)
    if location is not None and location.organization_id != organization.pk:
        raise InvalidCharger("The location belongs to another organization.")
    try:
        charger.full_clean()
    except ValidationError as error:
        raise InvalidCharger(" ".join(error.messages)) from None
    charger.save(force_insert=True)
    add_connectors(charger)
    return charger


def set_password(charger: Charger, password: str) -> None:
    """Give the charger a password, or none; the caller saves it.

    Our endpoint keeps a hash. A virtual charger has to present the password, to us or to
    another CSMS: it is kept encrypted as well.
    """
    charger.password_hash = ""
    charger.password_encrypted = ""
    if password:
        charger.password_hash = make_password(password, hasher=PASSWORD_HASHER)
        if charger.is_virtual:
            charger.password_encrypted = encrypt(password)


def add_connectors(charger: Charger) -> None:
    """Make the rows of EVSE 0 (the whole charger) to n, as far as they are missing."""
    Connector.objects.bulk_create(
        [
            Connector(charger=charger, evse_id=number, connector_id=min(number, 1))
            for number in range(charger.connector_count + 1)
        ],
        ignore_conflicts=True,
    )


# --- Connections ------------------------------------------------------------------------


def find_charger(organization_slug: str, identity: str) -> Charger | None:
    """The charger that an endpoint path names."""
    return (
        Charger.objects.select_related("organization", "model")
        .filter(organization__slug=organization_slug, identity=identity)
        .first()
    )


def password_matches(charger: Charger, password: str) -> bool:
    """Whether the password is the charger's; one without a password takes any."""
    if not charger.password_hash:
        return True
    return check_password(password, charger.password_hash, preferred=PASSWORD_HASHER)


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


def mark_connected(charger: Charger, *, connection_id: str, holder: str) -> None:
    """A physical charger's WebSocket is open; a newer connection replaces an older.

    One that has booted before is online at once: it need not boot after a mere loss of
    its link.
    """
    Charger.objects.filter(pk=charger.pk).update(
        connection_id=connection_id,
        holder=holder,
        connected_at=timezone.now(),
        is_online=bool(charger.boot),
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


# --- What chargers report ---------------------------------------------------------------


def record_boot(charger: Charger, boot: Mapping[str, Any]) -> None:
    """Keep a BootNotification that was accepted."""
    now = timezone.now()
    fields: dict[str, Any] = {"boot": dict(boot), "booted_at": now}
    if not charger.is_virtual:
        fields["is_online"] = True
    Charger.objects.filter(pk=charger.pk).update(**fields)


def record_status(
    charger: Charger,
    *,
    evse_id: int,
    connector_id: int,
    status: str,
    error_code: str = "",
    info: str = "",
    at: datetime | None = None,
) -> None:
    """Keep a connector's status as reported."""
    Connector.objects.bulk_create(
        [
            Connector(
                charger=charger,
                evse_id=evse_id,
                connector_id=connector_id,
                status=status,
                error_code="" if error_code == "NoError" else error_code,
                info=info,
                status_at=at or timezone.now(),
            )
        ],
        update_conflicts=True,
        unique_fields=["charger", "evse_id", "connector_id"],
        update_fields=["status", "error_code", "info", "status_at"],
    )


@dataclass(frozen=True, slots=True)
class Authorization:
    """The verdict on an id tag: Accepted, Blocked, Expired, Invalid, ConcurrentTx."""

    status: str
    parent_id_tag: str = ""
    expires_at: datetime | None = None


def authorize(charger: Charger, id_tag: str) -> Authorization:
    """Whether an id tag may charge in the charger's organization (OCPP 1.6, 4.1)."""
    return _authorization(_find_id_tag(charger, id_tag))


def _find_id_tag(charger: Charger, id_tag: str) -> IdTag | None:
    tags = IdTag.objects.alias(key=Lower("id_tag"))
    return tags.filter(
        organization_id=charger.organization_id, key=id_tag.lower()
    ).first()


def _authorization(tag: IdTag | None) -> Authorization:
    if tag is None:
        return Authorization("Invalid")
    if tag.is_blocked:
        status = "Blocked"
    elif tag.is_expired(timezone.now()):
        status = "Expired"
    else:
        status = ACCEPTED
    return Authorization(status, tag.parent_id_tag, tag.expires_at)


@transaction.atomic
def start_transaction(
    charger: Charger, *, evse_id: int, id_tag: str, meter_start_wh: int, at: datetime
) -> tuple[Transaction, Authorization]:
    """Record a transaction that a 1.6 charger began, and give it its id.

    It is recorded whatever the id tag: the charger may have started it offline. A
    repeated StartTransaction means the same transaction (OCPP 1.6, 3.7.1).
    """
    tag = _find_id_tag(charger, id_tag)
    authorization = _authorization(tag)
    known = Transaction.objects.filter(
        charger=charger, evse_id=evse_id, connector_id=1, started_at=at, id_tag=id_tag
    ).first()
    if known is not None:
        return known, Authorization(
            known.authorization, authorization.parent_id_tag, authorization.expires_at
        )
    _close_forgotten(charger, evse_id, at)
    if tag and authorization.status == ACCEPTED and _is_busy(tag):
        authorization = Authorization("ConcurrentTx", tag.parent_id_tag, tag.expires_at)
    begun = Transaction.objects.create(
        charger=charger,
        evse_id=evse_id,
        id_tag=id_tag,
        authorization=authorization.status,
        started_at=at,
        meter_start_wh=meter_start_wh,
    )
    begun.transaction_id = str(begun.pk)
    begun.save(update_fields=["transaction_id"])
    return begun, authorization


def _is_busy(tag: IdTag) -> bool:
    """Whether a transaction of this id tag runs, and it may have only one."""
    if tag.allows_concurrent:
        return False
    running = Transaction.objects.alias(key=Lower("id_tag")).filter(
        charger__organization_id=tag.organization_id,
        key=tag.id_tag.lower(),
        authorization=ACCEPTED,
        stopped_at=None,
    )
    return running.exists()


def _close_forgotten(charger: Charger, evse_id: int, at: datetime) -> None:
    """End the connector's open transactions: it has begun another, so they are over.

    Their StopTransaction never came; the last meter value tells what they delivered.
    """
    forgotten = charger.transactions.filter(evse_id=evse_id, stopped_at=None)
    for row in forgotten:
        last = row.meter_values.order_by("-timestamp").first()
        energy = last.energy_wh if last else None
        row.stopped_at = at
        row.stop_reason = "Other"
        row.meter_stop_wh = row.meter_start_wh if energy is None else round(energy)
        row.save(update_fields=["stopped_at", "stop_reason", "meter_stop_wh"])


@transaction.atomic
def stop_transaction(
    charger: Charger,
    *,
    transaction_id: str,
    meter_stop_wh: int,
    at: datetime,
    reason: str,
    id_tag: str = "",
    meter_values: Sequence[Mapping[str, Any]] = (),
) -> Authorization | None:
    """Record the end of a transaction; the verdict on its id tag, if it names one.

    A repeated StopTransaction changes nothing.
    """
    row = charger.transactions.filter(transaction_id=transaction_id).first()
    if row is not None and row.is_open:
        row.stopped_at = at
        row.meter_stop_wh = meter_stop_wh
        row.stop_reason = reason
        row.stop_id_tag = id_tag
        row.save(
            update_fields=["stopped_at", "meter_stop_wh", "stop_reason", "stop_id_tag"]
        )
        _add_meter_values(charger, row.evse_id, row, meter_values)
    return authorize(charger, id_tag) if id_tag else None


def record_meter_values(
    charger: Charger,
    *,
    evse_id: int,
    transaction_id: str,
    meter_values: Sequence[Mapping[str, Any]],
) -> None:
    """Keep meter values as OCPP has them: ``{timestamp, sampledValue}`` each."""
    row = None
    if transaction_id:
        row = charger.transactions.filter(transaction_id=transaction_id).first()
    _add_meter_values(charger, evse_id, row, meter_values)


def _add_meter_values(
    charger: Charger,
    evse_id: int,
    row: Transaction | None,
    meter_values: Iterable[Mapping[str, Any]],
) -> None:
    MeterValue.objects.bulk_create(
        MeterValue(
            charger=charger,
            transaction=row,
            evse_id=evse_id,
            timestamp=parse_time(value["timestamp"]),
            sampled_values=value["sampledValue"],
        )
        for value in meter_values
    )


def open_transaction(
    charger: Charger, *, transaction_id: str | None = None, evse_id: int | None = None
) -> Transaction | None:
    """The running transaction with this id, or on this EVSE, or the first there is."""
    running = charger.transactions.filter(stopped_at=None)
    if transaction_id is not None:
        running = running.filter(transaction_id=transaction_id)
    if evse_id is not None:
        running = running.filter(evse_id=evse_id)
    return running.order_by("evse_id", "id").first()


def record_messages(messages: Sequence[Message]) -> None:
    """Add to the OCPP message log."""
    Message.objects.bulk_create(messages)


def delete_old_messages(before: datetime) -> None:
    """Drop messages past their retention."""
    Message.objects.filter(timestamp__lt=before).delete()


def mark_lost_chargers(renewed_after: datetime) -> None:
    """Chargers whose process is gone are offline, until another takes them."""
    lost = Q(holder=None) | Q(holder__renewed_at__lt=renewed_after)
    Charger.objects.filter(lost, is_online=True).update(
        is_online=False,
        disconnected_at=timezone.now(),
        link_detail="The process that held it stopped.",
    )


# --- The flash memory of virtual chargers -------------------------------------------------


@dataclass(frozen=True, slots=True)
class SavedState:
    """What a virtual charger wants kept, and the process that runs it."""

    charger_id: str
    holder: str
    data: dict[str, Any]


@transaction.atomic
def save_virtual_states(states: Sequence[SavedState]) -> None:
    """Keep the last state of each charger, unless another process holds it by now."""
    last = {state.charger_id: state for state in states}
    held = Charger.objects.filter(
        pk__in=last, holder__in={state.holder for state in states}
    )
    now = timezone.now()
    VirtualChargerState.objects.bulk_create(
        [
            VirtualChargerState(charger_id=pk, data=last[pk].data, updated_at=now)
            for pk in held.values_list("pk", flat=True)
        ],
        update_conflicts=True,
        unique_fields=["charger"],
        update_fields=["data", "updated_at"],
    )


def virtual_states(charger_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The states last saved, by charger; a charger that never ran has none."""
    saved = VirtualChargerState.objects.filter(pk__in=charger_ids)
    return dict(saved.values_list("pk", "data"))
