"""The local authorization list and the cache by OCPP 2.x (C11, D01, D02)."""

from typing import TYPE_CHECKING

from ..authorization import LOCAL_LIST_LIMIT, TagInfo
from ..protocol import Handler, Payload
from .tokens import id_tag_of, tag_info_of

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .protocol import ProtocolV2


class ListRequests:
    def __init__(self, charger: "VirtualCharger", protocol: "ProtocolV2") -> None:
        self._charger = charger
        self._list = charger.local_list
        self._settings = protocol.settings
        self.handlers: dict[str, Handler] = {
            "ClearCache": self._clear_cache,
            "GetLocalListVersion": self._get_version,
            "SendLocalList": self._send,
        }

    def _get_version(self, payload: Payload) -> Payload:
        enabled = self._settings.has_local_list
        return {"versionNumber": self._list.version if enabled else 0}

    def _send(self, payload: Payload) -> Payload:
        if not self._settings.has_local_list:
            return {"status": "Failed", "statusInfo": {"reasonCode": "NotEnabled"}}
        sent = payload.get("localAuthorizationList", [])
        entries: dict[str, TagInfo | None] = {}
        for entry in sent:
            info = entry.get("idTokenInfo")
            entries[id_tag_of(entry["idToken"]).casefold()] = (
                tag_info_of(info) if info else None
            )
        status = self._judge(payload, sent, entries)
        if status == "Accepted":
            version = payload["versionNumber"]
            if payload["updateType"] == "Full":
                kept = {tag: info for tag, info in entries.items() if info}
                self._list.replace(version, kept)
            else:
                self._list.update(version, entries)
            self._charger.flash.touch()
        return {"status": status}

    def _judge(
        self,
        payload: Payload,
        sent: list[Payload],
        entries: dict[str, TagInfo | None],
    ) -> str:
        version = payload["versionNumber"]
        if version <= 0 or len(entries) < len(sent):
            return "Failed"
        if payload["updateType"] == "Full":
            is_good = None not in entries.values()  # there is nothing to delete
            return "Accepted" if is_good and len(sent) <= LOCAL_LIST_LIMIT else "Failed"
        if version <= self._list.version:
            return "VersionMismatch"
        is_too_long = self._list.count_after(entries) > LOCAL_LIST_LIMIT
        return "Failed" if is_too_long else "Accepted"

    def _clear_cache(self, payload: Payload) -> Payload:
        if not self._settings.has_cache:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "NotEnabled"}}
        self._charger.cache.clear()
        self._charger.flash.touch()
        return {"status": "Accepted"}
