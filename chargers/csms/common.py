"""What the CSMS side of all OCPP versions has in common.

A handler is given a charger and a payload that is valid by its schema.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone

from chargers.choices import StationSubject
from chargers.group_commit import group_commit
from chargers.models import Charger
from chargers.ocpp.errors import OCPPError
from chargers.ocpp.values import check_range, format_time, parse_time
from chargers.services import certificates, reports, stations

Payload = dict[str, Any]

CONNECTOR_LIMIT = 255
METER_LIMIT = 2**53  # Wh; beyond it a reading is no reading
NUMBER_LIMIT = 2**63 - 1  # of any other integer: what the database can keep
RETRY_INTERVAL = 60  # s, before the next BootNotification of one not accepted


@dataclass(frozen=True, slots=True)
class Answer:
    """A CALLRESULT payload, and the CALL of ours that follows it, if one does."""

    payload: Payload
    follows: tuple[str, Payload] | None = None


Handler = Callable[[Charger, Payload], Payload | Answer]


@dataclass(frozen=True)
class Handlers:
    """The functions of an OCPP version, by action."""

    with_database: Mapping[str, Handler]
    without_database: Mapping[str, Handler]

    @property
    def actions(self) -> frozenset[str]:
        return frozenset(self.with_database) | frozenset(self.without_database)

    async def handle(self, charger: Charger, action: str, payload: Payload) -> Answer:
        """Answer a charger; what must be kept is committed before this returns."""
        if action in self.without_database:
            answer = self.without_database[action](charger, payload)
        elif action in self.with_database:
            function = self.with_database[action]
            answer = await group_commit().run(function, charger, payload)
        else:
            raise OCPPError("NotSupported", f"{action} is not supported here.")
        return answer if isinstance(answer, Answer) else Answer(answer)


def number(payload: Payload, name: str) -> int:
    """An integer field that has no bounds but the database's."""
    return check_range(payload, name, -NUMBER_LIMIT, NUMBER_LIMIT)


def on_boot_notification(charger: Charger, payload: Payload) -> Payload:
    verdict = reports.record_boot(charger, payload)
    usual = settings.OCPP_HEARTBEAT_INTERVAL if verdict.is_accepted else RETRY_INTERVAL
    return {
        "status": str(verdict.status),
        "currentTime": format_time(timezone.now()),
        "interval": verdict.interval or usual,
    }


def on_heartbeat(charger: Charger, payload: Payload) -> Payload:
    return {"currentTime": format_time(timezone.now())}


def on_data_transfer(charger: Charger, payload: Payload) -> Payload:
    return {"status": "UnknownVendorId"}


def on_security_event(charger: Charger, payload: Payload) -> Payload:
    stations.record_security_event(
        charger,
        kind=payload["type"],
        at=parse_time(payload["timestamp"]),
        tech_info=payload.get("techInfo", ""),
    )
    return {}


def on_firmware_status(charger: Charger, payload: Payload) -> Payload:
    return record_status(charger, StationSubject.FIRMWARE, payload)


def on_log_status(charger: Charger, payload: Payload) -> Payload:
    return record_status(charger, StationSubject.LOG, payload)


def record_status(
    charger: Charger, subject: StationSubject, payload: Payload
) -> Payload:
    """Keep how far a firmware update or an upload is."""
    stations.record_station_status(
        charger,
        subject=subject,
        status=payload["status"],
        request_id=number(payload, "requestId") if "requestId" in payload else None,
    )
    return {}


def on_sign_certificate(charger: Charger, payload: Payload) -> Answer:
    """The certificate follows in a CertificateSigned of ours (2.0.1, A02)."""
    chain = certificates.sign_for_charger(charger, payload["csr"])
    if chain is None:
        return Answer({"status": "Rejected"})
    # Which kind of certificate, and of which request, is said again as it was asked.
    same: Payload = {
        n: payload[n] for n in ("certificateType", "requestId") if n in payload
    }
    follows = ("CertificateSigned", {"certificateChain": chain, **same})
    return Answer({"status": "Accepted"}, follows)


# What a charger sends for a TriggerMessage that does not go by an action's name.
_TRIGGERED = {
    "SignChargePointCertificate": "SignCertificate",
    "SignChargingStationCertificate": "SignCertificate",
    "SignCombinedCertificate": "SignCertificate",
    "SignV2GCertificate": "SignCertificate",
    "SignV2G20Certificate": "SignCertificate",
}


def triggered_by(action: str, payload: Payload) -> str | None:
    """What a CALL of ours lets a charger send whose boot is not accepted yet.

    OCPP 1.6, 4.2; 2.0.1, B02.FR.09.
    """
    match action:
        case "TriggerMessage" | "ExtendedTriggerMessage":
            requested = str(payload.get("requestedMessage"))
            return _TRIGGERED.get(requested, requested)
        case "GetBaseReport" | "GetReport":
            return "NotifyReport"
    return None
