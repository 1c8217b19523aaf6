"""The demo: an organization with a depot of virtual chargers, made on first start."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from ocpplab.credentials import remember, remembered_password
from ocpplab.models import Membership, Organization, Role, User
from ocpplab.services import create_token, ensure_organization

from .models import ChargerModel, IdTag, Location, VirtualChargerState
from .ocpp.versions import Version
from .services import register_charger
from .virtual.v2.device_model import key, values_to_state

ORGANIZATION = "demo"
OPERATOR = "operator"
CHARGERS = [  # identity, OCPP version, brand, model, connector type
    ("DEMO-AC-1", Version.V16, "wallbox", "wallbox-pulsar-plus", "Type2"),
    ("DEMO-AC-2", Version.V16, "wallbox", "wallbox-pulsar-plus", "Type2"),
    ("DEMO-AC-3", Version.V201, "schneider", "evlink-pro-ac-22kw", "Type2"),
    ("DEMO-DC-1", Version.V16, "abb", "terra-184", "CCS2"),
]
METER_VALUE_INTERVAL = "10"  # s; a demo should be seen to move
METER_VALUES_VARIABLE = key("SampledDataCtrlr", "TxUpdatedInterval")


def create_demo() -> bool:
    """Make the demo; False where it was made before, whatever became of it since."""
    with transaction.atomic():
        if Organization.objects.filter(slug=ORGANIZATION).exists():
            return False
        organization = ensure_organization(slug=ORGANIZATION, name="Demo Organization")
        _create_chargers(organization)
        _create_id_tags(organization)
        _create_operator(organization)
        _, secret = create_token(organization=organization, name="demo")
        # Within the transaction: a token that nobody can read would be of no use.
        remember(api_token=secret)
    return True


def _create_chargers(organization: Organization) -> None:
    depot = Location.objects.create(
        organization=organization,
        slug="demo-depot",
        name="Demo Depot",
        address="10 Rue de Bercy",
        city="Paris",
        country="FR",
        latitude=48.8387,
        longitude=2.3781,
        timezone="Europe/Paris",
    )
    for identity, version, brand, model, connector_type in CHARGERS:
        charger = register_charger(
            organization=organization,
            identity=identity,
            model=ChargerModel.objects.get(brand__slug=brand, slug=model),
            location=depot,
            connector_type=connector_type,
            ocpp_version=version.label,
        )
        VirtualChargerState.objects.create(charger=charger, data=_state(version))


def _state(version: Version) -> dict[str, Any]:
    """What a virtual charger keeps that is new but for its meter values."""
    if version.is_v16:
        settings = {"MeterValueSampleInterval": METER_VALUE_INTERVAL}
        return {"version": version.value, "configuration": settings}
    variables = values_to_state({METER_VALUES_VARIABLE: METER_VALUE_INTERVAL})
    return {"version": version.value, "variables": variables}


def _create_id_tags(organization: Organization) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    IdTag.objects.bulk_create(
        [
            IdTag(organization=organization, id_tag="TAG-RFID-001"),
            IdTag(
                organization=organization, id_tag="TAG-RFID-002", allows_concurrent=True
            ),
            IdTag(organization=organization, id_tag="TAG-BLOCKED", is_blocked=True),
            IdTag(
                organization=organization, id_tag="TAG-EXPIRED", expires_at=yesterday
            ),
        ]
    )


def _create_operator(organization: Organization) -> None:
    """A user who works in the admin with the rights of an operator."""
    if User.objects.filter(username=OPERATOR).exists():
        return
    user = User.objects.create_user(
        OPERATOR, password=remembered_password(OPERATOR), is_staff=True
    )
    Membership.objects.create(user=user, organization=organization, role=Role.OPERATOR)
