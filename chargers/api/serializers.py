"""What the REST API shows of locations, catalog, chargers and logs (contract, 6 to 9)."""

from typing import Any

from rest_framework import serializers

from chargers.choices import ProvisioningStatus
from chargers.models import Brand, Charger, ChargerModel, Location, Message


class OptionalText(serializers.CharField):
    """Text that is null rather than empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]
        return super().to_representation(value) or None


class BrandSerializer(serializers.ModelSerializer):
    image_url = OptionalText(default=None)

    class Meta:
        model = Brand
        fields = ["id", "slug", "name", "image_url", "created_at"]


class ModelSerializer(serializers.ModelSerializer):
    brand_slug = serializers.CharField(source="brand.slug")
    brand_id = serializers.UUIDField()
    image_url = OptionalText(default=None)
    supported_kwh = serializers.ListField(
        child=serializers.FloatField(), help_text="Power ratings, kW."
    )
    connector_types = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = ChargerModel
        fields = [
            "id",
            "slug",
            "name",
            "brand_slug",
            "brand_id",
            "image_url",
            "connector_count",
            "current_type",
            "supported_kwh",
            "connector_types",
            "created_at",
        ]


class CoordinatesSerializer(serializers.Serializer):
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()


class LocationSerializer(serializers.ModelSerializer):
    coordinates = CoordinatesSerializer(source="*")

    class Meta:
        model = Location
        fields = [
            "id",
            "slug",
            "name",
            "address",
            "city",
            "country",
            "coordinates",
            "timezone",
            "owner_name",
            "public",
            "status",
            "created_at",
            "updated_at",
        ]


class ChargerSerializer(serializers.ModelSerializer):
    name = serializers.CharField(source="display_name")
    vendor_name = OptionalText(source="model.brand.name", default=None)
    model = OptionalText(source="model.name", default=None)
    image_url = OptionalText(default=None)
    number_of_connectors = serializers.IntegerField(source="connector_count")
    max_charging_power = serializers.IntegerField(
        source="model.max_power_w",
        default=None,
        allow_null=True,
        help_text="Rating of one connector, W.",
    )
    connector_type = OptionalText()
    location_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = Charger
        fields = [
            "id",
            "identity",
            "name",
            "vendor_name",
            "model",
            "image_url",
            "ocpp_version",
            "number_of_connectors",
            "max_charging_power",
            "connector_type",
            "location_id",
            "created_at",
            "updated_at",
        ]


class ProvisioningErrorSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()
    step = serializers.CharField(required=False, allow_null=True)
    param = serializers.CharField(required=False, allow_null=True)
    doc_url = serializers.CharField(required=False, allow_null=True)
    retryable = serializers.BooleanField(required=False, allow_null=True)


class ChargerStatusSerializer(serializers.ModelSerializer):
    charger_id = serializers.CharField(source="id")
    status = serializers.ChoiceField(
        ProvisioningStatus.choices, source="provisioning_status"
    )
    workflow_run_id = OptionalText()
    error = ProvisioningErrorSerializer(source="provisioning_error", allow_null=True)

    class Meta:
        model = Charger
        fields = ["charger_id", "status", "workflow_run_id", "error", "provisioned_at"]


class MessageSerializer(serializers.ModelSerializer):
    message = serializers.CharField(source="text", help_text="The frame as sent.")

    class Meta:
        model = Message
        fields = ["direction", "action", "message", "timestamp"]


# Query parameters; those of lists and logs come on top (ocpplab.api).


class ChargerQuery(serializers.Serializer):
    location_id = serializers.CharField(required=False)


class SubsetQuery(serializers.Serializer):
    charger_ids = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False
    )


class MessageQuery(serializers.Serializer):
    start_date = serializers.DateTimeField(required=False, help_text="Inclusive.")
    end_date = serializers.DateTimeField(required=False, help_text="Inclusive.")
    event = serializers.CharField(
        required=False, help_text="An OCPP action, such as Authorize."
    )
