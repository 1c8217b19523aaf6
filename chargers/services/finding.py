"""Transactions, found; and kept from being written by two processes at once."""

from collections.abc import Collection, Iterable

from django.db import connection

from chargers.models import Charger, Transaction


def find_transactions(
    keys: Iterable[tuple[str, str]],
) -> dict[tuple[str, str], Transaction]:
    """The transactions that exist, by charger and OCPP id."""
    wanted = set(keys)
    if not wanted:
        return {}
    rows = Transaction.objects.filter(
        charger__in={charger_id for charger_id, _ in wanted},
        transaction_id__in={transaction_id for _, transaction_id in wanted},
    )
    found = {(row.charger_id, row.transaction_id): row for row in rows.order_by()}
    return {key: row for key, row in found.items() if key in wanted}


def wait_for_others(charger_ids: Collection[str]) -> None:
    """Until this database transaction ends, no other process tells of these chargers'.

    A charger that dials again may reach another process, and repeat there what the first
    has not written yet. In SQLite all that write wait for each other anyhow.
    """
    if connection.features.has_select_for_update:
        rows = Charger.objects.filter(pk__in=charger_ids).order_by("pk")
        list(rows.select_for_update(no_key=True).values_list("pk"))


def open_transaction(
    charger: Charger, *, transaction_id: str | None = None, evse_id: int | None = None
) -> Transaction | None:
    """The running transaction with this id, or on this EVSE, or the first there is."""
    running = charger.transactions.filter(stopped_at=None)
    if transaction_id is not None:
        running = running.filter(transaction_id=transaction_id)
    if evse_id is not None:
        running = running.filter(evse_id=evse_id)
    return running.order_by("evse_id", "id").first()
