"""Rows out of CSV text that people uploaded or pasted."""

import csv
import io
from collections.abc import Sequence

from .exports import FORMULA


class ImportFault(Exception):
    """The text as a whole cannot be read; the message says why."""


def read_rows(
    text: str, *, required: Sequence[str], optional: Sequence[str] = (), limit: int
) -> list[dict[str, str]]:
    """The rows of CSV text with a header, by column; empty cells are left out.

    Columns may come in any order and letter case, parted by comma, semicolon or tab.
    """
    first = text.lstrip("\ufeff").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(
        io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter, strict=True
    )
    try:
        lines = [line for line in reader if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise ImportFault(f"Line {reader.line_num} is no CSV: {error}.") from None
    if len(lines) < 2:
        raise ImportFault("There is no row below the header.")
    if len(lines) - 1 > limit:
        raise ImportFault(f"These are {len(lines) - 1} rows; {limit} at most at once.")
    header = [cell.strip().lower() for cell in lines[0]]
    if missing := [name for name in required if name not in header]:
        raise ImportFault(f"The header has no column {', '.join(missing)}.")
    known = {*required, *optional}
    for number, line in enumerate(lines[1:], 1):
        if len(line) > len(header):
            raise ImportFault(f"Row {number} has more cells than the header.")
    return [
        {
            name: _cell(cell)
            for name, cell in zip(header, line, strict=False)
            if name in known and cell.strip()
        }
        for line in lines[1:]
    ]


def _cell(text: str) -> str:
    """A cell, without the mark that keeps a spreadsheet from computing it."""
    text = text.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def write_rows(columns: Sequence[str], rows: Sequence[dict[str, str]]) -> str:
    """CSV text that ``read_rows`` reads."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
