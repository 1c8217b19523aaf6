"""Pages hear which of their chargers changed, and of no others."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from asgiref.sync import sync_to_async
from redis import Redis

from chargers import changes

SOON = 10.0  # s


async def next_event(stream: AsyncIterator[str]) -> list[str]:
    """The next event that tells something, not merely that the stream is there."""
    async with asyncio.timeout(SOON):
        async for text in stream:
            if text.startswith("data: "):
                told: list[str] = json.loads(text.removeprefix("data: "))
                return told
    raise AssertionError("the stream ended")


async def listening(redis_client: Redis, stream: AsyncIterator[str]) -> None:
    """Return once the process of this page hears words."""
    async with asyncio.timeout(SOON):
        while not redis_client.pubsub_numsub(changes.CHANNEL)[0][1]:
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def page(
    redis_client: Redis, wanted: frozenset[str] | None
) -> AsyncIterator[AsyncIterator[str]]:
    stream = changes.events(wanted)
    assert (await anext(stream)).startswith("retry:")
    first = asyncio.ensure_future(next_event(stream))

    async def told() -> AsyncIterator[str]:
        yield f"data: {json.dumps(await first)}\n\n"
        async for text in stream:
            yield text

    await listening(redis_client, stream)
    yield told()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await stream.aclose()  # type: ignore[attr-defined]


@pytest.mark.asyncio
async def test_a_page_hears_of_its_own_chargers_alone(redis_client: Redis) -> None:
    async with page(redis_client, frozenset(["dep-1", "dep-2"])) as stream:
        await sync_to_async(changes.announce)(["dep-3"])
        await sync_to_async(changes.announce)(["dep-2", "dep-3"])
        assert await next_event(stream) == ["dep-2"]


@pytest.mark.asyncio
async def test_who_sees_everything_hears_only_that_something_changed(
    redis_client: Redis,
) -> None:
    async with page(redis_client, None) as stream:
        await sync_to_async(changes.announce)(["dep-9"])
        assert await next_event(stream) == []


@pytest.mark.asyncio
async def test_what_changes_in_quick_succession_is_told_at_once(
    redis_client: Redis,
) -> None:
    announcer = changes.Announcer()
    telling = asyncio.create_task(announcer.run())
    async with page(redis_client, frozenset(["dep-1", "dep-2"])) as stream:
        announcer.note(["dep-1"])
        announcer.note(["dep-2", "dep-1"])
        assert await next_event(stream) == ["dep-1", "dep-2"]
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)


@pytest.mark.asyncio
async def test_a_page_hears_that_opens_as_the_last_other_one_closes(
    redis_client: Redis,
) -> None:
    hub = changes.Hub()
    with hub.page(None):
        async with asyncio.timeout(SOON):
            while not redis_client.pubsub_numsub(changes.CHANNEL)[0][1]:
                await asyncio.sleep(0.01)
    with hub.page(None) as page:
        async with asyncio.timeout(SOON):
            told = asyncio.ensure_future(page.changes())
            while not told.done():
                await sync_to_async(changes.announce)(["dep-1"])
                await asyncio.sleep(0.01)
        assert await told == ["dep-1"]
