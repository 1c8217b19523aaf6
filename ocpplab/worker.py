"""The RQ worker of the portal (``manage.py rqworker``)."""

import logging
import threading
import time
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import DuplicateJobError
from rq.job import Job
from rq.queue import Queue
from rq.worker_registration import REDIS_WORKER_KEYS

from .queue import job_queue

logger = logging.getLogger(__name__)

KNOWN = 1.0  # s; a heartbeat comes with every job


class PortalWorker(SimpleWorker):
    """Runs jobs in its own process, and queues the periodic ones.

    A fork per job would cost more than our jobs do. What the fork gave is made up for:
    database connections are checked around every job.
    """

    _known_until = 0.0  # when to ask Redis again whether it knows this worker

    def work(self, *args: Any, **kwargs: Any) -> bool:
        stop = threading.Event()
        clock = threading.Thread(target=_queue_periodic_jobs, args=[stop], daemon=True)
        clock.start()
        try:
            return super().work(*args, **kwargs)
        finally:
            stop.set()

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        """As usual, but a Redis that came back empty hears of the worker again."""
        if time.monotonic() > self._known_until:
            if not self.connection.sismember(REDIS_WORKER_KEYS, self.key):
                self.connection.delete(self.key)
                self.register_birth()
            self._known_until = time.monotonic() + KNOWN
        super().heartbeat(*args, **kwargs)

    def execute_job(self, job: Job, queue: Queue) -> None:
        close_old_connections()
        try:
            super().execute_job(job, queue)
        finally:
            close_old_connections()


def _queue_periodic_jobs(stop: threading.Event) -> None:
    """Queue each of settings.PERIODIC_JOBS when it is due.

    Its id names the interval it belongs to, so that any number of workers may do this,
    Redis may forget everything, and a worker killed at it holds up nothing.
    """
    due = dict.fromkeys(settings.PERIODIC_JOBS, 0.0)
    while not stop.wait(1.0):
        for job, interval in settings.PERIODIC_JOBS.items():
            if time.monotonic() < due[job]:
                continue
            due[job] = time.monotonic() + interval
            try:
                job_queue().enqueue(
                    job,
                    job_id=f"{job.replace('.', '-')}-{time.time() // interval:.0f}",
                    unique=True,
                    ttl=interval,
                    result_ttl=interval,
                    failure_ttl=86_400,
                )
            except DuplicateJobError:
                pass
            except RedisError as error:
                logger.warning("%s could not be queued: %s", job, error)
