"""Connectors kept free for an id tag (OCPP 1.6, 3.11, 5.2, 5.13). No I/O."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from .clock import Clock, format_time, parse_time
from .connector import Connector
from .states import Status


@dataclass(frozen=True, slots=True)
class Reservation:
    """``connector`` 0: any one of them."""

    id: int
    connector: int
    id_tag: str
    expires_at: datetime
    parent: str | None = None

    def is_for(self, id_tag: str, parent: str | None) -> bool:
        return self.id_tag.casefold() == id_tag.casefold() or (
            self.parent is not None
            and parent is not None
            and self.parent.casefold() == parent.casefold()
        )

    def to_state(self) -> dict[str, Any]:
        return {**asdict(self), "expires_at": format_time(self.expires_at)}


class Reservations:
    """Keeps ``is_reserved`` of the connectors true to what is reserved.

    ``on_lost`` is told of one that has ended without use, and whether it had expired.
    """

    def __init__(
        self,
        state: Iterable[dict[str, Any]],
        *,
        outlets: Sequence[Connector],
        clock: Clock,
        on_lost: Callable[[Reservation, bool], None],
    ) -> None:
        self._held = [
            Reservation(**{**item, "expires_at": parse_time(item["expires_at"])})
            for item in state
        ]
        self._outlets = outlets
        self._clock = clock
        self._on_lost = on_lost
        self._mark()

    def reserve(self, wanted: Reservation) -> str:
        """The answer to ReserveNow (5.13); one of the same id is replaced."""
        if wanted.expires_at <= self._clock.now():
            return "Rejected"
        before = self._held
        self._held = [held for held in before if held.id != wanted.id]
        self.settle()
        status = self._status_for(wanted)
        self._held = [*self._held, wanted] if status == "Accepted" else before
        self.settle()
        return status

    def cancel(self, reservation_id: int) -> bool:
        kept = [held for held in self._held if held.id != reservation_id]
        was_held = len(kept) < len(self._held)
        self._held = kept
        self.settle()
        return was_held

    def needs_parent(self, connector: Connector, id_tag: str) -> bool:
        """Whether the id tag may only be let in for its parent id."""
        return not self.admits(connector, id_tag, None) and any(
            held.parent is not None for held in self._on(connector)
        )

    def admits(self, connector: Connector, id_tag: str, parent: str | None) -> bool:
        reservations = self._on(connector)
        return not reservations or any(r.is_for(id_tag, parent) for r in reservations)

    def use(self, connector: Connector, id_tag: str, parent: str | None) -> int | None:
        """A transaction starts: the id of the reservation that it uses up."""
        mine = [
            held
            for held in self._held
            if held.connector in (0, connector.number) and held.is_for(id_tag, parent)
        ]
        if not mine:
            return None
        used = max(mine, key=lambda held: held.connector)
        self.cancel(used.id)
        return used.id

    def settle(self) -> None:
        """Drop what has expired or whose connector cannot be used any more (5.13)."""
        now = self._clock.now()
        usable = {
            c.number for c in self._outlets if c.is_operative and not c.is_faulted
        }
        lost = [
            held
            for held in self._held
            if held.expires_at <= now
            or not (held.connector in usable if held.connector else usable)
        ]
        self._held = [held for held in self._held if held not in lost]
        self._mark()
        for held in lost:
            self._on_lost(held, held.expires_at <= now)

    def _mark(self) -> None:
        for connector in self._outlets:
            connector.is_reserved = bool(self._on(connector))

    def due_in(self) -> float:
        """Seconds until the next one expires."""
        expiries = (held.expires_at for held in self._held)
        due = min(expiries, default=None)
        return math.inf if due is None else (due - self._clock.now()).total_seconds()

    def to_state(self) -> list[dict[str, Any]]:
        return [held.to_state() for held in self._held]

    def _on(self, connector: Connector) -> list[Reservation]:
        """Those that keep others off it; for any connector if too few others are left."""
        own = [held for held in self._held if held.connector == connector.number]
        if own or not connector.is_free:
            return own
        anywhere = [held for held in self._held if held.connector == 0]
        taken = {connector.number, *(held.connector for held in self._held)}
        left = [c for c in self._outlets if c.is_unused and c.number not in taken]
        return anywhere if len(left) < len(anywhere) else []

    def _status_for(self, wanted: Reservation) -> str:
        chosen = [c for c in self._outlets if wanted.connector in (0, c.number)]
        if not chosen:
            return "Rejected"
        statuses = {connector.status for connector in chosen}
        if Status.AVAILABLE in statuses:
            return "Accepted"
        if statuses == {Status.FAULTED}:
            return "Faulted"
        is_any_in_use = statuses - {Status.FAULTED, Status.UNAVAILABLE}
        return "Occupied" if is_any_in_use else "Unavailable"
