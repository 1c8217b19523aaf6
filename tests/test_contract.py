"""The published API, operation by operation and field by field, against our schema.

``contract/endpoints.json`` says what the published client sends and reads. We may have
more than it names; nothing of it may be missing, or be of another kind.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

ENDPOINTS = json.loads(
    (Path(__file__).parent / "contract" / "endpoints.json").read_text()
)
EACH = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: e["operation"])
# Wider than the contract, which leaves them open: any JSON, or a choice of ours.
OPEN = {"any", "none (empty body)", "text/html", "object<string,string>"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    generator = SchemaGenerator()
    result: dict[str, Any] = generator.get_schema(request=None, public=True)
    return json.loads(json.dumps(result, default=str))


class Shape:
    """A JSON schema, with its references followed."""

    def __init__(self, root: dict[str, Any], schema: dict[str, Any]) -> None:
        self.root = root
        self.variants = list(self._follow(schema))

    def _follow(self, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if name := schema.get("$ref"):
            schema = self.root["components"]["schemas"][name.rpartition("/")[2]]
            yield from self._follow(schema)
        elif parts := schema.get("oneOf") or schema.get("anyOf") or schema.get("allOf"):
            for part in parts:
                yield from self._follow(part)
        else:
            yield schema

    @property
    def types(self) -> set[str]:
        found: set[str] = set()
        for variant in self.variants:
            kind = variant.get("type", "string" if "enum" in variant else "any")
            found |= {kind} if isinstance(kind, str) else set(kind)
        return found

    @property
    def takes_null(self) -> bool:
        return any(
            None in part.get("enum", []) or "null" in part.get("type", "")
            for part in self.variants
        )

    @property
    def first(self) -> dict[str, Any]:
        """The variant that the contract speaks of: ours of our own come after it."""
        return self.variants[0]

    @property
    def required(self) -> set[str]:
        return set(self.first.get("required", []))

    def field(self, name: str) -> "Shape | None":
        part = self.first.get("properties", {}).get(name)
        return None if part is None else Shape(self.root, part)

    @property
    def items(self) -> "Shape":
        return Shape(self.root, self.first["items"])


def differences(shape: Shape, fields: dict[str, Any], *, sent: bool) -> Iterator[str]:
    """What a body of ours, as the client sends or reads it, lacks of the contract."""
    for name, field in fields.items():
        ours = shape.field(name)
        if ours is None:
            yield f"{name} is missing"
            continue
        kinds = kinds_of(field["type"])
        if not kinds & ours.types and "any" not in ours.types | kinds:
            yield f"{name} is {ours.types}, not {kinds}"
        # An event without fields may be left out, as in the published examples.
        may_be_left_out = not field["required"] or field.get("fields") == {}
        if not may_be_left_out and name not in shape.required:
            yield f"{name} is not required"
        if sent and not field["required"]:
            if name in shape.required:
                yield f"{name} is required"
            if not ours.takes_null:
                yield f"{name} must not be null"
        if inner := field.get("fields"):
            part = ours.items if "array" in kinds else ours
            for difference in differences(part, inner, sent=sent):
                yield f"{name}.{difference}"


def kinds_of(published: str) -> set[str]:
    """The JSON types of a published type, such as ``array<string>|object<…>``."""
    if published.startswith("enum("):
        return {"string"}
    return {re.split("[<(]", kind)[0] for kind in published.split("|")}


def ours(schema: dict[str, Any], endpoint: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = schema["paths"][endpoint["path"]][
        endpoint["method"].lower()
    ]
    return operation


def test_the_contract_is_whole() -> None:
    assert len(ENDPOINTS) == 44
    assert len({endpoint["operation"] for endpoint in ENDPOINTS}) == 44


@EACH
def test_it_is_there_in_its_group(schema: Any, endpoint: Any) -> None:
    assert ours(schema, endpoint)["tags"] == [endpoint["operation"].split(".")[0]]


@EACH
def test_it_succeeds_and_fails_as_published(schema: Any, endpoint: Any) -> None:
    statuses = set(ours(schema, endpoint)["responses"])
    assert str(endpoint["success_status"]) in statuses
    if not endpoint["operation"].startswith("health."):  # these need no token
        assert {str(status) for status in endpoint["error_statuses"]} <= statuses


@EACH
def test_it_takes_the_published_parameters(schema: Any, endpoint: Any) -> None:
    given = {
        parameter["name"]: parameter
        for parameter in ours(schema, endpoint).get("parameters", [])
    }
    assert {n for n, p in given.items() if p["in"] == "path"} == set(
        endpoint["path_params"]
    )
    for name, published in endpoint.get("query_params", {}).items():
        parameter = given[name]
        assert parameter["in"] == "query"
        if not published["required"]:
            assert not parameter.get("required"), name
        for word in ("default", "minimum", "maximum"):
            if word in published:
                assert parameter["schema"][word] == published[word], (name, word)


@EACH
def test_it_takes_the_published_body(schema: Any, endpoint: Any) -> None:
    body = ours(schema, endpoint).get("requestBody")
    if not endpoint["request_fields"]:
        assert body is None
        return
    shape = Shape(schema, body["content"]["application/json"]["schema"])
    if "array" in endpoint.get("request_body", ""):
        shape = shape.items
    assert not list(differences(shape, endpoint["request_fields"], sent=True))


@EACH
def test_it_answers_with_the_published_fields(schema: Any, endpoint: Any) -> None:
    answer = ours(schema, endpoint)["responses"][str(endpoint["success_status"])]
    if endpoint["response_type"] in OPEN:
        return
    shape = Shape(schema, answer["content"]["application/json"]["schema"])
    assert not list(differences(shape, endpoint["response_fields"], sent=False))


def test_the_schema_is_made_without_a_warning() -> None:
    with GENERATOR_STATS.silence():
        SchemaGenerator().get_schema(request=None, public=True)
        assert not GENERATOR_STATS._warn_cache
        assert not GENERATOR_STATS._error_cache
