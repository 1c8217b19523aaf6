"""proxy-message: which messages a charger can be made to send (contract, 10.2)."""

from typing import Any

from chargers.ocpp.messages import SENT_BY_CHARGERS
from chargers.ocpp.versions import Version

from .errors import UnsupportedMessage


def check(version: Version, event: dict[str, Any]) -> None:
    """Raise UnsupportedMessage unless a charger of this version sends that action."""
    if event["ocpp_version"] != version.value:
        raise UnsupportedMessage(
            f"The charger speaks {version.value}, not {event['ocpp_version']}."
        )
    action = event["action"].replace("_", "").lower()
    if action not in {name.lower() for name in SENT_BY_CHARGERS[version]}:
        raise UnsupportedMessage(
            f"{event['action']!r} is no message that a charger sends in {version.value}."
        )
