"""Commands to physical OCPP 1.6 chargers."""

from chargers.models import Charger
from chargers.ocpp.errors import CommandRejected, OCPPError

from .commands_common import (
    Call,
    Commands,
    Payload,
    cache_reset,
    configuration_result,
    expect,
    find_running,
    power_limit,
    running_id,
    session_commands,
    within_rating,
)

# Ids of our charging profiles, plus the connector: one that has the id of another
# would take its place (OCPP 1.6, 5.16).
TX_PROFILE_ID = 1000
TX_DEFAULT_PROFILE_ID = 2000
# What a charger says of the profiles it takes.
HIGHEST_LEVEL = "ChargeProfileMaxStackLevel"
UNITS = "ChargingScheduleAllowedChargingRateUnit"


async def configuration(
    call: Call, charger: Charger, configuration: dict[str, str]
) -> Payload:
    answers = {}
    for key, value in configuration.items():
        answer = await call("ChangeConfiguration", {"key": key, "value": value})
        answers[key] = answer["status"]
    return configuration_result(answers)


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
    # Its version is to rise, and never 0 or -1, even where nothing is left (errata 3.52).
    present = (await call("GetLocalListVersion", {}))["listVersion"]
    if present < 0:
        raise CommandRejected("The charger keeps no local authorization list.")
    await _send_local_list(call, present + 1, [])
    return {"msg": "Local authorization list cleared", "entries_deleted": 0}


async def unlock_connector(
    call: Call, charger: Charger, connector_id: int = 1
) -> Payload:
    answer = await call("UnlockConnector", {"connectorId": connector_id})
    expect("Unlocked", answer, "UnlockConnector")
    return {"status": "Unlocked", "connector_id": connector_id}


async def start_transaction(
    call: Call, charger: Charger, id_tag: str, connector_id: int = 1
) -> Payload:
    request = {"connectorId": connector_id, "idTag": id_tag}
    answer = await call("RemoteStartTransaction", request)
    expect("Accepted", answer, "RemoteStartTransaction")
    return {"status": "Accepted", "connector_id": connector_id, "id_tag": id_tag}


async def stop_transaction(
    call: Call, charger: Charger, transaction_id: str | None = None
) -> Payload:
    if transaction_id is None:
        transaction_id = await running_id(charger)
    if not transaction_id.isdecimal():
        raise CommandRejected(f"There is no transaction {transaction_id}.")
    request = {"transactionId": int(transaction_id)}
    answer = await call("RemoteStopTransaction", request)
    expect("Accepted", answer, "RemoteStopTransaction")
    return {"status": "Accepted", "transaction_id": int(transaction_id)}


async def power_update(
    call: Call, charger: Charger, power_w: int, connector_id: int = 1
) -> Payload:
    """Limit the running transaction, or the next ones where none runs.

    At the charger's highest stack level: what an operator orders rules over what else
    it was told, and it takes no level above that.
    """
    power_w = within_rating(charger, power_w)
    running = await find_running(charger, connector_id=connector_id)
    if running and not running.transaction_id.isdecimal():
        running = None  # of when the charger spoke 2.x
    base = TX_PROFILE_ID if running else TX_DEFAULT_PROFILE_ID
    takes = await _read_settings(call, HIGHEST_LEVEL, UNITS)
    highest = takes.get(HIGHEST_LEVEL.lower(), "")
    profile: Payload = {
        "chargingProfileId": base + connector_id,
        "stackLevel": int(highest) if highest.isdecimal() else 0,
        "chargingProfilePurpose": "TxProfile" if running else "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": power_limit(
            charger,
            power_w,
            in_watts="power" in takes.get(UNITS.lower(), "power").lower(),
        ),
    }
    if running:
        profile["transactionId"] = int(running.transaction_id)
    request = {"connectorId": connector_id, "csChargingProfiles": profile}
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


async def _read_settings(call: Call, *keys: str) -> dict[str, str]:
    """The values of configuration keys (in lower case), where the charger tells them."""
    try:
        answer = await call("GetConfiguration", {"key": list(keys)})
    except OCPPError:
        return {}
    settings = answer.get("configurationKey", ())
    return {one["key"].lower(): one["value"] for one in settings if "value" in one}


async def _send_local_list(call: Call, version: int, entries: list[Payload]) -> None:
    request = {
        "listVersion": version,
        "updateType": "Full",
        "localAuthorizationList": entries,
    }
    expect("Accepted", await call("SendLocalList", request), "SendLocalList")


def _list_entry(entry: Payload) -> Payload:
    info: Payload = {"status": "Accepted"}
    if entry.get("expiry_date"):
        info["expiryDate"] = entry["expiry_date"]
    if entry.get("parent_id_tag"):
        info["parentIdTag"] = entry["parent_id_tag"]
    return {"idTag": entry["id_tag"], "idTagInfo": info}
