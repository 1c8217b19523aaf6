"""OCPP 1.6: what a charger does, told by Start- and StopTransaction and MeterValues."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...ocpp.session import Reply
from ..authorization import TagInfo
from ..connector import Connector
from ..meter import Measurement
from ..outbox import Message, Outcome
from ..protocol import MeterValue, Payload, Protocol, Request
from ..settings import Series
from ..states import EV_GONE, Notice, Status, StopReason
from ..transaction import Transaction
from ..uploads import CANCELED
from .configuration import Binding, Configuration
from .messages import Messages, tag_info
from .requests import Requests
from .settings import KeySettings

if TYPE_CHECKING:
    from ..charger import VirtualCharger


ID_TAG_LENGTH = 20  # CiString20Type
NO_ID = -1  # of a transaction whose start the CSMS did not take


class ProtocolV16(Protocol):
    def __init__(self, charger: "VirtualCharger", state: dict[str, Any]) -> None:
        super().__init__(charger)
        spec = charger.spec
        self.configuration = Configuration(
            state.get("configuration", {}),
            connectors=spec.connectors,
            is_dc=spec.current_type == "dc",
        )
        self._passing: dict[int, Notice] = {}  # statuses that are over when told
        self.settings = KeySettings(self.configuration)
        self.messages = Messages(charger)

    def ready(self) -> None:
        credentials = self._charger.credentials
        self.configuration.bind(
            "AuthorizationKey", Binding(read=str, change=credentials.change_password)
        )
        self.configuration.bind(
            "SecurityProfile",
            Binding(lambda: str(credentials.profile), credentials.change_profile),
        )
        self._requests = Requests(self._charger, self.configuration, self.messages)

    def to_state(self) -> dict[str, Any]:
        return {"configuration": self.configuration.to_state()}

    # -- requests and settings -------------------------------------------------------

    async def handle(self, action: str, payload: Payload) -> Payload | Reply:
        return await self._requests.handle(action, payload)

    def configure(self, name: str, value: str) -> tuple[str, str]:
        return self.configuration.change(name, value)

    def settings_lines(self) -> list[str]:
        keys = self.configuration
        return [f"{n}={keys.text(n)}" for n in keys.names() if not keys.is_writeonly(n)]

    def change_heartbeat_interval(self, seconds: int) -> None:
        self._charger.configure("HeartbeatInterval", str(seconds))

    # -- what a charger says of itself -----------------------------------------------

    def boot_notification(self, reason: str) -> Request:
        if reason != "Triggered":
            self.configuration.boot()
        return self.messages.boot_notification()

    def notice(self, connector: Connector) -> Notice:
        return self._passing.get(connector.number) or connector.notice

    def lost_link(self) -> None:
        self._passing.clear()  # what was is not told later (4.9)

    def status_notification(self, connector: int, notice: Notice) -> Request:
        if self._passing.get(connector) == notice:
            del self._passing[connector]
        return self.messages.status_notification(connector, notice)

    def firmware_status(self, status: str, request_id: int | None) -> Request | None:
        return self.messages.firmware_status(status, request_id)

    def log_status(self, status: str, request_id: int | None) -> Request | None:
        if status == CANCELED:
            return None  # there is no such status (whitepaper, 5.5)
        return self.messages.log_status(status, request_id)

    def security_event(self, kind: str, at: datetime, info: str) -> Request:
        return self.messages.security_event(kind, at, info)

    def can_name(self, id_tag: str) -> bool:
        return len(id_tag) <= ID_TAG_LENGTH

    async def ask(self, id_tag: str) -> TagInfo:
        return tag_info(await self._charger.call(*self.messages.authorize(id_tag)))

    def meter_value(
        self,
        measurement: Measurement,
        items: list[str],
        context: str,
        series: Series,
    ) -> list[MeterValue]:
        return self.messages.meter_value(measurement, items, context)

    # -- what happens ----------------------------------------------------------------

    def begin(self, connector: Connector, transaction: Transaction) -> Message:
        self._charger.metering.begin(connector)
        request = self.messages.start_transaction(connector.number, transaction)
        return self._put(request, connector.number, transaction.key, is_boundary=True)

    def leave(self, connector: Connector) -> None:
        self._charger.metering.sample(connector, "Transaction.End")

    def end(
        self, connector: Connector, transaction: Transaction, reason: StopReason
    ) -> Message:
        if reason is StopReason.EV_DISCONNECTED and self._charger.is_online:
            # Between the end of the transaction and a connector that is free (4.9).
            self._passing[connector.number] = Notice(
                Status.FINISHING.value, info=EV_GONE
            )
        metering = self._charger.metering
        request = self.messages.stop_transaction(
            transaction,
            connector.read(),
            reason,
            data=transaction.begin_values
            + metering.values(connector, Series.END_SAMPLED, "Transaction.End"),
        )
        return self._put(request, connector.number, transaction.key, is_boundary=True)

    def kept_values(self, connector: Connector) -> list[MeterValue] | None:
        transaction = connector.transaction
        return None if transaction is None else transaction.begin_values

    def measured(
        self, connector: Connector, values: list[MeterValue], context: str
    ) -> None:
        transaction = connector.transaction
        request = self.messages.meter_values(connector.number, transaction, values)
        if context == "Trigger" and not self._charger.is_online:
            # It may come before the CSMS has accepted the charger (4.2).
            self._charger.spawn(self._charger.uplink.call(*request))
        elif transaction is not None or context == "Sample.Clock":
            # Clock-aligned ones count as transaction-related without one, too (3.7).
            key = "" if transaction is None else transaction.key
            self._put(request, connector.number, key, is_boundary=False)
        elif self._charger.is_online:
            self._charger.spawn(self._charger.call(*request))

    def took_outcome(self, message: Message, outcome: Outcome) -> None:
        if not message.is_boundary:
            return
        connector = self._charger.connectors[message.connector]
        if isinstance(outcome, Exception):
            self._give_up(connector, message, outcome)
        else:
            self._take_answer(connector, message, outcome)

    def _take_answer(
        self, connector: Connector, message: Message, answer: Payload
    ) -> None:
        info = tag_info(answer)
        if "idTag" in message.payload:
            self._charger.authorizer.remember(message.payload["idTag"], info)
        if message.action != "StartTransaction":
            return
        self._charger.outbox.identify(message.transaction, answer["transactionId"])
        transaction = connector.transaction
        if transaction is not None and transaction.key == message.transaction:
            transaction.id = answer["transactionId"]
        self._charger.charging.heed(connector, message.transaction, info)

    def _give_up(self, connector: Connector, message: Message, reason: Outcome) -> None:
        """A transaction that the CSMS never took goes on without id (errata, 3.18)."""
        if message.action != "StartTransaction":
            return
        self._charger.outbox.identify(message.transaction, NO_ID)
        transaction = connector.transaction
        if transaction is not None and transaction.key == message.transaction:
            transaction.id = NO_ID

    def certificate_request(self) -> Request | None:
        """None as long as nobody has said whose charger it is (A02)."""
        organization = self.configuration.text("CpoName")
        if not organization:
            return None
        csr = self._charger.credentials.request_certificate(organization)
        return "SignCertificate", {"csr": csr}

    def contradicted(self) -> None:
        whole = self._charger.connectors[0]
        action, payload = self.messages.status_notification(0, whole.notice)
        conflict = {**payload, "errorCode": "LocalListConflict"}
        self._charger.notices.put((action, conflict))

    # -- what answers say ------------------------------------------------------------

    def verdict(self, answer: Payload) -> TagInfo:
        return tag_info(answer)

    def transaction_id(self, message: Message, answer: Payload) -> int | str | None:
        """StartTransaction is answered with it, the others have it."""
        given: int | None = answer.get(
            "transactionId", message.payload.get("transactionId")
        )
        return given
