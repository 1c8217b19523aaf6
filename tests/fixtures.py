"""Fixtures that the tests of every app share."""

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoDbBlocker
from redis import Redis
from rest_framework.test import APIClient

from chargers import consumers
from chargers.choices import ChargerKind, ProvisioningStatus
from chargers.connections import connections
from chargers.group_commit import group_commit
from chargers.models import Charger, ChargerModel, Connector, Location
from chargers.pages import overview
from ocpplab.models import Organization, User
from ocpplab.services import create_token
from tests.services import DIRECTORY


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """SQLite in a file, as in the product: threads share it without table locks."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(DIRECTORY / "test.sqlite3")
    elif worker:
        database["TEST"]["NAME"] = f"test_{database['NAME']}_{worker}"


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Ends what threads of the tests left connected, so that PostgreSQL lets its
    database go."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(scope="session")
def redis_client() -> Iterator["Redis"]:
    with Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.fixture(autouse=True)
def empty_redis(redis_client: "Redis") -> None:
    """No job or key of an earlier test is left."""
    redis_client.flushdb()


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """What the home page was answered in an earlier test is forgotten."""
    overview.forget_answers()


@pytest.fixture
def organization(db: None) -> Organization:
    return Organization.objects.create(slug="acme", name="Acme Charging")


@pytest.fixture
def other_organization(db: None) -> Organization:
    return Organization.objects.create(slug="rival", name="Rival Charging")


@pytest.fixture
def superuser(db: None) -> User:
    return User.objects.create_superuser("alice", password="alice's password")


@pytest.fixture
def token(organization: Organization) -> str:
    """The secret of a token with every right in ``organization``."""
    return create_token(organization=organization, name="tests")[1]


@pytest.fixture
def api(token: str) -> APIClient:
    """A client of the REST API that presents ``token``."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def location(organization: Organization) -> Location:
    return Location.objects.create(
        organization=organization,
        slug="acme-depot",
        name="Acme Depot",
        address="1 Rue de Rivoli",
        city="Paris",
        country="FR",
        latitude=48.8556,
        longitude=2.3588,
    )


@pytest.fixture
async def web_process() -> AsyncIterator[None]:
    """The holder of physical chargers, of this test's event loop."""
    consumers._holder = None
    yield
    if consumers._holder is not None:
        await consumers._holder.stop()
        consumers._holder = None
    await connections().close()
    # Else each test would leave a connection of the pool to a thread that ends.
    await group_commit().close()


@pytest.fixture
def virtual_charger(organization: Organization, location: Location) -> Charger:
    """An AC charger of 22 kW with one connector, ready, not online."""
    return create_charger(
        organization=organization, location=location, identity="ACME-AC-1"
    )


@pytest.fixture
def physical_charger(organization: Organization, location: Location) -> Charger:
    return create_charger(
        organization=organization,
        location=location,
        identity="ACME-CP-1",
        kind=ChargerKind.PHYSICAL,
    )


def create_charger(
    *, organization: Organization, connector_count: int = 1, **fields: Any
) -> Charger:
    """A charger with its connectors, written straight to the database."""
    charger = Charger.objects.create(
        organization=organization,
        model=ChargerModel.objects.get(slug="wallbox-pulsar-plus"),
        connector_type="Type2",
        connector_count=connector_count,
        provisioning_status=ProvisioningStatus.READY,
        provisioned_at=timezone.now(),
        **fields,
    )
    Connector.objects.bulk_create(
        Connector(charger=charger, evse_id=evse, connector_id=min(evse, 1))
        for evse in range(connector_count + 1)
    )
    return charger
