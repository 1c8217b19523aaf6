"""Measurands: each by its name, phase by phase, sampled and clock-aligned."""

from datetime import timedelta
from typing import Any

import pytest

from ..connector import Connector
from ..meter import MEASURANDS, Measurement
from ..transaction import Transaction
from .clock import ManualClock
from .csms import Bench, until


def measure(
    *items: str, power_w: float = 11040, rotation: str = "RST", **facts: Any
) -> list[tuple[str, ...] | None]:
    connector = Connector(
        1, monotonic=ManualClock().monotonic, **{"rating_w": 22080, **facts}
    )
    connector.plug()
    connector.start(
        Transaction("k", "T", "2026-01-01T00:00:00Z", 0), energy_limit_wh=None
    )
    connector.limit_power(power_w)
    measurement = Measurement(connector.read(), interval_wh=30, rotation=rotation)
    taken = [measurement.samples(item) or [None] for item in items]
    return [
        None if sample is None else tuple(text for text in sample if text)
        for samples in taken
        for sample in samples
    ]


def test_every_measurand_of_a_charger_has_a_value() -> None:
    for is_dc in (False, True):
        assert [m for m in MEASURANDS if measure(m, is_dc=is_dc) == [None]] == []


def test_three_phases_share_the_power() -> None:
    assert measure("Power.Active.Import.L2", "Current.Import.L3", "Current.Import") == [
        ("3680", "W", "L2"),
        ("16", "A", "L3"),
        *(("16", "A", phase) for phase in ("L1", "L2", "L3")),
    ]
    assert measure("Voltage") == [("230", "V", f"L{n}-N") for n in (1, 2, 3)]
    assert measure("Voltage", phases=1) == [("230", "V")]
    assert measure("Voltage.L1-N", "Voltage.L1-L2", "Frequency") == [
        ("230", "V", "L1-N"),
        ("398.4", "V", "L1-L2"),
        ("50",),
    ]
    assert measure("Energy.Active.Import.Interval", "Energy.Active.Import.Interval.L1")
    assert measure("Temperature") == [("32.5", "Celsius", "Body")]


def test_one_phase_is_that_of_the_rotation() -> None:
    items = ("Current.Import.L1", "Current.Import.L2")
    assert measure(*items, power_w=2300) == [("10", "A", "L1"), ("0", "A", "L2")]
    assert measure(*items, power_w=2300, rotation="STR") == [
        ("0", "A", "L1"),
        ("10", "A", "L2"),
    ]


def test_direct_current_has_no_phases() -> None:
    assert measure("Current.Import.L1", is_dc=True) == [None]


async def configure(bench: Bench, **values: str) -> None:
    for key, value in values.items():
        request = {"key": key, "value": value}
        answer = await bench.csms.call("ChangeConfiguration", request)
        assert answer == {"status": "Accepted"}


@pytest.fixture
async def ready(bench: Bench) -> Bench:
    await bench.power_on()
    bench.csms.forget()
    return bench


async def test_intervals_begin_where_the_last_one_ended(ready: Bench) -> None:
    await configure(ready, MeterValuesSampledData="Energy.Active.Import.Interval")
    await ready.perform("start-session", id_tag="T")
    for _ in range(2):
        await ready.clock.advance(60)
    await until(lambda: len(ready.csms.payloads("MeterValues")) == 2)
    values = [
        payload["meterValue"][0]["sampledValue"][0]
        for payload in ready.csms.payloads("MeterValues")
    ]
    assert [value["value"] for value in values] == ["366", "367"]


async def test_a_sample_that_comes_late_delays_no_other(
    ready: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, now = [0.0], ready.clock.now
    monotonic = ready.clock.monotonic
    monkeypatch.setattr(ready.clock, "monotonic", lambda: monotonic() + late[0])
    monkeypatch.setattr(ready.clock, "now", lambda: now() + timedelta(seconds=late[0]))
    await configure(ready, MeterValueSampleInterval="10", MeterValuesSampledData="SoC")
    await ready.perform("start-session", id_tag="T")
    for _ in range(3):
        late[0] += 0.25  # each timer fires after its time
        await ready.clock.advance(10 if late[0] == 0.25 else 9.75)
    await until(lambda: len(ready.csms.payloads("MeterValues")) == 3)
    times = [
        payload["meterValue"][0]["timestamp"][17:]
        for payload in ready.csms.payloads("MeterValues")
    ]
    assert times == ["10.250Z", "20.250Z", "30.250Z"]


async def test_the_stop_tells_what_was_sampled_and_aligned(ready: Bench) -> None:
    await configure(
        ready,
        StopTxnSampledData="Power.Active.Import",
        StopTxnAlignedData="Energy.Active.Import.Register",
        MeterValuesSampledData="",
        MeterValuesAlignedData="Voltage",
        ClockAlignedDataInterval="90",
    )
    await ready.perform("start-session", id_tag="T")
    await ready.clock.advance(60)
    await ready.clock.advance(30)
    await ready.perform("stop-transaction")
    values = ready.csms.payloads("StopTransaction")[0]["transactionData"]
    told = [
        (
            value["timestamp"][14:19],
            value["sampledValue"][0]["context"],
            [sample["measurand"] for sample in value["sampledValue"]],
        )
        for value in values
    ]
    power, register = "Power.Active.Import", "Energy.Active.Import.Register"
    assert told == [
        ("00:00", "Transaction.Begin", [power, register]),
        ("01:00", "Sample.Periodic", [power]),
        ("01:30", "Sample.Clock", [register]),
        ("01:30", "Transaction.End", [power, register]),
    ]
    main, aligned = ready.csms.payloads("MeterValues")
    assert main["connectorId"] == 0
    assert "transactionId" not in main
    assert aligned["transactionId"] == 1


async def test_a_long_transaction_keeps_a_choice_of_samples(
    ready: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chargers.virtual.metering.STOP_DATA_LIMIT", 10)
    await configure(ready, StopTxnSampledData="Voltage", MeterValueSampleInterval="10")
    await ready.perform("start-session", id_tag="T")
    for _ in range(30):
        await ready.clock.advance(10)
    await ready.perform("stop-transaction")
    values = ready.csms.payloads("StopTransaction")[0]["transactionData"]
    contexts = [value["sampledValue"][0]["context"] for value in values]
    assert contexts[0] == "Transaction.Begin"
    assert contexts[-1] == "Transaction.End"
    assert len(contexts) <= 10
