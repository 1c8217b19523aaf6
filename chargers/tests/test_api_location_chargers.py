"""POST, PUT and DELETE of /ocpp/locations/…/chargers, and the job that makes them."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_rq import get_queue
from rest_framework.test import APIClient

from chargers import provisioning
from chargers.models import Charger, Location, ProvisioningJob
from ocpplab.models import Organization
from tests.fixtures import create_charger

TEMPLATE = {
    "brand_slug": "wallbox",
    "model_slug": "wallbox-pulsar-plus",
    "connector_type": "Type2",
    "ws_url": "wss://csms.example/ocpp",
}
SITE_A = {**TEMPLATE, "identity_prefix": "SITE_A_", "template_name": "Bay"}


@pytest.fixture
def url(location: Location) -> str:
    return f"/ocpp/locations/{location.pk}/chargers"


@pytest.fixture
def many(
    organization: Organization, location: Location
) -> Callable[[int], list[Charger]]:
    """Makes so many more chargers in the location."""

    def make(count: int) -> list[Charger]:
        start = Charger.objects.count()
        return [
            create_charger(
                organization=organization, location=location, identity=f"MANY-{number}"
            )
            for number in range(start, start + count)
        ]

    return make


def problems_of(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.content
    return {
        ".".join(map(str, item["loc"])): item["type"]
        for item in answer.json()["detail"]
    }


def queries_of(call: Callable[[], Any]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert call().status_code in (200, 202)
    return len(queries)


# --- Making ---------------------------------------------------------------------------


def test_a_batch_is_accepted_and_can_be_polled(
    api: APIClient, url: str, location: Location
) -> None:
    answer = api.post(url, [{"template": SITE_A, "charger_ids": ["001", "002"]}])
    assert answer.status_code == 202
    job = ProvisioningJob.objects.get()
    accepted = answer.json()
    assert accepted.pop("workflow_run_id").startswith("wfr_")
    assert accepted == {
        "job_id": str(job.pk),
        "status": "PENDING",
        "status_url": f"{url}/jobs/{job.pk}",
    }
    assert api.get(accepted["status_url"]).json() == {
        "job_id": str(job.pk),
        "job_type": "location_chargers",
        "status": "PENDING",
        "workflow_run_id": job.workflow_run_id,
        "error": None,
        "results": None,
        "provisioned_at": None,
    }


@pytest.mark.parametrize(
    ("group", "given", "total"),
    [
        ({"charger_ids": ["001", "002"]}, ["001", "002"], 2),
        ({"chargers_number": 3}, [], 3),
        ({"charger_ids": [], "chargers_number": 3}, [], 3),
        ({"charger_ids": ["001"], "chargers_number": 3}, ["001"], 3),
        ({"charger_ids": ["001", "002"], "chargers_number": 1}, ["001"], 1),
        ({"charger_ids": ["001"], "chargers_number": None}, ["001"], 1),
    ],
)
def test_suffixes_are_taken_filled_up_or_cut(
    api: APIClient, url: str, group: dict[str, Any], given: list[str], total: int
) -> None:
    api.post(url, [{"template": SITE_A, **group}])
    identities = [item["identity"] for item in ProvisioningJob.objects.get().items]
    assert identities[: len(given)] == [f"SITE_A_{suffix}" for suffix in given]
    assert len(set(identities)) == total
    for identity in identities[len(given) :]:
        int(identity.removeprefix("SITE_A_"), 16)


def test_the_results_come_with_ready(
    api: APIClient, url: str, virtual_charger: Charger
) -> None:
    groups = [
        {"template": SITE_A, "charger_ids": ["001", "002"]},
        {"template": TEMPLATE, "charger_ids": ["ACME-AC-1", "a/b"]},
        {"template": {**TEMPLATE, "brand_slug": "nobody"}, "charger_ids": ["X"]},
    ]
    status_url = api.post(url, groups).json()["status_url"]
    provisioning.make_chargers(str(ProvisioningJob.objects.get().pk))
    provisioning.settle_jobs()
    assert api.get(status_url).json()["results"] is None
    Charger.objects.update(provisioning_status="READY")
    provisioning.settle_jobs()
    answer = api.get(status_url).json()
    assert (answer["status"], answer["error"]) == ("READY", None)
    assert answer["provisioned_at"]
    results = answer["results"]
    assert (results["created_count"], results["failed_count"]) == (2, 3)
    for charger in results["created"]:
        assert charger == api.get(f"/ocpp/chargers/{charger['id']}").json()
    names = {charger["identity"]: charger["name"] for charger in results["created"]}
    assert names == {"SITE_A_001": "Bay 001", "SITE_A_002": "Bay 002"}
    failed = {item["identity"]: item["error"] for item in results["failed"]}
    assert "exists already" in failed["ACME-AC-1"]
    assert "only" in failed["a/b"]
    assert "catalog" in failed["X"]


@pytest.mark.parametrize(
    ("body", "loc", "kind"),
    [
        ([], "body", "too_short"),
        ({}, "body", "not_a_list"),
        ([1], "body.0", "value_error"),
        ([{"charger_ids": ["1"]}], "body.0.template", "missing"),
        ([{"template": TEMPLATE}], "body.0", "value_error"),
        ([{"template": TEMPLATE, "charger_ids": []}], "body.0", "value_error"),
        (
            [{"template": TEMPLATE, "chargers_number": 0}],
            "body.0.chargers_number",
            "greater_than_equal",
        ),
        (
            [{"template": TEMPLATE, "chargers_number": 10_001}],
            "body.0.chargers_number",
            "less_than_equal",
        ),
        ([{"template": TEMPLATE, "chargers_number": 9_999}] * 2, "body", "too_long"),
        (
            [{"template": TEMPLATE, "charger_ids": [1]}],
            "body.0.charger_ids.0",
            "string_type",
        ),
        (
            [{"template": {**TEMPLATE, "ws_url": "http://x"}, "chargers_number": 1}],
            "body.0.template.ws_url",
            "value_error",
        ),
        (
            [{"template": {**TEMPLATE, "ocpp_version": "2"}, "chargers_number": 1}],
            "body.0.template.ocpp_version",
            "enum",
        ),
    ],
)
def test_it_refuses_a_wrong_shape(
    api: APIClient, url: str, body: Any, loc: str, kind: str
) -> None:
    found = problems_of(api.post(url, body))
    assert found == {loc: kind if kind != "not_a_list" else "list_type"}
    assert not ProvisioningJob.objects.exists()


def test_a_thousand_are_accepted_at_once(api: APIClient, url: str) -> None:
    api.get(url)  # the token's last use is noted once a minute
    few = queries_of(
        lambda: api.post(url, [{"template": SITE_A, "chargers_number": 1}])
    )
    started = time.perf_counter()
    many = queries_of(
        lambda: api.post(url, [{"template": SITE_A, "chargers_number": 1000}])
    )
    assert time.perf_counter() - started < 0.5
    assert few == many


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_told(api: APIClient, url: str) -> None:
    job = api.post(url, [{"template": SITE_A, "chargers_number": 1}]).json()["job_id"]
    [queued] = get_queue().jobs
    assert (queued.func_name, queued.args) == ("chargers.jobs.make_chargers", (job,))


def test_the_results_of_many_take_no_more_queries(
    api: APIClient, url: str, many: Any, location: Location
) -> None:
    job = ProvisioningJob.objects.create(
        organization=location.organization,
        location=location,
        status="READY",
        templates=[],
        items=[],
    )

    def read() -> int:
        Charger.objects.update(provisioning_job=job)
        return queries_of(lambda: api.get(f"{url}/jobs/{job.pk}"))

    many(1)
    read()
    few = read()
    many(49)
    assert read() == few


# --- Changing -------------------------------------------------------------------------


def test_each_changes_as_it_is_told(
    api: APIClient, url: str, many: Any, organization: Organization
) -> None:
    first, second, third = many(3)
    stranger = create_charger(organization=organization, identity="ACME-ALONE")
    items = [
        {"charger_id": first.pk, "charge_point_name": "Bay 1"},
        {"charger_id": second.pk, "ocpp_version": "OCPP2.0.1", "location_id": None},
        {"charger_id": third.pk, "connector_type": "CCS2", "name": "Bay 3"},
        {"charger_id": stranger.pk, "name": "Bay 4"},
        {"charger_id": "dep-000000000000", "name": "Bay 5"},
    ]
    answer = api.put(url, {"chargers": items})
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["updated_count"], shown["failed_count"]) == (2, 3)
    for charger in shown["updated"]:
        assert charger == api.get(f"/ocpp/chargers/{charger['id']}").json()
    assert [item["name"] for item in shown["updated"]] == ["Bay 1", second.identity]
    assert shown["updated"][1]["ocpp_version"] == "OCPP2.0.1"
    assert shown["updated"][1]["location_id"] is None
    assert [item["charger_id"] for item in shown["failed"]] == [
        third.pk,
        stranger.pk,
        "dep-000000000000",
    ]
    assert "CCS2" in shown["failed"][0]["error"]
    third.refresh_from_db()
    assert third.name == ""


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, "body.chargers"),
        ({"chargers": None}, "body.chargers"),
        ({"chargers": []}, "body.chargers"),
        ({"chargers": [{"name": "Bay"}]}, "body.chargers.0.charger_id"),
        ({"chargers": [{"charger_id": "x", "ws_url": 1}]}, "body.chargers.0.ws_url"),
        ([], "body"),
    ],
)
def test_a_change_of_a_wrong_shape_is_refused(
    api: APIClient, url: str, body: Any, loc: str
) -> None:
    assert set(problems_of(api.put(url, body))) == {loc}


def test_changing_many_takes_no_more_queries(
    api: APIClient, url: str, many: Any, location: Location
) -> None:
    def change() -> int:
        items = [
            {"charger_id": pk, "name": f"Bay {pk}", "location_id": str(location.pk)}
            for pk in Charger.objects.values_list("pk", flat=True)
        ]
        return queries_of(lambda: api.put(url, {"chargers": items}))

    many(1)
    change()
    few = change()
    many(49)
    assert change() == few


# --- Removing -------------------------------------------------------------------------


def test_those_that_are_named_are_removed(
    api: APIClient, url: str, many: Any, organization: Organization
) -> None:
    first, second, third = many(3)
    stranger = create_charger(organization=organization, identity="ACME-ALONE")
    ids = [first.pk, third.pk, stranger.pk, first.pk]
    answer = api.delete(url, QUERY_STRING="&".join(f"charger_ids={pk}" for pk in ids))
    assert answer.status_code == 200
    assert answer.json() == {
        "deleted_count": 2,
        "failed_count": 1,
        "deleted": [first.pk, third.pk],
        "failed": [{"charger_id": stranger.pk, "error": "There is no such charger."}],
    }
    assert set(Charger.objects.all()) == {second, stranger}


def test_they_must_be_named(api: APIClient, url: str, many: Any) -> None:
    many(2)
    assert problems_of(api.delete(url)) == {"query.charger_ids": "missing"}
    assert Charger.objects.count() == 2


def test_more_than_can_be_read_is_refused(api: APIClient, url: str) -> None:
    answer = api.delete(url, QUERY_STRING="&".join(["charger_ids=x"] * 2501))
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)


def test_removing_many_takes_no_more_queries(
    api: APIClient, url: str, many: Any
) -> None:
    def remove() -> int:
        ids = Charger.objects.values_list("pk", flat=True)
        query = "&".join(f"charger_ids={pk}" for pk in ids)
        return queries_of(lambda: api.delete(url, QUERY_STRING=query))

    many(1)
    remove()
    many(1)
    few = remove()
    many(50)
    assert remove() == few


# --- Where ----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_a_foreign_or_unknown_location_is_not_found(
    api: APIClient, other_organization: Organization, method: str
) -> None:
    foreign = Location.objects.create(
        organization=other_organization, slug="r", name="R", latitude=0, longitude=0
    )
    for pk in (foreign.pk, uuid.uuid4(), "loc-456"):
        answer = getattr(api, method)(f"/ocpp/locations/{pk}/chargers", {})
        assert answer.status_code == 404
        assert isinstance(answer.json()["detail"], str)


def test_a_job_belongs_to_its_location(
    api: APIClient, url: str, organization: Organization
) -> None:
    job = api.post(url, [{"template": SITE_A, "chargers_number": 1}]).json()["job_id"]
    other = Location.objects.create(
        organization=organization, slug="o", name="O", latitude=0, longitude=0
    )
    for path in (
        f"/ocpp/locations/{other.pk}/chargers/jobs/{job}",
        f"/ocpp/locations/x/chargers/jobs/{job}",
        f"{url}/jobs/{uuid.uuid4()}",
        f"{url}/jobs/job-1",
    ):
        assert api.get(path).status_code == 404
