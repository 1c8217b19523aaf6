"""The same report in two processes at once: as when a charger dials again."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from django.db import connection, transaction

from chargers import services
from chargers.models import Charger, MeterValue, Transaction
from chargers.services.transaction_events import (
    TransactionEvent,
    record_transaction_events,
)

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
READINGS = services.parse_meter_values(
    [{"timestamp": "2026-05-01T12:00:00Z", "sampledValue": [{"value": "100"}]}]
)
WAIT = 30  # s, before a test gives up

Result = TypeVar("Result")


def in_two_processes(write: Callable[[], Result]) -> tuple[Result, Result]:
    """What each had from ``write``: the second began before the first had committed."""
    written, may_commit = threading.Event(), threading.Event()

    def first() -> Result:
        with transaction.atomic():
            result = write()
            written.set()
            assert may_commit.wait(WAIT)
        connection.close()
        return result

    def second() -> Result:
        with transaction.atomic():
            result = write()
        connection.close()
        return result

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(first)
        assert written.wait(WAIT)
        other = threads.submit(second)
        deadline = time.monotonic() + WAIT
        while not (other.done() or _somebody_waits()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        may_commit.set()
        return one.result(WAIT), other.result(WAIT)


def _somebody_waits() -> bool:
    """Whether a lock is waited for. In SQLite whoever writes waits for who does."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone() is not None


def test_a_transaction_begins_once(physical_charger: Charger) -> None:
    start = services.Start(physical_charger, 1, "A", 100, AT)
    [(one, _)], [(other, _)] = in_two_processes(
        lambda: services.start_transactions([start])
    )
    assert one.pk == other.pk
    assert Transaction.objects.count() == 1


@pytest.mark.parametrize("is_known", [True, False])
def test_a_transaction_ends_once(physical_charger: Charger, is_known: bool) -> None:
    number = "987654"
    if is_known:
        start = services.Start(physical_charger, 1, "A", 0, AT)
        [(row, _)] = services.start_transactions([start])
        number = row.transaction_id
    stop = services.Stop(
        physical_charger, number, 5000, AT, "Local", meter_values=READINGS
    )
    in_two_processes(lambda: services.stop_transactions([stop]))
    assert Transaction.objects.count() == MeterValue.objects.count() == 1


def test_an_event_counts_once(physical_charger: Charger) -> None:
    event = TransactionEvent(
        *(physical_charger, "T-1", "Started", "CablePluggedIn", 0, AT),
        evse_id=1,
        meter_values=READINGS,
    )
    in_two_processes(lambda: record_transaction_events([event]))
    assert Transaction.objects.count() == MeterValue.objects.count() == 1
