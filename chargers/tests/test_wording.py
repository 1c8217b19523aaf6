"""What a payload says in one line, and how quantities are written."""

from typing import Any

import pytest

from chargers.gist import gist
from ocpplab import html

SAMPLES = [
    {"value": "5770", "unit": "Wh"},
    {"value": "22", "measurand": "Power.Active.Import", "unit": "kW"},
    {"value": "28", "measurand": "SoC"},
]


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({"connectorId": 1, "status": "Charging"}, "connectorId 1, Charging"),
        (
            {
                "connectorId": 2,
                "meterValue": [{"timestamp": "", "sampledValue": SAMPLES}],
            },
            "22.00 kW, 5.77 kWh, 28 %, connectorId 2",
        ),
        (
            {"eventType": "Updated", "offline": False, "evse": {"id": 1}, "seqNo": 4},
            "Updated, id 1",
        ),
        ({"key": ["a", "b", "c", "d", "e"]}, "key a, key b, key c, 2 more"),
        ({"accepted": True, "info": None}, "accepted true"),
        ({}, ""),
        (["odd", 1], "odd, 1"),
        ({"meterValue": "odd"}, ""),
        ({"meterValue": [{"sampledValue": [7, {"unitOfMeasure": 1}]}]}, ""),
    ],
)
def test_the_gist_of_a_payload(payload: Any, told: str) -> None:
    assert gist(payload) == told


@pytest.mark.parametrize(
    ("watts", "written"),
    [
        (None, "\N{EN DASH}"),
        (0, "0.00 kW"),
        (7360, "7.36 kW"),
        (150_500, "150.5 kW"),
        (9_999_000, "9,999.0 kW"),
        (15_310_000, "15.31 MW"),
        (150_000_000, "150.0 MW"),
    ],
)
def test_a_power_is_as_exact_as_there_is_room_for(
    watts: float | None, written: str
) -> None:
    assert html.power(watts) == written
