"""Dialing, booting, heartbeats, reconnecting."""

import base64
import random
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError
from websockets.http11 import Request, Response

from chargers.ocpp.versions import Version

from .. import link
from .csms import Bench, Payload, until

LATER = "2026-01-01T00:00:00Z"


def boot_answers(*answers: tuple[str, int]) -> Any:
    """A CSMS that answers one boot after the other so; the last for ever."""
    left = list(answers)

    def answer(payload: Payload) -> Payload:
        status, interval = left.pop(0) if len(left) > 1 else left[0]
        return {"status": status, "currentTime": LATER, "interval": interval}

    return answer


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)


async def test_boot_tells_what_the_charger_is(bench: Bench) -> None:
    await bench.power_on(
        vendor="A vendor with a very long name", model="M", firmware_version="2.5"
    )
    assert bench.csms.payloads("BootNotification") == [
        {
            "chargePointVendor": "A vendor with a very",
            "chargePointModel": "M",
            "firmwareVersion": "2.5",
        }
    ]
    assert bench.links == [(True, "")]
    assert bench.charger.is_online


async def test_the_message_log_sees_every_frame(bench: Bench) -> None:
    await bench.power_on()
    assert bench.frames[:2] == [
        ("cp_to_csms", "BootNotification"),
        ("csms_to_cp", "BootNotification"),
    ]


async def test_a_password_is_sent_as_basic_authentication(bench: Bench) -> None:
    await bench.power_on(password="secret")
    token = base64.b64encode(b"CP-1:secret").decode()
    assert bench.csms.headers[0]["Authorization"] == f"Basic {token}"


async def test_without_a_common_subprotocol_it_hangs_up(bench: Bench) -> None:
    await bench.csms.close()
    bench.csms.subprotocols = None
    await bench.csms.open()
    bench.dial()
    await until(lambda: bench.links)
    assert bench.links[0] == (False, "the CSMS does not speak ocpp1.6")
    assert bench.csms.calls == []


async def test_pauses_between_dials_grow_and_reset(
    bench: Bench, no_jitter: None
) -> None:
    await bench.csms.close()
    bench.dial()
    for count, pause in enumerate([1, 2, 4, 8, 16, 30, 30], start=1):
        await until(lambda count=count: len(bench.clock.sleeps) >= count)
        assert bench.clock.sleeps[-1] == pause
        await bench.clock.advance(pause - 0.01)
        assert len(bench.links) == count
        await bench.clock.advance(0.01)
    assert set(bench.links) == {(False, "connection refused")}
    await bench.csms.open()
    await until(lambda: len(bench.links) == 8)
    await bench.clock.advance(30)
    await until(lambda: bench.charger.is_online)
    await bench.csms.close()
    await until(lambda: not bench.links[-1][0])
    await until(lambda: 1 in bench.clock.sleeps[7:])


async def test_a_refused_handshake_is_named(bench: Bench) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(401, "no")

    async def nothing(connection: ServerConnection) -> None: ...

    async with serve(nothing, "127.0.0.1", 0, process_request=refuse) as server:
        bench.csms._port = server.sockets[0].getsockname()[1]
        bench.dial()
        await until(lambda: bench.links)
    assert bench.links[0] == (False, "HTTP 401")


async def test_a_connection_lost_in_the_handshake_is_a_failed_dial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lose(*args: Any, **kwargs: Any) -> Any:
        raise ConnectionClosedError(None, None)

    monkeypatch.setattr(link, "connect", lose)
    with pytest.raises(link.LinkFailed, match="handshake failed"):
        await link.dial("ws://csms", Version.V16, login=None, tls=None, ping_interval=0)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1/CP-1", "not a WebSocket URL"),
        ("ws://no-such-host.invalid/CP-1", "host not found"),
    ],
)
async def test_an_impossible_url_is_no_crash(
    bench: Bench, url: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(bench.csms), "url", url)
    bench.dial()
    await until(lambda: bench.links)
    assert bench.links[0] == (False, reason)


async def test_a_pending_charger_keeps_silent_but_answers(bench: Bench) -> None:
    bench.csms.answers["BootNotification"] = boot_answers(
        ("Pending", 20), ("Accepted", 0)
    )
    bench.dial()
    await until(lambda: (False, "boot pending") in bench.links)
    await bench.clock.advance(19)
    assert bench.csms.actions == ["BootNotification"]
    answer = await bench.csms.call("GetConfiguration", {"key": ["HeartbeatInterval"]})
    assert answer["configurationKey"][0]["value"] == "300"
    start = {"idTag": "TAG"}
    answer = await bench.csms.call("RemoteStartTransaction", start)
    assert answer == {"status": "Rejected"}
    assert not bench.charger.is_online
    await bench.clock.advance(1)
    await bench.told(
        "BootNotification", "BootNotification", "0:Available", "1:Available"
    )


async def test_a_pending_charger_boots_when_it_is_triggered(bench: Bench) -> None:
    bench.csms.answers["BootNotification"] = boot_answers(
        ("Pending", 600), ("Accepted", 0)
    )
    bench.dial()
    await until(lambda: bench.links)
    await bench.csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
    await until(lambda: "Heartbeat" in bench.csms.actions)
    await bench.csms.call("TriggerMessage", {"requestedMessage": "BootNotification"})
    await until(lambda: bench.charger.is_online)


async def test_a_rejected_charger_is_away_until_it_may_ask_again(bench: Bench) -> None:
    bench.csms.answers["BootNotification"] = boot_answers(
        ("Rejected", 100), ("Accepted", 0)
    )
    bench.dial()
    await until(lambda: bench.links)
    assert bench.links == [(False, "boot rejected")]
    await until(lambda: 100 in bench.clock.sleeps)
    await bench.clock.advance(99)
    assert bench.csms.actions == ["BootNotification"]
    await bench.clock.advance(1)
    await until(lambda: bench.charger.is_online)


async def test_a_boot_with_a_bad_answer_is_tried_again(bench: Bench) -> None:
    bench.csms.answers["BootNotification"] = {"nonsense": True}
    bench.dial()
    await until(lambda: bench.links)
    assert bench.links[0][1].startswith("boot failed")
    del bench.csms.answers["BootNotification"]
    await bench.clock.advance(1)
    await until(lambda: bench.charger.is_online)


async def test_heartbeats_come_at_the_interval_of_the_csms(bench: Bench) -> None:
    bench.csms.answers["BootNotification"] = boot_answers(("Accepted", 60))
    await bench.power_on()
    bench.csms.forget()
    for _ in range(2):
        await bench.clock.advance(60)
        await until(lambda: bench.clock._sleepers)
    await bench.told("Heartbeat", "Heartbeat")
    bench.csms.forget()
    await bench.csms.call(
        "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "10"}
    )
    await bench.clock.advance(10)
    await bench.told("Heartbeat")


async def test_after_a_loss_only_news_is_told(bench: Bench) -> None:
    await bench.power_on(connectors=2)
    bench.csms.forget()
    await bench.csms.close()
    await until(lambda: not bench.charger.is_online)
    bench.charger.charging.plug(bench.charger.connectors[2])
    await bench.csms.open()
    await until(lambda: len(bench.links) >= 2)
    await bench.clock.advance(60)
    await until(bench.charger.uplink.ready.is_set)
    await bench.told("2:Preparing")


async def test_stop_hangs_up_and_saves(bench: Bench) -> None:
    await bench.power_on()
    await bench.charger.stop()
    assert not bench.charger.is_online
    assert bench.store.state["connectors"]["1"]["operative"] is True
    assert bench._running is not None
    await bench._running
