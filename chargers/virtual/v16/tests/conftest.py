import pytest

from ...tests.conftest import bench
from ...tests.csms import Bench

__all__ = ["bench"]  # the charger of the core's tests speaks OCPP 1.6


@pytest.fixture
async def ready(bench: Bench) -> Bench:
    """One with two connectors that has just booted."""
    await bench.power_on(connectors=2)
    bench.csms.forget()
    return bench
