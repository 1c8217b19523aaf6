"""Signing in: wrong passwords are counted, and too many mean a pause."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from redis.exceptions import ConnectionError

from ocpplab.models import User

LOGIN = reverse("admin:login")


@pytest.fixture(autouse=True)
def dora(db: None, settings: Any) -> User:
    settings.SIGN_IN_ATTEMPTS = 3
    return User.objects.create_user("dora", password="dora's password", is_staff=True)


def sign_in(
    client: Client, password: str, name: str = "dora", address: str = "10.0.0.1"
) -> str:
    """The page that a sign-in leads to; empty when it succeeds."""
    given = {"username": name, "password": password}
    answer = client.post(LOGIN, given, REMOTE_ADDR=address)
    return "" if answer.status_code == 302 else answer.content.decode()


def lock(client: Client, **where: str) -> None:
    for _ in range(3):
        assert "correct username" in sign_in(client, "wrong", **where)


def test_after_too_many_wrong_passwords_the_right_one_has_to_wait(
    client: Client,
) -> None:
    lock(client)
    assert "Wait 15 minutes, then try again." in sign_in(client, "dora's password")
    assert "Wait 15 minutes" in sign_in(client, "wrong", name="DORA")
    cache.clear()  # as time does
    assert sign_in(client, "dora's password") == ""


def test_others_are_not_held_up(client: Client, superuser: User) -> None:
    lock(client)
    assert sign_in(client, "dora's password", address="10.0.0.2") == ""
    assert sign_in(client, "alice's password", name="alice") == ""


def test_the_right_password_forgets_the_wrong_ones(client: Client) -> None:
    for _ in range(3):
        sign_in(client, "wrong")
        sign_in(client, "wrong")
        assert sign_in(client, "dora's password") == ""


def test_behind_a_proxy_each_client_is_counted_apart(
    client: Client, settings: Any
) -> None:
    settings.PROXIES = 1
    for number in range(5):
        headers = {"X-Forwarded-For": f"6.6.6.{number}, 203.0.113.7"}
        given = {"username": "dora", "password": "wrong"}
        page = client.post(LOGIN, given, headers=headers).content.decode()
    assert "Too many wrong passwords" in page
    headers = {"X-Forwarded-For": "203.0.113.8"}
    given = {"username": "dora", "password": "dora's password"}
    assert client.post(LOGIN, given, headers=headers).status_code == 302


def test_without_redis_one_signs_in_all_the_same(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise ConnectionError("Redis is away.")

    for name in ("get", "add", "delete"):
        monkeypatch.setattr(f"ocpplab.signing_in.cache.{name}", fail)
    lock(client)
    assert sign_in(client, "dora's password") == ""
