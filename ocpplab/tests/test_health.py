"""GET /health, /health/live and /health/ready."""

import os
import socket
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from redis import Redis
from rq import Queue, SimpleWorker

from chargers.models import Process
from ocpplab import health


@pytest.fixture
def worker(redis_client: Redis) -> SimpleWorker:
    worker = SimpleWorker(
        [Queue("default", connection=redis_client)], connection=redis_client
    )
    worker.hostname, worker.pid = socket.gethostname(), os.getpid()
    worker.register_birth()
    return worker


@pytest.fixture
def fleet(db: None) -> Process:
    return Process.objects.create(
        name="fleet", role="fleet", capacity=10, renewed_at=timezone.now()
    )


@pytest.mark.parametrize("path", ["/health", "/health/live"])
def test_liveness_needs_no_database_and_no_token(client: Client, path):
    response = client.get(path)
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


def test_it_is_ready_when_every_role_answers(client: Client, worker, fleet):
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "database": "ok",
        "redis": "ok",
        "worker": "ok",
        "fleet": "ok",
    }


def test_without_worker_and_fleet_it_is_not_ready(client: Client, db):
    response = client.get("/health/ready")
    assert response.status_code == 503
    body = response.json()
    assert body["status"] == "not_ready"
    assert body["database"] == body["redis"] == "ok"
    assert body["worker"] == "no worker runs"
    assert body["fleet"] == "no fleet process runs"


def test_a_fleet_process_that_no_longer_renews_itself_does_not_count(
    client: Client, worker, fleet
):
    Process.objects.update(renewed_at=timezone.now() - timedelta(seconds=16))
    assert client.get("/health/ready").json()["fleet"] != "ok"


def test_a_worker_without_a_fresh_heartbeat_does_not_count(
    client: Client, worker, fleet, redis_client
):
    old = timezone.now() - timedelta(seconds=91)
    redis_client.hset(
        worker.key, "last_heartbeat", old.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    )
    assert client.get("/health/ready").json()["worker"] != "ok"


def test_a_worker_whose_process_is_gone_does_not_count(
    client: Client, worker, fleet, redis_client
):
    redis_client.hset(worker.key, "pid", 2**22 + 1)  # above the highest pid
    assert client.get("/health/ready").json()["worker"] != "ok"


def test_a_worker_on_another_machine_counts_by_its_heartbeat(
    client: Client, worker, fleet, redis_client
):
    redis_client.hset(worker.key, mapping={"pid": 2**22 + 1, "hostname": "elsewhere"})
    assert client.get("/health/ready").json()["worker"] == "ok"


def test_it_says_so_when_redis_is_unreachable(client: Client, fleet, monkeypatch):
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["redis"] == "unreachable"
    assert response.json()["worker"] == "unknown"


def test_it_says_so_when_the_database_is_unreachable(client: Client, monkeypatch):
    class Unreachable:
        def cursor(self):
            raise OperationalError

    class NoObjects:
        @property
        def objects(self):
            raise OperationalError

    monkeypatch.setattr(health, "connection", Unreachable())
    monkeypatch.setattr(health.apps, "get_model", lambda *names: NoObjects())
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["database"] == "unreachable"
    assert response.json()["fleet"] == "unknown"


def test_the_landing_page_links_the_doors(client: Client):
    page = client.get("/")
    assert page.status_code == 200
    for link in ("/admin/", "/docs", "/ocpp/schema", "/health/ready"):
        assert f'href="{link}"' in page.content.decode()
