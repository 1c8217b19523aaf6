"""POST, PUT and DELETE of /ocpp/chargers, and the runtime's start, stop and reset."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from redis.exceptions import ConnectionError
from rest_framework.test import APIClient

from chargers import services
from chargers.models import Charger, Connector, Location
from ocpplab.models import Organization
from ocpplab.services import create_token
from tests.fixtures import create_charger

CHARGERS = "/ocpp/chargers"
BAY = {
    "identity": "CP-TEST-001",
    "brand_slug": "wallbox",
    "model_slug": "wallbox-pulsar-plus",
    "connector_type": "Type2",
    "ws_url": "wss://csms.example/ocpp",
}


@pytest.fixture
def url(virtual_charger: Charger) -> str:
    return f"{CHARGERS}/{virtual_charger.pk}"


@pytest.fixture
def rival(other_organization: Organization) -> Charger:
    return create_charger(organization=other_organization, identity="RIVAL-1")


def problems_of(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.content
    return {
        ".".join(map(str, item["loc"])): item["type"]
        for item in answer.json()["detail"]
    }


# --- Making ---------------------------------------------------------------------------


def test_it_is_accepted_and_can_be_polled(
    api: APIClient, organization: Organization
) -> None:
    answer = api.post(CHARGERS, BAY)
    assert answer.status_code == 202
    charger = Charger.objects.get()
    accepted = answer.json()
    assert accepted.pop("workflow_run_id").startswith("wfr_")
    assert accepted == {
        "charger_id": charger.pk,
        "identity": "CP-TEST-001",
        "status": "PENDING",
        "status_url": f"/ocpp/chargers/{charger.pk}/status",
    }
    assert charger.organization == organization
    status = api.get(accepted["status_url"]).json()
    assert (status["status"], status["error"]) == ("PENDING", None)


def test_it_is_what_was_asked_for(api: APIClient, location: Location) -> None:
    body = {
        **BAY,
        "ocpp_version": "OCPP2.0.1",
        "charge_point_name": "Bay A01",
        "location_id": str(location.pk),
        "location_name": "Acme",
        "password": "a secret of the bay",
    }
    pk = api.post(CHARGERS, body).json()["charger_id"]
    shown = api.get(f"{CHARGERS}/{pk}").json()
    assert shown["name"] == "Bay A01"
    assert shown["ocpp_version"] == "OCPP2.0.1"
    assert shown["location_id"] == str(location.pk)
    assert shown["vendor_name"] == "Wallbox"
    charger = Charger.objects.get()
    assert charger.ws_url == "wss://csms.example/ocpp"
    assert charger.location_name == "Acme"
    assert services.password_matches(charger, b"a secret of the bay")
    assert Connector.objects.filter(charger=charger).count() == 2


def test_how_the_endpoint_meets_a_physical_charger_is_set(api: APIClient) -> None:
    body = {
        "identity": "CP-9",
        "kind": "physical",
        "security_profile": 2,
        "boot_policy": "Pending",
        "boot_interval": 30,
    }
    pk = api.post(CHARGERS, body).json()["charger_id"]
    charger = Charger.objects.get()
    assert (charger.security_profile, charger.boot_policy) == (2, "Pending")
    assert charger.boot_interval == 30
    api.put(f"{CHARGERS}/{pk}", {"boot_policy": "Accepted", "security_profile": 3})
    charger.refresh_from_db()
    assert (charger.security_profile, charger.boot_policy) == (3, "Accepted")
    assert charger.boot_interval == 30
    answer = api.put(f"{CHARGERS}/{pk}", {"boot_policy": "Perhaps"})
    assert answer.status_code == 422


def test_left_out_fields_have_defaults(api: APIClient) -> None:
    nulls = dict.fromkeys(
        ["ocpp_version", "charge_point_name", "location_id", "location_name", "kind"]
    )
    pk = api.post(CHARGERS, {**BAY, **nulls}).json()["charger_id"]
    shown = api.get(f"{CHARGERS}/{pk}").json()
    assert shown["name"] == "CP-TEST-001"
    assert shown["ocpp_version"] == "OCPP1.6"
    assert shown["location_id"] is None


def test_a_physical_one_needs_no_more_than_an_identity(api: APIClient) -> None:
    answer = api.post(CHARGERS, {"identity": "CP-9", "kind": "physical"})
    assert answer.status_code == 202
    assert answer.json()["status"] == "READY"
    charger = Charger.objects.get()
    assert (charger.kind, charger.ws_url) == ("physical", "")


@pytest.mark.parametrize(
    ("change", "loc", "kind"),
    [
        *(({name: None}, name, "missing") for name in BAY),
        ({"identity": "a/b"}, "identity", "value_error"),
        ({"identity": "a b"}, "identity", "value_error"),
        ({"identity": "x" * 49}, "identity", "string_too_long"),
        ({"identity": 7}, "identity", "string_type"),
        ({"ws_url": "https://csms.example"}, "ws_url", "value_error"),
        ({"ws_url": ""}, "ws_url", "string_too_short"),
        ({"ocpp_version": "ocpp1.6"}, "ocpp_version", "enum"),
        ({"kind": "robot"}, "kind", "enum"),
        ({"kind": "physical"}, "ws_url", "extra_forbidden"),
        ({"fly": True}, "fly", "extra_forbidden"),
    ],
)
def test_it_refuses_a_wrong_shape(
    api: APIClient, change: dict[str, Any], loc: str, kind: str
) -> None:
    assert problems_of(api.post(CHARGERS, {**BAY, **change})) == {f"body.{loc}": kind}
    assert not Charger.objects.exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"brand_slug": "nobody"}, "catalog"),
        ({"model_slug": "none"}, "catalog"),
        ({"brand_slug": "abb"}, "catalog"),
        ({"connector_type": "CCS2"}, "no CCS2 connector"),
        ({"location_id": "loc-456"}, "no location loc-456"),
        ({"location_id": str(uuid.UUID(int=0))}, "no location"),
        ({"identity": "ACME-AC-1"}, "exists already"),
    ],
)
def test_what_does_not_fit_is_a_bad_request(
    api: APIClient, virtual_charger: Charger, change: dict[str, Any], reason: str
) -> None:
    answer = api.post(CHARGERS, {**BAY, **change})
    assert answer.status_code == 400
    assert reason in answer.json()["detail"]
    assert Charger.objects.count() == 1


def test_another_organizations_location_is_unknown(
    api: APIClient, other_organization: Organization
) -> None:
    foreign = Location.objects.create(
        organization=other_organization, slug="r", name="R", latitude=0, longitude=0
    )
    answer = api.post(CHARGERS, {**BAY, "location_id": str(foreign.pk)})
    assert answer.status_code == 400


def test_another_organization_may_have_the_same_identity(
    api: APIClient, rival: Charger
) -> None:
    assert api.post(CHARGERS, {**BAY, "identity": "RIVAL-1"}).status_code == 202


def test_a_repeated_request_means_the_same_charger(api: APIClient) -> None:
    first, second = (api.post(CHARGERS, BAY) for _ in range(2))
    assert second.status_code == 202
    assert second.json() == first.json()
    assert Charger.objects.count() == 1


def test_with_another_body_or_later_it_is_a_duplicate(api: APIClient) -> None:
    api.post(CHARGERS, BAY)
    other = {**BAY, "ws_url": "wss://elsewhere.example"}
    assert api.post(CHARGERS, other).status_code == 400
    Charger.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    assert api.post(CHARGERS, BAY).status_code == 400


def test_without_redis_it_says_when_to_try_again(
    api: APIClient, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr("redis.Redis.ping", fail)
    groups = [{"template": template(), "chargers_number": 1}]
    for answer in (
        api.post(CHARGERS, BAY),
        api.post(f"/ocpp/locations/{location.pk}/chargers", groups),
    ):
        assert answer.status_code == 503
        assert isinstance(answer.json()["detail"], str)
        assert answer["Retry-After"] == "1"
    assert not Charger.objects.exists()


def template() -> dict[str, str]:
    return {name: text for name, text in BAY.items() if name != "identity"}


def test_without_a_database_it_says_when_to_try_again(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("a secret of the house")

    monkeypatch.setattr("chargers.provisioning.request_charger", fail)
    answer = api.post(CHARGERS, BAY)
    assert answer.status_code == 503
    assert "secret" not in answer.json()["detail"]
    assert answer["Retry-After"] == "1"


# --- Changing -------------------------------------------------------------------------


def test_only_what_is_named_changes(api: APIClient, url: str) -> None:
    before = api.get(url).json()
    answer = api.put(url, {"charge_point_name": "Bay A02"})
    assert answer.status_code == 200
    after = answer.json()
    assert after == api.get(url).json()
    assert after.pop("updated_at") > before.pop("updated_at")
    assert after == {**before, "name": "Bay A02"}


def test_all_that_can_change_does(
    api: APIClient, url: str, organization: Organization
) -> None:
    place = Location.objects.create(
        organization=organization, slug="p", name="P", latitude=0, longitude=0
    )
    change = {
        "name": "Bay A03",
        "connector_type": "Type2",
        "ocpp_version": "OCPP2.0.1",
        "ws_url": "ws://elsewhere.example/ocpp/",
        "location_id": str(place.pk),
        "location_name": "Elsewhere",
    }
    assert api.put(url, change).status_code == 200
    charger = Charger.objects.get()
    assert charger.name == "Bay A03"
    assert charger.ocpp_version == "OCPP2.0.1"
    assert charger.ws_url == "ws://elsewhere.example/ocpp"
    assert charger.location == place
    assert charger.location_name == "Elsewhere"


def test_null_clears_names_and_location_and_leaves_the_rest(
    api: APIClient, url: str
) -> None:
    Charger.objects.update(name="Bay", location_name="Acme", ws_url="ws://a.example")
    names = ["name", "charge_point_name", "connector_type", "ocpp_version", "ws_url"]
    answer = api.put(url, dict.fromkeys([*names, "location_id", "location_name"]))
    assert answer.json()["name"] == "ACME-AC-1"
    assert answer.json()["location_id"] is None
    charger = Charger.objects.get()
    assert (charger.name, charger.location_name) == ("", "")
    assert charger.ws_url == "ws://a.example"
    assert charger.connector_type == "Type2"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"location_id": "loc-456"}, 400),
        ({"connector_type": "CCS2"}, 400),
        ({"ws_url": "http://csms.example"}, 422),
        ({"ocpp_version": "1.6"}, 422),
        ({"identity": "OTHER"}, 422),
        ({"name": "x" * 201}, 422),
    ],
)
def test_it_refuses_what_does_not_fit(
    api: APIClient, url: str, change: dict[str, Any], status: int
) -> None:
    before = api.get(url).json()
    answer = api.put(url, {"charge_point_name": "Bay", **change})
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str if status == 400 else list)
    assert api.get(url).json() == before


def test_a_physical_charger_dials_nobody(
    api: APIClient, physical_charger: Charger
) -> None:
    answer = api.put(f"{CHARGERS}/{physical_charger.pk}", {"ws_url": "ws://a.example"})
    assert answer.status_code == 400


# --- Removing -------------------------------------------------------------------------


def test_it_is_gone_and_then_not_found(api: APIClient, url: str) -> None:
    answer = api.delete(url)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Charger.objects.exists()
    assert api.delete(url).status_code == 404


# --- The runtime ----------------------------------------------------------------------


@pytest.mark.parametrize("body", [None, {}])
@pytest.mark.parametrize(("action", "count"), [("start", 1), ("stop", 0), ("reset", 1)])
def test_the_runtime_is_told_and_shown(
    api: APIClient,
    url: str,
    virtual_charger: Charger,
    action: str,
    count: int,
    body: Any,
) -> None:
    Charger.objects.update(is_enabled=action == "stop")
    answer = api.post(f"{url}/{action}-charger", body)
    assert answer.status_code == 202
    assert answer.json() == {
        "id": virtual_charger.pk,
        "event_type": f"{action}_charger",
        "ocpp_version": "OCPP1.6",
        "payload": {
            "provider": "portal",
            "runtime_kind": "fleet",
            "service_name": virtual_charger.pk,
            "desired_count": count,
            "status": "ACTIVE",
        },
    }
    charger = Charger.objects.get()
    assert charger.is_enabled == bool(count)
    assert charger.restarts == (1 if action == "reset" else 0)


@pytest.mark.parametrize("action", ["start", "stop", "reset"])
def test_a_physical_charger_has_none(
    api: APIClient, physical_charger: Charger, action: str
) -> None:
    answer = api.post(f"{CHARGERS}/{physical_charger.pk}/{action}-charger")
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)


# --- Who may --------------------------------------------------------------------------

WRITES = [
    ("put", ""),
    ("delete", ""),
    ("post", "/start-charger"),
    ("post", "/stop-charger"),
    ("post", "/reset-charger"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_foreign_charger_is_not_found(
    api: APIClient, rival: Charger, method: str, path: str
) -> None:
    for pk in (rival.pk, "dep-000000000000"):
        answer = getattr(api, method)(f"{CHARGERS}/{pk}{path}", {})
        assert answer.status_code == 404
        assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_an_admin_may(organization: Organization, url: str, role: str) -> None:
    _, secret = create_token(organization=organization, role=role)
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    answers = [getattr(client, method)(f"{url}{path}", {}) for method, path in WRITES]
    for answer in [client.post(CHARGERS, {}), *answers]:
        assert answer.status_code == 403
        assert isinstance(answer.json()["detail"], str)
    assert client.get(url).status_code == 200
