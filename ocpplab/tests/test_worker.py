"""The RQ worker of the portal, run as far as a test can see it."""

import os
from typing import Any

import pytest
from django.test import override_settings
from django_rq import get_queue
from django_rq.workers import get_worker
from rq import Worker
from rq.timeouts import TimerDeathPenalty

from ocpplab.worker import PortalWorker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(redis_client: Any) -> PortalWorker:
    worker = get_worker("default")
    assert isinstance(worker, PortalWorker)
    worker.death_penalty_class = TimerDeathPenalty
    return worker


@override_settings(PERIODIC_JOBS={})
def test_jobs_run_in_the_workers_own_process(worker: PortalWorker) -> None:
    job = get_queue().enqueue("os.getpid")
    worker.work(burst=True)
    assert job.return_value() == os.getpid()


def test_a_worker_registers_again_when_redis_comes_back_empty(
    worker: PortalWorker, redis_client: Any
) -> None:
    worker.register_birth()
    redis_client.flushall()
    worker.heartbeat()
    assert [w.name for w in Worker.all(connection=redis_client)] == [worker.name]
    worker.register_death()
