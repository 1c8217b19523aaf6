"""``manage.py organization`` and ``manage.py token``."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from ocpplab.models import ApiToken, Organization, Role
from ocpplab.services import find_token

pytestmark = pytest.mark.django_db


def test_organization_is_made_and_its_slug_printed(capsys):
    call_command("organization", "acme", name="Acme Charging")
    assert capsys.readouterr().out == "acme\n"
    assert Organization.objects.get(slug="acme").name == "Acme Charging"


def test_an_organization_that_exists_is_left_as_it_is(organization, capsys):
    call_command("organization", organization.slug, name="Another Name")
    assert capsys.readouterr().out == "acme\n"
    assert Organization.objects.get().name == "Acme Charging"


def test_a_slug_that_does_not_fit_into_a_url_is_refused():
    with pytest.raises(CommandError, match="Lower-case letters"):
        call_command("organization", "Not A Slug")
    assert not Organization.objects.exists()


def test_token_prints_a_working_secret_and_nothing_else(organization, capsys):
    call_command("token", "acme", name="ci")
    secret = capsys.readouterr().out.removesuffix("\n")
    token = find_token(secret)
    assert token is not None
    assert (token.organization, token.name, token.role) == (
        organization,
        "ci",
        Role.ADMIN,
    )
    assert token.expires_at is None


def test_token_takes_a_role_and_an_expiry(organization):
    call_command("token", "acme", role="viewer", expires_days=3)
    token = ApiToken.objects.get()
    assert token.role == Role.VIEWER
    assert token.expires_at is not None
    assert abs(token.expires_at - timezone.now() - timedelta(days=3)) < timedelta(
        minutes=1
    )


@pytest.mark.parametrize("arguments", [["--admin"], ["acme", "--admin"]])
def test_an_admin_token_belongs_to_no_organization(organization, arguments):
    call_command("token", *arguments)
    assert ApiToken.objects.get().is_admin


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "no organization 'nobody'"),
        ([], "Name an organization"),
        (["acme", "--expires-days", "0"], "at least 1"),
    ],
)
def test_a_token_that_cannot_be_made_is_one_clear_error(
    organization, arguments, message
):
    with pytest.raises(CommandError, match=message):
        call_command("token", *arguments)
    assert not ApiToken.objects.exists()
