"""Many chargers or id tags at once: shown with their faults first, then made."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from chargers import provisioning
from chargers.models import Charger, ChargerModel, IdTag, Location, ProvisioningJob
from ocpplab.models import Membership, Organization, User

MANY = reverse("admin:chargers_charger_import")
TAGS = reverse("admin:chargers_idtag_import")


@pytest.fixture
def signed_in(client: Client, organization: Organization) -> Client:
    return sign_in(client, organization, "admin")


def sign_in(client: Client, organization: Organization, role: str) -> Client:
    user = User.objects.create_user("bob", is_staff=True)
    Membership.objects.create(user=user, organization=organization, role=role)
    client.force_login(user)
    return client


def asked(location: Location, **fields: Any) -> dict[str, Any]:
    model = ChargerModel.objects.get(slug="terra-184")
    return {
        "location": location.pk,
        "model": model.pk,
        "ocpp_version": "OCPP1.6",
        **fields,
    }


def csv_file(text: str | bytes) -> SimpleUploadedFile:
    data = text if isinstance(text, bytes) else text.encode()
    return SimpleUploadedFile("rows.csv", data, "text/csv")


def preview(client: Client, url: str, given: dict[str, Any]) -> Any:
    """The preview of what is given, as the page holds it."""
    page = client.post(url, {**given, "_check": ""})
    assert page.status_code == 200
    assert page.context["preview"], page.context["form"].errors
    return page.context["preview"]


def errors(client: Client, url: str, given: dict[str, Any]) -> str:
    page = client.post(url, {**given, "_make": ""})
    assert page.status_code == 200
    assert page.context["preview"] is None
    return str(page.context["form"].errors)


def make(client: Client, url: str, given: dict[str, Any]) -> Any:
    """Both steps: what the preview sends back is made."""
    page = client.post(url, {**given, "_check": ""})
    form = page.context["form"]
    kept = {name: value for name, value in given.items() if name != "file"}
    rows = {"rows": form.rows_text, "_make": ""}
    return client.post(url, {**kept, **rows}, follow=True)


# --- Chargers ---------------------------------------------------------------------------


def test_chargers_are_made_by_a_pattern(signed_in: Client, location: Location) -> None:
    given = asked(location, count=12, pattern="DEPOT-##-X", first=7)
    shown = preview(signed_in, MANY, given)
    assert [row.cells["identity"] for row in shown.rows[:2]] == [
        *("DEPOT-07-X", "DEPOT-08-X")
    ]
    assert not Charger.objects.exists()
    page = make(signed_in, MANY, given)
    assert "12 chargers are being made." in page.content.decode()
    job = ProvisioningJob.objects.get()
    provisioning.make_chargers(str(job.pk))
    made = Charger.objects.order_by("identity")
    assert [charger.identity for charger in made[10:]] == ["DEPOT-17-X", "DEPOT-18-X"]
    assert {charger.model.slug for charger in made if charger.model} == {"terra-184"}
    assert {charger.connector_count for charger in made} == {2}
    assert {charger.connector_type for charger in made} == {"CCS2"}
    assert {charger.location for charger in made} == {location}


def test_chargers_are_made_from_a_file(signed_in: Client, location: Location) -> None:
    text = (
        "\ufeffIdentity;Name;Brand;Model;Connectors;OCPP_Version;ws_url;remark\n"
        "A-1;Left;;;;;;x\n"
        "A-2;Right;wallbox;wallbox-pulsar-plus;3;2.0.1;wss://csms.example/ocpp;\n"
        ";;;;;;;\n"
    )
    given = asked(location, file=csv_file(text))
    assert len(preview(signed_in, MANY, given).rows) == 2
    make(signed_in, MANY, asked(location, file=csv_file(text)))
    provisioning.make_chargers(str(ProvisioningJob.objects.get().pk))
    left, right = Charger.objects.order_by("identity")
    assert (left.name, left.connector_count) == ("Left", 2)
    assert left.ocpp_version == "OCPP1.6"
    assert right.model is not None
    assert right.model.slug == "wallbox-pulsar-plus"
    assert right.connector_count == 3
    assert right.connectors.count() == 4
    assert right.ocpp_version == "OCPP2.0.1"
    assert right.ws_url == "wss://csms.example/ocpp"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("ACME-AC-1,,,,,", "exists already"),
        ("B-1,,,,,\nB-1,,,,,", "exists already"),
        ("with space,,,,,", "Letters, digits"),
        (",nameless,,,,", "It has no identity."),
        ("B-1,,nobody,nothing,,", "no such brand and model"),
        ("B-1,,,,Type9,", "has no Type9"),
        ("B-1,,,,,many", "a number from 1 to 255"),
    ],
)
def test_a_row_that_cannot_be_made_says_why_and_nothing_is_made(
    signed_in: Client,
    location: Location,
    virtual_charger: Charger,
    row: str,
    reason: str,
) -> None:
    header = "identity,name,brand,model,connector_type,connectors\n"
    given = asked(location, rows=f"{header}GOOD-1,,,,,\n{row}\n")
    shown = preview(signed_in, MANY, given)
    assert shown.faulty == 1
    assert reason in shown.shown[0].error
    page = signed_in.post(MANY, {**given, "_make": ""})
    assert reason in page.content.decode().replace("&#x27;", "'")
    assert not ProvisioningJob.objects.exists()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "Say how many"),
        ({"count": 3}, "Say how many"),
        ({"count": 10_001, "pattern": "X"}, "less than or equal to 10000"),
        ({"count": 2, "pattern": "X", "location": ""}, "required"),
        ({"rows": "name\nx"}, "no column identity"),
        ({"rows": "identity"}, "no row below the header"),
        ({"rows": 'identity\n"x'}, "is no CSV"),
        ({"rows": "identity\nx,y"}, "more cells than the header"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(
    signed_in: Client, location: Location, given: dict[str, Any], reason: str
) -> None:
    assert reason in errors(signed_in, MANY, asked(location) | given)
    assert not ProvisioningJob.objects.exists()


def test_a_file_that_is_no_text_is_refused(
    signed_in: Client, location: Location
) -> None:
    given = asked(location, file=csv_file(b"\xff\xfe\x00identity"))
    assert "no UTF-8" in errors(signed_in, MANY, given)


def test_an_export_of_chargers_can_be_imported_again(
    signed_in: Client, location: Location, virtual_charger: Charger
) -> None:
    export = reverse("admin:chargers_charger_export", args=["csv"])
    text = b"".join(signed_in.get(export).streaming_content).decode()
    given = asked(location, file=csv_file(text.replace("ACME-AC-1", "ACME-AC-9")))
    shown = preview(signed_in, MANY, given)
    assert shown.faulty == 0
    assert shown.rows[0].cells["model"] == "wallbox-pulsar-plus"


def test_chargers_are_made_in_ones_own_locations_only(
    signed_in: Client, location: Location, other_organization: Organization
) -> None:
    Location.objects.update(organization=other_organization)
    given = asked(location, count=1, pattern="X")
    assert "not one of the available choices" in errors(signed_in, MANY, given)


@pytest.mark.parametrize("role", ["viewer", "operator"])
@pytest.mark.parametrize("url", [MANY, TAGS])
def test_many_rows_are_made_by_admins_only(
    client: Client, organization: Organization, role: str, url: str
) -> None:
    assert sign_in(client, organization, role).get(url).status_code == 403


def test_the_preview_of_many_chargers_asks_no_query_for_each(
    signed_in: Client, location: Location, django_assert_max_num_queries: Any
) -> None:
    given = asked(location, count=500, pattern="X-###")
    with django_assert_max_num_queries(20):
        assert len(preview(signed_in, MANY, given).rows) == 500


# --- Id tags ----------------------------------------------------------------------------


def test_id_tags_are_imported_and_changed(
    signed_in: Client, organization: Organization
) -> None:
    IdTag.objects.create(organization=organization, id_tag="old-1", is_blocked=True)
    text = (
        "id_tag,parent_id_tag,blocked,expires_at,allows_concurrent,type\n"
        "NEW-1,GROUP,no,2031-05-01,yes,eMAID\n"
        "'=NEW-2,,,,,\n"
        "OLD-1,,false,2031-05-01T10:00:00Z,,\n"
    )
    given = {"organization": organization.pk, "file": csv_file(text)}
    shown = preview(signed_in, TAGS, given)
    assert [row.note for row in shown.rows] == ["new", "new", "changed"]
    page = make(signed_in, TAGS, given | {"file": csv_file(text)})
    assert "3 id tags stored." in page.content.decode()
    found = {tag.id_tag: tag for tag in IdTag.objects.all()}
    assert set(found) == {"NEW-1", "=NEW-2", "old-1"}
    assert found["NEW-1"].expires_at == datetime(2031, 5, 1, 23, 59, 59, tzinfo=UTC)
    assert found["NEW-1"].allows_concurrent
    assert found["NEW-1"].type == "eMAID"
    assert not found["old-1"].is_blocked


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x" * 300, "at most"),
        ("A,,perhaps", "yes or no"),
        ("A,,,soon", "a time such as"),
        ("good", "twice"),
        (",parent", "cannot be blank"),
    ],
)
def test_an_id_tag_that_is_wrong_says_why(
    signed_in: Client, organization: Organization, row: str, reason: str
) -> None:
    header = "id_tag,parent_id_tag,blocked,expires_at"
    rows = f"{header}\nGOOD\n{row}"
    shown = preview(signed_in, TAGS, {"organization": organization.pk, "rows": rows})
    assert shown.faulty == 1
    assert reason in shown.shown[0].error
    assert not IdTag.objects.exists()
