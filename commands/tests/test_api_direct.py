"""POST /ocpp/commands/…: commands whose result is the answer, and proxy-message."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from chargers.models import Charger
from commands import services
from commands.models import Command, Status
from commands.registry import DEFINITIONS, Definition

EVENTS: dict[str, dict[str, Any]] = {
    "configuration": {"configuration": {"HeartbeatInterval": "30"}},
    "local-auth-list": {
        "list_version": 2,
        "entries": [{"id_tag": "TAG-1", "expiry_date": "2027-01-01T00:00:00Z"}],
    },
    "inject-fault": {"fault_type": "OverCurrent", "evse_id": 1, "connector_id": 1},
}
DIRECT = [definition for definition in DEFINITIONS if definition.result]
BOOT = {
    "action": "boot_notification",
    "ocpp_version": "ocpp1.6",
    "payload": {"charge_point_vendor": "OCPPLAB", "charge_point_model": "SDK-DC-50"},
}


def post(api: APIClient, slug: str, charger: Charger, event: Any = None) -> Any:
    body = {
        "target": {"charger_id": charger.pk},
        "event": event or EVENTS.get(slug, {}),
    }
    return api.post(f"/ocpp/commands/{slug}", body)


@pytest.mark.parametrize("definition", DIRECT, ids=lambda d: d.slug)
def test_it_answers_with_the_result(
    api: APIClient,
    charger: Charger,
    charger_ends_with: Callable[..., None],
    definition: Definition,
) -> None:
    charger_ends_with("applied", {"msg": "done"})
    response = post(api, definition.slug, charger)
    assert response.status_code == 200
    assert response.json() == {"msg": "done"}
    assert Command.objects.get().status == Status.APPLIED


def test_there_are_six_of_them() -> None:
    assert len(DIRECT) == 6


@pytest.mark.parametrize("definition", DIRECT, ids=lambda d: d.slug)
def test_a_charger_that_refuses_says_why(
    api: APIClient,
    charger: Charger,
    charger_ends_with: Callable[..., None],
    definition: Definition,
) -> None:
    charger_ends_with("rejected", {"status": "Rejected"}, "It will not.")
    response = post(api, definition.slug, charger)
    assert response.status_code == definition.refusal_status
    assert "It will not." in response.json()["detail"]


def test_a_stale_list_is_a_bad_request(
    api: APIClient, charger: Charger, charger_ends_with: Callable[..., None]
) -> None:
    charger_ends_with("rejected", None, "Version 2 is not above 2.")
    response = post(api, "local-auth-list", charger)
    assert response.status_code == 400
    assert response.json() == {"detail": "Version 2 is not above 2."}


def test_a_failure_names_the_command(
    api: APIClient, charger: Charger, charger_ends_with: Callable[..., None]
) -> None:
    charger_ends_with("failed", None, "The link went down.")
    response = post(api, "clear-fault", charger)
    command = Command.objects.get()
    assert response.status_code == 422
    assert response.json() == {
        "detail": f"Command {command.command_id} failed: The link went down."
    }


def test_what_no_charger_took_in_time_never_runs_later(
    api: APIClient, charger: Charger, settings: Any
) -> None:
    settings.COMMAND_WAIT = 0.01
    response = post(api, "cache/reset", charger)
    command = Command.objects.get()
    assert response.status_code == 422
    assert command.command_id in response.json()["detail"]
    assert command.status == Status.EXPIRED


def test_a_charger_that_is_still_at_it_is_said_to_be(
    api: APIClient,
    charger: Charger,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def claim_only(commands: list[Command], timeout: float) -> list[Command]:
        services.claim_commands([charger.pk])
        return list(Command.objects.select_related("charger"))

    monkeypatch.setattr(services, "wait_for_commands", claim_only)
    response = post(api, "cache/reset", charger)
    assert response.status_code == 422
    assert "may yet take effect" in response.json()["detail"]
    assert Command.objects.get().status == Status.RECEIVED


@pytest.mark.parametrize("slug", ["cache/reset", "clear-local-auth-list"])
@pytest.mark.parametrize("event", [{}, {"event": None}, {"event": {}}])
def test_an_event_that_is_always_empty_may_be_left_out(
    api: APIClient,
    charger: Charger,
    charger_ends_with: Callable[..., None],
    slug: str,
    event: dict[str, Any],
) -> None:
    charger_ends_with("applied", {"msg": "done"})
    body = {"target": {"charger_id": charger.pk}, **event}
    assert api.post(f"/ocpp/commands/{slug}", body).status_code == 200


def test_other_events_are_required(api: APIClient, charger: Charger) -> None:
    body = {"target": {"charger_id": charger.pk}}
    response = api.post("/ocpp/commands/clear-fault", body)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "event"]
    assert response.json()["detail"][0]["type"] == "missing"


@pytest.mark.parametrize(
    ("slug", "event", "loc", "kind"),
    [
        ("inject-fault", {"fault_type": "Gremlins"}, ["fault_type"], "enum"),
        ("inject-fault", {}, ["fault_type"], "missing"),
        ("configuration", {"configuration": {}}, ["configuration"], "too_short"),
        ("configuration", {"configuration": []}, ["configuration"], "dict_type"),
        (
            "configuration",
            {"configuration": {"HeartbeatInterval": 30}},
            ["configuration", "HeartbeatInterval"],
            "string_type",
        ),
        (
            "local-auth-list",
            {"list_version": 1, "entries": [{"id_tag": "a"}, {"id_tag": 2}]},
            ["entries", 1, "id_tag"],
            "string_type",
        ),
        (
            "local-auth-list",
            {"list_version": 1, "entries": "none"},
            ["entries"],
            "list_type",
        ),
        (
            "local-auth-list",
            {"list_version": 1, "entries": [{"id_tag": "a", "expiry_date": "soon"}]},
            ["entries", 0, "expiry_date"],
            "value_error",
        ),
        ("local-auth-list", {"list_version": 0, "entries": []}, ["list_version"], None),
        ("proxy-message", {**BOOT, "ocpp_version": "1.6"}, ["ocpp_version"], "enum"),
        ("proxy-message", {**BOOT, "payload": []}, ["payload"], "dict_type"),
        ("proxy-message", {**BOOT, "payload": {"a": ["\0"]}}, ["payload"], None),
        ("proxy-message", {**BOOT, "payload": {"a": "\ud800"}}, ["payload"], None),
        ("proxy-message", {**BOOT, "\ud800": "\ud800"}, ["\ud800"], "extra_forbidden"),
    ],
)
def test_it_refuses_an_event_of_a_wrong_shape(
    api: APIClient,
    charger: Charger,
    slug: str,
    event: dict[str, Any],
    loc: list[Any],
    kind: str | None,
) -> None:
    body = {"target": {"charger_id": charger.pk}, "event": event}
    response = api.post(
        f"/ocpp/commands/{slug}", json.dumps(body), content_type="application/json"
    )
    assert response.status_code == 422
    [problem] = response.json()["detail"]
    assert problem["loc"] == ["body", "event", *loc]
    assert kind is None or problem["type"] == kind
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    "target", [{"location_id": "a"}, {"charger_id": "a", "location_id": None}, {}]
)
def test_it_takes_one_charger_only(
    api: APIClient, charger: Charger, target: dict[str, Any]
) -> None:
    response = api.post("/ocpp/commands/cache/reset", {"target": target, "event": {}})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][:2] == ["body", "target"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"is_online": False}, "not connected"),
        ({"is_enabled": False}, "stopped"),
        ({"provisioning_status": "PROVISIONING"}, "PROVISIONING"),
        ({"kind": "physical"}, "physical"),
    ],
)
def test_a_charger_that_cannot_do_it_is_an_error_in_one_string(
    api: APIClient, charger: Charger, change: dict[str, Any], why: str
) -> None:
    Charger.objects.filter(pk=charger.pk).update(**change)
    response = post(api, "inject-fault", charger)
    assert response.status_code == 422
    assert why in response.json()["detail"]
    assert not Command.objects.exists()


def test_a_connector_that_is_not_there_is_refused(
    api: APIClient, charger: Charger
) -> None:
    response = post(api, "clear-fault", charger, {"connector_id": 2})
    assert response.status_code == 422
    assert "connector 2" in response.json()["detail"]


def test_a_foreign_charger_is_not_found(api: APIClient, rival_charger: Charger) -> None:
    response = post(api, "cache/reset", rival_charger)
    assert response.status_code == 404
    assert response.json() == {"detail": f"There is no charger {rival_charger.pk}."}


# --- proxy-message --------------------------------------------------------------------


def test_a_proxy_message_is_queued_and_echoed(api: APIClient, charger: Charger) -> None:
    response = post(api, "proxy-message", charger, BOOT)
    assert response.status_code == 202
    assert response.json() == {
        "id": Command.objects.get().command_id,
        "event_type": "boot_notification",
        "ocpp_version": "ocpp1.6",
        "payload": BOOT["payload"],
    }


def test_it_may_have_no_payload_to_speak_of(api: APIClient, charger: Charger) -> None:
    event = {"action": "heartbeat", "ocpp_version": "ocpp1.6", "payload": {}}
    assert post(api, "proxy-message", charger, event).json()["payload"] == {}


@pytest.mark.parametrize(
    "change",
    [
        {"action": "transaction_event"},
        {"action": "remote_start_transaction"},
        {"action": "nonsense"},
        {"ocpp_version": "ocpp2.0.1"},
    ],
)
def test_a_message_that_the_charger_does_not_send_is_a_bad_request(
    api: APIClient, charger: Charger, change: dict[str, str]
) -> None:
    response = post(api, "proxy-message", charger, BOOT | change)
    assert response.status_code == 400
    assert isinstance(response.json()["detail"], str)
    assert not Command.objects.exists()
