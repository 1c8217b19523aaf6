"""GET /ocpp/chargers/{id}/variables: the device model of a 2.x charger."""

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from chargers.models import Charger, Variable
from ocpplab.models import Organization
from tests.fixtures import create_charger


def make_variable(charger: Charger, component: str, name: str, **more: Any) -> None:
    Variable.objects.create(
        charger=charger,
        component=component,
        name=name,
        updated_at=timezone.now(),
        **more,
    )


@pytest.fixture
def address(physical_charger: Charger) -> str:
    make_variable(
        physical_charger,
        "OCPPCommCtrlr",
        "MessageAttempts",
        instance="TransactionEvent",
        value="3",
        characteristics={"dataType": "integer"},
    )
    place = {"evse_id": 1, "connector_id": 2}
    make_variable(physical_charger, "Connector", "Available", **place)
    make_variable(
        physical_charger, "Connector", "Available", attribute="Target", **place
    )
    return f"/ocpp/chargers/{physical_charger.pk}/variables"


def test_variables_are_listed_as_they_were_reported(
    api: APIClient, address: str
) -> None:
    answer = api.get(address).json()
    assert (answer["total"], answer["page"], answer["limit"]) == (3, 1, 50)
    assert [row["key"] for row in answer["data"]] == [
        "Connector@1.2.Available",
        "Connector@1.2.Available",
        "OCPPCommCtrlr.MessageAttempts[TransactionEvent]",
    ]
    row = answer["data"][2]
    assert row.pop("updated_at")
    assert row == {
        "key": "OCPPCommCtrlr.MessageAttempts[TransactionEvent]",
        "component": "OCPPCommCtrlr",
        "component_instance": "",
        "evse_id": None,
        "connector_id": None,
        "variable": "MessageAttempts",
        "variable_instance": "TransactionEvent",
        "attribute": "Actual",
        "value": "3",
        "mutability": "ReadWrite",
        "characteristics": {"dataType": "integer"},
    }
    assert (answer["data"][0]["evse_id"], answer["data"][0]["connector_id"]) == (1, 2)


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("component=connector", 2),
        ("variable=MESSAGEATTEMPTS", 1),
        ("component=Connector&attribute=Target", 1),
        ("search=comm", 1),
        ("search=avail", 2),
        ("component=Nothing", 0),
    ],
)
def test_variables_are_found(
    api: APIClient, address: str, query: str, total: int
) -> None:
    assert api.get(f"{address}?{query}").json()["total"] == total


@pytest.mark.parametrize("query", ["attribute=Best", "limit=0", "component="])
def test_a_wrong_query_is_refused(api: APIClient, address: str, query: str) -> None:
    assert api.get(f"{address}?{query}").status_code == 422


def test_another_organizations_charger_is_not_found(
    api: APIClient, other_organization: Organization
) -> None:
    theirs = create_charger(organization=other_organization, identity="THEIRS")
    answer = api.get(f"/ocpp/chargers/{theirs.pk}/variables")
    assert answer.status_code == 404
    assert isinstance(answer.json()["detail"], str)
