"""Requests of operators: by every door to the charger, and its answer back."""

import asyncio
import json
import re
from functools import partial
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from redis.exceptions import ConnectionError
from rest_framework.test import APIClient

from chargers import consumers, requests, services
from chargers.choices import BootPolicy
from chargers.errors import (
    AnswerInvalid,
    NotAllowed,
    NotAnswered,
    NotConnected,
    RequestInvalid,
    RequestRefused,
    UnknownRequest,
)
from chargers.models import Charger, Message, OperatorRequest
from chargers.ocpp.schemas import request_problems
from chargers.ocpp.versions import Version
from chargers.tests.station import (
    BOOT,
    Station,
    ask,
    connected,
    in_thread,
    path_of,
    update,
)
from ocpplab.models import Membership, Organization, Role, User
from ocpplab.services import create_token

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("web_process"),
]


@pytest.mark.parametrize("is_virtual", [True, False])
async def test_a_request_reaches_the_charger_and_its_answer_who_asked(
    physical_charger: Charger, virtual_charger: Charger, is_virtual: bool
) -> None:
    charger = virtual_charger if is_virtual else physical_charger
    async with connected(charger) as station:
        asking = asyncio.create_task(ask(charger, "GetConfiguration", {"key": ["a"]}))
        message_id, action, payload = await station.next_request()
        assert (action, payload) == ("GetConfiguration", {"key": ["a"]})
        await station.reply(message_id, {"unknownKey": ["a"]})
        assert await asking == {"unknownKey": ["a"]}


async def test_a_number_of_any_size_reaches_the_charger(
    physical_charger: Charger,
) -> None:
    stop = {"transactionId": 2**70}
    async with connected(physical_charger) as station:
        asking = asyncio.create_task(
            ask(physical_charger, "RemoteStopTransaction", stop)
        )
        message_id, _, payload = await station.next_request()
        assert payload == stop
        await station.reply(message_id, {"status": "Rejected"})
        assert await asking == {"status": "Rejected"}


async def test_requests_wait_for_each_other(physical_charger: Charger) -> None:
    async with connected(physical_charger) as station:
        asking = [
            asyncio.create_task(ask(physical_charger, "ClearCache", {}))
            for _ in range(3)
        ]
        for _ in range(3):
            message_id, _, _ = await station.next_request()
            assert await station.receive_nothing(0.05)
            await station.reply(message_id, {"status": "Accepted"})
        assert await asyncio.gather(*asking) == [{"status": "Accepted"}] * 3


async def test_a_charger_held_pending_is_asked_for_no_transaction(
    physical_charger: Charger,
) -> None:
    await update(physical_charger, boot_policy=BootPolicy.PENDING)
    async with connected(physical_charger, boot=False) as station:
        await station.ok("BootNotification", BOOT)
        with pytest.raises(NotAllowed, match="answered Pending"):
            await ask(physical_charger, "RemoteStartTransaction", {"idTag": "A"})
        with pytest.raises(NotAllowed, match="answered Pending"):
            await ask(physical_charger, "RemoteStopTransaction", {"transactionId": 1})
        asking = asyncio.create_task(ask(physical_charger, "ClearCache", {}))
        message_id, action, _ = await station.next_request()
        assert action == "ClearCache"
        await station.reply(message_id, {"status": "Accepted"})
        assert await asking == {"status": "Accepted"}


async def test_a_charger_whose_boot_was_rejected_is_asked_nothing(
    physical_charger: Charger,
) -> None:
    await update(physical_charger, boot_policy=BootPolicy.REJECTED)
    async with connected(physical_charger, boot=False) as station:
        await station.ok("BootNotification", BOOT)
        with pytest.raises(NotAllowed, match="answered Rejected"):
            await ask(physical_charger, "ClearCache", {})
        assert await station.receive_nothing(0.05)
        record = await OperatorRequest.objects.aget()
        assert (record.outcome, record.answer) == ("not_allowed", None)


async def test_a_callerror_is_told_to_who_asked(physical_charger: Charger) -> None:
    async with connected(physical_charger) as station:
        asking = asyncio.create_task(ask(physical_charger, "ClearCache", {}))
        message_id, _, _ = await station.next_request()
        await station.refuse(message_id, "NotSupported", "no cache", {})
        with pytest.raises(RequestRefused, match="NotSupported: no cache"):
            await asking


async def test_an_invalid_answer_is_told_to_who_asked(
    physical_charger: Charger,
) -> None:
    async with connected(physical_charger) as station:
        asking = asyncio.create_task(ask(physical_charger, "ClearCache", {}))
        message_id, _, _ = await station.next_request()
        await station.reply(message_id, {"status": "Perhaps"})
        with pytest.raises(AnswerInvalid, match="PropertyConstraintViolation"):
            await asking


async def test_who_asked_hears_that_the_connection_ended(
    physical_charger: Charger,
) -> None:
    async with connected(physical_charger) as station:
        asking = asyncio.create_task(ask(physical_charger, "ClearCache", {}))
        await station.next_request()
    with pytest.raises(NotAnswered, match="closed before"):
        await asking


async def test_a_charger_that_is_not_connected_is_not_waited_for(
    physical_charger: Charger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "RECEIPT_WAIT", 1)
    with pytest.raises(NotConnected):
        await ask(physical_charger, "ClearCache", {})


@pytest.mark.parametrize("action", ["Nonsense", "Heartbeat", "SetVariables", "reset"])
async def test_what_no_csms_of_its_version_sends_is_not_sent(
    physical_charger: Charger, action: str
) -> None:
    with pytest.raises(UnknownRequest, match=r"OCPP1\.6"):
        await ask(physical_charger, action, {})


async def test_a_request_is_judged_by_the_version_that_the_charger_speaks(
    physical_charger: Charger,
) -> None:
    physical_charger.ocpp_version = "OCPP2.0.1"
    with pytest.raises(UnknownRequest, match=r"OCPP2\.0\.1"):
        await ask(physical_charger, "ChangeConfiguration", {})
    with pytest.raises(RequestInvalid) as raised:
        await ask(physical_charger, "Reset", {"type": "Hard", "more": 1})
    assert {p.path: p.keyword for p in raised.value.problems} == {
        ("type",): "enum",
        ("more",): "additionalProperties",
    }


async def test_a_physical_charger_speaks_what_was_agreed_on_last(
    physical_charger: Charger,
) -> None:
    await update(physical_charger, ocpp_version="OCPP2.0.1")
    async with connected(physical_charger):
        await physical_charger.arefresh_from_db()
    assert physical_charger.ocpp_version == "OCPP1.6"


@pytest.mark.parametrize(
    ("payload", "path"),
    [({}, ("type",)), ({"type": "Cold"}, ("type",)), ({"type": 1}, ("type",))],
)
async def test_an_invalid_request_is_not_sent(
    physical_charger: Charger, payload: dict[str, Any], path: tuple[str]
) -> None:
    with pytest.raises(RequestInvalid) as raised:
        await ask(physical_charger, "Reset", payload)
    assert path in {problem.path for problem in raised.value.problems}


async def test_a_channel_message_of_no_known_type_is_an_error() -> None:
    consumer = WebsocketCommunicator(consumers.ChargerConsumer.as_asgi(), "x")
    await consumer.send_input({"type": "websocket.nonsense"})
    with pytest.raises(ValueError, match="No handler"):
        await consumer.receive_output(1)


# --- The doors ------------------------------------------------------------------------


async def post(
    api: APIClient, charger: Charger, action: Any, payload: Any = None
) -> Any:
    """The answer to POST …/requests, asked for as by another process."""
    body = {"action": action, **({} if payload is None else {"payload": payload})}
    path = f"/ocpp/chargers/{charger.pk}/requests"
    return await in_thread(partial(api.post, path, body))


async def test_the_api_answers_what_the_charger_answered(
    api: APIClient, physical_charger: Charger
) -> None:
    async with connected(physical_charger) as station:
        asking = asyncio.create_task(post(api, physical_charger, "ClearCache"))
        message_id, _, payload = await station.next_request()
        assert payload == {}
        await station.reply(message_id, {"status": "Rejected"})
        answer = await asking
    assert answer.status_code == 200
    assert answer.json() == {"action": "ClearCache", "payload": {"status": "Rejected"}}
    row = await OperatorRequest.objects.aget()
    assert (row.origin, row.outcome) == ("api", "answered")
    assert row.asked_by.startswith("tests (")
    assert row.answer == {"status": "Rejected"}


async def test_the_api_tells_of_a_callerror(
    api: APIClient, physical_charger: Charger
) -> None:
    async with connected(physical_charger) as station:
        asking = asyncio.create_task(post(api, physical_charger, "ClearCache"))
        message_id, _, _ = await station.next_request()
        await station.refuse(message_id, "NotSupported", "no cache", {"a": 1})
        answer = await asking
    assert answer.status_code == 422
    assert answer.json() == {
        "detail": "NotSupported: no cache",
        "outcome": "call_error",
        "call_error": {
            "code": "NotSupported",
            "description": "no cache",
            "details": {"a": 1},
        },
    }
    row = await OperatorRequest.objects.aget()
    assert (row.outcome, row.detail) == ("call_error", "NotSupported: no cache")


async def test_the_api_tells_of_an_invalid_answer(
    api: APIClient, physical_charger: Charger
) -> None:
    async with connected(physical_charger) as station:
        asking = asyncio.create_task(post(api, physical_charger, "ClearCache"))
        message_id, _, _ = await station.next_request()
        await station.reply(message_id, {})
        answer = await asking
    assert answer.status_code == 422
    assert answer.json()["outcome"] == "invalid_answer"


async def test_the_api_tells_that_no_answer_came(
    api: APIClient, physical_charger: Charger
) -> None:
    async with connected(physical_charger) as station:
        asking = asyncio.create_task(post(api, physical_charger, "ClearCache"))
        await station.next_request()
    answer = await asking
    assert answer.status_code == 422
    assert answer.json()["outcome"] == "not_answered"


async def test_the_api_tells_that_a_charger_is_not_connected(
    api: APIClient, physical_charger: Charger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "RECEIPT_WAIT", 1)
    answer = await post(api, physical_charger, "ClearCache")
    assert answer.status_code == 422
    assert answer.json() == {
        "detail": "ACME-CP-1 is not connected to the built-in endpoint.",
        "outcome": "not_connected",
    }


@pytest.mark.parametrize(
    ("action", "payload", "loc", "kind"),
    [
        ("Nonsense", {}, ["action"], "enum"),
        ("Heartbeat", {}, ["action"], "enum"),
        (5, {}, ["action"], "string_type"),
        ("Reset", "Hard", ["payload"], "dict_type"),
        ("Reset", {}, ["payload", "type"], "missing"),
        ("Reset", {"type": "Cold"}, ["payload", "type"], "enum"),
        ("ClearCache", {"more": 1}, ["payload", "more"], "extra_forbidden"),
        ("ClearCache", {"more": "\0"}, ["payload"], "unstorable"),
        (
            "SendLocalList",
            {
                "listVersion": 1,
                "updateType": "Full",
                "localAuthorizationList": [{"idTag": "x" * 21}],
            },
            ["payload", "localAuthorizationList", 0, "idTag"],
            "string_too_long",
        ),
    ],
)
async def test_the_api_names_what_is_wrong_with_a_request(
    api: APIClient,
    physical_charger: Charger,
    action: Any,
    payload: Any,
    loc: list[Any],
    kind: str,
) -> None:
    answer = await post(api, physical_charger, action, payload)
    assert answer.status_code == 422
    found = {(*problem["loc"],): problem["type"] for problem in answer.json()["detail"]}
    assert found[("body", *loc)] == kind
    assert not await OperatorRequest.objects.aexists()


async def test_only_who_may_command_sends_requests_and_only_to_own_chargers(
    organization: Organization, other_organization: Organization, physical_charger: Any
) -> None:
    @sync_to_async
    def client(**fields: Any) -> APIClient:
        client = APIClient()
        secret = create_token(name="t", **fields)[1]
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return client

    viewer = await client(organization=organization, role=Role.VIEWER)
    assert (await post(viewer, physical_charger, "ClearCache")).status_code == 403
    stranger = await client(organization=other_organization)
    assert (await post(stranger, physical_charger, "ClearCache")).status_code == 404


def request_page(charger: Charger) -> str:
    return reverse("admin:chargers_charger_request", args=[charger.pk])


async def test_the_admin_page_shows_the_answer_and_what_was_sent_before(
    superuser: User, physical_charger: Charger
) -> None:
    client = Client()
    await sync_to_async(client.force_login)(superuser)
    body = {"action": "Reset", "payload": '{"type": "Soft"}'}
    async with connected(physical_charger) as station:
        send = partial(client.post, request_page(physical_charger), body)
        asking = asyncio.create_task(in_thread(send))
        message_id, _, payload = await station.next_request()
        assert payload == {"type": "Soft"}
        await station.reply(message_id, {"status": "Accepted"})
        page = (await asking).content.decode()
    assert "It answered Reset" in page
    assert "alice (Admin)" in page
    row = await OperatorRequest.objects.aget()
    assert (row.origin, row.asked_by, row.outcome) == ("admin", "alice", "answered")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"action": "Reset", "payload": "{"}, "It is no JSON"),
        ({"action": "Reset", "payload": "[]"}, "It is no JSON object"),
        ({"action": "Reset", "payload": ""}, "type: Required."),
        ({"action": "Heartbeat", "payload": "{}"}, "Select a valid choice"),
        ({"action": "ClearCache"}, "is not connected"),
    ],
)
def test_the_admin_page_says_why_there_is_no_answer(
    superuser: User,
    physical_charger: Charger,
    monkeypatch: pytest.MonkeyPatch,
    body: dict[str, str],
    said: str,
) -> None:
    monkeypatch.setattr(requests, "RECEIPT_WAIT", 1)
    client = Client()
    client.force_login(superuser)
    page = client.post(request_page(physical_charger), body).content.decode()
    assert said in page


@pytest.mark.parametrize("version", ["OCPP1.6", "OCPP2.0.1", "OCPP2.1"])
def test_the_admin_page_offers_what_the_charger_understands(
    superuser: User, physical_charger: Charger, version: str
) -> None:
    client = Client()
    client.force_login(superuser)
    Charger.objects.filter(pk=physical_charger.pk).update(ocpp_version=version)
    actions = requests.request_actions(Version.from_label(version))
    page = client.get(request_page(physical_charger)).content.decode()
    for action in actions:
        assert f'<option value="{action}"' in page
    for action in actions:
        query = {"action": action}
        assert client.get(request_page(physical_charger), query).status_code == 200


@pytest.mark.parametrize("version", ["OCPP1.6", "OCPP2.0.1"])
def test_the_admin_page_makes_up_a_new_password(
    superuser: User, physical_charger: Charger, version: str
) -> None:
    Charger.objects.filter(pk=physical_charger.pk).update(ocpp_version=version)
    client = Client()
    client.force_login(superuser)
    made = set()
    for _ in range(2):
        page = client.get(request_page(physical_charger), {"password": "new"})
        payload = json.loads(page.context["form"]["payload"].value())
        action = page.context["form"]["action"].value()
        problems = request_problems(Version.from_label(version), action, payload)
        assert problems == []
        made |= set(re.findall("[0-9a-f]{40}", json.dumps(payload)))
    assert len(made) == 2


def test_only_who_may_command_sees_the_page(
    organization: Organization, physical_charger: Charger
) -> None:
    for role, status in ((Role.VIEWER, 403), (Role.OPERATOR, 200)):
        user = User.objects.create_user(f"{role}", password="x", is_staff=True)
        Membership.objects.create(user=user, organization=organization, role=role)
        client = Client()
        client.force_login(user)
        assert client.get(request_page(physical_charger)).status_code == status
        page = client.get(
            reverse("admin:chargers_charger_page", args=[physical_charger.pk])
        ).content.decode()
        assert ("Send an OCPP request" in page) == (status == 200)


async def test_the_command_line_prints_the_answer(
    physical_charger: Charger, capsys: pytest.CaptureFixture[str]
) -> None:
    command = partial(
        call_command, "request", "ACME-CP-1", "GetConfiguration", '{"key": ["a"]}'
    )
    async with connected(physical_charger) as station:
        asking = asyncio.create_task(in_thread(command))
        message_id, _, payload = await station.next_request()
        assert payload == {"key": ["a"]}
        await station.reply(message_id, {"unknownKey": ["a"]})
        await asking
    assert json.loads(capsys.readouterr().out) == {"unknownKey": ["a"]}
    assert (await OperatorRequest.objects.aget()).origin == "cli"


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ("{", "The payload is no JSON"),
        ("[]", "The payload is no JSON object"),
        ('{"key": 1}', "key: 1 is not of type"),
        ('{"key": ["\\u0000"]}', "Text with a NUL"),
    ],
)
def test_the_command_line_says_what_is_wrong(
    physical_charger: Charger, payload: str, said: str
) -> None:
    with pytest.raises(CommandError, match=f"^{said}"):
        call_command("request", "ACME-CP-1", "GetConfiguration", payload)


async def test_a_password_is_kept_in_no_log(physical_charger: Charger) -> None:
    secret = "00112233445566778899"
    change = {"key": "AuthorizationKey", "value": secret}
    async with connected(physical_charger) as station:
        asking = asyncio.create_task(
            ask(physical_charger, "ChangeConfiguration", change)
        )
        message_id, _, payload = await station.next_request()
        assert payload == change
        await station.reply(message_id, {"status": "Rejected"})
        await asking
    assert consumers._holder is not None
    await consumers._holder.flush()
    frames = Message.objects.filter(action="ChangeConfiguration", message_type=2)
    assert '"***"' in (await frames.aget()).text
    assert not await Message.objects.filter(text__contains=secret).aexists()
    row = await OperatorRequest.objects.aget()
    assert row.payload == {"key": "AuthorizationKey", "value": "***"}


@pytest.mark.parametrize(
    ("status", "is_new"),
    [
        ("Accepted", True),
        ("RebootRequired", True),
        ("Rejected", False),
        ("NotSupported", False),
    ],
)
async def test_a_password_counts_once_the_charger_has_accepted_it(
    physical_charger: Charger, status: str, is_new: bool
) -> None:
    old, new = "0a" * 20, "0b" * 20
    await sync_to_async(services.keep_password)(physical_charger, old)
    change = {"key": "authorizationKey", "value": new}
    async with connected(physical_charger, password=old) as station:
        asking = asyncio.create_task(
            ask(physical_charger, "ChangeConfiguration", change)
        )
        message_id, _, _ = await station.next_request()
        await station.reply(message_id, {"status": status})
        await asking
    right, wrong = (new, old) if is_new else (old, new)
    station = Station(path_of(physical_charger), password=wrong)
    assert await station.dial() == 401
    async with connected(physical_charger, password=right):
        pass


# --- Where something fails ------------------------------------------------------------


async def test_who_asked_as_the_connection_ends_is_told_so(
    virtual_charger: Charger, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed, may_go_on = asyncio.Event(), asyncio.Event()
    claim = requests.claim

    async def claim_slowly(request_id: str) -> bool:
        is_ours = await claim(request_id)
        claimed.set()
        await may_go_on.wait()
        return is_ours

    monkeypatch.setattr(requests, "claim", claim_slowly)
    async with connected(virtual_charger) as station:
        asking = asyncio.create_task(ask(virtual_charger, "ClearCache", {}))
        await asyncio.wait_for(claimed.wait(), 10)
        closing = asyncio.create_task(station.disconnect())
        for _ in range(20):  # the consumer hears of it
            await asyncio.sleep(0)
        may_go_on.set()
        await closing
    with pytest.raises(NotAnswered, match="closed before"):
        await asyncio.wait_for(asking, 10)


async def test_without_redis_who_asks_is_told_so(
    physical_charger: Charger, superuser: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(requests, "tell_from_thread", fail)
    browser = Client()
    await sync_to_async(browser.force_login)(superuser)
    url = reverse("admin:chargers_charger_request", args=[physical_charger.pk])
    page = await in_thread(partial(browser.post, url, {"action": "ClearCache"}))
    assert "cannot be reached" in page.content.decode()
    with pytest.raises(CommandError, match="cannot be reached"):
        await in_thread(
            partial(call_command, "request", physical_charger.pk, "ClearCache")
        )
    record = await OperatorRequest.objects.afirst()
    assert record is not None
    assert record.outcome == "not_connected"
