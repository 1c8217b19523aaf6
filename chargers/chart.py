"""The chart of power over time, as coordinates for an inline SVG."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from .models import MeterValue

WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, TOP, BOTTOM = 52, 708, 14, 172
SHORTEST = timedelta(minutes=5)  # from the left edge to now, at least
GAP = timedelta(seconds=90)  # values further apart are not joined by a line


@dataclass(frozen=True)
class Tick:
    position: float
    label: str


@dataclass(frozen=True)
class Line:
    """One stretch of a connector's power: ``kind`` is power or offered."""

    kind: str
    evse_id: int
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


Sample = tuple[datetime, float]


def draw_power(values: Iterable[MeterValue], now: datetime) -> Chart | None:
    """Lines of power and of offered power, oldest value first; None without values."""
    series: dict[tuple[str, int], list[Sample]] = {}
    for value in values:
        for kind, watts in (("power", value.power_w), ("offered", value.offered_w)):
            if watts is not None:
                at = (value.timestamp, watts)
                series.setdefault((kind, value.evse_id), []).append(at)
    if not series:
        return None
    samples = [sample for line in series.values() for sample in line]
    start = min(min(at for at, _ in samples), now - SHORTEST)
    span = (now - start).total_seconds()
    step = _round_up(max(max(watts for _, watts in samples), 1000) / 4)

    def x(at: datetime) -> float:
        return LEFT + (RIGHT - LEFT) * (at - start).total_seconds() / span

    def y(watts: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * watts / (4 * step)

    lines = []
    for (kind, evse_id), line in sorted(series.items()):
        for stretch in _stretches(line):
            points = " ".join(f"{x(at):.1f},{y(watts):.1f}" for at, watts in stretch)
            first, last = x(stretch[0][0]), x(stretch[-1][0])
            area = f"{first:.1f},{BOTTOM} {points} {last:.1f},{BOTTOM}"
            lines.append(Line(kind, evse_id, points, area))
    times = [start + (now - start) * part / 4 for part in range(5)]
    return Chart(
        lines,
        [Tick(round(x(at), 1), f"{at:%H:%M}") for at in times],
        [Tick(round(y(n * step), 1), f"{n * step / 1000:g} kW") for n in range(5)],
    )


def _stretches(line: list[Sample]) -> list[list[Sample]]:
    stretches: list[list[Sample]] = []
    for sample in line:
        if not stretches or sample[0] - stretches[-1][-1][0] > GAP:
            stretches.append([])
        stretches[-1].append(sample)
    return stretches


def _round_up(watts: float) -> float:
    """The next of 1, 2, 2.5, 5, 10 times a power of ten."""
    magnitude = 10.0 ** (len(str(int(watts))) - 1)
    return next(n * magnitude for n in (1, 2, 2.5, 5, 10) if n * magnitude >= watts)
