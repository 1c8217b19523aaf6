from collections.abc import AsyncIterator

import pytest

from .csms import Bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A charger's surroundings; the test powers it on."""
    bench = Bench()
    await bench.csms.open()
    yield bench
    await bench.power_off()
    await bench.csms.close()
    assert bench.csms.faults == []
