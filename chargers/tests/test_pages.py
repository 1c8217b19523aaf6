"""The pages that operators look at: home, a location, a charger."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chargers.admin import location_pages
from chargers.choices import Condition, ConnectorStatus, ProvisioningStatus, ReportKind
from chargers.models import (
    Charger,
    Location,
    Message,
    MeterValue,
    PowerSample,
    Transaction,
    VirtualChargerState,
)
from chargers.pages import history, live, overview, selectors
from chargers.pages.chart import draw_power, metered
from chargers.pages.exchanges import Wanted, exchanges
from chargers.templatetags.chargers_live import payload
from ocpplab.access import Access
from ocpplab.encryption import encrypt
from ocpplab.models import Membership, Organization, User
from tests.fixtures import create_charger

EVERYTHING = Access(True, {})
PAGES = ("page", "messages", "sessions", "configuration", "profiles", "station")


@pytest.fixture
def signed_in(client: Client, superuser: User) -> Client:
    client.force_login(superuser)
    return client


@pytest.fixture
def charging(virtual_charger: Charger) -> Transaction:
    """An online charger in the midst of a transaction, metered twice."""
    Charger.objects.update(is_online=True)
    virtual_charger.connectors.filter(evse_id=1).update(status=ConnectorStatus.CHARGING)
    now = timezone.now()
    row = Transaction.objects.create(
        charger=virtual_charger,
        transaction_id="77",
        evse_id=1,
        id_tag="TAG-1",
        started_at=now - timedelta(minutes=2),
        meter_start_wh=1000,
    )
    for age, watts, meter in ((20, 0, 1000), (10, 7360, 3500)):
        MeterValue.objects.create(
            charger=virtual_charger,
            transaction=row,
            evse_id=1,
            timestamp=now - timedelta(seconds=age),
            sampled_values=[
                {"value": str(meter), "unit": "Wh"},
                {
                    "value": str(watts),
                    "measurand": "Power.Active.Import",
                    "unit": "W",
                },
                {"value": "11", "measurand": "Power.Offered", "unit": "kW"},
            ],
        )
    return row


def page_of(row: Charger | Location, page: str = "page") -> str:
    return reverse(f"admin:chargers_{row._meta.model_name}_{page}", args=[row.pk])


def say(charger: Charger, *frames: tuple[int, str, str, float]) -> None:
    """Log frames: type, text, action, age in seconds; requests go to the CSMS."""
    now = timezone.now()
    for number, text, action, age in frames:
        Message.objects.create(
            charger=charger,
            direction="cp_to_csms" if number == 2 else "csms_to_cp",
            action=action,
            message_type=number,
            text=text,
            timestamp=now - timedelta(seconds=age),
        )


def fleet(organization: Organization, location: Location, count: int) -> None:
    for number in range(count):
        charger = create_charger(
            organization=organization,
            location=location,
            identity=f"MORE-{number}",
            is_online=True,
        )
        row = Transaction.objects.create(
            charger=charger, evse_id=1, started_at=timezone.now()
        )
        MeterValue.objects.create(
            charger=charger,
            transaction=row,
            evse_id=1,
            timestamp=timezone.now(),
            sampled_values=[{"value": "1000", "measurand": "Power.Active.Import"}],
        )


def count_queries(client: Client, url: str) -> int:
    client.get(url)
    overview.forget_answers()
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


# --- A charger in one word --------------------------------------------------------------


@pytest.mark.parametrize(
    ("charger", "statuses", "condition"),
    [
        ({}, ["Available"], Condition.AVAILABLE),
        ({}, ["Unknown"], Condition.UNAVAILABLE),
        ({}, ["Unavailable"], Condition.UNAVAILABLE),
        ({}, ["Available", "Preparing"], Condition.IN_USE),
        ({}, ["Preparing", "Charging"], Condition.CHARGING),
        ({}, ["Charging", "Faulted"], Condition.FAULTED),
        ({"is_online": False}, ["Faulted"], Condition.OFFLINE),
        ({"is_online": False, "is_enabled": False}, ["Charging"], Condition.STOPPED),
        (
            {"is_online": False, "provisioning_status": ProvisioningStatus.FAILED},
            ["Unknown"],
            Condition.FAILED,
        ),
        (
            {"is_online": False, "provisioning_status": ProvisioningStatus.PENDING},
            ["Unknown"],
            Condition.PROVISIONING,
        ),
    ],
)
def test_a_charger_is_told_in_one_word(
    charger: dict[str, Any],
    statuses: list[str],
    condition: Condition,
    organization: Organization,
) -> None:
    row = create_charger(
        organization=organization, identity="X", connector_count=len(statuses)
    )
    Charger.objects.update(**{"is_online": True, **charger})
    for evse_id, status in enumerate(statuses, start=1):
        row.connectors.filter(evse_id=evse_id).update(status=status)
    [found] = selectors.with_condition(Charger.objects.all())
    assert found.condition == condition


def test_the_list_of_chargers_is_filtered_by_that_word(
    signed_in: Client, charging: Transaction, physical_charger: Charger
) -> None:
    Charger.objects.filter(pk=physical_charger.pk).update(is_online=False)
    url = reverse("admin:chargers_charger_changelist")
    for condition, shown in (
        ("charging", charging.charger),
        ("offline", physical_charger),
    ):
        rows = signed_in.get(url, {"condition": condition}).context["cl"].queryset
        assert list(rows) == [shown]


# --- Home -------------------------------------------------------------------------------


def test_home_sums_what_chargers_online_deliver(charging: Transaction) -> None:
    now = overview.overview(EVERYTHING)
    assert now.whole.counts == {Condition.CHARGING: 1}
    assert now.whole.power_w == 7360
    assert [place.location for place in now.places] == [charging.charger.location]
    Charger.objects.update(is_online=False)
    overview.forget_answers()
    now = overview.overview(EVERYTHING)
    assert now.whole.power_w == 0
    assert now.offline == [charging.charger]


def test_energy_counts_from_midnight_on(charging: Transaction) -> None:
    charger = charging.charger
    midnight = timezone.now() - timedelta(minutes=1)
    ended = Transaction.objects.create(
        charger=charger,
        evse_id=1,
        id_tag="EARLIER",
        started_at=midnight - timedelta(hours=1),
        meter_start_wh=100,
        stopped_at=midnight + timedelta(seconds=20),
        meter_stop_wh=900,
    )
    for seconds, meter in ((-30, 600), (5, 700), (15, 800)):
        MeterValue.objects.create(
            charger=charger,
            transaction=ended,
            evse_id=1,
            timestamp=midnight + timedelta(seconds=seconds),
            sampled_values=[{"value": str(meter)}],
        )
    everything = Transaction.objects.all()
    sessions = selectors.open_sessions(everything)
    # Of the ended one 900 - 700; the running one shows 3500, and 1000 since midnight.
    assert selectors.energy_since(midnight, everything, sessions) == 200 + 2500
    MeterValue.objects.filter(transaction=charging).update(
        timestamp=midnight - timedelta(seconds=1)
    )
    assert selectors.energy_since(midnight, everything, sessions) == 200


def test_every_number_of_home_leads_to_a_list(
    signed_in: Client, charging: Transaction
) -> None:
    page = signed_in.get(reverse("admin:index")).content.decode()
    numbers = page.split('<ul id="now"')[1].split("</ul>")[0]
    links = [part.split('"')[0] for part in numbers.split('href="')[1:]]
    assert len(links) == 7
    for link in links:
        answer = signed_in.get(link.replace("&amp;", "&"))
        assert answer.status_code == 200, link  # a filter it knows, no redirect


def test_home_needs_as_many_queries_for_many_chargers_as_for_few(
    signed_in: Client, charging: Transaction, location: Location
) -> None:
    few = count_queries(signed_in, reverse("admin:index"))
    fleet(location.organization, location, 20)
    assert count_queries(signed_in, reverse("admin:index")) == few < 30


def test_home_shows_ones_own_organizations_alone(
    client: Client, charging: Transaction, other_organization: Organization
) -> None:
    user = User.objects.create_user("eve", password="x", is_staff=True)
    Membership.objects.create(user=user, organization=other_organization, role="admin")
    client.force_login(user)
    page = client.get(reverse("admin:index")).content.decode()
    assert "ACME" not in page
    assert "There are no chargers yet." in page
    day = client.get(reverse("admin:chargers_charger_day")).json()
    assert [kw for _, kw in day["series"][0]["points"]] == [0]  # now


def test_the_power_of_the_day_is_sampled_by_location(
    signed_in: Client,
    charging: Transaction,
    location: Location,
    organization: Organization,
) -> None:
    create_charger(organization=organization, identity="ROAMING")
    history.sample_power()
    samples = {row.location: row for row in PowerSample.objects.all()}
    assert samples[location].power_w == 7360
    assert samples[location].sessions == 1
    assert samples[None].power_w == 0
    overview.forget_answers()
    day = signed_in.get(reverse("admin:chargers_charger_day")).json()
    assert [kilowatts for _, kilowatts in day["series"][0]["points"]] == [7.36, 7.36]
    start, end = day["span"]
    assert end - start == 24 * 3600
    assert start < timezone.now().timestamp() <= end
    series = history.power_of_day(PowerSample.objects.all())
    assert [kilowatts for _, kilowatts in series.samples] == [7.36]
    PowerSample.objects.update(at=timezone.now() - history.KEPT * 2)
    history.delete_old_samples()
    assert not PowerSample.objects.exists()


# --- A charger --------------------------------------------------------------------------


def test_a_chargers_page_shows_what_it_is_and_does(
    signed_in: Client, charging: Transaction
) -> None:
    charger = charging.charger
    Charger.objects.update(
        boot={"chargePointVendor": "Wallbox", "chargePointModel": "P"}
    )
    say(charger, (2, '[2,"1","Heartbeat",{}]', "Heartbeat", 1))
    html = signed_in.get(page_of(charger)).content.decode()
    for shown in (
        "7.36 kW",
        "2.50 kWh",
        "11.00 kW",
        ">77</a>",
        "TAG-1",
        "Charge point vendor",
        "Heartbeat",
        "<svg",
        f"{settings.OCPP_ENDPOINT_URL}/acme/ACME-AC-1",
    ):
        assert shown in html, shown


@pytest.mark.parametrize("page", PAGES)
def test_a_charger_that_never_reported_has_all_pages(
    page: str, signed_in: Client, physical_charger: Charger, virtual_charger: Charger
) -> None:
    for charger in (physical_charger, virtual_charger):
        assert signed_in.get(page_of(charger, page)).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_nobody_sees_another_organizations_charger(
    page: str,
    client: Client,
    virtual_charger: Charger,
    other_organization: Organization,
) -> None:
    user = User.objects.create_user("eve", password="x", is_staff=True)
    Membership.objects.create(user=user, organization=other_organization, role="admin")
    client.force_login(user)
    assert client.get(page_of(virtual_charger, page)).status_code == 404
    chart = reverse("admin:chargers_charger_chart", args=[virtual_charger.pk])
    assert client.get(chart).status_code == 404
    assert client.get(live_url(charger=virtual_charger.pk)).status_code == 404


def test_a_transaction_without_meter_values_is_shown(
    signed_in: Client, charging: Transaction
) -> None:
    MeterValue.objects.all().delete()
    assert signed_in.get(page_of(charging.charger)).status_code == 200
    assert signed_in.get(reverse("admin:index")).status_code == 200


def test_the_whole_charger_is_shown_only_when_it_is_faulted(
    virtual_charger: Charger,
) -> None:
    state = live.charger_state(virtual_charger)
    assert [item.connector.evse_id for item in state.connectors] == [1]
    virtual_charger.connectors.filter(evse_id=0).update(status=ConnectorStatus.FAULTED)
    state = live.charger_state(Charger.objects.get(pk=virtual_charger.pk))
    assert [item.tone for item in state.connectors] == ["bad", "idle"]


def test_what_a_virtual_charger_knows_of_cable_and_ev_is_shown(
    signed_in: Client, virtual_charger: Charger
) -> None:
    vehicle = {"battery_wh": 80_000, "charge_wh": 20_000, "wants_energy": False}
    VirtualChargerState.objects.create(
        charger=virtual_charger,
        data={"connectors": {"1": {"vehicle": vehicle, "limit_w": 5000}}},
    )
    html = signed_in.get(page_of(virtual_charger)).content.decode()
    for shown in ("plugged in", "takes no energy", "25 % charged", "5.00 kW"):
        assert shown in html, shown


def test_power_is_known_before_the_first_meter_value(
    signed_in: Client, charging: Transaction
) -> None:
    MeterValue.objects.all().delete()
    [session] = selectors.open_sessions(Transaction.objects.all())
    assert session.power_w is None
    known = {"power_w": 7400.0, "offered_w": 11000, "register_wh": 1000.4}
    VirtualChargerState.objects.create(
        charger=charging.charger, data={"connectors": {"1": known}}
    )
    [session] = selectors.open_sessions(Transaction.objects.all())
    assert (session.power_w, session.offered_w) == (7400, 11000)
    assert session.energy_wh == pytest.approx(0.4)
    MeterValue.objects.create(  # which tells nothing of the power
        charger=charging.charger,
        transaction=charging,
        evse_id=1,
        timestamp=timezone.now(),
        sampled_values=[{"value": "1500", "unit": "Wh"}],
    )
    [session] = selectors.open_sessions(Transaction.objects.all())
    assert (session.power_w, session.energy_wh) == (7400, 500)
    for page in (reverse("admin:index"), page_of(charging.charger)):
        assert "7.40 kW" in signed_in.get(page).content.decode()


@pytest.mark.parametrize(
    ("state", "shown", "condition"),
    [
        ("Charging", "Charging", Condition.CHARGING),
        ("SuspendedEV", "SuspendedEV", Condition.IN_USE),
        ("EVConnected", "Occupied", Condition.IN_USE),
    ],
)
def test_a_2x_connector_shows_what_its_transaction_does(
    signed_in: Client,
    charging: Transaction,
    state: str,
    shown: str,
    condition: Condition,
) -> None:
    charger = charging.charger
    Transaction.objects.update(charging_state=state)
    charger.connectors.filter(evse_id=1).update(status=ConnectorStatus.OCCUPIED)
    known = live.charger_state(charger)
    assert (known.condition, known.connectors[0].status) == (condition, shown)
    assert overview.overview(EVERYTHING).whole.counts == {condition: 1}
    chargers = reverse("admin:chargers_charger_changelist")
    for page in (page_of(charger), chargers):
        assert f">{shown}</span>" in signed_in.get(page).content.decode()
    for status in ("Charging", "Occupied", "SuspendedEV", "Available"):
        found = signed_in.get(chargers, {"connector": status}).context["cl"].queryset
        assert list(found) == ([charger] if status == shown else [])


def test_the_session_of_an_evse_is_shown_at_its_connector(
    charging: Transaction,
) -> None:
    charger = charging.charger
    charger.connectors.create(evse_id=1, connector_id=2, status="Occupied")
    Transaction.objects.update(connector_id=2)
    states = live.charger_state(charger).connectors
    running = {item.name: item.has_transaction for item in states if item.number == 1}
    assert running == {"Connector 1": False, "EVSE 1.2": True}


def test_long_transaction_ids_are_cut_in_tables(
    signed_in: Client, charging: Transaction
) -> None:
    key = "8d0fa0bb-50f7-4d41-8f09-704bcd51e836"
    Transaction.objects.update(transaction_id=key)
    html = signed_in.get(page_of(charging.charger, "sessions")).content.decode()
    assert f'<span title="{key}">8d0fa0bb-50…</span>' in html
    assert "2.50 kWh" in html  # until now


def test_a_charger_that_is_not_set_up_says_where_it_stopped(
    signed_in: Client, virtual_charger: Charger
) -> None:
    html = signed_in.get(page_of(virtual_charger)).content.decode()
    assert "Provisioning</h2>" not in html
    Charger.objects.update(
        provisioning_status=ProvisioningStatus.FAILED,
        provisioning_error={"code": "fleet_unavailable", "message": "No fleet runs."},
    )
    html = signed_in.get(page_of(virtual_charger)).content.decode()
    for shown in ("Provisioning</h2>", "fleet_unavailable", "No fleet runs."):
        assert shown in html, shown


def test_a_physical_charger_is_told_where_to_dial(
    signed_in: Client, physical_charger: Charger
) -> None:
    html = signed_in.get(page_of(physical_charger)).content.decode()
    assert "Waiting for its first connection" in html
    organization = physical_charger.organization.slug
    assert f'id="dial">{settings.OCPP_ENDPOINT_URL}/{organization}/ACME-CP-1<' in html
    Charger.objects.update(connected_at=timezone.now())
    html = signed_in.get(page_of(physical_charger)).content.decode()
    assert "Waiting for its first connection" not in html


def test_what_a_virtual_charger_remembers_is_shown(
    signed_in: Client, virtual_charger: Charger
) -> None:
    profile = {
        "id": 4,
        "connector": 1,
        "purpose": "TxDefault",
        "stack_level": 2,
        "unit": "W",
        "periods": [[0, 6000, None], [3600, 9000, None]],
        "start": timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "duration": None,
        "recurrence": None,
        "min_rate": None,
        "valid_from": None,
        "valid_to": None,
        "transaction": None,
    }
    VirtualChargerState.objects.create(
        charger=virtual_charger,
        data={
            "configuration": {
                "HeartbeatInterval": "77",
                "AuthorizationKey": "secret of sixteen",
            },
            "local_list": {"version": 5, "entries": {"tag-9": {"status": "Accepted"}}},
            "cache": {"tag-8": {"status": "Blocked"}},
            "profiles": [profile],
            "secrets": encrypt("{}"),
        },
    )
    html = signed_in.get(page_of(virtual_charger, "configuration")).content.decode()
    for shown in ("HeartbeatInterval", "77", "version 5", "tag-9", "tag-8", "Blocked"):
        assert shown in html, shown
    assert "secret of sixteen" not in html
    html = signed_in.get(page_of(virtual_charger, "profiles")).content.decode()
    for shown in ("TxDefault", "0:00 <b>6000 W", "1:00 <b>9000 W", "<svg"):
        assert shown in html, shown
    url = reverse("admin:chargers_charger_chart", args=[virtual_charger.pk])
    told = signed_in.get(url, {"composite": 1}).json()
    assert [kw for _, kw in told["series"][0]["points"]] == [6, 6, 9, 9]
    assert told["span"][1] - told["span"][0] == 24 * 3600
    for unknown in ("2", "x"):
        assert signed_in.get(url, {"composite": unknown}).status_code == 404


def test_a_physical_charger_shows_the_list_it_accepted(
    signed_in: Client, physical_charger: Charger
) -> None:
    page = page_of(physical_charger, "configuration")
    assert "Local list" not in signed_in.get(page).content.decode()
    physical_charger.station_reports.create(
        kind=ReportKind.LOCAL_LIST,
        data={"version": 6, "entries": {"tag-7": {"status": "Accepted"}}},
        reported_at=timezone.now(),
    )
    html = signed_in.get(page).content.decode()
    for shown in ("version 6", "tag-7"):
        assert shown in html, shown


def test_the_chart_of_a_transaction_tells_power_energy_and_battery(
    signed_in: Client, charging: Transaction
) -> None:
    row = charging.meter_values.first()
    assert row is not None
    row.sampled_values = [*row.sampled_values, {"value": "41", "measurand": "SoC"}]
    row.save()
    url = reverse("admin:chargers_charger_chart", args=[charging.charger_id])
    for query in ({}, {"transaction": charging.pk}):
        told = signed_in.get(url, query).json()["series"]
        last = {one["kind"]: one["points"][-1][1] for one in told}
        assert last == {"power": 7.36, "offered": 11, "energy": 3.5, "soc": 41}
    assert signed_in.get(url, {"transaction": 10**9}).status_code == 404
    assert signed_in.get(url, {"transaction": "x"}).status_code == 404


# --- Messages ---------------------------------------------------------------------------


@pytest.fixture
def talk(virtual_charger: Charger) -> Charger:
    say(
        virtual_charger,
        (2, '[2,"a","BootNotification",{"x":1}]', "BootNotification", 9.0),
        (3, '[3,"a",{"status":"Accepted"}]', "BootNotification", 8.5),
        (2, '[2,"b","Authorize",{"idTag":"T"}]', "Authorize", 7.0),
        (4, '[4,"b","InternalError","why",{}]', "Authorize", 6.9),
        (2, '[2,"c","Heartbeat",{}]', "Heartbeat", 1.0),
    )
    return virtual_charger


def exchanges_of(client: Client, charger: Charger, **query: str) -> list[Any]:
    page = client.get(page_of(charger, "messages"), query)
    return [(one.action, one.outcome, one.took_ms) for one in page.context["exchanges"]]


def test_a_request_stands_with_its_answer_and_how_long_it_took(
    signed_in: Client, talk: Charger
) -> None:
    assert exchanges_of(signed_in, talk) == [
        ("Heartbeat", "no answer", None),
        ("Authorize", "InternalError", 100),
        ("BootNotification", "Accepted", 500),
    ]


def test_messages_are_filtered_and_still_stand_together(
    signed_in: Client, talk: Charger
) -> None:
    assert exchanges_of(signed_in, talk, errors="1") == [
        ("Authorize", "InternalError", 100)
    ]
    boot = [("BootNotification", "Accepted", 500)]
    assert exchanges_of(signed_in, talk, action="BootNotification") == boot
    assert len(exchanges_of(signed_in, talk, direction="cp_to_csms")) == 3
    assert exchanges_of(signed_in, talk, direction="csms_to_cp") == []


def test_an_id_that_comes_again_belongs_to_the_nearest_request(
    signed_in: Client, virtual_charger: Charger
) -> None:
    say(
        virtual_charger,
        (2, '[2,"1","Heartbeat",{}]', "Heartbeat", 60),
        (2, '[2,"1","Heartbeat",{}]', "Heartbeat", 2),
        (3, '[3,"1",{}]', "Heartbeat", 1),
        (3, "no frame", "", 0),
    )
    times = [took for _, _, took in exchanges_of(signed_in, virtual_charger)]
    assert times == [None, 1000, None]


# --- A location -------------------------------------------------------------------------


def test_a_locations_page_shows_each_connector(
    signed_in: Client, charging: Transaction, physical_charger: Charger
) -> None:
    location = charging.charger.location
    assert location is not None
    html = signed_in.get(page_of(location)).content.decode()
    for shown in ("ACME-AC-1", "ACME-CP-1", "7.36 kW", "Charging", "offline"):
        assert shown in html, shown


def test_a_locations_page_needs_as_many_queries_for_many_chargers_as_for_few(
    signed_in: Client, charging: Transaction, location: Location
) -> None:
    few = count_queries(signed_in, page_of(location))
    fleet(location.organization, location, 20)
    assert count_queries(signed_in, page_of(location)) == few < 30


def test_a_page_asks_for_the_tiles_that_changed(
    signed_in: Client, charging: Transaction, physical_charger: Charger
) -> None:
    location = charging.charger.location
    assert location is not None
    url = reverse("admin:chargers_location_tiles", args=[location.pk])
    html = signed_in.get(url, {"ids": physical_charger.pk}).content.decode()
    assert f'id="tile-{physical_charger.pk}"' in html
    assert "ACME-AC-1" not in html
    html = signed_in.get(url, {"condition": "charging"}).content.decode()
    assert "ACME-AC-1" in html
    assert "ACME-CP-1" not in html


def test_a_large_location_is_shown_page_by_page(
    signed_in: Client, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(location_pages, "TILES", 5)
    fleet(location.organization, location, 13)
    html = signed_in.get(page_of(location), {"page": 2}).content.decode()
    assert html.count('id="tile-') == 5
    assert "6&ndash;10 of 13" in html
    identity = location.chargers.order_by("identity")[12].identity
    html = signed_in.get(page_of(location), {"find": identity}).content.decode()
    assert html.count('id="tile-') == 1
    html = signed_in.get(page_of(location), {"find": "nothing"}).content.decode()
    assert "There is no such charger here now" in html


def test_nobody_sees_another_organizations_location(
    client: Client, location: Location, other_organization: Organization
) -> None:
    user = User.objects.create_user("eve", password="x", is_staff=True)
    Membership.objects.create(user=user, organization=other_organization, role="admin")
    client.force_login(user)
    for page in ("page", "tiles"):
        assert client.get(page_of(location, page)).status_code == 404
    assert client.get(live_url(location=str(location.pk))).status_code == 404


# --- Live -------------------------------------------------------------------------------


def live_url(**query: str) -> str:
    return reverse("admin:chargers_charger_live", query=query)


def test_a_page_that_renews_itself_gets_its_content_alone(
    signed_in: Client, charging: Transaction
) -> None:
    for url in (reverse("admin:index"), page_of(charging.charger)):
        answer = signed_in.get(url, headers={"X-Live": "1"})
        assert "7.36 kW" in answer.content.decode()
        assert "<html" not in answer.content.decode()
        again = signed_in.get(
            url, headers={"X-Live": "1", "If-None-Match": answer["ETag"]}
        )
        assert again.status_code == 304


def test_what_comes_through_a_page_cannot_run_scripts(signed_in: Client) -> None:
    policy = signed_in.get(reverse("admin:index"))["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


# --- The chart --------------------------------------------------------------------------


def value(age: float, watts: float) -> MeterValue:
    return MeterValue(
        evse_id=1,
        timestamp=NOW - timedelta(seconds=age),
        sampled_values=[
            {"value": str(watts), "measurand": "Power.Active.Import", "unit": "W"}
        ],
    )


NOW = timezone.now()


def test_nothing_metered_is_no_chart() -> None:
    assert draw_power([], NOW) is None


@pytest.mark.parametrize(
    ("ages", "lines"),
    [
        ((400, 390, 10), 2),
        ((400, 390, 380, 10), 2),
        ((1200, 900, 600, 300), 1),  # it samples every five minutes
        ((4200, 3900, 3600, 300), 2),
    ],
)
def test_a_gap_interrupts_the_line(ages: tuple[int, ...], lines: int) -> None:
    chart = draw_power(metered([value(age, 1000) for age in ages]), NOW)
    assert chart is not None
    assert len(chart.lines) == lines


def test_the_scale_ends_above_the_highest_value() -> None:
    chart = draw_power(metered([value(10, 11_040), value(0, 0)]), NOW)
    assert chart is not None
    assert [tick.label for tick in chart.y_ticks][-1] == "20 kW"
    heights = [float(p.split(",")[1]) for p in chart.lines[0].points.split()]
    assert all(chart.top <= height <= chart.bottom for height in heights)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('[2,"1","Heartbeat",{"a":1}]', '{"a": 1}'),
        ('[3,"1",{"a":1}]', '{"a": 1}'),
        ('[4,"1","InternalError","why",{}]', '["InternalError", "why", {}]'),
        ("no frame", "no frame"),
        ("[2]", "[2]"),
        ("{}", "{}"),
    ],
)
def test_a_frame_is_told_by_what_it_carries(text: str, shown: str) -> None:
    assert payload(Message(text=text)) == shown


def test_an_error_is_shown_with_its_request_however_short_their_ids_are(
    virtual_charger: Charger,
) -> None:
    now = timezone.now()
    for number in range(1, 31):
        asked_at = now - timedelta(seconds=30 + number)
        answer = f'[4,"{number}","InternalError","",{{}}]'
        if number not in (5, 25):
            answer = f'[3,"{number}",{{}}]'
        for direction, kind, text in (
            ("cp_to_csms", 2, f'[2,"{number}","MeterValues",{{"connectorId":1}}]'),
            ("csms_to_cp", int(answer[1]), answer),
        ):
            Message.objects.create(
                charger=virtual_charger,
                direction=direction,
                action="MeterValues",
                message_type=kind,
                text=text,
                timestamp=asked_at,
            )
    found = exchanges(virtual_charger.messages.all(), Wanted(errors=True), 60)
    assert [(e.request is not None, e.is_error) for e in found] == [(True, True)] * 2
