"""How many requests a token may make."""

import os
import subprocess
import sys
from typing import Any

import pytest
from redis.exceptions import ConnectionError
from rest_framework.test import APIClient

from ocpplab.models import Organization
from ocpplab.services import create_token

CHARGERS = "/ocpp/chargers"


@pytest.fixture
def limited(settings: Any) -> None:
    settings.API_RATE = "2/minute"


def test_by_default_it_makes_as_many_as_it_likes(api: APIClient) -> None:
    assert {api.get(CHARGERS).status_code for _ in range(20)} == {200}


def test_beyond_its_rate_it_is_told_to_wait(limited: None, api: APIClient) -> None:
    assert [api.get(CHARGERS).status_code for _ in range(2)] == [200, 200]
    answer = api.post("/ocpp/commands/plug-connector", {})
    assert answer.status_code == 429
    assert isinstance(answer.json()["detail"], str)
    assert 0 < int(answer["Retry-After"]) <= 60


def test_each_token_has_a_rate_of_its_own(
    limited: None, api: APIClient, organization: Organization
) -> None:
    for _ in range(3):
        api.get(CHARGERS)
    _, secret = create_token(organization=organization)
    other = APIClient(headers={"Authorization": f"Bearer {secret}"})
    assert other.get(CHARGERS).status_code == 200
    assert api.get(CHARGERS).status_code == 429


def test_who_has_no_token_and_what_needs_none_are_not_counted(
    limited: None, db: None
) -> None:
    anyone = APIClient()
    assert {anyone.get(CHARGERS).status_code for _ in range(5)} == {401}
    assert {anyone.get("/ocpp/schema").status_code for _ in range(5)} == {200}
    assert {anyone.get("/health").status_code for _ in range(5)} == {200}


def test_without_redis_nobody_is_refused(
    limited: None, api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr("redis.connection.ConnectionPool.get_connection", fail)
    assert {api.get(CHARGERS).status_code for _ in range(5)} == {200}


def test_a_rate_that_is_not_understood_ends_the_start() -> None:
    run = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env={**os.environ, "OCPPLAB_API_RATE": "many"},
        capture_output=True,
        text=True,
    )
    assert run.returncode != 0
    assert "OCPPLAB_API_RATE" in run.stderr
