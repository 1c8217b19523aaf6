"""Liveness and readiness, for load balancers, orchestrators and ``manage.py portal``."""

import contextlib
import os
import socket
from datetime import UTC, datetime, timedelta

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from redis import Redis, RedisError
from rq import Queue, Worker
from rq.worker import BaseWorker

from .embedded import NO_RETRY

OK = "ok"
# A worker renews its heartbeat between jobs, and a job takes a minute at most.
WORKER_FRESH = timedelta(seconds=90)
FLEET_FRESH = timedelta(seconds=15)


@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """The web process answers; nothing else is asked."""
    return JsonResponse({"status": OK})


@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Whether every role answers; 503 with the reasons when one does not."""
    roles = check_roles()
    is_ready = all(state == OK for state in roles.values())
    return JsonResponse(
        {"status": OK if is_ready else "not_ready", **roles},
        status=200 if is_ready else 503,
    )


def check_roles() -> dict[str, str]:
    """For each role ``ok``, or what is wrong with it."""
    with Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=2,
        socket_connect_timeout=2,
        retry=NO_RETRY,
    ) as redis:
        return {
            "database": _check_database(),
            "redis": _check_redis(redis),
            "worker": _check_worker(redis),
            "fleet": _check_fleet(),
        }


def _check_database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return OK


def _check_redis(redis: Redis) -> str:
    try:
        redis.ping()
    except (RedisError, OSError):
        return "unreachable"
    return OK


def _check_worker(redis: Redis) -> str:
    try:
        workers = Worker.all(queue=Queue("default", connection=redis))
    except (RedisError, OSError):
        return "unknown"
    return OK if any(_is_alive(worker) for worker in workers) else "no worker runs"


def _is_alive(worker: BaseWorker) -> bool:
    """A worker that was killed stays registered: its process must be there still.

    That can be seen on its own machine only; elsewhere its heartbeat must do.
    """
    if worker.hostname == socket.gethostname() and worker.pid:
        try:
            os.kill(worker.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # it runs as somebody else
    heartbeat: datetime | None = worker.last_heartbeat
    if heartbeat is None:
        return False
    if heartbeat.tzinfo is None:
        heartbeat = heartbeat.replace(tzinfo=UTC)
    return timezone.now() - heartbeat < WORKER_FRESH


def _check_fleet() -> str:
    process = apps.get_model("chargers", "Process")
    with contextlib.suppress(DatabaseError):
        renewed = process.objects.filter(
            role="fleet", renewed_at__gte=timezone.now() - FLEET_FRESH
        )
        return OK if renewed.exists() else "no fleet process runs"
    return "unknown"
