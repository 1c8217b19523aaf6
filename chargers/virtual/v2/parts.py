"""Reports that come in parts, with ``seqNo`` and ``tbc`` (2.x, B07, K09, N02, N09)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..clock import format_time

if TYPE_CHECKING:
    from ..charger import VirtualCharger

PART_SIZE = 25  # elements of one message


async def send_parts(
    charger: "VirtualCharger",
    action: str,
    field: str,
    elements: Sequence[Any],
    **common: Any,
) -> None:
    """Send the elements, so many at once; also before the CSMS accepts the charger."""
    starts = range(0, len(elements), PART_SIZE)
    for number, start in enumerate(starts):
        end = start + PART_SIZE
        payload = {
            **common,
            field: list(elements[start:end]),
            "tbc": end < len(elements),
        }
        if action != "NotifyDisplayMessages":  # whose parts are neither
            payload["seqNo"] = number
            payload["generatedAt"] = format_time(charger.clock.now())
        await charger.uplink.call(action, payload)
