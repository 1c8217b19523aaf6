"""The job queue, and the Redis behind it.

django-rq would make a client, and with it a connection, for every job and every look.
"""

from functools import cache

from django.conf import settings
from django_rq import get_queue
from redis import Redis
from rq import Queue


def redis_client() -> Redis:
    """The client of this process: its connections serve any number of threads."""
    return _client(settings.REDIS_URL)


@cache
def _client(url: str) -> Redis:
    return Redis.from_url(url)


def job_queue() -> Queue:
    """Where jobs for the workers are queued."""
    return get_queue(connection=redis_client())
