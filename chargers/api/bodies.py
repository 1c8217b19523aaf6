"""The bodies that the REST API takes of locations and chargers (contract, 7 to 9)."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django.db.models import Field
from rest_framework import serializers

from chargers.choices import BootPolicy, ChargerKind, OCPPVersion, SecurityProfile
from chargers.models import Charger, Location
from ocpplab.serializers import (
    BooleanField,
    CharField,
    FloatField,
    IntegerField,
    PartialSerializer,
    StrictSerializer,
)

BATCH_LIMIT = 10_000  # chargers in one request


def text_of(model: type[Location] | type[Charger], name: str, **kwargs: Any) -> Any:
    """A text that the field of the model takes."""
    field = model._meta.get_field(name)
    assert isinstance(field, Field)
    return CharField(validators=field.validators, **kwargs)


def optional(model: type[Location] | type[Charger], name: str, **kwargs: Any) -> Any:
    return text_of(model, name, required=False, allow_null=True, **kwargs)


# --- Locations ------------------------------------------------------------------------


@cache
def _timezones() -> set[str]:
    return available_timezones()


def check_timezone(name: str) -> None:
    if name not in _timezones():
        raise serializers.ValidationError("No IANA time zone, such as Europe/Paris.")


class CoordinatesRequest(StrictSerializer):
    latitude = FloatField(min_value=-90, max_value=90)
    longitude = FloatField(min_value=-180, max_value=180)


class LocationRequest(StrictSerializer):
    name = text_of(Location, "name")
    address = text_of(Location, "address")
    city = text_of(Location, "city")
    country = text_of(Location, "country", help_text="ISO 3166-1 alpha-2, as FR.")
    coordinates = CoordinatesRequest()
    timezone = CharField(
        max_length=50,
        validators=[check_timezone],
        required=False,
        allow_null=True,
        help_text="IANA name, such as Europe/Paris.",
    )
    owner_name = optional(Location, "owner_name")
    public = BooleanField(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values = super().to_internal_value(data)
        coordinates = values.pop("coordinates", {})
        return {**values, **coordinates}


class UpdateLocationRequest(PartialSerializer, LocationRequest):
    slug = serializers.RegexField(r"^[-a-zA-Z0-9_]+\Z", max_length=120)
    status = text_of(Location, "status")

    cleared = {"timezone": None, "owner_name": None}


# --- Chargers -------------------------------------------------------------------------


# How the portal's own endpoint meets a charger.
def security_profile() -> Any:
    return serializers.ChoiceField(
        SecurityProfile.choices,
        required=False,
        allow_null=True,
        help_text="What its connection to the portal must offer at least: 1 a password, "
        "2 TLS too, 3 a client certificate.",
    )


def boot_policy() -> Any:
    return serializers.ChoiceField(
        BootPolicy.choices,
        required=False,
        allow_null=True,
        help_text="What the portal answers its BootNotification.",
    )


def boot_interval() -> Any:
    return IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        required=False,
        allow_null=True,
        help_text="Answered with it, s; 0: the portal's default.",
    )


class ChargerRequest(StrictSerializer):
    """A charger that the fleet runs."""

    identity = text_of(Charger, "identity")
    brand_slug = CharField(max_length=100)
    model_slug = CharField(max_length=100)
    connector_type = text_of(Charger, "connector_type")
    ws_url = text_of(Charger, "ws_url", help_text="Of the CSMS, without the identity.")
    ocpp_version = serializers.ChoiceField(
        OCPPVersion.choices, required=False, allow_null=True, help_text="OCPP1.6."
    )
    charge_point_name = optional(Charger, "name")
    location_id = CharField(max_length=100, required=False, allow_null=True)
    location_name = optional(Charger, "location_name")
    kind = serializers.ChoiceField(
        [ChargerKind.VIRTUAL.value], required=False, allow_null=True
    )
    password = CharField(
        max_length=100,
        required=False,
        allow_null=True,
        write_only=True,
        help_text="For Basic authentication at the CSMS.",
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values = super().to_internal_value(data)
        if "charge_point_name" in values:
            values["name"] = values.pop("charge_point_name")
        return values


class PhysicalChargerRequest(ChargerRequest):
    """A charger that dials the portal's own endpoint."""

    brand_slug = CharField(max_length=100, required=False, allow_null=True)
    model_slug = CharField(max_length=100, required=False, allow_null=True)
    connector_type = optional(Charger, "connector_type")
    ws_url = None
    kind = serializers.ChoiceField([ChargerKind.PHYSICAL.value])

    security_profile = security_profile()
    boot_policy = boot_policy()
    boot_interval = boot_interval()


def charger_request(data: Any) -> ChargerRequest:
    """The serializer for the kind of charger that a body asks for."""
    is_physical = isinstance(data, dict) and data.get("kind") == ChargerKind.PHYSICAL
    return (PhysicalChargerRequest if is_physical else ChargerRequest)(data=data)


class UpdateChargerRequest(PartialSerializer):
    name = text_of(Charger, "name")
    charge_point_name = text_of(Charger, "name", help_text="Another word for name.")
    connector_type = text_of(Charger, "connector_type")
    ocpp_version = serializers.ChoiceField(OCPPVersion.choices)
    ws_url = text_of(Charger, "ws_url")
    location_id = CharField(max_length=100)
    location_name = text_of(Charger, "location_name")
    security_profile = security_profile()
    boot_policy = boot_policy()
    boot_interval = boot_interval()

    cleared = {
        "name": "",
        "charge_point_name": "",
        "location_id": None,
        "location_name": "",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values = super().to_internal_value(data)
        names = [
            values.pop(name) for name in ("name", "charge_point_name") if name in values
        ]
        return {**values, **({"name": max(names, key=bool)} if names else {})}


# --- Chargers of a location -----------------------------------------------------------


class GroupTemplate(StrictSerializer):
    brand_slug = CharField(max_length=100)
    model_slug = CharField(max_length=100)
    connector_type = text_of(Charger, "connector_type")
    ws_url = text_of(Charger, "ws_url")
    ocpp_version = serializers.ChoiceField(
        OCPPVersion.choices, required=False, allow_null=True, help_text="OCPP1.6."
    )
    identity_prefix = CharField(
        max_length=48, required=False, allow_null=True, allow_blank=True
    )
    template_name = CharField(
        max_length=150, required=False, allow_null=True, allow_blank=True
    )


class ChargerGroup(StrictSerializer):
    """Chargers alike: with these suffixes, or so many of them, or both."""

    template = GroupTemplate()
    charger_ids = serializers.ListField(
        child=CharField(max_length=48),
        required=False,
        allow_null=True,
        max_length=BATCH_LIMIT,
        help_text="Suffixes of their identities.",
    )
    chargers_number = IntegerField(
        min_value=1,
        max_value=BATCH_LIMIT,
        required=False,
        allow_null=True,
        help_text="Suffixes are cut, or filled up with random ones, to so many.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("charger_ids") and attrs.get("chargers_number") is None:
            raise serializers.ValidationError(
                "Name charger_ids or chargers_number, or both."
            )
        return attrs

    @staticmethod
    def size_of(group: dict[str, Any]) -> int:
        return group.get("chargers_number") or len(group["charger_ids"])


class ChargerGroups(serializers.ListSerializer):
    """The body of a bulk create: a bare array."""

    child = ChargerGroup()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_empty=False, max_length=BATCH_LIMIT, **kwargs)

    def validate(self, attrs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if sum(map(ChargerGroup.size_of, attrs)) > BATCH_LIMIT:
            raise serializers.ValidationError(
                f"At most {BATCH_LIMIT} chargers in one request.", "too_long"
            )
        return attrs


class UpdateLocationChargerItem(UpdateChargerRequest):
    charger_id = CharField(max_length=100)

    always = ("charger_id",)


class UpdateLocationChargersRequest(StrictSerializer):
    chargers = UpdateLocationChargerItem(many=True, allow_empty=False)
