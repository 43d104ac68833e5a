"""Files that people take away: streamed, as CSV, JSON or a JSON value a line (contract, 1)."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from fastapi.responses import StreamingResponse

from api.bodies import Answer

Format = Literal["csv", "json", "ndjson"]
Pages: TypeAlias = AsyncIterator[Sequence[Answer]]

# A spreadsheet takes a text that begins with one of these five for a formula. Source: OWASP, "CSV
# Injection". They get a `'` in front, and so do texts that would be taken for one that has it.
_QUOTED = re.compile(r"'*[=+\-@\t]")
MEDIA: Mapping[Format, str] = MappingProxyType(
    {
        "csv": "text/csv; charset=utf-8",
        "json": "application/json",
        "ndjson": "application/x-ndjson",
    }
)


def files(*forms: Format, of: object = None) -> dict[int | str, dict[str, Any]]:
    """For the `responses` of a route that answers with a file of one of these forms.

    `of` is the shape of the one in JSON.
    """
    shape = {"csv": {"type": "string"}, "ndjson": {"type": "string"}, "json": {}}
    kinds = {MEDIA[form].partition(";")[0]: {"schema": shape[form]} for form in forms}
    model = {} if of is None else {"model": of}
    return {200: {"description": "A file.", "content": kinds, **model}}


def export(
    pages: Pages, *, name: str, form: Format, columns: Sequence[str], under: str = ""
) -> StreamingResponse:
    """`pages` as the file `<name>.<form>`.

    `columns` are those of its CSV, in order; in JSON the rows are one list, of the name `under`
    where there is one.
    """
    match form:
        case "csv":
            lines = _csv(pages, columns)
        case "json":
            lines = _json(pages, under)
        case "ndjson":
            lines = _ndjson(pages)
    return attached(lines, f"{name}.{form}", MEDIA[form])


def attached(lines: AsyncIterator[str], file_name: str, media_type: str) -> StreamingResponse:
    """An answer that a browser saves under `file_name`."""
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
    return StreamingResponse(lines, media_type=media_type, headers=headers)


def cell(value: object) -> str | int | float:
    """A value of JSON as one cell: nothing for null, JSON for what has parts, never a formula."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return value
        case str():
            return f"'{value}" if _QUOTED.match(value) else value
        case _:
            return json.dumps(value, ensure_ascii=False)


def uncell(text: str) -> str:
    """The text that `cell` made this of."""
    return text[1:] if text.startswith("'") and _QUOTED.match(text) else text


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Lines of CSV of values of JSON."""
    text = io.StringIO(newline="")
    lines = ([cell(value) for value in row] for row in rows)
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue()


async def _csv(pages: Pages, columns: Sequence[str]) -> AsyncIterator[str]:
    yield csv_lines([columns])
    async for rows in pages:
        if rows:
            values = [row.model_dump(mode="json") for row in rows]
            yield csv_lines([row[column] for column in columns] for row in values)


async def _json(pages: Pages, under: str) -> AsyncIterator[str]:
    begin, end = (f'{{"{under}": [', "]}") if under else ("[", "]")
    between = begin
    async for rows in pages:
        for row in rows:
            yield between + row.model_dump_json()
            between = ",\n"
    yield begin + end if between == begin else end


async def _ndjson(pages: Pages) -> AsyncIterator[str]:
    async for rows in pages:
        if rows:
            yield "".join(f"{row.model_dump_json()}\n" for row in rows)
