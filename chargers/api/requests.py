"""OCPP requests to a charger, as it understands them, and its answers."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from chargers import requests
from chargers.choices import Origin, RequestOutcome
from chargers.errors import (
    RequestError,
    RequestInvalid,
    RequestRefused,
    UnknownRequest,
)
from chargers.ocpp.schemas import Problem
from ocpplab.api import require_redis
from ocpplab.idempotency import idempotent
from ocpplab.models import ApiToken
from ocpplab.permissions import MayCommand
from ocpplab.schema import HTTPValidationError, operation
from ocpplab.serializers import CharField, ObjectField, StrictSerializer

from . import examples
from .rows import ChargerRows

# The schema's keywords as the contract's types of problems (contract, 4.1).
_TYPES = {
    "required": "missing",
    "additionalProperties": "extra_forbidden",
    "maxLength": "string_too_long",
    "minLength": "string_too_short",
    "maxItems": "too_long",
    "minItems": "too_short",
    "minimum": "greater_than_equal",
    "maximum": "less_than_equal",
    "format": "value_error",
}


class OperatorRequestBody(StrictSerializer):
    action = CharField(max_length=50, help_text="Such as GetConfiguration.")
    payload = ObjectField(
        required=False, allow_null=True, help_text="As OCPP has it; empty: {}."
    )


class OperatorAnswer(serializers.Serializer):
    """The charger's CALLRESULT."""

    action = serializers.CharField()
    payload = serializers.DictField(help_text="As the charger sent it.")


class CallErrorSerializer(serializers.Serializer):
    code = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    details = serializers.DictField()


class NoAnswer(serializers.Serializer):
    """Why the charger gave no answer that is valid."""

    detail = serializers.CharField()
    outcome = serializers.ChoiceField(
        [o.value for o in RequestOutcome if o != RequestOutcome.ANSWERED]
    )
    call_error = CallErrorSerializer(
        required=False, help_text="What the charger answered instead."
    )


class OperatorRequestView(ChargerRows):
    permission_classes = [MayCommand]

    @operation(
        "chargers.send_request",
        "Send an OCPP request to a charger on the built-in endpoint",
        request=OperatorRequestBody,
        success={
            200: OperatorAnswer,
            422: OpenApiResponse(
                PolymorphicProxySerializer(
                    "RequestInvalidOrNotAnswered",
                    [HTTPValidationError, NoAnswer],
                    resource_type_field_name=None,
                ),
                "The request has a wrong shape, or the charger gave no valid answer.",
            ),
        },
        errors=(401, 403, 404, 500),
        examples=examples.REQUEST,
    )
    @idempotent
    def post(self, request: Request, charger_id: str) -> Response:
        charger = self.get_object()
        body = OperatorRequestBody(data=request.data)
        body.is_valid(raise_exception=True)
        require_redis()
        action = body.validated_data["action"]
        token = request.auth
        assert isinstance(token, ApiToken)
        try:
            payload = requests.send_request(
                charger,
                action,
                body.validated_data.get("payload", {}),
                origin=Origin.API,
                asked_by=f"{token.name} ({token.prefix})".strip(),
            )
        except UnknownRequest as error:
            problem = serializers.ErrorDetail(str(error), "enum")
            raise serializers.ValidationError({"action": [problem]}) from None
        except RequestInvalid as error:
            raise serializers.ValidationError(_nested(error.problems)) from None
        except RequestError as error:
            return Response(_no_answer(error), status.HTTP_422_UNPROCESSABLE_ENTITY)
        return Response({"action": action, "payload": payload})


def _no_answer(error: RequestError) -> dict[str, Any]:
    """422, never a 5xx: clients would send it again, and it may have been done."""
    answer: dict[str, Any] = {"detail": str(error), "outcome": error.outcome}
    if isinstance(error, RequestRefused):
        answer["call_error"] = {
            "code": error.code,
            "description": error.description,
            "details": error.details,
        }
    return answer


def _nested(problems: Sequence[Problem]) -> dict[str, Any]:
    """Problems of a payload as the framework nests them."""
    root: dict[Any, Any] = {}
    for problem in problems:
        part = root
        for step in ("payload", *problem.path):
            part = part.setdefault(step, {})
        kind = _TYPES.get(problem.keyword, problem.keyword)
        part.setdefault("non_field_errors", []).append(
            serializers.ErrorDetail(problem.message, kind)
        )
    return root
