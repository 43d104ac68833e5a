"""Files that people bring: CSV as spreadsheets write it, or JSON, to rows of plain values.

Whatever is wrong with a file as a whole is one sentence, and so is what is wrong with a row.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.exporting import uncell

MOST_BYTES = 1024 * 1024
MOST_ROWS = 5_000
DELIMITERS = (",", ";", "\t")  # the second is what spreadsheets write where 1,5 is a number
LONGEST_CELL = 10_000  # characters; the longest field of a mapping has 500
_WHOLE = re.compile(r"-?[0-9]{1,15}")
YES, NO = ("true", "yes", "1"), ("false", "no", "0")


class Unreadable(Exception):
    """The file as a whole is not what it should be; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What a file may hold: all columns, which of them it must have, and what their cells are.

    Cells of `texts` are taken as they are; of all others an empty one is nothing, those of
    `flags` are true or false. `ignored` columns may be there and say nothing.
    """

    names: Sequence[str]
    required: frozenset[str]
    texts: frozenset[str]
    flags: frozenset[str]
    ignored: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True, kw_only=True)
class FileRow:
    """The values of one row, counted from 1 below the header; `problem` is why it has none."""

    number: int
    values: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None


def rows_of(content: bytes, columns: Columns) -> Sequence[FileRow]:
    """The rows of a CSV or JSON file. Raises Unreadable."""
    text = _decoded(content)
    if text.lstrip()[:1] in ("{", "["):
        return _json_rows(text)
    return _bounded(_csv_rows(text, columns))


def _bounded(rows: Sequence[FileRow]) -> Sequence[FileRow]:
    if len(rows) > MOST_ROWS:
        raise Unreadable(f"The file has {len(rows)} rows; at most {MOST_ROWS} are taken at once.")
    return rows


def _decoded(content: bytes) -> str:
    """Without the mark that spreadsheets put in front."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable('The file is UTF-16; save it as "CSV UTF-8".')
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text = f'Line {line} of the file is not UTF-8; save it as "CSV UTF-8".'
        raise Unreadable(text) from error
    if not text.strip():
        raise Unreadable("The file is empty.")
    return text


def _json_rows(text: str) -> Sequence[FileRow]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("The file is neither JSON nor CSV.") from error
    return json_rows(value)


def json_rows(value: object) -> Sequence[FileRow]:
    """The rows of `{"rows": [...]}`. Raises Unreadable."""
    if not isinstance(value, dict) or set(value) != {"rows"} or not isinstance(value["rows"], list):
        raise Unreadable('JSON holds nothing but {"rows": [...]}.')
    return _bounded(
        [
            FileRow(number=number, values=row)
            if isinstance(row, dict)
            else FileRow(number=number, problem="A row is an object.")
            for number, row in enumerate(value["rows"], 1)
        ]
    )


def _csv_rows(text: str, columns: Columns) -> Sequence[FileRow]:
    first = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [cell.strip() for cell in next(reader)]
        _check_header(header, columns)
        rows: list[FileRow] = []
        for cells in reader:
            if any(cell.strip() for cell in cells):  # spreadsheets leave empty lines at the end
                rows.append(_csv_row(len(rows) + 1, header, cells, columns))
    except csv.Error as error:
        raise Unreadable(f"Line {reader.line_num} of the file is no CSV: {error}.") from error
    return rows


def _check_header(header: Sequence[str], columns: Columns) -> None:
    known = {*columns.names, *columns.ignored}
    if unknown := [_short(name) for name in header if name not in known]:
        names = ", ".join(columns.names)
        raise Unreadable(f"Unknown column: {', '.join(unknown[:5])}. The columns are {names}.")
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise Unreadable(f"A column is there twice: {', '.join(twice)}.")
    if missing := sorted(columns.required - set(header)):
        raise Unreadable(f"A column is missing: {', '.join(missing)}.")


def _csv_row(number: int, header: Sequence[str], cells: Sequence[str], columns: Columns) -> FileRow:
    if len(cells) != len(header):
        text = f"The row has {len(cells)} cells, the header has {len(header)}."
        return FileRow(number=number, problem=text)
    if any(len(cell) > LONGEST_CELL for cell in cells):
        return FileRow(number=number, problem=f"A cell has over {LONGEST_CELL} characters.")
    values: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=True):
        if name in columns.ignored:
            continue
        if name in columns.texts:
            values[name] = uncell(cell)
        elif (plain := cell.strip()) != "" or name not in columns.flags:
            values[name] = _plain(plain, is_flag=name in columns.flags)
        elif name != "is_active":  # left empty it is as if the column were not there
            values[name] = None
    return FileRow(number=number, values=values)


def _plain(cell: str, *, is_flag: bool) -> object:
    """A cell that is no text; what it cannot be stays as it is, for the rules to refuse."""
    if cell == "":
        return None
    if is_flag and cell.lower() in YES + NO:
        return cell.lower() in YES
    text = uncell(cell)
    return int(text) if _WHOLE.fullmatch(text) else text


def _short(name: str) -> str:
    """A column's name fit for a sentence."""
    shown = "".join(sign for sign in name if sign.isprintable())[:40]
    return shown or "(without a name)"
