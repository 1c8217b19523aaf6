"""Variables, events and reports of 2.x chargers in the admin."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chargers.choices import ReportKind
from chargers.models import Charger, StationEvent, StationReport, Variable
from chargers.ocpp.versions import Version
from chargers.tests.station import (
    BOOT_V2,
    connected,
    connected_v2,
    in_thread,
    update,
)
from ocpplab.models import Membership, Organization, Role, User

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("web_process"),
]


@pytest.fixture
def signed_in(client: Client, superuser: User) -> Client:
    client.force_login(superuser)
    return client


def make_variable(charger: Charger, **fields: Any) -> Variable:
    return Variable.objects.create(
        **{
            "charger": charger,
            "component": "OCPPCommCtrlr",
            "name": "HeartbeatInterval",
            "value": "300",
            "characteristics": {"dataType": "integer", "unit": "s", "minLimit": 10},
            "updated_at": timezone.now(),
            **fields,
        }
    )


@pytest.fixture
def variable(physical_charger: Charger) -> Variable:
    return make_variable(physical_charger)


def form_of(variable: Variable) -> str:
    return reverse("admin:chargers_variable_change", args=[variable.pk])


def test_variables_are_listed_and_searched(
    signed_in: Client, variable: Variable
) -> None:
    place = {"component": "Connector", "evse_id": 1, "connector_id": 2}
    make_variable(variable.charger, **place, name="Available", mutability="ReadOnly")
    address = reverse("admin:chargers_variable_changelist")
    for query, found in (
        ("", {"HeartbeatInterval", "Available"}),
        ("q=heart", {"HeartbeatInterval"}),
        ("q=ACME-CP-1+connector", {"Available"}),
        ("mutability=ReadOnly", {"Available"}),
        ("q=nothing", set()),
    ):
        rows = signed_in.get(f"{address}?{query}").context["cl"].result_list
        assert {row.name for row in rows} == found, query
    page = signed_in.get(address).content.decode()
    assert "Connector@1.2" in page


def test_a_variable_that_is_read_only_cannot_be_set(
    signed_in: Client, physical_charger: Charger
) -> None:
    fixed = make_variable(physical_charger, mutability="ReadOnly")
    page = signed_in.get(form_of(fixed)).content.decode()
    assert 'name="value"' not in page
    assert "at least 10" in page


def test_a_variable_with_a_list_is_chosen_from_it(
    signed_in: Client, physical_charger: Charger
) -> None:
    listed = {"dataType": "OptionList", "valuesList": "Low, High"}
    chosen = make_variable(physical_charger, characteristics=listed, value="Low")
    page = signed_in.get(form_of(chosen)).content.decode()
    assert '<option value="High">High</option>' in page


async def set_to(
    client: Client, variable: Variable, value: str, answer: dict[str, Any] | None
) -> str:
    """What the page says once the charger was asked, and gave that answer, if any."""

    def post() -> str:
        page = client.post(form_of(variable), {"value": value}, follow=True)
        return page.content.decode()

    if answer is None:  # it is not there
        await update(variable.charger, ocpp_version="OCPP2.0.1")
        return str(await in_thread(post))
    async with connected(variable.charger, boot=False, version=Version.V201) as station:
        await station.ok("BootNotification", BOOT_V2)
        posting = asyncio.create_task(in_thread(post))
        message_id, action, payload = await station.next_request()
        assert action == "SetVariables"
        [asked] = payload["setVariableData"]
        assert asked["attributeValue"] == value
        same = {name: asked[name] for name in ("component", "variable")}
        await station.reply(message_id, {"setVariableResult": [{**same, **answer}]})
        return str(await posting)


@pytest.mark.parametrize(
    ("answer", "said", "kept"),
    [
        ({"attributeStatus": "Accepted"}, "ACME-CP-1 answered Accepted.", "60"),
        (
            {
                "attributeStatus": "Rejected",
                "attributeStatusInfo": {
                    "reasonCode": "ValueTooLow",
                    "additionalInfo": "at least 100",
                },
            },
            "ACME-CP-1 answered Rejected: at least 100",
            "300",
        ),
        (None, "is not connected", "300"),
    ],
)
async def test_the_charger_decides_on_a_new_value(
    signed_in: Client,
    variable: Variable,
    answer: dict[str, Any] | None,
    said: str,
    kept: str,
) -> None:
    assert said in await set_to(signed_in, variable, "60", answer)
    await variable.arefresh_from_db()
    assert variable.value == kept


@pytest.fixture
def three(physical_charger: Charger) -> list[Variable]:
    listed = {"dataType": "OptionList", "valuesList": "Low,High"}
    return [
        make_variable(physical_charger, name="One", value="1"),
        make_variable(
            physical_charger, name="Two", characteristics=listed, value="Low"
        ),
        make_variable(
            physical_charger, name="Three", value="3", mutability="WriteOnly"
        ),
    ]


async def act(
    client: Client, variables: list[Variable], action: str, answer: Any, **more: str
) -> tuple[str, list[Any]]:
    """The page after an action on variables, and what the charger was asked, if it was.

    ``answer(item)`` is its result for an item of what it was asked.
    """
    address = reverse("admin:chargers_variable_changelist")
    data = {"action": action, "_selected_action": [v.pk for v in variables], **more}

    def post() -> str:
        return client.post(address, data, follow=True).content.decode()

    async with connected_v2(variables[0].charger, boot=False) as station:
        await station.ok("BootNotification", BOOT_V2)
        if answer is None:
            return str(await in_thread(post)), []
        posting = asyncio.create_task(in_thread(post))
        message_id, _, payload = await station.next_request()
        [(name, asked)] = payload.items()
        results = [
            {"component": one["component"], "variable": one["variable"], **answer(one)}
            for one in reversed(asked)  # in whatever order
        ]
        await station.reply(message_id, {f"{name.removesuffix('Data')}Result": results})
        return str(await posting), asked


async def test_many_values_are_set_at_once(
    signed_in: Client, three: list[Variable]
) -> None:
    fixed = await sync_to_async(make_variable)(
        three[0].charger, name="Fixed", mutability="ReadOnly"
    )
    page, _ = await act(signed_in, [*three, fixed], "set_values", None)
    assert page.count('<input type="text"') == 2
    assert '<option value="High">High</option>' in page
    assert "Fixed" not in page

    def answer(item: dict[str, Any]) -> dict[str, Any]:
        if item["variable"]["name"] == "Two":
            info = {"reasonCode": "NotNow", "additionalInfo": "A car is charging."}
            return {"attributeStatus": "Rejected", "attributeStatusInfo": info}
        return {"attributeStatus": "RebootRequired"}

    values = {
        f"{v.pk}-value": new for v, new in zip(three, ("9", "High", "3"), strict=True)
    }
    page, asked = await act(signed_in, three, "set_values", answer, set="1", **values)
    told = {one["variable"]["name"]: one["attributeValue"] for one in asked}
    assert told == {"One": "9", "Two": "High"}
    assert '<span class="badge good">RebootRequired</span>' in page
    assert '<span class="badge bad">Rejected</span> A car is charging.' in page
    kept = {v.name: v.value async for v in Variable.objects.exclude(name="Fixed")}
    assert kept == {"One": "9", "Two": "Low", "Three": "3"}


async def test_a_charger_is_asked_for_the_values_of_many(
    signed_in: Client, three: list[Variable]
) -> None:
    def answer(item: dict[str, Any]) -> dict[str, Any]:
        if item["variable"]["name"] == "Two":
            return {"attributeStatus": "UnknownVariable"}
        return {"attributeStatus": "Accepted", "attributeValue": "77"}

    page, asked = await act(signed_in, three, "ask_values", answer)
    assert {one["variable"]["name"] for one in asked} == {"One", "Two"}
    assert "Values that ACME-CP-1 told: 1." in page
    assert "OCPPCommCtrlr.Two: UnknownVariable" in page
    assert (await Variable.objects.aget(name="One")).value == "77"


async def test_values_of_one_charger_are_set_at_a_time(
    signed_in: Client, three: list[Variable], virtual_charger: Charger
) -> None:
    other = await sync_to_async(make_variable)(virtual_charger)
    for action in ("set_values", "ask_values"):
        page, _ = await act(signed_in, [*three, other], action, None)
        assert "Select variables of one charger" in page


def test_only_who_may_command_sets_variables(
    client: Client, variable: Variable, organization: Organization
) -> None:
    for role, may in ((Role.VIEWER, False), (Role.OPERATOR, True)):
        user = User.objects.create_user(f"{role}", password="x", is_staff=True)
        Membership.objects.create(user=user, organization=organization, role=role)
        client.force_login(user)
        page = client.get(form_of(variable)).content.decode()
        assert ('name="value"' in page) is may


def test_variables_of_others_are_not_seen(
    client: Client, variable: Variable, other_organization: Organization
) -> None:
    user = User.objects.create_user("stranger", password="x", is_staff=True)
    Membership.objects.create(
        user=user, organization=other_organization, role=Role.ADMIN
    )
    client.force_login(user)
    assert client.get(form_of(variable)).status_code == 302
    address = reverse("admin:chargers_variable_changelist")
    assert not client.get(address).context["cl"].result_list


def test_events_and_reports_are_listed(
    signed_in: Client, physical_charger: Charger
) -> None:
    now = timezone.now()
    StationEvent.objects.create(
        charger=physical_charger,
        action="NotifyEvent",
        summary="Connector@1.1.AvailabilityState: Faulted",
        data={"eventId": 5},
        timestamp=now,
    )
    StationReport.objects.create(
        charger=physical_charger,
        kind=ReportKind.CHARGING_LIMIT,
        subject="EVSE 1, EMS",
        data={"evseId": 1},
        reported_at=now,
    )
    for name, text, row in (
        ("stationevent", "AvailabilityState: Faulted", StationEvent.objects.get()),
        ("stationreport", "EVSE 1, EMS", StationReport.objects.get()),
    ):
        listed = signed_in.get(reverse(f"admin:chargers_{name}_changelist"))
        assert text in listed.content.decode()
        shown = signed_in.get(reverse(f"admin:chargers_{name}_change", args=[row.pk]))
        assert "evseId" in shown.content.decode() or "eventId" in shown.content.decode()
