"""Commands to physical OCPP 2.0.1 and 2.1 chargers.

The connector n of a command is EVSE n, connector 1.
"""

import secrets

from channels.db import database_sync_to_async

from chargers.models import Charger
from chargers.services import device_model, id_tags
from chargers.services.device_model import folded, key_of

from . import profiles
from .commands_common import (
    Call,
    Commands,
    Payload,
    cache_reset,
    configuration_result,
    expect,
    explained,
    find_running,
    running_id,
    session_commands,
    within_rating,
)

EMPTY_LIST_VERSION = 1  # 0 would mean that there is none (D01.FR.18)


async def configuration(
    call: Call, charger: Charger, configuration: dict[str, str]
) -> Payload:
    """Each key names a variable (chargers.ocpp.variables)."""
    names = await database_sync_to_async(device_model.find_variables)(
        charger, list(configuration)
    )
    answers = {key: "UnknownVariable" for key in configuration if key not in names}
    reasons = {}
    if names:
        same = {
            key: folded(key_of({"component": component, "variable": variable}, None))
            for key, (component, variable) in names.items()
        }
        data = {  # each variable once, whatever it is called (B05.FR.13)
            same[key]: {
                "component": component,
                "variable": variable,
                "attributeValue": configuration[key],
            }
            for key, (component, variable) in names.items()
        }
        answer = await call("SetVariables", {"setVariableData": list(data.values())})
        results = {
            folded(key_of(result, result.get("attributeType"))): result
            for result in answer["setVariableResult"]
        }
        for key in names:
            result = results.get(same[key], {"attributeStatus": "Unanswered"})
            answers[key] = result["attributeStatus"]
            reasons[key] = explained(result.get("attributeStatusInfo"))
    in_order = {key: answers[key] for key in configuration}
    return configuration_result(in_order, reasons)


async def local_auth_list(
    call: Call, charger: Charger, list_version: int, entries: list[Payload]
) -> Payload:
    types = await _types(charger, [entry["id_tag"] for entry in entries])
    data = [_authorization_data(entry, types[entry["id_tag"]]) for entry in entries]
    await _send_local_list(call, list_version, data)
    return {
        "status": "Accepted",
        "list_version": list_version,
        "entries_received": len(entries),
    }


async def clear_local_auth_list(call: Call, charger: Charger) -> Payload:
    await _send_local_list(call, EMPTY_LIST_VERSION, [])
    return {"msg": "Local authorization list cleared", "entries_deleted": 0}


async def unlock_connector(
    call: Call, charger: Charger, connector_id: int = 1
) -> Payload:
    request = {"evseId": connector_id, "connectorId": 1}
    expect("Unlocked", await call("UnlockConnector", request), "UnlockConnector")
    return {"status": "Unlocked", "connector_id": connector_id}


async def start_transaction(
    call: Call, charger: Charger, id_tag: str, connector_id: int = 1
) -> Payload:
    types = await _types(charger, [id_tag])
    request = {
        "evseId": connector_id,
        "remoteStartId": secrets.randbelow(2**31 - 1) + 1,
        "idToken": {"idToken": id_tag, "type": types[id_tag]},
    }
    answer = await call("RequestStartTransaction", request)
    expect("Accepted", answer, "RequestStartTransaction")
    return {"status": "Accepted", "connector_id": connector_id, "id_tag": id_tag}


async def stop_transaction(
    call: Call, charger: Charger, transaction_id: str | None = None
) -> Payload:
    if transaction_id is None:
        transaction_id = await running_id(charger)
    answer = await call("RequestStopTransaction", {"transactionId": transaction_id})
    expect("Accepted", answer, "RequestStopTransaction")
    return {"status": "Accepted", "transaction_id": transaction_id}


async def power_update(
    call: Call, charger: Charger, power_w: int, connector_id: int = 1
) -> Payload:
    """Limit the running transaction, or the next ones where none runs."""
    power_w = within_rating(charger, power_w)
    running = await find_running(charger, connector_id=connector_id)
    profile = await database_sync_to_async(profiles.for_power)(
        charger, connector_id, power_w, running
    )
    request = {"evseId": connector_id, "chargingProfile": profile}
    answer = await call("SetChargingProfile", request)
    expect("Accepted", answer, "SetChargingProfile")
    return {"status": "Accepted", "connector_id": connector_id, "power_w": power_w}


COMMANDS: Commands = {
    "configuration": configuration,
    "cache/reset": cache_reset,
    "local-auth-list": local_auth_list,
    "clear-local-auth-list": clear_local_auth_list,
    "unlock-connector": unlock_connector,
    "start-transaction": start_transaction,
    "stop-transaction": stop_transaction,
    **session_commands(start_transaction, stop_transaction),
    "power-update": power_update,
}


async def _types(charger: Charger, tags: list[str]) -> dict[str, str]:
    return await database_sync_to_async(id_tags.token_types)(
        charger.organization_id, tags
    )


async def _send_local_list(call: Call, version: int, entries: list[Payload]) -> None:
    request: Payload = {"versionNumber": version, "updateType": "Full"}
    if entries:
        request["localAuthorizationList"] = entries
    expect("Accepted", await call("SendLocalList", request), "SendLocalList")


def _authorization_data(entry: Payload, token_type: str) -> Payload:
    info: Payload = {"status": "Accepted"}
    if entry.get("expiry_date"):
        info["cacheExpiryDateTime"] = entry["expiry_date"]
    if entry.get("parent_id_tag"):
        info["groupIdToken"] = {"idToken": entry["parent_id_tag"], "type": "Central"}
    token = {"idToken": entry["id_tag"], "type": token_type}
    return {"idToken": token, "idTokenInfo": info}
