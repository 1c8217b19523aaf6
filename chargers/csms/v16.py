"""The CSMS side of OCPP 1.6: a charger's message to a service call, and the reply.

One function per action of all profiles and of the security whitepaper; each is given a
charger and a payload that is valid by its schema.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone

from chargers import services
from chargers.choices import StationSubject
from chargers.group_commit import group_commit
from chargers.models import Charger
from chargers.ocpp.errors import OCPPError
from chargers.ocpp.values import check_range, format_time, parse_time
from chargers.services import certificates, stations

Payload = dict[str, Any]

METER_LIMIT = 2**53  # Wh; beyond it a reading is no reading
CONNECTOR_LIMIT = 255
NUMBER_LIMIT = 2**63 - 1  # of any other integer: what the database can keep
RETRY_INTERVAL = 60  # s, before the next BootNotification of one not accepted


@dataclass(frozen=True, slots=True)
class Answer:
    """A CALLRESULT payload, and the CALL of ours that follows it, if one does."""

    payload: Payload
    follows: tuple[str, Payload] | None = None


async def handle(charger: Charger, action: str, payload: Payload) -> Answer:
    """Answer a charger's CALL; what must be kept is committed before this returns."""
    handler = _HANDLERS.get(action)
    if handler is None:
        raise OCPPError("NotSupported", f"{action} is not supported here.")
    answer = await handler(charger, payload)
    return answer if isinstance(answer, Answer) else Answer(answer)


async def on_heartbeat(charger: Charger, payload: Payload) -> Payload:
    return {"currentTime": format_time(timezone.now())}


async def on_data_transfer(charger: Charger, payload: Payload) -> Payload:
    return {"status": "UnknownVendorId"}


async def on_boot_notification(charger: Charger, payload: Payload) -> Payload:
    now = timezone.now()
    boot = services.Boot(charger, payload, now)
    verdict = await group_commit().run_batched(services.record_boots, boot)
    usual = settings.OCPP_HEARTBEAT_INTERVAL if verdict.is_accepted else RETRY_INTERVAL
    return {
        "status": str(verdict.status),
        "currentTime": format_time(now),
        "interval": verdict.interval or usual,
    }


async def on_status_notification(charger: Charger, payload: Payload) -> Payload:
    number = check_range(payload, "connectorId", 0, CONNECTOR_LIMIT)
    at = payload.get("timestamp")
    report = services.StatusReport(
        charger,
        evse_id=number,
        connector_id=min(number, 1),
        status=payload["status"],
        at=parse_time(at) if at else timezone.now(),
        error_code=payload["errorCode"],
        info=" ".join(
            payload[name] for name in ("info", "vendorErrorCode") if payload.get(name)
        ),
    )
    await group_commit().run_batched(services.record_statuses, report)
    return {}


async def on_authorize(charger: Charger, payload: Payload) -> Payload:
    presented = services.Presented(charger.organization_id, payload["idTag"])
    authorization = await group_commit().run_batched(services.authorize_all, presented)
    return {"idTagInfo": _id_tag_info(authorization)}


async def on_start_transaction(charger: Charger, payload: Payload) -> Payload:
    start = services.Start(
        charger,
        evse_id=check_range(payload, "connectorId", 1, CONNECTOR_LIMIT),
        id_tag=payload["idTag"],
        meter_start_wh=_meter(payload, "meterStart"),
        at=parse_time(payload["timestamp"]),
    )
    begun, authorization = await group_commit().run_batched(
        services.start_transactions, start
    )
    return {
        "transactionId": int(begun.transaction_id),
        "idTagInfo": _id_tag_info(authorization),
    }


async def on_stop_transaction(charger: Charger, payload: Payload) -> Payload:
    stop = services.Stop(
        charger,
        transaction_id=str(_number(payload, "transactionId")),
        meter_stop_wh=_meter(payload, "meterStop"),
        at=parse_time(payload["timestamp"]),
        reason=payload.get("reason", "Local"),
        id_tag=payload.get("idTag", ""),
        meter_values=services.parse_meter_values(payload.get("transactionData", ())),
    )
    authorization = await group_commit().run_batched(services.stop_transactions, stop)
    return {"idTagInfo": _id_tag_info(authorization)} if authorization else {}


async def on_meter_values(charger: Charger, payload: Payload) -> Payload:
    report = services.MeterReport(
        charger,
        evse_id=check_range(payload, "connectorId", 0, CONNECTOR_LIMIT),
        meter_values=services.parse_meter_values(payload["meterValue"]),
        transaction_id=str(payload.get("transactionId", "")),
    )
    await group_commit().run_batched(services.record_meter_values, report)
    return {}


async def on_firmware_status(charger: Charger, payload: Payload) -> Payload:
    return await _record_status(charger, StationSubject.FIRMWARE, payload)


async def on_diagnostics_status(charger: Charger, payload: Payload) -> Payload:
    return await _record_status(charger, StationSubject.DIAGNOSTICS, payload)


async def on_log_status(charger: Charger, payload: Payload) -> Payload:
    return await _record_status(charger, StationSubject.LOG, payload)


async def on_security_event(charger: Charger, payload: Payload) -> Payload:
    await group_commit().run(
        stations.record_security_event,
        charger,
        kind=payload["type"],
        at=parse_time(payload["timestamp"]),
        tech_info=payload.get("techInfo", ""),
    )
    return {}


async def on_sign_certificate(charger: Charger, payload: Payload) -> Answer:
    """The certificate follows in a CertificateSigned of ours (whitepaper, A02)."""
    chain = await group_commit().run(
        certificates.sign_for_charger, charger, payload["csr"]
    )
    if chain is None:
        return Answer({"status": "Rejected"})
    follows = ("CertificateSigned", {"certificateChain": chain})
    return Answer({"status": "Accepted"}, follows)


Handler = Callable[[Charger, Payload], Awaitable[Payload | Answer]]

_HANDLERS: dict[str, Handler] = {
    "Authorize": on_authorize,
    "BootNotification": on_boot_notification,
    "DataTransfer": on_data_transfer,
    "DiagnosticsStatusNotification": on_diagnostics_status,
    "FirmwareStatusNotification": on_firmware_status,
    "Heartbeat": on_heartbeat,
    "LogStatusNotification": on_log_status,
    "MeterValues": on_meter_values,
    "SecurityEventNotification": on_security_event,
    "SignCertificate": on_sign_certificate,
    "SignedFirmwareStatusNotification": on_firmware_status,
    "StartTransaction": on_start_transaction,
    "StatusNotification": on_status_notification,
    "StopTransaction": on_stop_transaction,
}


def _id_tag_info(authorization: services.Authorization) -> Payload:
    info: Payload = {"status": authorization.status}
    if authorization.parent_id_tag:
        info["parentIdTag"] = authorization.parent_id_tag[:20]
    if authorization.expires_at:
        info["expiryDate"] = format_time(authorization.expires_at)
    return info


async def _record_status(
    charger: Charger, subject: StationSubject, payload: Payload
) -> Payload:
    request_id = None
    if "requestId" in payload:
        request_id = _number(payload, "requestId")
    await group_commit().run(
        stations.record_station_status,
        charger,
        subject=subject,
        status=payload["status"],
        request_id=request_id,
    )
    return {}


def _number(payload: Payload, name: str) -> int:
    return check_range(payload, name, -NUMBER_LIMIT, NUMBER_LIMIT)


def _meter(payload: Payload, name: str) -> int:
    return check_range(payload, name, -METER_LIMIT, METER_LIMIT)
