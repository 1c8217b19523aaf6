"""What a charger can measure, by the names OCPP gives it (1.6, 7.31 to 7.35). No I/O."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

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
_LETTERS = {"L1": "R", "L2": "S", "L3": "T"}  # of the grid, in a phase rotation
_NEVER_FLOWS = {  # by unit: no reactive power, and none back into the grid
    **dict.fromkeys((m for m in _ENERGY if "Reactive" in m), "varh"),
    **dict.fromkeys((m for m in _ENERGY if "Active.Export" in m), "Wh"),
    **dict.fromkeys((m for m in _POWER if "Reactive" in m), "var"),
    "Power.Active.Export": "W",
    "Current.Export": "A",
}
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
        reading = self.reading
        if phase and reading.is_dc:
            return None
        match measurand:
            case "Energy.Active.Import.Register":
                return _energy(reading.energy_wh, phase)
            case "Energy.Active.Import.Interval":
                return _energy(self.interval_wh, phase)
            case "Power.Active.Import":
                watts = reading.power_w * self._share(phase)
                return Sample(_number(watts), "W", phase)
            case "Power.Offered":
                watts = reading.offered_w * self._share(phase)
                return Sample(_number(watts), "W", phase)
            case "Current.Import":
                return Sample(self._amperes(reading.power_w, phase), "A", phase)
            case "Current.Offered":
                return Sample(self._amperes(reading.offered_w, phase), "A", phase)
            case "Voltage":
                ratio = LINE_RATIO if phase in _BETWEEN else 1.0
                return Sample(_number(reading.voltage_v * ratio), "V", phase)
        return self._plain(measurand, phase)

    def _plain(self, measurand: str, phase: str) -> Sample | None:
        match measurand:
            case "Power.Factor":
                return Sample("1")
            case "Frequency":  # of the grid, also where it feeds direct current
                return Sample(str(GRID_HZ))
            case "RPM":
                return Sample(str(round(FAN_RPM * self._load)), location="Body")
            case "Temperature":
                heat = _number(COLD_C + HEATING_C * self._load)
                return Sample(heat, "Celsius", location="Body")
            case "SoC" if (soc := self.reading.soc) is not None:
                return Sample(_number(soc * 100), "Percent", location="EV")
        unit = _NEVER_FLOWS.get(measurand)
        return None if unit is None else Sample("0", unit, phase)

    @property
    def _load(self) -> float:
        """How much of what it can give the charger gives, 0 to 1."""
        reading = self.reading
        return reading.power_w / reading.rating_w if reading.rating_w else 0.0

    def _share(self, phase: str) -> float:
        """Which part of the power flows on a phase; without one, all of it."""
        if not phase:
            return 1.0
        used = self.rotation[: self.reading.phases]
        return 1 / len(used) if _LETTERS[phase] in used else 0.0

    def _amperes(self, watts: float, phase: str) -> str:
        share = self._share(phase)
        return _number(self.reading.amperes(watts)) if share else "0"


def _energy(whole_wh: int, phase: str) -> Sample:
    """Over all its life the meter was loaded evenly."""
    return Sample(str(round(whole_wh / 3) if phase else whole_wh), "Wh", phase)


@lru_cache(maxsize=1000)
def split_item(item: str) -> tuple[str, str]:
    """``Voltage.L1-N`` to ``Voltage`` and ``L1-N``."""
    measurand, _, phase = item.rpartition(".")
    return (measurand, phase) if phase in _PHASES.get(measurand, ()) else (item, "")


def sampled_value(item: str, sample: Sample, context: str) -> dict[str, Any]:
    """A SampledValue as far as all OCPP versions spell it alike: without its unit."""
    value = {
        "value": sample.value,
        "context": context,
        "measurand": split_item(item)[0],
    }
    if sample.phase:
        value["phase"] = sample.phase
    if sample.location:
        value["location"] = sample.location
    return value


def is_measurable(item: str) -> bool:
    return split_item(item)[0] in MEASURANDS


def _number(value: float) -> str:
    """At most one decimal, and none where it says nothing: 11000, 15.9."""
    return f"{value:.1f}".removesuffix(".0")
