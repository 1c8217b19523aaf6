"""The admin: what each role sees and may do, of its organizations only."""

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from chargers.models import (
    Charger,
    IdTag,
    Location,
    Message,
    MeterValue,
    ProvisioningJob,
    StationEvent,
    StationReport,
    Transaction,
)
from commands.models import Command
from ocpplab.admin import OrganizationScopedAdmin
from ocpplab.models import ApiToken, Membership, Organization, User
from tests.records import populate

SCOPED = [
    model
    for model, model_admin in admin.site._registry.items()
    if isinstance(model_admin, OrganizationScopedAdmin)
]
RECORDS = [
    *(Transaction, MeterValue, Message, Command, ProvisioningJob),
    *(StationEvent, StationReport),
]
EDITABLE = [Charger, Location, IdTag, Membership, Organization, ApiToken]


def address(model: type[Model], view: str, *args: Any) -> str:
    return reverse(
        f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args
    )


def test_every_model_with_an_organization_is_covered(
    ours: dict[type[Model], Any],
) -> None:
    assert set(SCOPED) == set(ours)


@pytest.mark.parametrize("model", SCOPED)
def test_a_list_shows_ones_own_organization_only(
    model: type[Model], sign_in: Any, ours: Any, theirs: Any
) -> None:
    page = sign_in("admin").get(address(model, "changelist"))
    assert page.status_code == 200
    rows = list(page.context["cl"].queryset)
    assert ours[model] in rows
    assert theirs[model] not in rows
    assert "THEIRS" not in page.content.decode()


@pytest.mark.parametrize("view", ["change", "delete", "history"])
@pytest.mark.parametrize("model", SCOPED)
def test_another_organizations_object_is_not_found(
    model: type[Model], view: str, sign_in: Any, ours: Any, theirs: Any
) -> None:
    client = sign_in("admin")
    answer = client.get(address(model, view, theirs[model].pk))
    assert answer.status_code in (302, 403)
    if answer.status_code == 302:
        assert answer["Location"] == reverse("admin:index")
    answer = client.post(address(model, "change", theirs[model].pk), {"name": "taken"})
    assert answer.status_code in (302, 403)


@pytest.mark.parametrize("model", SCOPED)
def test_a_page_of_ones_own_organization_shows_nothing_of_another(
    model: type[Model], sign_in: Any, ours: Any, theirs: Any
) -> None:
    page = sign_in("admin").get(address(model, "change", ours[model].pk))
    assert page.status_code == 200
    assert "THEIRS" not in page.content.decode()


@pytest.mark.parametrize("model", [Charger, Location, IdTag, Membership, ApiToken])
def test_a_new_object_cannot_be_put_into_another_organization(
    model: type[Model],
    sign_in: Any,
    ours: Any,
    theirs: Any,
    other_organization: Organization,
) -> None:
    page = sign_in("admin").get(address(model, "add"))
    field = page.context["adminform"].form.fields["organization"]
    assert list(field.queryset) == [ours[Organization]]
    assert "THEIRS" not in page.content.decode()


def test_autocompletion_offers_ones_own_locations(
    sign_in: Any, ours: Any, theirs: Any
) -> None:
    answer = sign_in("admin").get(
        reverse("admin:autocomplete"),
        {
            "app_label": "chargers",
            "model_name": "charger",
            "field_name": "location",
            "term": "",
        },
    )
    assert [found["text"] for found in answer.json()["results"]] == ["Site OURS"]


def test_a_search_does_not_reach_another_organization(
    sign_in: Any, ours: Any, theirs: Any
) -> None:
    page = sign_in("viewer").get(address(Charger, "changelist"), {"q": "CP-THEIRS"})
    assert not page.context["cl"].queryset.exists()


@pytest.mark.parametrize("role", ["viewer", "operator"])
@pytest.mark.parametrize("model", [Charger, Location, IdTag, Membership, Organization])
def test_viewers_and_operators_change_nothing(
    model: type[Model], role: str, sign_in: Any, ours: Any
) -> None:
    client = sign_in(role)
    assert client.get(address(model, "change", ours[model].pk)).status_code == 200
    assert client.get(address(model, "add")).status_code == 403
    assert client.post(address(model, "change", ours[model].pk)).status_code == 403
    assert client.post(address(model, "delete", ours[model].pk)).status_code == 403


@pytest.mark.parametrize("model", [User, ApiToken])
def test_accounts_and_tokens_are_for_admins(
    model: type[Model], sign_in: Any, ours: Any
) -> None:
    assert sign_in("operator").get(address(model, "changelist")).status_code == 403


@pytest.mark.parametrize("model", RECORDS)
def test_not_even_a_superuser_edits_a_record(
    model: type[Model], superuser: User, client: Client, ours: Any
) -> None:
    client.force_login(superuser)
    assert client.get(address(model, "change", ours[model].pk)).status_code == 200
    assert client.get(address(model, "add")).status_code == 403
    assert client.post(address(model, "change", ours[model].pk)).status_code == 403
    assert client.post(address(model, "delete", ours[model].pk)).status_code == 403


def test_a_superuser_sees_every_organization(
    superuser: User, client: Client, ours: Any, theirs: Any
) -> None:
    client.force_login(superuser)
    for model in SCOPED:
        rows = client.get(address(model, "changelist")).context["cl"].queryset
        assert {ours[model], theirs[model]} <= set(rows), model


def test_somebody_without_a_membership_gets_a_friendly_page(
    client: Client, ours: Any
) -> None:
    client.force_login(User.objects.create_user("newbie", is_staff=True))
    page = client.get(reverse("admin:index"))
    assert page.status_code == 200
    assert "not a member of an organization" in page.content.decode()
    assert "CP-OURS" not in page.content.decode()
    assert client.get(address(Charger, "changelist")).status_code == 403


def test_an_admin_of_one_organization_only_reads_another(
    sign_in: Any, ours: Any, theirs: Any
) -> None:
    client = sign_in("admin")
    user = User.objects.get(username="bob-admin")
    Membership.objects.create(
        user=user, organization=theirs[Organization], role="viewer"
    )
    tag = theirs[IdTag]
    assert client.get(address(IdTag, "change", tag.pk)).status_code == 200
    assert client.post(address(IdTag, "change", tag.pk)).status_code == 403
    answer = client.post(
        address(IdTag, "changelist"),
        {"action": "delete_selected", "_selected_action": [tag.pk], "post": "yes"},
    )
    assert answer.status_code == 403
    assert IdTag.objects.filter(pk=tag.pk).exists()
    rows = client.get(address(ApiToken, "changelist")).context["cl"].queryset
    assert theirs[ApiToken] not in rows


def test_the_overview_counts_ones_own_chargers(
    sign_in: Any, ours: Any, theirs: Any
) -> None:
    page = sign_in("viewer").get(reverse("admin:index")).content.decode()
    assert "<b>1</b> charger<" in page
    assert "CP-OURS" in page
    assert "THEIRS" not in page


def count_queries(client: Client, url: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(url)  # content types are looked up once
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.mark.parametrize("model", SCOPED)
def test_a_list_needs_no_query_per_row(
    model: type[Model],
    superuser: User,
    client: Client,
    organization: Organization,
    ours: Any,
    theirs: Any,
) -> None:
    client.force_login(superuser)
    before = count_queries(client, address(model, "changelist"))
    for number in range(4):
        populate(
            Organization.objects.create(slug=f"more-{number}", name="More"),
            f"MORE-{number}",
        )
    assert count_queries(client, address(model, "changelist")) == before


def test_the_overview_needs_no_query_per_row(
    superuser: User, client: Client, ours: Any
) -> None:
    client.force_login(superuser)
    before = count_queries(client, reverse("admin:index"))
    for number in range(4):
        populate(ours[Organization], f"MORE-{number}")
    assert count_queries(client, reverse("admin:index")) == before


def test_a_token_is_made_and_its_secret_shown_once(
    sign_in: Any, organization: Organization
) -> None:
    client = sign_in("admin")
    page = client.post(
        address(ApiToken, "add"),
        {"organization": organization.pk, "name": "billing", "role": "viewer"},
        follow=True,
    )
    token = ApiToken.objects.get(name="billing")
    assert f'<code id="new-token">{token.prefix}' in page.content.decode()
    assert token.created_by == User.objects.get(username="bob-admin")
    again = client.get(address(ApiToken, "changelist")).content.decode()
    assert f"<code>{token.prefix}" not in again


def test_only_a_superuser_makes_a_token_for_all_organizations(sign_in: Any) -> None:
    sign_in("admin").post(address(ApiToken, "add"), {"name": "all", "role": "admin"})
    assert not ApiToken.objects.exists()


def test_a_token_is_revoked(sign_in: Any, ours: Any) -> None:
    sign_in("admin").post(
        address(ApiToken, "changelist"),
        {"action": "revoke", "_selected_action": [ours[ApiToken].pk]},
    )
    ours[ApiToken].refresh_from_db()
    assert ours[ApiToken].revoked_at is not None


def test_an_admin_adds_a_member_by_user_name(
    sign_in: Any, organization: Organization
) -> None:
    User.objects.create_user("carol", is_staff=True)
    client = sign_in("admin")
    given = {"organization": organization.pk, "user": "carol", "role": "operator"}
    client.post(address(Membership, "add"), given)
    assert Membership.objects.get(user__username="carol").role == "operator"
    page = client.post(address(Membership, "add"), {**given, "user": "nobody"})
    assert "There is no such account." in page.content.decode()


def test_the_queues_are_for_superusers(
    sign_in: Any, superuser: User, client: Client
) -> None:
    dashboard = reverse("admin:django_rq_home")
    assert client.get(dashboard).status_code == 302
    admin_client = sign_in("admin")
    for name in ("home", "home_json"):
        url = reverse(f"admin:django_rq_{name}")
        assert admin_client.get(url).status_code == 403
    client.force_login(superuser)
    assert client.get(dashboard).status_code == 200


def test_a_page_fetched_to_refresh_another_keeps_the_messages(
    superuser: User, client: Client, ours: Any
) -> None:
    client.force_login(superuser)
    client.post(address(ApiToken, "add"), {"name": "x", "role": "admin"})
    live = client.get(reverse("admin:index"), headers={"X-Live": "1"})
    assert "not shown again" not in live.content.decode()
    assert "not shown again" in client.get(reverse("admin:index")).content.decode()


def test_a_list_counts_no_further_than_it_must(
    superuser: User, client: Client, ours: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    populate(ours[Organization], "SECOND")
    monkeypatch.setattr("ocpplab.admin.lists.COUNTED_ROWS", 1)
    client.force_login(superuser)
    page = client.get(address(Message, "changelist"))
    assert page.context["cl"].paginator.count == 1


def test_the_menu_follows_what_operators_do(sign_in: Any, superuser: User) -> None:
    menu = sign_in("viewer").get(reverse("admin:index")).context["app_list"]
    groups = {group["name"]: [m["name"] for m in group["models"]] for group in menu}
    assert list(groups) == ["Operations", "Charger data", "Setup", "Administration"]
    operations = ["Chargers", "Locations", "Transactions", "Commands", "Messages"]
    assert [str(name).capitalize() for name in groups["Operations"]][:5] == operations
    for model_admin in admin.site._registry.values():
        assert getattr(model_admin, "menu", None), model_admin
