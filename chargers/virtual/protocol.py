"""What an OCPP version makes of a charger: the seam between the core and a version.

The core has one connector, vehicle, power, authorization, reservation and queue for all
versions. It tells the version what happens; the version decides what is said of it.
"""

# A version may pass over what happens.
# ruff: noqa: B027

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..ocpp.session import Reply
from .authorization import TagInfo
from .connector import Connector
from .meter import Measurement
from .outbox import Message, Outcome
from .reservation import Reservation
from .settings import Series, Settings
from .states import Notice, StopReason
from .transaction import Transaction

if TYPE_CHECKING:
    from .charger import VirtualCharger

Payload = dict[str, Any]
Request = tuple[str, Payload]  # action and payload
MeterValue = dict[str, Any]
Handler = Callable[[Payload], Payload | Reply]


class Protocol(ABC):
    """``settings`` and the state are there from the start, the rest of the charger once
    ``ready`` was called.
    """

    settings: Settings
    status_waits = True  # for the message that begins or ends a transaction

    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger

    @abstractmethod
    def ready(self) -> None:
        """The charger is complete: requests may come."""

    def resume(self) -> None:
        """The charger runs (again): go on with what was under way."""

    @abstractmethod
    def to_state(self) -> dict[str, Any]:
        """What has to survive a restart, by names that the core does not use."""

    # -- requests of the CSMS, and settings ------------------------------------------

    @abstractmethod
    async def handle(self, action: str, payload: Payload) -> Payload | Reply:
        """Answer a CALL of the CSMS; never awaits a CALL of its own."""

    @abstractmethod
    def configure(self, name: str, value: str) -> tuple[str, str]:
        """Change a setting by the version's name for it.

        Its status, ``Accepted`` or ``RebootRequired`` for a change, and why it was
        refused.
        """

    def settings_lines(self) -> list[str]:
        """The settings as diagnostics show them, without secrets."""
        return []

    @abstractmethod
    def change_heartbeat_interval(self, seconds: int) -> None:
        """As the answer to a boot asks for it."""

    # -- what a charger says of itself -----------------------------------------------

    @abstractmethod
    def boot_notification(self, reason: str) -> Request:
        """``reason`` as OCPP 2.x spells it (BootReasonEnumType)."""

    def heartbeat(self) -> Request:
        return "Heartbeat", {}

    @abstractmethod
    def notice(self, connector: Connector) -> Notice | None:
        """What the CSMS should know of its status; None where nothing is told."""

    @abstractmethod
    def status_notification(self, connector: int, notice: Notice) -> Request: ...

    def firmware_status(self, status: str, request_id: int | None) -> Request | None:
        """How an update goes, as 2.x spells it; None where a version passes it over."""
        return None

    def log_status(self, status: str, request_id: int | None) -> Request | None:
        """How the upload of a log goes, as 2.x spells it."""
        return None

    def security_event(self, kind: str, at: datetime, info: str) -> Request | None:
        """What is new in the security log."""
        return None

    @abstractmethod
    def can_name(self, id_tag: str) -> bool:
        """Whether the version's messages have room for the id tag."""

    @abstractmethod
    async def ask(self, id_tag: str) -> TagInfo:
        """What the CSMS says of an id tag, by an Authorize."""

    @abstractmethod
    def meter_value(
        self,
        measurement: Measurement,
        items: list[str],
        context: str,
        series: Series,
    ) -> list[MeterValue]:
        """One MeterValue of what can be measured of the items; [] for nothing."""

    # -- the line --------------------------------------------------------------------

    def url(self) -> str:
        """Where to dial now."""
        return self._charger.spec.url

    def dialed(self) -> None:
        """A connection came about."""

    def failed_to_dial(self) -> None:
        """None came about."""

    def restarting(self) -> None:
        """The charger boots anew: what has waited for that is taken up."""

    # -- what happens ----------------------------------------------------------------

    def lost_link(self) -> None:
        """The link is down."""

    def lost_reservation(self, reservation: Reservation, expired: bool) -> None:
        """One has ended without use."""

    def limited(self, connector: Connector) -> None:
        """An operator has set how much power it may offer."""

    def new_key(self, connector: Connector) -> str | None:
        """The key for the transaction that begins; None for any."""
        return None

    def plugged(self, connector: Connector) -> None:
        """A cable has been put in."""

    def unplugged(self, connector: Connector) -> None:
        """The cable is out, and with it any transaction that this ended."""

    def admitted(
        self,
        connector: Connector,
        id_tag: str,
        parent: str | None,
        remote_start_id: int | None,
    ) -> None:
        """An authorized driver is to plug in now."""

    def gave_up(self, connector: Connector) -> None:
        """No cable came in time."""

    @abstractmethod
    def begin(self, connector: Connector, transaction: Transaction) -> Message | None:
        """Energy may flow from now on; what is said of it, if anything."""

    def leave(self, connector: Connector) -> None:
        """A driver is about to end the session."""

    @abstractmethod
    def end(
        self, connector: Connector, transaction: Transaction, reason: StopReason
    ) -> Message | None:
        """The transaction is about to end, as far as energy goes."""

    def suspended(self, connector: Connector) -> None:
        """The CSMS refuses the id tag; the transaction goes on without energy."""

    def settled(self, connector: Connector) -> None:
        """Time has passed, or a fact has changed: the energy flow may be another."""

    @abstractmethod
    def kept_values(self, connector: Connector) -> list[MeterValue] | None:
        """Those kept for the end of the running transaction; None without one."""

    @abstractmethod
    def measured(
        self, connector: Connector, values: list[MeterValue], context: str
    ) -> None:
        """A sample was taken, within a transaction or not."""

    @abstractmethod
    def took_outcome(self, message: Message, outcome: Outcome) -> None:
        """A transaction message was answered or given up."""

    # -- what answers say ------------------------------------------------------------

    @abstractmethod
    def verdict(self, answer: Payload) -> TagInfo:
        """What the answer to a transaction message says of the id tag."""

    @abstractmethod
    def transaction_id(self, message: Message, answer: Payload) -> int | str | None:
        """The id of the transaction that an answered message is about."""

    def certificate_request(self) -> Request | None:
        """A signing request for a new certificate of the charger."""
        return None

    def contradicted(self) -> None:
        """The CSMS's answer does not agree with its own local list."""

    # -- for the versions ------------------------------------------------------------

    def _put(
        self, request: Request, connector: int, transaction: str, *, is_boundary: bool
    ) -> Message:
        message = Message(
            *request,
            transaction=transaction,
            connector=connector,
            is_boundary=is_boundary,
        )
        return self._charger.outbox.put(message)


def about(status: str, request_id: int | None) -> Payload:
    """Without an id where there is nothing that it could be of (L01.FR.21, N01.FR.12)."""
    payload: Payload = {"status": status}
    return payload if request_id is None else {**payload, "requestId": request_id}
