"""The electric vehicle at the other end of the cable: battery and acceptance."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

MIN_CURRENT_A = 6.0  # IEC 61851-1: the least an AC charger can signal
AC_VOLTAGE_V = 230.0
DC_VOLTAGE_V = 400.0

Curve = tuple[tuple[float, float], ...]

# By state of charge; linear between the points, never rising: the W that a battery takes
# by DC, and the share of what the onboard charger can do that it takes by AC.
AC_CURVE: Curve = ((0.0, 1.0), (0.9, 1.0), (1.0, 0.1))
DC_CURVE: Curve = ((0.0, 150_000.0), (0.5, 150_000.0), (0.8, 60_000.0), (1.0, 8_000.0))


@dataclass(slots=True)
class Vehicle:
    """``charge_wh`` of ``battery_wh`` are filled; AC goes through an onboard charger."""

    is_dc: bool = False
    battery_wh: float = 75_000.0
    charge_wh: float = 15_000.0
    onboard_w: float = 22_000.0
    phases: int = 3  # of its onboard charger
    wants_energy: bool = True

    @property
    def soc(self) -> float:
        """State of charge, 0 to 1."""
        return self.charge_wh / self.battery_wh

    @property
    def room_wh(self) -> float:
        return max(0.0, self.battery_wh - self.charge_wh)

    @property
    def is_ready(self) -> bool:
        return self.wants_energy and self.room_wh > 0

    @property
    def acceptance_w(self) -> float:
        """The most it takes right now, in W."""
        if not self.is_ready:
            return 0.0
        if self.is_dc:
            return _interpolate(self.soc, DC_CURVE)
        return self.onboard_w * _interpolate(self.soc, AC_CURVE)

    def to_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def usable_w(
    offered_w: float,
    *,
    phases: int,
    rating_w: float,
    is_dc: bool,
    amperes: float = math.inf,
) -> float:
    """What of an offer can be transferred at all, in W.

    An AC charger whose offer is below 6 A on all its phases falls back to one; below
    6 A there it cannot charge. ``amperes`` is a limit of each phase beside the offer,
    ``rating_w`` what the charger has on so many phases.
    """
    if is_dc:
        return offered_w
    least_w, most_w = MIN_CURRENT_A * AC_VOLTAGE_V, amperes * AC_VOLTAGE_V
    if offered_w >= least_w * phases and amperes >= MIN_CURRENT_A:
        return min(offered_w, rating_w, most_w * phases)
    on_one_phase = min(offered_w, rating_w / phases, most_w)
    return on_one_phase if on_one_phase >= least_w else 0.0


def active_phases(power_w: float, phases: int) -> int:
    """On how many AC phases this power flows."""
    return phases if power_w >= MIN_CURRENT_A * AC_VOLTAGE_V * phases else 1


def _interpolate(soc: float, curve: Curve) -> float:
    for (low, at_low), (high, at_high) in pairwise(curve):
        if soc <= high:
            return at_low + (at_high - at_low) * (soc - low) / (high - low)
    return curve[-1][1]
