"""How pages write states, powers, energies and JSON."""

import json
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString


def badge(text: str, tone: str) -> SafeString:
    """A coloured label; tones: good, charge, busy, warn, bad, idle."""
    return format_html('<span class="badge {}">{}</span>', tone, text)


def power(watts: float | None) -> str:
    return "\N{EN DASH}" if watts is None else f"{watts / 1000:.2f} kW"


def energy(watt_hours: float | None) -> str:
    return "\N{EN DASH}" if watt_hours is None else f"{watt_hours / 1000:,.2f} kWh"


def pretty_json(value: Any) -> str:
    """Indented JSON; text that is JSON is indented as well, other text is kept."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    return json.dumps(value, indent=2, ensure_ascii=False)
