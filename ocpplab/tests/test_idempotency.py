"""Idempotency-Key on every POST of the API."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from chargers.models import Location
from ocpplab import idempotency
from ocpplab.jobs import delete_old_idempotency_keys
from ocpplab.models import IdempotencyKey, Organization
from ocpplab.services import create_token

LOCATIONS = "/ocpp/locations"
HUB: dict[str, Any] = {
    "name": "Hub",
    "address": "1 Main Street",
    "city": "Paris",
    "country": "FR",
    "coordinates": {"latitude": 48.8, "longitude": 2.2},
}


def post(
    api: APIClient, body: Any = HUB, key: str = "k-1", path: str = LOCATIONS
) -> Any:
    return api.post(path, body, headers={"Idempotency-Key": key})


def views(patterns: list[Any]) -> Iterator[Any]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield getattr(pattern.callback, "cls", None)


def test_every_post_of_the_api_takes_a_key() -> None:
    posts = [
        view.post
        for view in views(get_resolver().url_patterns)
        if getattr(view, "post", None) and view.__module__.split(".")[1:2] == ["api"]
    ]
    assert len(posts) == 18 + 7  # commands; locations, chargers, runtime, requests
    assert all(getattr(each, "is_idempotent", False) for each in posts)


def test_the_same_request_is_done_once_and_answered_alike(api: APIClient) -> None:
    first, second = post(api), post(api)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert Location.objects.count() == 1


def test_without_a_key_it_is_done_twice(api: APIClient) -> None:
    assert [api.post(LOCATIONS, HUB).status_code for _ in range(2)] == [201, 201]
    assert Location.objects.count() == 2
    assert not IdempotencyKey.objects.exists()


def test_the_order_of_fields_makes_no_other_request(api: APIClient) -> None:
    post(api)
    again = post(api, dict(reversed(HUB.items())))
    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("path", "body"), [(LOCATIONS, {**HUB, "name": "Other"}), ("/ocpp/chargers", HUB)]
)
def test_another_request_with_the_key_is_refused(
    api: APIClient, path: str, body: Any
) -> None:
    post(api)
    answer = post(api, body, path=path)
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)
    assert Location.objects.count() == 1


def test_a_refusal_is_replayed_too(api: APIClient) -> None:
    first, second = (post(api, {"name": "Hub"}) for _ in range(2))
    assert first.status_code == second.status_code == 422
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"


def test_an_unexpected_error_is_not_kept(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**kwargs: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("chargers.services.create_location", fail)
        assert post(api).status_code == 500
    answer = post(api)
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer


def test_a_key_belongs_to_a_token(api: APIClient, organization: Organization) -> None:
    post(api)
    _, secret = create_token(organization=organization)
    other = APIClient(headers={"Authorization": f"Bearer {secret}"})
    assert "Idempotent-Replayed" not in post(other)
    assert Location.objects.count() == 2


def test_and_to_the_organization_that_an_admin_names(
    organization: Organization, other_organization: Organization
) -> None:
    _, secret = create_token(organization=None)
    for named in (organization, other_organization):
        headers = {
            "Authorization": f"Bearer {secret}",
            "X-Organization-Id": named.slug,
        }
        assert "Idempotent-Replayed" not in post(APIClient(headers=headers))
    assert Location.objects.count() == 2


def test_who_may_not_leaves_nothing_behind(organization: Organization) -> None:
    _, secret = create_token(organization=organization, role="viewer")
    viewer = APIClient(headers={"Authorization": f"Bearer {secret}"})
    assert post(viewer).status_code == 403
    assert post(APIClient()).status_code == 401
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_a_length(api: APIClient, key: str) -> None:
    answer = post(api, key=key)
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["detail"]


def test_a_body_that_cannot_be_read_is_refused_as_ever(api: APIClient) -> None:
    answer = api.generic(
        "POST",
        LOCATIONS,
        "{",
        content_type="application/json",
        headers={"Idempotency-Key": "k-1"},
    )
    assert answer.status_code == 422
    assert not IdempotencyKey.objects.exists()


def test_while_the_first_is_being_done_the_next_waits(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.0)
    post(api)
    IdempotencyKey.objects.update(status=None, body=None)
    answer = post(api)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "1"
    assert isinstance(answer.json()["detail"], str)


def test_what_was_lost_with_its_process_is_done_anew(api: APIClient) -> None:
    post(api)
    lost_at = timezone.now() - timedelta(minutes=3)
    IdempotencyKey.objects.update(status=None, body=None, created_at=lost_at)
    answer = post(api)
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer


def test_after_a_day_a_key_is_new(api: APIClient) -> None:
    post(api)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert "Idempotent-Replayed" not in post(api, {**HUB, "name": "Other"})


def test_old_keys_are_cleaned_up(api: APIClient) -> None:
    post(api, key="old")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    post(api, key="new")
    delete_old_idempotency_keys()
    assert IdempotencyKey.objects.get().key == "new"


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_done(token: str) -> None:
    answers = []

    def send() -> None:
        client = APIClient(headers={"Authorization": f"Bearer {token}"})
        answers.append(post(client))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer for answer in answers) == 4
    assert Location.objects.count() == 1
