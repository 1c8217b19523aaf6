"""Group commit: what many connections have to write goes into one transaction.

A commit costs far more than a statement, and a statement for many rows little more than
one for a single row. Calls that arrive while one transaction is in the database gather
for the next; each returns once its own has committed.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from django.db import close_old_connections, connections, transaction

P = ParamSpec("P")
R = TypeVar("R")
Item = TypeVar("Item")

BATCH = 200  # calls in one transaction


class GroupCommit:
    """Runs synchronous functions in a thread of its own, many to a transaction.

    Calls of one function run in the order of their submission. One that raises spoils
    its transaction: then each call of the batch runs again in a transaction of its own,
    so a function must have no effect but in the database.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="group-commit")

    async def run(
        self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """What the function returns, once its writes are committed; or its exception."""
        return await self.run_batched(_run_each, partial(function, *args, **kwargs))

    async def run_batched(
        self, function: Callable[[Sequence[Item]], Sequence[R]], item: Item
    ) -> R:
        """As ``run``, of a function that is given the items of all callers together.

        It returns a result for each item, in their order.
        """
        loop = asyncio.get_running_loop()
        call = _Call(function, item, loop.create_future())
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
    """An item for a function, and who waits for its result."""

    __slots__ = ("error", "function", "item", "outcome", "result")

    def __init__(
        self,
        function: Callable[[Sequence[Any]], Sequence[Any]],
        item: Any,
        outcome: "asyncio.Future[Any]",
    ) -> None:
        self.function = function
        self.item = item
        self.outcome = outcome
        self.result: Any = None
        self.error: BaseException | None = None

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
            _run_together(batch)
        except Exception:
            close_old_connections()  # which may be why
        else:
            return
    for call in batch:
        try:
            _run_together([call])
        except Exception as error:
            call.error = error
    if any(call.error for call in batch):
        close_old_connections()


def _run_together(batch: list[_Call]) -> None:
    """Run each function once, for all its items, in one transaction."""
    calls_of: dict[Callable[[Sequence[Any]], Sequence[Any]], list[_Call]] = {}
    for call in batch:
        calls_of.setdefault(call.function, []).append(call)
    with transaction.atomic():
        for function, calls in calls_of.items():
            results = function([call.item for call in calls])
            for call, result in zip(calls, results, strict=True):
                call.result = result


def _run_each(functions: Sequence[Callable[[], R]]) -> list[R]:
    return [function() for function in functions]


_committers: WeakKeyDictionary[asyncio.AbstractEventLoop, GroupCommit] = (
    WeakKeyDictionary()
)


def group_commit() -> GroupCommit:
    """The one of the running event loop."""
    loop = asyncio.get_running_loop()
    if (found := _committers.get(loop)) is None:
        found = _committers[loop] = GroupCommit()
    return found
