"""Charging profiles whose limit the CSMS moves as it goes (2.1, K28, K29)."""

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from ...ocpp.errors import CallTimeout, LinkClosed, OCPPError
from ..clock import format_time
from ..protocol import Payload

if TYPE_CHECKING:
    from ..charger import VirtualCharger


class DynamicProfiles:
    """``sent`` are the profiles as they were sent, by id, and are kept up to date."""

    def __init__(self, charger: "VirtualCharger", sent: dict[int, Payload]) -> None:
        self._charger = charger
        self._sent = sent
        self._pulls: dict[int, asyncio.Task[None]] = {}

    def update(self, payload: Payload) -> Payload:
        is_done = self._apply_update(
            payload["chargingProfileId"], payload["scheduleUpdate"]
        )
        return {"status": "Accepted" if is_done else "Rejected"}

    def _apply_update(self, profile_id: int, update: Payload) -> bool:
        """Another limit for a dynamic profile (K28); False where there is none such."""
        sent = self._sent.get(profile_id)
        profile = next((p for p in self._charger.profiles if p.id == profile_id), None)
        if sent is None or profile is None or "limit" not in update:
            return False
        if sent["chargingProfileKind"] != "Dynamic" or update["limit"] < 0:
            return False
        (period,) = profile.periods
        changed = replace(profile, periods=(period._replace(limit=update["limit"]),))
        self._charger.profiles.install(changed, by_id=True)
        (schedule,) = sent["chargingSchedule"]
        (told,) = schedule["chargingSchedulePeriod"]
        periods = [{**told, "limit": update["limit"]}]
        self._sent[profile_id] = {
            **sent,
            "dynUpdateTime": format_time(self._charger.clock.now()),
            "chargingSchedule": [{**schedule, "chargingSchedulePeriod": periods}],
        }
        self._charger.power.reconsider()
        return True

    def resume(self) -> None:
        """Go on asking for updates; for a charger that runs."""
        for profile_id in self._sent:
            self.pull(profile_id)

    def pull(self, profile_id: int) -> None:
        """Ask for updates of the profile, if it wants that, as it is now."""
        if (before := self._pulls.pop(profile_id, None)) is not None:
            before.cancel()
        interval = self._sent[profile_id].get("dynUpdateInterval", 0)
        if interval > 0:
            self._pulls[profile_id] = self._charger.spawn(
                self._pull_updates(profile_id, interval)
            )

    async def _pull_updates(self, profile_id: int, interval: int) -> None:
        """As long as the profile is installed (K29)."""
        while True:
            await self._charger.clock.sleep(interval)
            if profile_id not in {p.id for p in self._charger.profiles}:
                del self._pulls[profile_id]
                return
            with contextlib.suppress(LinkClosed, CallTimeout, OCPPError):
                answer = await self._charger.call(
                    "PullDynamicScheduleUpdate", {"chargingProfileId": profile_id}
                )
                if answer["status"] == "Accepted" and "scheduleUpdate" in answer:
                    self._apply_update(profile_id, answer["scheduleUpdate"])
