"""Every way in which a payload can break its schema, made from the schema itself."""

import copy
from collections.abc import Iterator
from typing import Any

from chargers.ocpp.schemas import schema_of
from chargers.ocpp.versions import Version

OCCURRENCE = "OccurenceConstraintViolation"  # sic
TYPE = "TypeConstraintViolation"
PROPERTY = "PropertyConstraintViolation"

TIME = "2026-01-01T00:00:00Z"
OF_OTHER_TYPES: dict[str, list[Any]] = {
    "string": [5, 1.5, True, None, ["x"], {"x": "y"}],
    "integer": ["5", 1.0, 1.5, True, None, [1], {"x": 1}],
    "object": ["x", 5, True, None, [{}]],
    "array": ["x", 5, True, None, {}],
}
BAD_TIMES = [
    "",
    "yesterday",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-01-01 00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-01-01T25:00:00Z",
    "1767225600",
]

Path = tuple[str | int, ...]
Case = tuple[str, dict[str, Any], str]  # what is wrong, payload, CALLERROR


def valid_payload(action: str) -> dict[str, Any]:
    """A payload with every property that the request has."""
    schema = schema_of(Version.V16, action)
    payload: dict[str, Any] = _valid(schema, schema)
    return payload


def minimal_payload(action: str) -> dict[str, Any]:
    """A payload with nothing but what is required."""
    required = schema_of(Version.V16, action).get("required", [])
    return {name: valid_payload(action)[name] for name in required}


def negative_cases(action: str) -> Iterator[Case]:
    """Payloads with one fault each."""
    schema = schema_of(Version.V16, action)
    payload = valid_payload(action)
    for path, what, value, code in _faults(schema, schema, payload, ()):
        yield what, _replaced(payload, path, value), code


def _valid(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    schema = _resolved(schema, root)
    match schema["type"]:
        case "object":
            properties = schema.get("properties", {})
            return {name: _valid(inner, root) for name, inner in properties.items()}
        case "array":
            return [_valid(schema["items"], root)]
        case "integer":
            return 1
    if "enum" in schema:
        return schema["enum"][0]
    return TIME if schema.get("format") == "date-time" else "x"


def _faults(
    schema: dict[str, Any], root: dict[str, Any], value: Any, path: Path
) -> Iterator[tuple[Path, str, Any, str]]:
    schema = _resolved(schema, root)
    kind, where = schema["type"], ".".join(map(str, path))
    if path:
        for other in OF_OTHER_TYPES[kind]:
            yield path, f"{where} is {other!r}", other, TYPE
    if kind == "object":
        yield path, f"{where} has more", {**value, "unknown": 1}, OCCURRENCE
        for name in schema.get("required", ()):
            rest = {key: value[key] for key in value if key != name}
            yield path, f"{where} lacks {name}", rest, OCCURRENCE
        for name, inner in schema.get("properties", {}).items():
            yield from _faults(inner, root, value[name], (*path, name))
    elif kind == "array":
        if schema.get("minItems"):
            yield path, f"{where} is empty", [], OCCURRENCE
        yield from _faults(schema["items"], root, value[0], (*path, 0))
    elif "enum" in schema:
        for wrong in ("", "Nonsense", schema["enum"][0].lower(), "x" * 1000):
            yield path, f"{where} is {wrong[:20]!r}", wrong, PROPERTY
    elif schema.get("format") == "date-time":
        for wrong in BAD_TIMES:
            yield path, f"{where} is {wrong!r}", wrong, PROPERTY
    elif "maxLength" in schema:
        for letter in "xé😀":
            wrong = letter * (schema["maxLength"] + 1)
            yield path, f"{where} is too long ({letter})", wrong, PROPERTY


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        found: dict[str, Any] = root["definitions"][name]
        return found
    return schema


def _replaced(payload: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    if not path:
        assert isinstance(value, dict)
        return value
    changed = copy.deepcopy(payload)
    inner: Any = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed
