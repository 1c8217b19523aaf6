"""What is known of one EVSE: a running transaction, who is authorized, what holds."""

from dataclasses import asdict, dataclass, field
from typing import Any

from ..protocol import MeterValue

# Conditions that TxStartPoint and TxStopPoint may name.
BAY, CABLE, PERMIT = "ParkingBayOccupancy", "EVConnected", "Authorized"
CLOSED, SIGNED, ENERGY = "PowerPathClosed", "DataSigned", "EnergyTransfer"


@dataclass(slots=True)
class Running:
    """A transaction as the CSMS knows it."""

    id: str
    seq_no: int = 0  # of the next event
    state: str = ""  # the charging state that was told
    phases: int = 0  # that were told
    offered_w: float = 0.0  # when that was told last
    stop_reason: str = ""  # why authorization ended, once it has
    end_values: list[MeterValue] = field(default_factory=list)


@dataclass(slots=True)
class Grant:
    """Somebody is authorized; ``is_told`` once an event has named the id token."""

    id_tag: str
    remote_start_id: int | None = None
    reservation_id: int | None = None
    is_told: bool = False


@dataclass(slots=True)
class Evse:
    """What is known of one EVSE."""

    held: frozenset[str] = frozenset()  # the conditions that were true last
    running: Running | None = None
    grant: Grant | None = None

    def to_state(self) -> dict[str, Any]:
        return {**asdict(self), "held": sorted(self.held)}


def evse_from_state(state: dict[str, Any]) -> Evse:
    running, grant = state["running"], state["grant"]
    return Evse(
        frozenset(state["held"]),
        Running(**running) if running else None,
        Grant(**grant) if grant else None,
    )
