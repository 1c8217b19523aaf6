"""GET /ocpp/locations, one location, its chargers."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from chargers.models import Charger, Location
from ocpplab.models import Organization
from tests.fixtures import create_charger

LOCATIONS = "/ocpp/locations"


@pytest.fixture
def rival_location(other_organization: Organization) -> Location:
    return Location.objects.create(
        organization=other_organization,
        slug="rival-depot",
        name="Rival Depot",
        latitude=0,
        longitude=0,
    )


def test_a_location_has_the_published_shape(api: APIClient, location: Location) -> None:
    answer = api.get(f"{LOCATIONS}/{location.pk}").json()
    assert answer.pop("created_at").endswith("Z")
    assert answer.pop("updated_at").endswith("Z")
    assert answer == {
        "id": str(location.pk),
        "slug": "acme-depot",
        "name": "Acme Depot",
        "address": "1 Rue de Rivoli",
        "city": "Paris",
        "country": "FR",
        "coordinates": {"latitude": 48.8556, "longitude": 2.3588},
        "timezone": None,
        "owner_name": None,
        "public": False,
        "status": "active",
    }


def test_the_list_is_the_organizations(
    api: APIClient, location: Location, rival_location: Location
) -> None:
    answer = api.get(LOCATIONS).json()
    assert [item["id"] for item in answer.pop("data")] == [str(location.pk)]
    assert answer == {"total": 1, "page": 1, "limit": 50}


@pytest.mark.parametrize("path", ["", "/chargers"])
@pytest.mark.parametrize("name", ["loc-456", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_location_is_not_found(api: APIClient, path: str, name: str) -> None:
    answer = api.get(f"{LOCATIONS}/{name}{path}")
    assert answer.status_code == 404
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("path", ["", "/chargers"])
def test_a_foreign_location_is_not_found(
    api: APIClient, rival_location: Location, path: str
) -> None:
    assert api.get(f"{LOCATIONS}/{rival_location.pk}{path}").status_code == 404


def test_its_chargers_are_listed_all_or_some(
    api: APIClient,
    location: Location,
    virtual_charger: Charger,
    physical_charger: Charger,
    organization: Organization,
) -> None:
    create_charger(organization=organization, identity="ACME-ALONE")
    url = f"{LOCATIONS}/{location.pk}/chargers"
    answer = api.get(url).json()
    assert [item["identity"] for item in answer["data"]] == ["ACME-CP-1", "ACME-AC-1"]
    assert answer["total"] == 2
    some = api.get(url, {"charger_ids": virtual_charger.pk}).json()
    assert [item["id"] for item in some["data"]] == [virtual_charger.pk]
    both = [virtual_charger.pk, physical_charger.pk]
    assert api.get(url, {"charger_ids": both}).json()["total"] == 2


def test_a_charger_that_is_not_there_is_a_bad_request(
    api: APIClient,
    location: Location,
    virtual_charger: Charger,
    organization: Organization,
) -> None:
    elsewhere = create_charger(organization=organization, identity="ACME-ALONE")
    wanted = {"charger_ids": [virtual_charger.pk, elsewhere.pk]}
    answer = api.get(f"{LOCATIONS}/{location.pk}/chargers", wanted)
    assert answer.status_code == 400
    assert answer.json() == {"detail": f"Not in this location: {elsewhere.pk}."}


def test_more_of_them_take_no_more_queries(
    api: APIClient,
    location: Location,
    virtual_charger: Charger,
    physical_charger: Charger,
    django_assert_num_queries: Any,
) -> None:
    api.get(LOCATIONS)  # the token's last use is noted once a minute
    with django_assert_num_queries(3):
        api.get(LOCATIONS)
    with django_assert_num_queries(4):
        api.get(f"{LOCATIONS}/{location.pk}/chargers")
