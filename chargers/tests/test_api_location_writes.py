"""POST, PUT and DELETE of /ocpp/locations, and the gallery of presets."""

import uuid
from typing import Any

import pytest
from rest_framework.test import APIClient

from chargers.models import Charger, Location
from ocpplab.models import Organization
from ocpplab.services import create_token
from tests.fixtures import create_charger

LOCATIONS = "/ocpp/locations"
HUB = {
    "name": "La Defense Charging Hub",
    "address": "1 Parvis de la Defense",
    "city": "Paris",
    "country": "FR",
    "coordinates": {"latitude": 48.8919, "longitude": 2.2384},
}


@pytest.fixture
def url(location: Location) -> str:
    return f"{LOCATIONS}/{location.pk}"


@pytest.fixture
def rival_url(other_organization: Organization) -> str:
    location = Location.objects.create(
        organization=other_organization, slug="rival", name="R", latitude=0, longitude=0
    )
    return f"{LOCATIONS}/{location.pk}"


def client_of(organization: Organization, role: str) -> APIClient:
    _, secret = create_token(organization=organization, role=role)
    return APIClient(headers={"Authorization": f"Bearer {secret}"})


def problems_of(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.content
    return {
        ".".join(map(str, item["loc"])): item["type"]
        for item in answer.json()["detail"]
    }


# --- Making ---------------------------------------------------------------------------


def test_it_is_made_in_the_organization(
    api: APIClient, organization: Organization
) -> None:
    answer = api.post(LOCATIONS, HUB)
    assert answer.status_code == 201
    made = Location.objects.get()
    assert made.organization == organization
    shown = answer.json()
    assert shown == api.get(f"{LOCATIONS}/{made.pk}").json()
    assert HUB.items() <= shown.items()
    assert (shown["public"], shown["status"]) == (False, "active")
    assert shown["timezone"] is shown["owner_name"] is None


def test_its_slug_is_its_name_and_something_of_its_own(api: APIClient) -> None:
    first, second = (api.post(LOCATIONS, HUB).json()["slug"] for _ in range(2))
    assert first != second
    for slug in (first, second):
        words, _, suffix = slug.rpartition("-")
        assert words == "la-defense-charging-hub"
        assert len(suffix) == 8
        int(suffix, 16)


def test_what_is_optional_may_be_given_or_null(api: APIClient) -> None:
    given = {"timezone": "Europe/Paris", "owner_name": "OCPPLAB", "public": True}
    assert given.items() <= api.post(LOCATIONS, {**HUB, **given}).json().items()
    empty = dict.fromkeys(given)
    assert api.post(LOCATIONS, {**HUB, **empty}).json()["public"] is False


@pytest.mark.parametrize("name", HUB)
@pytest.mark.parametrize("missing", [True, False])
def test_what_is_required_must_be_there(
    api: APIClient, name: str, missing: bool
) -> None:
    body: dict[str, Any] = {**HUB, name: None}
    if missing:
        del body[name]
    assert problems_of(api.post(LOCATIONS, body)) == {f"body.{name}": "missing"}


@pytest.mark.parametrize(
    ("change", "loc", "kind"),
    [
        ({"name": ""}, "name", "string_too_short"),
        ({"name": "x" * 201}, "name", "string_too_long"),
        ({"name": 1}, "name", "string_type"),
        ({"name": "a\0b"}, "name", "value_error"),
        ({"country": "fr"}, "country", "value_error"),
        ({"country": "F1"}, "country", "value_error"),
        ({"coordinates": []}, "coordinates", "value_error"),
        (
            {"coordinates": {"latitude": 91, "longitude": 0}},
            "coordinates.latitude",
            "less_than_equal",
        ),
        (
            {"coordinates": {"latitude": 0, "longitude": -181}},
            "coordinates.longitude",
            "greater_than_equal",
        ),
        (
            {"coordinates": {"latitude": "0", "longitude": 0}},
            "coordinates.latitude",
            "float_type",
        ),
        ({"coordinates": {"latitude": 0}}, "coordinates.longitude", "missing"),
        ({"timezone": "Mars/Olympus"}, "timezone", "value_error"),
        ({"public": "yes"}, "public", "bool_type"),
        ({"id": "x"}, "id", "extra_forbidden"),
    ],
)
def test_it_refuses_a_wrong_shape(
    api: APIClient, change: dict[str, Any], loc: str, kind: str
) -> None:
    found = problems_of(api.post(LOCATIONS, {**HUB, **change}))
    assert f"body.{loc}" in found
    assert found[f"body.{loc}"] == kind
    assert not Location.objects.exists()


# --- Changing -------------------------------------------------------------------------


def test_only_what_is_named_changes(
    api: APIClient, url: str, location: Location
) -> None:
    before = api.get(url).json()
    answer = api.put(url, {"city": "Lyon"})
    assert answer.status_code == 200
    after = answer.json()
    assert after.pop("updated_at") > before.pop("updated_at")
    assert after == {**before, "city": "Lyon"}


def test_all_of_it_can_change(api: APIClient, url: str) -> None:
    change = {
        **HUB,
        "slug": "my-own-slug",
        "timezone": "Europe/Paris",
        "owner_name": "Bob",
        "public": True,
        "status": "inactive",
    }
    assert change.items() <= api.put(url, change).json().items()
    assert change.items() <= api.get(url).json().items()


def test_null_clears_what_can_be_empty_and_leaves_the_rest(
    api: APIClient, url: str
) -> None:
    before = api.put(url, {"timezone": "Europe/Paris", "owner_name": "Bob"}).json()
    nulls = dict.fromkeys([*HUB, "slug", "timezone", "owner_name", "public", "status"])
    after = api.put(url, nulls).json()
    del before["updated_at"], after["updated_at"]
    assert after == {**before, "timezone": None, "owner_name": None}


def test_its_slug_must_be_its_own(
    api: APIClient, url: str, organization: Organization
) -> None:
    taken = api.post(LOCATIONS, HUB).json()["slug"]
    answer = api.put(url, {"slug": taken})
    assert answer.status_code == 422
    assert "already exists" in answer.json()["detail"]
    assert problems_of(api.put(url, {"slug": "a b"})) == {"body.slug": "value_error"}


def test_a_wrong_change_changes_nothing(api: APIClient, url: str) -> None:
    before = api.get(url).json()
    assert problems_of(api.put(url, {"city": "Lyon", "country": "x"}))
    assert api.get(url).json() == before


# --- Removing -------------------------------------------------------------------------


def test_it_goes_with_its_chargers(
    api: APIClient,
    url: str,
    location: Location,
    virtual_charger: Charger,
    organization: Organization,
) -> None:
    elsewhere = create_charger(organization=organization, identity="ACME-ALONE")
    answer = api.delete(url)
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(url).status_code == 404
    assert list(Charger.objects.all()) == [elsewhere]


def test_once_more_is_no_error(api: APIClient, url: str) -> None:
    assert [api.delete(url).status_code for _ in range(3)] == [204, 204, 204]


def test_one_that_never_was_is_not_found(
    api: APIClient, rival_url: str, other_organization: Organization
) -> None:
    for unknown in (f"{LOCATIONS}/{uuid.uuid4()}", f"{LOCATIONS}/loc-456", rival_url):
        assert api.delete(unknown).status_code == 404
        assert api.put(unknown, {"city": "Lyon"}).status_code == 404
    assert client_of(other_organization, "admin").delete(rival_url).status_code == 204
    assert api.delete(rival_url).status_code == 404


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_an_admin_may(organization: Organization, url: str, role: str) -> None:
    client = client_of(organization, role)
    refused = (
        client.post(LOCATIONS, {}),
        client.put(url, {}),
        client.delete(url),
        client.post(f"{url}/chargers", []),
        client.put(f"{url}/chargers", {}),
        client.delete(f"{url}/chargers"),
    )
    for answer in refused:
        assert answer.status_code == 403
        assert isinstance(answer.json()["detail"], str)
    assert client.get(url).status_code == 200


# --- The gallery ----------------------------------------------------------------------

TEMPLATES = "/ocpp/templates/locations"


def test_the_gallery_describes_presets(api: APIClient) -> None:
    answer = api.get(TEMPLATES).json()
    assert answer["total"] == len(answer["data"])
    by_slug = {template["slug"]: template for template in answer["data"]}
    named = {"urban-ac-hub", "highway-dc-station", "residential-ac-single"}
    assert named <= set(by_slug)
    assert by_slug["urban-ac-hub"]["type"] == "AC"
    assert set(by_slug["urban-ac-hub"]["groups"][0]) == {
        "brand_slug",
        "model_slug",
        "connector_type",
        "ocpp_version",
        "count",
        "nominal_kw",
    }


@pytest.mark.parametrize("kind", ["AC", "DC", "AC-DC"])
@pytest.mark.parametrize("version", ["OCPP1.6", "OCPP2.0.1"])
def test_it_can_be_narrowed(api: APIClient, kind: str, version: str) -> None:
    found = api.get(TEMPLATES, {"type": kind, "ocpp_version": version}).json()["data"]
    for template in found:
        assert template["type"] == kind
        assert version in {group["ocpp_version"] for group in template["groups"]}


@pytest.mark.parametrize("query", [{"type": "ac"}, {"ocpp_version": "ocpp1.6"}])
def test_it_refuses_other_filters(api: APIClient, query: dict[str, str]) -> None:
    [name] = query
    assert problems_of(api.get(TEMPLATES, query)) == {f"query.{name}": "enum"}


def test_it_needs_a_token_and_no_organization(db: None) -> None:
    assert APIClient().get(TEMPLATES).status_code == 401
    _, secret = create_token(organization=None)
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    assert client.get(TEMPLATES).status_code == 200
