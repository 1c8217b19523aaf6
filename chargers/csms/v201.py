"""The CSMS side of OCPP 2.0.1: a charger's message to a service call, and the reply.

One function per action. What 2.1 adds is in ``v21``.
"""

import secrets
from datetime import datetime

from chargers import services
from chargers.choices import ConnectorStatus, ReportKind, StationSubject
from chargers.group_commit import group_commit
from chargers.models import Charger
from chargers.ocpp.errors import OCPPError
from chargers.ocpp.schemas import INTEGER_LIMIT
from chargers.ocpp.values import check_range, format_time, parse_time
from chargers.services import device_model, stations
from chargers.services.id_tags import Token, authorize_tokens
from chargers.services.transaction_events import (
    ENDED,
    TransactionEvent,
    record_transaction_events,
)

from . import profiles
from .certificates_v2 import (
    judge_contract,
    on_certificate_status,
    on_ev_certificate,
    reason,
)
from .common import (
    CONNECTOR_LIMIT,
    METER_LIMIT,
    Answer,
    Handlers,
    Payload,
    on_boot_notification,
    on_data_transfer,
    on_firmware_status,
    on_heartbeat,
    on_log_status,
    on_security_event,
    on_sign_certificate,
    record_status,
)

GROUP_ID_LIMIT = 36
# What a TransactionEvent tells beside what a transaction has a column for.
_DETAILS = (
    "numberOfPhasesUsed",
    "cableMaxCurrent",
    "preconditioningStatus",
    "evseSleep",
    "costDetails",
)
_DETAILS_OF_TRANSACTION = (
    "timeSpentCharging",
    "operationMode",
    "tariffId",
    "transactionLimit",
)


async def on_boot(charger: Charger, payload: Payload) -> Answer:
    """Kept, and answered as the charger's boot policy says; one that never told its
    device model, or has new firmware, is asked for it (B07).
    """
    answer = await on_boot_notification(charger, payload)
    if answer["status"] != "Accepted":
        return Answer(answer)
    is_known = await group_commit().run(device_model.has_device_model, charger)
    if is_known and payload["reason"] != "FirmwareUpdate":
        return Answer(answer)
    request = {
        "requestId": secrets.randbelow(2**31 - 1) + 1,
        "reportBase": "FullInventory",
    }
    return Answer(answer, ("GetBaseReport", request))


async def on_status_notification(charger: Charger, payload: Payload) -> Payload:
    """Kept: the state of the connector."""
    report = services.StatusReport(
        charger,
        evse_id=evse(payload),
        connector_id=check_range(payload, "connectorId", 0, CONNECTOR_LIMIT),
        status=payload["connectorStatus"],
        at=parse_time(payload["timestamp"]),
    )
    await group_commit().run_batched(services.record_statuses, report)
    return {}


# --- Authorization and transactions ---------------------------------------------------


async def on_authorize(charger: Charger, payload: Payload) -> Payload:
    """The verdict on the token, and on its contract certificate (C01, C07)."""
    presented = token(charger, payload["idToken"])
    verdict = await group_commit().run_batched(authorize_tokens, presented)
    info = id_token_info(verdict)
    if not payload.keys() & {"certificate", "iso15118CertificateHashData"}:
        return {"idTokenInfo": info}
    of_certificate, status = await judge_contract(charger, payload, verdict.status)
    info["status"] = status
    return {"idTokenInfo": info, "certificateStatus": of_certificate}


async def on_transaction_event(charger: Charger, payload: Payload) -> Payload:
    """Tells a transaction on, in any order, each event once (E); the verdict on a token."""
    info = payload["transactionInfo"]
    if not info["transactionId"]:
        raise OCPPError("PropertyConstraintViolation", "transactionId: it is empty.")
    place = payload.get("evse", {})
    more = {name: payload[name] for name in _DETAILS if name in payload}
    more |= {name: info[name] for name in _DETAILS_OF_TRANSACTION if name in info}
    event = TransactionEvent(
        charger,
        transaction_id=info["transactionId"],
        kind=payload["eventType"],
        trigger=payload["triggerReason"],
        seq_no=check_range(payload, "seqNo", 0, INTEGER_LIMIT),
        at=parse_time(payload["timestamp"]),
        evse_id=_place(place, "id"),
        connector_id=_place(place, "connectorId"),
        token=token(charger, payload["idToken"]) if "idToken" in payload else None,
        charging_state=info.get("chargingState", ""),
        stop_reason=info.get("stoppedReason", "Local"),
        remote_start_id=info.get("remoteStartId"),
        reservation_id=payload.get("reservationId"),
        meter_values=meter_values(payload),
        details=more,
    )
    verdict = await group_commit().run_batched(record_transaction_events, event)
    if event.kind == ENDED:
        await group_commit().run(
            stations.forget_profiles_of, charger, event.transaction_id
        )
    return {"idTokenInfo": id_token_info(verdict)} if verdict else {}


async def on_meter_values(charger: Charger, payload: Payload) -> Payload:
    """Kept: values that belong to no transaction (J01)."""
    report = services.MeterReport(charger, evse(payload), meter_values(payload))
    await group_commit().run_batched(services.record_meter_values, report)
    return {}


async def on_reservation_status(charger: Charger, payload: Payload) -> Payload:
    """Kept among the station's events."""
    status = payload["reservationUpdateStatus"]
    what = f"Reservation {payload['reservationId']}: {status}"
    await record_events(charger, "ReservationStatusUpdate", [(None, what, payload)])
    return {}


# --- Device model ---------------------------------------------------------------------


async def on_report(charger: Charger, payload: Payload) -> Payload:
    """Makes the device model, part by part (B07, B08)."""
    parse_time(payload["generatedAt"])
    data = payload.get("reportData", [])
    await group_commit().run(device_model.record_report, charger, data)
    return {}


async def on_monitoring_report(charger: Charger, payload: Payload) -> Payload:
    """Kept: the monitors that are set (N02)."""
    parse_time(payload["generatedAt"])
    monitors = {
        f"#{monitor['id']}": {
            "component": data["component"],
            "variable": data["variable"],
            **monitor,
        }
        for data in payload.get("monitor", ())
        for monitor in data["variableMonitoring"]
    }
    await record_reports(charger, ReportKind.MONITOR, monitors)
    return {}


async def on_event(charger: Charger, payload: Payload) -> Payload:
    """Kept among the station's events; values and connectors follow them (N07, G01)."""
    events = payload["eventData"]
    told: list[Event] = [
        (parse_time(event["timestamp"]), device_model.describe(event), event)
        for event in events
    ]
    reports = [
        services.StatusReport(
            charger,
            evse_id=check_range(event["component"]["evse"], "id", 0, CONNECTOR_LIMIT),
            connector_id=check_range(
                event["component"]["evse"], "connectorId", 0, CONNECTOR_LIMIT
            ),
            status=event["actualValue"],
            at=parse_time(event["timestamp"]),
        )
        for event in events
        if _tells_status(event)
    ]
    await record_events(charger, "NotifyEvent", told)
    await group_commit().run(device_model.record_events, charger, events)
    for report in reports:
        await group_commit().run_batched(services.record_statuses, report)
    return {}


def _tells_status(event: Payload) -> bool:
    """Whether an event says what a StatusNotification would (G01)."""
    return (
        event["component"]["name"].lower() == "connector"
        and event["variable"]["name"].lower() == "availabilitystate"
        and event["actualValue"] in ConnectorStatus.values
        and "connectorId" in event["component"].get("evse", {})
    )


# --- Smart charging -------------------------------------------------------------------


async def on_charging_limit(charger: Charger, payload: Payload) -> Payload:
    """Kept until it is cleared (K12)."""
    source = payload["chargingLimit"]["chargingLimitSource"]
    subject = f"EVSE {payload.get('evseId', 0)}, {source}"
    await record_reports(charger, ReportKind.CHARGING_LIMIT, {subject: payload})
    return {}


async def on_cleared_charging_limit(charger: Charger, payload: Payload) -> Payload:
    """Forgets the limit (K13)."""
    subject = f"EVSE {payload.get('evseId', 0)}, {payload['chargingLimitSource']}"
    await forget_reports(charger, ReportKind.CHARGING_LIMIT, subject)
    return {}


async def on_charging_needs(charger: Charger, payload: Payload) -> Answer:
    """The EV is offered what the charger has, for the transaction it needs it in (K15)."""
    evse_id = evse(payload)
    subject = f"EVSE {evse_id}"
    await record_reports(charger, ReportKind.CHARGING_NEEDS, {subject: payload})
    offer = await _offer(charger, evse_id)
    if offer is None:
        info = reason("TxNotFound", "No transaction runs there.")
        return Answer({"status": "Rejected", "statusInfo": info})
    return Answer({"status": "Accepted"}, offer)


async def on_charging_schedule(charger: Charger, payload: Payload) -> Answer:
    """Rejected where it goes beyond the offer, which then comes once more (K15, K16)."""
    parse_time(payload["timeBase"])
    evse_id = evse(payload)
    subject = f"EVSE {evse_id}"
    await record_reports(charger, ReportKind.CHARGING_SCHEDULE, {subject: payload})
    if not profiles.is_beyond_offer(charger, payload["chargingSchedule"]):
        return Answer({"status": "Accepted"})
    info = reason("InvalidSchedule", f"The limit is {profiles.offered_w(charger)} W.")
    answer = {"status": "Rejected", "statusInfo": info}
    return Answer(answer, await _offer(charger, evse_id))


async def _offer(charger: Charger, evse_id: int) -> tuple[str, Payload] | None:
    """The SetChargingProfile for what charges there; None where nothing does."""
    running = await group_commit().run(
        services.open_transaction, charger, evse_id=evse_id
    )
    if running is None or not running.transaction_id:
        return None
    profile = await group_commit().run(profiles.for_charging_needs, charger, running)
    return "SetChargingProfile", {"evseId": evse_id, "chargingProfile": profile}


async def on_charging_profiles(charger: Charger, payload: Payload) -> Payload:
    """Kept: the profiles that are set (K09)."""
    source, told = payload["chargingLimitSource"], payload["chargingProfile"]
    reports = profiles.charging_profiles(evse(payload), source, told)
    await record_reports(charger, ReportKind.CHARGING_PROFILE, reports)
    return {}


# --- Firmware, what is shown and known ------------------------------------------------


async def on_publish_firmware_status(charger: Charger, payload: Payload) -> Payload:
    """Kept: how far the publication is (L03)."""
    return await record_status(charger, StationSubject.PUBLISHING, payload)


async def on_display_messages(charger: Charger, payload: Payload) -> Payload:
    """Kept: the messages that are shown (O03)."""
    shown = {f"#{info['id']}": info for info in payload.get("messageInfo", ())}
    await record_reports(charger, ReportKind.DISPLAY_MESSAGE, shown)
    return {}


async def on_customer_information(charger: Charger, payload: Payload) -> Payload:
    """Kept as long as messages are, part by part (N09)."""
    parse_time(payload["generatedAt"])
    subject = f"request {payload['requestId']}, part {payload['seqNo']}"
    kind = ReportKind.CUSTOMER_INFORMATION
    await record_reports(charger, kind, {subject: payload})
    return {}


HANDLERS: Handlers = {
    "Authorize": on_authorize,
    "BootNotification": on_boot,
    "ClearedChargingLimit": on_cleared_charging_limit,
    "DataTransfer": on_data_transfer,
    "FirmwareStatusNotification": on_firmware_status,
    "Get15118EVCertificate": on_ev_certificate,
    "GetCertificateStatus": on_certificate_status,
    "Heartbeat": on_heartbeat,
    "LogStatusNotification": on_log_status,
    "MeterValues": on_meter_values,
    "NotifyChargingLimit": on_charging_limit,
    "NotifyCustomerInformation": on_customer_information,
    "NotifyDisplayMessages": on_display_messages,
    "NotifyEVChargingNeeds": on_charging_needs,
    "NotifyEVChargingSchedule": on_charging_schedule,
    "NotifyEvent": on_event,
    "NotifyMonitoringReport": on_monitoring_report,
    "NotifyReport": on_report,
    "PublishFirmwareStatusNotification": on_publish_firmware_status,
    "ReportChargingProfiles": on_charging_profiles,
    "ReservationStatusUpdate": on_reservation_status,
    "SecurityEventNotification": on_security_event,
    "SignCertificate": on_sign_certificate,
    "StatusNotification": on_status_notification,
    "TransactionEvent": on_transaction_event,
}


# --- What is kept as it was told ------------------------------------------------------

Event = tuple[datetime | None, str, Payload]  # when (None: now), in words, as in OCPP


async def record_events(charger: Charger, action: str, events: list[Event]) -> None:
    await group_commit().run(stations.record_events, charger, action, events)


async def record_reports(charger: Charger, kind: ReportKind, told: Payload) -> None:
    """What the charger tells of some subjects, in place of what it told before."""
    await group_commit().run(stations.record_reports, charger, kind, told)


async def forget_reports(charger: Charger, kind: ReportKind, subject: str) -> None:
    await group_commit().run(stations.forget_reports, charger, kind, [subject])


# --- Parts of payloads ----------------------------------------------------------------


def evse(payload: Payload) -> int:
    return check_range(payload, "evseId", 0, CONNECTOR_LIMIT)


def token(charger: Charger, id_token: Payload) -> Token:
    return Token(charger.organization_id, id_token["idToken"], id_token["type"])


def id_token_info(verdict: services.Authorization) -> Payload:
    info: Payload = {"status": verdict.status}
    if 0 < len(verdict.parent_id_tag) <= GROUP_ID_LIMIT:
        info["groupIdToken"] = {"idToken": verdict.parent_id_tag, "type": "Central"}
    if verdict.expires_at:
        info["cacheExpiryDateTime"] = format_time(verdict.expires_at)
    return info


def meter_values(payload: Payload) -> list[services.Reading]:
    """The meter values of a message, if there can be such values."""
    values = payload.get("meterValue", ())
    for value in values:
        for sampled in value["sampledValue"]:
            check_range(sampled, "value", -METER_LIMIT, METER_LIMIT)
    return services.parse_meter_values(values)


def _place(evse: Payload, name: str) -> int | None:
    return check_range(evse, name, 0, CONNECTOR_LIMIT) if name in evse else None
