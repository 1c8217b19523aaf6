"""How chargers' connections begin and end, on the wire."""

import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.portal import Portal

pytestmark = pytest.mark.portal

IDENTITY = "HAND:SHAKE=1"
FLOOD = 1500  # frames at once
BOOT = {"chargePointModel": "M", "chargePointVendor": "V"}


@pytest.fixture(scope="module")
def charger(portal: Portal) -> str:
    options = ["--organization", "demo", "--physical"]
    return portal.manage("addcharger", IDENTITY, *options).strip()


@pytest.fixture(scope="module")
def beside(portal: Portal) -> str:
    """The path of another charger."""
    portal.manage("addcharger", "BESIDE", "--organization", "demo", "--physical")
    return "demo/BESIDE"


def dial(
    portal: Portal, path: str = f"demo/{IDENTITY}", **options: Any
) -> ClientConnection:
    options.setdefault("subprotocols", ["ocpp1.6"])
    return connect(f"{portal.ws_url}/{path}", **options)


def ask(socket: ClientConnection, action: str, payload: Any) -> list[Any]:
    socket.send(json.dumps([2, "1", action, payload]))
    answer: list[Any] = json.loads(socket.recv(timeout=10))
    return answer


@pytest.mark.parametrize(
    "path",
    [
        "demo/HAND:SHAKE=1",
        "demo/HAND%3ASHAKE%3D1",
        "demo/%48AND:SHAKE=1",
        "demo/HAND:SHAKE=1/",
        "demo//HAND:SHAKE=1",
        "demo/HAND:SHAKE=1?more=1",
    ],
)
def test_an_identity_may_be_spelt_in_many_ways(
    portal: Portal, charger: str, path: str
) -> None:
    with dial(portal, path) as socket:
        assert ask(socket, "BootNotification", BOOT)[2]["status"] == "Accepted"


@pytest.mark.parametrize(
    "path",
    [
        "demo/NOBODY",
        "nobody/HAND:SHAKE=1",
        "demo/hand:shake=1",
        "demo",
        "demo/",
        "a/b/c",
    ],
)
def test_an_unknown_identity_is_refused_with_404(
    portal: Portal, charger: str, path: str
) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        dial(portal, path)
    assert refusal.value.response.status_code == 404


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["ocpp1.6"], "ocpp1.6"),
        (["ocpp1.5", "ocpp1.6"], "ocpp1.6"),
        (["ocpp1.2", "ocpp1.6", "soap"], "ocpp1.6"),
    ],
)
def test_the_first_version_is_chosen_that_is_spoken_here(
    portal: Portal, charger: str, offered: list[str], chosen: str
) -> None:
    with dial(portal, subprotocols=offered) as socket:
        assert socket.subprotocol == chosen


@pytest.mark.parametrize("offered", [None, ["ocpp1.5"], ["OCPP1.6"]])
def test_without_a_common_version_the_connection_is_closed_at_once(
    portal: Portal, charger: str, offered: list[str] | None
) -> None:
    with dial(portal, subprotocols=offered) as socket:
        assert socket.subprotocol is None
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1002


def test_a_second_connection_replaces_the_first(portal: Portal, charger: str) -> None:
    with dial(portal) as first, dial(portal) as second:
        with pytest.raises(ConnectionClosed) as closed:
            first.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000
        assert ask(second, "BootNotification", BOOT)[0] == 3


@pytest.mark.parametrize("compression", ["deflate", None])
def test_compression_is_negotiated_and_never_required(
    portal: Portal, charger: str, compression: str | None
) -> None:
    with dial(portal, compression=compression) as socket:
        extension = socket.response and socket.response.headers.get(
            "Sec-WebSocket-Extensions", ""
        )
        assert ("permessage-deflate" in (extension or "")) == bool(compression)
        assert ask(socket, "BootNotification", BOOT)[0] == 3
        long = ask(socket, "DataTransfer", {"vendorId": "x", "data": "y" * 50_000})
        assert long[0] == 3


@pytest.mark.parametrize(
    ("frame", "code"), [("x" * 1_100_000, 1009), (b"\xff\xfe", None), (b"[]", None)]
)
def test_a_frame_that_is_none_of_ocpp_harms_its_sender_at_most(
    portal: Portal, charger: str, frame: str | bytes, code: int | None
) -> None:
    with dial(portal) as socket:
        assert ask(socket, "BootNotification", BOOT)[0] == 3
        socket.send(frame)
        if code is None:
            assert ask(socket, "Heartbeat", {})[0] == 3
            return
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


def test_text_that_is_no_utf_8_closes_the_connection(
    portal: Portal, charger: str
) -> None:
    with dial(portal) as socket:
        socket.send(b"\xc3\x28", text=True)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1007


def test_who_does_not_wait_for_answers_waits_behind_the_others(
    portal: Portal, charger: str, beside: str
) -> None:
    with dial(portal, max_queue=None) as flooding, dial(portal, beside) as other:
        for socket in (flooding, other):
            assert ask(socket, "BootNotification", BOOT)[0] == 3
        for number in range(FLOOD):
            flooding.send(json.dumps([2, f"f{number}", "Heartbeat", {}]))
        at = ask(other, "Heartbeat", {})[2]["currentTime"]
        answers = [json.loads(flooding.recv(timeout=30)) for _ in range(FLOOD)]
    assert [answer[1] for answer in answers] == [f"f{n}" for n in range(FLOOD)]
    assert answers[-1][2]["currentTime"] > at
