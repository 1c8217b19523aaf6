"""Rows of two organizations, and people of one, for tests of the admin."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client

from ocpplab.models import Membership, Organization, User
from tests.records import populate


@pytest.fixture
def ours(organization: Organization) -> dict[type[Model], Any]:
    return populate(organization, "OURS")


@pytest.fixture
def theirs(other_organization: Organization) -> dict[type[Model], Any]:
    return populate(other_organization, "THEIRS")


@pytest.fixture
def sign_in(organization: Organization) -> Callable[[str], Client]:
    """A client of somebody with a role in ``organization``."""

    def sign_in(role: str) -> Client:
        user = User.objects.create_user(f"bob-{role}", is_staff=True)
        Membership.objects.create(user=user, organization=organization, role=role)
        client = Client()
        client.force_login(user)
        return client

    return sign_in
