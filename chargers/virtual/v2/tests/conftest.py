from collections.abc import AsyncIterator

import pytest

from chargers.ocpp.versions import Version

from ...tests.csms import Bench


@pytest.fixture(params=[Version.V201, Version.V21])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """A charger of OCPP 2.x with its surroundings; the test powers it on."""
    bench = Bench(request.param)
    await bench.csms.open()
    yield bench
    await bench.power_off()
    await bench.csms.close()
    assert bench.csms.faults == []


@pytest.fixture
async def ready(bench: Bench) -> Bench:
    """One with two EVSEs that has just booted."""
    await bench.power_on(connectors=2)
    bench.csms.forget()
    return bench
