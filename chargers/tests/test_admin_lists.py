"""The lists of what chargers report: searched by charger first, filtered by dates."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chargers.models import Charger, IdTag, Location, Message, Transaction
from ocpplab.models import Membership, Organization, User
from tests.fixtures import create_charger

MESSAGES = "admin:chargers_message_changelist"
TRANSACTIONS = "admin:chargers_transaction_changelist"


@pytest.fixture
def signed_in(client: Client, organization: Organization) -> Client:
    user = User.objects.create_user("bob", is_staff=True)
    Membership.objects.create(user=user, organization=organization, role="admin")
    client.force_login(user)
    return client


@pytest.fixture
def chargers(
    organization: Organization, other_organization: Organization
) -> list[Charger]:
    """Two of ours and one of another organization, each with a message or two."""
    rows = [
        create_charger(organization=owner, identity=identity)
        for owner, identity in (
            (organization, "DEPOT-1"),
            (organization, "YARD-1"),
            (other_organization, "DEPOT-2"),
        )
    ]
    now = timezone.now()
    for row in rows:
        for action in ("Heartbeat", "Authorize"):
            Message.objects.create(
                charger=row, direction="cp_to_csms", action=action, timestamp=now
            )
        Transaction.objects.create(
            charger=row,
            transaction_id=f"tx-{row.identity}",
            evse_id=1,
            id_tag=f"TAG-{row.identity}",
            started_at=now,
        )
    return rows


def found(client: Client, name: str, **query: str) -> list[Any]:
    rows: list[Any] = client.get(reverse(name), query).context["cl"].result_list
    return list(rows)


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("depot", 2),
        ("1", 4),
        ("heartbeat", 2),
        ("Heartbeat depot", 1),
        ("DEPOT-2", 0),
        ("nothing", 0),
    ],
)
def test_messages_are_searched_by_charger_and_action(
    signed_in: Client, chargers: list[Charger], words: str, count: int
) -> None:
    assert len(found(signed_in, MESSAGES, q=words)) == count


@pytest.mark.parametrize(
    ("words", "count"),
    [("yard", 1), ("tx-YARD-1", 1), ("tag-", 2), ("TAG-DEPOT-2", 0)],
)
def test_transactions_are_searched_by_charger_id_and_id_tag(
    signed_in: Client, chargers: list[Charger], words: str, count: int
) -> None:
    assert len(found(signed_in, TRANSACTIONS, q=words)) == count


def test_transactions_are_filtered_by_open_and_by_date(
    signed_in: Client, chargers: list[Charger]
) -> None:
    ended = Transaction.objects.get(charger=chargers[0])
    long_ago = timezone.now() - timedelta(days=9)
    ended.started_at, ended.stopped_at = long_ago, timezone.now()
    ended.save()
    assert found(signed_in, TRANSACTIONS, stopped_at__isempty="0") == [ended]
    assert ended not in found(signed_in, TRANSACTIONS, stopped_at__isempty="1")
    until = str(long_ago.date())
    assert found(signed_in, TRANSACTIONS, started_at_until=until) == [ended]
    page = signed_in.get(reverse(TRANSACTIONS), {"started_at_until": until}).content
    assert f'name="started_at_until" value="{until}"' in page.decode()


def test_an_empty_list_says_what_to_do(signed_in: Client) -> None:
    page = signed_in.get(reverse(TRANSACTIONS)).content.decode()
    assert "Start a session on a charger" in page
    page = signed_in.get(reverse(TRANSACTIONS), {"q": "x"}).content.decode()
    assert "No transactions match." in page


def test_many_id_tags_are_blocked_and_unblocked_at_once(
    signed_in: Client, organization: Organization, other_organization: Organization
) -> None:
    mine = [
        IdTag.objects.create(organization=organization, id_tag=text) for text in "AB"
    ]
    other = IdTag.objects.create(organization=other_organization, id_tag="A")
    chosen = [tag.pk for tag in (*mine, other)]
    list_of_tags = reverse("admin:chargers_idtag_changelist")
    for action, blocked in (("block", 2), ("unblock", 0)):
        given = {"action": action, "_selected_action": chosen}
        page = signed_in.post(list_of_tags, given, follow=True).content.decode()
        assert "2 id tags" in page
        assert IdTag.objects.filter(is_blocked=True).count() == blocked


def test_a_row_that_cannot_be_is_no_choice(client: Client, superuser: User) -> None:
    client.force_login(superuser)
    given = {"action": "start", "_selected_action": ["dep-\0"]}
    assert client.post("/admin/chargers/charger/", given).status_code == 400


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("location/{location}/?find=%00", 400),
        ("message/?action=%00", 400),
        ("charger/%00/", 400),
        ("message/?message_type=x", 302),
        ("charger/live/?location=x", 404),
        ("charger/live/?charger=x", 404),
    ],
)
def test_an_address_that_names_nothing_is_refused(
    client: Client, superuser: User, location: Location, address: str, status: int
) -> None:
    client.force_login(superuser)
    answer = client.get(f"/admin/chargers/{address.format(location=location.pk)}")
    assert answer.status_code == status
