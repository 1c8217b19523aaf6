"""What a virtual charger keeps in its memory, as its pages show it.

A real station would have to be asked for all this.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..models import Charger
from ..ocpp.versions import Version
from ..virtual.charger import ChargerSpec, VirtualCharger
from ..virtual.clock import SystemClock
from ..virtual.smart_charging import Period, Profile, profile_from_state
from ..virtual.v16.configuration import Configuration
from .chart import KILOWATT, Chart, Sample, Series, draw_power

SPAN = timedelta(hours=24)  # of the composite schedule
HIDDEN = "••••"

Saved = Mapping[str, Any]


@dataclass(frozen=True)
class Setting:
    """A configuration key of OCPP 1.6."""

    name: str
    value: str
    is_readonly: bool
    is_changed: bool  # no longer as it came


def settings_of(charger: Charger, saved: Saved) -> list[Setting]:
    """The configuration keys; none in 2.x, which has variables."""
    if not Version.from_label(charger.ocpp_version).is_v16:
        return []
    changed = saved.get("configuration", {})
    is_dc = bool(charger.model and charger.model.current_type == "dc")
    known = Configuration(changed, connectors=charger.connector_count, is_dc=is_dc)
    return [
        Setting(
            name,
            HIDDEN if known.is_writeonly(name) else known.text(name),
            known.is_readonly(name),
            name in changed,
        )
        for name in known.names()
    ]


@dataclass(frozen=True)
class KnownTag:
    """An id tag that the charger can judge by itself."""

    id_tag: str
    status: str
    expires: str
    parent: str


def local_list(saved: Saved) -> tuple[int, list[KnownTag]]:
    """The local authorization list and its version."""
    found = saved.get("local_list", {})
    return found.get("version", 0), _tags(found.get("entries", {}))


def cached_tags(saved: Saved) -> list[KnownTag]:
    """The authorization cache."""
    return _tags(saved.get("cache", {}))


def _tags(entries: Mapping[str, Any]) -> list[KnownTag]:
    return [
        KnownTag(
            tag,
            info.get("status", ""),
            info.get("expiryDate", info.get("cacheExpiryDateTime", "")),
            info.get("parentIdTag", ""),
        )
        for tag, info in sorted(entries.items())
        if isinstance(info, Mapping)
    ]


# --- Charging profiles ----------------------------------------------------------------


def profiles_of(saved: Saved) -> list[Profile]:
    """The installed charging profiles."""
    return [profile_from_state(item) for item in saved.get("profiles", [])]


@dataclass(frozen=True)
class Composite:
    """What a connector may offer in the hours to come."""

    connector: int
    periods: list[tuple[datetime, Period]]
    limit: Series
    until: datetime

    @property
    def chart(self) -> Chart | None:
        return draw_power([self.limit], self.until, gap=SPAN)


def composites(charger: Charger, saved: Saved, now: datetime) -> list[Composite]:
    """The composite schedule of each connector, as the charger would tell it."""
    twin = _twin(charger, saved)
    found = []
    for number in range(1, charger.connector_count + 1):
        seconds = int(SPAN.total_seconds())
        periods = [
            (now + timedelta(seconds=period.start), period)
            for period in twin.power.composite(number, now, seconds, "W")
        ]
        steps: list[Sample] = []
        for place, (at, period) in enumerate(periods):
            last = place == len(periods) - 1
            until = now + SPAN if last else periods[place + 1][0]
            steps += [(at, period.limit / 1000), (until, period.limit / 1000)]
        limit = Series("limit", "Limit", KILOWATT, steps)
        found.append(Composite(number, periods, limit, now + SPAN))
    return found


def _twin(charger: Charger, saved: Saved) -> VirtualCharger:
    """The charger as it would be after a restart; it is never run."""
    model = charger.model
    spec = ChargerSpec(
        identity=charger.identity,
        url="",
        version=Version.from_label(charger.ocpp_version),
        connectors=charger.connector_count,
        current_type=model.current_type if model else "ac",
        phases=model.phases if model else 3,
        max_power_w=charger.max_power_w,
    )
    return VirtualCharger(
        spec,
        state={**saved, "secrets": {}},  # which are kept sealed
        store=_Nowhere(),
        clock=SystemClock(),
        on_frame=lambda **_: None,
        on_link=lambda is_up, detail: None,
    )


class _Nowhere:
    async def save(self, state: dict[str, Any]) -> None:
        """Nothing is kept of a charger that is only looked at."""
