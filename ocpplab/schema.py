"""How the REST API describes itself in OpenAPI: error bodies and common parameters."""

from collections.abc import Callable, Sequence
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers


class HttpErrorResponse(serializers.Serializer):
    """Any error but a refused shape."""

    detail = serializers.CharField()


@extend_schema_field(
    {
        "oneOf": [
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["loc", "msg", "type"],
                    "properties": {
                        "loc": {
                            "type": "array",
                            "items": {"type": ["string", "integer"]},
                            "example": ["body", "event", "power_w"],
                        },
                        "msg": {"type": "string"},
                        "type": {"type": "string", "example": "missing"},
                        "input": {},
                    },
                },
            },
            {"type": "string"},
        ]
    }
)
class Problems(serializers.Field):
    """A list where the request has a wrong shape; a string where a rule is broken."""


class HTTPValidationError(serializers.Serializer):
    """The request has a wrong shape, or cannot be done."""

    detail = Problems()


DESCRIPTIONS = {
    400: "Refused: the reason is in `detail`.",
    401: "The token is missing or invalid.",
    403: "The token's role does not suffice, or names no organization.",
    404: "There is no such thing in the organization.",
    422: "The request has a wrong shape, or cannot be done.",
    429: "Too many requests of this token: `Retry-After` says when to go on.",
    500: "Unexpected error.",
    503: "Not possible at the moment: `Retry-After` says when to try again.",
}
ANYWHERE = (429, 503)  # whatever the contract declares
ORGANIZATION = OpenApiParameter(
    "X-Organization-Id",
    str,
    OpenApiParameter.HEADER,
    description="The organization's id or slug: for admin tokens, and only for them.",
)


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255},
    OpenApiParameter.HEADER,
    description="Of the caller's choice: the same request with the same key is done "
    "once, and answered alike for 24 hours.",
)


class GatewaySchema(AutoSchema):
    """Adds what is true of every POST."""

    def get_override_parameters(self) -> list[Any]:
        return [IDEMPOTENCY_KEY] if self.method == "POST" else []


def operation(
    operation_id: str,
    summary: str,
    *,
    success: dict[int, Any],
    errors: Sequence[int],
    parameters: Sequence[Any] = (),
    tenant: bool = True,
    **extra: Any,
) -> Callable[..., Any]:
    """``extend_schema`` with what every operation of this API has.

    ``operation_id`` is ``group.name`` as in the contract; ``tenant``: whether it acts in
    an organization.
    """
    return extend_schema(
        operation_id=operation_id.replace(".", "_"),
        summary=summary,
        description="",  # not the docstrings, which speak to developers
        tags=[operation_id.split(".")[0]],
        parameters=[*parameters, *([ORGANIZATION] if tenant else [])],
        responses={
            **success,
            **{
                code: OpenApiResponse(
                    HTTPValidationError if code == 422 else HttpErrorResponse,
                    DESCRIPTIONS[code],
                )
                for code in sorted({*errors, *ANYWHERE})
            },
        },
        **extra,
    )


def add_plain_routes(result: Any, **kwargs: Any) -> Any:
    """Postprocessing hook: the routes that need neither a token nor the framework."""
    health = {
        "type": "object",
        "properties": {"status": {"type": "string", "example": "ok"}},
        "required": ["status"],
    }
    for path, name, summary, media, answer in (
        ("/", "landing_page", "A page that leads on", "text/html", {"type": "string"}),
        ("/health", "health_check", "Whether it is alive", "application/json", health),
    ):
        result["paths"][path] = {
            "get": {
                "operationId": f"health_{name}",
                "summary": summary,
                "tags": ["health"],
                "security": [{}],
                "responses": {
                    "200": {"description": "", "content": {media: {"schema": answer}}}
                },
            }
        }
    return result
