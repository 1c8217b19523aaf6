"""What all of the REST API shares: error bodies and list envelopes (contract, 4)."""

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any, NoReturn

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
)
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from redis.exceptions import RedisError
from rest_framework import serializers, status
from rest_framework.exceptions import (
    APIException,
    MethodNotAllowed,
    NotFound,
    ParseError,
    PermissionDenied,
    UnsupportedMediaType,
    ValidationError,
)
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from .queue import redis_client

logger = logging.getLogger(__name__)

ALLOWED = "GET, HEAD"
SERVER_ERROR = "The server met an unexpected error."
Location = tuple[str | int, ...]

# The codes of DRF and Django, as the contract's ``type``; others stand for themselves.
ERROR_TYPES = {
    "invalid": "value_error",
    "required": "missing",
    "null": "missing",  # null means absent (contract, 2)
    "invalid_choice": "enum",
    "min_value": "greater_than_equal",
    "max_value": "less_than_equal",
    "blank": "string_too_short",
    "empty": "too_short",
    "not_a_list": "list_type",
    "not_a_dict": "dict_type",
    "null_characters_not_allowed": "value_error",
    "surrogate_characters_not_allowed": "value_error",
}


class Unprocessable(APIException):
    """A well-formed request that cannot be done, said in one string."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "unprocessable"


class BadRequest(APIException):
    """What the contract answers with 400 and one string."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "bad_request"


class Unavailable(APIException):
    """What cannot be done at the moment: 503, and when to ask again."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The portal cannot do this at the moment."
    default_code = "unavailable"
    wait = 1.0  # seconds


class QueryError(ValidationError):
    """Wrong query parameters."""


# --- Errors ---------------------------------------------------------------------------


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """The answer to any exception of a view: JSON always, and in the contract's shape."""
    match error:
        case QueryError():
            found = problems(error.detail, ("query",), context["request"].query_params)
            return _invalid(list(found))
        case ValidationError():
            found = problems(error.detail, ("body",), context["request"].data)
            return _invalid(list(found))
        case ParseError() | RecursionError():
            reason = error if isinstance(error, ParseError) else "Nested too deeply."
            return _invalid([_problem(("body",), str(reason), "json_invalid")])
        case UnsupportedMediaType():
            return _invalid([_problem(("body",), str(error.detail), "media_type")])
        case RequestDataTooBig():
            error = Unprocessable("The request is too large.")
        case Http404():
            error = NotFound()
        case DjangoPermissionDenied():
            error = PermissionDenied()
        case SuspiciousOperation():  # such as more parameters than Django reads
            error = Unprocessable(str(error))
        case OperationalError() | InterfaceError():
            logger.error("%s has no database: %s", context["request"].path, error)
            error = Unavailable()
    if not isinstance(error, APIException):
        logger.exception("%s failed", context["request"].path, exc_info=error)
        return Response({"detail": SERVER_ERROR}, status.HTTP_500_INTERNAL_SERVER_ERROR)
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(math.ceil(wait))
    return Response({"detail": str(error.detail)}, error.status_code, headers=headers)


def _invalid(problems: list[dict[str, Any]]) -> Response:
    return Response({"detail": problems}, status.HTTP_422_UNPROCESSABLE_ENTITY)


def _problem(
    loc: Location, message: str, kind: str, given: Any = None
) -> dict[str, Any]:
    problem: dict[str, Any] = {"loc": loc, "msg": message, "type": kind}
    if isinstance(given, str | int | float):  # a whole body is not sent back
        problem["input"] = given
    return problem


def problems(detail: Any, loc: Location, given: Any) -> Iterator[dict[str, Any]]:
    """DRF's nested error details as the contract's flat list."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            if name == api_settings.NON_FIELD_ERRORS_KEY:
                yield from problems(inner, loc, given)
            else:
                yield from problems(inner, (*loc, name), _part(given, name))
    else:
        for message in detail:
            yield _problem(loc, str(message), _type_of(message.code, given), given)


def _part(given: Any, name: str | int) -> Any:
    """What was given under a name or index; the whole where that was left out."""
    if isinstance(given, Mapping):
        return given.get(name, given)
    if isinstance(given, Sequence) and isinstance(name, int) and name < len(given):
        return given[name]
    return given


def _type_of(code: str, given: Any) -> str:
    if code in ("max_length", "min_length"):
        size = "too_long" if code == "max_length" else "too_short"
        return f"string_{size}" if isinstance(given, str) else size
    return ERROR_TYPES.get(code, code)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _answer(
        request, 400, "Bad request.", defaults.bad_request(request, exception)
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    page = defaults.page_not_found(request, exception)
    return _answer(request, 404, "There is no such route.", page)


def server_error(request: HttpRequest) -> HttpResponseBase:
    return _answer(request, 500, SERVER_ERROR, defaults.server_error(request))


def _answer(
    request: HttpRequest, code: int, detail: str, page: HttpResponse
) -> HttpResponseBase:
    """JSON to who calls an API, a page to who reads."""
    first = request.path_info.split("/", 2)[1]
    if first in ("ocpp", "ocpi", "health"):
        return JsonResponse({"detail": detail}, status=code)
    return page


def read_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view for GET and HEAD; 405 for any other method, whoever sends it."""

    @csrf_exempt
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method in ("GET", "HEAD"):
            return view(request, *args, **kwargs)
        detail = str(MethodNotAllowed(request.method or "").detail)
        return JsonResponse({"detail": detail}, status=405, headers={"Allow": ALLOWED})

    return wrapper


def require_redis() -> None:
    """503 where work that is accepted now could not be handed to a worker."""
    try:
        redis_client().ping()
    except RedisError:
        raise Unavailable("The portal cannot hand this over at the moment.") from None


# --- Query parameters and envelopes ---------------------------------------------------


class QueryInteger(serializers.IntegerField):
    """An integer of a query string."""

    default_error_messages = {"invalid": "A valid integer is required."}

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        if key == "invalid":
            raise ValidationError(self.error_messages[key], "int_parsing")
        super().fail(key, **kwargs)


class PageQuery(serializers.Serializer):
    page = QueryInteger(min_value=1, default=1)
    limit = QueryInteger(min_value=1, max_value=100, default=50)


class OffsetQuery(serializers.Serializer):
    limit = QueryInteger(min_value=1, max_value=1000, default=1000)
    offset = QueryInteger(min_value=0, default=0)


def read_query(query: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    """The valid query parameters of a request; others in it are ignored.

    A parameter without a value has a wrong one: as a form's, it would count as absent.
    """
    given = request.query_params
    serializer = query(
        data={
            name: given.getlist(name)
            if isinstance(field, serializers.ListField)
            else given[name]
            for name, field in query().fields.items()
            if name in given
        }
    )
    try:
        serializer.is_valid(raise_exception=True)
    except ValidationError as error:
        raise QueryError(error.detail) from None
    return dict(serializer.validated_data)


class Page(BasePagination):
    """``page`` and ``limit``; a page past the end is empty."""

    query: type[serializers.Serializer] = PageQuery

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any]:
        self.asked = read_query(self.query, request)
        self.total = queryset.count()
        start = self.start()
        if start >= self.total:
            return []
        return list(queryset[start : start + self.asked["limit"]])

    def start(self) -> int:
        return (self.asked["page"] - 1) * self.asked["limit"]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"data": data, "total": self.total, **self.asked})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        numbers = ["total", *self.query().fields]
        return {
            "type": "object",
            "required": ["data", *numbers],
            "properties": {
                "data": schema,
                **{name: {"type": "integer", "example": 1} for name in numbers},
            },
        }


class OffsetPage(Page):
    """``limit`` and ``offset``, for logs."""

    query = OffsetQuery

    def start(self) -> int:
        return self.asked["offset"]
