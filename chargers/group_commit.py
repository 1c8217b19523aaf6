"""Group commit: what many connections have to write goes into one transaction.

A commit costs far more than a statement. Calls that arrive while one transaction is in
the database gather for the next; each returns once its own has committed.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from django.db import close_old_connections, connections, transaction

P = ParamSpec("P")
R = TypeVar("R")

BATCH = 200  # calls in one transaction


class GroupCommit:
    """Runs synchronous functions in a thread of its own, many to a transaction.

    The functions run in the order of their submission. One that raises spoils its
    transaction: then each call of the batch runs again in a transaction of its own, so a
    function must have no effect but in the database.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="group-commit")

    async def run(
        self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """What the function returns, once its writes are committed; or its exception."""
        loop = asyncio.get_running_loop()
        call = _Call(lambda: function(*args, **kwargs), loop.create_future())
        self._calls.append(call)
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._run())
        result: R = await call.outcome
        return result

    async def close(self) -> None:
        """End its thread, and give its database connection back."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, connections.close_all)
        self._thread.shutdown()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._calls:
            batch = self._calls[:BATCH]
            del self._calls[: len(batch)]
            await loop.run_in_executor(self._thread, _run_batch, batch)
            for call in batch:
                call.settle()


class _Call:
    def __init__(
        self, function: Callable[[], Any], outcome: "asyncio.Future[Any]"
    ) -> None:
        self.function = function
        self.outcome = outcome
        self.result: Any = None
        self.error: BaseException | None = None

    def run_alone(self) -> None:
        """Run in a transaction of its own."""
        try:
            with transaction.atomic():
                self.result = self.function()
        except Exception as error:
            self.error = error

    def settle(self) -> None:
        """Hand the result to the caller, if it still waits."""
        if self.outcome.done():
            return
        if self.error is not None:
            self.outcome.set_exception(self.error)
        else:
            self.outcome.set_result(self.result)


def _run_batch(batch: list[_Call]) -> None:
    """One transaction for all, or, where one of them fails, one for each."""
    if len(batch) > 1:
        try:
            with transaction.atomic():
                for call in batch:
                    call.result = call.function()
            return
        except Exception:
            close_old_connections()  # which may be why
    for call in batch:
        call.run_alone()
    if any(call.error for call in batch):
        close_old_connections()


_committers: WeakKeyDictionary[asyncio.AbstractEventLoop, GroupCommit] = (
    WeakKeyDictionary()
)


def group_commit() -> GroupCommit:
    """The one of the running event loop."""
    loop = asyncio.get_running_loop()
    if (found := _committers.get(loop)) is None:
        found = _committers[loop] = GroupCommit()
    return found
