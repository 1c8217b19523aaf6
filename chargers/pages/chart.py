"""Values over time for the pages: as JSON for their script, and as a drawing without."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from ..models import MeterValue

WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, TOP, BOTTOM = 52, 708, 14, 172
SHORTEST = timedelta(minutes=5)  # from the left edge to now, at least
GAP = timedelta(seconds=90)  # values closer together are always joined by a line
KILOWATT = "kW"

Sample = tuple[datetime, float]


@dataclass(frozen=True)
class Series:
    """One quantity over time, oldest value first, in the unit shown."""

    kind: str  # power, offered, limit, soc, energy: how it is drawn
    label: str
    unit: str
    samples: Sequence[Sample]

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "label": self.label,
            "unit": self.unit,
            "points": [
                [round(at.timestamp(), 3), round(value, 3)]
                for at, value in self.samples
            ],
        }


def metered(values: Iterable[MeterValue]) -> list[Series]:
    """Power, offered power, energy and state of charge of each EVSE, oldest first."""
    found: dict[tuple[str, int], list[Sample]] = {}
    for value in values:
        told = (
            ("power", value.power_w, 1000),
            ("offered", value.offered_w, 1000),
            ("soc", value.value_of("SoC"), 1),
            ("energy", value.energy_wh, 1000),
        )
        for kind, number, per in told:
            if number is not None:
                at = (value.timestamp, number / per)
                found.setdefault((kind, value.evse_id), []).append(at)
    units = {"power": KILOWATT, "offered": KILOWATT, "soc": "%", "energy": "kWh"}
    names = {
        "power": "Power",
        "offered": "Offered",
        "soc": "Battery",
        "energy": "Meter",
    }
    several = len({evse_id for _, evse_id in found}) > 1
    return [
        Series(
            kind,
            f"{names[kind]} {evse_id}" if several else names[kind],
            units[kind],
            samples,
        )
        for kind in names
        for (other, evse_id), samples in sorted(found.items())
        if other == kind
    ]


def gap_of(series: Iterable[Series]) -> timedelta:
    """How far apart values have to be for the line between them to be broken."""
    steps = sorted(
        later - at
        for one in series
        for (at, _), (later, _) in pairwise(one.samples)
        if later > at
    )
    usual = steps[(len(steps) - 1) // 2] if steps else GAP
    return max(GAP, usual * 2.5)


# --- The drawing ----------------------------------------------------------------------


@dataclass(frozen=True)
class Tick:
    position: float
    label: str


@dataclass(frozen=True)
class Line:
    """One stretch of a series; ``number`` tells those of a kind apart."""

    kind: str
    label: str
    number: int
    points: str
    area: str  # closed down to the axis


@dataclass(frozen=True)
class Chart:
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP
    bottom: int = BOTTOM


def draw_power(
    series: Iterable[Series],
    now: datetime,
    *,
    gap: timedelta | None = None,
    span: timedelta | None = None,
) -> Chart | None:
    """The series in kW as lines; None where there are no values.

    The drawing reaches back over ``span``, or as far as there are values.
    """
    shown = [one for one in series if one.unit == KILOWATT and one.samples]
    if not shown:
        return None
    samples = [sample for one in shown for sample in one.samples]
    earliest = min(at for at, _ in samples)
    start = now - span if span else min(earliest, now - SHORTEST)
    width = (now - start).total_seconds()
    step = _round_up(max(max(kw for _, kw in samples), 1.0) * 1000 / 4) / 1000

    def x(at: datetime) -> float:
        return LEFT + (RIGHT - LEFT) * (at - start).total_seconds() / width

    def y(kilowatts: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * kilowatts / (4 * step)

    lines = []
    numbers: dict[str, int] = {}
    for one in shown:
        number = numbers[one.kind] = numbers.get(one.kind, 0) + 1
        for stretch in _stretches(one.samples, gap or gap_of([one])):
            points = " ".join(f"{x(at):.1f},{y(kw):.1f}" for at, kw in stretch)
            first, last = x(stretch[0][0]), x(stretch[-1][0])
            area = f"{first:.1f},{BOTTOM} {points} {last:.1f},{BOTTOM}"
            lines.append(Line(one.kind, one.label, number, points, area))
    times = [start + (now - start) * part / 4 for part in range(5)]
    return Chart(
        lines,
        [Tick(round(x(at), 1), f"{at:%H:%M}") for at in times],
        [Tick(round(y(n * step), 1), _written(n * step)) for n in range(5)],
    )


def _written(kilowatts: float) -> str:
    if kilowatts >= 1000:
        return f"{kilowatts / 1000:g} MW"
    return f"{kilowatts:g} kW"


def _stretches(samples: Iterable[Sample], gap: timedelta) -> list[list[Sample]]:
    stretches: list[list[Sample]] = []
    for sample in samples:
        if not stretches or sample[0] - stretches[-1][-1][0] > gap:
            stretches.append([])
        stretches[-1].append(sample)
    return stretches


def _round_up(watts: float) -> float:
    """The next of 1, 2, 2.5, 5, 10 times a power of ten."""
    magnitude = 10.0 ** (len(str(int(watts))) - 1)
    return next(n * magnitude for n in (1, 2, 2.5, 5, 10) if n * magnitude >= watts)
