"""What an EV that speaks ISO 15118 would like to have, and what it takes (2.x, K15)."""

from typing import TYPE_CHECKING

from ...ocpp.versions import Version
from ..clock import format_time
from ..connector import Connector
from ..protocol import Payload
from ..vehicle import DC_VOLTAGE_V

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .transactions import Transactions


class ChargingNeeds:
    def __init__(self, charger: "VirtualCharger", transactions: "Transactions") -> None:
        self._charger = charger
        self._transactions = transactions
        self._told: dict[int, str] = {}  # transactions, by EVSE

    def tell(self, connector: Connector, transaction_id: str) -> None:
        """An EV that speaks ISO 15118 says what it would like to have."""
        vehicle = connector.vehicle
        if vehicle is None:
            return
        self._told[connector.number] = transaction_id
        most_w = vehicle.acceptance_w
        needs = {
            "requestedEnergyTransfer": "DC",
            "dcChargingParameters": {
                "evMaxCurrent": round(most_w / DC_VOLTAGE_V),
                "evMaxVoltage": round(DC_VOLTAGE_V),
                "evMaxPower": round(most_w),
                "energyAmount": round(vehicle.room_wh),
                "evEnergyCapacity": round(vehicle.battery_wh),
                "stateOfCharge": round(vehicle.soc * 100),
                "fullSoC": 100,
                "bulkSoC": 80,
            },
        }
        self._charger.notices.put(
            (
                "NotifyEVChargingNeeds",
                {"evseId": connector.number, "chargingNeeds": needs},
            )
        )

    def were_told(self, evse: int) -> bool:
        """Whether that was told of the transaction that runs."""
        if evse not in self._told:
            return False
        running = self._transactions.running(evse)
        return running is not None and running.id == self._told[evse]

    def tell_schedule(self, evse: int, schedule: Payload) -> None:
        """The EV takes the first schedule that it is offered (K15.FR.19)."""
        kept = {
            name: value for name, value in schedule.items() if name != "salesTariff"
        }
        told: Payload = {
            "timeBase": format_time(self._charger.clock.now()),
            "evseId": evse,
            "chargingSchedule": kept,
        }
        if self._charger.spec.version is Version.V21:
            told["selectedChargingScheduleId"] = schedule["id"]
        self._charger.notices.put(("NotifyEVChargingSchedule", told))
