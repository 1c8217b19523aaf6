"""What all of the REST API shares: who may, how errors look, how it is described."""

import json
import logging
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from chargers.models import Charger
from ocpplab.models import ApiToken, Organization
from ocpplab.services import create_token

CHARGERS = "/ocpp/chargers"
PLUG = "/ocpp/commands/plug-connector"


def detail_of(response: Any, status: int) -> Any:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    assert set(response.json()) == {"detail"}
    return response.json()["detail"]


# --- Who may --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer nonsense", "Basic abc", "Bearer a b"]
)
@pytest.mark.parametrize("path", [CHARGERS, PLUG, "/ocpp/catalog/brands"])
def test_without_a_valid_token_it_is_401(
    db: None, header: str | None, path: str
) -> None:
    client = APIClient()
    if header is not None:
        client.credentials(HTTP_AUTHORIZATION=header)
    response = client.post(path) if path == PLUG else client.get(path)
    assert isinstance(detail_of(response, 401), str)
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_user_token_must_not_name_an_organization(
    api: APIClient, organization: Organization
) -> None:
    response = api.get(CHARGERS, headers={"X-Organization-Id": organization.slug})
    assert isinstance(detail_of(response, 403), str)


@pytest.mark.parametrize("name", [None, "", "nobody", "9999", "9" * 30])
def test_an_admin_token_must_name_one_that_exists(
    organization: Organization, name: str | None
) -> None:
    _, secret = create_token(organization=None)
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    headers = {} if name is None else {"X-Organization-Id": name}
    assert isinstance(detail_of(client.get(CHARGERS, headers=headers), 403), str)


def test_it_may_name_it_by_id_or_slug(organization: Organization) -> None:
    _, secret = create_token(organization=None)
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    for name in (organization.slug, str(organization.pk)):
        response = client.get(CHARGERS, headers={"X-Organization-Id": name})
        assert response.status_code == 200


def test_who_may_not_hears_nothing_of_what_is_wrong_with_the_request(
    db: None, organization: Organization
) -> None:
    assert APIClient().post(PLUG, {"target": 1}).status_code == 401
    _, secret = create_token(organization=organization, role="viewer")
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    assert client.post(PLUG, {"target": 1}).status_code == 403


# --- Errors ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    ['{"target": ', "", "nonsense", '{"a": NaN}', b'{"a": "\xff"}', "[" * 100_000],
)
def test_what_is_no_json_is_refused(api: APIClient, body: str | bytes) -> None:
    response = api.generic("POST", PLUG, body, content_type="application/json")
    problems = detail_of(response, 422)
    assert {problem["loc"][0] for problem in problems} == {"body"}
    if body:
        assert [problem["type"] for problem in problems] == ["json_invalid"]


@pytest.mark.parametrize("body", ["[]", '"text"', "1", "null"])
def test_a_body_must_be_an_object(api: APIClient, body: str) -> None:
    response = api.generic("POST", PLUG, body, content_type="application/json")
    assert detail_of(response, 422)[0]["loc"][0] == "body"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", ""]
)
def test_a_body_that_is_not_said_to_be_json_is_refused(
    api: APIClient, content_type: str
) -> None:
    response = api.generic("POST", PLUG, "a=1", content_type=content_type)
    [problem] = detail_of(response, 422)
    assert problem["loc"] == ["body"]


def test_a_body_that_would_fill_the_memory_is_refused(
    api: APIClient, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    response = api.post(PLUG, {"target": {}, "event": {"x": "y" * 100}})
    assert detail_of(response, 422) == "The request is too large."


@pytest.mark.parametrize("debug", [True, False])
def test_an_unexpected_error_is_json_and_logged(
    api: APIClient,
    settings: Any,
    debug: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("a secret of the house")

    settings.DEBUG = debug
    monkeypatch.setattr("chargers.api.chargers.ChargerListView.get_queryset", fail)
    with caplog.at_level(logging.ERROR, "ocpplab.api"):
        detail = detail_of(api.get(CHARGERS), 500)
    assert detail == "The server met an unexpected error."
    assert "a secret of the house" in caplog.text


@pytest.mark.parametrize(
    "path",
    ["/ocpp", "/ocpp/", "/ocpp/nothing", "/ocpp/commands/fly", "/ocpp/chargers/"],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_route_is_json(db: None, path: str, method: str) -> None:
    assert isinstance(detail_of(getattr(APIClient(), method)(path), 404), str)


@pytest.mark.parametrize("path", ["/health/nothing", "/ocpi/cpos"])
def test_so_it_is_beside_the_ocpp_routes(client: Client, path: str) -> None:
    assert isinstance(detail_of(client.get(path), 404), str)


def test_elsewhere_it_is_a_page(client: Client) -> None:
    response = client.get("/nothing")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


def test_a_wrong_method_is_json(api: APIClient) -> None:
    response = api.get(PLUG)
    assert isinstance(detail_of(response, 405), str)
    assert response["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("path", ["/", "/health", "/health/live", "/health/ready"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "BREW"])
def test_what_is_only_read_takes_no_other_method(path: str, method: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    response = strict.generic(method, path)
    assert isinstance(detail_of(response, 405), str)
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path",
    [
        "/ocpp/templates/locations?type=",
        "/ocpp/templates/locations?ocpp_version=",
        "/ocpp/command-results?status=",
        "/ocpp/command-results?charger_id=",
        "/ocpp/command-results?limit=",
        "/ocpp/chargers?location_id=",
        "/ocpp/chargers?page=",
    ],
)
def test_a_parameter_without_a_value_is_wrong(api: APIClient, path: str) -> None:
    response = api.get(path)
    assert response.status_code == 422, response.content
    name = path.rpartition("?")[2].removesuffix("=")
    assert response.json()["detail"][0]["loc"] == ["query", name]


def test_a_wrong_host_is_json(client: Client) -> None:
    response = client.get(CHARGERS, headers={"Host": "elsewhere.example"})
    assert isinstance(detail_of(response, 400), str)


def test_an_error_outside_of_a_view_is_json(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(
        "rest_framework.response.Response.rendered_content", property(fail)
    )
    api.raise_request_exception = False
    assert isinstance(detail_of(api.get(CHARGERS), 500), str)


def test_text_beyond_ascii_is_sent(api: APIClient, virtual_charger: Charger) -> None:
    Charger.objects.update(name="Säule №1 🔌")
    assert api.get(CHARGERS).json()["data"][0]["name"] == "Säule №1 🔌"


def test_the_tokens_last_use_is_noted(api: APIClient) -> None:
    api.get(CHARGERS)
    assert ApiToken.objects.get().last_used_at is not None


# --- The description ------------------------------------------------------------------


@pytest.fixture
def schema(client: Client, db: None) -> Any:
    response = client.get("/ocpp/schema")
    assert response.status_code == 200
    return json.loads(response.content)


def test_the_schema_needs_no_token_and_is_openapi_3_1(schema: Any) -> None:
    assert schema["openapi"] == "3.1.0"


def test_every_operation_says_how_it_fails(schema: Any) -> None:
    operations = {
        operation["operationId"]: operation
        for path in schema["paths"].values()
        for operation in path.values()
        if operation["tags"] != ["health"]
    }
    assert len([name for name in operations if name.startswith("commands_")]) == 18
    for name, operation in operations.items():
        responses = operation["responses"]
        assert {"401", "403", "500"} <= set(responses), name
        assert {"200", "201", "202", "204"} & set(responses), name
        error = responses["401"]["content"]["application/json"]["schema"]
        assert error == {"$ref": "#/components/schemas/HttpErrorResponse"}


def test_a_commands_body_is_described_from_its_declaration(schema: Any) -> None:
    schemas = schema["components"]["schemas"]
    assert set(schemas["PowerUpdateRequest"]["required"]) == {"target", "event"}
    event = schemas["PowerUpdateEvent"]
    assert event["required"] == ["power_w"]
    assert event["properties"]["power_w"]["minimum"] == 0


def test_the_pages_of_the_docs_come_from_this_server(client: Client) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    text = page.content.decode() + client.get("/docs?script=").content.decode()
    assert "/ocpp/schema" in text
    assert "https://" not in text
