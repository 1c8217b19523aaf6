"""The demo organization of a first start."""

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from chargers.demo import create_demo
from chargers.models import Charger, IdTag, Location
from ocpplab.credentials import read_credentials
from ocpplab.models import Membership, Organization, Role, User
from ocpplab.services import find_token

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_data_directory(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)


@pytest.fixture
def demo() -> Organization:
    assert create_demo()
    return Organization.objects.get(slug="demo")


def test_the_depot_has_four_chargers_ready_for_the_fleet(demo):
    depot = Location.objects.get()
    assert depot.name == "Demo Depot"
    chargers = Charger.objects.order_by("identity")
    assert [charger.identity for charger in chargers] == [
        "DEMO-AC-1",
        "DEMO-AC-2",
        "DEMO-AC-3",
        "DEMO-DC-1",
    ]
    for charger in chargers:
        assert charger.id.startswith("dep-")
        assert charger.location == depot
        assert charger.is_virtual
        assert charger.is_enabled
        assert charger.ws_url == ""
        assert charger.provisioning_status == "READY"
        assert charger.provisioned_at is not None
        assert "10" in str(charger.virtual_state.data)  # s between meter values
    assert [charger.ocpp_version for charger in chargers] == [
        "OCPP1.6",
        "OCPP1.6",
        "OCPP2.0.1",
        "OCPP1.6",
    ]


@pytest.mark.parametrize(("identity", "evses"), [("DEMO-AC-1", 1), ("DEMO-DC-1", 2)])
def test_chargers_have_a_row_for_each_connector_and_one_for_the_whole(
    demo, identity, evses
):
    charger = Charger.objects.get(identity=identity)
    assert list(charger.connectors.values_list("evse_id", "connector_id")) == [
        (0, 0),
        *((evse, 1) for evse in range(1, evses + 1)),
    ]


def test_id_tags_show_each_verdict(demo):
    tags = {tag.id_tag: tag for tag in IdTag.objects.all()}
    assert set(tags) == {"TAG-RFID-001", "TAG-RFID-002", "TAG-BLOCKED", "TAG-EXPIRED"}
    assert tags["TAG-RFID-002"].allows_concurrent
    assert tags["TAG-BLOCKED"].is_blocked
    assert tags["TAG-EXPIRED"].is_expired(timezone.now())
    assert not tags["TAG-RFID-001"].is_expired(timezone.now())


def test_token_and_operator_work_with_the_remembered_credentials(demo):
    credentials = read_credentials()
    token = find_token(credentials["api_token"])
    assert token is not None
    assert token.organization == demo
    operator = User.objects.get(username="operator")
    assert operator.check_password(credentials["operator_password"])
    assert operator.is_staff
    assert not operator.is_superuser
    assert Membership.objects.get(user=operator).role == Role.OPERATOR


def test_the_demo_is_made_once_even_if_its_chargers_were_deleted(demo, capsys):
    Charger.objects.all().delete()
    IdTag.objects.all().delete()
    call_command("demo")
    assert "exists already" in capsys.readouterr().out
    assert not Charger.objects.exists()
    assert not IdTag.objects.exists()
    assert Organization.objects.count() == 1


def test_a_user_who_is_called_operator_already_is_left_alone():
    theirs = User.objects.create_user("operator", password="theirs")
    call_command("demo")
    theirs.refresh_from_db()
    assert theirs.check_password("theirs")
    assert not Membership.objects.exists()
