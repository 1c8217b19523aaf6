"""The CSMS side of OCPP 2.1: that of 2.0.1, and what was added."""

from chargers.choices import ReportKind
from chargers.models import Charger
from chargers.ocpp.values import parse_time

from . import v201
from .certificates_v2 import nobody_to_ask, on_chain_status, reason
from .common import Handlers, Payload
from .v201 import forget_reports, record_events, record_reports

# --- Distributed energy resources -----------------------------------------------------

_NOT_CONTROLS = ("requestId", "tbc", "customData")


async def on_der_alarm(charger: Charger, payload: Payload) -> Payload:
    """Kept among the station's events."""
    what = f"{payload['controlType']} alarm"
    if fault := payload.get("gridEventFault"):
        what += f" of {fault}"
    if payload.get("alarmEnded"):
        what += " ended"
    at = parse_time(payload["timestamp"])
    await record_events(charger, "NotifyDERAlarm", [(at, what, payload)])
    return {}


async def on_der_start_stop(charger: Charger, payload: Payload) -> Payload:
    """Kept among the station's events."""
    word = "started" if payload["started"] else "stopped"
    what = f"DER control {payload['controlId']} {word}"
    at = parse_time(payload["timestamp"])
    await record_events(charger, "NotifyDERStartStop", [(at, what, payload)])
    return {}


async def on_der_controls(charger: Charger, payload: Payload) -> Payload:
    """Kept: the controls that are set."""
    controls = {
        f"{sort} {control['id']}": control
        for sort, listed in payload.items()
        if sort not in _NOT_CONTROLS
        for control in listed
    }
    await record_reports(charger, ReportKind.DER_CONTROL, controls)
    return {}


# --- Charging -------------------------------------------------------------------------


async def on_priority_charging(charger: Charger, payload: Payload) -> Payload:
    """Kept among the station's events."""
    word = "begins" if payload["activated"] else "ends"
    what = f"Priority charging {word} in transaction {payload['transactionId']}"
    await record_events(charger, "NotifyPriorityCharging", [(None, what, payload)])
    return {}


async def on_pull_schedule(charger: Charger, payload: Payload) -> Payload:
    """Rejected: the portal sets no dynamic profiles."""
    info = reason("NotFound", "There is no dynamic profile of this id.")
    return {"status": "Rejected", "statusInfo": info}


async def on_battery_swap(charger: Charger, payload: Payload) -> Payload:
    """Kept among the station's events."""
    numbers = ", ".join(battery["serialNumber"] for battery in payload["batteryData"])
    what = f"{payload['eventType']}: {numbers}"
    await record_events(charger, "BatterySwap", [(None, what, payload)])
    return {}


# --- Payment --------------------------------------------------------------------------


async def on_settlement(charger: Charger, payload: Payload) -> Payload:
    """Kept among the station's events."""
    amount = f"{payload['settlementAmount']} {payload['status'].lower()}"
    at = parse_time(payload["settlementTime"])
    what = f"Settlement {payload['pspRef']}: {amount}"
    await record_events(charger, "NotifySettlement", [(at, what, payload)])
    return {}


async def on_vat_number(charger: Charger, payload: Payload) -> Payload:
    """Rejected: there is no register of VAT numbers behind the portal."""
    same: Payload = {
        name: payload[name] for name in ("vatNumber", "evseId") if name in payload
    }
    return {"status": "Rejected", "statusInfo": nobody_to_ask(), **same}


# --- Streams of values ----------------------------------------------------------------


async def on_open_stream(charger: Charger, payload: Payload) -> Payload:
    """Accepted, and kept while it is open."""
    stream = payload["constantStreamData"]
    told = {f"#{stream['id']}": stream}
    await record_reports(charger, ReportKind.EVENT_STREAM, told)
    return {"status": "Accepted"}


async def on_close_stream(charger: Charger, payload: Payload) -> Payload:
    """Forgets the stream."""
    subject = f"#{payload['id']}"
    await forget_reports(charger, ReportKind.EVENT_STREAM, subject)
    await forget_reports(charger, ReportKind.EVENT_STREAM, f"{subject} values")
    return {}


async def on_stream(charger: Charger, payload: Payload) -> Payload:
    """Kept: the last values of the stream. A SEND, never answered."""
    parse_time(payload["basetime"])
    told = {f"#{payload['id']} values": payload}
    await record_reports(charger, ReportKind.EVENT_STREAM, told)
    return {}


HANDLERS: Handlers = {
    **v201.HANDLERS,
    "BatterySwap": on_battery_swap,
    "ClosePeriodicEventStream": on_close_stream,
    "GetCertificateChainStatus": on_chain_status,
    "NotifyDERAlarm": on_der_alarm,
    "NotifyDERStartStop": on_der_start_stop,
    "NotifyPeriodicEventStream": on_stream,
    "NotifyPriorityCharging": on_priority_charging,
    "NotifySettlement": on_settlement,
    "OpenPeriodicEventStream": on_open_stream,
    "PullDynamicScheduleUpdate": on_pull_schedule,
    "ReportDERControl": on_der_controls,
    "VatNumberValidation": on_vat_number,
}
