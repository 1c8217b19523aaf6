"""The RPC layer of one connection, seen through what it sends."""

import asyncio
import json
from typing import Any

import pytest

from chargers.ocpp.errors import CallTimeout, InvalidAnswer, LinkClosed, OCPPError
from chargers.ocpp.frames import Frame
from chargers.ocpp.session import Reply, Session
from chargers.ocpp.versions import Version

TIME = "2026-01-01T00:00:00Z"
FIRMWARE = {"location": "https://example.com/f", "retrieveDate": TIME}


class Peer:
    """A session whose far end is this test."""

    def __init__(self, version: Version = Version.V16) -> None:
        self.sent: asyncio.Queue[list[Any]] = asyncio.Queue()
        self.shown: list[tuple[bool, str, str]] = []
        self.answers: dict[str, Any] = {"Heartbeat": {"currentTime": TIME}}
        self.session = Session(
            version, send=self._send, handle=self._handle, observe=self._observe
        )

    async def _send(self, text: str) -> None:
        self.sent.put_nowait(json.loads(text))

    async def _handle(self, action: str, payload: dict[str, Any]) -> Any:
        answer = self.answers[action]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _observe(
        self, *, sent: bool, frame: Frame | None, action: str, text: str
    ) -> None:
        self.shown.append((sent, action, text))

    async def ask(self, message: Any) -> list[Any] | None:
        """What is sent back for one message; None for silence."""
        text = message if isinstance(message, str | bytes) else json.dumps(message)
        await self.session.receive(text)
        return None if self.sent.empty() else self.sent.get_nowait()


async def test_a_valid_call_is_answered() -> None:
    assert await Peer().ask([2, "7", "Heartbeat", {}]) == [
        3,
        "7",
        {"currentTime": TIME},
    ]


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Nonsense", {}, "NotImplemented"),
        ("Heartbeat", {"extra": 1}, "OccurenceConstraintViolation"),
        ("Authorize", {}, "OccurenceConstraintViolation"),
        ("Authorize", {"idTag": 5}, "TypeConstraintViolation"),
        ("Authorize", {"idTag": "x" * 21}, "PropertyConstraintViolation"),
        (
            "StatusNotification",
            {"connectorId": 1, "errorCode": "NoError", "status": "Great"},
            "PropertyConstraintViolation",
        ),
        (
            "StatusNotification",
            {
                "connectorId": 1,
                "errorCode": "NoError",
                "status": "Available",
                "timestamp": "yesterday",
            },
            "PropertyConstraintViolation",
        ),
    ],
)
async def test_an_invalid_payload_is_answered_with_its_code(
    action: str, payload: dict[str, Any], code: str
) -> None:
    answer = await Peer().ask([2, "7", action, payload])
    assert answer is not None
    assert answer[:3] == [4, "7", code]
    assert len(answer[3]) <= 255


async def test_two_spells_two_codes_otherwise() -> None:
    peer = Peer(Version.V201)
    assert (await peer.ask([2, "7", "Heartbeat"]))[2] == "FormatViolation"  # type: ignore[index]
    assert (await peer.ask([2, "7", "Authorize", {}]))[2] == (  # type: ignore[index]
        "OccurrenceConstraintViolation"
    )


@pytest.mark.parametrize("text", ["rubbish", b"\x00\xff", '[9, "7", {}]', "[2, 3]"])
async def test_1_6_has_no_answer_to_what_is_no_message(text: str | bytes) -> None:
    peer = Peer()
    assert await peer.ask(text) is None
    assert await peer.ask([2, "8", "Heartbeat", {}]) == [3, "8", {"currentTime": TIME}]


async def test_2_0_1_answers_what_is_no_message() -> None:
    answer = await Peer(Version.V201).ask("rubbish")
    assert answer is not None
    assert answer[:3] == [4, "-1", "RpcFrameworkError"]


async def test_a_handler_that_fails_is_an_internal_error_without_secrets() -> None:
    peer = Peer()
    peer.answers["Heartbeat"] = RuntimeError("password=hunter2")
    answer = await peer.ask([2, "7", "Heartbeat", {}])
    assert answer is not None
    assert answer[2] == "InternalError"
    assert "hunter2" not in json.dumps(answer)


async def test_an_invalid_answer_of_ours_never_leaves() -> None:
    peer = Peer()
    peer.answers["Heartbeat"] = {"currentTime": 5}
    answer = await peer.ask([2, "7", "Heartbeat", {}])
    assert answer is not None
    assert answer[:3] == [4, "7", "InternalError"]


async def test_what_follows_a_reply_happens_after_it_is_sent() -> None:
    peer = Peer()
    order: list[str] = []
    peer.answers["Heartbeat"] = Reply(
        {"currentTime": TIME}, then=lambda: order.append(f"sent {peer.sent.qsize()}")
    )
    await peer.ask([2, "7", "Heartbeat", {}])
    assert order == ["sent 1"]


async def test_calls_wait_for_each_other_in_order() -> None:
    peer = Peer()
    calls = [
        asyncio.create_task(peer.session.call("Authorize", {"idTag": tag}))
        for tag in ("A", "B", "C")
    ]
    for tag in ("A", "B", "C"):
        sent = await peer.sent.get()
        assert sent[3] == {"idTag": tag}
        assert peer.sent.empty()
        answer = {"idTagInfo": {"status": "Accepted"}}
        await peer.session.receive(json.dumps([3, sent[1], answer]))
    assert len(await asyncio.gather(*calls)) == 3


async def test_the_peer_is_answered_while_a_call_is_open() -> None:
    peer = Peer()
    call = asyncio.create_task(peer.session.call("Heartbeat", {}))
    sent = await peer.sent.get()
    assert await peer.ask([2, "x", "Heartbeat", {}]) == [3, "x", {"currentTime": TIME}]
    await peer.session.receive(json.dumps([3, sent[1], {"currentTime": TIME}]))
    assert await call == {"currentTime": TIME}


async def test_late_and_unknown_answers_are_ignored() -> None:
    peer = Peer()
    with pytest.raises(CallTimeout):
        await peer.session.call("Heartbeat", {}, timeout=0.01)
    late = peer.sent.get_nowait()
    assert await peer.ask([3, late[1], {"currentTime": TIME}]) is None
    assert await peer.ask([4, "who?", "GenericError", "", {}]) is None


async def test_a_callerror_reaches_the_caller() -> None:
    peer = Peer()
    call = asyncio.create_task(peer.session.call("Heartbeat", {}))
    sent = await peer.sent.get()
    await peer.session.receive(json.dumps([4, sent[1], "NotSupported", "no", {"a": 1}]))
    with pytest.raises(OCPPError, match="NotSupported: no"):
        await call


async def test_an_invalid_answer_of_the_peer_reaches_the_caller_as_an_error() -> None:
    peer = Peer()
    call = asyncio.create_task(peer.session.call("Heartbeat", {}))
    sent = await peer.sent.get()
    await peer.session.receive(json.dumps([3, sent[1], {"time": TIME}]))
    with pytest.raises(OCPPError):
        await call


async def test_closing_ends_the_open_call_and_those_that_wait() -> None:
    peer = Peer()
    calls = [asyncio.create_task(peer.session.call("Heartbeat", {})) for _ in range(2)]
    await peer.sent.get()
    peer.session.close()
    for call in calls:
        with pytest.raises(LinkClosed):
            await call


async def test_an_invalid_request_of_ours_is_not_sent_unless_it_is_meant_to() -> None:
    peer = Peer()
    with pytest.raises(OCPPError):
        await peer.session.call("Authorize", {})
    assert peer.sent.empty()
    call = asyncio.create_task(peer.session.call("Authorize", {}, validate=False))
    assert (await peer.sent.get())[3] == {}
    call.cancel()


async def test_every_frame_is_shown_with_its_action() -> None:
    peer = Peer()
    await peer.ask([2, "7", "Heartbeat", {}])
    await peer.ask("rubbish")
    assert [(sent, action) for sent, action, _ in peer.shown] == [
        (False, "Heartbeat"),
        (True, "Heartbeat"),
        (False, ""),
    ]


# --- What 2.1 adds: SEND and CALLRESULTERROR ------------------------------------------

STREAM = {
    "id": 1,
    "pending": 0,
    "basetime": TIME,
    "data": [{"t": 0.5, "v": "230.4"}],
}


async def test_a_send_is_handled_and_never_answered() -> None:
    peer = Peer(Version.V21)
    taken: list[Any] = []

    async def handle(action: str, payload: dict[str, Any]) -> dict[str, Any]:
        taken.append((action, payload))
        return {}

    peer.session = Session(Version.V21, send=peer._send, handle=handle)
    assert await peer.ask([6, "7", "NotifyPeriodicEventStream", STREAM]) is None
    assert taken == [("NotifyPeriodicEventStream", STREAM)]


@pytest.mark.parametrize(
    "message",
    [
        [6, "7", "NotifyPeriodicEventStream", {**STREAM, "id": "1"}],
        [6, "7", "NotifyPeriodicEventStream", {}],
        [6, "7", "NotifyPeriodicEventStream"],
        [6, "7", "NotifyPeriodicEventStream", []],
        [6, "7", "Heartbeat", {}],
        [6, "7", "Nonsense", {}],
        [5, "7", "FormatViolation", "", {}],
        [5, "7"],
        [3, "7"],
        [4, "7"],
    ],
)
async def test_a_faulty_send_or_answer_is_passed_over(message: Any) -> None:
    peer = Peer(Version.V21)
    peer.answers["NotifyPeriodicEventStream"] = AssertionError("not to be handled")
    assert await peer.ask(message) is None
    assert await peer.ask([2, "8", "Heartbeat", {}]) == [3, "8", {"currentTime": TIME}]


async def test_a_send_whose_handler_fails_is_not_answered_either() -> None:
    peer = Peer(Version.V21)
    for failure in (OCPPError("SecurityError"), RuntimeError("broken")):
        peer.answers["NotifyPeriodicEventStream"] = failure
        assert await peer.ask([6, "7", "NotifyPeriodicEventStream", STREAM]) is None


async def test_a_send_of_ours_does_not_wait_for_the_open_call() -> None:
    peer = Peer(Version.V21)
    calling = asyncio.create_task(peer.session.call("ClearCache", {}))
    assert (await peer.sent.get())[2] == "ClearCache"
    await peer.session.send("NotifyPeriodicEventStream", STREAM)
    sent = await peer.sent.get()
    assert (sent[0], *sent[2:]) == (6, "NotifyPeriodicEventStream", STREAM)
    peer.session.close()
    with pytest.raises(LinkClosed):
        await calling
    with pytest.raises(LinkClosed):
        await peer.session.send("NotifyPeriodicEventStream", STREAM)
    with pytest.raises(OCPPError):
        await peer.session.send("NotifyPeriodicEventStream", {})


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
async def test_an_answer_that_is_not_valid_is_complained_of_in_2_1(
    version: Version,
) -> None:
    peer = Peer(version)
    calling = asyncio.create_task(peer.session.call("ClearCache", {}))
    message_id = (await peer.sent.get())[1]
    complaint = await peer.ask([3, message_id, {"status": "Perhaps"}])
    with pytest.raises(OCPPError, match="PropertyConstraintViolation"):
        await calling
    if version is Version.V21:
        complaint = await peer.sent.get()
        assert complaint[:3] == [5, message_id, "PropertyConstraintViolation"]
    assert peer.sent.empty()


@pytest.mark.parametrize("kind", [5, 6])
async def test_2_0_1_does_not_know_the_message_types_of_2_1(kind: int) -> None:
    message = [kind, "7", "NotifyPeriodicEventStream", STREAM]
    answer = await Peer(Version.V201).ask(message)
    assert answer is not None
    assert answer[:3] == [4, "7", "MessageTypeNotSupported"]
    assert await Peer().ask(message) is None


async def test_an_answer_of_a_wrong_shape_ends_the_wait() -> None:
    peer = Peer()
    asking = asyncio.create_task(peer.session.call("ClearCache", {}))
    message_id = (await peer.sent.get())[1]
    await peer.ask([3, "another", 5])
    assert not asking.done()
    await peer.ask([3, message_id, 5])
    with pytest.raises(InvalidAnswer):
        await asking


async def test_an_answer_without_a_payload_is_an_empty_one() -> None:
    peer = Peer()
    asking = asyncio.create_task(peer.session.call("UpdateFirmware", FIRMWARE))
    await peer.ask([3, (await peer.sent.get())[1], None])
    assert await asking == {}
