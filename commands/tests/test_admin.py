"""Commands in the admin: every form, both ways to it, and what follows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_rq import get_queue

from chargers.models import Charger, IdTag, Location, Message
from commands import services
from commands.admin import ACTION
from commands.models import Command, Status
from commands.panel import GROUPS, grouped_commands
from commands.registry import COMMANDS, DEFINITIONS, Definition
from ocpplab.models import Membership, Organization, User
from tests.fixtures import create_charger

# For each command: what is typed, and the event it becomes.
TYPED: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "proxy-message": (
        {
            "action": "heartbeat",
            "ocpp_version": "ocpp1.6",
            "payload": "{}",
        },
        {"action": "heartbeat", "ocpp_version": "ocpp1.6", "payload": {}},
    ),
    "configuration": (
        {"configuration": "HeartbeatInterval=30\n\nAuthorizationKey = a=b"},
        {"configuration": {"HeartbeatInterval": "30", "AuthorizationKey": "a=b"}},
    ),
    "cache/reset": ({}, {}),
    "local-auth-list": (
        {
            "list_version": "2",
            "entries": "TAG-1\nTAG-2, 2030-01-01T00:00:00Z, GROUP\nTAG-3, , GROUP",
        },
        {
            "list_version": 2,
            "entries": [
                {"id_tag": "TAG-1"},
                {
                    "id_tag": "TAG-2",
                    "expiry_date": "2030-01-01T00:00:00Z",
                    "parent_id_tag": "GROUP",
                },
                {"id_tag": "TAG-3", "parent_id_tag": "GROUP"},
            ],
        },
    ),
    "clear-local-auth-list": ({}, {}),
    "inject-fault": (
        {"fault_type": "OverCurrent", "connector_id": "1"},
        {"fault_type": "OverCurrent", "connector_id": 1},
    ),
    "clear-fault": ({"evse_id": "1"}, {"evse_id": 1}),
    "plug-connector": ({"connector_id": "2"}, {"connector_id": 2}),
    "unplug-connector": ({}, {}),
    "unlock-connector": (
        {"evse_id": "2", "connector_id": "1"},
        {"evse_id": 2, "connector_id": 1},
    ),
    "start-transaction": ({"id_tag": "TAG-1"}, {"id_tag": "TAG-1"}),
    "stop-transaction": ({"transaction_id": "12"}, {"transaction_id": "12"}),
    "start-session": (
        {"id_tag": "TAG-1", "duration_seconds": "60", "target_energy_kwh": "1.5"},
        {"id_tag": "TAG-1", "duration_seconds": 60, "target_energy_kwh": 1.5},
    ),
    "stop-session": ({"connector_id": "1"}, {"connector_id": 1}),
    "authorize-id-tag": ({"id_tag": "TAG-1"}, {"id_tag": "TAG-1"}),
    "ev-requests-energy": ({}, {}),
    "ev-stops-energy": ({}, {}),
    "power-update": ({"power_w": "0"}, {"power_w": 0}),
}

# What is wrong, and where the page says so.
WRONG: list[tuple[str, dict[str, str], str, str]] = [
    (
        "proxy-message",
        {"ocpp_version": "ocpp1.6", "payload": "{}"},
        "action",
        "required",
    ),
    (
        "proxy-message",
        {"action": "heartbeat", "ocpp_version": "ocpp1.6", "payload": "[1"},
        "payload",
        "valid JSON",
    ),
    (
        "proxy-message",
        {"action": "heartbeat", "ocpp_version": "ocpp1.6", "payload": "[1]"},
        "payload",
        "dictionary",
    ),
    ("configuration", {"configuration": ""}, "configuration", "required"),
    ("configuration", {"configuration": "Interval"}, "configuration", "Key=Value"),
    (
        "local-auth-list",
        {"list_version": "0", "entries": ""},
        "list_version",
        "greater than or equal to 1",
    ),
    (
        "local-auth-list",
        {"list_version": "1", "entries": "A\nB, soon"},
        "entries",
        "Entry 2: expiry_date",
    ),
    (
        "local-auth-list",
        {"list_version": "1", "entries": "A, , B, C"},
        "entries",
        "commas",
    ),
    ("inject-fault", {"fault_type": "Flood"}, "fault_type", "valid choice"),
    ("plug-connector", {"connector_id": "3"}, "connector_id", "valid choice"),
    ("start-transaction", {"id_tag": ""}, "id_tag", "required"),
    ("start-transaction", {"id_tag": "X" * 37}, "id_tag", "36 characters"),
    (
        "start-session",
        {"id_tag": "A", "duration_seconds": "0"},
        "duration_seconds",
        "greater than or equal to 1",
    ),
    ("power-update", {"power_w": "-1"}, "power_w", "greater than or equal to 0"),
    ("power-update", {"power_w": "much"}, "power_w", "whole number"),
]


@pytest.fixture
def charger(organization: Organization, location: Location) -> Charger:
    return create_charger(
        organization=organization,
        location=location,
        identity="CP-1",
        connector_count=2,
        is_online=True,
    )


@pytest.fixture
def fleet(organization: Organization, location: Location) -> list[Charger]:
    return [
        create_charger(
            organization=organization,
            location=location,
            identity=f"FLEET-{number}",
            is_online=True,
        )
        for number in range(3)
    ]


@pytest.fixture
def sign_in(organization: Organization) -> Callable[[str], Client]:
    def sign_in(role: str) -> Client:
        user = User.objects.create_user(f"bob-{role}", is_staff=True)
        Membership.objects.create(user=user, organization=organization, role=role)
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def operator(sign_in: Callable[[str], Client]) -> Client:
    return sign_in("operator")


def form_of(slug: str) -> str:
    return reverse("admin:commands_command_send", args=[COMMANDS[slug].name])


def page_of(row: Charger | Location) -> str:
    return reverse(f"admin:chargers_{row._meta.model_name}_page", args=[row.pk])


def list_of(model: type[Charger | Location]) -> str:
    return reverse(f"admin:chargers_{model._meta.model_name}_changelist")


def test_every_command_is_in_one_group() -> None:
    placed = [definition for _, group in grouped_commands() for definition in group]
    assert sorted(d.slug for d in placed) == sorted(COMMANDS)
    assert len(grouped_commands()) == len(GROUPS)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.slug)
def test_a_command_is_sent_from_its_form(
    definition: Definition,
    operator: Client,
    charger: Charger,
    django_capture_on_commit_callbacks: Any,
) -> None:
    page = operator.get(form_of(definition.slug), {"chargers": charger.pk})
    assert page.status_code == 200
    assert set(page.context["form"].fields) == set(definition.event().fields)
    typed, event = TYPED[definition.slug]
    with django_capture_on_commit_callbacks(execute=True):
        answer = operator.post(
            form_of(definition.slug), {**typed, "chargers": charger.pk, "_send": "Send"}
        )
    command = Command.objects.get()
    assert answer["Location"] == reverse(
        "admin:commands_command_change", args=[command.pk]
    )
    assert (command.slug, command.event) == (definition.slug, event)
    assert command.charger == charger
    assert command.origin == "admin"
    assert command.submitted_by == "bob-operator"
    assert command.user == User.objects.get(username="bob-operator")
    assert get_queue().count == 1
    assert operator.get(answer["Location"]).status_code == 200


@pytest.mark.parametrize(("slug", "typed", "field", "reason"), WRONG)
def test_what_is_typed_wrong_is_said_at_its_field_and_nothing_is_sent(
    slug: str,
    typed: dict[str, str],
    field: str,
    reason: str,
    operator: Client,
    charger: Charger,
) -> None:
    page = operator.post(form_of(slug), {**typed, "chargers": charger.pk, "_send": "1"})
    assert page.status_code == 200
    assert reason in " ".join(page.context["form"].errors[field])
    assert not Command.objects.exists()


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.slug)
@pytest.mark.parametrize("model", [Charger, Location])
def test_every_command_is_an_action_that_leads_to_its_form(
    model: Any, definition: Definition, operator: Client, charger: Charger
) -> None:
    row = charger if model is Charger else charger.location
    assert row is not None
    page = operator.get(list_of(model)).content.decode()
    assert f'<option value="{ACTION}{definition.name}">' in page
    page = operator.post(
        list_of(model),
        {"action": ACTION + definition.name, "_selected_action": [str(row.pk)]},
    )
    assert page.context["definition"] == definition
    assert page.context["choice"].chargers == [charger]
    assert not Command.objects.exists()


def test_a_form_suggests_the_id_tags_and_connectors_there_are(
    operator: Client,
    charger: Charger,
    organization: Organization,
    other_organization: Organization,
) -> None:
    IdTag.objects.create(organization=organization, id_tag="TAG-OURS")
    IdTag.objects.create(organization=other_organization, id_tag="TAG-THEIRS")
    page = operator.get(form_of("start-session"), {"chargers": charger.pk})
    html = page.content.decode()
    assert 'list="id-tags"' in html
    assert '<option value="TAG-OURS">' in html
    assert "TAG-THEIRS" not in html
    choices = page.context["form"].fields["connector_id"].choices
    assert [value for value, _ in choices] == ["", 1, 2]


def test_a_form_suggests_what_the_charger_sends(
    operator: Client, charger: Charger
) -> None:
    page = operator.get(form_of("proxy-message"), {"chargers": charger.pk})
    assert "boot_notification" in page.context["form"].actions
    assert page.context["form"]["ocpp_version"].initial == "ocpp1.6"


def test_a_refusal_is_said_on_the_form_and_nothing_is_sent(
    operator: Client, charger: Charger
) -> None:
    Charger.objects.update(is_online=False)
    for slug in ("plug-connector", "cache/reset"):
        page = operator.post(form_of(slug), {"chargers": charger.pk, "_send": "1"})
        assert "not connected" in page.context["form"].non_field_errors()[0]
    assert not Command.objects.exists()


@pytest.mark.parametrize("slug", ["plug-connector", "cache/reset"])
def test_a_location_is_sent_a_command_and_failures_are_told(
    slug: str, operator: Client, location: Location, fleet: list[Charger]
) -> None:
    Charger.objects.filter(pk=fleet[0].pk).update(is_online=False)
    page = operator.post(
        form_of(slug), {"locations": location.pk, "_send": "1"}, follow=True
    )
    assert Command.objects.count() == 2
    html = page.content.decode()
    assert "1 of 3 chargers were not given the command" in html
    assert "FLEET-0 is not connected" in html


def test_a_location_without_chargers_is_told_apart(
    operator: Client, location: Location
) -> None:
    page = operator.post(
        form_of("plug-connector"), {"locations": location.pk, "_send": "1"}
    )
    assert page.context["form"].non_field_errors() == ["There is no charger here."]


def test_a_superuser_reaches_chargers_of_several_organizations_at_once(
    superuser: User,
    client: Client,
    charger: Charger,
    other_organization: Organization,
) -> None:
    other = create_charger(
        organization=other_organization, identity="CP-1", is_online=True
    )
    client.force_login(superuser)
    client.post(
        form_of("plug-connector"),
        {"chargers": f"{charger.pk},{other.pk}", "_send": "1"},
    )
    assert {c.organization_id for c in Command.objects.all()} == {
        charger.organization_id,
        other.organization_id,
    }


def test_a_viewer_sends_nothing(sign_in: Any, charger: Charger) -> None:
    viewer = sign_in("viewer")
    assert 'class="send"' not in viewer.get(page_of(charger)).content.decode()
    assert ACTION not in viewer.get(list_of(Charger)).content.decode()
    answer = viewer.post(
        form_of("plug-connector"), {"chargers": charger.pk, "_send": "1"}
    )
    assert answer.status_code == 403
    assert not Command.objects.exists()


def test_nobody_sends_to_another_organizations_charger(
    operator: Client, charger: Charger, other_organization: Organization
) -> None:
    other = create_charger(
        organization=other_organization, identity="X", is_online=True
    )
    answer = operator.post(
        form_of("plug-connector"), {"chargers": other.pk, "_send": "1"}
    )
    assert answer.status_code == 404
    operator.post(
        form_of("plug-connector"),
        {"chargers": f"{charger.pk},{other.pk}", "_send": "1"},
    )
    assert [command.charger for command in Command.objects.all()] == [charger]


def test_one_who_only_reads_an_organization_sends_nothing_there(
    operator: Client, charger: Charger, other_organization: Organization
) -> None:
    user = User.objects.get(username="bob-operator")
    Membership.objects.create(user=user, organization=other_organization, role="viewer")
    other = create_charger(
        organization=other_organization, identity="X", is_online=True
    )
    answer = operator.post(
        form_of("plug-connector"),
        {"chargers": f"{charger.pk},{other.pk}", "_send": "1"},
    )
    assert answer.status_code == 403
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("slug", "target"),
    [
        ("plug-connector", {"chargers": "dep-none"}),
        ("plug-connector", {"locations": "no-uuid"}),
        ("plug-connector", {}),
    ],
)
def test_an_unknown_target_is_not_found(
    slug: str, target: dict[str, str], operator: Client, charger: Charger
) -> None:
    assert operator.get(form_of(slug), target).status_code == 404


def test_an_unknown_command_is_not_found(operator: Client, charger: Charger) -> None:
    url = reverse("admin:commands_command_send", args=["self_destruct"])
    assert operator.get(url, {"chargers": charger.pk}).status_code == 404


def test_a_commands_page_tells_its_life(operator: Client, charger: Charger) -> None:
    operator.post(form_of("plug-connector"), {"chargers": charger.pk, "_send": "1"})
    command = Command.objects.get()
    url = reverse("admin:commands_command_change", args=[command.pk])
    steps = operator.get(url).context["steps"]
    assert [(step.label, step.tone) for step in steps] == [
        ("queued", "idle"),
        ("received", "ahead"),
        ("applied", "ahead"),
    ]
    services.claim_commands([charger.pk])
    Command.objects.filter(pk=command.pk).update(
        status=Status.REJECTED,
        detail="A cable is in already.",
        result={"status": "Rejected"},
        finished_at=timezone.now(),
    )
    for text, age in (("AFTER", 0), ("BEFORE", 1)):
        Message.objects.create(
            charger=charger,
            direction="cp_to_csms",
            action="StatusNotification",
            message_type=2,
            text=text,
            timestamp=timezone.now() - timedelta(hours=age),
        )
    page = operator.get(url)
    assert [step.label for step in page.context["steps"]] == [
        "queued",
        "received",
        "rejected",
    ]
    html = page.content.decode()
    assert "A cable is in already." in html
    assert "AFTER" in html
    assert "BEFORE" not in html
