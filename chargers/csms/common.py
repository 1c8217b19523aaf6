"""What the CSMS side of all OCPP versions has in common.

A handler is given a charger and a payload that is valid by its schema; it checks what
the schema cannot, and then hands over what is to be kept.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone

from chargers import services
from chargers.choices import BootPolicy, StationSubject
from chargers.group_commit import group_commit
from chargers.models import Charger
from chargers.ocpp.errors import OCPPError
from chargers.ocpp.values import check_range, format_time, parse_time
from chargers.services import certificates, stations

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


Handler = Callable[[Charger, Payload], Awaitable[Payload | Answer]]
Handlers = Mapping[str, Handler]  # of an OCPP version, by action


async def handle(
    handlers: Handlers, charger: Charger, action: str, payload: Payload
) -> Answer:
    """Answer a charger's CALL; what must be kept is committed before this returns."""
    handler = handlers.get(action)
    if handler is None:
        raise OCPPError("NotSupported", f"{action} is not supported here.")
    answer = await handler(charger, payload)
    return answer if isinstance(answer, Answer) else Answer(answer)


def number(payload: Payload, name: str) -> int:
    """An integer field that has no bounds but the database's."""
    return check_range(payload, name, -NUMBER_LIMIT, NUMBER_LIMIT)


def optional_number(payload: Payload, name: str) -> int | None:
    return number(payload, name) if name in payload else None


async def on_boot_notification(charger: Charger, payload: Payload) -> Payload:
    """Kept, and answered as the charger's boot policy says."""
    now = timezone.now()
    boot = services.Boot(charger, payload, now)
    verdict = await group_commit().run_batched(services.record_boots, boot)
    usual = settings.OCPP_HEARTBEAT_INTERVAL if verdict.is_accepted else RETRY_INTERVAL
    return {
        "status": str(verdict.status),
        "currentTime": format_time(now),
        "interval": verdict.interval or usual,
    }


async def on_heartbeat(charger: Charger, payload: Payload) -> Payload:
    """Answered with the time."""
    return {"currentTime": format_time(timezone.now())}


async def on_data_transfer(charger: Charger, payload: Payload) -> Payload:
    """UnknownVendorId: there are no extensions of vendors."""
    return {"status": "UnknownVendorId"}


async def on_security_event(charger: Charger, payload: Payload) -> Payload:
    """Kept among the security events."""
    await group_commit().run(
        stations.record_security_event,
        charger,
        kind=payload["type"],
        at=parse_time(payload["timestamp"]),
        tech_info=payload.get("techInfo", ""),
    )
    return {}


async def on_firmware_status(charger: Charger, payload: Payload) -> Payload:
    """Kept: how far the update is."""
    return await record_status(charger, StationSubject.FIRMWARE, payload)


async def on_log_status(charger: Charger, payload: Payload) -> Payload:
    """Kept: how far the upload is."""
    return await record_status(charger, StationSubject.LOG, payload)


async def record_status(
    charger: Charger, subject: StationSubject, payload: Payload
) -> Payload:
    """Keep how far a firmware update or an upload is."""
    await group_commit().run(
        stations.record_station_status,
        charger,
        subject=subject,
        status=payload["status"],
        request_id=optional_number(payload, "requestId"),
    )
    return {}


async def on_sign_certificate(charger: Charger, payload: Payload) -> Answer:
    """Accepted: the certificate follows in a CertificateSigned (2.0.1, A02)."""
    chain = await group_commit().run(
        certificates.sign_for_charger, charger, payload["csr"]
    )
    if chain is None:
        return Answer({"status": "Rejected"})
    # Which kind of certificate, and of which request, is said again as it was asked.
    same: Payload = {
        name: payload[name]
        for name in ("certificateType", "requestId")
        if name in payload
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


_TRIGGERED_EXTENDED = {"FirmwareStatusNotification": "SignedFirmwareStatusNotification"}


# What may not be asked of a charger whose boot is pending (1.6, 4.2; 2.0.1, B02.FR.05).
_OF_TRANSACTIONS = {
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "RequestStartTransaction",
    "RequestStopTransaction",
}


def may_be_asked(action: str, verdict: str | None) -> bool:
    """Whether a CSMS may send that CALL to a charger whose boot it answered so.

    Nothing at all where it was rejected (1.6, 4.2; 2.0.1, B03.FR.03).
    """
    if verdict == BootPolicy.REJECTED:
        return False
    return verdict != BootPolicy.PENDING or action not in _OF_TRANSACTIONS


def triggered_by(action: str, payload: Payload) -> str | None:
    """What a CALL of ours lets a charger send whose boot is not accepted yet.

    OCPP 1.6, 4.2; 2.0.1, B02.FR.09.
    """
    match action:
        case "TriggerMessage" | "ExtendedTriggerMessage":
            requested = str(payload.get("requestedMessage"))
            if action == "ExtendedTriggerMessage":  # of 1.6: the one with a request id
                requested = _TRIGGERED_EXTENDED.get(requested, requested)
            return _TRIGGERED.get(requested, requested)
        case "GetBaseReport" | "GetReport":
            return "NotifyReport"
    return None
