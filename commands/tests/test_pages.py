"""Commands on the pages of chargers and locations, and how far one to many is."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chargers.choices import ChargerKind, ConnectorStatus
from chargers.delivery import Outcome
from chargers.models import Charger, Location, Transaction, VirtualChargerState
from chargers.pages.live import charger_state
from commands import services
from commands.models import Command
from commands.panel import actions_for, why_not
from commands.registry import COMMANDS, DEFINITIONS
from ocpplab.models import Membership, Organization, User
from tests.fixtures import create_charger


@pytest.fixture
def operator(client: Client, organization: Organization) -> Client:
    user = User.objects.create_user("bob", password="x", is_staff=True)
    Membership.objects.create(user=user, organization=organization, role="operator")
    client.force_login(user)
    return client


@pytest.fixture
def three(organization: Organization, location: Location) -> list[Charger]:
    return [
        create_charger(
            organization=organization,
            location=location,
            identity=f"FLEET-{number}",
            is_online=True,
        )
        for number in range(3)
    ]


def page_of(row: Charger | Location) -> str:
    return reverse(f"admin:chargers_{row._meta.model_name}_page", args=[row.pk])


def form_of(slug: str) -> str:
    return reverse("admin:commands_command_send", args=[COMMANDS[slug].name])


def finish(*outcomes: str) -> None:
    """Have the waiting commands end, in the order of their chargers."""
    chargers = Command.objects.order_by("charger__identity").filter(status="queued")
    for charger_id, status in zip(
        chargers.values_list("charger_id", flat=True), outcomes, strict=True
    ):
        [claimed] = services.claim_commands([charger_id])
        why = "" if status == "applied" else "A cable is in already."
        services.finish_commands([Outcome(claimed.pk, status, None, why)])


# --- The panel --------------------------------------------------------------------------


def test_a_chargers_page_tells_every_command_or_why_not(
    operator: Client, charger: Charger
) -> None:
    html = operator.get(page_of(charger)).content.decode()
    for definition in DEFINITIONS:
        url = f"{form_of(definition.slug)}?chargers={charger.pk}"
        is_offered = f'href="{url}"' in html
        assert is_offered != bool(why_not(definition, charger_state(charger)))
        assert definition.label in html
    Charger.objects.update(is_online=False)
    html = operator.get(page_of(charger)).content.decode()
    assert "It is not connected to its CSMS." in html
    assert "/send/" not in html


CABLE = {"vehicle": {"wants_energy": True}}
PARKED = {"vehicle": {"wants_energy": False}}


@pytest.mark.parametrize(
    ("status", "memory", "runs", "offered", "refused"),
    [
        (
            "Available",
            {},
            False,
            {"plug-connector", "start-session", "inject-fault"},
            {"unplug-connector": "No cable is in.", "clear-fault": "It has no fault."},
        ),
        (
            "Preparing",
            CABLE,
            False,
            {"unplug-connector", "start-transaction", "start-session"},
            {
                "plug-connector": "A cable is in.",
                "stop-session": "No transaction runs.",
            },
        ),
        (
            "Charging",
            CABLE,
            True,
            {"stop-session", "stop-transaction", "ev-stops-energy", "power-update"},
            {
                "start-session": "A transaction runs.",
                "ev-requests-energy": "The EV takes energy.",
            },
        ),
        (
            "SuspendedEV",
            PARKED,
            True,
            {"ev-requests-energy"},
            {"ev-stops-energy": "The EV takes no energy."},
        ),
        (
            "Faulted",
            {"fault": "OverCurrent"},
            False,
            {"clear-fault", "unlock-connector"},
            {
                "start-session": "It is faulted.",
                "inject-fault": "It is faulted already.",
            },
        ),
        (
            "Unavailable",
            {"operative": False},
            False,
            {"inject-fault"},
            {"plug-connector": "It is out of service."},
        ),
    ],
)
def test_a_command_is_offered_where_it_makes_sense(
    status: str,
    memory: dict[str, Any],
    runs: bool,
    offered: set[str],
    refused: dict[str, str],
    charger: Charger,
) -> None:
    charger.connectors.filter(evse_id=1).update(status=status)
    VirtualChargerState.objects.create(
        charger=charger, data={"connectors": {"1": memory}}
    )
    if runs:
        Transaction.objects.create(
            charger=charger, evse_id=1, started_at=timezone.now()
        )
    state = charger_state(charger)
    reasons = {d.slug: why_not(d, state) for d in DEFINITIONS}
    assert {slug: reasons[slug] for slug in refused} == refused
    assert {slug for slug in offered if reasons[slug]} == set()
    at_connector = {button.definition.slug for button in actions_for(state)[1]}
    assert at_connector & set(refused) == set()
    assert all(not reasons[slug] for slug in at_connector)


def test_a_physical_charger_is_offered_what_it_can_do(
    operator: Client, physical_charger: Charger
) -> None:
    Charger.objects.update(is_online=True)
    physical_charger.connectors.update(status=ConnectorStatus.AVAILABLE)
    state = charger_state(physical_charger)
    for definition in DEFINITIONS:
        if not definition.physical:
            assert "virtual" in why_not(definition, state)
    assert why_not(COMMANDS["start-session"], state) == ""
    assert why_not(COMMANDS["unlock-connector"], state) == ""


def test_a_connectors_button_leads_to_a_form_that_names_it(
    operator: Client, organization: Organization
) -> None:
    two = create_charger(
        organization=organization, identity="TWO", connector_count=2, is_online=True
    )
    url = f"{form_of('start-session')}?chargers={two.pk}&amp;connector_id=2"
    assert url in operator.get(page_of(two)).content.decode()
    form = operator.get(url.replace("&amp;", "&")).context["form"]
    assert form["connector_id"].value() == "2"


def test_a_viewer_is_offered_nothing(
    client: Client, charger: Charger, location: Location, organization: Organization
) -> None:
    user = User.objects.create_user("carol", password="x", is_staff=True)
    Membership.objects.create(user=user, organization=organization, role="viewer")
    client.force_login(user)
    for row in (charger, location):
        html = client.get(page_of(row)).content.decode()
        assert "/send/" not in html
        assert 'name="chargers"' not in html


def test_one_reason_for_all_commands_is_told_once(
    operator: Client, charger: Charger
) -> None:
    Charger.objects.update(is_online=False)
    html = operator.get(page_of(charger)).content.decode()
    assert html.count("It is not connected to its CSMS.") == 1
    Charger.objects.update(is_online=True)
    html = operator.get(page_of(charger)).content.decode()
    assert html.count("No transaction runs.") > 1


# --- A location -------------------------------------------------------------------------


def test_a_location_offers_every_command(
    operator: Client, location: Location, charger: Charger
) -> None:
    html = operator.get(page_of(location)).content.decode()
    for definition in DEFINITIONS:
        assert f'formaction="{form_of(definition.slug)}"' in html


def test_a_location_of_physical_chargers_offers_what_they_can_do(
    operator: Client, location: Location, physical_charger: Charger
) -> None:
    html = operator.get(page_of(location)).content.decode()
    assert html.count("formaction=") == sum(d.physical for d in DEFINITIONS)
    assert physical_charger.kind == ChargerKind.PHYSICAL


def test_those_ticked_are_sent_the_command_and_with_none_ticked_all(
    operator: Client, location: Location, three: list[Charger]
) -> None:
    ticked = [three[0].pk, three[2].pk]
    url = form_of("plug-connector")
    page = operator.post(url, {"locations": location.pk, "chargers": ticked})
    choice = page.context["choice"]
    assert {row.pk for row in choice.chargers} == set(ticked)
    assert choice.parameter == "chargers"
    page = operator.post(url, {"locations": location.pk})
    assert page.context["choice"].parameter == "locations"
    assert len(page.context["choice"].chargers) == 3
    assert not Command.objects.exists()


def test_a_filter_leaves_out_others_with_none_ticked(
    operator: Client, location: Location, three: list[Charger]
) -> None:
    three[0].connectors.filter(evse_id=1).update(status=ConnectorStatus.FAULTED)
    url = form_of("clear-fault")
    for wanted, told in (
        ({"condition": "faulted"}, ["FLEET-0"]),
        ({"find": "fleet-2"}, ["FLEET-2"]),
        ({"condition": "unavailable", "find": "FLEET"}, ["FLEET-1", "FLEET-2"]),
    ):
        page = operator.get(page_of(location), wanted)
        for name, value in wanted.items():
            assert f'name="{name}" value="{value}"' in page.content.decode()
        page = operator.post(url, {"locations": location.pk, **wanted})
        assert [row.identity for row in page.context["choice"].chargers] == told
    wanted = {"locations": location.pk, "find": "nothing"}
    assert operator.post(url, wanted).status_code == 404


# --- Progress ---------------------------------------------------------------------------


def send(client: Client, slug: str, chargers: list[Charger]) -> Any:
    ids = ",".join(row.pk for row in chargers)
    return client.post(
        form_of(slug), {"chargers": ids, "connector_id": "1", "_send": "1"}, follow=True
    )


def counts(page: Any) -> tuple[int, int, int]:
    progress = page.context["progress"]
    return len(progress.done), len(progress.undone), len(progress.waiting)


@pytest.mark.parametrize("slug", ["plug-connector", "clear-fault"])
def test_several_chargers_lead_to_how_far_each_is(
    slug: str, operator: Client, charger: Charger, three: list[Charger]
) -> None:
    send(operator, slug, [charger])
    page = send(operator, slug, three)
    assert counts(page) == (0, 0, 3)
    Command.objects.filter(charger=charger).delete()
    finish("applied", "rejected", "applied")
    page = operator.get(page.request["PATH_INFO"])
    assert counts(page) == (2, 1, 0)
    html = page.content.decode()
    assert "A cable is in already." in html
    assert "Retry the 1 failed" in html


def test_what_failed_is_sent_again_and_all_is_repeated(
    operator: Client, three: list[Charger]
) -> None:
    page = send(operator, "plug-connector", three)
    finish("applied", "rejected", "applied")
    url = page.request["PATH_INFO"]
    again = operator.post(url, {"retry": "1"})
    [command] = Command.objects.filter(status="queued")
    assert command.charger == three[1]
    assert command.event == {"connector_id": 1}
    assert again["Location"] == reverse(
        "admin:commands_command_progress", args=[command.pk, command.pk]
    )
    operator.post(url, {"repeat": "1"})
    assert Command.objects.filter(status="queued").count() == 4


def test_a_viewer_watches_but_repeats_nothing(
    operator: Client, three: list[Charger], organization: Organization
) -> None:
    url = send(operator, "plug-connector", three).request["PATH_INFO"]
    Membership.objects.update(role="viewer")
    assert "Repeat" not in operator.get(url).content.decode()
    assert operator.post(url, {"repeat": "1"}).status_code == 403
    assert Command.objects.count() == 3


def test_nobody_watches_another_organizations_commands(
    operator: Client, three: list[Charger], other_organization: Organization
) -> None:
    url = send(operator, "plug-connector", three).request["PATH_INFO"]
    Membership.objects.update(organization=other_organization)
    assert operator.get(url).status_code == 404


def test_progress_needs_as_many_queries_for_many_chargers_as_for_few(
    operator: Client,
    organization: Organization,
    location: Location,
    three: list[Charger],
    django_assert_max_num_queries: Any,
) -> None:
    more = [
        create_charger(
            organization=organization,
            location=location,
            identity=f"MORE-{number}",
            is_online=True,
        )
        for number in range(20)
    ]
    url = send(operator, "plug-connector", [*three, *more]).request["PATH_INFO"]
    with django_assert_max_num_queries(10):
        page = operator.get(url)
    assert counts(page) == (0, 0, 23)
