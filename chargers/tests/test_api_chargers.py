"""GET /ocpp/chargers, one charger, its provisioning status."""

from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from chargers.models import Charger, Location
from ocpplab.models import Organization
from tests.fixtures import create_charger

CHARGERS = "/ocpp/chargers"


@pytest.fixture
def rival_charger(other_organization: Organization) -> Charger:
    return create_charger(organization=other_organization, identity="RIVAL-1")


def shown(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def test_a_charger_has_the_published_shape(
    api: APIClient, virtual_charger: Charger, location: Location
) -> None:
    answer = api.get(f"{CHARGERS}/{virtual_charger.pk}")
    assert answer.status_code == 200
    assert answer.json() == {
        "id": virtual_charger.pk,
        "identity": "ACME-AC-1",
        "name": "ACME-AC-1",
        "vendor_name": "Wallbox",
        "model": "Pulsar Plus",
        "image_url": "http://testserver/catalog/wallbox/wallbox-pulsar-plus.svg",
        "ocpp_version": "OCPP1.6",
        "number_of_connectors": 1,
        "max_charging_power": 22000,
        "connector_type": "Type2",
        "location_id": str(location.pk),
        "created_at": shown(virtual_charger.created_at),
        "updated_at": shown(virtual_charger.updated_at),
    }


def test_what_is_not_known_is_null(api: APIClient, organization: Organization) -> None:
    charger = Charger.objects.create(
        organization=organization, identity="ACME-CP-9", kind="physical"
    )
    answer = api.get(f"{CHARGERS}/{charger.pk}").json()
    unknown = {name for name, value in answer.items() if value is None}
    assert unknown == {
        "vendor_name",
        "model",
        "image_url",
        "max_charging_power",
        "connector_type",
        "location_id",
    }


@pytest.mark.parametrize("path", ["", "/status"])
@pytest.mark.parametrize("name", ["dep-000000000000", "x", "%00"])
def test_an_unknown_charger_is_not_found(api: APIClient, path: str, name: str) -> None:
    answer = api.get(f"{CHARGERS}/{name}{path}")
    assert answer.status_code == 404
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("path", ["", "/status"])
def test_a_foreign_charger_is_not_found(
    api: APIClient, rival_charger: Charger, path: str
) -> None:
    assert api.get(f"{CHARGERS}/{rival_charger.pk}{path}").status_code == 404


# --- The list -------------------------------------------------------------------------


def test_the_list_is_the_organizations_newest_first(
    api: APIClient,
    virtual_charger: Charger,
    physical_charger: Charger,
    rival_charger: Charger,
) -> None:
    answer = api.get(CHARGERS).json()
    assert [item["identity"] for item in answer.pop("data")] == [
        "ACME-CP-1",
        "ACME-AC-1",
    ]
    assert answer == {"total": 2, "page": 1, "limit": 50}


def test_it_comes_in_pages(
    api: APIClient, virtual_charger: Charger, physical_charger: Charger
) -> None:
    second = api.get(CHARGERS, {"page": 2, "limit": 1}).json()
    assert [item["id"] for item in second.pop("data")] == [virtual_charger.pk]
    assert second == {"total": 2, "page": 2, "limit": 1}


@pytest.mark.parametrize("page", [2, 10**30])
def test_a_page_past_the_end_is_empty(
    api: APIClient, virtual_charger: Charger, page: int
) -> None:
    answer = api.get(CHARGERS, {"page": page})
    assert answer.status_code == 200
    assert answer.json() == {"data": [], "total": 1, "page": page, "limit": 50}


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"page": "0"}, "greater_than_equal"),
        ({"page": "one"}, "int_parsing"),
        ({"limit": "0"}, "greater_than_equal"),
        ({"limit": "101"}, "less_than_equal"),
        ({"location_id": "\0"}, "value_error"),
    ],
)
def test_wrong_parameters_are_refused(
    api: APIClient, query: dict[str, str], kind: str
) -> None:
    answer = api.get(CHARGERS, query)
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert problem["loc"] == ["query", *query]
    assert problem["type"] == kind
    assert problem["input"] == next(iter(query.values()))


def test_it_can_be_narrowed_to_a_location(
    api: APIClient, organization: Organization, virtual_charger: Charger
) -> None:
    create_charger(organization=organization, identity="ACME-ALONE")
    location_id = virtual_charger.location_id
    answer = api.get(CHARGERS, {"location_id": location_id}).json()
    assert [item["identity"] for item in answer["data"]] == ["ACME-AC-1"]
    for unknown in ("loc-456", "00000000-0000-0000-0000-000000000000"):
        assert api.get(CHARGERS, {"location_id": unknown}).json()["total"] == 0


def test_more_chargers_take_no_more_queries(
    api: APIClient, organization: Organization, django_assert_num_queries: Any
) -> None:
    create_charger(organization=organization, identity="ACME-0")
    api.get(CHARGERS)  # the token's last use is noted once a minute
    for number in range(1, 4):
        with django_assert_num_queries(3):
            api.get(CHARGERS)
        create_charger(organization=organization, identity=f"ACME-{number}")


# --- The status -----------------------------------------------------------------------


def test_the_status_tells_how_far_its_making_is(
    api: APIClient, virtual_charger: Charger
) -> None:
    assert virtual_charger.provisioned_at
    assert api.get(f"{CHARGERS}/{virtual_charger.pk}/status").json() == {
        "charger_id": virtual_charger.pk,
        "status": "READY",
        "workflow_run_id": None,
        "error": None,
        "provisioned_at": shown(virtual_charger.provisioned_at),
    }


def test_the_status_tells_what_went_wrong(
    api: APIClient, virtual_charger: Charger
) -> None:
    Charger.objects.update(
        provisioning_status="FAILED",
        provisioned_at=None,
        workflow_run_id="wfr_1",
        provisioning_error={"code": "unknown_error", "message": "No."},
    )
    answer = api.get(f"{CHARGERS}/{virtual_charger.pk}/status").json()
    assert answer["status"] == "FAILED"
    assert answer["workflow_run_id"] == "wfr_1"
    told = {name: value for name, value in answer["error"].items() if value}
    assert told == {"code": "unknown_error", "message": "No."}
    assert answer["provisioned_at"] is None
