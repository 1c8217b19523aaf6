"""The security log of a charger (whitepaper, A04 and chapter 8)."""

from datetime import datetime
from typing import TYPE_CHECKING

from .clock import format_time, parse_time

if TYPE_CHECKING:
    from .charger import VirtualCharger

LIMIT = 100  # entries; the oldest goes first
INFO_LIMIT = 255  # characters

# What is worth an entry, and no message of its own.
_QUIET = frozenset({"FailedToAuthenticateAtCentralSystem", "InvalidMessages"})


class SecurityLog:
    def __init__(self, charger: "VirtualCharger", state: list[list[str]]) -> None:
        self._charger = charger
        self._entries = state[:]

    def note(self, kind: str, info: str = "") -> None:
        """An event of that kind, named as the specification does, happens now."""
        now, info = self._charger.clock.now(), info[:INFO_LIMIT]
        self._entries = [*self._entries, [format_time(now), kind, info]][-LIMIT:]
        self._charger.flash.touch()
        if kind not in _QUIET:
            self._charger.notices.put(
                self._charger.protocol.security_event(kind, now, info)
            )

    def lines(self, since: datetime | None, until: datetime | None) -> list[str]:
        """The entries of that time, as text."""
        return [
            " ".join(filter(None, entry))
            for entry in self._entries
            if (since is None or parse_time(entry[0]) >= since)
            and (until is None or parse_time(entry[0]) <= until)
        ]

    def to_state(self) -> list[list[str]]:
        return self._entries[:]
