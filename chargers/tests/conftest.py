"""Fixtures for tests of the endpoint in the test's own process."""

from collections.abc import AsyncIterator

import pytest

from chargers import consumers
from chargers.connections import connections
from chargers.group_commit import group_commit


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
