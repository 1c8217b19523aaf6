"""Smart charging as OCPP 2.x spells it (K)."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ...ocpp.errors import OCPPError
from ...ocpp.session import Reply
from ..clock import format_time
from ..connector import Connector
from ..power import COMPOSITE_LIMIT
from ..profile_payloads import period_payload, profile_of
from ..protocol import Handler, Payload
from ..smart_charging import MAX_PROFILES, Profile, Purpose
from .charging_needs import ChargingNeeds
from .device_model import DeviceModel
from .dynamic_profiles import DynamicProfiles
from .keys import SMART_CHARGING

if TYPE_CHECKING:
    from ..charger import VirtualCharger
    from .transactions import Transactions


EXTERNAL = "ChargingStationExternalConstraints"
EXTERNAL_SOURCE = "EMS"  # who limits the power from outside, whom an operator plays
CSMS_SOURCE = "CSO"

_PURPOSES = {
    "ChargingStationMaxProfile": Purpose.STATION_MAX,
    "TxDefaultProfile": Purpose.TX_DEFAULT,
    "TxProfile": Purpose.TX,
    "PriorityCharging": Purpose.PRIORITY,  # 2.1
}
_CHARGING_MODES = (None, "ChargingOnly")  # of OperationModeEnumType (2.1)


class Refused(Exception):
    """A profile that cannot be followed; the reason code of OCPP."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SmartCharging:
    """``state`` are the profiles as they were sent, by id."""

    def __init__(
        self,
        charger: "VirtualCharger",
        model: DeviceModel,
        transactions: "Transactions",
        state: dict[str, Payload],
    ) -> None:
        self._charger = charger
        self._model = model
        self._transactions = transactions
        self._sent = {int(number): payload for number, payload in state.items()}
        self.needs = ChargingNeeds(charger, transactions)
        self.dynamic = DynamicProfiles(charger, self._sent)
        self._units = {"W"} if charger.spec.current_type == "dc" else {"A", "W"}
        handlers: dict[str, Handler] = {
            "ClearChargingProfile": self._clear,
            "GetChargingProfiles": self._get,
            "GetCompositeSchedule": self._get_composite_schedule,
            "SetChargingProfile": self._set,
            "UpdateDynamicSchedule": self.dynamic.update,
            "UsePriorityCharging": self._use_priority,
        }
        self.handlers = {
            action: partial(self._answer, handler)
            for action, handler in handlers.items()
        }

    def to_state(self) -> dict[str, Payload]:
        installed = {profile.id for profile in self._charger.profiles}
        return {str(n): sent for n, sent in self._sent.items() if n in installed}

    @property
    def is_enabled(self) -> bool:
        return self._model.flag(SMART_CHARGING)

    def _answer(self, handler: Handler, payload: Payload) -> Payload | Reply:
        if not self.is_enabled:  # K01.FR.29
            raise OCPPError("NotSupported", "Smart charging is switched off.")
        return handler(payload)

    # -- set -------------------------------------------------------------------------

    def _set(self, payload: Payload) -> Payload:
        sent = payload["chargingProfile"]
        try:
            self._install(payload["evseId"], sent)
        except Refused as refusal:
            info = {"reasonCode": refusal.reason}
            return {"status": "Rejected", "statusInfo": info}
        return {"status": "Accepted"}

    def _install(self, evse: int, sent: Payload) -> None:
        if not 0 <= evse <= len(self._charger.outlets):
            raise Refused("UnknownEvse")
        profile = self._read(evse, sent)
        if profile.purpose is Purpose.TX:
            profile = self._for_transaction(profile, sent)
        if any(_excludes(profile, other) for other in self._charger.profiles):
            raise Refused("DuplicateProfile")
        if not self._charger.profiles.install(profile, by_id=True):
            raise Refused("TooManyElements")
        if len(self._sent) > 2 * MAX_PROFILES:
            self._forget_gone()
        self._sent[profile.id] = sent
        self._charger.power.reconsider()
        self.dynamic.pull(profile.id)
        if profile.purpose is Purpose.TX and self.needs.were_told(evse):
            self.needs.tell_schedule(evse, sent["chargingSchedule"][0])

    def _forget_gone(self) -> None:
        installed = {profile.id for profile in self._charger.profiles}
        for number in self._sent.keys() - installed:
            del self._sent[number]

    def _for_transaction(self, profile: Profile, sent: Payload) -> Profile:
        """Only for the transaction that it names (K01.FR.03 to FR.09, FR.33)."""
        running = self._transactions.running(profile.connector)
        if running is None or sent.get("transactionId") != running.id:
            raise Refused("TxNotFound" if "transactionId" in sent else "MissingParam")
        return replace(profile, transaction=running.id)

    def read_for_start(self, evse: int, sent: Payload) -> Profile | None:
        """One that comes with RequestStartTransaction: a TxProfile only (F01)."""
        try:
            profile = self._read(evse, sent)
        except Refused:
            return None
        if profile.purpose is not Purpose.TX or "transactionId" in sent:
            return None
        self._sent[profile.id] = sent
        return profile

    def began(self, transaction: str) -> None:
        """Follow the profile that a transaction was started with, if any."""
        for profile in self._charger.profiles:
            if profile.transaction == transaction and profile.id in self._sent:
                self.dynamic.pull(profile.id)

    def _read(self, evse: int, sent: Payload) -> Profile:
        purpose = _PURPOSES.get(sent["chargingProfilePurpose"])
        is_dynamic = sent.get("dynUpdateInterval") is not None
        if is_dynamic and sent["chargingProfileKind"] != "Dynamic":
            raise Refused("InvalidProfile")
        if purpose is None:
            raise Refused("InvalidProfile")
        if len(sent["chargingSchedule"]) > 1 and not self.needs.were_told(evse):
            raise Refused("InvalidSchedule")  # K01.FR.34
        schedule = sent["chargingSchedule"][0]
        kind, has_start = sent["chargingProfileKind"], "startSchedule" in schedule
        if schedule["chargingRateUnit"] not in self._units:
            raise Refused("UnsupportedRateUnit")
        if kind != "Dynamic" and (kind == "Relative") is has_start:
            raise Refused("InvalidSchedule")  # K01.FR.40, FR.41
        if not all(
            "limit" in period and period.get("operationMode") in _CHARGING_MODES
            for period in schedule["chargingSchedulePeriod"]
        ):
            raise Refused("InvalidSchedule")  # there is no V2X here
        if _has_unsupported(schedule):
            raise Refused("InvalidSchedule")
        if purpose is Purpose.PRIORITY and "duration" in schedule:
            raise Refused("InvalidSchedule")  # K01.FR.70 (2.1)
        if kind == "Dynamic" and len(schedule["chargingSchedulePeriod"]) != 1:
            raise Refused("InvalidSchedule")
        if kind == "Relative" and purpose is Purpose.STATION_MAX:
            raise Refused("InvalidProfile")  # K01.FR.38
        if kind == "Recurring" and "recurrencyKind" not in sent:
            raise Refused("InvalidProfile")
        if not all(self._can_use_phases(p) for p in schedule["chargingSchedulePeriod"]):
            raise Refused("PhaseConflict")
        try:
            profile = profile_of(
                sent, schedule, number=sent["id"], connector=evse, purpose=purpose
            )
        except ValueError:  # no date
            raise Refused("InvalidSchedule") from None
        if not profile.is_sound():
            raise Refused("InvalidSchedule")
        return profile

    def _can_use_phases(self, period: Payload) -> bool:
        """A single phase is always the first one (K01.FR.48)."""
        if self._charger.spec.current_type == "dc":
            return True
        phase = period.get("phaseToUse")
        return phase is None or (phase == 1 and period.get("numberPhases") == 1)

    # -- clear and report ------------------------------------------------------------

    def _clear(self, payload: Payload) -> Payload:
        criteria = payload.get("chargingProfileCriteria", {})
        purpose = criteria.get("chargingProfilePurpose")
        if purpose == EXTERNAL or (not criteria and "chargingProfileId" not in payload):
            return {"status": "Unknown"}
        count = self._charger.profiles.clear(
            profile_id=payload.get("chargingProfileId"),
            connector=criteria.get("evseId"),
            purpose=_PURPOSES.get(purpose),
            stack_level=criteria.get("stackLevel"),
        )
        self._charger.power.reconsider()
        return {"status": "Accepted" if count else "Unknown"}

    def _get(self, payload: Payload) -> Payload | Reply:
        criteria, evse = payload["chargingProfile"], payload.get("evseId")
        chosen: dict[tuple[int, str], list[Payload]] = {}
        for number, source, profile in self._reportable():
            if evse in (None, number) and _matches(profile, source, criteria):
                chosen.setdefault((number, source), []).append(profile)
        if not chosen:
            return {"status": "NoProfiles"}
        reports = [
            {
                "requestId": payload["requestId"],
                "chargingLimitSource": source,
                "evseId": number,
                "chargingProfile": profiles,
                "tbc": count < len(chosen),
            }
            for count, ((number, source), profiles) in enumerate(chosen.items(), 1)
        ]

        def report() -> None:
            self._charger.spawn(self._report(reports))

        return Reply({"status": "Accepted"}, then=report)

    async def _report(self, reports: list[Payload]) -> None:
        for report in reports:
            await self._charger.uplink.call("ReportChargingProfiles", report)

    def _reportable(self) -> Iterator[tuple[int, str, Payload]]:
        """All that limits, with EVSE and source, as payloads."""
        for profile in self._charger.profiles:
            sent = self._sent.get(profile.id)
            if sent is None:
                continue
            if profile.transaction is not None:
                sent = {**sent, "transactionId": profile.transaction}
            yield profile.connector, CSMS_SOURCE, sent
        for connector in self._charger.outlets:
            if connector.is_limited:
                yield connector.number, EXTERNAL_SOURCE, self._external(connector)

    def _external(self, connector: Connector) -> Payload:
        return {
            "id": -connector.number,
            "stackLevel": 0,
            "chargingProfilePurpose": EXTERNAL,
            "chargingProfileKind": "Absolute",
            "chargingSchedule": [self._limit_schedule(connector)],
        }

    # -- composite schedule ----------------------------------------------------------

    def _get_composite_schedule(self, payload: Payload) -> Payload:
        number, duration = payload["evseId"], payload["duration"]
        unit = payload.get("chargingRateUnit")
        if not 0 <= number <= len(self._charger.outlets):
            return {"status": "Rejected", "statusInfo": {"reasonCode": "UnknownEvse"}}
        if not 0 < duration <= COMPOSITE_LIMIT or unit not in {None, *self._units}:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidValue"}}
        start = self._charger.clock.now()
        unit = unit or self._charger.profiles.unit(number)
        periods = self._charger.power.composite(number, start, duration, unit)
        return {
            "status": "Accepted",
            "schedule": {
                "evseId": number,
                "duration": duration,
                "scheduleStart": format_time(start),
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": [period_payload(p) for p in periods],
            },
        }

    # -- priority (2.1) --------------------------------------------------------------

    def _use_priority(self, payload: Payload) -> Payload:
        """Let the profile of priority charging rule, or no longer (K21, K22)."""
        transaction_id, profiles = payload["transactionId"], self._charger.profiles
        connector = self._transactions.find(transaction_id)
        if connector is None:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "TxNotFound"}}
        if not any(
            profile.purpose is Purpose.PRIORITY
            and profile.connector in (0, connector.number)
            for profile in profiles
        ):
            return {"status": "NoProfile"}
        if payload["activate"]:
            profiles.prioritized.add(transaction_id)
        else:
            profiles.prioritized.discard(transaction_id)
        self._charger.power.reconsider()
        return {"status": "Accepted"}

    # -- limits from outside ---------------------------------------------------------

    def limit_changed(self, connector: Connector, *, with_schedule: bool) -> None:
        """Tell of a limit that an operator has set, or taken away (K12, K13)."""
        if not connector.is_limited:
            request: Payload = {
                "chargingLimitSource": EXTERNAL_SOURCE,
                "evseId": connector.number,
            }
            action = "ClearedChargingLimit"
        else:
            action = "NotifyChargingLimit"
            request = {
                "chargingLimit": {"chargingLimitSource": EXTERNAL_SOURCE},
                "evseId": connector.number,
            }
            if with_schedule:
                request["chargingSchedule"] = [self._limit_schedule(connector)]
        self._charger.notices.put((action, request))

    def _limit_schedule(self, connector: Connector) -> Payload:
        limit = round(connector.local_limit_w, 1)
        return {
            "id": connector.number,
            "startSchedule": format_time(self._charger.clock.now()),
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        }


def _has_unsupported(schedule: Payload) -> bool:
    """Features of 2.1 that SupportsFeature does not name (K01.FR.123 to FR.126)."""
    return (
        schedule.get("useLocalTime", False)
        or schedule.get("randomizedDelay", 0) > 0
        or "limitAtSoC" in schedule
        or any(period.get("evseSleep") for period in schedule["chargingSchedulePeriod"])
    )


def _excludes(new: Profile, old: Profile) -> bool:
    """Whether both could hold at once, and neither would prevail (K01.FR.06, FR.39)."""
    if new.id == old.id or (new.purpose, new.stack_level) != (
        old.purpose,
        old.stack_level,
    ):
        return False
    if new.purpose is Purpose.TX:
        return new.transaction == old.transaction
    if new.purpose is Purpose.TX_DEFAULT and (new.connector == 0) != (
        old.connector == 0
    ):
        return True  # K01.FR.52, FR.53
    return new.connector == old.connector and new.overlaps(old)


def _matches(profile: Payload, source: str, criteria: Payload) -> bool:
    """ChargingProfileCriterionType: ids, or all of the others (K09.FR.03)."""
    if ids := criteria.get("chargingProfileId"):
        return profile["id"] in ids
    return (
        criteria.get("chargingProfilePurpose")
        in (None, profile["chargingProfilePurpose"])
        and criteria.get("stackLevel") in (None, profile["stackLevel"])
        and source in criteria.get("chargingLimitSource", [source])
    )
