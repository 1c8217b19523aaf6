"""Writes that gather."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from chargers.batching import BatchWriter


@pytest.mark.django_db(transaction=True)
async def test_what_is_being_written_is_not_written_again_for_who_left() -> None:
    written: list[int] = []
    is_writing, may_end = threading.Event(), threading.Event()

    def write(items: Sequence[int]) -> None:
        is_writing.set()
        may_end.wait(5)
        written.extend(items)

    writer: BatchWriter[int] = BatchWriter(write)
    running = asyncio.create_task(writer.run())
    writer.put(1)
    await asyncio.to_thread(is_writing.wait, 5)
    running.cancel()
    await asyncio.wait([running])
    writer.put(2)
    may_end.set()
    await writer.flush()
    assert written == [1, 2]
