"""Writes of many connections in one transaction, each with its own outcome."""

import asyncio
from collections.abc import Sequence

import pytest
from django.db import connection

from chargers.group_commit import GroupCommit, group_commit
from ocpplab.models import Organization

pytestmark = pytest.mark.django_db(transaction=True)


def add(slug: str) -> int:
    return Organization.objects.create(slug=slug, name=slug).pk


def transaction_of(slug: str) -> int:
    """A mark that is the same for all that is written in one transaction."""
    add(slug)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT txid_current()")
            return int(cursor.fetchone()[0])
    return 0


def add_all(slugs: Sequence[str]) -> list[int]:
    rows = Organization.objects.bulk_create(Organization(slug=s, name=s) for s in slugs)
    return [row.pk for row in rows]


async def slugs() -> set[str]:
    return {row.slug async for row in Organization.objects.all()}


async def test_each_caller_gets_its_own_result() -> None:
    keys = await asyncio.gather(*(group_commit().run(add, f"o{n}") for n in range(50)))
    assert len(set(keys)) == 50
    assert len(await slugs()) == 50


async def test_one_that_fails_takes_nobody_along() -> None:
    group = GroupCommit()
    outcomes = await asyncio.gather(
        *(group.run(add, slug) for slug in ("a", "b", "a", "c")), return_exceptions=True
    )
    failed = [isinstance(outcome, Exception) for outcome in outcomes]
    assert failed == [False, False, True, False]
    assert await slugs() == {"a", "b", "c"}


async def test_a_batched_function_is_given_the_items_of_many_callers() -> None:
    sizes: list[int] = []

    def count(items: Sequence[int]) -> list[int]:
        sizes.append(len(items))
        return [10 * item for item in items]

    group = GroupCommit()
    results = await asyncio.gather(*(group.run_batched(count, n) for n in range(50)))
    assert results == [10 * n for n in range(50)]
    assert len(sizes) < 5


async def test_an_item_that_spoils_its_batch_takes_no_other_along() -> None:
    group = GroupCommit()
    outcomes = await asyncio.gather(
        *(group.run_batched(add_all, slug) for slug in ("a", "b", "a", "c")),
        return_exceptions=True,
    )
    failed = [isinstance(outcome, Exception) for outcome in outcomes]
    assert failed == [False, False, True, False]
    assert await slugs() == {"a", "b", "c"}


async def test_what_is_returned_is_committed() -> None:
    group = GroupCommit()
    others = [asyncio.create_task(group.run(add, f"o{n}")) for n in range(20)]
    await group.run(add, "mine")
    assert "mine" in await slugs()
    await asyncio.gather(*others)


async def test_calls_run_in_their_order() -> None:
    seen: list[int] = []
    group = GroupCommit()
    await asyncio.gather(*(group.run(seen.append, n) for n in range(100)))
    assert seen == list(range(100))


async def test_a_caller_that_leaves_disturbs_nobody() -> None:
    group = GroupCommit()
    leaving = asyncio.create_task(group.run(add, "leaving"))
    staying = asyncio.create_task(group.run(add, "staying"))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    assert "staying" in await slugs()


async def test_waiting_calls_share_a_transaction() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL tells the number of a transaction")
    group = GroupCommit()
    marks = await asyncio.gather(
        *(group.run(transaction_of, f"o{n}") for n in range(50))
    )
    assert len(set(marks)) <= 2
