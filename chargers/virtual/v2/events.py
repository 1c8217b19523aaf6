"""TransactionEvents: what is in them, by what happened (2.x, E01 to E12)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..connector import Connector
from ..outbox import Message
from ..protocol import MeterValue, Payload
from ..settings import Series
from ..states import Status
from .evses import ENERGY, Evse, Running
from .messages import Messages, evse_of
from .tokens import token_of

if TYPE_CHECKING:
    from ..charger import VirtualCharger

_EARLY = (  # before energy may flow
    "Authorized",
    "RemoteStart",
    "CablePluggedIn",
    "EVDetected",
    "SignedDataReceived",
)


class Events:
    """``on_end`` is told the id of each transaction that has ended."""

    def __init__(
        self,
        charger: "VirtualCharger",
        messages: Messages,
        *,
        on_end: Callable[[str], None],
    ) -> None:
        self._charger = charger
        self._messages = messages
        self._on_end = on_end

    def tell(
        self,
        connector: Connector,
        evse: Evse,
        running: Running,
        kind: str,
        trigger: str,
        *,
        state: str | None = None,
        id_tag: str | None = None,
        values: list[MeterValue] | None = None,
        limit: Payload | None = None,
    ) -> Message:
        """Queue one TransactionEvent."""
        if kind == "Ended":  # energy flows no longer
            state = state or state_without_energy(connector)
            values = self._end_values(connector, running)
        elif kind == "Started":
            values = self._begin_values(connector)
        running.state = state or _state_to_tell(connector, evse, trigger)
        payload: Payload = {
            "eventType": kind,
            "timestamp": self._messages.now(),
            "triggerReason": trigger,
            "seqNo": running.seq_no,
            "offline": not self._charger.is_online,
            "transactionInfo": _info(evse, running, kind),
            "evse": evse_of(connector),
        }
        if limit:
            payload["transactionInfo"]["transactionLimit"] = limit
        if values:
            payload["meterValue"] = values
        if running.state == "Charging" and not connector.is_dc:
            payload["numberOfPhasesUsed"] = phases_of(connector)
        running.phases = payload.get("numberOfPhasesUsed", 0)
        self._name_token(payload, evse, id_tag)
        running.offered_w = connector.offered_w
        running.seq_no += 1
        if kind == "Ended":
            evse.running = None
            self._charger.profiles.forget(running.id)
            self._on_end(running.id)
        return self._charger.outbox.put(
            Message(
                "TransactionEvent",
                payload,
                transaction=running.id,
                connector=connector.number,
                is_boundary=kind != "Updated",
            )
        )

    def _name_token(self, payload: Payload, evse: Evse, id_tag: str | None) -> None:
        """An id token is named when it is presented, once (E01.FR.10)."""
        grant = evse.grant
        if id_tag is None and grant is not None and not grant.is_told:
            id_tag, grant.is_told = grant.id_tag, True
        if id_tag is not None:
            payload["idToken"] = token_of(id_tag, self._charger.spec.version)
        if grant is not None and grant.reservation_id is not None:
            payload["reservationId"] = grant.reservation_id
            grant.reservation_id = None

    def _begin_values(self, connector: Connector) -> list[MeterValue]:
        metering = self._charger.metering
        metering.begin(connector)
        return metering.values(connector, Series.BEGIN, "Transaction.Begin")

    def _end_values(self, connector: Connector, running: Running) -> list[MeterValue]:
        values = self._charger.metering.values(
            connector, Series.END_SAMPLED, "Transaction.End"
        )
        return running.end_values + values


def state_of(connector: Connector) -> str:
    """ChargingStateEnumType."""
    if connector.vehicle is None or connector.transaction is None:
        return state_without_energy(connector)
    status = connector.status
    if status in (Status.CHARGING, Status.SUSPENDED_EV):
        return status.value
    return "SuspendedEVSE"


def state_without_energy(connector: Connector) -> str:
    return "Idle" if connector.vehicle is None else "EVConnected"


def phases_of(connector: Connector) -> int:
    """On how many phases energy flows; 0 for DC, or where none flows."""
    if connector.is_dc or connector.status is not Status.CHARGING:
        return 0
    return connector.read().phases


def _state_to_tell(connector: Connector, evse: Evse, trigger: str) -> str:
    """Energy flows, or not, only after an event that lets it (E02.FR.13)."""
    if trigger in _EARLY and ENERGY not in evse.held:
        return state_without_energy(connector)
    return state_of(connector)


def _info(evse: Evse, running: Running, kind: str) -> Payload:
    info: Payload = {
        "transactionId": running.id,
        "chargingState": running.state,
    }
    grant = evse.grant
    if grant is not None and grant.remote_start_id is not None and not grant.is_told:
        info["remoteStartId"] = grant.remote_start_id
    if kind == "Ended":
        info["stoppedReason"] = running.stop_reason or "Other"
    return info
