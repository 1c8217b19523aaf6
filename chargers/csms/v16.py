"""The CSMS side of OCPP 1.6: a charger's message to a service call, and the reply.

One function per action of all profiles and of the security whitepaper; each is given a
charger and a payload that is valid by its schema.
"""

from django.utils import timezone

from chargers import services
from chargers.choices import StationSubject
from chargers.group_commit import group_commit
from chargers.models import Charger
from chargers.ocpp.values import check_range, format_time, parse_time

from .common import (
    CONNECTOR_LIMIT,
    METER_LIMIT,
    Handlers,
    Payload,
    number,
    on_boot_notification,
    on_data_transfer,
    on_firmware_status,
    on_heartbeat,
    on_log_status,
    on_security_event,
    on_sign_certificate,
    optional_number,
    record_status,
)


async def on_status_notification(charger: Charger, payload: Payload) -> Payload:
    """Kept: the state of the connector, or of the charger (connector 0)."""
    connector = check_range(payload, "connectorId", 0, CONNECTOR_LIMIT)
    at = payload.get("timestamp")
    report = services.StatusReport(
        charger,
        evse_id=connector,
        connector_id=min(connector, 1),
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
    """The verdict on the id tag."""
    presented = services.Presented(charger.organization_id, payload["idTag"])
    authorization = await group_commit().run_batched(services.authorize_all, presented)
    return {"idTagInfo": _id_tag_info(authorization)}


async def on_start_transaction(charger: Charger, payload: Payload) -> Payload:
    """Begins a transaction, once however often told; the verdict on the id tag."""
    start = services.Start(
        charger,
        evse_id=check_range(payload, "connectorId", 1, CONNECTOR_LIMIT),
        id_tag=payload["idTag"],
        meter_start_wh=_meter(payload, "meterStart"),
        at=parse_time(payload["timestamp"]),
        reservation_id=optional_number(payload, "reservationId"),
    )
    begun, authorization = await group_commit().run_batched(
        services.start_transactions, start
    )
    return {
        "transactionId": int(begun.transaction_id),
        "idTagInfo": _id_tag_info(authorization),
    }


async def on_stop_transaction(charger: Charger, payload: Payload) -> Payload:
    """Ends a transaction, once; kept where its beginning is not known."""
    stop = services.Stop(
        charger,
        transaction_id=str(number(payload, "transactionId")),
        meter_stop_wh=_meter(payload, "meterStop"),
        at=parse_time(payload["timestamp"]),
        reason=payload.get("reason", "Local"),
        id_tag=payload.get("idTag", ""),
        meter_values=services.parse_meter_values(payload.get("transactionData", ())),
    )
    authorization = await group_commit().run_batched(services.stop_transactions, stop)
    return {"idTagInfo": _id_tag_info(authorization)} if authorization else {}


async def on_meter_values(charger: Charger, payload: Payload) -> Payload:
    """Kept, with the transaction that they name."""
    report = services.MeterReport(
        charger,
        evse_id=check_range(payload, "connectorId", 0, CONNECTOR_LIMIT),
        meter_values=services.parse_meter_values(payload["meterValue"]),
        transaction_id=str(payload.get("transactionId", "")),
    )
    await group_commit().run_batched(services.record_meter_values, report)
    return {}


async def on_diagnostics_status(charger: Charger, payload: Payload) -> Payload:
    """Kept: how far the upload is."""
    return await record_status(charger, StationSubject.DIAGNOSTICS, payload)


HANDLERS: Handlers = {
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


def _meter(payload: Payload, name: str) -> int:
    return check_range(payload, name, -METER_LIMIT, METER_LIMIT)
