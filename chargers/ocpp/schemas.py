"""Validation against the official JSON schemas, each compiled once per process.

The schemas are those that the ``ocpp`` package carries; jsonschema-rs judges, dates and
times included.
"""

import importlib.util
import json
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs

from .errors import OCPPError
from .messages import UNANSWERED
from .versions import Version

ERRORS_COMPARED = 20  # of one payload, to find the one that says most
INTEGER_LIMIT = 2**31 - 1  # of OCPP 2.x (2.0.1, part 2, primitive data types)

_FOLDERS = {Version.V16: "v16", Version.V201: "v201", Version.V21: "v21"}

# Which CALLERROR names a broken schema keyword (OCPP-J 1.6, 4.2.3); all others are
# PropertyConstraintViolations.
_CODES = {
    "required": "OccurrenceConstraintViolation",
    "additionalProperties": "OccurrenceConstraintViolation",
    "minItems": "OccurrenceConstraintViolation",
    "maxItems": "OccurrenceConstraintViolation",
    "type": "TypeConstraintViolation",
}


def validate_request(version: Version, action: str, payload: dict[str, Any]) -> None:
    """Raise the OCPPError that a CALL with this payload deserves, if any.

    ``NotImplemented`` when the version has no such action.
    """
    _validate(_validator(version, action, "request"), action, payload)


def validate_send(version: Version, action: str, payload: dict[str, Any]) -> None:
    """Raise an OCPPError when this is no valid payload of a SEND (2.1)."""
    _validate(_validator(version, action, "send"), action, payload)


class Problem(NamedTuple):
    """What is wrong with one part of a payload."""

    path: tuple[str | int, ...]
    keyword: str  # of JSON schema, such as maxLength
    message: str


def request_problems(
    version: Version, action: str, payload: dict[str, Any]
) -> list[Problem]:
    """Everything that is wrong with a CALL's payload, each at its place.

    OCPPError (``NotImplemented``) when the version has no such action.
    """
    validator = _validator(version, action, "request")
    try:
        errors = list(islice(validator.iter_errors(payload), ERRORS_COMPARED))
    except ValueError:  # jsonschema-rs gives up on it
        return [Problem((), "depth", "Nested too deeply.")]
    return [_problem(error) for error in errors]


def _problem(error: Any) -> Problem:
    """A property that is missing, or one too many, is named by its own path."""
    path, keyword = tuple(error.instance_path), error.kind.name
    match keyword:
        case "required":
            return Problem((*path, error.kind.property), keyword, "Required.")
        case "additionalProperties":
            name = error.kind.unexpected[0]
            return Problem((*path, name), keyword, "The schema has no such property.")
    return Problem(path, keyword, error.message)


def validate_response(version: Version, action: str, payload: dict[str, Any]) -> None:
    """Raise an OCPPError when this is no valid CALLRESULT payload for the action."""
    _validate(_validator(version, action, "response"), action, payload)


def schema_of(version: Version, action: str, kind: str = "request") -> dict[str, Any]:
    """The official JSON schema of an action's ``request``, ``response`` or ``send``."""
    suffix = {"request": "" if version.is_v16 else "Request", "response": "Response"}
    path = _schema_folder(version) / f"{action}{suffix.get(kind, '')}.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
    return schema


@cache
def actions(version: Version) -> frozenset[str]:
    """Every action that a version knows, in either direction."""
    names = (path.stem for path in _schema_folder(version).glob("*Response.json"))
    return frozenset(name.removesuffix("Response") for name in names)


def _validate(validator: Any, action: str, payload: dict[str, Any]) -> None:
    try:
        if validator.is_valid(payload):
            return
        errors = list(islice(validator.iter_errors(payload), ERRORS_COMPARED))
    except ValueError:  # jsonschema-rs gives up on it
        raise OCPPError(
            "FormatViolation", f"{action}: the payload is nested too deeply."
        ) from None
    # Of a wrong type, an enumeration says no more than that it is none of its values.
    error = min(errors, key=lambda error: error.kind.name == "enum")
    where = ".".join(str(part) for part in error.instance_path)
    description = f"{where}: {error.message}" if where else error.message
    raise OCPPError(
        _CODES.get(error.kind.name, "PropertyConstraintViolation"),
        f"{action}: {description}",
    )


@cache
def _validator(version: Version, action: str, kind: str) -> Any:
    known = UNANSWERED[version] if kind == "send" else actions(version)
    if action not in known:
        raise OCPPError(
            "NotImplemented", f"{version.label} has no action {action[:50]!r}."
        )
    schema = schema_of(version, action, kind)
    if version.is_v16:
        # Those of the security whitepaper name draft 6, where 1.0 is an integer.
        return jsonschema_rs.Draft4Validator(schema, validate_formats=True)
    return jsonschema_rs.validator_for(
        _with_integer_limits(schema), validate_formats=True
    )


def _with_integer_limits(schema: Any) -> Any:
    """The schema, with what it leaves to the text: an integer has 32 bits."""
    if isinstance(schema, list):
        return [_with_integer_limits(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    limited = {name: _with_integer_limits(part) for name, part in schema.items()}
    if limited.get("type") == "integer":
        limits = {"minimum": -INTEGER_LIMIT - 1, "maximum": INTEGER_LIMIT}
        limited = limits | limited
    return limited


def _schema_folder(version: Version) -> Path:
    spec = importlib.util.find_spec("ocpp")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / _FOLDERS[version] / "schemas"
