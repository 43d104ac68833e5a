"""Entries and their history: contract, section 7."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from adapters.postgres.read_models import EntryFilter
from api.as_of import AsOf
from api.bodies import Body
from api.cursors import decoded, encoded
from api.exporting import Format, export, files
from api.identity import Operator, Own, RequestCommands, Viewer
from api.inputs import BIGGEST, Day, Expected, Number
from api.problems import Problem
from api.routing import LedgerRoute
from api.services import Commands, Services
from api.shapes import EntryOut, EntryPage, HistoryPage
from domain.ids import EntryId, entry_stream
from domain.time_entry.commands import Ignore, Unignore
from domain.time_entry.decide import TIME_ENTRY
from projections import history, target_names, time_entries
from projections.numbers import json_number
from projections.target_names import Names

Limit = Annotated[int, Query(ge=1, le=200)]
State = Literal["pending", "writing", "synced", "conflict", "failed", "ignored", "withdrawn"]
Text = Annotated[str | None, Query(max_length=200)]
Sort = Literal[
    "-entry_date",
    "entry_date",
    "-updated_at",
    "updated_at",
    "-minutes",
    "minutes",
    "-ticket",
    "ticket",
]

COLUMNS = (
    "id",
    "connector_id",
    "source_id",
    "ticket_id",
    "ticket_number",
    "ticket_title",
    "customer_name",
    "user_name",
    "user_email",
    "entry_date",
    "started_at",
    "ended_at",
    "time_minutes",
    "activity_type_id",
    "activity_name",
    "description",
    "state",
    "sync_status",
    "reason_code",
    "cause",
    "conflict_id",
    "target_id",
    "target",
    "tags",
    "attempts",
    "last_run_id",
    "created_at",
    "updated_at",
    "version",
    "position",
)

router = APIRouter(prefix="/entries", tags=["entries"], route_class=LedgerRoute)


def _filter(
    state: Annotated[list[State] | None, Query()] = None,
    ticket: Text = None,
    user: Text = None,
    customer: Text = None,
    start_date: Day | None = None,
    end_date: Day | None = None,
    q: Text = None,
    run_id: Annotated[int | None, Query(ge=0, le=BIGGEST)] = None,
) -> EntryFilter:
    return EntryFilter(
        states=state,
        ticket=ticket,
        user=user,
        customer=customer,
        start_date=start_date,
        end_date=end_date,
        q=q,
        run_id=run_id,
    )


Which = Annotated[EntryFilter, Depends(_filter)]


@router.get("", response_model=EntryPage)
async def list_entries(
    _: Viewer,
    own: Own,
    as_of: AsOf,
    which: Which,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    limit: Limit = 50,
    sort: Sort = "-entry_date",
) -> object:
    """Bookings and where they stand; the dates are work days, inclusive."""
    place = decoded(f"entries:{sort}", cursor, own.secret) if cursor else None
    page = await own.views.entries(
        which,
        sort=sort,
        limit=limit,
        after=(str(place[0]), int(place[1])) if place else None,
        as_of=as_of,
    )
    following = page.next_place
    return {
        "items": [_shown(row, page.addresses, page.names) for row in page.rows],
        "next_cursor": encoded(f"entries:{sort}", following, own.secret) if following else None,
        "total": page.total,
        "total_minutes": json_number(page.total_minutes),
    }


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses=files("csv", "json", "ndjson", of=list[EntryOut]),
)
async def export_entries(
    _: Viewer,
    own: Own,
    as_of: AsOf,
    which: Which,
    sort: Sort = "-entry_date",
    form: Annotated[Format, Query(alias="format")] = "csv",
) -> StreamingResponse:
    """All bookings that the filters let through, as they stood at one moment, as a file."""
    pages = _answers(own, own.exports.entries(which, sort=sort, as_of=as_of), as_of)
    return export(pages, name="entries", form=form, columns=COLUMNS)


async def _answers(
    own: Services, pages: AsyncIterator[Sequence[time_entries.Row]], as_of: int | None
) -> AsyncIterator[Sequence[EntryOut]]:
    addresses = await own.views.addresses(as_of=as_of)
    async for rows in pages:
        names = await own.views.names_for(rows, as_of=as_of)
        yield [EntryOut.model_validate(_shown(row, addresses, names)) for row in rows]


@router.get("/{entry_id}", response_model=EntryOut)
async def get_entry(entry_id: Number, _: Viewer, own: Own, as_of: AsOf) -> object:
    """One booking."""
    return await shown(own, entry_id, as_of=as_of)


async def shown(own: Services, entry_id: int, *, as_of: int | None = None) -> object:
    """The entry as the contract has it. Raises Problem `not_found`."""
    row = await own.views.entry(entry_id, as_of=as_of)
    if row is None:
        raise Problem("not_found", "There is no such entry.")
    names = await own.views.names_for([row], as_of=as_of)
    return _shown(row, await own.views.addresses(as_of=as_of), names)


class Reason(Body):
    reason: Annotated[str | None, Field(max_length=500)] = None


@router.post("/{entry_id}/ignore", response_model=EntryOut)
async def ignore_entry(
    entry_id: Number,
    _: Operator,
    own: Own,
    commands: RequestCommands,
    expected: Expected,
    body: Reason | None = None,
) -> object:
    """Leave it alone, whatever changes; a linked timesheet is not touched. 409 `entry_state`."""
    ignore = Ignore(note=body.reason if body else None)
    return await _said(own, commands, entry_id, ignore, expected)


@router.post("/{entry_id}/unignore", response_model=EntryOut)
async def unignore_entry(
    entry_id: Number,
    _: Operator,
    own: Own,
    commands: RequestCommands,
    expected: Expected,
    body: Reason | None = None,
) -> object:
    """Have it decided anew by the next run; 409 `entry_state` when nobody ignores it."""
    unignore = Unignore(note=body.reason if body else None)
    return await _said(own, commands, entry_id, unignore, expected)


async def _said(
    own: Services,
    commands: Commands,
    entry_id: int,
    command: Ignore | Unignore,
    expected: int | None,
) -> object:
    stream = entry_stream(EntryId(entry_id))
    await commands.run(TIME_ENTRY, stream, command, seen=expected)
    await own.shown(commands.position)
    return await shown(own, entry_id)


@router.get("/{entry_id}/history", response_model=HistoryPage)
async def get_history(
    entry_id: Number,
    _: Viewer,
    own: Own,
    as_of: AsOf,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    limit: Limit = 50,
) -> object:
    """What happened to a booking, oldest first."""
    kind = f"history:{entry_id}"
    after = int(decoded(kind, cursor, own.secret)) if cursor else 0
    events = await own.store.read_recorded(entry_stream(EntryId(entry_id)))
    known = [event for event in events if as_of is None or event.position <= as_of]
    if not known:
        raise Problem("not_found", "There is no such entry.")
    items = [item for item in history.history(known) if item.recorded.version > after]
    page = items[:limit]
    more = len(items) > limit
    return {
        "items": [history.shown(item) for item in page],
        "next_cursor": encoded(kind, page[-1].recorded.version, own.secret) if more else None,
    }


def _shown(row: time_entries.Row, addresses: Mapping[int, str], names: Names) -> dict[str, object]:
    target = row.facts.target_connector_id
    return time_entries.shown(
        row,
        ticket_base=addresses.get(row.connector_id),
        timesheet_base=None if target is None else addresses.get(target),
        project=target_names.project_of(row, names),
    )
