"""The published client against the running portal: all that is not a command.

Chargers dial a CSMS of the test, which sees them come and go.
"""

import json
import secrets
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.portal import Portal, wait_until
from tests.test_client import PYTHON, SCRIPTS

pytestmark = pytest.mark.portal

MODEL = {
    "brand_slug": "wallbox",
    "model_slug": "wallbox-pulsar-plus",
    "connector_type": "Type2",
}
HUB: dict[str, Any] = {
    "name": "La Defense Charging Hub",
    "address": "1 Parvis de la Defense",
    "city": "Paris",
    "country": "FR",
    "coordinates": {"latitude": 48.8919, "longitude": 2.2384},
    "timezone": "Europe/Paris",
    "owner_name": "OCPPLAB",
    "public": True,
}


class Refused(Exception):
    """An error that the client raised: its class and what the portal said."""

    def __init__(self, error: str, detail: Any) -> None:
        super().__init__(error, detail)
        self.error = error
        self.detail = detail


Client = Callable[..., Any]


@pytest.fixture(scope="module", params=["sync", "async"])
def client(
    request: pytest.FixtureRequest,
    portal: Portal,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Client]:
    """Calls an operation of either client by its name, ``chargers.get``."""
    elsewhere: Path = tmp_path_factory.mktemp("client")
    with subprocess.Popen(
        [
            str(PYTHON),
            str(SCRIPTS / "driver.py"),
            portal.base_url,
            portal.token,
            request.param,
        ],
        cwd=elsewhere,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout

        def call(operation: str, *args: Any, **kwargs: Any) -> Any:
            line = {"operation": operation, "args": args, "kwargs": kwargs}
            process.stdin.write(json.dumps(line) + "\n")
            process.stdin.flush()
            given = json.loads(process.stdout.readline())
            if "error" in given:
                raise Refused(given["error"], given["detail"])
            return given["answer"]

        yield call
        process.stdin.close()


class Csms:
    """A CSMS that accepts everybody, and knows who is there."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.boots: Counter[str] = Counter()
        self.url = ""

    def serve(self, connection: ServerConnection) -> None:
        assert connection.request
        identity = connection.request.path.rpartition("/")[2]
        self.open.add(identity)
        try:
            for text in connection:
                kind, message_id, action, *_ = json.loads(text)
                if kind == 2:
                    answer = self.answer(identity, action)
                    connection.send(json.dumps([3, message_id, answer]))
        except ConnectionClosed:
            pass
        finally:
            self.open.discard(identity)

    def answer(self, identity: str, action: str) -> dict[str, Any]:
        now = "2026-04-02T09:15:00Z"
        if action == "BootNotification":
            self.boots[identity] += 1
            return {"status": "Accepted", "currentTime": now, "interval": 300}
        return {"currentTime": now} if action == "Heartbeat" else {}


@pytest.fixture(scope="module")
def csms() -> Iterator[Csms]:
    csms = Csms()
    with serve(csms.serve, "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:
        csms.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/csms"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield csms
        server.shutdown()
        thread.join()


@pytest.fixture
def location(client: Client) -> Iterator[dict[str, Any]]:
    location = client("locations.create", **HUB)
    yield location
    client("locations.delete", location["id"])


@pytest.fixture
def charger(client: Client, location: dict[str, Any], csms: Csms) -> Any:
    """One that is ready, as ``chargers.get`` shows it."""
    accepted = client(
        "chargers.create",
        identity=f"CP-{secrets.token_hex(4)}",
        ws_url=csms.url,
        charge_point_name="Bay A01",
        location_id=location["id"],
        location_name=location["name"],
        ocpp_version="OCPP1.6",
        **MODEL,
    )
    assert accepted["status"] in ("PENDING", "PROVISIONING")
    pk = accepted["charger_id"]
    assert accepted["status_url"] == f"/ocpp/chargers/{pk}/status"

    def status() -> Any:
        return client("chargers.get_status", pk)["status"]

    wait_until(lambda: status() == "READY", 30, "the charger is ready")
    return client("chargers.get", pk)


def refused(client: Client, *args: Any, **kwargs: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        client(*args, **kwargs)
    return caught.value


# --- Health and catalog ---------------------------------------------------------------


def test_health_and_landing_page(client: Client) -> None:
    assert client("health.health_check") == {"status": "ok"}
    assert "OCPPLAB" in client("health.landing_page")


def test_the_catalog(client: Client) -> None:
    brands = client("catalog.list_brands")
    assert (brands["page"], brands["limit"]) == (1, 20)
    models = client("catalog.list_models", "wallbox", page=1, limit=1)
    assert len(models["data"]) == 1
    model = client("catalog.get_model", "wallbox", "wallbox-pulsar-plus")
    assert model["image_url"].endswith("/catalog/wallbox/wallbox-pulsar-plus.svg")
    error = refused(client, "catalog.get_model", "wallbox", "none")
    assert error.error == "NotFoundError"


def test_the_gallery_of_locations(client: Client) -> None:
    gallery = client("location_templates.list", type="DC", ocpp_version="OCPP1.6")
    assert gallery["total"] == len(gallery["data"]) > 0
    assert {template["type"] for template in gallery["data"]} == {"DC"}
    error = refused(client, "location_templates.list", type="water")
    assert error.error == "UnprocessableEntityError"


# --- Locations ------------------------------------------------------------------------


def test_a_location_is_made_read_changed_and_removed(client: Client) -> None:
    made = client("locations.create", **HUB)
    assert HUB.items() <= made.items()
    assert made["status"] == "active"
    assert client("locations.get", made["id"]) == made
    assert made in client("locations.list", page=1, limit=100)["data"]
    changed = client("locations.update", made["id"], city="Lyon", owner_name=None)
    assert (changed["city"], changed["owner_name"]) == ("Lyon", None)
    assert changed["updated_at"] > made["updated_at"]
    assert client("locations.delete", made["id"]) is None
    assert client("locations.delete", made["id"]) is None
    for operation in ("get", "update"):
        error = refused(client, f"locations.{operation}", made["id"])
        assert error.error == "NotFoundError"
        assert isinstance(error.detail, str)


def test_a_wrong_location_is_refused(client: Client) -> None:
    error = refused(client, "locations.create", **{**HUB, "country": "France"})
    assert error.error == "UnprocessableEntityError"
    assert {tuple(item["loc"]) for item in error.detail} == {("body", "country")}


# --- Chargers -------------------------------------------------------------------------


def test_a_charger_is_made_and_connects(
    client: Client, charger: dict[str, Any], location: dict[str, Any], csms: Csms
) -> None:
    assert charger["name"] == "Bay A01"
    assert charger["vendor_name"] == "Wallbox"
    assert charger["max_charging_power"] == 22000
    assert charger["location_id"] == location["id"]
    status = client("chargers.get_status", charger["id"])
    assert status["error"] is None
    assert status["provisioned_at"]
    assert charger["identity"] in csms.open
    listed = client("chargers.list", location_id=location["id"])
    assert listed["data"] == [charger]

    def boots() -> Any:
        return client("chargers.get_logs", charger["id"], event="BootNotification")

    wait_until(lambda: boots()["total"] == 2, 10, "the boot is in the log")
    answer, call = boots()["data"]
    assert (call["direction"], answer["direction"]) == ("cp_to_csms", "csms_to_cp")
    assert json.loads(call["message"])[2] == "BootNotification"
    assert json.loads(answer["message"])[2]["status"] == "Accepted"


def test_it_changes_and_dials_where_it_is_told(
    client: Client, charger: dict[str, Any], csms: Csms
) -> None:
    changed = client("chargers.update", charger["id"], charge_point_name="Bay A02")
    assert changed == {
        **charger,
        "name": "Bay A02",
        "updated_at": changed["updated_at"],
    }
    boots = csms.boots[charger["identity"]]
    client("chargers.update", charger["id"], ws_url=f"{csms.url}/elsewhere")
    wait_until(
        lambda: csms.boots[charger["identity"]] == boots + 1, 20, "it boots elsewhere"
    )


def test_its_runtime_stops_starts_and_restarts(
    client: Client, charger: dict[str, Any], csms: Csms
) -> None:
    pk, identity = charger["id"], charger["identity"]

    def act(action: str, count: int) -> None:
        answer = client(f"chargers.{action}_runtime", pk, request={})
        assert answer["id"] == pk
        assert answer["event_type"] == f"{action}_charger"
        assert answer["ocpp_version"] == "OCPP1.6"
        assert answer["payload"]["desired_count"] == count

    act("stop", 0)
    wait_until(lambda: identity not in csms.open, 20, "it hangs up")
    act("start", 1)
    wait_until(lambda: csms.boots[identity] == 2, 20, "it boots")
    act("reset", 1)
    wait_until(lambda: csms.boots[identity] == 3, 20, "it boots anew")
    assert identity in csms.open


def test_it_is_removed_and_hangs_up(
    client: Client, charger: dict[str, Any], csms: Csms
) -> None:
    assert client("chargers.delete", charger["id"]) is None
    wait_until(lambda: charger["identity"] not in csms.open, 20, "it hangs up")
    calls: list[tuple[str, dict[str, Any]]] = [
        ("delete", {}),
        ("get", {}),
        ("get_status", {}),
        ("update", {"name": "Bay"}),
        *((f"{name}_runtime", {"request": {}}) for name in ("start", "stop", "reset")),
    ]
    for operation, kwargs in calls:
        error = refused(client, f"chargers.{operation}", charger["id"], **kwargs)
        assert error.error == "NotFoundError"
    assert client("chargers.get_logs", charger["id"])["data"] == []


def test_a_charger_that_cannot_connect_fails_with_the_reason(client: Client) -> None:
    accepted = client(
        "chargers.create",
        identity=f"CP-{secrets.token_hex(4)}",
        ws_url="ws://127.0.0.1:9/nobody",
        **MODEL,
    )

    def status() -> Any:
        return client("chargers.get_status", accepted["charger_id"])

    wait_until(lambda: status()["status"] == "FAILED", 60, "the charger has failed")
    error = status()["error"]
    assert (error["code"], error["retryable"]) == ("csms_unreachable", True)
    client("chargers.delete", accepted["charger_id"])


def test_a_wrong_charger_is_refused(client: Client, charger: dict[str, Any]) -> None:
    new = {"identity": "CP-WRONG", "ws_url": "ws://127.0.0.1:9", **MODEL}
    for change, expected in (
        ({"identity": charger["identity"]}, "BadRequestError"),
        ({"brand_slug": "nobody"}, "BadRequestError"),
        ({"location_id": "loc-456"}, "BadRequestError"),
        ({"ws_url": "http://csms.example"}, "UnprocessableEntityError"),
        ({"identity": "a/b"}, "UnprocessableEntityError"),
    ):
        error = refused(client, "chargers.create", **{**new, **change})
        assert error.error == expected
        assert isinstance(error.detail, str if expected == "BadRequestError" else list)
    error = refused(client, "chargers.update", charger["id"], location_id="loc-456")
    assert error.error == "BadRequestError"


# --- Chargers of a location -----------------------------------------------------------


def test_many_are_made_changed_and_removed(
    client: Client, location: dict[str, Any], csms: Csms
) -> None:
    prefix = f"SITE_{secrets.token_hex(2)}_"
    template = {"ws_url": csms.url, "identity_prefix": prefix, "template_name": "Bay"}
    accepted = client(
        "location_chargers.create",
        location["id"],
        request=[
            {"template": {**MODEL, **template}, "charger_ids": ["001"]},
            {"template": {**MODEL, **template}, "chargers_number": 9},
            {"template": {**MODEL, **template}, "charger_ids": ["001"]},
        ],
    )
    job_id = accepted["job_id"]
    assert accepted["status_url"] == (
        f"/ocpp/locations/{location['id']}/chargers/jobs/{job_id}"
    )

    def job() -> Any:
        return client("location_chargers.get_bulk_job", location["id"], job_id)

    wait_until(lambda: job()["status"] == "READY", 60, "the job is ready")
    results = job()["results"]
    assert (results["created_count"], results["failed_count"]) == (10, 1)
    assert results["failed"][0]["identity"] == f"{prefix}001"
    identities = {charger["identity"] for charger in results["created"]}
    assert identities <= csms.open
    listed = client("location_chargers.list", location["id"], limit=100)
    assert {charger["identity"] for charger in listed["data"]} == identities

    first, second, *_ = [charger["id"] for charger in results["created"]]
    some = client("location_chargers.list", location["id"], charger_ids=[first])
    assert [charger["id"] for charger in some["data"]] == [first]
    changed = client(
        "location_chargers.update",
        location["id"],
        chargers=[
            {"charger_id": first, "charge_point_name": "Bay A"},
            {"charger_id": "dep-000000000000", "name": "Bay B"},
        ],
    )
    assert (changed["updated_count"], changed["failed_count"]) == (1, 1)
    assert changed["updated"][0]["name"] == "Bay A"
    removed = client(
        "location_chargers.delete", location["id"], charger_ids=[first, second, "x"]
    )
    assert removed["deleted"] == [first, second]
    assert removed["failed"][0]["charger_id"] == "x"
    wait_until(lambda: len(identities & csms.open) == 8, 20, "two hang up")
    client("locations.delete", location["id"])
    wait_until(lambda: not identities & csms.open, 20, "all hang up with the location")


def test_wrong_batches_are_refused(client: Client, location: dict[str, Any]) -> None:
    pk = location["id"]
    for operation, args, kwargs, expected in (
        ("list", [pk], {"charger_ids": ["x"]}, "BadRequestError"),
        ("create", [pk], {"request": []}, "UnprocessableEntityError"),
        ("update", [pk], {"chargers": []}, "UnprocessableEntityError"),
        ("delete", [pk], {}, "UnprocessableEntityError"),
        ("list", ["loc-456"], {}, "NotFoundError"),
        ("get_bulk_job", [pk, "job-1"], {}, "NotFoundError"),
    ):
        error = refused(client, f"location_chargers.{operation}", *args, **kwargs)
        assert error.error == expected, operation
