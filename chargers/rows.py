"""Inserting many rows without the cost of a model instance and a query for each."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection, models


def insert_rows(
    model: type[models.Model], fields: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows of these fields in one statement.

    As ``bulk_create``, several times faster: no instances, no defaults, no signals. The
    caller names every field that the table needs.
    """
    statement, prepare = _statement(model, fields, connection.vendor)
    with connection.cursor() as cursor:
        cursor.executemany(
            statement,
            [
                [
                    convert(value, connection)
                    for convert, value in zip(prepare, row, strict=True)
                ]
                for row in rows
            ],
        )


@cache
def _statement(
    model: type[models.Model], fields: tuple[str, ...], vendor: str
) -> tuple[str, list[Any]]:
    """The INSERT, and what turns each value into what the database takes."""
    quote = connection.ops.quote_name
    found: list[Any] = [model._meta.get_field(name) for name in fields]
    columns = ", ".join(quote(field.column) for field in found)
    places = ", ".join(["%s"] * len(found))
    table = quote(model._meta.db_table)
    statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608
    return statement, [field.get_db_prep_save for field in found]
