"""Resets that the CSMS asks for, of the station or of one EVSE (2.x, B11, B12)."""

from typing import TYPE_CHECKING

from ..clock import wait_for_event
from ..connector import Connector
from ..states import StopReason

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .transactions import Transactions

TELL_LIMIT = 30.0  # s for transactions to be reported before a reboot
STATION = 0


class Resets:
    def __init__(self, charger: "VirtualCharger", transactions: "Transactions") -> None:
        self._charger = charger
        self._transactions = transactions
        self._waiting: set[int] = set()  # EVSEs that are reset once they are idle

    def is_busy(self, evse: int) -> bool:
        return any(self._transactions.is_busy(c) for c in self._chosen(evse))

    def schedule(self, evse: int) -> None:
        """Reset as soon as no transaction runs there."""
        self._waiting.add(evse)

    def settle(self) -> None:
        """Carry out what has waited, where that may be now."""
        for evse in [e for e in self._waiting if not self.is_busy(e)]:
            self._waiting.discard(evse)
            self._charger.spawn(self.carry_out(evse, "ScheduledReset"))

    async def carry_out(self, evse: int, reason: str = "RemoteReset") -> None:
        """End what runs there; then the station boots anew."""
        for connector in self._chosen(evse):
            self._charger.charging.forget_remote_start(connector)
            self._transactions.abort(connector, StopReason.HARD_RESET)
            if connector.transaction is not None:
                self._charger.charging.end(connector, StopReason.HARD_RESET)
        if evse == STATION:
            self._waiting.clear()
            await wait_for_event(
                self._charger.outbox.emptied, self._charger.clock, TELL_LIMIT
            )
            self._charger.uplink.restart(reason)

    def _chosen(self, evse: int) -> list[Connector]:
        return [c for c in self._charger.outlets if evse in (STATION, c.number)]
