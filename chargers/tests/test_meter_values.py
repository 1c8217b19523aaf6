"""What the sampled values of 1.6 and 2.x come to."""

from typing import Any

import pytest

from chargers.models import MeterValue


def sample(value: Any, **more: Any) -> dict[str, Any]:
    return {"value": value, "measurand": "Power.Active.Import", **more}


@pytest.mark.parametrize(
    ("samples", "watts"),
    [
        ([sample("7000")], 7000),
        ([sample("7", unit="kW")], 7000),
        ([sample(7, unitOfMeasure={"unit": "kW"})], 7000),
        ([sample(70, unitOfMeasure={"unit": "W", "multiplier": 2})], 7000),
        ([sample(7, unitOfMeasure={"multiplier": 3})], 7000),
        ([sample("1", phase="L1"), sample("2", phase="L2")], 3),
        ([sample("1", phase="L1"), sample("7", phase="L1-N")], 1),
        ([sample("1", phase="L1"), sample("7")], 7),
        ([sample("1", location="Inlet"), sample("7", location="Outlet")], 7),
        ([sample("1", location="Inlet")], 1),
        ([], None),
        ([sample("seven")], None),
        ([sample(10**400)], None),
        ([sample(1, unitOfMeasure={"multiplier": 10**9})], None),
    ],
)
def test_power_is_told_in_watts(
    samples: list[dict[str, Any]], watts: float | None
) -> None:
    assert MeterValue(sampled_values=samples).power_w == watts


def test_voltages_of_phases_are_not_added() -> None:
    volts = [{"value": "230", "measurand": "Voltage", "phase": "L1"}]
    assert MeterValue(sampled_values=volts).value_of("Voltage") is None


def test_a_value_without_measurand_is_the_energy_register() -> None:
    assert MeterValue(sampled_values=[{"value": "5"}]).energy_wh == 5
