"""Writing many rows in one statement, without the cost of model instances.

As ``bulk_create`` and ``bulk_update``, several times faster: no instances, no defaults,
no signals; the SQL of a table and its fields is made once. The caller names every field
that the table needs.

PostgreSQL gets all rows as one JSON parameter, SQLite one after the other: each is the
fastest way there.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import connection, models

Model = type[models.Model]
Fields = tuple[str, ...]
Rows = Sequence[Sequence[Any]]


def insert_rows(model: Model, fields: Fields, rows: Rows) -> None:
    """Insert rows of these fields."""
    if rows:
        _execute(_insertion(model, fields, (), connection.vendor), model, fields, rows)


def upsert_rows(model: Model, fields: Fields, rows: Rows, *, unique: Fields) -> None:
    """Insert rows of these fields, in place of those that ``unique`` finds; the last
    counts. ``fields`` begins with those of ``unique``.
    """
    if not rows:
        return
    last = {tuple(row[: len(unique)]): row for row in rows}
    statement = _insertion(model, fields, unique, connection.vendor)
    _execute(statement, model, fields, list(last.values()))


def update_rows(model: Model, fields: Fields, rows: Rows) -> None:
    """Give rows new values of these fields, of which the last is the primary key; told
    twice of a row, the last counts.
    """
    if not rows:
        return
    # PostgreSQL would take either.
    last = {row[-1]: row for row in rows}
    statement = _update(model, fields, connection.vendor)
    _execute(statement, model, fields, list(last.values()))


def _execute(statement: str, model: Model, fields: Fields, rows: Rows) -> None:
    vendor = connection.vendor
    converters = _converters(model, fields, vendor)
    if any(converters):
        rows = [
            [
                value if convert is None or value is None else convert(value)
                for convert, value in zip(converters, row, strict=True)
            ]
            for row in rows
        ]
    with connection.cursor() as cursor:
        if vendor == "postgresql":
            names = [f"c{number}" for number in range(len(fields))]
            records = [dict(zip(names, row, strict=True)) for row in rows]
            cursor.execute(statement, [json.dumps(records, ensure_ascii=False)])
        else:
            cursor.executemany(statement, rows)


@cache
def _insertion(model: Model, fields: Fields, unique: Fields, vendor: str) -> str:
    columns = [_column(model, name) for name in fields]
    table = connection.ops.quote_name(model._meta.db_table)
    statement = f"INSERT INTO {table} ({', '.join(columns)}) "
    if vendor == "postgresql":
        statement += f"SELECT * FROM {_recordset(model, fields)}"  # noqa: S608
    else:
        statement += f"VALUES ({', '.join(['%s'] * len(fields))})"
    if unique:
        key = ", ".join(columns[: len(unique)])
        changes = ", ".join(f"{c} = excluded.{c}" for c in columns[len(unique) :])
        statement += f" ON CONFLICT ({key}) DO UPDATE SET {changes}"
    return statement


@cache
def _update(model: Model, fields: Fields, vendor: str) -> str:
    table = connection.ops.quote_name(model._meta.db_table)
    *columns, key = (_column(model, name) for name in fields)
    if vendor == "postgresql":
        changes = ", ".join(f"{c} = r.c{n}" for n, c in enumerate(columns))
        return (
            f"UPDATE {table} SET {changes} "  # noqa: S608
            f"FROM {_recordset(model, fields)} WHERE {table}.{key} = r.c{len(columns)}"
        )
    changes = ", ".join(f"{c} = %s" for c in columns)
    return f"UPDATE {table} SET {changes} WHERE {key} = %s"  # noqa: S608


def _recordset(model: Model, fields: Fields) -> str:
    """The JSON parameter as a table r of columns c0, c1, …, for PostgreSQL."""
    columns = ", ".join(
        f"c{number} {_type(model, name)}" for number, name in enumerate(fields)
    )
    return f"json_to_recordset(%s::json) AS r({columns})"


def _column(model: Model, name: str) -> str:
    field: Any = model._meta.get_field(name)
    return connection.ops.quote_name(field.column)


def _type(model: Model, name: str) -> str:
    """Without a length: text too long is refused by the column, not cut short here."""
    field: Any = model._meta.get_field(name)
    kind: str = (
        field.rel_db_type(connection)
        if field.is_relation
        else field.db_type(connection)
    )
    return kind.partition("(")[0]


@cache
def _converters(
    model: Model, fields: Fields, vendor: str
) -> list[Callable[[Any], Any] | None]:
    """What turns the values of each field into what the database takes."""
    return [_converter(model._meta.get_field(name), vendor) for name in fields]


def _converter(field: Any, vendor: str) -> Callable[[Any], Any] | None:
    if isinstance(field, models.DateTimeField):
        return datetime.isoformat if vendor == "postgresql" else _as_sqlite_time
    if isinstance(field, models.JSONField) and vendor != "postgresql":
        return json.dumps
    return None


def _as_sqlite_time(at: datetime) -> str:
    return str(at.astimezone(UTC).replace(tzinfo=None))
