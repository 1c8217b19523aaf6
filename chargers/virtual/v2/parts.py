"""Reports that come in parts, with ``seqNo`` and ``tbc`` (2.x, B07, K09, N02, N09)."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..clock import format_time
from ..protocol import Payload

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
    for payload in _parts(field, elements, common):
        payload["generatedAt"] = format_time(charger.clock.now())
        await charger.uplink.call(action, payload)


def _parts(field: str, elements: Sequence[Any], common: Payload) -> Iterator[Payload]:
    for number, start in enumerate(range(0, len(elements), PART_SIZE)):
        end = start + PART_SIZE
        yield {
            **common,
            field: list(elements[start:end]),
            "seqNo": number,
            "tbc": end < len(elements),
        }
