"""Bodies and answers of the commands' routes (contract, 10)."""

from functools import cache, partial
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from commands.models import Command, Status
from commands.registry import Definition
from ocpplab.api import QueryInteger
from ocpplab.serializers import CharField, StrictSerializer

TARGET_LIMIT = 10_000  # chargers named in one request


class ChargerTarget(StrictSerializer):
    """One charger."""

    charger_id = CharField(max_length=100)


class CommandTarget(StrictSerializer):
    """One charger; or a location; or some chargers of a location (contract, 10.3)."""

    charger_id = CharField(max_length=100, required=False, allow_null=True)
    location_id = CharField(max_length=100, required=False, allow_null=True)
    charger_ids = serializers.ListField(
        child=CharField(max_length=100),
        required=False,
        allow_null=True,
        allow_empty=False,
        max_length=TARGET_LIMIT,
        help_text="Only these chargers of the location.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("charger_id" in attrs) == ("location_id" in attrs):
            raise serializers.ValidationError(
                "Name either charger_id or location_id, and one of them only."
            )
        if "charger_ids" in attrs and "location_id" not in attrs:
            raise serializers.ValidationError(
                {"charger_ids": "Only valid with location_id."}
            )
        return attrs


@extend_schema_field({"type": ["object", "null"]})
class EmptyEvent(StrictSerializer):
    """Published examples leave the event out where it is always empty."""


@cache
def body_of(definition: Definition) -> type[StrictSerializer]:
    """The serializer of a command's request: ``{"target": …, "event": …}``."""
    event: Any = definition.event
    if not event().fields:
        event = partial(EmptyEvent, required=False, allow_null=True)
    target = CommandTarget if definition.fan_out else ChargerTarget
    return type(
        definition.name.title().replace("_", "") + "Request",
        (StrictSerializer,),
        {
            "__doc__": f"{definition.summary}.",
            "target": target(),
            "event": event(),
        },
    )


# Answers. They are shaped by ``commands.answers``; these say so to OpenAPI.


class QueuedCommandResponse(serializers.Serializer):
    id = serializers.CharField(help_text="To be followed at /ocpp/command-results.")
    event_type = serializers.CharField()
    ocpp_version = serializers.CharField()
    payload = serializers.DictField()


class ChargerCommand(serializers.Serializer):
    charger_id = serializers.CharField()
    identity = serializers.CharField()
    command = QueuedCommandResponse()


class CommandFailure(serializers.Serializer):
    identity = serializers.CharField(allow_null=True)
    error = serializers.CharField()


class LocationCommandResponse(serializers.Serializer):
    targeted_count = serializers.IntegerField()
    queued_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    results = ChargerCommand(many=True)
    failed = CommandFailure(many=True)


class CommandResult(serializers.ModelSerializer):
    """How a command ended, or how far it is (contract, 11.2)."""

    charger_id = serializers.CharField()
    deployment_id = serializers.CharField(source="charger_id")
    identity = serializers.CharField(source="charger.identity")
    detail = serializers.SerializerMethodField()
    result = serializers.DictField(allow_null=True)
    updated_at = serializers.DateTimeField()

    class Meta:
        model = Command
        fields = [
            "command_id",
            "status",
            "event_type",
            "identity",
            "charger_id",
            "deployment_id",
            "enqueued_at",
            "received_at",
            "updated_at",
            "detail",
            "result",
        ]

    def get_detail(self, command: Command) -> str | None:
        return command.detail or None


class CommandResultList(serializers.Serializer):
    data = CommandResult(many=True)  # type: ignore[assignment]


class ResultQuery(serializers.Serializer):
    charger_id = serializers.CharField(required=False)
    status = serializers.ChoiceField(Status.choices, required=False)
    limit = QueryInteger(min_value=1, max_value=1000, default=100)
