"""Who makes and changes accounts, and how tokens are revoked."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from ocpplab.models import ApiToken, AuditEntry, Membership, Organization, User

from .test_admin import address

STRONG = "correct horse battery"


def new_account(**fields: Any) -> dict[str, Any]:
    return {
        "username": "erin",
        "usable_password": "true",
        "password1": STRONG,
        "password2": STRONG,
        "role": "viewer",
        **fields,
    }


def test_an_admin_makes_an_account_in_the_own_organization(
    sign_in: Any, organization: Organization
) -> None:
    given = new_account(organization=organization.pk, is_superuser="on")
    sign_in("admin").post(address(User, "add"), given)
    erin = User.objects.get(username="erin")
    assert erin.check_password(STRONG)
    assert erin.is_staff
    assert not erin.is_superuser
    membership = erin.memberships.get()
    assert (membership.organization, membership.role) == (organization, "viewer")
    entry = AuditEntry.objects.get(action="added")
    assert (entry.subject, entry.organization) == ("user erin", organization)
    assert STRONG not in str(AuditEntry.objects.values())


def test_an_admin_makes_no_account_elsewhere_nor_in_no_organization(
    sign_in: Any, other_organization: Organization
) -> None:
    client = sign_in("admin")
    for given in ({"organization": other_organization.pk}, {}):
        page = client.post(address(User, "add"), new_account(**given))
        assert page.status_code == 200
        assert "organization" in page.context["adminform"].errors
    assert not User.objects.filter(username="erin").exists()


def test_a_weak_password_is_refused(sign_in: Any, organization: Organization) -> None:
    for weak in ("short", "password123", "84756193"):
        given = new_account(
            organization=organization.pk, password1=weak, password2=weak
        )
        page = sign_in("admin") if weak == "short" else client_of("bob-admin")
        answer = page.post(address(User, "add"), given)
        assert "password2" in answer.context["adminform"].errors


def client_of(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def test_an_admin_deactivates_and_renames_a_member(
    sign_in: Any, organization: Organization
) -> None:
    erin = User.objects.create_user("erin", is_staff=True)
    Membership.objects.create(user=erin, organization=organization)
    given = {"first_name": "Erin", "is_superuser": "on", "username": "root"}
    sign_in("admin").post(address(User, "change", erin.pk), given)
    erin.refresh_from_db()
    assert (erin.first_name, erin.is_active) == ("Erin", False)
    assert (erin.username, erin.is_superuser) == ("erin", False)


def password_of(user: User) -> str:
    return reverse("admin:auth_user_password_change", args=[user.pk])


@pytest.mark.parametrize("case", ["superuser", "elsewhere"])
def test_an_account_that_opens_more_is_not_an_admins_to_change(
    case: str,
    sign_in: Any,
    organization: Organization,
    other_organization: Organization,
) -> None:
    erin = User.objects.create_user("erin", is_superuser=case == "superuser")
    Membership.objects.create(user=erin, organization=organization)
    if case == "elsewhere":
        Membership.objects.create(user=erin, organization=other_organization)
    client = sign_in("admin")
    page = address(User, "change", erin.pk)
    assert client.get(page).status_code == 200
    assert client.post(page, {"first_name": "Mallory"}).status_code == 403
    passwords = {"password1": STRONG, "password2": STRONG}
    assert client.post(password_of(erin), passwords).status_code == 403
    assert client.post(address(User, "delete", erin.pk), {}).status_code == 403
    erin.refresh_from_db()
    assert erin.first_name == ""


def test_an_admin_sets_a_members_password(
    sign_in: Any, organization: Organization
) -> None:
    erin = User.objects.create_user("erin")
    Membership.objects.create(user=erin, organization=organization)
    given = {"usable_password": "true", "password1": STRONG, "password2": STRONG}
    assert sign_in("admin").post(password_of(erin), given).status_code == 302
    erin.refresh_from_db()
    assert erin.check_password(STRONG)


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_others_see_no_accounts(role: str, sign_in: Any) -> None:
    client = sign_in(role)
    assert client.get(address(User, "changelist")).status_code == 403
    assert client.get(address(User, "add")).status_code == 403


def test_a_token_is_revoked_by_the_button_of_its_page(sign_in: Any, ours: Any) -> None:
    token = ours[ApiToken]
    page = address(ApiToken, "change", token.pk)
    client = sign_in("admin")
    assert "Revoke</button>" in client.get(page).content.decode()
    revoke = address(ApiToken, "revoke", token.pk)
    assert client.get(revoke).status_code == 404
    client.post(revoke)
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert "Revoke</button>" not in client.get(page).content.decode()
    assert AuditEntry.objects.get(action="revoked").subject == f"API token {token}"


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_others_revoke_nothing(role: str, sign_in: Any, ours: Any) -> None:
    answer = sign_in(role).post(address(ApiToken, "revoke", ours[ApiToken].pk))
    assert answer.status_code in (403, 404)
    assert not ApiToken.objects.exclude(revoked_at=None).exists()


def test_nobody_revokes_anothers_token(sign_in: Any, theirs: Any) -> None:
    url = address(ApiToken, "revoke", theirs[ApiToken].pk)
    assert sign_in("admin").post(url).status_code == 404
