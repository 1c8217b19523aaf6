"""The published client against the running portal: every command, and what it caused.

The client runs in an environment of its own (``.venv-client``) and in a directory outside
of the repository, since its module has the name of our package.
"""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.portal import ROOT, Portal, wait_until

pytestmark = pytest.mark.portal

PYTHON = ROOT / ".venv-client" / "bin" / "python"
SCRIPTS = ROOT / "tests" / "client"

# Each step of send_commands.py: the frames that the charger sends because of it, in their
# order. A StatusNotification goes by its status.
STARTED = ["StartTransaction", "Charging"]
SESSION_STARTED = ["Preparing", "Authorize", *STARTED]
STEPS = [
    ("set_configuration", []),
    ("authorize_id_tag", ["Authorize"]),
    ("reset_auth_cache", []),
    ("send_local_list", []),
    ("clear_local_list", []),
    ("proxy_message", ["BootNotification"]),
    ("plug_connector", ["Preparing"]),
    ("start_transaction", STARTED),
    ("power_update", []),  # seen in the meter values
    ("ev_stops_energy", ["SuspendedEV"]),
    ("ev_requests_energy", ["Charging"]),
    ("stop_transaction", ["StopTransaction", "Finishing"]),
    ("unplug_connector", ["Available"]),
    ("start_session", SESSION_STARTED),
    ("unlock_connector", ["StopTransaction", "Finishing"]),
    ("unplug_connector", ["Available"]),
    ("start_session", SESSION_STARTED),
    ("stop_session", ["StopTransaction", "Finishing", "Available"]),
    ("inject_fault", ["Faulted"]),
    ("clear_fault", ["Available"]),
]
DIRECT: dict[str, dict[str, Any]] = {
    "set_configuration": {
        "status": "Accepted",
        "configured": ["HeartbeatInterval", "MeterValueSampleInterval"],
    },
    "reset_auth_cache": {"msg": "Authorization cache cleared", "cleared_entries": 1},
    "send_local_list": {
        "status": "Accepted",
        "list_version": 2,
        "entries_received": 2,
    },
    "clear_local_list": {
        "msg": "Local authorization list cleared",
        "entries_deleted": 2,
    },
    "inject_fault": {
        "fault_type": "OverCurrent",
        "evse_id": 1,
        "connector_id": 1,
        "status": "Faulted",
    },
    "clear_fault": {"evse_id": 1, "connector_id": 1, "status": "Available"},
}
Client = Callable[..., Any]


@dataclass(frozen=True)
class Step:
    """One command that the client sent: its answer, its result, what it caused."""

    method: str
    answer: dict[str, Any]
    result: dict[str, Any]
    frames: list[list[Any]]


@pytest.fixture(scope="module")
def client(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Runs a script of the client against the portal; what it prints, line by line."""
    assert PYTHON.exists(), "the client is not installed: make test does it"
    elsewhere: Path = tmp_path_factory.mktemp("client")

    def run(script: str, *arguments: str) -> list[Any]:
        command = [str(PYTHON), str(SCRIPTS / script), portal.base_url, portal.token]
        run = subprocess.run(
            [*command, *arguments],
            cwd=elsewhere,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return [json.loads(line) for line in run.stdout.splitlines()]

    return run


def ask(portal: Portal, path: str, body: Any = None) -> Any:
    request = Request(portal.base_url + path)
    request.add_header("Authorization", f"Bearer {portal.token}")
    if body is not None:
        request.add_header("Content-Type", "application/json")
        request.data = json.dumps(body).encode()
    with urlopen(request, timeout=60) as response:
        return json.load(response)


def add_charger(portal: Portal, identity: str) -> str:
    """A new virtual charger that can be sent commands."""
    pk = portal.manage("addcharger", identity, "--organization", "demo").strip()

    def takes_commands() -> bool:
        body = {"target": {"charger_id": pk}, "event": {}}
        try:
            ask(portal, "/ocpp/commands/cache/reset", body)
        except HTTPError as error:
            error.close()
            return False
        return True

    wait_until(takes_commands, 30, f"{identity} takes commands")
    return pk


@pytest.fixture(scope="module", params=["sync", "async"])
def steps(request: pytest.FixtureRequest, portal: Portal, client: Client) -> list[Step]:
    """All commands sent by either client, and what became of them."""
    pk = add_charger(portal, f"CLIENT-{request.param.upper()}")
    sent = client("send_commands.py", pk, request.param)
    url = f"/ocpp/command-results?charger_id={pk}&limit={len(STEPS)}"

    def results() -> list[Any]:
        return list(reversed(ask(portal, url)["data"]))

    waiting = ("queued", "deferred", "received")
    wait_until(
        lambda: all(result["status"] not in waiting for result in results()),
        30,
        "every command is final",
    )
    ended = results()
    last = f"?start_date={ended[0]['received_at']}"
    log = f"/ocpp/chargers/{pk}/logs{last}"
    wait_until(
        lambda: "Available" in ask(portal, log)["data"][1]["message"],
        30,
        "the last message is in the log",
    )
    frames = list(reversed(ask(portal, log)["data"]))
    return [
        Step(step["method"], step["answer"], result, _caused(result, frames))
        for step, result in zip(sent, ended, strict=True)
    ]


def _caused(result: dict[str, Any], log: list[dict[str, Any]]) -> list[list[Any]]:
    """The frames sent while a command ran; commands of a charger never overlap."""
    begun, ended = _time(result["received_at"]), _time(result["updated_at"])
    return [
        json.loads(entry["message"])
        for entry in log
        if begun <= _time(entry["timestamp"]) <= ended
    ]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _name(frame: list[Any]) -> str:
    """What a CALL of the charger says, in a word."""
    action, payload = frame[2], frame[3]
    return str(payload["status"]) if action == "StatusNotification" else str(action)


def test_the_client_can_send_all_commands(steps: list[Step]) -> None:
    assert [step.method for step in steps] == [method for method, _ in STEPS]
    assert len({method for method, _ in STEPS}) == 18


def test_every_command_is_applied(steps: list[Step]) -> None:
    ended = [(step.method, step.result["status"]) for step in steps]
    assert ended == [(method, "applied") for method, _ in STEPS]


def test_each_causes_its_messages_in_order(steps: list[Step]) -> None:
    background = ("MeterValues", "Heartbeat")
    for step, (method, expected) in zip(steps, STEPS, strict=True):
        calls = [frame for frame in step.frames if frame[0] == 2]
        names = [_name(frame) for frame in calls if frame[2] not in background]
        assert names == expected, method


def test_every_message_is_answered(steps: list[Step]) -> None:
    for step in steps:
        calls = [frame[1] for frame in step.frames if frame[0] == 2]
        answers = [frame[1] for frame in step.frames if frame[0] == 3]
        assert set(calls) >= set(answers)
        assert not [frame for frame in step.frames if frame[0] == 4]
        if step.frames:
            assert answers, step.method


def test_waited_for_commands_answer_with_their_result(steps: list[Step]) -> None:
    for step in steps:
        if step.method in DIRECT:
            assert DIRECT[step.method].items() <= step.answer.items()
            assert step.result["result"].items() <= step.answer.items()


def test_queued_commands_answer_with_what_was_queued(steps: list[Step]) -> None:
    for step in steps:
        if step.method in DIRECT:
            continue
        if step.method == "proxy_message":
            queued = step.answer
            assert queued["event_type"] == "boot_notification"
            assert set(queued["payload"]) == {
                "charge_point_vendor",
                "charge_point_model",
            }
        else:
            assert step.answer["targeted_count"] == step.answer["queued_count"] == 1
            assert step.answer["failed"] == []
            [item] = step.answer["results"]
            assert item["charger_id"] == step.result["charger_id"]
            assert item["identity"] == step.result["identity"]
            queued = item["command"]
            assert queued["event_type"] == step.method
        assert queued["id"] == step.result["command_id"]
        assert queued["event_type"] == step.result["event_type"]
        assert queued["ocpp_version"] == "ocpp1.6"


def test_a_proxy_message_goes_out_in_camel_case(steps: list[Step]) -> None:
    [step] = [step for step in steps if step.method == "proxy_message"]
    call, answer = step.frames
    assert call[3] == {"chargePointVendor": "OCPPLAB", "chargePointModel": "SDK-DC-50"}
    assert step.result["result"]["response"] == answer[2]


def test_the_verdict_on_an_id_tag_is_in_the_result(steps: list[Step]) -> None:
    [step] = [step for step in steps if step.method == "authorize_id_tag"]
    assert step.result["result"]["status"] == "Accepted"


def test_a_session_stops_with_its_reason(steps: list[Step]) -> None:
    reasons = [
        (step.method, frame[3].get("reason"))
        for step in steps
        for frame in step.frames
        if frame[0] == 2 and frame[2] == "StopTransaction"
    ]
    assert reasons == [
        ("stop_transaction", "Local"),
        ("unlock_connector", "UnlockCommand"),
        ("stop_session", "Local"),
    ]


def test_the_client_reads_all_there_is(client: Client, portal: Portal) -> None:
    [shown] = client("read.py")
    assert shown["health"] == {"status": "ok"}
    assert "OCPPLAB" in shown["landing"]
    assert {"DEMO-AC-1", "DEMO-AC-2", "DEMO-AC-3", "DEMO-DC-1"} <= {
        charger["identity"] for charger in shown["chargers"]["data"]
    }
    assert shown["charger"] in shown["chargers"]["data"]
    assert shown["location_chargers"]["data"] == [shown["charger"]]
    assert shown["status"]["status"] == "READY"
    assert shown["logs"]["limit"] == 10
    assert shown["location"] in shown["locations"]["data"]
    assert shown["model"] in shown["models"]["data"]


def test_the_client_knows_every_error(client: Client, portal: Portal) -> None:
    [charger] = [
        charger["id"]
        for charger in ask(portal, "/ocpp/chargers?limit=100")["data"]
        if charger["identity"] == "DEMO-AC-1"
    ]
    [raised] = client("errors.py", charger)
    assert {name: error["error"] for name, error in raised.items()} == {
        "bad request": "BadRequestError",
        "no token": "UnauthorizedError",
        "organization named": "ForbiddenError",
        "unknown charger": "NotFoundError",
        "unknown target": "NotFoundError",
        "no target": "UnprocessableEntityError",
        "empty subset": "UnprocessableEntityError",
        "page": "UnprocessableEntityError",
    }
    for error in raised.values():
        if error["error"] == "UnprocessableEntityError":
            assert all({"loc", "msg", "type"} <= set(item) for item in error["detail"])
        else:
            assert isinstance(error["detail"], str)
