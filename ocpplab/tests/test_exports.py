"""Lists as files: what is in them, for whom, and how they are read."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Model
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chargers.models import IdTag, Message, Transaction
from ocpplab.models import AuditEntry, Organization, User
from tests.records import populate

from .test_admin import SCOPED, address


def export_of(model: type[Model], kind: str) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_export"
    return reverse(name, args=[kind])


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


@pytest.fixture
def signed_in(superuser: User, client: Client) -> Client:
    client.force_login(superuser)
    return client


# An export is itself an entry of the audit log.
@pytest.mark.parametrize("model", [m for m in SCOPED if m is not AuditEntry])
def test_every_list_is_exported_in_every_format(
    model: type[Model], sign_in: Any, ours: Any, theirs: Any
) -> None:
    client = sign_in("admin")
    listed = client.get(address(model, "changelist")).context["cl"].result_count
    lines = text_of(client.get(export_of(model, "jsonl"))).splitlines()
    records = [json.loads(line) for line in lines]
    assert len(records) == listed > 0
    assert "THEIRS" not in str(records)
    as_json = json.loads(text_of(client.get(export_of(model, "json"))))
    assert [list(record) for record in as_json] == [list(r) for r in records]
    rows = list(csv.reader(io.StringIO(text_of(client.get(export_of(model, "csv"))))))
    assert rows[0] == list(records[0])
    assert len(rows) == listed + 1


def test_a_spreadsheet_computes_nothing_of_an_export(
    signed_in: Client, organization: Organization
) -> None:
    for text in ('=HYPERLINK("http://evil")', "+1", "-1", "@SUM(1)", "\t=1", "plain"):
        IdTag.objects.create(organization=organization, id_tag=text)
    text = text_of(signed_in.get(export_of(IdTag, "csv")))
    cells = {row["id_tag"] for row in csv.DictReader(io.StringIO(text))}
    assert cells == {
        *('\'=HYPERLINK("http://evil")', "'+1", "'-1", "'@SUM(1)", "'\t=1", "plain")
    }


def test_a_days_messages_are_exported_as_json_lines(
    signed_in: Client, organization: Organization
) -> None:
    charger = populate(organization, "X")[Message].charger
    Message.objects.all().delete()
    noon = timezone.now().replace(hour=12)
    for days, text in ((0, "today"), (1, '[2,"yesterday"]'), (2, "earlier")):
        Message.objects.create(
            charger=charger,
            direction="cp_to_csms",
            text=text,
            timestamp=noon - timedelta(days=days),
        )
    day = (noon - timedelta(days=1)).date()
    query = {"timestamp_from": str(day), "timestamp_until": str(day)}
    [line] = text_of(signed_in.get(export_of(Message, "jsonl"), query)).splitlines()
    record = json.loads(line)
    assert record["frame"] == [2, "yesterday"]
    assert record["charger"] == "CP-X"
    since = {"timestamp_from": noon.isoformat(timespec="minutes")}
    [line] = text_of(signed_in.get(export_of(Message, "jsonl"), since)).splitlines()
    assert json.loads(line)["frame"] == "today"


def test_the_list_offers_its_export_as_it_is_filtered(
    signed_in: Client, ours: Any
) -> None:
    page = signed_in.get(address(Message, "changelist"), {"direction": "csms_to_cp"})
    [address_] = [url for kind, url in page.context["exports"] if kind == "CSV"]
    assert address_ in page.content.decode()
    assert text_of(signed_in.get(address_)).count("\n") == 1


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl"])
def test_the_selected_rows_are_exported(
    kind: str, sign_in: Any, ours: Any, organization: Organization
) -> None:
    populate(organization, "MORE")
    chosen = {"action": f"export_{kind}", "_selected_action": [ours[Transaction].pk]}
    client = sign_in("viewer")
    text = text_of(client.post(address(Transaction, "changelist"), chosen))
    assert "OURS" in text
    assert "MORE" not in text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"timestamp_from": "soon"}, 302),
        ({"timestamp_from": "2026-13-41"}, 302),
        ({"timestamp_until": "9999-12-31"}, 302),
        ({"p": "7"}, 200),
    ],
)
def test_an_export_with_a_wrong_filter_leads_to_the_list(
    signed_in: Client, ours: Any, query: dict[str, str], status: int
) -> None:
    answer = signed_in.get(export_of(Message, "csv"), query)
    assert answer.status_code == status
    if status == 302:
        page = signed_in.get(export_of(Message, "csv"), query, follow=True)
        assert page.resolver_match.url_name == "chargers_message_changelist"


def test_there_are_no_other_formats(signed_in: Client) -> None:
    assert signed_in.get(export_of(Message, "xml")).status_code == 404


def test_who_is_not_signed_in_exports_nothing(client: Client) -> None:
    answer = client.get(export_of(Message, "csv"))
    assert answer.status_code == 302
    assert "login" in answer["Location"]


def test_an_empty_export_is_still_valid(signed_in: Client) -> None:
    assert json.loads(text_of(signed_in.get(export_of(Message, "json")))) == []
    assert text_of(signed_in.get(export_of(Message, "jsonl"))) == ""


@pytest.mark.parametrize("model", SCOPED)
def test_an_export_asks_no_query_for_a_row(
    model: type[Model],
    signed_in: Client,
    organization: Organization,
    ours: Any,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(12):
        populate_more(organization, number)
    with django_assert_max_num_queries(9):
        text_of(signed_in.get(export_of(model, "csv")))


def populate_more(organization: Organization, number: int) -> None:
    populate(organization, f"N{number}")


@pytest.mark.django_db(transaction=True)
async def test_an_export_is_streamed_by_the_web_process(
    superuser: User, ours: Any, async_client: AsyncClient
) -> None:
    await async_client.aforce_login(superuser)
    answer = await async_client.get(export_of(Transaction, "csv"))
    assert answer.is_async
    lines = b"".join([part async for part in answer.streaming_content]).splitlines()
    assert len(lines) == 2
    assert b"CP-OURS" in lines[1]
