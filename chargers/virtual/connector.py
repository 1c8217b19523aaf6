"""One connector: its state machine on top of the physical model. No I/O.

The status is not kept but follows from the facts: cable, EV, fault, availability,
transaction. Connector 0 is the charger itself: it never has a cable.
"""

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from .clock import parse_time
from .meter import Reading
from .smart_charging import Limit, Supply
from .states import EV_GONE, WARNINGS, Notice, Status, StopReason
from .transaction import Transaction
from .vehicle import AC_VOLTAGE_V, DC_VOLTAGE_V, Vehicle, active_phases, usable_w

STEP_S = 10.0  # of the integration of power over time


class Connector:
    """``monotonic`` gives seconds; every change of a fact first settles the energy."""

    def __init__(
        self,
        number: int,
        *,
        rating_w: float = 0.0,
        phases: int = 3,
        is_dc: bool = False,
        monotonic: Callable[[], float],
    ) -> None:
        self.number = number
        self.rating_w = float(rating_w)
        self.phases = phases
        self.is_dc = is_dc
        self.is_operative = True
        self.scheduled_operative: bool | None = None  # once the transaction ends
        self.vehicle: Vehicle | None = None  # at the plugged cable
        self.fault = ""
        self.awaits_cable = False  # authorized from remote, nobody plugged in yet
        self.is_finished = False  # had its transaction, the cable is still in
        self.is_locked = False  # the cable hangs in it, without an EV
        self.is_reserved = False  # for one who has not come yet
        self.is_departing = False  # the EV leaves as soon as it is stopped
        self.is_blocked = False  # for the installation of firmware
        self.limit_w: float | None = None  # set by hand
        self.schedule: Limit | None = None  # what charging profiles allow now
        self.transaction: Transaction | None = None
        self._register_wh = 0.0
        self._monotonic = monotonic
        self._settled_at = monotonic()
        self._held_at: float | None = None  # time stands still meanwhile

    # -- what it is ------------------------------------------------------------------

    @property
    def status(self) -> Status:
        if self.is_faulted:
            return Status.FAULTED
        if self.transaction is not None:
            return self._status_in_transaction()
        if not self.is_operative or self.is_blocked:
            return Status.UNAVAILABLE
        if self.awaits_cable:
            return Status.PREPARING
        if self.is_finished and (self.vehicle is not None or self.is_locked):
            return Status.FINISHING
        if self.vehicle is not None:
            return Status.PREPARING
        if self.is_reserved:
            return Status.RESERVED
        return Status.AVAILABLE

    @property
    def is_faulted(self) -> bool:
        """Whether it has a fault that is more than a warning."""
        return self.fault != "" and self.fault not in WARNINGS

    def _status_in_transaction(self) -> Status:
        assert self.transaction is not None
        if self.fault or self.transaction.is_deauthorized or self._usable_w == 0:
            return Status.SUSPENDED_EVSE
        if self.vehicle is None or not self.vehicle.is_ready:
            return Status.SUSPENDED_EV
        return Status.CHARGING

    @property
    def notice(self) -> Notice:
        status, fault = self.status, self.fault
        if status is Status.UNAVAILABLE and fault in WARNINGS:
            fault = ""  # it is said of an EV in use (1.6, 4.9)
        is_left = self.transaction is not None or self.is_locked
        info = EV_GONE if is_left and self.vehicle is None and not fault else fault
        return Notice(status.value, fault, info)

    @property
    def is_free(self) -> bool:
        """Whether a transaction could be started, if there is a cable."""
        return (
            self.transaction is None
            and self.is_operative
            and not self.is_blocked
            and not self.is_faulted
        )

    @property
    def is_unused(self) -> bool:
        """Whether it is free, and nobody has begun to use it."""
        is_taken = self.vehicle is not None or self.awaits_cable or self.is_locked
        return self.is_free and not is_taken

    @property
    def supply(self) -> Supply:
        return Supply(self.rating_w, self.phases, self.is_dc)

    @property
    def could_charge(self) -> bool:
        """Whether energy would flow if only it were offered."""
        return (
            self.transaction is not None
            and not self.transaction.is_deauthorized
            and not self.fault
            and self.vehicle is not None
            and self.vehicle.is_ready
        )

    @property
    def local_limit_w(self) -> float:
        return self.rating_w if self.limit_w is None else self.limit_w

    @property
    def is_limited(self) -> bool:
        """Whether less than the rating was set by hand."""
        return self.local_limit_w < self.rating_w

    @property
    def offered_w(self) -> float:
        local_w = self.local_limit_w
        return local_w if self.schedule is None else min(local_w, self.schedule.watts)

    @property
    def offered_phases(self) -> int:
        return self.phases if self.schedule is None else self.schedule.phases

    @property
    def used_phases(self) -> int:
        """Those of the offer that the EV can use."""
        if self.is_dc or self.vehicle is None:
            return self.offered_phases
        return min(self.offered_phases, self.vehicle.phases)

    @property
    def _usable_w(self) -> float:
        limit = self.schedule
        if limit is not None and self.offered_w < limit.least_w:
            return 0.0
        return usable_w(
            self.offered_w,
            phases=self.used_phases,
            rating_w=self.rating_w * self.used_phases / self.phases,
            is_dc=self.is_dc,
            amperes=math.inf if limit is None else limit.amperes,
        )

    @property
    def power_w(self) -> float:
        """What flows into the EV right now, in W."""
        if self.vehicle is None or not self.could_charge:
            return 0.0
        return min(self._usable_w, self.vehicle.acceptance_w)

    @property
    def is_held(self) -> bool:
        """Whether its transaction is about to end."""
        return self._held_at is not None

    @property
    def energy_wh(self) -> int:
        """The meter's register as it shows it, in whole Wh; never falls."""
        return math.floor(round(self._register_wh, 3))

    @property
    def seconds_to_change(self) -> float:
        """How long at least until the energy flow ends by itself; inf if never.

        The power only falls as a battery fills, so the real moment is never earlier.
        """
        power_w = self.power_w
        return self._room_wh() * 3600 / power_w if power_w else math.inf

    @property
    def _active_phases(self) -> int:
        if self.is_dc:
            return 1
        return active_phases(self._usable_w, self.used_phases)

    def limit_reached(self, now: datetime) -> StopReason | None:
        """Which limit the session has reached, if any."""
        if self.transaction is None:
            return None
        return self.transaction.limit_reached(now, self._register_wh)

    def read(self) -> Reading:
        self.settle()
        power_w = self.power_w
        return Reading(
            energy_wh=self.energy_wh,
            power_w=power_w,
            offered_w=self.offered_w,
            voltage_v=DC_VOLTAGE_V if self.is_dc else AC_VOLTAGE_V,
            phases=self._active_phases,
            is_dc=self.is_dc,
            rating_w=self.rating_w,
            soc=self.vehicle.soc if self.vehicle else None,
            line_phases=1 if self.is_dc else self.phases,
        )

    # -- what happens to it ----------------------------------------------------------

    def settle(self) -> None:
        """Bring the energy up to now."""
        now = self._monotonic() if self._held_at is None else self._held_at
        self._charge(now - self._settled_at)
        self._settled_at = now

    def plug(self) -> None:
        self.settle()
        self.vehicle = Vehicle(is_dc=self.is_dc)
        self.awaits_cable = self.is_finished = self.is_departing = False
        self.is_locked = False

    def unplug(self, *, stays_locked: bool = False) -> None:
        """The EV is gone; so is the cable, unless the connector holds it."""
        self.settle()
        self.vehicle = None
        self.is_locked = self.is_finished = stays_locked
        self.is_departing = False
        if not self.is_faulted:
            self.fault = ""  # what it warned of is gone with the EV

    def unlock(self) -> None:
        """Let go of a cable whose EV is gone."""
        if self.is_locked:
            self.is_locked = self.is_finished = False

    def start_over(self) -> None:
        """Let a cable that has stayed in count as a new one (1.6, 4.9, F2, H2)."""
        if not self.is_locked:
            self.is_finished = False

    def start(self, transaction: Transaction, *, energy_limit_wh: float | None) -> None:
        self.settle()
        if energy_limit_wh is not None:
            transaction.ends_at_wh = self._register_wh + energy_limit_wh
        self.transaction = transaction
        self.is_finished = False

    def hold(self) -> None:
        """No energy flows from now on, until ``end``: all readings agree."""
        self.settle()
        self._held_at = self._settled_at

    def end(self) -> None:
        """The transaction ends; the cable stays in."""
        self.settle()
        self._settled_at, self._held_at = self._monotonic(), None
        self.transaction = None
        self.is_finished = True
        if self.scheduled_operative is not None:
            self.is_operative = self.scheduled_operative
            self.scheduled_operative = None

    def deauthorize(self) -> None:
        self.settle()
        assert self.transaction is not None
        self.transaction.is_deauthorized = True
        self.transaction.grace_ends_wh = None

    def grant_grace(self, energy_wh: int) -> None:
        """Its id tag is refused, but it may charge so much more to drive away."""
        self.settle()
        assert self.transaction is not None
        self.transaction.grace_ends_wh = self._register_wh + energy_wh

    @property
    def is_grace_over(self) -> bool:
        transaction = self.transaction
        return (
            transaction is not None
            and transaction.grace_ends_wh is not None
            and self._register_wh >= transaction.grace_ends_wh
        )

    def want_energy(self, wanted: bool) -> None:
        self.settle()
        if self.vehicle is not None:
            self.vehicle.wants_energy = wanted

    def limit_power(self, power_w: float) -> float:
        """Offer at most so much; returns what is offered within the rating, in W."""
        self.settle()
        self.limit_w = min(max(0.0, float(power_w)), self.rating_w)
        return self.limit_w

    def limit_by(self, schedule: Limit | None) -> None:
        """From now on charging profiles allow so much, or as much as there is."""
        if schedule != self.schedule:
            self.settle()
            self.schedule = schedule

    def set_fault(self, fault: str) -> None:
        self.settle()
        self.fault = fault

    def change_availability(self, operative: bool) -> bool:
        """False when that has to wait for the end of the transaction."""
        if self.transaction is not None and operative != self.is_operative:
            self.scheduled_operative = operative
            return False
        self.scheduled_operative = None
        if operative and not self.is_operative:
            self.start_over()
        self.is_operative = operative
        return True

    def _charge(self, seconds: float) -> None:
        """Integrate the power over so many seconds, up to a full battery or a limit."""
        while seconds > 0 and (power_w := self.power_w) > 0:
            step = min(seconds, STEP_S)
            room_wh = self._room_wh()
            if room_wh <= 0:
                return
            energy_wh = power_w * step / 3600
            if energy_wh >= room_wh:
                self._fill_up(room_wh)
            else:
                self._add(energy_wh)
            seconds -= step

    def _room_wh(self) -> float:
        """What can still flow before battery or session limit end it, in Wh."""
        assert self.vehicle is not None
        assert self.transaction is not None
        left = max(0.0, self.transaction.limit_wh - self._register_wh)
        return min(self.vehicle.room_wh, left)

    def _fill_up(self, room_wh: float) -> None:
        """Add the rest so that limits are met exactly, without rounding errors."""
        assert self.vehicle is not None
        assert self.transaction is not None
        limit = self.transaction.limit_wh
        is_battery = room_wh >= self.vehicle.room_wh
        is_limit = room_wh >= limit - self._register_wh
        self._add(room_wh)
        if is_battery:
            self.vehicle.charge_wh = self.vehicle.battery_wh
        if is_limit:
            self._register_wh = limit

    def _add(self, energy_wh: float) -> None:
        assert self.vehicle is not None
        self._register_wh += energy_wh
        self.vehicle.charge_wh += energy_wh

    # -- what survives a restart -----------------------------------------------------

    def to_state(self) -> dict[str, Any]:
        self.settle()
        return {
            "operative": self.is_operative,
            "scheduled_operative": self.scheduled_operative,
            "vehicle": self.vehicle.to_state() if self.vehicle else None,
            "fault": self.fault,
            "finished": self.is_finished,
            "locked": self.is_locked,
            "departing": self.is_departing,
            "limit_w": self.limit_w,
            # For whoever looks at it before the first meter value.
            "power_w": self.power_w,
            "offered_w": self.offered_w,
            "register_wh": self._register_wh,
            "transaction": self.transaction.to_state() if self.transaction else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        vehicle, transaction = state.get("vehicle"), state.get("transaction")
        self.is_operative = state.get("operative", True)
        self.scheduled_operative = state.get("scheduled_operative")
        self.vehicle = Vehicle(**vehicle) if vehicle else None
        self.fault = state.get("fault", "")
        self.is_finished = state.get("finished", False)
        self.is_locked = state.get("locked", False)
        self.limit_w = state.get("limit_w")
        self._register_wh = state.get("register_wh", 0.0)
        self.transaction = Transaction(**transaction) if transaction else None
        if state.get("departing"):
            self.unplug()

    def catch_up(self, since: datetime, until: datetime) -> None:
        """The EV went on charging while the charger's process was down."""
        if self.transaction is not None and self.transaction.ends_at is not None:
            until = min(until, parse_time(self.transaction.ends_at))
        self._charge((until - since).total_seconds())
