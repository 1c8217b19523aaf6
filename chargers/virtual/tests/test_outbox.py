"""Transaction messages: order, outages, retries, restarts, kills."""

import asyncio
from typing import Any

import pytest

from chargers.ocpp.errors import CallTimeout, CommandRejected, LinkClosed, OCPPError

from .. import outbox
from ..states import StopReason
from .csms import Bench, Payload, until


def failing(times: int, then: Payload) -> Any:
    left = [times]

    def answer(payload: Payload) -> Payload:
        left[0] -= 1
        if left[0] >= 0:
            raise OCPPError("InternalError", "try later")
        return then

    return answer


async def go_offline(bench: Bench) -> None:
    await bench.csms.close()
    await until(lambda: not bench.charger.is_online)
    bench.csms.forget()


async def come_back(bench: Bench) -> None:
    await bench.csms.open()
    await until(lambda: bench.clock._sleepers)
    for _ in range(40):
        await bench.clock.advance(1)
        await asyncio.sleep(0.01)
        if bench.charger.uplink.ready.is_set():
            return
    pytest.fail("the charger did not come back")


async def test_what_happened_offline_is_told_in_order(bench: Bench) -> None:
    await bench.power_on()
    await bench.perform("start-session", id_tag="TAG")
    await go_offline(bench)
    for _ in range(3):
        await bench.clock.advance(60)
    stop = asyncio.create_task(bench.perform("stop-session", connector_id=1))
    await until(lambda: bench.charger.connectors[1].transaction is None)
    await come_back(bench)
    stopped = await stop
    await bench.told(
        "1:Finishing",
        *["MeterValues"] * 4,
        "StopTransaction(Local)",
        "1:Available",
    )
    times = [
        v["meterValue"][0]["timestamp"] for v in bench.csms.payloads("MeterValues")
    ]
    assert times[:3] == [f"2026-01-01T00:0{m}:00.000Z" for m in (1, 2, 3)]
    assert stopped["meter_stop_wh"] == 1100


async def test_a_transaction_begun_offline_gets_its_id_later(bench: Bench) -> None:
    await bench.power_on()
    await bench.perform("plug-connector")
    await go_offline(bench)
    now = bench.clock.now()
    bench.charger.cache.remember("TAG", {"status": "Accepted"}, now)
    command = asyncio.create_task(bench.perform("start-session", id_tag="TAG"))
    await bench.clock.advance(60)
    await come_back(bench)
    assert (await command)["transaction_id"] == 1
    await bench.told("1:Charging", "StartTransaction", "MeterValues")
    assert bench.csms.payloads("StartTransaction")[0]["timestamp"].startswith(
        "2026-01-01T00:00:0"
    )
    assert bench.csms.payloads("MeterValues")[0]["transactionId"] == 1


async def test_an_unknown_id_tag_starts_nothing_offline(bench: Bench) -> None:
    await bench.power_on()
    await bench.perform("plug-connector")
    await go_offline(bench)
    with pytest.raises(LinkClosed):
        await bench.perform("start-session", id_tag="STRANGER")
    assert bench.charger.connectors[1].transaction is None


async def test_a_failed_message_is_repeated_with_growing_pauses(bench: Bench) -> None:
    await bench.power_on()
    await bench.perform("start-session", id_tag="TAG")
    bench.csms.forget()
    bench.csms.answers["StopTransaction"] = failing(2, {})
    stop = asyncio.create_task(bench.perform("stop-transaction"))
    for pause in (10, 20):
        await until(lambda pause=pause: pause in bench.clock.sleeps)
        await bench.clock.advance(pause)
    await stop
    await bench.told(
        "StopTransaction(Local)",
        "1:Finishing",
        "StopTransaction(Local)",
        "StopTransaction(Local)",
    )


async def test_a_message_is_given_up_after_its_attempts(bench: Bench) -> None:
    await bench.power_on()
    await bench.perform(
        "configuration",
        configuration={
            "TransactionMessageAttempts": "2",
            "TransactionMessageRetryInterval": "0",
        },
    )
    await bench.perform("start-session", id_tag="TAG")
    bench.csms.answers["StopTransaction"] = failing(2, {})
    stop = asyncio.create_task(bench.perform("stop-transaction"))
    await until(lambda: 0 in bench.clock.sleeps)
    await bench.clock.advance(0)
    with pytest.raises(CommandRejected, match="try later"):
        await stop
    assert bench.charger.outbox.to_state() == []


async def test_no_answer_in_time_counts_as_an_attempt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.power_on()
    await bench.perform("start-session", id_tag="TAG")
    assert bench.charger.uplink._link is not None
    bench.charger.uplink._link.session.call_timeout = 0.05
    bench.csms.keeps_silent = True
    bench.csms.answers["StopTransaction"] = lambda payload: asyncio.Event().wait()
    stop = asyncio.create_task(bench.perform("stop-transaction"))
    await until(lambda: 10 in bench.clock.sleeps)
    del bench.csms.answers["StopTransaction"]
    await bench.clock.advance(10)
    assert (await stop)["transaction_id"] == 1


async def test_an_open_transaction_goes_on_after_a_restart(bench: Bench) -> None:
    await bench.power_on()
    await bench.perform("start-session", id_tag="TAG", duration_seconds=600)
    await bench.perform("power-update", power_w=11000)
    await bench.clock.advance(61)
    await until(lambda: "MeterValues" in bench.csms.actions)
    await bench.charger.stop()
    await bench.clock.advance(60)
    bench.csms.forget()
    await bench.power_on()
    await bench.told("BootNotification", "0:Available", "1:Charging")
    await bench.clock.advance(60)
    await until(lambda: "MeterValues" in bench.csms.actions)
    values = bench.csms.payloads("MeterValues")[0]
    assert values["transactionId"] == 1
    assert values["meterValue"][0]["sampledValue"][0]["value"] == "553"
    for _ in range(6):
        await bench.clock.advance(70)
    await until(lambda: "1:Available" in bench.csms.story)
    assert bench.csms.payloads("StopTransaction")[0]["meterStop"] == 1833


async def test_a_start_without_answer_is_sent_again_after_a_kill(bench: Bench) -> None:
    await bench.power_on()
    await bench.perform("plug-connector")
    bench.csms.answers["StartTransaction"] = lambda payload: asyncio.Event().wait()
    command = asyncio.create_task(
        bench.charger.perform("start-transaction", {"id_tag": "TAG"})
    )
    await until(lambda: "StartTransaction" in bench.csms.actions)
    await bench.kill()
    await asyncio.gather(command, return_exceptions=True)
    first = bench.csms.payloads("StartTransaction")[0]
    del bench.csms.answers["StartTransaction"]
    await bench.clock.advance(5)
    bench.csms.forget()
    await bench.power_on()
    await bench.told(
        "BootNotification", "0:Available", "1:Charging", "StartTransaction"
    )
    assert bench.csms.payloads("StartTransaction") == [first]
    stopped = await bench.perform("stop-transaction")
    assert stopped["transaction_id"] == 1


async def test_nothing_is_sent_before_it_is_saved(bench: Bench) -> None:
    await bench.power_on()
    saved = []

    def note(payload: Payload) -> Payload:
        saved.append([item["action"] for item in bench.store.state["outbox"]])
        return {}

    bench.csms.answers["MeterValues"] = note
    bench.csms.answers["StopTransaction"] = note
    await bench.perform("start-session", id_tag="TAG")
    await bench.clock.advance(60)
    await until(lambda: saved)
    await bench.perform("stop-transaction")
    assert saved == [["MeterValues"], ["StopTransaction"]]
    assert bench.store.state["outbox"] == []


async def test_a_session_that_ended_at_a_kill_has_left(bench: Bench) -> None:
    await bench.power_on()
    await bench.perform("start-session", id_tag="TAG")
    bench.csms.answers["StopTransaction"] = lambda payload: asyncio.Event().wait()
    command = asyncio.create_task(bench.charger.perform("stop-session", {}))
    await until(lambda: "StopTransaction" in bench.csms.actions)
    await bench.kill()
    await asyncio.gather(command, return_exceptions=True)
    del bench.csms.answers["StopTransaction"]
    bench.csms.forget()
    await bench.power_on()
    await bench.told(
        "BootNotification", "0:Available", "1:Available", "StopTransaction(Local)"
    )


async def test_a_failing_memory_delays_but_loses_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.power_on()
    await bench.perform("plug-connector")
    save, failures = bench.store.save, [OSError("disk full")]

    async def flaky(state: dict[str, Any]) -> None:
        if failures:
            raise failures.pop()
        await save(state)

    monkeypatch.setattr(bench.store, "save", flaky)
    command = asyncio.create_task(bench.perform("start-transaction", id_tag="TAG"))
    await until(lambda: outbox.RETRY_PAUSE in bench.clock.sleeps)
    assert "StartTransaction" not in bench.csms.actions
    await bench.clock.advance(outbox.RETRY_PAUSE)
    assert (await command)["transaction_id"] == 1


async def test_a_long_outage_thins_out_meter_values_only(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "QUEUE_LIMIT", 10)
    await bench.power_on()
    await bench.perform("start-session", id_tag="TAG")
    await go_offline(bench)
    for _ in range(40):
        await bench.clock.advance(60)
    bench.charger.charging.end(bench.charger.connectors[1], StopReason.LOCAL)
    actions = [item["action"] for item in bench.charger.outbox.to_state()]
    assert len(actions) <= 11
    assert actions[-1] == "StopTransaction"


async def test_who_waits_for_what_an_outage_drops_hears_of_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "QUEUE_LIMIT", 10)
    await bench.power_on()
    await bench.perform("start-session", id_tag="TAG")
    await go_offline(bench)
    await bench.clock.advance(120)
    _, message, *_ = bench.charger.outbox
    await bench.clock.advance(1200)
    assert isinstance(await message.outcome(), CallTimeout)


async def test_saves_coalesce(bench: Bench) -> None:
    await bench.power_on(connectors=4)
    before = bench.store.saves
    await asyncio.gather(
        *(
            bench.charger.perform("plug-connector", {"connector_id": n})
            for n in (1, 2, 3)
        )
    )
    assert bench.store.saves - before <= 3
    await bench.charger.perform("power-update", {"power_w": 5000})


async def test_an_unknown_id_tag_may_be_allowed_offline(bench: Bench) -> None:
    await bench.power_on()
    settings = {"AllowOfflineTxForUnknownId": "true"}
    await bench.perform("configuration", configuration=settings)
    await bench.perform("plug-connector")
    await go_offline(bench)
    command = asyncio.create_task(bench.perform("start-session", id_tag="STRANGER"))
    await come_back(bench)
    assert (await command)["status"] == "Accepted"


async def test_all_that_a_station_keeps_survives_a_restart(bench: Bench) -> None:
    await bench.power_on(connectors=2)
    await bench.perform("plug-connector", connector_id=1)
    await bench.perform("inject-fault", connector_id=2, fault_type="GroundFault")
    await bench.perform("power-update", connector_id=1, power_w=7000)
    await bench.perform("authorize-id-tag", id_tag="TAG")
    await bench.perform("local-auth-list", list_version=4, entries=[{"id_tag": "L"}])
    await bench.perform("configuration", configuration={"ResetRetries": "3"})
    await bench.kill()
    bench.csms.forget()
    await bench.power_on(connectors=2)
    await bench.told("BootNotification", "0:Available", "1:Preparing", "2:Faulted")
    assert bench.charger.connectors[1].offered_w == 7000
    assert bench.charger.local_list.version == 4
    assert bench.charger.local_list.find("l") == {"status": "Accepted"}
    assert bench.charger.cache.find("tag") == {"status": "Accepted"}
    read = await bench.csms.call("GetConfiguration", {"key": ["ResetRetries"]})
    assert read["configurationKey"][0]["value"] == "3"
