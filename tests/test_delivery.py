"""Delivery as chargers see it: in order, at most once, and always with an end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from chargers.choices import ProcessRole
from chargers.delivery import Delivery, ring
from chargers.holder import Holder
from chargers.models import Charger
from chargers.ocpp.errors import CommandRejected, LinkClosed
from commands.models import Command, Origin, Status
from commands.registry import COMMANDS
from commands.services import (
    Actor,
    abandon_commands,
    claim_commands,
    finish_commands,
    submit_commands,
    sweep_commands,
)
from commands.targets import Target

pytestmark = pytest.mark.django_db(transaction=True)

TEST = Actor(Origin.CLI, "test")


class FakeCharger:
    """Records what it is told; ``act`` decides how that ends."""

    def __init__(self) -> None:
        self.is_online = True
        self.performed: list[dict[str, Any]] = []
        self.now = 0
        self.most = 0
        self.act: Callable[[], Awaitable[dict[str, Any]]] = self._apply

    async def perform(self, command: str, event: dict[str, Any]) -> dict[str, Any]:
        self.performed.append(event)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await self.act()
        finally:
            self.now -= 1

    @staticmethod
    async def _apply() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"done": True}


@pytest.fixture
async def delivery() -> AsyncIterator[Delivery]:
    async def nothing() -> None:
        pass

    delivery = Delivery(before_record=nothing)
    task = asyncio.create_task(delivery.run())
    yield delivery
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await delivery.close()


async def until(condition: Callable[[], Any]) -> None:
    """Wait for a condition on the database or on a fake."""
    async with asyncio.timeout(20):
        while not await sync_to_async(condition)():
            await asyncio.sleep(0.01)


def submit(charger: Charger, *powers: int) -> list[Command]:
    Charger.objects.filter(pk=charger.pk).update(is_online=True)
    return [
        submit_commands(
            organization=charger.organization,
            definition=COMMANDS["power-update"],
            target=Target(charger_id=charger.pk),
            event={"power_w": power},
            actor=TEST,
        ).commands[0]
        for power in powers
    ]


def statuses() -> list[str]:
    return list(Command.objects.order_by("id").values_list("status", flat=True))


async def test_commands_of_a_charger_run_in_order_and_one_at_a_time(
    virtual_charger: Charger, delivery: Delivery
) -> None:
    await sync_to_async(submit)(virtual_charger, *range(1000, 1020))
    fake = FakeCharger()
    delivery.attach(virtual_charger.pk, fake)
    await until(lambda: statuses() == [Status.APPLIED] * 20)
    assert [event["power_w"] for event in fake.performed] == list(range(1000, 1020))
    assert fake.most == 1


async def test_a_slow_charger_delays_nobody(
    virtual_charger: Charger, physical_charger: Charger, delivery: Delivery
) -> None:
    slow, quick = FakeCharger(), FakeCharger()
    blocked = asyncio.Event()

    async def block() -> dict[str, Any]:
        await blocked.wait()
        return {}

    slow.act = block
    await sync_to_async(submit)(virtual_charger, 1000)
    await sync_to_async(submit)(physical_charger, 2000)
    delivery.attach(virtual_charger.pk, slow)
    delivery.attach(physical_charger.pk, quick)
    await until(lambda: statuses() == [Status.RECEIVED, Status.APPLIED])
    blocked.set()
    await until(lambda: statuses() == [Status.APPLIED] * 2)


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (CommandRejected("no cable"), Status.REJECTED, "no cable"),
        (LinkClosed("the link is gone"), Status.FAILED, "the link is gone"),
        (
            ZeroDivisionError("secret"),
            Status.FAILED,
            "The portal met an internal error.",
        ),
    ],
)
async def test_what_a_charger_raises_becomes_the_end_of_its_command(
    virtual_charger: Charger,
    delivery: Delivery,
    error: Exception,
    status: Status,
    detail: str,
) -> None:
    async def fail() -> dict[str, Any]:
        raise error

    fake = FakeCharger()
    fake.act = fail
    await sync_to_async(submit)(virtual_charger, 1000)
    delivery.attach(virtual_charger.pk, fake)
    await until(lambda: statuses() == [status])
    assert (await Command.objects.aget()).detail == detail


async def test_a_charger_that_never_answers_does_not_hold_its_commands_for_ever(
    virtual_charger: Charger, delivery: Delivery, settings: Any
) -> None:
    settings.COMMAND_TIMEOUT = 0.05
    fake = FakeCharger()
    fake.act = lambda: asyncio.sleep(3600, {})
    await sync_to_async(submit)(virtual_charger, 1000, 2000)
    delivery.attach(virtual_charger.pk, fake)
    await until(lambda: statuses() == [Status.FAILED] * 2)


async def test_commands_wait_for_a_link_that_is_down(
    virtual_charger: Charger, delivery: Delivery
) -> None:
    fake = FakeCharger()
    fake.is_online = False
    await sync_to_async(submit)(virtual_charger, 1000)
    delivery.attach(virtual_charger.pk, fake)
    await until(lambda: statuses() == [Status.DEFERRED])
    assert fake.performed == []
    fake.is_online = True
    delivery.ring([virtual_charger.pk])
    await until(lambda: statuses() == [Status.APPLIED])


async def test_a_running_command_fails_when_its_charger_goes(
    virtual_charger: Charger, delivery: Delivery
) -> None:
    fake = FakeCharger()
    fake.act = lambda: asyncio.sleep(3600, {})
    await sync_to_async(submit)(virtual_charger, 1000)
    delivery.attach(virtual_charger.pk, fake)
    await until(lambda: statuses() == [Status.RECEIVED])
    delivery.detach(virtual_charger.pk, fake)
    await until(lambda: statuses() == [Status.FAILED])


async def test_what_a_killed_process_had_received_is_reported_failed(
    virtual_charger: Charger, delivery: Delivery
) -> None:
    await sync_to_async(submit)(virtual_charger, 1000, 2000)
    await sync_to_async(claim_commands)([virtual_charger.pk])  # and then: kill -9
    fake = FakeCharger()
    delivery.attach(virtual_charger.pk, fake)
    await until(lambda: statuses() == [Status.FAILED, Status.APPLIED])
    assert [event["power_w"] for event in fake.performed] == [2000]


def test_a_command_is_claimed_once(virtual_charger: Charger) -> None:
    submit(virtual_charger, 1000)
    assert len(claim_commands([virtual_charger.pk])) == 1
    assert claim_commands([virtual_charger.pk]) == []


def test_a_late_result_changes_nothing(virtual_charger: Charger) -> None:
    from chargers.delivery import Outcome

    submit(virtual_charger, 1000)
    [claimed] = claim_commands([virtual_charger.pk])
    abandon_commands([virtual_charger.pk])
    finish_commands([Outcome(claimed.pk, "applied", {"late": True})])
    command = Command.objects.get()
    assert command.status == Status.FAILED
    assert command.result is None


def test_the_sweep_ends_what_is_overdue(virtual_charger: Charger) -> None:
    waits, runs = submit(virtual_charger, 1000, 2000)
    past = timezone.now() - timedelta(hours=1)
    Command.objects.filter(pk=waits.pk).update(expires_at=past)
    Command.objects.filter(pk=runs.pk).update(
        status=Status.RECEIVED, received_at=past, expires_at=past
    )
    sweep_commands()
    assert statuses() == [Status.EXPIRED, Status.FAILED]
    assert claim_commands([virtual_charger.pk]) == []


async def test_a_ring_through_redis_reaches_the_process_that_holds_the_charger(
    virtual_charger: Charger,
) -> None:
    holder = Holder(ProcessRole.FLEET, capacity=10)
    await holder.start()
    try:
        await Charger.objects.filter(pk=virtual_charger.pk).aupdate(holder=holder.name)
        fake = FakeCharger()
        holder.delivery.attach(virtual_charger.pk, fake)
        await sync_to_async(submit)(virtual_charger, 1000)
        await sync_to_async(ring)(Charger.objects.filter(pk=virtual_charger.pk))
        await until(lambda: statuses() == [Status.APPLIED])
    finally:
        await holder.stop()


async def test_commands_are_found_when_the_ring_was_lost(
    virtual_charger: Charger, redis_client: Any
) -> None:
    holder = Holder(ProcessRole.FLEET, capacity=10)
    await holder.start()
    try:
        await Charger.objects.filter(pk=virtual_charger.pk).aupdate(holder=holder.name)
        fake = FakeCharger()
        holder.delivery.attach(virtual_charger.pk, fake)
        await sync_to_async(submit)(virtual_charger, 1000)
        redis_client.flushall()
        long_ago = timezone.now() - timedelta(seconds=10)
        await Command.objects.aupdate(enqueued_at=long_ago)
        await sync_to_async(sweep_commands)()
        await until(lambda: statuses() == [Status.APPLIED])
    finally:
        await holder.stop()
