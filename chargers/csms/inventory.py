"""Full inventory reports as they come, part by part (2.0.1, B07)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone


@dataclass(slots=True)
class _Inventory:
    asked_at: datetime
    next_part: int = 0
    names_any: bool = False


class Inventories:
    """Those that were asked for over one connection.

    One with a part missing never ends here: it is not known to name all variables.
    """

    def __init__(self) -> None:
        self._open: dict[int, _Inventory] = {}  # by request id

    def note_request(self, action: str, payload: Mapping[str, Any]) -> None:
        """A CALL is sent to the station; a report may take the id of an older one."""
        if action not in ("GetBaseReport", "GetReport"):
            return
        self._open.pop(payload["requestId"], None)
        if payload.get("reportBase") == "FullInventory":
            self._open[payload["requestId"]] = _Inventory(timezone.now())

    def note_report(self, payload: Mapping[str, Any]) -> datetime | None:
        """A NotifyReport is kept; when what it ends was asked for, if it ends one."""
        request_id, part = payload["requestId"], payload["seqNo"]
        inventory = self._open.get(request_id)
        if inventory is None or part < inventory.next_part:  # told once more
            return None
        if part > inventory.next_part:
            del self._open[request_id]
            return None
        inventory.next_part += 1
        inventory.names_any |= bool(payload.get("reportData"))
        if payload.get("tbc", False):
            return None
        del self._open[request_id]
        return inventory.asked_at if inventory.names_any else None
