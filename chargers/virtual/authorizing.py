"""Whether an id tag may charge: from what is known here, or from the CSMS."""

from datetime import timedelta
from typing import TYPE_CHECKING

from ..ocpp.errors import LinkClosed
from .authorization import TagInfo, is_accepted
from .clock import format_time
from .connector import Connector

if TYPE_CHECKING:
    from .charger import VirtualCharger


class Authorizer:
    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger
        self._settings = charger.settings

    async def authorize(self, id_tag: str) -> TagInfo:
        """The verdict on an id tag, from here or from the CSMS (1.6, 3.5, 4.1).

        LinkClosed when only the CSMS could tell, and there is no link.
        """
        if not self._settings.needs_authorization:
            return {"status": "Accepted"}
        verdict = await self._judge(id_tag)
        if self.is_master(verdict):
            return {**verdict, "status": "Invalid"}  # no master pass starts (2.x, C12)
        return verdict

    def is_master(self, info: TagInfo) -> bool:
        """Whether it is that of one who may stop all transactions, and start none."""
        return self._settings.is_master_group(info.get("parentIdTag", ""))

    async def _judge(self, id_tag: str) -> TagInfo:
        known = self.known(id_tag)
        is_known = is_accepted(known, self._charger.clock.now())
        if is_known and self._settings.pre_authorizes:
            return known or {}
        if not self._settings.asks_csms:
            return known or {"status": "Unknown"}
        if self._charger.is_online:
            if known is None or is_known or self._rechecks(id_tag):
                return await self.ask_csms(id_tag)
            return known
        if is_known and self._settings.authorizes_offline:
            return known or {}
        if known is None and self._settings.admits_unknown_offline:
            return {"status": "Accepted"}
        if known is not None and not is_known:
            # What was valid may have expired by now (3.5.4).
            is_expired = known.get("status") == "Accepted"
            return {**known, "status": "Expired"} if is_expired else known
        raise LinkClosed("The charger is offline and does not know the id tag.")

    def _rechecks(self, id_tag: str) -> bool:
        is_listed = self._settings.has_local_list and (
            self._charger.local_list.find(id_tag) is not None
        )
        return self._settings.rechecks(listed=is_listed)

    async def ask_csms(self, id_tag: str) -> TagInfo:
        info = await self._charger.protocol.ask(id_tag)
        self.remember(id_tag, info)
        return info

    def known(self, id_tag: str) -> TagInfo | None:
        """What the local list says, else the cache."""
        found = None
        if self._settings.has_local_list:
            found = self._charger.local_list.find(id_tag)
        if found is None and self._settings.has_cache:
            found = self._charger.cache.find(id_tag)
        return found

    def parent_of(self, id_tag: str) -> str | None:
        """Its parent id, as far as that is known here."""
        return (self.known(id_tag) or {}).get("parentIdTag")

    def remember(self, id_tag: str, info: TagInfo) -> None:
        """In the cache, unless the local list has the id tag (1.6, 4.1)."""
        listed = None
        if self._settings.has_local_list:
            listed = self._charger.local_list.find(id_tag)
        if listed is not None:
            now = self._charger.clock.now()
            if info and is_accepted(listed, now) != is_accepted(info, now):
                self._charger.protocol.contradicted()
            return
        if info and self._settings.has_cache:
            now, lifetime = self._charger.clock.now(), self._settings.cache_lifetime
            if lifetime and "expiryDate" not in info:
                expiry = format_time(now + timedelta(seconds=lifetime))
                info = {**info, "expiryDate": expiry}
            self._charger.cache.remember(id_tag, info, now)
            self._charger.flash.touch()

    # -- reservations ----------------------------------------------------------------

    def may_admit(
        self, connector: Connector, id_tag: str, parent: str | None = None
    ) -> bool:
        """False where a reservation keeps the id tag off, or would whatever its parent
        id is as long as that is not known.
        """
        reservations = self._charger.reservations
        if reservations.admits(connector, id_tag, parent):
            return True
        return parent is None and reservations.needs_parent(connector, id_tag)

    async def admits(
        self, connector: Connector, id_tag: str, parent: str | None = None
    ) -> bool:
        """Whether no reservation keeps the id tag off (1.6, 5.13).

        The CSMS is asked for a parent id that is not known here.
        """
        reservations = self._charger.reservations
        parent = parent or self.parent_of(id_tag)
        if parent is None and reservations.needs_parent(connector, id_tag):
            parent = (await self.ask_csms(id_tag)).get("parentIdTag")
        return reservations.admits(connector, id_tag, parent)
