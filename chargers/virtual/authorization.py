"""Who may charge, as far as the charger knows by itself (OCPP 1.6, 3.5; 2.x, C, D).

Id tags are case-insensitive. What is kept of one is its idTagInfo as OCPP 1.6 spells
it, whatever the version: ``status`` and perhaps ``expiryDate``, ``parentIdTag``.
"""

from datetime import datetime
from typing import Any

from .clock import parse_time

CACHE_LIMIT = 1000  # entries
LOCAL_LIST_LIMIT = 1000  # entries

TagInfo = dict[str, Any]


class LocalList:
    """The local authorization list; version 0 is the empty one (1.6, 5.10)."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.version: int = state.get("version", 0)
        self._entries: dict[str, TagInfo] = dict(state.get("entries", {}))

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, id_tag: str) -> TagInfo | None:
        return self._entries.get(id_tag.casefold())

    def replace(self, version: int, entries: dict[str, TagInfo]) -> None:
        self.version = version
        self._entries = {tag.casefold(): info for tag, info in entries.items()}

    def count_after(self, entries: dict[str, TagInfo | None]) -> int:
        """How long the list would be after such an update."""
        return len(self._merged(entries))

    def update(self, version: int, entries: dict[str, TagInfo | None]) -> None:
        """Change the named entries; None deletes one."""
        self.version, self._entries = version, self._merged(entries)

    def _merged(self, entries: dict[str, TagInfo | None]) -> dict[str, TagInfo]:
        merged = {**self._entries, **{t.casefold(): i for t, i in entries.items()}}
        return {tag: info for tag, info in merged.items() if info is not None}

    def to_state(self) -> dict[str, Any]:
        return {"version": self.version, "entries": dict(self._entries)}


class AuthorizationCache:
    """The CSMS's latest answers, by id tag."""

    def __init__(self, state: dict[str, TagInfo]) -> None:
        self._entries = dict(state)

    def find(self, id_tag: str) -> TagInfo | None:
        return self._entries.get(id_tag.casefold())

    def remember(self, id_tag: str, info: TagInfo, now: datetime) -> None:
        """When it is full, what is not valid goes first, then the oldest (3.5.1)."""
        self._entries.pop(id_tag.casefold(), None)
        if len(self._entries) >= CACHE_LIMIT:
            self._entries = {
                tag: known
                for tag, known in self._entries.items()
                if is_accepted(known, now)
            }
        if len(self._entries) >= CACHE_LIMIT:
            del self._entries[next(iter(self._entries))]
        self._entries[id_tag.casefold()] = info

    def forget(self, id_tag: str) -> None:
        self._entries.pop(id_tag.casefold(), None)

    def clear(self) -> int:
        """Forget everything; how many entries were there?"""
        count = len(self._entries)
        self._entries.clear()
        return count

    def to_state(self) -> dict[str, TagInfo]:
        return dict(self._entries)


def is_accepted(info: TagInfo | None, now: datetime) -> bool:
    """Whether what is known of an id tag lets it charge now."""
    if info is None or info.get("status") != "Accepted":
        return False
    expiry = info.get("expiryDate")
    try:
        return expiry is None or parse_time(expiry) > now
    except ValueError:  # such as a leap second
        return False
