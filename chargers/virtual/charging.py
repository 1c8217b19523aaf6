"""Transactions of a virtual charger: begin, measure, end, and what the CSMS says."""

import asyncio
import contextlib
import math
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ..ocpp.errors import CallTimeout, LinkClosed
from .authorization import TagInfo, is_accepted
from .clock import Event, format_time, parse_time, wait_for_event
from .connector import Connector
from .outbox import Message, Outcome
from .smart_charging import Profile
from .states import StopReason
from .transaction import Transaction

if TYPE_CHECKING:
    from .charger import VirtualCharger

SHORTEST_PAUSE = 0.01  # s, between two looks at the connectors


class Charging:
    """What changes state is synchronous, so that nothing can come in between; what is
    to be said about it is up to the protocol.
    """

    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger
        self._clock = charger.clock
        self._settings = charger.settings
        self._protocol = charger.protocol
        self._metering = charger.metering
        self._changed = Event()
        self._plugged = {c.number: Event() for c in charger.outlets}
        self._claimed: set[int] = set()  # connectors with a remote start under way
        self._departures: dict[int, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Something changed: look again at what is due."""
        self._changed.set()

    # -- begin and end ---------------------------------------------------------------

    def plug(self, connector: Connector) -> None:
        connector.plug()
        self._plugged[connector.number].set()
        self._protocol.plugged(connector)
        self._charger.flash.touch()

    def unplug(self, connector: Connector) -> Message | None:
        """Cable out; returns what was said of a transaction that this ended.

        That of a transaction is locked: perhaps its other end stays in, unless it is a
        fixed one.
        """
        stopped, ends = None, False
        if connector.transaction is not None and self._settings.stops_on_unplug:
            stopped, ends = self.end(connector, StopReason.EV_DISCONNECTED), True
        is_held = not connector.is_dc and not self._settings.unlocks_on_unplug
        connector.unplug(stays_locked=ends and is_held)
        self._protocol.unplugged(connector)
        self._charger.flash.touch()
        return stopped

    def unlock(self, connector: Connector) -> Message | None:
        """Let the cable go, which ends a transaction first (1.6, 5.18)."""
        stopped = None
        if connector.transaction is not None:
            stopped = self.end(connector, StopReason.UNLOCK)
        connector.unlock()
        self._charger.flash.touch()
        self._charger.report_soon(connector)
        return stopped

    def start(
        self,
        connector: Connector,
        id_tag: str,
        *,
        duration_s: int | None = None,
        energy_wh: float | None = None,
        is_session: bool = False,
        profile: Profile | None = None,
        parent: str | None = None,
        remote_start_id: int | None = None,
    ) -> Message | None:
        """Begin a transaction, perhaps with limits; returns what is said of it."""
        reading = connector.read()
        now = self._clock.now()
        transaction = Transaction(
            key=self._protocol.new_key(connector) or str(uuid.uuid4()),
            id_tag=id_tag,
            started_at=format_time(now),
            meter_start_wh=reading.energy_wh,
            is_session=is_session,
            parent=parent,
            reservation_id=self._charger.reservations.use(connector, id_tag, parent),
            remote_start_id=remote_start_id,
        )
        if duration_s is not None:
            transaction.ends_at = format_time(now + timedelta(seconds=duration_s))
        connector.start(transaction, energy_limit_wh=energy_wh)
        if profile is not None:
            self._charger.profiles.install(
                replace(
                    profile, connector=connector.number, transaction=transaction.key
                )
            )
        self._charger.power.apply()
        started = self._protocol.begin(connector, transaction)
        self._charger.flash.touch()
        self.wake()
        return started

    def end(self, connector: Connector, reason: StopReason) -> Message | None:
        """End the running transaction; returns what is said of it."""
        transaction = connector.transaction
        assert transaction is not None
        connector.hold()
        stopped = self._protocol.end(connector, transaction, reason)
        self.close(connector, transaction)
        self.wake()
        return stopped

    def close(self, connector: Connector, transaction: Transaction) -> None:
        """End it without a word."""
        connector.end()
        self._charger.profiles.forget(transaction.key)
        self._charger.settle_availability()

    def end_session(
        self, connector: Connector, reason: StopReason = StopReason.LOCAL
    ) -> Message | None:
        """Last meter values, the end, unplug: a driver who leaves."""
        self._protocol.leave(connector)
        stopped = self.end(connector, reason)
        self.depart(connector, stopped)
        return stopped

    async def departed(self, connector: Connector) -> None:
        """Return when a driver who is leaving has left, and the CSMS knows."""
        if connector.number in self._departures:
            await asyncio.shield(self._departures[connector.number])

    def depart(self, connector: Connector, stopped: Message | None) -> None:
        connector.is_departing = True  # also if the process dies before it is done
        task = self._charger.spawn(self._unplug_after(connector, stopped))
        self._departures[connector.number] = task
        task.add_done_callback(lambda _: self._left(connector, task))

    def _left(self, connector: Connector, task: "asyncio.Task[None]") -> None:
        if self._departures.get(connector.number) is task:
            del self._departures[connector.number]

    async def _unplug_after(
        self, connector: Connector, stopped: Message | None
    ) -> None:
        if stopped is not None:
            await stopped.outcome()
        if connector.is_departing:
            self.unplug(connector)
        await self._charger.report(connector)

    # -- start from remote -----------------------------------------------------------

    def place_for(
        self, number: int | None, id_tag: str, parent: str | None = None
    ) -> Connector | None:
        """The named connector if the id tag may start there; else one with a cable in,
        else any.
        """
        authorizer = self._charger.authorizer
        free = [
            connector
            for connector in self._charger.outlets
            if connector.is_free
            and connector.number not in self._claimed
            and authorizer.may_admit(connector, id_tag, parent)
        ]
        if number is not None:
            return next((c for c in free if c.number == number), None)
        with_cable = (c for c in free if c.vehicle is not None)
        return next(with_cable, free[0] if free else None)

    def start_remotely(
        self,
        connector: Connector,
        id_tag: str,
        profile: Profile | None = None,
        *,
        parent: str | None = None,
        remote_start_id: int | None = None,
    ) -> None:
        """What follows an accepted start from remote (1.6, 5.11; 2.x, F01, F02).

        Until it has begun or come to nothing, the connector is nobody else's.
        """
        self._claimed.add(connector.number)
        task = self._charger.spawn(
            self._start_remotely(connector, id_tag, profile, parent, remote_start_id)
        )
        task.add_done_callback(lambda _: self._claimed.discard(connector.number))

    async def _start_remotely(
        self,
        connector: Connector,
        id_tag: str,
        profile: Profile | None,
        parent: str | None,
        remote_start_id: int | None,
    ) -> None:
        authorizer = self._charger.authorizer
        if self._settings.authorizes_remote_starts:
            verdict = await authorizer.authorize(id_tag)
            if not is_accepted(verdict, self._clock.now()):
                return
            parent = verdict.get("parentIdTag") or parent
        if not await authorizer.admits(connector, id_tag, parent):
            return
        if connector.vehicle is None:
            self._protocol.admitted(connector, id_tag, parent, remote_start_id)
            await self._await_cable(connector)
        await self.prepare(connector)
        if connector.vehicle is not None and connector.is_free:
            self.start(
                connector,
                id_tag,
                profile=profile,
                parent=parent or authorizer.parent_of(id_tag),
                remote_start_id=remote_start_id,
            )

    async def prepare(self, connector: Connector) -> None:
        """Tell that somebody starts anew with a cable that has stayed in (1.6, 4.9)."""
        if connector.vehicle is None or not connector.is_finished:
            return
        connector.start_over()
        if self._charger.is_online and not self._settings.minimum_status_duration:
            with contextlib.suppress(CallTimeout, LinkClosed):
                await self._charger.tell_status(connector)

    async def _await_cable(self, connector: Connector) -> None:
        """Wait until somebody plugs in, at most for so long as the settings say."""
        connector.awaits_cable = True
        self._charger.report_soon(connector)
        self.wake()  # it is one less that others may reserve
        plugged, limit = (
            self._plugged[connector.number],
            self._settings.connection_timeout,
        )
        plugged.clear()  # set by a reset, or by who was there before
        await wait_for_event(plugged, self._clock, limit)
        if connector.vehicle is None:
            connector.awaits_cable = False
            self._protocol.gave_up(connector)
        self._charger.report_soon(connector)

    def forget_remote_start(self, connector: Connector) -> None:
        """Wait no longer for a cable."""
        connector.awaits_cable = False
        self._plugged[connector.number].set()

    # -- as time passes --------------------------------------------------------------

    async def watch(self) -> None:
        """Take samples and notice what ends by itself, for ever."""
        while True:
            self._changed.clear()
            self._charger.power.apply()
            self._charger.reservations.settle()
            for connector in self._charger.outlets:
                self._tend(connector)
            pauses = [self._due_in(c) for c in self._charger.outlets]
            pauses.append(self._charger.power.due_in())
            pauses.append(self._charger.reservations.due_in())
            pause = max(SHORTEST_PAUSE, min(pauses))
            await wait_for_event(
                self._changed, self._clock, None if math.isinf(pause) else pause
            )

    def _tend(self, connector: Connector) -> None:
        connector.settle()
        if connector.transaction is not None:
            if limit := connector.limit_reached(self._clock.now()):
                if connector.transaction.is_session:
                    self.end_session(connector, limit)
                    return
                self.end(connector, limit)  # it was the CSMS that limited it
            elif connector.is_grace_over:
                self._stop_unauthorized(connector, connector.transaction)
        self._protocol.settled(connector)
        self._metering.take_due(connector)
        self._charger.report_soon(connector)

    def _due_in(self, connector: Connector) -> float:
        """Seconds until the connector has to be tended next."""
        due_in = self._metering.due_in(connector)
        transaction = connector.transaction
        if transaction is None:
            return due_in
        due_in = min(due_in, connector.seconds_to_change)
        if transaction.ends_at is not None:
            left = parse_time(transaction.ends_at) - self._clock.now()
            due_in = min(due_in, left.total_seconds())
        return due_in

    # -- what became of transaction messages -----------------------------------------

    async def on_failure(self, message: Message) -> None:
        """An attempt failed: the connector's status does not wait for the next."""
        await self._tell_status(message)

    async def on_outcome(self, message: Message, outcome: Outcome) -> None:
        """A message was answered or given up: draw the consequences."""
        self._protocol.took_outcome(message, outcome)
        if message.is_boundary:
            await self._charger.flash.flush()
            await self._tell_status(message)

    async def _tell_status(self, message: Message) -> None:
        if self._charger.outbox.untried_boundary(message.connector):
            return  # which will tell the status in its turn
        connector = self._charger.connectors[message.connector]
        if self._settings.minimum_status_duration:
            self._charger.report_soon(connector)
        else:
            with contextlib.suppress(Exception):  # the next link tells it
                await self._charger.tell_status(connector)
        whole = self._charger.connectors[0]
        self._charger.report_soon(whole)  # which may have waited for the transaction

    def heed(self, connector: Connector, key: str, info: TagInfo) -> None:
        """What the CSMS says of the id tag of a transaction that may run (3.5.4)."""
        transaction = connector.transaction
        if transaction is None or transaction.key != key:
            return  # over before the CSMS heard of it
        if info.get("status") == "Accepted":
            return
        if grace_wh := self._settings.grace_wh:
            connector.grant_grace(grace_wh)
            self.wake()
        else:
            self._stop_unauthorized(connector, transaction)

    def _stop_unauthorized(
        self, connector: Connector, transaction: Transaction
    ) -> None:
        if not self._settings.stops_on_invalid_id:
            connector.deauthorize()
            self._protocol.suspended(connector)
            return
        stopped = self.end(connector, StopReason.DEAUTHORIZED)
        if transaction.is_session:
            self.depart(connector, stopped)
