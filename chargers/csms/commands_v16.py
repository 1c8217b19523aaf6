"""Commands to physical OCPP 1.6 chargers: each becomes CALLs of ours (DESIGN, 3).

One function per command, named like the virtual charger's method; each returns the
command's result, or raises CommandRejected with the charger's answer.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from channels.db import database_sync_to_async

from chargers import services
from chargers.models import Charger, Transaction
from chargers.ocpp.errors import CommandRejected

Payload = dict[str, Any]
Call = Callable[[str, Payload], Awaitable[Payload]]

POWER_PROFILE_ID = 1000  # plus the connector: one profile of ours on each
POWER_PROFILE_LEVEL = 0


async def perform(
    call: Call, charger: Charger, command: str, event: Payload
) -> Payload:
    """Carry a command out; ``call`` sends a CALL to the charger and awaits its answer."""
    function = _FUNCTIONS.get(command)
    if function is None:
        raise CommandRejected(f"A physical charger cannot be told {command}.")
    return await function(call, charger, **event)


async def configuration(
    call: Call, charger: Charger, configuration: dict[str, str]
) -> Payload:
    answers = {}
    for key, value in configuration.items():
        answer = await call("ChangeConfiguration", {"key": key, "value": value})
        answers[key] = answer["status"]
    refused = {k: v for k, v in answers.items() if v in ("Rejected", "NotSupported")}
    if refused:
        status = "Rejected"
        reasons = (f"{key}: {answer}" for key, answer in refused.items())
        msg = f"Refused: {', '.join(reasons)}"
    elif "RebootRequired" in answers.values():
        status, msg = "RebootRequired", "Takes effect after a reboot."
    else:
        status, msg = "Accepted", "Configuration changed"
    configured = [key for key in answers if key not in refused]
    return {"status": status, "configured": configured, "msg": msg}


async def cache_reset(call: Call, charger: Charger) -> Payload:
    _expect("Accepted", await call("ClearCache", {}), "ClearCache")
    # OCPP does not tell how many entries there were.
    return {"msg": "Authorization cache cleared", "cleared_entries": 0}


async def local_auth_list(
    call: Call, charger: Charger, list_version: int, entries: list[Payload]
) -> Payload:
    await _send_local_list(call, list_version, [_list_entry(e) for e in entries])
    return {
        "status": "Accepted",
        "list_version": list_version,
        "entries_received": len(entries),
    }


async def clear_local_auth_list(call: Call, charger: Charger) -> Payload:
    # Version 0 is that of an empty list (OCPP 1.6, 5.10).
    await _send_local_list(call, 0, [])
    return {"msg": "Local authorization list cleared", "entries_deleted": 0}


async def unlock_connector(
    call: Call, charger: Charger, connector_id: int = 1
) -> Payload:
    answer = await call("UnlockConnector", {"connectorId": connector_id})
    _expect("Unlocked", answer, "UnlockConnector")
    return {"status": "Unlocked", "connector_id": connector_id}


async def start_transaction(
    call: Call, charger: Charger, id_tag: str, connector_id: int = 1
) -> Payload:
    request = {"connectorId": connector_id, "idTag": id_tag}
    answer = await call("RemoteStartTransaction", request)
    _expect("Accepted", answer, "RemoteStartTransaction")
    return {"status": "Accepted", "connector_id": connector_id, "id_tag": id_tag}


async def start_session(
    call: Call,
    charger: Charger,
    id_tag: str,
    connector_id: int = 1,
    duration_seconds: int | None = None,
    target_energy_kwh: float | None = None,
) -> Payload:
    """As start_transaction; the limits are watched by the portal (commands.services)."""
    return await start_transaction(call, charger, id_tag, connector_id)


async def stop_transaction(
    call: Call, charger: Charger, transaction_id: str | None = None
) -> Payload:
    if transaction_id is None:
        running = await _running(charger)
        if running is None:
            raise CommandRejected("No transaction is running.")
        transaction_id = running.transaction_id
    if not transaction_id.isdecimal():
        raise CommandRejected(f"There is no transaction {transaction_id}.")
    request = {"transactionId": int(transaction_id)}
    answer = await call("RemoteStopTransaction", request)
    _expect("Accepted", answer, "RemoteStopTransaction")
    return {"status": "Accepted", "transaction_id": int(transaction_id)}


async def stop_session(
    call: Call, charger: Charger, connector_id: int | None = None
) -> Payload:
    running = await _running(charger, connector_id)
    if running is None:
        raise CommandRejected("No transaction is running.")
    return await stop_transaction(call, charger, running.transaction_id)


async def power_update(
    call: Call, charger: Charger, power_w: int, connector_id: int = 1
) -> Payload:
    """Limit the running transaction, or the next ones where none runs."""
    power_w = min(power_w, charger.max_power_w)
    running = await _running(charger, connector_id)
    profile: Payload = {
        "chargingProfileId": POWER_PROFILE_ID + connector_id,
        "stackLevel": POWER_PROFILE_LEVEL,
        "chargingProfilePurpose": "TxProfile" if running else "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": power_w}],
        },
    }
    if running:
        profile["transactionId"] = int(running.transaction_id)
    request = {"connectorId": connector_id, "csChargingProfiles": profile}
    answer = await call("SetChargingProfile", request)
    _expect("Accepted", answer, "SetChargingProfile")
    return {"status": "Accepted", "connector_id": connector_id, "power_w": power_w}


_FUNCTIONS: dict[str, Callable[..., Awaitable[Payload]]] = {
    "configuration": configuration,
    "cache/reset": cache_reset,
    "local-auth-list": local_auth_list,
    "clear-local-auth-list": clear_local_auth_list,
    "unlock-connector": unlock_connector,
    "start-transaction": start_transaction,
    "start-session": start_session,
    "stop-transaction": stop_transaction,
    "stop-session": stop_session,
    "power-update": power_update,
}


async def _send_local_list(call: Call, version: int, entries: list[Payload]) -> None:
    request = {
        "listVersion": version,
        "updateType": "Full",
        "localAuthorizationList": entries,
    }
    _expect("Accepted", await call("SendLocalList", request), "SendLocalList")


def _list_entry(entry: Payload) -> Payload:
    info: Payload = {"status": "Accepted"}
    if entry.get("expiry_date"):
        info["expiryDate"] = entry["expiry_date"]
    if entry.get("parent_id_tag"):
        info["parentIdTag"] = entry["parent_id_tag"]
    return {"idTag": entry["id_tag"], "idTagInfo": info}


def _expect(status: str, answer: Payload, action: str) -> None:
    if answer["status"] != status:
        raise CommandRejected(
            f"The charger answered {action} with {answer['status']}.", answer
        )


async def _running(
    charger: Charger, connector_id: int | None = None
) -> Transaction | None:
    return await database_sync_to_async(services.open_transaction)(
        charger, evse_id=connector_id
    )
