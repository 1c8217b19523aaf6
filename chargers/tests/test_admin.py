"""The pages of chargers and locations, and how chargers are registered there."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chargers.admin.chargers import ChargerForm
from chargers.models import (
    Charger,
    ChargerModel,
    IdTag,
    Location,
    MeterValue,
    Transaction,
)
from chargers.services import password_matches
from ocpplab.models import Organization, User
from tests.fixtures import create_charger


@pytest.fixture
def signed_in(client: Client, superuser: User) -> Client:
    client.force_login(superuser)
    return client


def new_charger(organization: Organization, **fields: Any) -> dict[str, Any]:
    return {
        "organization": organization.pk,
        "identity": "NEW-1",
        "kind": "virtual",
        "ocpp_version": "OCPP1.6",
        **fields,
    }


ADD = "admin:chargers_charger_add"


def settings_of(row: Charger | Location) -> str:
    return reverse(f"admin:chargers_{row._meta.model_name}_change", args=[row.pk])


# --- Registering and changing -----------------------------------------------------------


def test_a_charger_is_registered_with_its_models_connectors(
    signed_in: Client, organization: Organization
) -> None:
    model = ChargerModel.objects.get(slug="terra-184")
    answer = signed_in.post(
        reverse(ADD),
        new_charger(
            organization, model=model.pk, connector_type="CCS2", password="x" * 20
        ),
    )
    charger = Charger.objects.get(identity="NEW-1")
    assert answer.status_code == 302
    assert charger.connector_count == 2
    assert charger.connectors.count() == 3
    assert password_matches(charger, b"x" * 20)
    assert not password_matches(charger, b"y" * 20)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"identity": "ACME-AC-1"}, "exists already"),
        ({"identity": "with space"}, "Letters, digits"),
        ({"kind": "physical", "ws_url": "ws://csms.example"}, "dials our endpoint"),
        ({"ws_url": "http://csms.example"}, "begins ws://"),
        ({"model": "terra-184", "connector_type": "Type2"}, "has CCS2, CHAdeMO"),
        ({"location": "other"}, "belongs to another organization"),
    ],
)
def test_a_wrong_charger_is_refused_with_the_reason(
    fields: dict[str, Any],
    reason: str,
    signed_in: Client,
    organization: Organization,
    other_organization: Organization,
    virtual_charger: Charger,
    location: Location,
) -> None:
    if "model" in fields:
        fields = fields | {"model": ChargerModel.objects.get(slug=fields["model"]).pk}
    if "location" in fields:
        Location.objects.update(organization=other_organization)
        fields = {"location": location.pk}
    page = signed_in.post(reverse(ADD), new_charger(organization, **fields))
    assert page.status_code == 200
    assert reason in page.content.decode()
    assert Charger.objects.count() == 1


def test_a_password_is_kept_replaced_or_removed_but_never_shown(
    signed_in: Client, organization: Organization, location: Location
) -> None:
    signed_in.post(reverse(ADD), new_charger(organization, password="secret password"))
    charger = Charger.objects.get(identity="NEW-1")
    kept = {"ocpp_version": "OCPP1.6", "is_enabled": "on", "name": "Renamed"}
    signed_in.post(settings_of(charger), kept)
    charger.refresh_from_db()
    assert charger.name == "Renamed"
    assert password_matches(charger, b"secret password")
    assert "secret password" not in signed_in.get(settings_of(charger)).content.decode()
    signed_in.post(settings_of(charger), {**kept, "password": "another password"})
    charger.refresh_from_db()
    assert not password_matches(charger, b"secret password")
    signed_in.post(settings_of(charger), {**kept, "clear_password": "on"})
    charger.refresh_from_db()
    assert charger.password_hash == charger.password_encrypted == ""


def test_how_the_endpoint_meets_a_charger_is_set(
    signed_in: Client, physical_charger: Charger
) -> None:
    signed_in.post(
        settings_of(physical_charger),
        {
            "ocpp_version": "OCPP1.6",
            "security_profile": "1",
            "boot_policy": "Pending",
            "boot_interval": "30",
        },
    )
    physical_charger.refresh_from_db()
    assert physical_charger.security_profile == 1
    assert physical_charger.boot_policy == "Pending"
    assert physical_charger.boot_interval == 30


def test_chargers_held_pending_are_accepted_in_the_list(
    signed_in: Client, physical_charger: Charger, virtual_charger: Charger
) -> None:
    Charger.objects.filter(pk=physical_charger.pk).update(boot_policy="Pending")
    chosen = [physical_charger.pk, virtual_charger.pk]
    answer = signed_in.post(
        reverse("admin:chargers_charger_changelist"),
        {"action": "accept", "_selected_action": chosen},
        follow=True,
    )
    assert "1 chargers are accepted" in answer.content.decode()
    physical_charger.refresh_from_db()
    assert physical_charger.boot_policy == "Accepted"
    [entry] = LogEntry.objects.all()
    assert entry.object_id == physical_charger.pk


def test_a_charger_is_deleted_with_all_it_reported(
    signed_in: Client, virtual_charger: Charger
) -> None:
    charger, now = virtual_charger, timezone.now()
    row = Transaction.objects.create(charger=charger, evse_id=1, started_at=now)
    MeterValue.objects.create(
        charger=charger, transaction=row, evse_id=1, timestamp=now, sampled_values=[]
    )
    url = reverse("admin:chargers_charger_delete", args=[charger.pk])
    assert "transaction: 1" in signed_in.get(url).content.decode().lower()
    signed_in.post(url, {"post": "yes"})
    assert not Charger.objects.exists()
    assert not MeterValue.objects.exists()


def test_a_model_in_use_is_not_deleted(
    signed_in: Client, virtual_charger: Charger
) -> None:
    assert virtual_charger.model is not None
    url = reverse("admin:chargers_chargermodel_delete", args=[virtual_charger.model.pk])
    page = signed_in.post(url, {"post": "yes"})
    assert page.status_code == 200
    assert ChargerModel.objects.filter(pk=virtual_charger.model.pk).exists()


def test_a_location_gets_a_slug(signed_in: Client, organization: Organization) -> None:
    signed_in.post(
        reverse("admin:chargers_location_add"),
        {
            "organization": organization.pk,
            "name": "Gare du Nord",
            "address": "18 Rue de Dunkerque",
            "city": "Paris",
            "country": "FR",
            "latitude": "48.88",
            "longitude": "2.35",
            "status": "active",
        },
    )
    assert Location.objects.get().slug.startswith("gare-du-nord-")


def test_an_id_tag_is_added(signed_in: Client, organization: Organization) -> None:
    url = reverse("admin:chargers_idtag_add")
    tag = {"organization": organization.pk, "id_tag": "TAG-9"}
    assert signed_in.post(url, tag).status_code == 302
    page = signed_in.post(url, {**tag, "id_tag": "tag-9"})
    assert "exists already" in page.content.decode()
    assert IdTag.objects.count() == 1


# --- Starting, stopping -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "is_enabled", "restarts"),
    [("stop", False, 0), ("start", True, 0), ("restart", True, 1)],
)
def test_virtual_chargers_are_started_and_stopped(
    action: str,
    is_enabled: bool,
    restarts: int,
    signed_in: Client,
    virtual_charger: Charger,
    physical_charger: Charger,
) -> None:
    Charger.objects.update(is_enabled=not is_enabled)
    ids = [virtual_charger.pk, physical_charger.pk]
    url = reverse("admin:chargers_charger_changelist")
    signed_in.post(url, {"action": action, "_selected_action": ids})
    virtual_charger.refresh_from_db()
    physical_charger.refresh_from_db()
    assert (virtual_charger.is_enabled, virtual_charger.restarts) == (
        is_enabled,
        restarts,
    )
    assert physical_charger.is_enabled is not is_enabled


def test_saving_settings_leaves_what_the_fleet_writes(
    signed_in: Client, virtual_charger: Charger, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = ChargerForm.clean

    def come_online_meanwhile(form: ChargerForm) -> dict[str, Any]:
        Charger.objects.update(is_online=True)
        return clean(form)

    monkeypatch.setattr(ChargerForm, "clean", come_online_meanwhile)
    signed_in.post(
        settings_of(virtual_charger),
        {"name": "New", "ocpp_version": "OCPP1.6", "connector_type": "Type2"},
    )
    virtual_charger.refresh_from_db()
    assert virtual_charger.name == "New"
    assert virtual_charger.is_online
    assert not virtual_charger.is_enabled


def test_locations_are_changed_and_deleted(
    signed_in: Client, virtual_charger: Charger, location: Location
) -> None:
    fields = ("address", "city", "country", "latitude", "longitude", "status")
    given = {name: getattr(location, name) for name in fields}
    signed_in.post(settings_of(location), {**given, "name": "Renamed"})
    location.refresh_from_db()
    assert location.name == "Renamed"
    url = reverse("admin:chargers_location_changelist")
    signed_in.post(
        url,
        {
            "action": "delete_selected",
            "_selected_action": [str(location.pk)],
            "post": "yes",
        },
    )
    assert not Charger.objects.exists()


def test_many_chargers_are_deleted_in_as_many_queries_as_few(
    client: Client, superuser: User, organization: Organization
) -> None:
    client.force_login(superuser)
    needed = []
    for count in (2, 8):
        rows = [
            create_charger(organization=organization, identity=f"CP-{count}-{number}")
            for number in range(count)
        ]
        chosen = {
            "action": "delete_selected",
            "_selected_action": [row.pk for row in rows],
            "post": "yes",
        }
        with CaptureQueriesContext(connection) as queries:
            client.post(reverse("admin:chargers_charger_changelist"), chosen)
        needed.append(len(queries))
        assert not Charger.objects.exists()
    assert needed[0] == needed[1]
