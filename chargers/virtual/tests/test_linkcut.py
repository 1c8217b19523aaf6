"""Links that are cut at any byte, and chargers that are killed: nothing is lost."""

from bench.linkcut import run


async def test_every_transaction_arrives_once_whatever_happens_to_the_link() -> None:
    outcome = await run(chargers=5, transactions=10, cuts=20, seed=3)
    assert outcome.faults == []
    assert outcome.cuts == 20
    assert outcome.transactions >= 10
