"""GET /ocpp/command-results: how commands ended."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from chargers.delivery import Outcome
from chargers.models import Charger
from commands.models import Command, Origin
from commands.registry import COMMANDS
from commands.services import (
    Actor,
    claim_commands,
    defer_commands,
    finish_commands,
    submit_commands,
)
from commands.targets import Target
from ocpplab.models import Organization, Role
from ocpplab.services import create_token

RESULTS = "/ocpp/command-results"
Send = Callable[..., Command]


@pytest.fixture
def send(charger: Charger) -> Send:
    def send(to: Charger = charger, slug: str = "plug-connector") -> Command:
        submission = submit_commands(
            organization=to.organization,
            definition=COMMANDS[slug],
            target=Target(charger_id=to.pk),
            event={"id_tag": "TAG-1"} if slug == "authorize-id-tag" else {},
            actor=Actor(Origin.CLI, "tests"),
        )
        return submission.commands[0]

    return send


def test_a_queued_command_has_no_result_yet(
    api: APIClient, charger: Charger, send: Send
) -> None:
    command = send()
    enqueued_at = command.enqueued_at.isoformat().replace("+00:00", "Z")
    assert api.get(f"{RESULTS}/{command.command_id}").json() == {
        "command_id": command.command_id,
        "status": "queued",
        "event_type": "plug_connector",
        "identity": "ACME-AC-1",
        "charger_id": charger.pk,
        "deployment_id": charger.pk,
        "enqueued_at": enqueued_at,
        "received_at": None,
        "updated_at": enqueued_at,
        "detail": None,
        "result": None,
    }


def test_its_life_can_be_followed(api: APIClient, charger: Charger, send: Send) -> None:
    command = send(slug="authorize-id-tag")
    url = f"{RESULTS}/{command.command_id}"
    defer_commands([charger.pk])
    assert api.get(url).json()["status"] == "deferred"
    claim_commands([charger.pk])
    received = api.get(url).json()
    assert received["status"] == "received"
    assert received["received_at"] == received["updated_at"]
    result = {"status": "Accepted"}
    finish_commands([Outcome(command.pk, "applied", result)])
    final = api.get(url).json()
    assert final["status"] == "applied"
    assert final["result"] == result
    assert final["updated_at"] > final["received_at"]


def test_a_refusal_comes_with_its_reason(
    api: APIClient, charger: Charger, send: Send
) -> None:
    command = send()
    claim_commands([charger.pk])
    finish_commands([Outcome(command.pk, "rejected", None, "Plugged in already.")])
    answer = api.get(f"{RESULTS}/{command.command_id}").json()
    assert answer["status"] == "rejected"
    assert answer["detail"] == "Plugged in already."


@pytest.mark.parametrize("command_id", ["000000000000", "x", "%00", "a%2Fb"])
def test_an_unknown_one_is_not_found(api: APIClient, command_id: str) -> None:
    response = api.get(f"{RESULTS}/{command_id}")
    assert response.status_code == 404
    assert isinstance(response.json()["detail"], str)


def test_another_organizations_commands_are_not_there(
    api: APIClient, rival_charger: Charger, send: Send
) -> None:
    foreign = send(rival_charger)
    assert api.get(f"{RESULTS}/{foreign.command_id}").status_code == 404
    assert api.get(RESULTS).json() == {"data": []}
    assert api.get(RESULTS, {"charger_id": rival_charger.pk}).json() == {"data": []}


def test_the_list_is_newest_first_and_filtered(
    api: APIClient, charger: Charger, second_charger: Charger, send: Send
) -> None:
    first, second, third = send(), send(), send(second_charger)
    claim_commands([charger.pk])

    def ids(**query: Any) -> list[str]:
        return [item["command_id"] for item in api.get(RESULTS, query).json()["data"]]

    newest_first = [third.command_id, second.command_id, first.command_id]
    assert ids() == newest_first
    assert ids(limit=2) == newest_first[:2]
    assert ids(charger_id=charger.pk) == newest_first[1:]
    assert ids(status="received") == [first.command_id]
    assert ids(status="queued", charger_id=charger.pk) == [second.command_id]
    assert ids(charger_id="dep-000000000000") == []


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"status": "done"}, "enum"),
        ({"limit": "0"}, "greater_than_equal"),
        ({"limit": "1001"}, "less_than_equal"),
        ({"limit": "many"}, "int_parsing"),
        ({"charger_id": "\0"}, "value_error"),
    ],
)
def test_wrong_parameters_are_refused(
    api: APIClient, query: dict[str, str], kind: str
) -> None:
    response = api.get(RESULTS, query)
    assert response.status_code == 422
    [problem] = response.json()["detail"]
    assert problem["loc"] == ["query", *query]
    assert problem["type"] == kind


def test_a_viewer_may_read(organization: Organization, send: Send) -> None:
    _, secret = create_token(organization=organization, role=Role.VIEWER)
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    assert client.get(f"{RESULTS}/{send().command_id}").status_code == 200


def test_it_takes_the_same_queries_for_one_as_for_many(
    api: APIClient, send: Send, django_assert_num_queries: Any
) -> None:
    send()
    api.get(RESULTS)  # the token's last use is noted once a minute
    for _ in range(5):
        with django_assert_num_queries(2):
            assert api.get(RESULTS).status_code == 200
        send()
