"""Conflicts, open and closed, and what people say about them: contract, section 8."""

from typing import Annotated, ClassVar, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api import resolving
from api.as_of import AsOf
from api.bodies import Body
from api.identity import Operator, Own, RequestCommands, Viewer
from api.inputs import BIGGEST, Expected, Number, Skip
from api.problems import Problem
from api.reconcile_shapes import ConflictOut
from api.resolving import Subject
from api.routes.reconcile import SYNONYMS, Note, OpInput, names_of
from api.routing import LedgerRoute
from api.services import Commands, Services
from domain.ids import EntryId, entry_stream
from domain.rules.row_ops import Op, Status
from domain.time_entry.commands import ChangeNote, Dismiss, Flag, Reopen
from domain.time_entry.decide import TIME_ENTRY
from projections import conflicts, reconcile

router = APIRouter(prefix="/conflicts", tags=["conflicts"], route_class=LedgerRoute)
ResolutionStatus = Literal["pending", "resolved", "ignored"]


class NewConflict(Body):
    time_entry_id: Annotated[int, Field(ge=1, le=BIGGEST)]
    notes: Note | None = None


class ConflictPatch(Body):
    """An action is carried out like its op; a conflict may be sent back as it was read."""

    read_only: ClassVar[frozenset[str]] = frozenset(ConflictOut.model_fields) - {
        "resolution_status",
        "resolution_action",
        "notes",
    }

    resolution_status: ResolutionStatus | None = None
    resolution_action: OpInput | None = None
    notes: Note | None = None


@router.get("", response_model=list[ConflictOut])
async def list_conflicts(
    _: Viewer,
    own: Own,
    response: Response,
    as_of: AsOf,
    skip: Skip = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    resolution_status: ResolutionStatus | None = None,
    include_rich: bool = True,
) -> object:
    """Every conflict that was ever opened, newest first."""
    rows, total = await own.reconciling.conflicts(
        resolution_status, skip=skip, limit=limit, as_of=as_of
    )
    response.headers["X-Total-Count"] = str(total)
    ids = sorted({row.entry_id for row in rows})
    entries = await own.reconciling.entries(ids, as_of=as_of)
    names = await names_of(own, as_of, entries.values())
    return [
        reconcile.conflict(row, entries.get(row.entry_id), names, rich=include_rich) for row in rows
    ]


@router.get("/{conflict_id}", response_model=ConflictOut)
async def get_conflict(conflict_id: Number, _: Viewer, own: Own, as_of: AsOf) -> object:
    """One conflict."""
    return await _shown(own, conflict_id, as_of)


async def _shown(own: Services, conflict_id: int, as_of: int | None = None) -> object:
    row = await own.reconciling.conflict(conflict_id, as_of=as_of)
    if row is None:
        raise Problem("not_found", "There is no such conflict.")
    entries = await own.reconciling.entries([row.entry_id], as_of=as_of)
    names = await names_of(own, as_of, entries.values())
    return reconcile.conflict(row, entries.get(row.entry_id), names)


@router.post("", status_code=201, response_model=ConflictOut)
async def flag_entry(body: NewConflict, _: Operator, own: Own, commands: RequestCommands) -> object:
    """Have people look at an entry: a conflict with code OTHER; 409 when it has an open one."""
    stream = entry_stream(EntryId(body.time_entry_id))
    await commands.run(TIME_ENTRY, stream, Flag(note=body.notes))
    entry, _state = resolving.folded(await own.store.read_recorded(stream))
    if entry.conflict_id is None:
        raise Problem("already_resolved", "Somebody resolved it in the same instant.")
    await own.shown(commands.position)
    return await _shown(own, entry.conflict_id)


@router.patch("/{conflict_id}", response_model=ConflictOut)
async def change_conflict(
    conflict_id: Number,
    body: ConflictPatch,
    _: Operator,
    own: Own,
    commands: RequestCommands,
    version: Expected,
) -> object:
    """Resolve it, ignore it, have an ignored one back, or write a note beside it."""
    about = await resolving.subject(own, conflict_id)
    resolving.check_version(about, version)
    op = _op(body, about)
    if op is not None:
        await resolving.resolve(own, commands, conflict_id, op, body.notes, version=version)
    elif body.resolution_status == conflicts.IGNORED and about.is_open:
        dismiss = Dismiss(nth=about.nth, note=body.notes)
        await commands.run(TIME_ENTRY, about.stream, dismiss, seen=about.seen)
    elif body.resolution_status == conflicts.PENDING and not about.is_open:
        reopen = Reopen(nth=about.nth, note=body.notes)
        await commands.run(TIME_ENTRY, about.stream, reopen, seen=about.seen)
    else:
        await _note(body, about, commands, seen=None if version is None else about.seen)
    await own.shown(commands.position or await own.store.head())
    return await _shown(own, conflict_id)


def _op(body: ConflictPatch, about: Subject) -> Op | None:
    """What is to be carried out. Raises Problem `already_resolved`, `validation`."""
    as_it_is = (about.conflict.status, about.conflict.action)
    said = body.resolution_status or conflicts.RESOLVED
    action = body.resolution_action
    if action is not None:
        if as_it_is == (said, action):
            return None  # sent back as it was read
        if said == conflicts.RESOLVED or body.resolution_status == about.conflict.status:
            return SYNONYMS[action]
        raise Problem("validation", f"An action resolves; it cannot make it {said}.")
    if body.resolution_status != conflicts.RESOLVED or not about.is_open:
        return None
    facts = reconcile.facts_of(about.entry)
    linked = facts is not None and facts.status is Status.CONFLICT
    return Op.KEEP_TARGET if linked else Op.SKIP


async def _note(
    body: ConflictPatch, about: Subject, commands: Commands, *, seen: int | None
) -> None:
    """Only the note changes, if anything does. Raises Problem `already_resolved`."""
    if body.resolution_status not in (None, about.conflict.status):
        raise Problem("already_resolved", f"It is {about.conflict.status} already.")
    if "notes" in body.model_fields_set and body.notes != about.conflict.notes:
        change = ChangeNote(nth=about.nth, note=body.notes)
        await commands.run(TIME_ENTRY, about.stream, change, seen=seen)


@router.delete("/{conflict_id}", status_code=204)
async def dismiss_conflict(
    conflict_id: Number, _: Operator, own: Own, commands: RequestCommands, version: Expected
) -> None:
    """Close it undecided; the entry is ignored, and its history stays."""
    about = await resolving.subject(own, conflict_id)
    resolving.check_open(about, version)
    await commands.run(TIME_ENTRY, about.stream, Dismiss(nth=about.nth), seen=about.seen)
