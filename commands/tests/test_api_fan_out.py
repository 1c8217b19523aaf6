"""POST /ocpp/commands/…: commands for one charger or many, not waited for."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_rq import get_queue
from rest_framework.test import APIClient

from chargers.models import Charger, Location
from commands.models import Command, Origin, Status
from commands.registry import DEFINITIONS, Definition
from ocpplab.models import Organization, Role
from ocpplab.services import create_token
from tests.fixtures import create_charger

PLUG = "/ocpp/commands/plug-connector"
EVENTS = {
    "start-transaction": {"id_tag": "TAG-1"},
    "start-session": {"id_tag": "TAG-1", "target_energy_kwh": 1.5},
    "authorize-id-tag": {"id_tag": "TAG-1"},
    "power-update": {"power_w": 11000, "evse_id": 1, "connector_id": 1},
}
FAN_OUT = [definition for definition in DEFINITIONS if definition.fan_out]


def problem_of(response: Any) -> dict[str, Any]:
    """The only problem of a refused request."""
    assert response.status_code == 422, response.content
    [problem] = response.json()["detail"]
    assert not Command.objects.exists()
    return problem


@pytest.mark.parametrize("definition", FAN_OUT, ids=lambda d: d.slug)
def test_it_queues_every_fan_out_command(
    api: APIClient, charger: Charger, definition: Definition
) -> None:
    event = EVENTS.get(definition.slug, {})
    body = {"target": {"charger_id": charger.pk}, "event": event}
    response = api.post(f"/ocpp/commands/{definition.slug}", body)
    command = Command.objects.get()
    assert response.status_code == 202
    assert response.json() == {
        "targeted_count": 1,
        "queued_count": 1,
        "failed_count": 0,
        "results": [
            {
                "charger_id": charger.pk,
                "identity": "ACME-AC-1",
                "command": {
                    "id": command.command_id,
                    "event_type": definition.slug.replace("-", "_"),
                    "ocpp_version": "ocpp1.6",
                    "payload": event,
                },
            }
        ],
        "failed": [],
    }
    assert command.status == Status.QUEUED


def test_there_are_eleven_of_them() -> None:
    assert len(FAN_OUT) == 11


def test_it_records_who_sent_it(
    organization: Organization, charger: Charger, api: APIClient
) -> None:
    api.post(PLUG, {"target": {"charger_id": charger.pk}, "event": {}})
    command = Command.objects.get()
    assert command.origin == Origin.API
    assert command.submitted_by == "tests"
    assert command.token == organization.tokens.get()


def test_null_is_absent(api: APIClient, charger: Charger) -> None:
    target = {"charger_id": charger.pk, "location_id": None, "charger_ids": None}
    response = api.post(PLUG, {"target": target, "event": {"evse_id": None}})
    assert response.status_code == 202
    assert response.json()["results"][0]["command"]["payload"] == {}


# --- Targets --------------------------------------------------------------------------


def test_a_location_means_all_its_chargers(
    api: APIClient, location: Location, charger: Charger, second_charger: Charger
) -> None:
    answer = api.post(PLUG, {"target": {"location_id": location.pk}, "event": {}})
    sent = [item["identity"] for item in answer.json()["results"]]
    assert sent == ["ACME-AC-1", "ACME-AC-2"]


def test_a_location_without_chargers_is_no_error(
    api: APIClient, location: Location
) -> None:
    answer = api.post(PLUG, {"target": {"location_id": location.pk}, "event": {}})
    assert answer.status_code == 202
    assert answer.json() == {
        "targeted_count": 0,
        "queued_count": 0,
        "failed_count": 0,
        "results": [],
        "failed": [],
    }


def test_a_subset_is_sent_once_each_and_strangers_fail(
    api: APIClient,
    location: Location,
    charger: Charger,
    second_charger: Charger,
    rival_charger: Charger,
) -> None:
    ids = [second_charger.pk, rival_charger.pk, second_charger.pk]
    target = {"location_id": location.pk, "charger_ids": ids}
    answer = api.post(PLUG, {"target": target, "event": {}}).json()
    assert answer["targeted_count"] == 2
    assert [item["charger_id"] for item in answer["results"]] == [second_charger.pk]
    [failed] = answer["failed"]
    assert failed["identity"] is None
    assert rival_charger.pk in failed["error"]


def test_chargers_that_cannot_take_it_fail_and_the_rest_go_on(
    api: APIClient, location: Location, charger: Charger, physical_charger: Charger
) -> None:
    answer = api.post(PLUG, {"target": {"location_id": location.pk}, "event": {}})
    assert answer.status_code == 202
    assert answer.json()["queued_count"] == 1
    [failed] = answer.json()["failed"]
    assert failed["identity"] == "ACME-CP-1"
    assert "physical" in failed["error"]


def test_an_offline_charger_is_a_failure_not_an_error(
    api: APIClient, virtual_charger: Charger
) -> None:
    target = {"charger_id": virtual_charger.pk}
    answer = api.post(PLUG, {"target": target, "event": {}})
    assert answer.status_code == 202
    assert answer.json()["failed"] == [
        {
            "identity": "ACME-AC-1",
            "error": "ACME-AC-1 is not connected to its CSMS.",
        }
    ]


def test_a_connector_that_is_not_there_is_a_failure(
    api: APIClient, charger: Charger
) -> None:
    body = {"target": {"charger_id": charger.pk}, "event": {"connector_id": 2}}
    answer = api.post(PLUG, body).json()
    assert answer["queued_count"] == 0
    assert "connector 2" in answer["failed"][0]["error"]


@pytest.mark.parametrize("field", ["charger_id", "location_id"])
@pytest.mark.parametrize("name", ["dep-000000000000", str(uuid.UUID(int=0)), "a/b c"])
def test_an_unknown_target_is_not_found(api: APIClient, field: str, name: str) -> None:
    answer = api.post(PLUG, {"target": {field: name}, "event": {}})
    assert answer.status_code == 404
    assert name in answer.json()["detail"]


def test_a_foreign_target_is_not_found(api: APIClient, rival_charger: Charger) -> None:
    own = Location.objects.create(
        organization=rival_charger.organization,
        slug="rival",
        name="R",
        latitude=0,
        longitude=0,
    )
    for target in ({"charger_id": rival_charger.pk}, {"location_id": own.pk}):
        assert api.post(PLUG, {"target": target, "event": {}}).status_code == 404
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("target", "loc", "kind"),
    [
        ({}, ["target"], "value_error"),
        ({"charger_id": "a", "location_id": "b"}, ["target"], "value_error"),
        ({"charger_ids": ["a"]}, ["target"], "value_error"),
        (
            {"charger_id": "a", "charger_ids": ["a"]},
            ["target", "charger_ids"],
            "value_error",
        ),
        (
            {"location_id": "a", "charger_ids": []},
            ["target", "charger_ids"],
            "too_short",
        ),
        (
            {"location_id": "a", "charger_ids": ["b", 1]},
            ["target", "charger_ids", 1],
            "string_type",
        ),
        (
            {"location_id": "a", "charger_ids": "b"},
            ["target", "charger_ids"],
            "list_type",
        ),
        ({"charger_id": 7}, ["target", "charger_id"], "string_type"),
        ({"charger_id": ""}, ["target", "charger_id"], "string_too_short"),
        (
            {"charger_id": "a", "identity": "b"},
            ["target", "identity"],
            "extra_forbidden",
        ),
        ("dep-1", ["target"], "value_error"),
        (None, ["target"], "missing"),
    ],
)
def test_it_refuses_an_ambiguous_target(
    api: APIClient, target: Any, loc: list[str | int], kind: str
) -> None:
    problem = problem_of(api.post(PLUG, {"target": target, "event": {}}))
    assert problem["loc"] == ["body", *loc]
    assert problem["type"] == kind


# --- Events ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slug", "event", "loc", "kind"),
    [
        ("power-update", {}, ["power_w"], "missing"),
        ("power-update", {"power_w": None}, ["power_w"], "missing"),
        ("power-update", {"power_w": "11000"}, ["power_w"], "int_type"),
        ("power-update", {"power_w": True}, ["power_w"], "int_type"),
        ("power-update", {"power_w": 1.5}, ["power_w"], "int_type"),
        ("power-update", {"power_w": -1}, ["power_w"], "greater_than_equal"),
        ("power-update", {"power_w": 10**9}, ["power_w"], "less_than_equal"),
        ("power-update", {"power_w": 1, "watts": 1}, ["watts"], "extra_forbidden"),
        ("plug-connector", {"connector_id": 0}, ["connector_id"], "greater_than_equal"),
        ("start-session", {"id_tag": 1}, ["id_tag"], "string_type"),
        ("start-session", {"id_tag": "x" * 37}, ["id_tag"], "string_too_long"),
        (
            "start-session",
            {"id_tag": "a", "target_energy_kwh": 0},
            ["target_energy_kwh"],
            "greater_than_equal",
        ),
        ("authorize-id-tag", {"id_tag": "a\0"}, ["id_tag"], "value_error"),
        ("authorize-id-tag", {"id_tag": ""}, ["id_tag"], "string_too_short"),
        ("plug-connector", None, [], "missing"),
        ("plug-connector", [], [], "value_error"),
    ],
)
def test_it_refuses_an_event_of_a_wrong_shape(
    api: APIClient, charger: Charger, slug: str, event: Any, loc: list[str], kind: str
) -> None:
    body = {"target": {"charger_id": charger.pk}, "event": event}
    problem = problem_of(api.post(f"/ocpp/commands/{slug}", body))
    assert problem["loc"] == ["body", "event", *loc]
    assert problem["type"] == kind


def test_all_that_is_wrong_is_said_at_once(api: APIClient, db: None) -> None:
    answer = api.post("/ocpp/commands/power-update", {"target": {}})
    found = {(*item["loc"], item["type"]) for item in answer.json()["detail"]}
    assert found == {("body", "target", "value_error"), ("body", "event", "missing")}


def test_it_refuses_unknown_fields_beside_target_and_event(
    api: APIClient, charger: Charger
) -> None:
    body = {"target": {"charger_id": charger.pk}, "event": {}, "priority": 1}
    problem = problem_of(api.post(PLUG, body))
    assert problem == {
        "loc": ["body", "priority"],
        "msg": "Unknown field.",
        "type": "extra_forbidden",
        "input": 1,
    }


# --- Who may --------------------------------------------------------------------------


def test_a_viewer_may_not(organization: Organization, charger: Charger) -> None:
    _, secret = create_token(organization=organization, role=Role.VIEWER)
    body = {"target": {"charger_id": charger.pk}, "event": {}}
    answer = APIClient().post(PLUG, body, headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 403
    assert isinstance(answer.json()["detail"], str)
    assert not Command.objects.exists()


def test_an_operator_may(organization: Organization, charger: Charger) -> None:
    _, secret = create_token(organization=organization, role=Role.OPERATOR)
    body = {"target": {"charger_id": charger.pk}, "event": {}}
    answer = APIClient().post(PLUG, body, headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 202
    assert Command.objects.get().submitted_by == secret[:14]  # it has no name


def test_an_admin_token_acts_in_the_organization_it_names(
    organization: Organization, charger: Charger, rival_charger: Charger
) -> None:
    _, secret = create_token(organization=None)
    headers = {"Authorization": f"Bearer {secret}", "X-Organization-Id": "acme"}
    client = APIClient(headers=headers)
    body = {"target": {"charger_id": charger.pk}, "event": {}}
    assert client.post(PLUG, body).status_code == 202
    body = {"target": {"charger_id": rival_charger.pk}, "event": {}}
    assert client.post(PLUG, body).status_code == 404


# --- Cost -----------------------------------------------------------------------------


def test_a_thousand_chargers_cost_a_handful_of_queries(
    api: APIClient,
    organization: Organization,
    location: Location,
    charger: Charger,
) -> None:
    Charger.objects.bulk_create(
        Charger(
            organization=organization,
            location=location,
            model=charger.model,
            identity=f"ACME-{number}",
            is_online=True,
        )
        for number in range(999)
    )
    with CaptureQueriesContext(connection) as queries:
        body = {"target": {"location_id": location.pk}, "event": {}}
        answer = api.post(PLUG, body).json()
    assert answer["queued_count"] == 1000
    assert Command.objects.count() == 1000
    # SQLite takes so many values at a time that it needs several inserts.
    others = [q["sql"] for q in queries if not q["sql"].startswith("INSERT")]
    assert len(others) <= 8, others
    assert len(queries) < 30


def test_the_queue_gets_one_job_for_some_hundreds(
    api: APIClient,
    location: Location,
    charger: Charger,
    second_charger: Charger,
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        api.post(PLUG, {"target": {"location_id": location.pk}, "event": {}})
    [job] = get_queue().jobs
    assert job.func_name == "commands.jobs.deliver_commands"
    assert len(job.args[0]) == 2


def test_version_two_chargers_show_their_version(
    api: APIClient, organization: Organization
) -> None:
    charger = create_charger(
        organization=organization,
        identity="ACME-V2",
        ocpp_version="OCPP2.0.1",
        is_online=True,
    )
    answer = api.post(PLUG, {"target": {"charger_id": charger.pk}, "event": {}}).json()
    assert answer["results"][0]["command"]["ocpp_version"] == "ocpp2.0.1"
