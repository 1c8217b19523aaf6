"""GET /ocpp/chargers/{id}/logs: the OCPP messages of a charger."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from chargers.models import Charger, Message
from ocpplab.models import Organization
from tests.fixtures import create_charger

NINE = datetime(2026, 4, 9, 9, tzinfo=UTC)
BOOT = '[2,"boot-001","BootNotification",{"chargePointVendor":"OCPPLAB"}]'


@pytest.fixture
def logs(virtual_charger: Charger) -> str:
    """The URL of a log of three messages, one a minute from nine on."""
    messages = [
        ("cp_to_csms", "BootNotification", BOOT),
        ("csms_to_cp", "BootNotification", '[3,"boot-001",{}]'),
        ("cp_to_csms", "Heartbeat", '[2,"2","Heartbeat",{}]'),
    ]
    Message.objects.bulk_create(
        Message(
            charger=virtual_charger,
            direction=direction,
            action=action,
            text=text,
            timestamp=NINE + timedelta(minutes=number),
        )
        for number, (direction, action, text) in enumerate(messages)
    )
    return f"/ocpp/chargers/{virtual_charger.pk}/logs"


def minutes(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [int(item["timestamp"][14:16]) for item in answer.json()["data"]]


def test_an_entry_is_the_frame_as_it_was_sent(api: APIClient, logs: str) -> None:
    answer = api.get(logs).json()
    assert answer["data"][2] == {
        "direction": "cp_to_csms",
        "action": "BootNotification",
        "message": BOOT,
        "timestamp": "2026-04-09T09:00:00Z",
    }


def test_the_newest_comes_first(api: APIClient, logs: str) -> None:
    answer = api.get(logs)
    assert minutes(answer) == [2, 1, 0]
    numbers = answer.json()
    del numbers["data"]
    assert numbers == {"total": 3, "limit": 1000, "offset": 0}


def test_it_comes_in_parts(api: APIClient, logs: str) -> None:
    answer = api.get(logs, {"limit": 1, "offset": 1})
    assert minutes(answer) == [1]
    assert answer.json()["total"] == 3
    assert minutes(api.get(logs, {"offset": 10**30})) == []


def test_both_ends_of_a_period_are_in_it(api: APIClient, logs: str) -> None:
    period = {"start_date": "2026-04-09T09:01:00Z", "end_date": "2026-04-09T09:02:00Z"}
    assert minutes(api.get(logs, period)) == [2, 1]
    period = {"start_date": "2026-04-09T11:01:00+02:00"}
    assert minutes(api.get(logs, period)) == [2, 1]
    assert minutes(api.get(logs, {"end_date": "2026-04-09T08:00:00"})) == []


def test_an_action_brings_its_answers_along(api: APIClient, logs: str) -> None:
    assert minutes(api.get(logs, {"event": "BootNotification"})) == [1, 0]
    assert minutes(api.get(logs, {"event": "Authorize"})) == []


def test_chargers_that_are_not_here_have_an_empty_log(
    api: APIClient, logs: str, other_organization: Organization
) -> None:
    foreign = create_charger(organization=other_organization, identity="RIVAL-1")
    Message.objects.update(charger=foreign)
    for pk in ("dep-000000000000", foreign.pk):
        answer = api.get(f"/ocpp/chargers/{pk}/logs")
        assert answer.status_code == 200
        assert answer.json() == {"data": [], "total": 0, "limit": 1000, "offset": 0}


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"limit": "1001"}, "less_than_equal"),
        ({"offset": "-1"}, "greater_than_equal"),
        ({"start_date": "yesterday"}, "value_error"),
        ({"start_date": "0001-01-01T00:00:00+14:00"}, None),
        ({"event": "\0"}, "value_error"),
    ],
)
def test_wrong_parameters_are_refused(
    api: APIClient, logs: str, query: dict[str, str], kind: str | None
) -> None:
    answer = api.get(logs, query)
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert problem["loc"] == ["query", *query]
    assert kind is None or problem["type"] == kind


def test_a_long_log_takes_three_queries(
    api: APIClient, logs: str, django_assert_num_queries: Any
) -> None:
    api.get(logs)  # the token's last use is noted once a minute
    with django_assert_num_queries(3):
        api.get(logs)
