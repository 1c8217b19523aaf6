"""Lists as files: rows to CSV, JSON or JSON lines, written as they are read."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Literal

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

Format = Literal["csv", "json", "jsonl"]
FORMATS: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
}
# The name of a column to where its value is: a path of attributes, or a function.
Columns = Mapping[str, str | Callable[[Any], Any]]

CHUNK = 500  # rows read, and sent, at a time
# What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def export(
    request: HttpRequest, rows: QuerySet[Any], columns: Columns, kind: Format, name: str
) -> StreamingHttpResponse:
    """The rows as a file called ``name`` and today's date."""
    chunks = _WRITERS[kind](_records(rows, columns), list(columns))
    is_async = isinstance(request, ASGIRequest)
    response = StreamingHttpResponse(
        _awaited(chunks) if is_async else chunks, content_type=FORMATS[kind]
    )
    file_name = f"{name}-{timezone.now():%Y-%m-%d}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def _records(rows: QuerySet[Any], columns: Columns) -> Iterator[list[dict[str, Any]]]:
    """The rows in chunks, each a dictionary of the columns."""
    read = {
        name: attrgetter(value) if isinstance(value, str) else value
        for name, value in columns.items()
    }
    chunk: list[dict[str, Any]] = []
    for row in rows.iterator(chunk_size=CHUNK):
        chunk.append({name: _plain(_get(row, of)) for name, of in read.items()})
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _get(row: Any, of: Callable[[Any], Any]) -> Any:
    """A value; None where something on the path to it is missing."""
    try:
        return of(row)
    except AttributeError:
        return None


def _plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, datetime):
        text = value.astimezone(UTC).isoformat(timespec="milliseconds")
        return text.replace("+00:00", "Z")
    if value is None or isinstance(value, bool | int | float | str | dict | list):
        return value
    return str(value)


# --- Formats --------------------------------------------------------------------------


def _csv(chunks: Iterable[list[dict[str, Any]]], names: list[str]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(names)
    for chunk in chunks:
        writer.writerows([_cell(record[name]) for name in names] for record in chunk)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _cell(value: Any) -> Any:
    """A value as a spreadsheet shows it, never as a formula that it computes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def _json(chunks: Iterable[list[dict[str, Any]]], names: list[str]) -> Iterator[str]:
    before = "[\n"
    for chunk in chunks:
        yield before + ",\n".join(_dump(record) for record in chunk)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _jsonl(chunks: Iterable[list[dict[str, Any]]], names: list[str]) -> Iterator[str]:
    for chunk in chunks:
        yield "".join(f"{_dump(record)}\n" for record in chunk)


def _dump(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)


_WRITERS: dict[Format, Callable[..., Iterator[str]]] = {
    "csv": _csv,
    "json": _json,
    "jsonl": _jsonl,
}


async def _awaited(chunks: Iterator[str]) -> AsyncIterator[str]:
    """The chunks, each made in the thread of the request."""
    following = sync_to_async(lambda: next(chunks, None))
    while (chunk := await following()) is not None:
        yield chunk
