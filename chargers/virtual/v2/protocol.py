"""OCPP 2.0.1 and 2.1: what a charger does, told by TransactionEvents."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...ocpp.session import Reply
from ...ocpp.versions import Version
from ..authorization import TagInfo
from ..clock import format_time
from ..connector import Connector
from ..meter import Measurement
from ..outbox import Message, Outcome
from ..protocol import MeterValue, Payload, Protocol, Request, about
from ..reservation import Reservation
from ..settings import Series
from ..states import Notice, StopReason
from ..transaction import Transaction
from .availability import Availability
from .configuring import find_setting
from .device_model import Access, DeviceModel, Place, Refusal
from .display import Display
from .evses import Grant
from .keys import (
    HEARTBEAT_INTERVAL,
    ISO_15118,
    LIMITS_WITH_SCHEDULES,
    NETWORK_PRIORITY,
    ORGANIZATION,
    PASSWORD,
    PUBLIC_KEY,
    SIGN_ALIGNED,
    SIGN_SAMPLED,
)
from .messages import Messages, status_of
from .monitors import Monitors
from .network import Network
from .renewal import Renewal
from .requests import Requests
from .resets import Resets
from .settings import ALIGNED_SERIES, ModelSettings
from .signing import SIGNED, MeterKey
from .smart_charging import SmartCharging
from .tokens import LENGTHS, tag_info_of, token_of
from .transactions import Transactions
from .variables import shape_of

if TYPE_CHECKING:
    from ..charger import VirtualCharger

_EVENTS = {  # of 1.6, which are called otherwise here (appendix 1)
    "FailedToAuthenticateAtCentralSystem": "FailedToAuthenticateAtCsms",
    "CentralSystemFailedToAuthenticate": "CsmsFailedToAuthenticate",
    "InvalidCentralSystemCertificate": "InvalidCsmsCertificate",
    "InvalidChargePointCertificate": "InvalidChargingStationCertificate",
}


class ProtocolV2(Protocol):
    status_waits = False  # a transaction and a status have nothing to do with another

    def __init__(self, charger: "VirtualCharger", state: dict[str, Any]) -> None:
        super().__init__(charger)
        spec = charger.spec
        is_dc = spec.current_type == "dc"
        shape = shape_of(
            spec.version, spec.connectors, spec.max_power_w, spec.phases, is_dc
        )
        self.model = DeviceModel(charger, shape, state.get("variables", {}))
        self.settings = ModelSettings(self.model)
        self.messages = Messages(charger)
        self._is_v21 = spec.version is Version.V21
        self._meter_key = MeterKey(spec.serial_number or spec.identity)
        self.transactions = Transactions(
            charger,
            self.model,
            self.messages,
            state.get("evses", {}),
            on_end=self._ended,
        )

        self.monitors = Monitors(charger, self.model, state.get("monitoring", {}))
        self.profiles = SmartCharging(
            charger, self.model, self.transactions, state.get("sent_profiles", {})
        )
        self.availability = Availability(
            charger, self.transactions, state.get("closed", [])
        )
        self.renewal = Renewal(
            charger, self.model, state.get("certificate_requests", 0)
        )
        self.resets = Resets(charger, self.transactions)
        self.network = Network(charger, self.model, state.get("network", {}))
        self.display = Display(
            charger, self.model, self.transactions, state.get("display", {})
        )

    def ready(self) -> None:
        self._requests = Requests(self._charger, self)

    def resume(self) -> None:
        self.monitors.resume()
        self.profiles.dynamic.resume()
        self.transactions.resume()
        for connector in self._charger.outlets:
            if self.transactions.awaits_cable(connector):
                self.gave_up(connector)

    def to_state(self) -> dict[str, Any]:
        return {
            "variables": self.model.to_state(),
            "evses": self.transactions.to_state(),
            "monitoring": self.monitors.to_state(),
            "sent_profiles": self.profiles.to_state(),
            "closed": self.availability.to_state(),
            "certificate_requests": self.renewal.requests,
            "network": self.network.to_state(),
            "display": self.display.to_state(),
        }

    # -- requests and settings -------------------------------------------------------

    async def handle(self, action: str, payload: Payload) -> Payload | Reply:
        return await self._requests.handle(action, payload)

    def configure(self, name: str, value: str) -> tuple[str, str]:
        place = find_setting(self.model, name)
        if place is None:
            return "NotSupported", "is no variable of this charger"
        try:
            return self.change(place, value), ""
        except Refusal as refusal:
            return "Rejected", str(refusal)

    def change(self, place: Place, value: str) -> str:
        """Set a variable; its SetVariableStatus. Refusal if it does not take that."""
        if place.key == NETWORK_PRIORITY:
            self.network.check_priority(value)
        status = self.model.change(place, value)
        if place.key == PASSWORD:
            self._charger.credentials.change_password(value)
            self.model.forget(PASSWORD)
            self.monitors.heed(PASSWORD)
        self._charger.settings_changed()
        self.monitors.check()
        return status

    def change_heartbeat_interval(self, seconds: int) -> None:
        self.model.store(HEARTBEAT_INTERVAL, str(seconds))
        self._charger.settings_changed()

    # -- what a charger says of itself -----------------------------------------------

    def boot_notification(self, reason: str) -> Request:
        return self.messages.boot_notification(reason)

    def notice(self, connector: Connector) -> Notice | None:
        return Notice(status_of(connector)) if connector.number else None

    def status_notification(self, connector: int, notice: Notice) -> Request:
        return self.messages.status_notification(connector, notice)

    def firmware_status(self, status: str, request_id: int | None) -> Request:
        return "FirmwareStatusNotification", about(status, request_id)

    def log_status(self, status: str, request_id: int | None) -> Request:
        return "LogStatusNotification", about(status, request_id)

    def certificate_request(self) -> Request:
        csr = self._charger.credentials.request_certificate(
            self.model.text(ORGANIZATION)
        )
        kind = "ChargingStationCertificate"
        payload: Payload = {"csr": csr, "certificateType": kind}
        if self._is_v21:
            payload["requestId"] = self.renewal.next_id()
        return "SignCertificate", payload

    def security_event(self, kind: str, at: datetime, info: str) -> Request:
        payload = {"type": _EVENTS.get(kind, kind), "timestamp": format_time(at)}
        if info:
            payload["techInfo"] = info
        return "SecurityEventNotification", payload

    def settings_lines(self) -> list[str]:
        return [
            f"{place.variable.component}.{place.variable.name}"
            f"[{place.variable.instance}]={self.model.text(place.key)}"
            for place in self.model
            if place.variable.access is Access.BOTH
        ]

    def can_name(self, id_tag: str) -> bool:
        version = self._charger.spec.version
        return len(token_of(id_tag, version)["idToken"]) <= LENGTHS[version]

    async def ask(self, id_tag: str) -> TagInfo:
        token = token_of(id_tag, self._charger.spec.version)
        answer = await self._charger.call("Authorize", {"idToken": token})
        return tag_info_of(answer["idTokenInfo"])

    def meter_value(
        self,
        measurement: Measurement,
        items: list[str],
        context: str,
        series: Series,
    ) -> list[MeterValue]:
        values = self.messages.meter_value(measurement, items, context)
        is_signed = self.model.flag(
            SIGN_ALIGNED if series in ALIGNED_SERIES else SIGN_SAMPLED
        )
        if values and is_signed:
            self._sign(values[0], context)
        return values

    def _sign(self, meter_value: MeterValue, context: str) -> None:
        """Sign the registers in it."""
        policy = self.model.text(PUBLIC_KEY)
        with_key = policy == "EveryMeterValue" or (
            policy == "OncePerTransaction" and context == "Transaction.Begin"
        )
        now = self._charger.clock.now()
        for value in meter_value["sampledValue"]:
            if value["measurand"] == SIGNED and "phase" not in value:
                value["signedMeterValue"] = self._meter_key.sign(
                    value["value"], context, now, with_key=with_key
                )

    # -- the line --------------------------------------------------------------------

    def url(self) -> str:
        return self.network.url()

    def dialed(self) -> None:
        self.network.dialed()

    def failed_to_dial(self) -> None:
        self.network.failed_to_dial()

    def restarting(self) -> None:
        self.network.boot()

    # -- what happens ----------------------------------------------------------------

    def lost_link(self) -> None:
        """What waits has become an event of an offline charger (E11.FR.07)."""
        for message in self._charger.outbox:
            message.payload["offline"] = True

    def new_key(self, connector: Connector) -> str | None:
        running = self.transactions.running(connector.number)
        return None if running is None else running.id

    def plugged(self, connector: Connector) -> None:
        self.transactions.plugged(connector)

    def unplugged(self, connector: Connector) -> None:
        self.transactions.unplugged(connector)

    def admitted(
        self,
        connector: Connector,
        id_tag: str,
        parent: str | None,
        remote_start_id: int | None,
    ) -> None:
        used = self._charger.reservations.use(connector, id_tag, parent)  # H03.FR.09
        self.transactions.admitted(
            connector, Grant(id_tag, remote_start_id, reservation_id=used)
        )

    def gave_up(self, connector: Connector) -> None:
        unused = self.transactions.gave_up(connector)
        if unused is not None and self._is_v21:  # H03.FR.11
            self._tell_reservation(unused, "NoTransaction")

    def begin(self, connector: Connector, transaction: Transaction) -> Message | None:
        message = self.transactions.begin(connector, transaction)
        self.profiles.began(transaction.key)
        if self.model.find(ISO_15118) is not None and self.model.flag(ISO_15118):
            self.profiles.needs.tell(connector, transaction.key)
        return message

    def end(
        self, connector: Connector, transaction: Transaction, reason: StopReason
    ) -> Message | None:
        self.monitors.check()  # what changes is part of the transaction
        return self.transactions.end(connector, transaction, reason)

    def suspended(self, connector: Connector) -> None:
        self.transactions.settled(connector)

    def settled(self, connector: Connector) -> None:
        self.transactions.settled(connector)
        self.availability.settle(connector)
        self.resets.settle()
        self.monitors.check()

    def limited(self, connector: Connector) -> None:
        self.profiles.limit_changed(
            connector, with_schedule=self.model.flag(LIMITS_WITH_SCHEDULES)
        )

    def lost_reservation(self, reservation: Reservation, expired: bool) -> None:
        self._tell_reservation(reservation.id, "Expired" if expired else "Removed")

    def _tell_reservation(self, reservation_id: int, status: str) -> None:
        told = {"reservationId": reservation_id, "reservationUpdateStatus": status}
        self._charger.notices.put(("ReservationStatusUpdate", told))

    def kept_values(self, connector: Connector) -> list[MeterValue] | None:
        running = self.transactions.running(connector.number)
        return None if running is None else running.end_values

    def measured(
        self, connector: Connector, values: list[MeterValue], context: str
    ) -> None:
        request = self.transactions.measured(connector, values, context)
        if request is None:
            return
        # One that a CSMS triggers may come before it has accepted the charger.
        send = self._charger.uplink.call if context == "Trigger" else None
        if send or self._charger.is_online:
            self._charger.spawn((send or self._charger.call)(*request))

    def took_outcome(self, message: Message, outcome: Outcome) -> None:
        self.transactions.took_outcome(message, outcome)

    def _ended(self, transaction_id: str) -> None:
        self.display.forget(transaction_id)

    # -- what answers say ------------------------------------------------------------

    def verdict(self, answer: Payload) -> TagInfo:
        info = answer.get("idTokenInfo")
        return {"status": "Accepted"} if info is None else tag_info_of(info)

    def transaction_id(self, message: Message, answer: Payload) -> int | str | None:
        transaction_id: str = message.payload["transactionInfo"]["transactionId"]
        return transaction_id
