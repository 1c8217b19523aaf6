"""The CSMS side of OCPP 1.6: a charger's message to a service call, and the reply.

One function per action of the core profile; each is given a charger and a payload that
is valid by its schema.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils import timezone

from chargers import services
from chargers.group_commit import group_commit
from chargers.models import Charger
from chargers.ocpp.errors import OCPPError
from chargers.ocpp.values import check_range, format_time, parse_time

Payload = dict[str, Any]

METER_LIMIT = 2**53  # Wh; beyond it a reading is no reading
CONNECTOR_LIMIT = 255


async def handle(charger: Charger, action: str, payload: Payload) -> Payload:
    """Answer a charger's CALL; what must be kept is committed before this returns."""
    if action in _WITHOUT_DATABASE:
        return _WITHOUT_DATABASE[action](charger, payload)
    if action in _WITH_DATABASE:
        return await group_commit().run(_WITH_DATABASE[action], charger, payload)
    raise OCPPError("NotSupported", f"{action} is not supported here.")


def on_heartbeat(charger: Charger, payload: Payload) -> Payload:
    return {"currentTime": format_time(timezone.now())}


def on_data_transfer(charger: Charger, payload: Payload) -> Payload:
    return {"status": "UnknownVendorId"}


def on_boot_notification(charger: Charger, payload: Payload) -> Payload:
    services.record_boot(charger, payload)
    return {
        "status": "Accepted",
        "currentTime": format_time(timezone.now()),
        "interval": settings.OCPP_HEARTBEAT_INTERVAL,
    }


def on_status_notification(charger: Charger, payload: Payload) -> Payload:
    number = check_range(payload, "connectorId", 0, CONNECTOR_LIMIT)
    at = payload.get("timestamp")
    services.record_status(
        charger,
        evse_id=number,
        connector_id=min(number, 1),
        status=payload["status"],
        error_code=payload["errorCode"],
        info=payload.get("info", ""),
        at=parse_time(at) if at else None,
    )
    return {}


def on_authorize(charger: Charger, payload: Payload) -> Payload:
    return {"idTagInfo": _id_tag_info(services.authorize(charger, payload["idTag"]))}


def on_start_transaction(charger: Charger, payload: Payload) -> Payload:
    begun, authorization = services.start_transaction(
        charger,
        evse_id=check_range(payload, "connectorId", 1, CONNECTOR_LIMIT),
        id_tag=payload["idTag"],
        meter_start_wh=_meter(payload, "meterStart"),
        at=parse_time(payload["timestamp"]),
    )
    return {
        "transactionId": int(begun.transaction_id),
        "idTagInfo": _id_tag_info(authorization),
    }


def on_stop_transaction(charger: Charger, payload: Payload) -> Payload:
    authorization = services.stop_transaction(
        charger,
        transaction_id=str(payload["transactionId"]),
        meter_stop_wh=_meter(payload, "meterStop"),
        at=parse_time(payload["timestamp"]),
        reason=payload.get("reason", "Local"),
        id_tag=payload.get("idTag", ""),
        meter_values=payload.get("transactionData", ()),
    )
    return {"idTagInfo": _id_tag_info(authorization)} if authorization else {}


def on_meter_values(charger: Charger, payload: Payload) -> Payload:
    services.record_meter_values(
        charger,
        evse_id=check_range(payload, "connectorId", 0, CONNECTOR_LIMIT),
        transaction_id=str(payload.get("transactionId", "")),
        meter_values=payload["meterValue"],
    )
    return {}


def on_noted(charger: Charger, payload: Payload) -> Payload:
    """For what the message log alone keeps."""
    return {}


Handler = Callable[[Charger, Payload], Payload]

_WITHOUT_DATABASE: dict[str, Handler] = {
    "DataTransfer": on_data_transfer,
    "DiagnosticsStatusNotification": on_noted,
    "FirmwareStatusNotification": on_noted,
    "Heartbeat": on_heartbeat,
}
_WITH_DATABASE: dict[str, Handler] = {
    "Authorize": on_authorize,
    "BootNotification": on_boot_notification,
    "MeterValues": on_meter_values,
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
