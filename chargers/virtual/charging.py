"""Transactions of a virtual charger: begin, measure, end, and what the CSMS says."""

import asyncio
import contextlib
import math
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..ocpp.errors import LinkClosed
from . import v16
from .authorization import TagInfo, is_accepted
from .clock import format_time, parse_time, wait_for_event
from .connector import Connector, Transaction
from .outbox import Message, Outcome
from .smart_charging import Profile

if TYPE_CHECKING:
    from .charger import VirtualCharger

SHORTEST_PAUSE = 0.01  # s, between two looks at the connectors


class Charging:
    """What changes state is synchronous, so that nothing can come in between; what is
    to be said about it goes through the outbox or a task of its own.
    """

    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger
        self._clock = charger.clock
        self._configuration = charger.configuration
        self._changed = asyncio.Event()
        self._metering = charger.metering
        self._plugged = {c.number: asyncio.Event() for c in charger.outlets}
        self._departures: dict[int, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Something changed: look again at what is due."""
        self._changed.set()

    # -- authorization ---------------------------------------------------------------

    async def authorize(self, id_tag: str) -> TagInfo:
        """The verdict on an id tag, from here or from the CSMS (1.6, 3.5, 4.1).

        LinkClosed when only the CSMS could tell, and there is no link.
        """
        known = self._known(id_tag)
        is_known = is_accepted(known, self._clock.now())
        if is_known and self._configuration.flag("LocalPreAuthorize"):
            return known or {}
        if self._charger.is_online:
            return await self.ask_csms(id_tag)
        if is_known and self._configuration.flag("LocalAuthorizeOffline"):
            return known or {}
        if known is None and self._configuration.flag("AllowOfflineTxForUnknownId"):
            return {"status": "Accepted"}
        raise LinkClosed("The charger is offline and does not know the id tag.")

    async def ask_csms(self, id_tag: str) -> TagInfo:
        request = self._charger.messages.authorize(id_tag)
        info = v16.tag_info(await self._charger.call(*request))
        self._remember(id_tag, info)
        return info

    def parent_of(self, id_tag: str) -> str | None:
        """Its parent id, as far as that is known here."""
        return (self._known(id_tag) or {}).get("parentIdTag")

    def may_admit(self, connector: Connector, id_tag: str) -> bool:
        """False where a reservation keeps the id tag off, whatever its parent id."""
        reservations = self._charger.reservations
        return reservations.admits(connector, id_tag, None) or (
            reservations.needs_parent(connector, id_tag)
        )

    async def admits(
        self, connector: Connector, id_tag: str, parent: str | None = None
    ) -> bool:
        """Whether no reservation keeps the id tag off (1.6, 5.13).

        The CSMS is asked for a parent id that is not known here.
        """
        reservations = self._charger.reservations
        parent = parent or self.parent_of(id_tag)
        if parent is None and reservations.needs_parent(connector, id_tag):
            parent = (await self.ask_csms(id_tag)).get("parentIdTag")
        return reservations.admits(connector, id_tag, parent)

    def _known(self, id_tag: str) -> TagInfo | None:
        """What the local list says, else the cache."""
        found = None
        if self._configuration.flag("LocalAuthListEnabled"):
            found = self._charger.local_list.find(id_tag)
        if found is None and self._configuration.flag("AuthorizationCacheEnabled"):
            found = self._charger.cache.find(id_tag)
        return found

    def _remember(self, id_tag: str, info: TagInfo) -> None:
        """In the cache, unless the local list has the id tag (1.6, 4.1)."""
        if self._configuration.flag("LocalAuthListEnabled") and (
            self._charger.local_list.find(id_tag) is not None
        ):
            return
        if info and self._configuration.flag("AuthorizationCacheEnabled"):
            self._charger.cache.remember(id_tag, info)
            self._charger.flash.touch()

    # -- begin and end ---------------------------------------------------------------

    def plug(self, connector: Connector) -> None:
        connector.plug()
        self._plugged[connector.number].set()
        self._charger.flash.touch()

    def unplug(self, connector: Connector) -> Message | None:
        """Cable out; returns the StopTransaction if that ended a transaction."""
        stopped = None
        if connector.transaction is not None and self._configuration.flag(
            "StopTransactionOnEVSideDisconnect"
        ):
            stopped = self.end(connector, "EVDisconnected")
        connector.unplug()
        self._plugged[connector.number].clear()
        self._charger.flash.touch()
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
    ) -> Message:
        """Begin a transaction, perhaps with limits; returns its StartTransaction."""
        reading = connector.read()
        now = self._clock.now()
        transaction = Transaction(
            key=str(uuid.uuid4()),
            id_tag=id_tag,
            started_at=format_time(now),
            meter_start_wh=reading.energy_wh,
            is_session=is_session,
            parent=parent,
            reservation_id=self._charger.reservations.use(connector, id_tag, parent),
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
        self._metering.begin(connector, transaction)
        self.wake()
        request = self._charger.messages.start_transaction(
            connector.number, transaction
        )
        return self._put(request, connector, transaction, is_boundary=True)

    def end(self, connector: Connector, reason: str) -> Message:
        """End the running transaction; returns its StopTransaction."""
        transaction = connector.transaction
        assert transaction is not None
        request = self._charger.messages.stop_transaction(
            transaction,
            connector.read(),
            reason,
            data=transaction.begin_values + self._metering.end_data(connector),
        )
        self._close(connector, transaction)
        self.wake()
        return self._put(request, connector, transaction, is_boundary=True)

    def _close(self, connector: Connector, transaction: Transaction) -> None:
        connector.end()
        self._charger.profiles.forget(transaction.key)
        self._charger.settle_availability()

    def end_session(self, connector: Connector) -> Message:
        """Last meter values, StopTransaction, unplug: a driver who leaves."""
        self._metering.sample(connector, "Transaction.End")
        stopped = self.end(connector, "Local")
        self._depart(connector, stopped)
        return stopped

    async def departed(self, connector: Connector) -> None:
        """Return when a driver who is leaving has left, and the CSMS knows."""
        if connector.number in self._departures:
            await asyncio.shield(self._departures[connector.number])

    def _depart(self, connector: Connector, stopped: Message) -> None:
        connector.is_departing = True  # also if the process dies before it is done
        self._departures[connector.number] = self._charger.spawn(
            self._unplug_after(connector, stopped)
        )

    async def _unplug_after(self, connector: Connector, stopped: Message) -> None:
        await stopped.outcome()
        if connector.is_departing:
            self.unplug(connector)
        await self._charger.report(connector)

    def _put(
        self,
        request: v16.Request,
        connector: Connector,
        transaction: Transaction,
        *,
        is_boundary: bool,
    ) -> Message:
        message = Message(
            *request,
            transaction=transaction.key,
            connector=connector.number,
            is_boundary=is_boundary,
        )
        return self._charger.outbox.put(message)

    # -- start from remote -----------------------------------------------------------

    async def start_remotely(
        self, connector: Connector, id_tag: str, profile: Profile | None = None
    ) -> None:
        """What follows an accepted RemoteStartTransaction (1.6, 5.11)."""
        parent = None
        if self._configuration.flag("AuthorizeRemoteTxRequests"):
            verdict = await self.authorize(id_tag)
            if not is_accepted(verdict, self._clock.now()):
                return
            parent = verdict.get("parentIdTag")
        if not await self.admits(connector, id_tag, parent):
            return
        if connector.vehicle is None:
            await self._await_cable(connector)
        if connector.vehicle is not None and connector.is_free:
            parent = parent or self.parent_of(id_tag)
            self.start(connector, id_tag, profile=profile, parent=parent)

    async def _await_cable(self, connector: Connector) -> None:
        """Be in Preparing until somebody plugs in, at most for ConnectionTimeOut."""
        connector.awaits_cable = True
        self._charger.report_soon(connector)
        limit = self._configuration.integer("ConnectionTimeOut")
        await wait_for_event(self._plugged[connector.number], self._clock, limit)
        if connector.vehicle is None:
            self.forget_remote_start(connector)
            self._plugged[connector.number].clear()
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
        if connector.transaction is None:
            self._charger.report_soon(connector)
            return
        if connector.is_over(self._clock.now()):
            self.end_session(connector)
            return
        if connector.is_grace_over:
            self._stop_unauthorized(connector, connector.transaction)
        self._metering.take_due(connector)
        self._charger.report_soon(connector)

    def _due_in(self, connector: Connector) -> float:
        """Seconds until the connector has to be tended next."""
        transaction = connector.transaction
        if transaction is None:
            return math.inf
        due_in = min(self._metering.due_in(connector), connector.seconds_to_change)
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
        if not message.is_boundary:
            return
        connector = self._charger.connectors[message.connector]
        if isinstance(outcome, Exception):
            self._give_up(connector, message, outcome)
        else:
            self._take_answer(connector, message, outcome)
        await self._charger.flash.flush()
        await self._tell_status(message)

    async def _tell_status(self, message: Message) -> None:
        if self._charger.outbox.untried_boundary(message.connector):
            return  # which will tell the status in its turn
        connector = self._charger.connectors[message.connector]
        if self._configuration.integer("MinimumStatusDuration"):
            self._charger.report_soon(connector)
            return
        with contextlib.suppress(Exception):  # the next link tells it
            await self._charger.tell_status(connector)

    def _take_answer(
        self, connector: Connector, message: Message, answer: dict[str, Any]
    ) -> None:
        info = v16.tag_info(answer)
        if "idTag" in message.payload:
            self._remember(message.payload["idTag"], info)
        if message.action != "StartTransaction":
            return
        self._charger.outbox.identify(message.transaction, answer["transactionId"])
        transaction = connector.transaction
        if transaction is None or transaction.key != message.transaction:
            return  # over before the CSMS heard of it
        transaction.id = answer["transactionId"]
        if info.get("status") != "Accepted":
            self._refuse(connector, transaction)

    def _refuse(self, connector: Connector, transaction: Transaction) -> None:
        """The CSMS refuses the id tag of a transaction that runs already (3.5.4)."""
        if grace_wh := self._configuration.integer("MaxEnergyOnInvalidId"):
            connector.grant_grace(grace_wh)
            self.wake()
        else:
            self._stop_unauthorized(connector, transaction)

    def _stop_unauthorized(
        self, connector: Connector, transaction: Transaction
    ) -> None:
        if not self._configuration.flag("StopTransactionOnInvalidId"):
            connector.deauthorize()
            return
        stopped = self.end(connector, "DeAuthorized")
        if transaction.is_session:
            self._depart(connector, stopped)

    def _give_up(self, connector: Connector, message: Message, reason: Outcome) -> None:
        """A transaction that the CSMS never took ends here, and with it its messages."""
        if message.action != "StartTransaction":
            return
        self._charger.outbox.discard(message.transaction, reason)
        transaction = connector.transaction
        if transaction is not None and transaction.key == message.transaction:
            self._close(connector, transaction)
            if transaction.is_session:
                self.unplug(connector)
