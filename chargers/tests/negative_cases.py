"""Every way in which a payload can break its schema, made from the schema itself."""

import copy
from collections.abc import Iterator
from typing import Any

from chargers.ocpp.schemas import schema_of
from chargers.ocpp.versions import Version

OCCURRENCE = "OccurrenceConstraintViolation"  # misspelt by 1.6
TYPE = "TypeConstraintViolation"
PROPERTY = "PropertyConstraintViolation"

TIME = "2026-01-01T00:00:00Z"
OF_FORMATS = {"date-time": TIME, "uri": "http://x"}
OF_OTHER_TYPES: dict[str, list[Any]] = {
    "string": [5, 1.5, True, None, ["x"], {"x": "y"}],
    "integer": ["5", 1.5, True, None, [1], {"x": 1}],
    "number": ["5", True, None, [1], {"x": 1}],
    "boolean": ["true", 0, 1, 1.5, None, [True], {"x": True}],
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


def valid_payload(version: Version, action: str, kind: str = "request") -> Any:
    """A payload with every property that the message has."""
    schema = schema_of(version, action, kind)
    return _valid(schema, schema)


def minimal_payload(
    version: Version, action: str, kind: str = "request"
) -> dict[str, Any]:
    """A payload with nothing but what is required, at any depth."""
    schema = schema_of(version, action, kind)
    payload: dict[str, Any] = _valid(schema, schema, only_required=True)
    return payload


def negative_cases(
    version: Version, action: str, kind: str = "request"
) -> Iterator[Case]:
    """Payloads with one fault each."""
    schema = schema_of(version, action, kind)
    payload = valid_payload(version, action, kind)
    for path, what, value, code in _faults(schema, schema, payload, ()):
        yield what, _replaced(payload, path, value), code
    # JSON schema draft 4: 1.0 is no integer. In draft 6, of 2.x, it is one; but there
    # an integer has 32 bits.
    others = [(1.0, TYPE)]
    if not version.is_v16:
        others = [(2**31, PROPERTY), (-(2**31) - 1, PROPERTY)]
    for path in _integers(schema, schema, ()):
        where = ".".join(map(str, path))
        for value, code in others:
            yield f"{where} is {value}", _replaced(payload, path, value), code


def _valid(
    schema: dict[str, Any], root: dict[str, Any], *, only_required: bool = False
) -> Any:
    schema = _resolved(schema, root)
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            wanted = schema.get("required", ()) if only_required else properties
            return {
                name: _valid(properties[name], root, only_required=only_required)
                for name in wanted
            }
        case "array":
            return [_valid(schema["items"], root, only_required=only_required)]
        case "integer" | "number":
            return min(1, schema.get("maximum", 1))
        case "boolean":
            return True
        case None:
            return {"any": ["thing"]}
    if "enum" in schema:
        return schema["enum"][0]
    return OF_FORMATS.get(schema.get("format", ""), "x")


def _faults(
    schema: dict[str, Any], root: dict[str, Any], value: Any, path: Path
) -> Iterator[tuple[Path, str, Any, str]]:
    schema = _resolved(schema, root)
    kind, where = schema.get("type"), ".".join(map(str, path))
    if kind is None:
        return
    if path:
        for other in OF_OTHER_TYPES[kind]:
            yield path, f"{where} is {other!r}", other, TYPE
    if kind == "object":
        if schema.get("additionalProperties") is False:
            yield path, f"{where} has more", {**value, "unknown": 1}, OCCURRENCE
        for name in schema.get("required", ()):
            rest = {key: value[key] for key in value if key != name}
            yield path, f"{where} lacks {name}", rest, OCCURRENCE
        for name, inner in schema.get("properties", {}).items():
            yield from _faults(inner, root, value[name], (*path, name))
    elif kind == "array":
        if schema.get("minItems"):
            yield path, f"{where} is empty", [], OCCURRENCE
        if "maxItems" in schema:
            many = value * (schema["maxItems"] + 1)
            yield path, f"{where} has too many", many, OCCURRENCE
        yield from _faults(schema["items"], root, value[0], (*path, 0))
    elif kind in ("integer", "number"):
        for name, step in (("minimum", -1), ("maximum", 1)):
            if name in schema:
                wrong = int(schema[name]) + step
                yield path, f"{where} is {wrong}", wrong, PROPERTY
    elif "enum" in schema:
        for wrong in ("", "Nonsense", schema["enum"][0].lower(), "x" * 1000):
            if wrong not in schema["enum"]:
                yield path, f"{where} is {wrong[:20]!r}", wrong, PROPERTY
    elif schema.get("format") == "date-time":
        for wrong in BAD_TIMES:
            yield path, f"{where} is {wrong!r}", wrong, PROPERTY
    elif "maxLength" in schema:
        for letter in "xé😀":
            wrong = letter * (schema["maxLength"] + 1)
            yield path, f"{where} is too long ({letter})", wrong, PROPERTY


def _integers(
    schema: dict[str, Any], root: dict[str, Any], path: Path
) -> Iterator[Path]:
    schema = _resolved(schema, root)
    kind = schema.get("type")
    if kind == "integer":
        yield path
    elif kind == "array":
        yield from _integers(schema["items"], root, (*path, 0))
    for name, inner in schema.get("properties", {}).items():
        yield from _integers(inner, root, (*path, name))


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
