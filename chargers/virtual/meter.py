"""What a charger can measure, by the names OCPP gives it (1.6, 7.31 to 7.35). No I/O."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

_PHASED = ("L1", "L2", "L3")
_TO_NEUTRAL = ("L1-N", "L2-N", "L3-N")
_BETWEEN = ("L1-L2", "L2-L3", "L3-L1")
_FLOWS = ("Active.Import", "Active.Export", "Reactive.Import", "Reactive.Export")
_ENERGY = tuple(
    f"Energy.{f}.{kind}" for f in _FLOWS for kind in ("Register", "Interval")
)
_POWER = (*(f"Power.{flow}" for flow in _FLOWS), "Power.Offered")
_CURRENT = ("Current.Import", "Current.Export", "Current.Offered")
MEASURANDS = (
    *_ENERGY,
    *_POWER,
    *_CURRENT,
    "Power.Factor",
    "Voltage",
    "Frequency",
    "Temperature",
    "SoC",
    "RPM",
)
_PHASES = {
    **dict.fromkeys((*_ENERGY, *_POWER, *_CURRENT), _PHASED),
    "Voltage": (*_PHASED, *_TO_NEUTRAL, *_BETWEEN),
}
_EACH_PHASE = {
    "Current.Import": _PHASED,
    "Current.Export": _PHASED,
    "Voltage": _TO_NEUTRAL,
}
_GRID = {"R": "L1", "S": "L2", "T": "L3"}
GRID_HZ = 50
LINE_RATIO = 3**0.5  # of the voltage between phases to that against neutral
COLD_C, HEATING_C = 20.0, 25.0  # inside, without load, and added by the full one
FAN_RPM = 2400  # at full load


@dataclass(slots=True, frozen=True)
class Reading:
    """What the meter and the EV show at one moment."""

    energy_wh: int
    power_w: float
    offered_w: float
    voltage_v: float
    phases: int  # that carry the power
    is_dc: bool
    rating_w: float
    soc: float | None  # 0 to 1, None where the EV does not tell
    line_phases: int = 1  # that can be measured

    def amperes(self, power_w: float) -> float:
        return power_w / (self.voltage_v * self.phases)


class Sample(NamedTuple):
    value: str
    unit: str = ""
    phase: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One moment: ``interval_wh`` since the last one of its kind.

    ``rotation`` says which phases of the grid the connector's own are (1.6, 9.1.7),
    ``location`` where the meter is, if not at an outlet.
    """

    reading: Reading
    interval_wh: int = 0
    rotation: str = "RST"
    location: str = ""

    def samples(self, item: str) -> list[Sample]:
        """A measurand, perhaps with a phase: ``Current.Import.L1``; [] for nothing.

        What has no total is measured on every phase where none is named (3.16.3).
        """
        measurand, phase = split_item(item)
        phases: tuple[str, ...] = (phase,)
        if item in _EACH_PHASE and self.reading.line_phases > 1:
            phases = _EACH_PHASE[item]
        taken = [self._sample(measurand, phase) for phase in phases]
        return [
            sample._replace(location=sample.location or self.location)
            if self.location
            else sample
            for sample in taken
            if sample is not None
        ]

    def _sample(self, measurand: str, phase: str) -> Sample | None:
        if phase and self.reading.is_dc:
            return None
        share = self._share(phase)
        reading = self.reading
        match measurand.split("."):
            case ["Energy", "Active", "Import", kind]:
                whole = reading.energy_wh if kind == "Register" else self.interval_wh
                # Over all its life the meter was loaded evenly.
                part = round(whole / 3) if phase else whole
                return Sample(str(part), "Wh", phase)
            case ["Energy", flow, _, _]:
                return Sample("0", "Wh" if flow == "Active" else "varh", phase)
            case ["Power", "Active", "Import"]:
                return Sample(_number(reading.power_w * share), "W", phase)
            case ["Power", "Offered"]:
                return Sample(_number(reading.offered_w * share), "W", phase)
            case ["Power", "Factor"]:
                return Sample("1")
            case ["Power", flow, _]:
                return Sample("0", "W" if flow == "Active" else "var", phase)
            case ["Current", direction]:
                return Sample(_number(self._amperes(direction, share)), "A", phase)
        return self._plain(measurand, phase)

    def _plain(self, measurand: str, phase: str) -> Sample | None:
        reading = self.reading
        match measurand:
            case "Voltage":
                ratio = LINE_RATIO if phase in _BETWEEN else 1.0
                return Sample(_number(reading.voltage_v * ratio), "V", phase)
            case "Frequency":  # of the grid, also where it feeds direct current
                return Sample(str(GRID_HZ))
            case "RPM":
                return Sample(str(round(FAN_RPM * self._load)), location="Body")
            case "Temperature":
                heat = _number(COLD_C + HEATING_C * self._load)
                return Sample(heat, "Celsius", location="Body")
            case "SoC" if reading.soc is not None:
                return Sample(_number(reading.soc * 100), "Percent", location="EV")
        return None

    @property
    def _load(self) -> float:
        """How much of what it can give the charger gives, 0 to 1."""
        reading = self.reading
        return reading.power_w / reading.rating_w if reading.rating_w else 0.0

    def _share(self, phase: str) -> float:
        """Which part of the power flows on a phase; without one, all of it."""
        if not phase:
            return 1.0
        used = [_GRID[letter] for letter in self.rotation[: self.reading.phases]]
        return 1 / len(used) if phase in used else 0.0

    def _amperes(self, direction: str, share: float) -> float:
        if direction == "Export" or share == 0:
            return 0.0
        offered = direction == "Offered"
        reading = self.reading
        return reading.amperes(reading.offered_w if offered else reading.power_w)


@lru_cache(maxsize=1000)
def split_item(item: str) -> tuple[str, str]:
    """``Voltage.L1-N`` to ``Voltage`` and ``L1-N``."""
    measurand, _, phase = item.rpartition(".")
    return (measurand, phase) if phase in _PHASES.get(measurand, ()) else (item, "")


def is_measurable(item: str) -> bool:
    return split_item(item)[0] in MEASURANDS


def _number(value: float) -> str:
    """At most one decimal, and none where it says nothing: 11000, 15.9."""
    return f"{value:.1f}".removesuffix(".0")
