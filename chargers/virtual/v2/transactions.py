"""Transactions of OCPP 2.x: when they begin and end, and what is told of them (E).

Six conditions are watched at every EVSE. A transaction begins when one that TxStartPoint
names becomes true, and ends when one that TxStopPoint names no longer is. What the core
calls a transaction, the time in which energy may flow, lies somewhere within it.
"""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ...ocpp.versions import Version
from ..clock import Event, format_time, parse_time, wait_for_event
from ..connector import Connector
from ..outbox import Message, Outcome
from ..protocol import MeterValue, Payload, Request
from ..settings import Series
from ..states import Status, StopReason
from ..transaction import Transaction
from .device_model import DeviceModel
from .events import Events, phases_of, state_of
from .evses import (
    BAY,
    CABLE,
    CLOSED,
    ENERGY,
    PERMIT,
    SIGNED,
    Evse,
    Grant,
    Running,
    evse_from_state,
)
from .keys import LIMITS, SEND_DURING_IDLE, SIGNIFICANCE, TX_START_POINT, TX_STOP_POINT
from .messages import Messages
from .reasons import TRIGGERS, reason_of
from .tokens import id_tag_of, tag_info_of

if TYPE_CHECKING:
    from ..charger import VirtualCharger

_CONTEXT_TRIGGERS = {
    "Sample.Periodic": "MeterValuePeriodic",
    "Sample.Clock": "MeterValueClock",
    "Trigger": "Trigger",
}


class Transactions:
    def __init__(
        self,
        charger: "VirtualCharger",
        model: DeviceModel,
        messages: Messages,
        state: dict[str, Any],
        *,
        on_end: Callable[[str], None],
    ) -> None:
        self._charger = charger
        self._events = Events(charger, messages, on_end=on_end)
        self._model = model
        self._messages = messages
        self._evses = {
            number: evse_from_state(state[str(number)])
            if str(number) in state
            else Evse()
            for number in range(1, charger.spec.connectors + 1)
        }
        self._returned: dict[int, Event] = {}  # set when a cable is back

    def to_state(self) -> dict[str, Any]:
        return {
            str(number): evse.to_state()
            for number, evse in self._evses.items()
            if evse.held or evse.running or evse.grant
        }

    def running(self, number: int) -> Running | None:
        return self._evses[number].running

    def is_busy(self, connector: Connector) -> bool:
        """Whether somebody charges there, or a transaction runs."""
        running = self.running(connector.number)
        return running is not None or connector.transaction is not None

    def is_over(self, connector: Connector) -> bool:
        """Whether one runs that nobody is authorized for any more (F02.FR.26)."""
        running = self.running(connector.number)
        return running is not None and running.stop_reason != ""

    def awaits_cable(self, connector: Connector) -> bool:
        """Whether somebody is authorized who has yet to plug in."""
        evse = self._evses[connector.number]
        return evse.grant is not None and connector.transaction is None

    def find(self, transaction_id: str) -> Connector | None:
        """The connector that a running transaction is on."""
        for number, evse in self._evses.items():
            if evse.running is not None and evse.running.id == transaction_id:
                return self._charger.connectors[number]
        return None

    # -- what happens ----------------------------------------------------------------

    def plugged(self, connector: Connector) -> None:
        evse = self._evses[connector.number]
        if (returned := self._returned.pop(connector.number, None)) is not None:
            returned.set()
        if self._has_bay_detector:
            self._happen(connector, "EVDetected", evse.held | {BAY})
        self._happen(
            connector, "CablePluggedIn", self._conditions(connector) - {ENERGY}
        )
        self.settled(connector)

    def unplugged(self, connector: Connector) -> None:
        evse = self._evses[connector.number]
        if CABLE in evse.held:
            still_there = self._conditions(connector) | ({BAY} & evse.held)
            self._excuse_loss(evse, "EVDisconnected", still_there)
            self._happen(connector, "EVCommunicationLost", still_there)
            self._close_if_over(connector)
        if self._has_bay_detector:
            self._happen(connector, "EVDeparted", self._conditions(connector))
        evse.held -= {BAY}
        self._await_return_to(connector)

    def _await_return_to(self, connector: Connector) -> None:
        """A cable that is the charger's own has to be back in time (E10.FR.02)."""
        transaction = connector.transaction
        if transaction is not None and connector.vehicle is None and connector.is_dc:
            returned = self._returned[connector.number] = Event()
            self._charger.spawn(self._await_return(connector, transaction, returned))

    async def _await_return(
        self, connector: Connector, transaction: Transaction, returned: Event
    ) -> None:
        limit = self._charger.settings.connection_timeout
        is_back = await wait_for_event(returned, self._charger.clock, limit)
        if not is_back and connector.transaction is transaction:
            self._charger.charging.end(connector, StopReason.TIMEOUT)

    def admitted(self, connector: Connector, grant: Grant) -> None:
        """Somebody may charge as soon as a cable is in."""
        self._evses[connector.number].grant = grant
        trigger = _start_trigger(grant.remote_start_id)
        self._happen(connector, trigger, self._conditions(connector))

    def gave_up(self, connector: Connector) -> int | None:
        """No cable came in time; the reservation used up for it, if nobody was told."""
        evse = self._evses[connector.number]
        unused = evse.grant.reservation_id if evse.grant else None
        evse.grant = None
        left = self._conditions(connector)
        self._excuse_loss(evse, "Timeout", left)
        self._happen(connector, "EVConnectTimeout", left)
        return unused

    def begin(self, connector: Connector, transaction: Transaction) -> Message | None:
        """Energy may flow; the first event about that, if there is one."""
        evse = self._evses[connector.number]
        remote_start_id = transaction.remote_start_id
        if evse.grant is None or evse.grant.id_tag != transaction.id_tag:
            evse.grant = Grant(transaction.id_tag, remote_start_id)
        if transaction.reservation_id is not None:
            evse.grant.reservation_id = transaction.reservation_id
        if evse.running is not None:
            evse.running.stop_reason = ""
        conditions = self._conditions(connector) - {ENERGY}
        told = None
        if conditions != evse.held or not evse.grant.is_told:
            told = self._happen(connector, _start_trigger(remote_start_id), conditions)
        settled = self.settled(connector)
        if evse.running is not None:
            transaction.id = evse.running.id
        return told or settled

    def end(
        self, connector: Connector, transaction: Transaction, reason: StopReason
    ) -> Message | None:
        """Energy may flow no longer; what is said of that."""
        evse = self._evses[connector.number]
        was_unplugged = reason is StopReason.EV_DISCONNECTED
        has_cable = connector.vehicle is not None and not was_unplugged
        self._excuse(evse, reason_of(reason, connector))
        told = self._happen(
            connector,
            TRIGGERS[reason],
            (frozenset({CABLE}) if has_cable else frozenset()) | ({BAY} & evse.held),
            state="EVConnected" if has_cable else "Idle",
            id_tag=transaction.id_tag if reason is StopReason.LOCAL else None,
        )
        evse.grant = None
        return told

    def abort(self, connector: Connector, reason: StopReason) -> Message | None:
        """End the transaction whatever TxStopPoint says, if one runs."""
        evse = self._evses[connector.number]
        if evse.running is None:
            return None
        self._excuse(evse, reason_of(reason, connector))
        return self._events.tell(
            connector, evse, evse.running, "Ended", TRIGGERS[reason]
        )

    def resume(self) -> None:
        """The charger has started again, and so go on its transactions (2.1, E17)."""
        for connector in self._charger.outlets:
            self._await_return_to(connector)
            evse = self._evses[connector.number]
            if evse.running is not None and self._charger.spec.version is Version.V21:
                self._events.tell(connector, evse, evse.running, "Updated", "TxResumed")

    def settled(self, connector: Connector) -> Message | None:
        """Tell of another charging state."""
        evse = self._evses[connector.number]
        running, conditions = evse.running, self._conditions(connector)
        if running is None:
            if conditions == evse.held:
                return None
            return self._happen(connector, "ChargingStateChanged", conditions)
        state = state_of(connector)
        if state == running.state and (
            state != "Charging" or phases_of(connector) == running.phases
        ):
            evse.held = conditions
            return self._tell_rate(connector, evse, running)
        if ENERGY in evse.held and self._stops_at(ENERGY):
            self._excuse(evse, "StoppedByEV" if state == "SuspendedEV" else "Other")
        told = self._happen(connector, "ChargingStateChanged", conditions)
        self._close_if_over(connector)
        return told

    def _close_if_over(self, connector: Connector) -> None:
        """Energy that flows again after an end would be nobody's."""
        evse = self._evses[connector.number]
        if evse.running is None and connector.transaction is not None:
            evse.grant = None
            self._charger.charging.close(connector, connector.transaction)
            evse.held = self._conditions(connector)

    def _tell_rate(
        self, connector: Connector, evse: Evse, running: Running
    ) -> Message | None:
        """Another limit while energy flows, if the change is significant (K13.FR.03)."""
        before, offered_w = running.offered_w, connector.offered_w
        if running.state != "Charging" or offered_w == before:
            return None
        least = float(self._model.text(SIGNIFICANCE)) / 100 * before
        if abs(offered_w - before) <= least:
            return None
        return self._events.tell(
            connector, evse, running, "Updated", "ChargingRateChanged"
        )

    def measured(
        self, connector: Connector, values: list[MeterValue], context: str
    ) -> Request | None:
        """Tell of a sample; the MeterValues to send where no event is due."""
        is_busy = any(evse.running for evse in self._evses.values())
        if context == "Sample.Clock" and is_busy and self._model.flag(SEND_DURING_IDLE):
            return None  # for the main meter, too (J01.FR.20)
        evse = self._evses.get(connector.number)
        if evse is None or evse.running is None or context == "Trigger":
            return self._messages.meter_values(connector.number, values)
        trigger = _CONTEXT_TRIGGERS[context]
        self._events.tell(
            connector, evse, evse.running, "Updated", trigger, values=values
        )
        return None

    def trigger(self, connector: Connector) -> Message | None:
        """The CSMS asks for an event of the running transaction (F06)."""
        evse = self._evses[connector.number]
        if evse.running is None:
            return None
        metering = self._charger.metering
        values = metering.values(connector, Series.SAMPLED, "Trigger")
        return self._events.tell(
            connector, evse, evse.running, "Updated", "Trigger", values=values
        )

    def took_outcome(self, message: Message, outcome: Outcome) -> None:
        """What the CSMS says of the id token that an event named."""
        if isinstance(outcome, Exception):
            return
        if limit := outcome.get("transactionLimit"):
            self._limit(message, limit)
        token = message.payload.get("idToken")
        if token is None:
            return
        if (info := outcome.get("idTokenInfo")) is None:
            return
        verdict = tag_info_of(info)
        self._charger.authorizer.remember(id_tag_of(token), verdict)
        connector = self._charger.connectors[message.connector]
        if message.payload["triggerReason"] != "StopAuthorized":
            self._charger.charging.heed(connector, message.transaction, verdict)

    def _limit(self, message: Message, limit: Payload) -> None:
        """The CSMS limits the transaction; what can be kept is confirmed (2.1, E16)."""
        limit = {name: limit[name] for name in LIMITS if name in limit}
        connector = self._charger.connectors[message.connector]
        evse, transaction = self._evses[connector.number], connector.transaction
        if (
            not limit
            or evse.running is None
            or transaction is None
            or evse.running.id != message.transaction
        ):
            return
        if "maxEnergy" in limit:
            transaction.ends_at_wh = transaction.meter_start_wh + limit["maxEnergy"]
        if "maxTime" in limit:
            started_at = parse_time(transaction.started_at)
            ends_at = started_at + timedelta(seconds=limit["maxTime"])
            transaction.ends_at = format_time(ends_at)
        self._events.tell(
            connector, evse, evse.running, "Updated", "LimitSet", limit=limit
        )
        self._charger.charging.wake()

    # -- conditions ------------------------------------------------------------------

    @property
    def _has_bay_detector(self) -> bool:
        points = (TX_START_POINT, TX_STOP_POINT)
        return any(BAY in self._model.items(point) for point in points)

    def _stops_at(self, condition: str) -> bool:
        return condition in self._model.items(TX_STOP_POINT)

    def _conditions(self, connector: Connector) -> frozenset[str]:
        evse = self._evses[connector.number]
        held = set()
        if connector.vehicle is not None:
            held |= {BAY, CABLE} if self._has_bay_detector else {CABLE}
        transaction = connector.transaction
        if transaction is not None or evse.grant is not None:
            held.add(PERMIT)
        if held >= {CABLE, PERMIT}:
            held |= {CLOSED, SIGNED}
        if connector.status is Status.CHARGING:
            held.add(ENERGY)
        return frozenset(held)

    def _excuse(self, evse: Evse, reason: str) -> None:
        """Why the transaction will have ended: the first reason counts."""
        if evse.running is not None:
            evse.running.stop_reason = evse.running.stop_reason or reason

    def _excuse_loss(self, evse: Evse, reason: str, left: frozenset[str]) -> None:
        """The same where the transaction ends with conditions that are no more."""
        if any(self._stops_at(lost) for lost in evse.held - left):
            self._excuse(evse, reason)

    # -- events ----------------------------------------------------------------------

    def _happen(
        self,
        connector: Connector,
        trigger: str,
        conditions: frozenset[str],
        *,
        state: str | None = None,
        id_tag: str | None = None,
    ) -> Message | None:
        """Draw the consequences of other conditions, and tell of them."""
        evse = self._evses[connector.number]
        before, evse.held = evse.held, conditions
        self._charger.flash.touch()
        if evse.running is None:
            begun = (conditions - before) & set(self._model.items(TX_START_POINT))
            if not begun:
                return None
            if evse.grant is not None and evse.grant.remote_start_id is not None:
                trigger = "RemoteStart"
            elif begun == {SIGNED}:
                trigger = "SignedDataReceived"
            transaction = connector.transaction
            key = str(uuid.uuid4()) if transaction is None else transaction.key
            running = evse.running = Running(key)
            if transaction is not None:
                transaction.id = key
            return self._events.tell(
                connector, evse, running, "Started", trigger, state=state
            )
        ended = (before - conditions) & set(self._model.items(TX_STOP_POINT))
        return self._events.tell(
            connector,
            evse,
            evse.running,
            "Ended" if ended else "Updated",
            trigger,
            state=state,
            id_tag=id_tag,
        )


def _start_trigger(remote_start_id: int | None) -> str:
    return "Authorized" if remote_start_id is None else "RemoteStart"
