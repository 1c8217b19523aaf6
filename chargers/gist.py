"""What an OCPP payload says, in one line that a person can take in."""

from collections.abc import Iterator
from typing import Any

from ocpplab import html

from .models import MeterValue

LEFT_OUT = ("timestamp", "customData", "seqNo", "generatedAt", "offline", "meterValue")
# Their values tell what they are.
NAMELESS = ("status", "connectorStatus", "eventType", "triggerReason", "chargingState")
ITEMS = 3  # of a list


def gist(payload: Any) -> str:
    """``Charging, connectorId 1``; of meter values, first of all what they measured."""
    measured = _measured(payload) if isinstance(payload, dict) else ()
    return ", ".join([*measured, *_said(payload)])


def _said(value: Any, name: str = "") -> Iterator[str]:
    if name in LEFT_OUT or value in (None, "", {}, []):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _said(item, key)
    elif isinstance(value, list):
        for item in value[:ITEMS]:
            yield from _said(item, name)
        if len(value) > ITEMS:
            yield f"{len(value) - ITEMS} more"
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        yield text if name in NAMELESS else f"{name} {text}".strip()


def _measured(payload: dict[str, Any]) -> Iterator[str]:
    """Of the last of its meter values."""
    values = payload.get("meterValue")
    last = values[-1] if isinstance(values, list) and values else None
    samples = last.get("sampledValue") if isinstance(last, dict) else None
    if not isinstance(samples, list):
        return
    value = MeterValue(sampled_values=[s for s in samples if _is_readable(s)])
    if value.power_w is not None:
        yield html.power(value.power_w)
    if value.energy_wh is not None:
        yield html.energy(value.energy_wh)
    if (soc := value.value_of("SoC")) is not None:
        yield f"{soc:.0f} %"


def _is_readable(sample: Any) -> bool:
    return isinstance(sample, dict) and isinstance(
        sample.get("unitOfMeasure", {}), dict
    )
