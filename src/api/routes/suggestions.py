"""A timesheet in Kimai looks like a booking: a person says whether it is (`POST .../adopt`)."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from api.bodies import Body
from api.identity import Operator, Own, RequestCommands
from api.inputs import BIGGEST, Expected, Number
from api.peers import A_PERSON_WAITS
from api.problems import Problem
from api.routes.entries import shown
from api.routing import LedgerRoute
from api.services import Services
from api.shapes import EntryOut
from domain.connector.identity import known_as
from domain.handling import state_of
from domain.ids import EntryId, entry_stream, source_of
from domain.rules.comparison import as_written
from domain.time_entry.commands import Adopt, Distinguish
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.state import TimeEntry
from domain.time_entry.taking_over import CONFIRMED, holds, subject_of, suggested

router = APIRouter(prefix="/entries", tags=["entries"], route_class=LedgerRoute)


class Choice(Body):
    """`timesheet_id` null: none of the suggested ones is this booking."""

    timesheet_id: Annotated[int, Field(ge=1, le=BIGGEST)] | None
    notes: Annotated[str, Field(max_length=500)] | None = None


@router.post("/{entry_id}/adopt", response_model=EntryOut)
async def adopt(
    entry_id: Number,
    body: Choice,
    _: Operator,
    own: Own,
    commands: RequestCommands,
    expected: Expected,
) -> object:
    """Link a suggested timesheet as it is, or let the next run make one. Kimai is only read."""
    stream = entry_stream(EntryId(entry_id))
    entry = await state_of(own.store, TIME_ENTRY, stream)
    if entry is None:
        raise Problem("not_found", "There is no such entry.")
    command: Adopt | Distinguish = Distinguish(note=body.notes)
    if body.timesheet_id is not None:
        command = await _adoption(own, entry, body.timesheet_id, body.notes)
    await commands.run(TIME_ENTRY, stream, command, holds, seen=expected)
    await own.shown(commands.position)
    return await shown(own, entry_id)


async def _adoption(own: Services, entry: TimeEntry, timesheet_id: int, notes: str | None) -> Adopt:
    if timesheet_id not in suggested(entry):
        raise Problem("entry_state", f"Timesheet {timesheet_id} is not suggested for this entry.")
    targets = [each for each in await own.active_connectors() if each.kind == "kimai"]
    if not targets:
        raise Problem("connectors_missing", "There is no active Kimai connector.")
    (connector,) = targets
    target = known_as(connector, await own.connectors())
    source, _ = source_of(entry.entry_id)
    if taken := await own.known.linked_to(source, target, [timesheet_id]):
        raise Problem("entry_state", f"Entry {taken[0].entry_id} has timesheet {timesheet_id}.")
    token = await own.token_of(connector)
    async with own.peers.kimai(connector.base_url, token, patience=A_PERSON_WAITS) as client:
        sheet = await client.get(timesheet_id)
    if sheet is None:
        raise Problem("entry_state", f"Timesheet {timesheet_id} is not in Kimai any more.")
    return Adopt(
        found=[as_written(sheet, subject_of(entry))],
        how=CONFIRMED,
        target_connector_id=target,
        marker="",
        note=notes,
    )
