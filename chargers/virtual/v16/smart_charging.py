"""Smart charging as OCPP 1.6 spells it (3.13, 5.5, 5.7, 5.16, 7.8)."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ...ocpp.errors import OCPPError
from ..clock import format_time
from ..connector import Connector
from ..power import COMPOSITE_LIMIT
from ..profile_payloads import period_payload, profile_of
from ..protocol import Handler, Payload
from ..smart_charging import Profile, Purpose

if TYPE_CHECKING:
    from ..charger import VirtualCharger


_PURPOSES = {
    "ChargePointMaxProfile": Purpose.STATION_MAX,
    "TxDefaultProfile": Purpose.TX_DEFAULT,
    "TxProfile": Purpose.TX,
}


class SmartCharging:
    def __init__(self, charger: "VirtualCharger") -> None:
        self._charger = charger
        self.handlers: dict[str, Handler] = {
            "ClearChargingProfile": self._clear,
            "GetCompositeSchedule": self._get_composite_schedule,
            "SetChargingProfile": self._set,
        }

    def read(self, connector: int, payload: Payload) -> Profile | None:
        """The profile for that connector; None where this charger cannot follow it."""
        units = {"W"} if self._charger.spec.current_type == "dc" else {"A", "W"}
        schedule = payload["chargingSchedule"]
        if schedule["chargingRateUnit"] not in units or (
            payload["chargingProfileKind"] == "Recurring"
            and "recurrencyKind" not in payload
        ):
            return None
        try:
            profile = profile_of(
                payload,
                schedule,
                number=payload["chargingProfileId"],
                connector=connector,
                purpose=_PURPOSES[payload["chargingProfilePurpose"]],
            )
        except ValueError:  # no date
            return None
        if profile.purpose is Purpose.STATION_MAX and profile.start is None:
            if payload["chargingProfileKind"] == "Relative":
                return None  # to no transaction in particular
            profile = replace(profile, start=self._charger.clock.now())
        return profile if profile.is_sound() else None

    def read_for_start(self, connector: int, payload: Payload) -> Profile | None:
        """One that comes with RemoteStartTransaction: for a TxProfile only (5.16.2)."""
        profile = self.read(connector, payload)
        if profile is None or profile.purpose is not Purpose.TX:
            return None
        return None if "transactionId" in payload else profile

    def _set(self, payload: Payload) -> Payload:
        return {"status": "Accepted" if self._install(payload) else "Rejected"}

    def _install(self, payload: Payload) -> bool:
        connector = self._connector(payload["connectorId"])
        if connector is None:
            raise OCPPError(
                "PropertyConstraintViolation", "There is no such connector."
            )
        profile = self.read(connector.number, payload["csChargingProfiles"])
        if profile is None:
            return False
        if profile.purpose is Purpose.TX:
            # Only for the transaction that runs (3.13.1, 5.16.4).
            transaction = connector.transaction
            meant = payload["csChargingProfiles"].get("transactionId")
            if transaction is None or meant not in (None, transaction.id):
                return False
            profile = replace(profile, transaction=transaction.key)
        is_installed = self._charger.profiles.install(profile)
        self._charger.power.reconsider()
        return is_installed

    def _clear(self, payload: Payload) -> Payload:
        purpose = payload.get("chargingProfilePurpose")
        count = self._charger.profiles.clear(
            profile_id=payload.get("id"),
            connector=payload.get("connectorId"),
            purpose=_PURPOSES[purpose] if purpose else None,
            stack_level=payload.get("stackLevel"),
        )
        self._charger.power.reconsider()
        return {"status": "Accepted" if count else "Unknown"}

    def _get_composite_schedule(self, payload: Payload) -> Payload:
        connector = self._connector(payload["connectorId"])
        duration = payload["duration"]
        unit = payload.get("chargingRateUnit")
        is_dc = self._charger.spec.current_type == "dc"
        is_near = 0 < duration <= COMPOSITE_LIMIT
        if connector is None or not is_near or (is_dc and unit == "A"):
            return {"status": "Rejected"}
        number = connector.number
        start = self._charger.clock.now()
        unit = unit or self._charger.profiles.unit(number)
        periods = self._charger.power.composite(number, start, duration, unit)
        return {
            "status": "Accepted",
            "connectorId": number,
            "scheduleStart": format_time(start),
            "chargingSchedule": {
                "duration": duration,
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": [period_payload(p) for p in periods],
            },
        }

    def _connector(self, number: int) -> Connector | None:
        connectors = self._charger.connectors
        return connectors[number] if 0 <= number < len(connectors) else None
