"""Meter values of transactions, and of EVSEs where none runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from chargers.models import Charger, MeterValue
from chargers.ocpp.values import parse_time
from chargers.rows import insert_rows

from .finding import find_transactions

_METER_VALUE = (
    "charger",
    "transaction",
    "evse_id",
    "connector_id",
    "timestamp",
    "sampled_values",
)


class Reading(NamedTuple):
    """A time, and the values sampled then, as OCPP has them."""

    at: datetime
    sampled: Sequence[Mapping[str, Any]]

    @property
    def energy_wh(self) -> float | None:
        return MeterValue(sampled_values=self.sampled).energy_wh


def parse_meter_values(values: Iterable[Mapping[str, Any]]) -> list[Reading]:
    """Meter values of OCPP, ``{timestamp, sampledValue}`` each; OCPPError if one is of
    no time.
    """
    return [Reading(parse_time(v["timestamp"]), v["sampledValue"]) for v in values]


@dataclass(frozen=True, slots=True)
class MeterReport:
    """Meter values of an EVSE, maybe of a transaction."""

    charger: Charger
    evse_id: int
    meter_values: Sequence[Reading]
    transaction_id: str = ""


def record_meter_values(reports: Sequence[MeterReport]) -> list[None]:
    """Keep meter values, with the transaction that each report names, if we know it."""
    rows = find_transactions(
        (report.charger.pk, report.transaction_id)
        for report in reports
        if report.transaction_id
    )
    keys = {key: row.pk for key, row in rows.items()}
    add_meter_values(
        (report, keys.get((report.charger.pk, report.transaction_id)))
        for report in reports
    )
    return [None] * len(reports)


def add_meter_values(reports: Iterable[tuple[MeterReport, int | None]]) -> None:
    """Insert meter values, with the primary keys of their transactions."""
    insert_rows(
        MeterValue,
        _METER_VALUE,
        [
            (report.charger.pk, key, report.evse_id, 1, reading.at, reading.sampled)
            for report, key in reports
            for reading in report.meter_values
        ],
    )
