"""Pytest plugin: a private Redis and data directory for each test process.

Loaded with ``-p tests.services``, so that the environment stands before pytest-django
reads the settings. A DATABASE_URL from outside is kept: the same tests run on PostgreSQL.
"""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from ocpplab.embedded import START_SECONDS, answers, server_command
from ocpplab.supervisor import die_with

# Short, and of this process alone: pytest-xdist workers inherit the environment.
DIRECTORY = Path(tempfile.mkdtemp(prefix="ocpplab-test-"))
SOCKET = DIRECTORY / "redis.sock"

os.environ.update(
    OCPPLAB_DATA_DIR=str(DIRECTORY),
    REDIS_URL=f"unix://{SOCKET}?db=0",
    OCPPLAB_DEMO="0",
    SECRET_KEY="not-a-secret-" + "x" * 40,
)

_server: subprocess.Popen[bytes] | None = None


def pytest_sessionstart(session: pytest.Session) -> None:
    global _server
    _server = subprocess.Popen(
        server_command(SOCKET, DIRECTORY / "redis"), preexec_fn=die_with(os.getpid())
    )
    deadline = time.monotonic() + START_SECONDS
    while not answers(SOCKET):
        assert _server.poll() is None, "the Redis server ended at once"
        assert time.monotonic() < deadline, "the Redis server does not answer"
        time.sleep(0.02)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _server is not None:
        _server.kill()
        _server.wait()
    shutil.rmtree(DIRECTORY, ignore_errors=True)
