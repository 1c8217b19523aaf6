"""Registering chargers, changing and removing them."""

import contextlib
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from chargers.choices import (
    BootPolicy,
    ChargerKind,
    OCPPVersion,
    SecurityProfile,
)
from chargers.connections import recheck
from chargers.errors import InvalidCharger
from chargers.models import Charger, ChargerModel, Connector, Location
from ocpplab.encryption import encrypt
from ocpplab.models import Organization

PASSWORD_HASHER = "charger_hmac"  # noqa: S105, see settings.PASSWORD_HASHERS


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
    security_profile: int = SecurityProfile.UNSECURED,
    boot_policy: str = BootPolicy.ACCEPTED,
    boot_interval: int = 0,
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
        security_profile=security_profile,
        boot_policy=boot_policy,
        boot_interval=boot_interval,
    )
    set_password(charger, password)
    if model is not None and connector_type:
        check_connector_type(model, connector_type)
    _check(charger)
    charger.save(force_insert=True)
    add_connectors(charger)
    return charger


@transaction.atomic
def update_charger(charger: Charger, changes: Mapping[str, Any]) -> Charger:
    """Change the named fields alone: name, connector_type, ocpp_version, ws_url,
    location, location_name. A virtual charger whose CSMS or version changes redials.
    """
    for name, value in changes.items():
        setattr(charger, name, value.rstrip("/") if name == "ws_url" else value)
    if changes.get("connector_type") and charger.model is not None:
        check_connector_type(charger.model, charger.connector_type)
    _check(charger)
    charger.save(update_fields=[*changes, "updated_at"])
    return charger


def delete_charger(charger: Charger) -> None:
    """Remove a charger and all it reported. Whoever holds it hangs up."""
    hang_up(Charger.objects.filter(pk=charger.pk))
    charger.delete()


def hang_up(chargers: QuerySet[Charger]) -> None:
    """Have the connections of chargers that are removed end: the fleet sees by itself."""
    physical = chargers.filter(kind=ChargerKind.PHYSICAL)
    recheck(list(physical.values_list("pk", flat=True)))


def set_running(chargers: QuerySet[Charger], is_running: bool) -> int:
    """Start or stop the runtimes of virtual chargers: the fleet follows. How many."""
    return chargers.update(is_enabled=is_running)


def restart(chargers: QuerySet[Charger]) -> int:
    """Have virtual chargers hang up and boot anew, started if they were stopped."""
    return chargers.update(is_enabled=True, restarts=F("restarts") + 1)


def find_model(brand_slug: str, model_slug: str) -> ChargerModel | None:
    """The model of the catalog with these slugs."""
    return (
        ChargerModel.objects.select_related("brand")
        .filter(brand__slug=brand_slug, slug=model_slug)
        .first()
    )


def check_connector_type(model: ChargerModel | None, connector_type: str) -> None:
    """InvalidCharger unless the model exists and has such connectors."""
    if model is None:
        raise InvalidCharger("The catalog has no such brand and model.")
    if connector_type not in model.connector_types:
        has = ", ".join(model.connector_types)
        raise InvalidCharger(f"{model} has no {connector_type} connector, but {has}.")


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


def password_matches(charger: Charger, presented: bytes) -> bool:
    """Whether the password is the charger's; one without a password takes any."""
    return not charger.password_hash or _reading_of(charger, presented) is not None


def has_slow_hash(charger: Charger) -> bool:
    """Whether it takes long to check its password: an earlier version hashed that."""
    return bool(charger.password_hash) and not charger.password_hash.startswith(
        f"{PASSWORD_HASHER}$"
    )


def renew_hash(charger: Charger, presented: bytes) -> bool:
    """As ``password_matches``; if it does, it takes no longer from now on."""
    password = _reading_of(charger, presented)
    if password is not None:
        keep_password(charger, password)
    return password is not None


def _reading_of(charger: Charger, presented: bytes) -> str | None:
    """What was presented, as the charger's password is written; None if it is another.

    A key that was set as hexadecimal digits may be presented as those, or as the bytes
    that they stand for (OCPP-J 1.6, 6.2.2).
    """
    readings = [presented.hex(), presented.hex().upper()]
    with contextlib.suppress(UnicodeDecodeError):
        readings.insert(0, presented.decode())
    for reading in readings:
        if check_password(reading, charger.password_hash, preferred=PASSWORD_HASHER):
            return reading
    return None


def keep_password(charger: Charger, password: str) -> None:
    """From now on the charger presents this password, which it has accepted."""
    set_password(charger, password)
    Charger.objects.filter(pk=charger.pk).update(
        password_hash=charger.password_hash,
        password_encrypted=charger.password_encrypted,
    )


def add_connectors(charger: Charger) -> None:
    """Make the rows of EVSE 0 (the whole charger) to n, as far as they are missing."""
    Connector.objects.bulk_create(
        [
            Connector(charger=charger, evse_id=number, connector_id=min(number, 1))
            for number in range(charger.connector_count + 1)
        ],
        ignore_conflicts=True,
    )


def _check(charger: Charger) -> None:
    location = charger.location
    if location is not None and location.organization_id != charger.organization_id:
        raise InvalidCharger("The location belongs to another organization.")
    try:
        charger.full_clean()
    except ValidationError as error:
        raise InvalidCharger(" ".join(error.messages)) from None
