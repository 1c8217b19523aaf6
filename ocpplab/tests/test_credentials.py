"""The credentials that a first start makes and every later one finds."""

import stat

import pytest
from django.conf import settings

from ocpplab.credentials import (
    credentials_path,
    ensure_superuser,
    read_credentials,
    remember,
    remembered_password,
)
from ocpplab.models import User


@pytest.fixture(autouse=True)
def fresh_data_directory(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)


def test_nothing_is_remembered_at_first():
    assert read_credentials() == {}


def test_credentials_are_kept_and_only_their_owner_may_read_them():
    remember(api_token="a=b")
    remember(admin_password="secret")
    assert read_credentials() == {"api_token": "a=b", "admin_password": "secret"}
    assert stat.S_IMODE(credentials_path().stat().st_mode) == 0o600


def test_a_password_is_made_once():
    assert remembered_password("operator") == remembered_password("operator")
    assert remembered_password("operator") != remembered_password("admin")


@pytest.mark.django_db
def test_the_first_superuser_has_the_remembered_password():
    ensure_superuser()
    ensure_superuser()
    admin = User.objects.get()
    assert admin.is_superuser
    assert admin.check_password(read_credentials()["admin_password"])


@pytest.mark.django_db
def test_no_superuser_is_added_where_people_can_sign_in(superuser):
    ensure_superuser()
    assert list(User.objects.all()) == [superuser]
