"""What the REST API shows of locations, catalog, chargers and logs (contract, 6 to 9)."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chargers.choices import OCPPVersion, ProvisioningStatus
from chargers.location_templates import TYPES
from chargers.models import (
    Brand,
    Charger,
    ChargerModel,
    Location,
    Message,
    ProvisioningJob,
)
from chargers.provisioning import results_of


class OptionalText(serializers.CharField):
    """Text that is null rather than empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]
        return super().to_representation(value) or None


class ImageField(serializers.Field):
    """The absolute URL of a picture that the catalog draws, or null."""

    def __init__(self, path_of: Callable[[Any], str | None]) -> None:
        self.path_of = path_of
        super().__init__(source="*", read_only=True)

    def to_representation(self, row: Any) -> str | None:
        path = self.path_of(row)
        return path and self.context["request"].build_absolute_uri(path)


class ImageFieldSchema(OpenApiSerializerFieldExtension):
    target_class = ImageField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": ["string", "null"], "format": "uri"}


def brand_image(brand: Brand) -> str:
    return reverse("brand-image", args=[brand.slug])


def model_image(model: ChargerModel | None) -> str | None:
    if model is None:
        return None
    return reverse("model-image", args=[model.brand.slug, model.slug])


class BrandSerializer(serializers.ModelSerializer):
    image_url = ImageField(brand_image)

    class Meta:
        model = Brand
        fields = ["id", "slug", "name", "image_url", "created_at"]


class ModelSerializer(serializers.ModelSerializer):
    brand_slug = serializers.CharField(source="brand.slug")
    brand_id = serializers.UUIDField()
    image_url = ImageField(model_image)
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
    image_url = ImageField(lambda charger: model_image(charger.model))
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


class ChargerAcceptedSerializer(serializers.ModelSerializer):
    charger_id = serializers.CharField(source="id")
    status = serializers.ChoiceField(
        ProvisioningStatus.choices, source="provisioning_status"
    )
    status_url = serializers.SerializerMethodField(help_text="To be polled.")
    workflow_run_id = OptionalText()

    class Meta:
        model = Charger
        fields = ["charger_id", "identity", "status", "status_url", "workflow_run_id"]

    def get_status_url(self, charger: Charger) -> str:
        return reverse("charger-status", args=[charger.pk])


class RuntimeSerializer(serializers.Serializer):
    """What a runtime action answers: the runtime as it shall be (contract, 8.6)."""

    id = serializers.CharField(help_text="The charger's.")
    event_type = serializers.CharField()
    ocpp_version = serializers.ChoiceField(OCPPVersion.choices)
    payload = serializers.DictField()


class JobAcceptedSerializer(serializers.ModelSerializer):
    job_id = serializers.CharField(source="id")
    status = serializers.ChoiceField(ProvisioningStatus.choices)
    status_url = serializers.SerializerMethodField(help_text="To be polled.")

    class Meta:
        model = ProvisioningJob
        fields = ["job_id", "status", "status_url", "workflow_run_id"]

    def get_status_url(self, job: ProvisioningJob) -> str:
        return reverse("location-charger-job", args=[job.location_id, job.pk])


class FailedIdentitySerializer(serializers.Serializer):
    identity = serializers.CharField(allow_null=True)
    error = serializers.CharField()


class JobResultsSerializer(serializers.Serializer):
    created_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    created = ChargerSerializer(many=True)
    failed = FailedIdentitySerializer(many=True)


class JobSerializer(serializers.ModelSerializer):
    job_id = serializers.CharField(source="id")
    job_type = serializers.SerializerMethodField()
    error = ProvisioningErrorSerializer(allow_null=True)
    results = serializers.SerializerMethodField(help_text="Null until READY.")

    class Meta:
        model = ProvisioningJob
        fields = [
            "job_id",
            "job_type",
            "status",
            "workflow_run_id",
            "error",
            "results",
            "provisioned_at",
        ]

    def get_job_type(self, job: ProvisioningJob) -> str:
        return "location_chargers"

    @extend_schema_field(JobResultsSerializer(allow_null=True))
    def get_results(self, job: ProvisioningJob) -> dict[str, Any] | None:
        if job.status != ProvisioningStatus.READY:
            return None
        created, failed = results_of(job)
        results = {
            "created_count": len(created),
            "failed_count": len(failed),
            "created": created,
            "failed": failed,
        }
        return JobResultsSerializer(results, context=self.context).data


class FailedChargerSerializer(serializers.Serializer):
    charger_id = serializers.CharField(allow_null=True)
    error = serializers.CharField()


class ChargersUpdatedSerializer(serializers.Serializer):
    updated_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    updated = ChargerSerializer(many=True)
    failed = FailedChargerSerializer(many=True)


class ChargersDeletedSerializer(serializers.Serializer):
    deleted_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    deleted = serializers.ListField(child=serializers.CharField())
    failed = FailedChargerSerializer(many=True)


class TemplateGroupSerializer(serializers.Serializer):
    brand_slug = serializers.CharField()
    model_slug = serializers.CharField()
    connector_type = serializers.CharField()
    ocpp_version = serializers.ChoiceField(OCPPVersion.choices)
    count = serializers.IntegerField()
    nominal_kw = serializers.FloatField()


class LocationTemplateSerializer(serializers.Serializer):
    slug = serializers.CharField()
    description = serializers.CharField()
    country = serializers.CharField()
    parking_type = serializers.CharField()
    type = serializers.ChoiceField(TYPES, help_text="Power family of its connectors.")
    groups = TemplateGroupSerializer(many=True)


class LocationTemplateListSerializer(serializers.Serializer):
    data = LocationTemplateSerializer(many=True)  # type: ignore[assignment]
    total = serializers.IntegerField()


class MessageSerializer(serializers.ModelSerializer):
    action = serializers.CharField()
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


class NamedQuery(serializers.Serializer):
    charger_ids = serializers.ListField(
        child=serializers.CharField(max_length=100), allow_empty=False
    )


class TemplateQuery(serializers.Serializer):
    type = serializers.ChoiceField(TYPES, required=False)
    ocpp_version = serializers.ChoiceField(
        [OCPPVersion.V16.value, OCPPVersion.V201.value], required=False
    )


class MessageQuery(serializers.Serializer):
    start_date = serializers.DateTimeField(required=False, help_text="Inclusive.")
    end_date = serializers.DateTimeField(required=False, help_text="Inclusive.")
    event = serializers.CharField(
        required=False, help_text="An OCPP action, such as Authorize."
    )
