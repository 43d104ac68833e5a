"""Mappings as files, out and in: contract, section 5."""

import json
from collections.abc import Mapping, Sequence
from email.message import Message
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from starlette.datastructures import UploadFile

from api.as_of import AsOf
from api.exporting import Pages, export, files
from api.identity import Admin, Own, RequestCommands, Viewer
from api.import_files import MOST_BYTES, MOST_ROWS, Unreadable, json_rows, rows_of
from api.import_kinds import KINDS, Kind
from api.importing import Report, looked_at, taken_in, unreadable
from api.mapping_shapes import (
    MappingsFile,
    MappingsImport,
    ProjectMappingsFile,
    ProjectMappingsImport,
    UserMappingsFile,
    UserMappingsImport,
)
from api.problems import Problem
from api.routing import LedgerRoute
from api.services import Commands, Services
from domain.mapping.importing import Mode

Form = Annotated[Literal["csv", "json"], Query(alias="format")]
Imported = Mapping[str, object]
ROOM = 64 * 1024  # bytes of a multipart body beside its file
UTF_8 = "utf-8"

ACTIVITIES, PEOPLE, PROJECTS = KINDS["activities"], KINDS["users"], KINDS["projects"]
_FILE = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
_ROWS = {
    "type": "object",
    "properties": {
        "rows": {"type": "array", "maxItems": MOST_ROWS, "items": {"type": "object"}},
    },
    "required": ["rows"],
}
BODIES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"CSV or JSON, at most {MOST_BYTES} bytes and {MOST_ROWS} rows.",
        "content": {
            "multipart/form-data": {"schema": {**_FILE, "required": ["file"]}},
            "application/json": {"schema": _ROWS},
        },
    }
}

router = APIRouter(prefix="/mappings", tags=["mappings"], route_class=LedgerRoute)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses=files("csv", "json", of=MappingsFile),
)
async def export_mappings(
    _: Viewer, own: Own, as_of: AsOf, form: Form = "csv"
) -> StreamingResponse:
    """All mappings as a file that the import takes."""
    return _exported(own, ACTIVITIES, form, as_of)


@router.post("/import", response_model=MappingsImport, openapi_extra=BODIES)
async def import_mappings(
    request: Request,
    _: Admin,
    own: Own,
    commands: RequestCommands,
    mode: Mode = Mode.MERGE,
    dry_run: bool = False,
) -> object:
    """Take a file in, all of it or nothing; 422 `import_invalid` with what is wrong by row.

    Rows meet those of the same `zammad_type_id`; `replace` removes what the file does not name.
    """
    return await _imported(request, own, commands, ACTIVITIES, mode, dry_run=dry_run)


@router.get(
    "/users/export",
    response_class=StreamingResponse,
    responses=files("csv", "json", of=UserMappingsFile),
)
async def export_user_mappings(
    _: Viewer, own: Own, as_of: AsOf, form: Form = "csv"
) -> StreamingResponse:
    """All user mappings as a file that the import takes."""
    return _exported(own, PEOPLE, form, as_of)


@router.post("/users/import", response_model=UserMappingsImport, openapi_extra=BODIES)
async def import_user_mappings(
    request: Request,
    _: Admin,
    own: Own,
    commands: RequestCommands,
    mode: Mode = Mode.MERGE,
    dry_run: bool = False,
) -> object:
    """The same for user mappings, by `zammad_user_id`."""
    return await _imported(request, own, commands, PEOPLE, mode, dry_run=dry_run)


@router.get(
    "/projects/export",
    response_class=StreamingResponse,
    responses=files("csv", "json", of=ProjectMappingsFile),
)
async def export_project_mappings(
    _: Viewer, own: Own, as_of: AsOf, form: Form = "csv"
) -> StreamingResponse:
    """All project mappings as a file that the import takes."""
    return _exported(own, PROJECTS, form, as_of)


@router.post("/projects/import", response_model=ProjectMappingsImport, openapi_extra=BODIES)
async def import_project_mappings(
    request: Request,
    _: Admin,
    own: Own,
    commands: RequestCommands,
    mode: Mode = Mode.MERGE,
    dry_run: bool = False,
) -> object:
    """The same for project mappings, by `source_kind` and `source_id`."""
    return await _imported(request, own, commands, PROJECTS, mode, dry_run=dry_run)


def _exported(
    own: Services, kind: Kind, form: Literal["csv", "json"], as_of: int | None
) -> StreamingResponse:
    pages, columns = _pages(own, kind, as_of), kind.columns.names
    return export(pages, name=kind.file, form=form, columns=columns, under="rows")


async def _pages(own: Services, kind: Kind, as_of: int | None) -> Pages:
    names = kind.columns.names
    async for rows in own.exports.rows(kind.table.projection, as_of=as_of):
        shown = map(kind.table.shown, rows)
        yield [kind.row.model_validate({name: row[name] for name in names}) for row in shown]


async def _imported(
    request: Request,
    own: Services,
    commands: Commands,
    kind: Kind,
    mode: Mode,
    *,
    dry_run: bool,
) -> Imported:
    content = await _content(request)
    try:
        rows = json_rows(_parsed(content)) if _is_json(request) else rows_of(content, kind.columns)
    except Unreadable as error:
        report = unreadable(kind, str(error))
    else:
        report = await looked_at(own, kind, rows, mode)
    if report.is_refused and not dry_run:
        raise _refused(report)
    if not dry_run:
        await taken_in(own, commands, kind, report, mode)
    return {
        "dry_run": dry_run,
        "applied": not dry_run,
        "counts": report.counts,
        "rows": report.rows,
    }


def _refused(report: Report) -> Problem:
    bad: Sequence[Mapping[str, object]] = [row for row in report.rows if row["action"] == "error"]
    first = f"Row {bad[0]['row']}: {bad[0]['message']}"
    more = f" And {len(bad) - 1} more rows." if len(bad) > 1 else ""
    text = f"Nothing was imported. {first}{more}"
    return Problem("import_invalid", text, extra={"rows": report.rows})


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("application/json")


def _parsed(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Problem("malformed_json", "The body is not JSON.") from error


async def _content(request: Request) -> bytes:
    """The file, sent as such or as the body."""
    kind = Message()
    kind["content-type"] = request.headers.get("content-type", "")
    if kind.get_content_type() != "multipart/form-data":
        return _bounded(await request.body())
    if (kind.get_content_charset() or UTF_8) not in (UTF_8, "utf8"):  # any codec of Python's
        raise Problem("validation", "Send the form in UTF-8: its charset is another one.")
    if len(await request.body()) > MOST_BYTES + ROOM:
        raise _too_large()
    async with request.form(max_files=2, max_fields=2) as form:
        parts = list(form.multi_items())
        if len(parts) != 1 or parts[0][0] != "file":
            raise _no_file()
        part = parts[0][1]
        if isinstance(part, UploadFile):
            return _bounded(await part.read())
        return _bounded(part.encode())


def _bounded(content: bytes) -> bytes:
    if len(content) > MOST_BYTES:
        raise _too_large()
    return content


def _too_large() -> Problem:
    return Problem("body_too_large", f"A file of at most {MOST_BYTES} bytes is taken.")


def _no_file() -> Problem:
    item = {"loc": ["body", "file"], "msg": "send one part, named file", "type": "missing"}
    return Problem("validation", "Send the file as the one part named file.", errors=[item])
