"""How pages write states, powers, energies and JSON."""

import json
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString


def badge(text: str, tone: str) -> SafeString:
    """A coloured label; tones: good, charge, busy, warn, bad, idle."""
    return format_html('<span class="badge {}">{}</span>', tone, text)


def power(watts: float | None) -> str:
    return _scaled(watts, "W")


def energy(watt_hours: float | None) -> str:
    return _scaled(watt_hours, "Wh")


def _scaled(value: float | None, unit: str) -> str:
    """``7.36 kW``, ``150.5 kW``, ``10.25 MW``: as exact as there is room for."""
    if value is None:
        return "\N{EN DASH}"
    value, prefix = (value / 1e6, "M") if abs(value) >= 1e7 else (value / 1e3, "k")
    return f"{value:,.{1 if abs(value) >= 100 else 2}f} {prefix}{unit}"


def pretty_json(value: Any) -> str:
    """Indented JSON; text that is JSON is indented as well, other text is kept."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    return json.dumps(value, indent=2, ensure_ascii=False)
