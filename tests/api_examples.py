"""Makes docs/api.md: every operation of the API, with a request and an answer that a
portal really gave.  ``python -m tests.api_examples``
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.portal import Portal

ROOT = Path(__file__).resolve().parent.parent
PATH = ROOT / "docs" / "api.md"
LONGEST = 2500  # characters of an answer that are shown

INTRODUCTION = """# The API, by example

Every operation, with a request and the answer that a portal gave to it. The schema is at
`GET /ocpp/schema`, and to be read and tried at `/docs`.

Requests carry `Authorization: Bearer <token>` (all but `/health…`, `/ocpp/schema` and the
pictures). An admin token names its organization in `X-Organization-Id`. Every POST may
carry an `Idempotency-Key`. Errors are `{"detail": "…"}`, or, for a request of a wrong
shape (422), `{"detail": [{"loc": […], "msg": "…", "type": "…"}]}`.

This page is made by `python -m tests.api_examples`.
"""


class Recorder:
    """Calls a portal and writes down what was said."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.parts = [INTRODUCTION]

    def section(self, title: str) -> None:
        self.parts.append(f"## {title}\n")

    def call(
        self,
        method: str,
        template: str,
        body: Any = None,
        *,
        query: str = "",
        **ids: Any,
    ) -> Any:
        """Make a request, write it down with its answer, and return that."""
        path = template.format(**ids) + query
        status, answer = self.send(method, path, body)
        shown = json.dumps(answer, indent=2, ensure_ascii=False) if answer else ""
        if len(shown) > LONGEST:
            shown = shown[:LONGEST].rsplit("\n", 1)[0] + "\n  …"
        lines = [f"### `{method} {template}`\n", "```", f"{method} {path}"]
        if body is not None:
            lines += ["", json.dumps(body, indent=2, ensure_ascii=False)]
        lines += ["```\n", f"answers **{status}**\n"]
        if shown:
            lines += ["```json", shown, "```\n"]
        self.parts.append("\n".join(lines))
        return answer

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = Request(
            self.portal.base_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.portal.token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urlopen(request, timeout=60) as answer:
                status, text = answer.status, answer.read()
        except HTTPError as error:
            status, text = error.code, error.read()
        try:
            return status, json.loads(text) if text else None
        except ValueError:
            return status, text.decode()[:200]

    def until(self, path: str, condition: Callable[[Any], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition(self.send("GET", path)[1]):
            assert time.monotonic() < deadline, path
            time.sleep(0.2)


def record(portal: Portal) -> str:
    """The text of docs/api.md."""
    api = Recorder(portal)
    api.section("Health")
    api.call("GET", "/health")
    api.call("GET", "/")
    _catalog(api)
    location = _locations(api)
    charger = _chargers(api, location)
    _location_chargers(api, location)
    _commands(api, charger)
    api.section("Removing")
    api.call("DELETE", "/ocpp/chargers/{charger_id}", charger_id=charger)
    api.call("DELETE", "/ocpp/locations/{location_id}", location_id=location)
    return "\n".join(api.parts)


def _catalog(api: Recorder) -> None:
    api.section("Catalog and templates")
    api.call("GET", "/ocpp/catalog/brands", query="?limit=2")
    api.call(
        "GET",
        "/ocpp/catalog/brands/{brand_slug}/models",
        query="?limit=2",
        brand_slug="wallbox",
    )
    api.call(
        "GET",
        "/ocpp/catalog/brands/{brand_slug}/models/{model_slug}",
        brand_slug="wallbox",
        model_slug="wallbox-pulsar-plus",
    )
    api.call("GET", "/ocpp/templates/locations", query="?type=AC-DC")


def _locations(api: Recorder) -> str:
    api.section("Locations")
    body = {
        "name": "La Defense Charging Hub",
        "address": "1 Parvis de la Defense",
        "city": "Paris",
        "country": "FR",
        "coordinates": {"latitude": 48.8924, "longitude": 2.2361},
        "timezone": "Europe/Paris",
    }
    location: str = api.call("POST", "/ocpp/locations", body)["id"]
    api.call("GET", "/ocpp/locations", query="?limit=1")
    api.call("GET", "/ocpp/locations/{location_id}", location_id=location)
    changes = {"owner_name": "Hub Operations", "public": True}
    api.call("PUT", "/ocpp/locations/{location_id}", changes, location_id=location)
    return location


def _chargers(api: Recorder, location: str) -> str:
    api.section("Chargers")
    body = {
        "identity": "CP-TEST-001",
        "brand_slug": "wallbox",
        "model_slug": "wallbox-pulsar-plus",
        "connector_type": "Type2",
        "ws_url": f"{api.portal.ws_url}/demo",
        "ocpp_version": "OCPP1.6",
        "charge_point_name": "Bay A01",
        "location_id": location,
    }
    charger: str = api.call("POST", "/ocpp/chargers", body)["charger_id"]
    ids = {"charger_id": charger}
    _until_ready(api, charger)
    api.call("GET", "/ocpp/chargers/{charger_id}/status", **ids)
    api.call("GET", "/ocpp/chargers", query=f"?location_id={location}")
    api.call("GET", "/ocpp/chargers/{charger_id}", **ids)
    changes = {"charge_point_name": "Bay A02"}
    api.call("PUT", "/ocpp/chargers/{charger_id}", changes, **ids)
    for action in ("stop", "start", "reset"):
        api.call("POST", f"/ocpp/chargers/{{charger_id}}/{action}-charger", {}, **ids)
    time.sleep(3)  # the fleet looks every two seconds
    _until_online(api, charger)
    api.call("GET", "/ocpp/chargers/{charger_id}/logs", query="?limit=3", **ids)
    request = {"action": "GetConfiguration", "payload": {"key": ["HeartbeatInterval"]}}
    if api.send("OPTIONS", f"/ocpp/chargers/{charger}/requests")[0] != 404:
        api.call("POST", "/ocpp/chargers/{charger_id}/requests", request, **ids)
    _variables(api)
    return charger


def _variables(api: Recorder) -> None:
    """Of the demo's charger of OCPP 2.0.1."""
    chargers = api.send("GET", "/ocpp/chargers")[1]["data"]
    charger = next(c["id"] for c in chargers if c["ocpp_version"] == "OCPP2.0.1")
    template = "/ocpp/chargers/{charger_id}/variables"
    query = "?variable=HeartbeatInterval"
    path = template.format(charger_id=charger) + query
    api.until(path, lambda answer: answer["total"] > 0)
    api.call("GET", template, query=query, charger_id=charger)


def _until_ready(api: Recorder, charger: str) -> None:
    path = f"/ocpp/chargers/{charger}/status"
    api.until(path, lambda answer: answer["status"] == "READY")


def _until_online(api: Recorder, charger: str) -> None:
    """A command is refused while the charger is offline."""
    deadline = time.monotonic() + 60
    body = {"target": {"charger_id": charger}, "event": {}}
    while api.send("POST", "/ocpp/commands/cache/reset", body)[0] != 200:
        assert time.monotonic() < deadline, "the charger is back"
        time.sleep(0.3)


def _location_chargers(api: Recorder, location: str) -> None:
    api.section("Chargers of a location")
    ids = {"location_id": location}
    base = "/ocpp/locations/{location_id}/chargers"
    template = {
        "brand_slug": "abb",
        "model_slug": "terra-184",
        "connector_type": "CCS2",
        "ws_url": f"{api.portal.ws_url}/demo",
        "identity_prefix": "SITE_A_",
        "template_name": "Bay",
    }
    groups = [{"template": template, "charger_ids": ["001"], "chargers_number": 2}]
    job = api.call("POST", base, groups, **ids)["job_id"]
    api.until(
        f"/ocpp/locations/{location}/chargers/jobs/{job}",
        lambda answer: answer["status"] in ("READY", "FAILED"),
    )
    api.call("GET", f"{base}/jobs/{{job_id}}", job_id=job, **ids)
    chargers = api.call("GET", base, query="?limit=2", **ids)["data"]
    changes = {"chargers": [{"charger_id": chargers[0]["id"], "name": "Bay 1"}]}
    api.call("PUT", base, changes, **ids)
    bay = next(row["id"] for row in chargers if row["identity"] != "CP-TEST-001")
    api.call("DELETE", base, query=f"?charger_ids={bay}", **ids)


def _commands(api: Recorder, charger: str) -> None:
    api.section("Commands")
    target = {"charger_id": charger}
    connector = {"evse_id": 1, "connector_id": 1}
    tag = {"id_tag": "TAG-RFID-001"}
    boot = {"charge_point_vendor": "OCPPLAB", "charge_point_model": "SDK-AC-22"}
    entries = [{"id_tag": "TAG-RFID-001"}, {"id_tag": "TAG-RFID-002"}]
    last = ""
    for slug, event in (
        ("authorize-id-tag", tag),
        ("plug-connector", connector),
        ("start-transaction", {**tag, **connector}),
        ("power-update", {"power_w": 11000, **connector}),
        ("ev-stops-energy", connector),
        ("ev-requests-energy", connector),
        ("stop-transaction", {}),
        ("unlock-connector", connector),
        ("unplug-connector", connector),
        ("start-session", {**tag, "connector_id": 1, "target_energy_kwh": 12.5}),
        ("stop-session", {"connector_id": 1}),
        ("inject-fault", {"fault_type": "OverCurrent", **connector}),
        ("clear-fault", connector),
        ("configuration", {"configuration": {"HeartbeatInterval": "30"}}),
        ("local-auth-list", {"list_version": 1, "entries": entries}),
        ("clear-local-auth-list", {}),
        ("cache/reset", {}),
        (
            "proxy-message",
            {
                "action": "boot_notification",
                "ocpp_version": "ocpp1.6",
                "payload": boot,
            },
        ),
    ):
        body = {"target": target, "event": event}
        answer = api.call("POST", f"/ocpp/commands/{slug}", body)
        sent = (answer.get("results") or [{}])[0].get("command", answer)
        if "id" in sent:
            last = sent["id"]
            api.until(
                f"/ocpp/command-results/{last}",
                lambda found: (
                    found.get("status") in ("applied", "rejected", "failed", "expired")
                ),
            )
    api.section("Command results")
    api.call("GET", "/ocpp/command-results/{command_id}", command_id=last)
    api.call("GET", "/ocpp/command-results", query=f"?charger_id={charger}&limit=2")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ocpplab-docs-") as directory:
        portal = Portal(Path(directory), PORT="8000")
        portal.start().wait_until_ready()
        try:
            PATH.write_text(record(portal))
        finally:
            portal.stop()


if __name__ == "__main__":
    main()
