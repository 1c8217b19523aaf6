"""What the CSMS has set in and out of service: station, EVSEs, connectors (2.x, G03, G04).

A connector can be used as long as nothing above it is out of service; what was set for
it alone is remembered meanwhile.
"""

from typing import TYPE_CHECKING

from ..connector import Connector
from .messages import CONNECTOR

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .transactions import Transactions

Part = tuple[int, int]  # EVSE and connector; 0 for the whole of it


class Availability:
    def __init__(
        self,
        charger: "VirtualCharger",
        transactions: "Transactions",
        state: list[list[int]],
    ) -> None:
        self._charger = charger
        self._transactions = transactions
        self._closed: set[Part] = {(evse, connector) for evse, connector in state}

    def to_state(self) -> list[list[int]]:
        return sorted(list(part) for part in self._closed)

    def change(self, part: Part, operative: bool) -> bool:
        """False when that has to wait for the end of a transaction somewhere."""
        if operative:
            self._closed.discard(part)
        else:
            self._closed.add(part)
        chosen = [c for c in self._charger.outlets if part[0] in (0, c.number)]
        self._charger.flash.touch()
        results = [self.settle(connector) for connector in chosen]
        return all(results)

    def settle(self, connector: Connector) -> bool:
        """Let it be as it is to be, unless a transaction keeps it from that."""
        wanted = self._is_open(connector)
        if wanted == connector.is_operative:
            return True
        if self._transactions.is_busy(connector):
            return False
        connector.is_operative = wanted
        self._charger.reservations.settle()
        self._charger.report_soon(connector)
        self._charger.flash.touch()
        return True

    def _is_open(self, connector: Connector) -> bool:
        number = connector.number
        above = {(0, 0), (number, 0), (number, CONNECTOR)}
        return self._closed.isdisjoint(above)
