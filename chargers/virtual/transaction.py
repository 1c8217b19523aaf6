"""A transaction as the charger keeps it, whatever an OCPP version calls it. No I/O."""

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .clock import parse_time
from .states import StopReason


@dataclass(slots=True)
class Transaction:
    """``key`` names it here; ``id`` is what the CSMS knows it by, None as long as that
    is not settled.
    """

    key: str
    id_tag: str
    started_at: str
    meter_start_wh: int
    id: int | str | None = None
    ends_at: str | None = None  # session limit, time
    ends_at_wh: float | None = None  # session limit, meter register
    is_session: bool = False  # plugs in and out by itself
    is_deauthorized: bool = False  # goes on, but without energy
    grace_ends_wh: float | None = None  # refused, may charge up to this register
    parent: str | None = None  # the parent id of its id tag
    reservation_id: int | None = None  # that it used up
    remote_start_id: int | None = None  # of the request that started it (2.x)
    begin_values: list[dict[str, Any]] = field(default_factory=list)

    def to_state(self) -> dict[str, Any]:
        # Not asdict(), which copies deeply: ten times slower.
        state = {name: getattr(self, name) for name in self.__slots__}
        return {**state, "begin_values": self.begin_values[:]}

    @property
    def limit_wh(self) -> float:
        """The register up to which energy may flow."""
        limits = (self.ends_at_wh, self.grace_ends_wh)
        return min((limit for limit in limits if limit is not None), default=math.inf)

    def limit_reached(self, now: datetime, register_wh: float) -> StopReason | None:
        """Which limit of the session has been reached, if any."""
        if self.ends_at is not None and now >= parse_time(self.ends_at):
            return StopReason.TIME_LIMIT
        if self.ends_at_wh is not None and register_wh >= self.ends_at_wh:
            return StopReason.ENERGY_LIMIT
        return None
