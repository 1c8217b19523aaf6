"""Registering chargers, changing and removing them."""

from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from chargers.choices import ChargerKind, OCPPVersion
from chargers.errors import InvalidCharger
from chargers.models import Charger, ChargerModel, Connector, Location
from ocpplab.encryption import encrypt
from ocpplab.models import Organization

PASSWORD_HASHER = "charger_pbkdf2"  # noqa: S105, see settings.PASSWORD_HASHERS


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


def password_matches(charger: Charger, password: str) -> bool:
    """Whether the password is the charger's; one without a password takes any."""
    if not charger.password_hash:
        return True
    return check_password(password, charger.password_hash, preferred=PASSWORD_HASHER)


def add_connectors(charger: Charger) -> None:
    """Make the rows of EVSE 0 (the whole charger) to n, as far as they are missing."""
    Connector.objects.bulk_create(
        [
            Connector(charger=charger, evse_id=number, connector_id=min(number, 1))
            for number in range(charger.connector_count + 1)
        ],
        ignore_conflicts=True,
    )
