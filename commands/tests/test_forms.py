"""A command's form: what it begins with, and the same command at the other doors."""

import json
import shlex
from contextlib import suppress
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chargers.choices import ConnectorStatus
from chargers.models import Charger, IdTag, Location, Transaction
from commands.forms import CommandForm
from commands.models import Command
from commands.registry import COMMANDS, DEFINITIONS, Definition
from ocpplab.models import Membership, Organization, User
from tests.fixtures import create_charger

from .test_admin import TYPED, form_of


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
def operator(client: Client, organization: Organization) -> Client:
    user = User.objects.create_user("bob", is_staff=True)
    Membership.objects.create(user=user, organization=organization, role="operator")
    client.force_login(user)
    return client


def begun(client: Client, slug: str, charger: Charger, **query: str) -> dict[str, Any]:
    """The values that a form begins with."""
    page = client.get(form_of(slug), {"chargers": charger.pk, **query})
    form = page.context["form"]
    return {
        name: form.get_initial_for_field(field, name)
        for name, field in form.fields.items()
    }


def running(charger: Charger, evse_id: int, **fields: Any) -> Transaction:
    charger.connectors.filter(evse_id=evse_id).update(status=ConnectorStatus.CHARGING)
    return Transaction.objects.create(
        charger=charger, evse_id=evse_id, started_at=timezone.now(), **fields
    )


def doors(page: Any) -> dict[str, str]:
    return {title: text for _, title, text in page.context["doors"]}


# --- What it begins with ----------------------------------------------------------------


def test_a_form_begins_with_the_connector_and_transaction_that_run(
    operator: Client, charger: Charger
) -> None:
    running(charger, 2, transaction_id="77", id_tag="TAG-7")
    charger.connectors.filter(evse_id=1).update(status=ConnectorStatus.AVAILABLE)
    assert begun(operator, "stop-session", charger)["connector_id"] == 2
    assert begun(operator, "power-update", charger)["connector_id"] == 2
    assert begun(operator, "stop-transaction", charger)["transaction_id"] == "77"
    start = begun(operator, "start-session", charger)
    assert (start["connector_id"], start["id_tag"]) == (1, "TAG-7")


def test_a_form_shows_the_state_of_each_connector(
    operator: Client, charger: Charger
) -> None:
    charger.connectors.filter(evse_id=2).update(status=ConnectorStatus.FAULTED)
    page = operator.get(form_of("clear-fault"), {"chargers": charger.pk})
    assert ">2: Faulted</option>" in page.content.decode()
    assert begun(operator, "clear-fault", charger)["connector_id"] == 2


def test_a_form_begins_with_an_id_tag_that_is_accepted(
    operator: Client, charger: Charger, organization: Organization
) -> None:
    for text, is_blocked in (("BLOCKED", True), ("GOOD", False)):
        IdTag.objects.create(
            organization=organization, id_tag=text, is_blocked=is_blocked
        )
    assert begun(operator, "authorize-id-tag", charger)["id_tag"] == "GOOD"


def test_the_next_version_of_the_local_list_is_suggested(
    operator: Client, charger: Charger, organization: Organization
) -> None:
    assert begun(operator, "local-auth-list", charger)["list_version"] == 1
    now = timezone.now()
    Command.objects.create(
        organization=organization,
        charger=charger,
        slug="local-auth-list",
        event={"list_version": 6, "entries": []},
        origin="api",
        status="applied",
        enqueued_at=now,
        finished_at=now,
        expires_at=now,
    )
    assert begun(operator, "local-auth-list", charger)["list_version"] == 7


def test_ranges_and_units_are_told(operator: Client, charger: Charger) -> None:
    page = operator.get(form_of("power-update"), {"chargers": charger.pk})
    html = page.content.decode()
    assert "Power, W" in html
    assert "0 to 10,000,000." in html
    assert f"up to {charger.max_power_w} W" in html


def test_the_first_field_has_the_focus_or_the_first_that_is_wrong(
    operator: Client, charger: Charger
) -> None:
    def focused(page: Any) -> list[str]:
        fields = page.context["form"].fields.items()
        return [name for name, f in fields if f.widget.attrs.get("autofocus")]

    given = {"chargers": charger.pk}
    page = operator.get(form_of("start-session"), given)
    assert focused(page) == ["id_tag"]
    wrong = {**given, "id_tag": "T", "duration_seconds": "0", "_send": ""}
    page = operator.post(form_of("start-session"), wrong)
    assert focused(page) == ["duration_seconds"]
    assert 'aria-invalid="true"' in page.content.decode()


# --- The other doors --------------------------------------------------------------------


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.slug)
def test_what_is_typed_is_spelt_as_the_other_doors_take_it(
    definition: Definition,
    operator: Client,
    charger: Charger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written, event = TYPED[definition.slug]
    given = {**written, "chargers": charger.pk, "_doors": "1"}
    shown = doors(operator.post(form_of(definition.slug), given))
    assert not Command.objects.exists()

    words = shlex.split(shown["curl"].replace("\\\n", " "))
    assert words[3] == f"http://testserver/ocpp/commands/{definition.slug}"
    body = json.loads(words[words.index("-d") + 1])
    assert body == {"target": {"charger_id": charger.pk}, "event": event}

    words = shlex.split(shown["manage.py"])
    assert words[:3] == [".venv/bin/python", "manage.py", "send"]
    monkeypatch.setattr("commands.services.wait_for_commands", lambda sent, _: sent)
    with suppress(CommandError):  # nobody carries it out here
        call_command("send", *words[3:], stdout=StringIO())
    assert Command.objects.get().event == event


@pytest.mark.parametrize("slug", COMMANDS)
def test_a_form_complains_of_nothing_before_it_is_sent(
    operator: Client, charger: Charger, slug: str
) -> None:
    page = operator.get(form_of(slug), {"chargers": charger.pk}).content.decode()
    assert "errorlist" not in page
    assert "aria-invalid" not in page


def test_what_is_missing_is_named(operator: Client, charger: Charger) -> None:
    page = operator.get(form_of("authorize-id-tag"), {"chargers": charger.pk})
    assert '"id_tag": "<id_tag>"' in doors(page)["curl"]


def test_a_location_is_one_call_and_chargers_of_several_are_parted(
    operator: Client, charger: Charger, organization: Organization, location: Location
) -> None:
    page = operator.get(form_of("stop-session"), {"locations": location.pk})
    assert f"--charger-id {charger.pk}" in doors(page)["manage.py"]
    other = create_charger(
        organization=organization, location=location, identity="CP-2", is_online=True
    )
    page = operator.get(form_of("stop-session"), {"locations": location.pk})
    assert doors(page)["manage.py"].endswith(f"--location-id {location.pk}")
    alone = create_charger(organization=organization, identity="CP-3", is_online=True)
    ids = f"{charger.pk},{other.pk},{alone.pk}"
    page = operator.get(form_of("stop-session"), {"chargers": ids})
    first, second = doors(page)["manage.py"].splitlines()
    assert f"--location-id {location.pk} --charger-ids" in first
    assert f"--charger-id {alone.pk}" in second
    page = operator.get(form_of("cache/reset"), {"chargers": ids})
    assert len(doors(page)["manage.py"].splitlines()) == 3


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.slug)
def test_a_command_is_repeated_as_it_was(
    definition: Definition, operator: Client, charger: Charger
) -> None:
    written, event = TYPED[definition.slug]
    given = {**written, "chargers": charger.pk, "_send": "1"}
    page = operator.post(form_of(definition.slug), given, follow=True)
    words = shlex.split(doors(page)["curl"].replace("\\\n", " "))
    assert json.loads(words[-1])["event"] == event
    form = operator.get(page.context["repeat"]).context["form"]
    assert {**form.draft, **event} == form.draft


def test_a_viewer_is_offered_no_repetition(
    operator: Client, charger: Charger, organization: Organization
) -> None:
    given = {"chargers": charger.pk, "_send": "1"}
    page = operator.post(form_of("plug-connector"), given, follow=True)
    assert page.context["repeat"]
    Membership.objects.update(role="viewer")
    command = Command.objects.get()
    page = operator.get(reverse("admin:commands_command_change", args=[command.pk]))
    assert page.status_code == 200
    assert page.context["repeat"] == ""


def test_a_form_asks_few_queries(
    operator: Client, charger: Charger, django_assert_max_num_queries: Any
) -> None:
    for slug in COMMANDS:
        with django_assert_max_num_queries(16):
            operator.get(form_of(slug), {"chargers": charger.pk})


def test_a_form_for_several_begins_without_complaint_and_with_a_tag_for_all(
    organization: Organization, charger: Charger
) -> None:
    three = [
        charger,
        *(create_charger(organization=organization, identity=n) for n in "AB"),
    ]
    form = CommandForm(COMMANDS["start-session"], three)
    assert form.draft == {"id_tag": "<id_tag>"}
    assert "required." not in str(form)
    IdTag.objects.create(organization=organization, id_tag="ONE-AT-A-TIME")
    IdTag.objects.create(
        organization=organization, id_tag="FLEET-CARD", allows_concurrent=True
    )
    form = CommandForm(COMMANDS["start-session"], three)
    assert form.draft == {"id_tag": "FLEET-CARD"}
    assert "id_tag" not in CommandForm(COMMANDS["stop-session"], three).initial
