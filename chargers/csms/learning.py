"""What the portal learns from answers to requests of its own."""

import logging
from collections.abc import Callable
from typing import Any

from chargers.choices import ReportKind
from chargers.group_commit import group_commit
from chargers.models import Charger
from chargers.services import device_model, links, stations

from .profiles import charging_profiles

logger = logging.getLogger(__name__)

Payload = dict[str, Any]


Request = tuple[str, Payload]


async def learn(
    charger: Charger, action: str, request: Payload, answer: Payload
) -> Request | None:
    """Keep what a charger's answer tells of it; what is to be asked of it for that.

    The answer counts if this fails, too.
    """
    learner = _LEARNERS.get(action)
    if learner is None:
        return None
    try:
        return await group_commit().run(learner, charger, request, answer)
    except Exception:
        logger.exception("nothing is learnt from %s of %s", action, charger)
        return None


def _from_values(charger: Charger, request: Payload, answer: Payload) -> None:
    device_model.record_values(charger, answer["getVariableResult"])


def _from_settings(charger: Charger, request: Payload, answer: Payload) -> None:
    asked, results = request["setVariableData"], answer["setVariableResult"]
    device_model.record_settings(charger, asked, results)


def _from_monitors(charger: Charger, request: Payload, answer: Payload) -> None:
    asked = {_monitor(data): data for data in request["setMonitoringData"]}
    monitors = {
        f"#{result['id']}": {**asked[_monitor(result)], "id": result["id"]}
        for result in answer["setMonitoringResult"]
        if result["status"] == "Accepted"
        and "id" in result
        and _monitor(result) in asked
    }
    stations.record_reports(charger, ReportKind.MONITOR, monitors)


def _monitor(data: Payload) -> tuple[Any, ...]:
    """What tells a monitor from others: results may come in any order."""
    variable = device_model.folded(device_model.key_of(data, None))
    return *variable, data["type"], data["severity"]


def _from_cleared_monitors(charger: Charger, request: Payload, answer: Payload) -> None:
    results = answer["clearMonitoringResult"]
    gone = [f"#{r['id']}" for r in results if r["status"] in ("Accepted", "NotFound")]
    stations.forget_reports(charger, ReportKind.MONITOR, gone)


def _from_cleared_message(charger: Charger, request: Payload, answer: Payload) -> None:
    if answer["status"] in ("Accepted", "Unknown"):
        subject = f"#{request['id']}"
        stations.forget_reports(charger, ReportKind.DISPLAY_MESSAGE, [subject])


def _from_profile(charger: Charger, request: Payload, answer: Payload) -> None:
    if answer["status"] == "Accepted":
        evse_id, profile = request["evseId"], request["chargingProfile"]
        told = charging_profiles(evse_id, "CSO", [profile])
        stations.record_reports(charger, ReportKind.CHARGING_PROFILE, told)


def _from_cleared_profiles(charger: Charger, request: Payload, answer: Payload) -> None:
    """Forget those that the request means, also where the charger knows of none."""
    wanted = dict(request.get("chargingProfileCriteria", {}))
    if "chargingProfileId" in request:
        wanted = {"id": request["chargingProfileId"]}
    wanted.pop("customData", None)
    known = charger.station_reports.filter(kind=ReportKind.CHARGING_PROFILE)
    gone = [
        report.subject
        for report in known
        if all(report.data.get(name) == value for name, value in wanted.items())
    ]
    stations.forget_reports(charger, ReportKind.CHARGING_PROFILE, gone)


def _from_network_profile(charger: Charger, request: Payload, answer: Payload) -> None:
    profile = request["connectionData"]["securityProfile"]
    _note_security_profile(charger, profile, answer)


def _from_configuration(charger: Charger, request: Payload, answer: Payload) -> None:
    """What 1.6 has in place of a network profile (whitepaper, A05)."""
    value = request["value"]
    if request["key"].lower() == "securityprofile" and value in ("1", "2", "3"):
        _note_security_profile(charger, int(value), answer)


def _note_security_profile(charger: Charger, profile: int, answer: Payload) -> None:
    if answer["status"] in ("Accepted", "RebootRequired"):
        links.keep_next_security_profile(charger, profile)


# --- Local authorization list ---------------------------------------------------------


def _from_local_list(charger: Charger, request: Payload, answer: Payload) -> None:
    """Of 1.6, too."""
    if answer["status"] != "Accepted":
        return
    entries: Payload = {}
    if request["updateType"] != "Full":
        entries = stations.local_list_of(charger)["entries"]
    for entry in request.get("localAuthorizationList", ()):
        token = entry["idTag"] if "idTag" in entry else entry["idToken"]["idToken"]
        info = entry.get("idTagInfo", entry.get("idTokenInfo"))
        entries.pop(_spelt(entries, token), None)
        if info is not None:
            entries[token] = info
    version = request.get("listVersion", request.get("versionNumber"))
    told = {"as sent": {"version": version, "entries": entries}}
    stations.record_reports(charger, ReportKind.LOCAL_LIST, told)


def _from_customer(
    charger: Charger, request: Payload, answer: Payload
) -> Request | None:
    """Who is cleared leaves the local list, which only a CSMS changes (N10.FR.02)."""
    if not (answer["status"] == "Accepted" and request["clear"]):
        return None
    token = request.get("idToken")
    kept = stations.local_list_of(charger)
    entries = kept["entries"]
    if token is None or _spelt(entries, token["idToken"]) not in entries:
        return None
    less = {
        "versionNumber": kept["version"] + 1,
        "updateType": "Differential",
        "localAuthorizationList": [{"idToken": token}],
    }
    return "SendLocalList", less


def _spelt(entries: Payload, token: str) -> str:
    """As the token is spelt there: it is the same in any case."""
    return next((one for one in entries if one.lower() == token.lower()), token)


_LEARNERS: dict[str, Callable[[Charger, Payload, Payload], Request | None]] = {
    "ChangeConfiguration": _from_configuration,
    "ClearChargingProfile": _from_cleared_profiles,
    "ClearDisplayMessage": _from_cleared_message,
    "ClearVariableMonitoring": _from_cleared_monitors,
    "CustomerInformation": _from_customer,
    "GetVariables": _from_values,
    "SendLocalList": _from_local_list,
    "SetChargingProfile": _from_profile,
    "SetNetworkProfile": _from_network_profile,
    "SetVariableMonitoring": _from_monitors,
    "SetVariables": _from_settings,
}
