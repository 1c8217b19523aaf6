"""Every command to a physical 2.0.1 charger, through each door."""

import asyncio
import html
import io
import json
import shlex
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import resolve, reverse
from django.utils import timezone
from rest_framework.test import APIClient

from chargers.models import Charger, Transaction
from chargers.tests.station import Station, connected_v2, in_thread
from commands import services
from commands.forms import typed
from commands.models import Command
from commands.other_doors import as_shell
from commands.registry import COMMANDS, DEFINITIONS, Definition
from commands.targets import Target
from ocpplab.models import User
from ocpplab.services import create_token

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("web_process", "delivery"),
]

WAIT = 10  # s, for a result
Payload = dict[str, Any]


@pytest.fixture
def delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs: what is queued is delivered at once."""
    monkeypatch.setattr(services, "_enqueue", services.deliver_commands)


# --- The doors ------------------------------------------------------------------------


class Seen(NamedTuple):
    """What somebody at a door gets to see."""

    text: str
    result: Payload | None = None  # of a command that was applied


Door = Callable[[Charger, Definition, Payload], Seen]


def by_rest(charger: Charger, definition: Definition, event: Payload) -> Seen:
    api = APIClient()
    token = create_token(organization=charger.organization, name="tests")[1]
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    body = {"target": {"charger_id": charger.pk}, "event": event}
    response = api.post(f"/ocpp/commands/{definition.slug}", body)
    answer = response.json()
    if response.status_code == 200:
        return Seen(response.content.decode(), answer)
    if response.status_code != 202 or answer.get("failed"):
        return Seen(json.dumps(answer, ensure_ascii=False))
    given = answer["results"][0]["command"] if "results" in answer else answer
    services.wait_for_commands(
        [Command.objects.get(command_id=given["id"])], timeout=WAIT
    )
    ended = api.get(f"/ocpp/command-results/{given['id']}").json()
    return Seen(json.dumps(ended, ensure_ascii=False), ended["result"])


def in_the_admin(charger: Charger, definition: Definition, event: Payload) -> Seen:
    client = Client()
    client.force_login(User.objects.create_superuser(f"u-{timezone.now()}"))
    form = {"chargers": charger.pk, "_send": "1", **typed(definition, event)}
    url = reverse("admin:commands_command_send", args=[definition.name])
    response = client.post(url, form)
    if response.status_code == 302:
        pk = int(resolve(response.headers["Location"]).kwargs["object_id"])
        services.wait_for_commands([Command.objects.get(pk=pk)], timeout=WAIT)
        response = client.get(response.headers["Location"])
        result = response.context["result"]
        shown = html.unescape(response.content.decode())
        return Seen(shown, json.loads(result) if result else None)
    return Seen(html.unescape(response.content.decode()))


def at_the_command_line(
    charger: Charger, definition: Definition, event: Payload
) -> Seen:
    line = shlex.split(as_shell(definition, Target(charger_id=charger.pk), event))
    words = line[line.index("send") :]
    out = io.StringIO()
    try:
        call_command(*words, "--wait", str(WAIT), "--json", stdout=out, stderr=out)
    except CommandError as error:
        return Seen(f"{out.getvalue()} {error}")
    [item] = json.loads(out.getvalue())["results"]
    return Seen(out.getvalue(), item["result"])


@pytest.fixture(params=[by_rest, in_the_admin, at_the_command_line])
def door(request: pytest.FixtureRequest) -> Door:
    found: Door = request.param
    return found


# --- What a charger is told -----------------------------------------------------------


class Told(NamedTuple):
    """A command, the CALL that it becomes, and what it is with either answer."""

    event: Payload
    action: str
    payload: Payload  # the part of it that is always the same
    answer: Payload
    result: Payload
    refusal: Payload
    words: str


def setting(status: str) -> Payload:
    variable = {
        "component": {"name": "OCPPCommCtrlr"},
        "variable": {"name": "HeartbeatInterval"},
    }
    return {"setVariableResult": [{**variable, "attributeStatus": status}]}


def told(
    event: Payload,
    action: str,
    payload: Payload,
    result: Payload,
    status: str = "Accepted",
    refused_with: str = "Rejected",
) -> Told:
    words = f"The charger answered {action} with {refused_with}"
    answers = {"status": status}, {"status": refused_with}
    return Told(event, action, payload, answers[0], result, answers[1], words)


START = told(
    {"id_tag": "TAG-1"},
    "RequestStartTransaction",
    {"evseId": 1, "idToken": {"idToken": "TAG-1", "type": "ISO14443"}},
    {"status": "Accepted", "connector_id": 1, "id_tag": "TAG-1"},
)
STOP = told(
    {},
    "RequestStopTransaction",
    {"transactionId": "T-1"},
    {"status": "Accepted", "transaction_id": "T-1"},
)
SUPPORTED = {
    "configuration": Told(
        {"configuration": {"HeartbeatInterval": "30"}},
        "SetVariables",
        {
            "setVariableData": [
                {
                    "component": {"name": "OCPPCommCtrlr"},
                    "variable": {"name": "HeartbeatInterval"},
                    "attributeValue": "30",
                }
            ]
        },
        setting("Accepted"),
        {
            "status": "Accepted",
            "configured": ["HeartbeatInterval"],
            "msg": "Configuration changed",
        },
        setting("Rejected"),
        "Refused: HeartbeatInterval: Rejected",
    ),
    "cache/reset": told(
        {},
        "ClearCache",
        {},
        {"msg": "Authorization cache cleared", "cleared_entries": 0},
    ),
    "local-auth-list": told(
        {"list_version": 2, "entries": [{"id_tag": "TAG-1"}]},
        "SendLocalList",
        {"versionNumber": 2, "updateType": "Full"},
        {"status": "Accepted", "list_version": 2, "entries_received": 1},
        refused_with="Failed",
    ),
    "clear-local-auth-list": told(
        {},
        "SendLocalList",
        {"versionNumber": 1, "updateType": "Full"},
        {"msg": "Local authorization list cleared", "entries_deleted": 0},
        refused_with="VersionMismatch",
    ),
    "unlock-connector": told(
        {"connector_id": 1},
        "UnlockConnector",
        {"evseId": 1, "connectorId": 1},
        {"status": "Unlocked", "connector_id": 1},
        "Unlocked",
        "OngoingAuthorizedTransaction",
    ),
    "start-transaction": START,
    "stop-transaction": STOP,
    "start-session": START,
    "stop-session": STOP,
    "power-update": told(
        {"power_w": 11_000},
        "SetChargingProfile",
        {"evseId": 1},
        {"status": "Accepted", "connector_id": 1, "power_w": 11_000},
    ),
}
# What only a virtual charger can do, with a body that it would take.
UNSUPPORTED: dict[str, Payload] = {
    "proxy-message": {
        "action": "heartbeat",
        "ocpp_version": "ocpp2.0.1",
        "payload": {},
    },
    "inject-fault": {"fault_type": "OverCurrent"},
    "clear-fault": {},
    "plug-connector": {},
    "unplug-connector": {},
    "authorize-id-tag": {"id_tag": "TAG-1"},
    "ev-requests-energy": {},
    "ev-stops-energy": {},
}


async def test_each_command_is_carried_out_or_refused_in_the_same_words(
    door: Door, physical_charger: Charger
) -> None:
    assert {d.slug for d in DEFINITIONS} == SUPPORTED.keys() | UNSUPPORTED.keys()
    await Transaction.objects.acreate(
        charger=physical_charger,
        transaction_id="T-1",
        evse_id=1,
        started_at=timezone.now(),
        seq_no=0,
    )
    async with connected_v2(physical_charger) as station:

        async def sent(slug: str, event: Payload, told: Any, answer: Any) -> Seen:
            definition = COMMANDS[slug]
            sending = asyncio.create_task(
                in_thread(lambda: door(physical_charger, definition, event))
            )
            if told is not None:
                await obey(station, told, answer)
            seen: Seen = await sending
            return seen

        for slug, told in SUPPORTED.items():
            seen = await sent(slug, told.event, told, told.answer)
            assert seen.result == told.result, slug
            seen = await sent(slug, told.event, told, told.refusal)
            assert told.words in seen.text, slug
        for slug, event in UNSUPPORTED.items():
            seen = await sent(slug, event, None, None)
            assert seen.result is None, slug
            assert (
                f"ACME-CP-1 is a physical charger: {slug} is for virtual chargers only."
            ) in seen.text, slug
        assert await station.receive_nothing(0.05)


async def obey(station: Station, told: Told, answer: Payload) -> None:
    message_id, action, payload = await station.next_request()
    assert action == told.action
    assert payload.items() >= told.payload.items()
    await station.reply(message_id, answer)
