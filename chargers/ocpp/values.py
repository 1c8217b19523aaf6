"""Values inside payloads that a schema cannot fully judge."""

from datetime import UTC, datetime
from typing import Any

from .errors import OCPPError


def parse_time(text: str) -> datetime:
    """The UTC time an OCPP dateTime names; OCPPError if there is no such time."""
    text = text.upper()
    if text[16:19] == ":60":  # a leap second, which datetime does not know
        text = f"{text[:16]}:59{text[19:]}"
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise OCPPError(
            "PropertyConstraintViolation", f"{text[:40]!r} is no time."
        ) from None


def format_time(at: datetime) -> str:
    """An OCPP dateTime in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def check_range(payload: dict[str, Any], name: str, low: int, high: int) -> int:
    """The integer field ``name`` of a payload, which must lie within the bounds."""
    value: int = payload[name]
    if not low <= value <= high:
        raise OCPPError(
            "PropertyConstraintViolation", f"{name}: {low} to {high} is accepted."
        )
    return value
