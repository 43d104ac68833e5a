"""Rows that wait for a person, and what people do with them: contract, section 8."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, Field

from adapters.postgres.reconciling import RowFilter
from api import resolving
from api.as_of import AsOf
from api.bodies import Body
from api.identity import Operator, Own, RequestCommands, Viewer
from api.inputs import Expected
from api.problems import Problem, problem_of
from api.reconcile_shapes import (
    BulkDone,
    OpDone,
    OpPreviewOut,
    ReconcilePage,
    RowOut,
    RowResult,
)
from api.resolving import Many, Outcome, Subject
from api.routing import LedgerRoute
from api.services import Services
from domain.errors import LedgerError
from domain.event import Event, Recorded
from domain.rules.row_ops import Op
from domain.sync.resolving import Prospect
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import ReasonCode
from projections import conflicts, connectors, mappings, plans, reconcile, row_detail, user_mappings
from projections import time_entries as entries_view
from projections.numbers import json_number, minutes_of
from projections.reconcile import Names

PATIENCE = 25.0  # seconds that a request for many rows takes at most
LAST = 2.0  # of them for what has to be done at the end
MOST_PAGES = 1_000_000
SYNONYMS = {
    "keep_target": Op.KEEP_TARGET,
    "update_from_source": Op.UPDATE,
    "create_in_target": Op.CREATE,
    "skipped": Op.SKIP,
    "corrected": Op.CORRECT,
    **{op.value: op for op in Op},
}
OpInput = Literal[
    "keep-target",
    "update",
    "create",
    "skip",
    "correct",
    "keep_target",
    "update_from_source",
    "create_in_target",
    "skipped",
    "corrected",
]
RowId = Annotated[str, Path(max_length=40)]
Note = Annotated[str, Field(max_length=500)]

router = APIRouter(prefix="/reconcile", tags=["reconcile"], route_class=LedgerRoute)


class RowOp(Body):
    op: OpInput
    notes: Note | None = None


class UndoWish(Body):
    notes: Note | None = None


def _distinct(ids: list[str]) -> list[str]:
    if len(set(ids)) < len(ids):
        raise ValueError("each row only once")
    return ids


class ManyRows(Body):
    ids: Annotated[
        list[Annotated[str, Field(max_length=40)]],
        Field(min_length=1, max_length=200),
        AfterValidator(_distinct),
    ]
    op: OpInput
    notes: Note | None = None


async def names_of(own: Services, as_of: int | None, entries: Iterable[entries_view.Row]) -> Names:
    """What connectors, activities and users of Kimai are called (then), as these need it."""
    activities = await own.views.all_rows(mappings.PROJECTION, as_of=as_of)
    users = await own.views.all_rows(user_mappings.PROJECTION, as_of=as_of)
    systems = await own.views.all_rows(connectors.PROJECTION, as_of=as_of)
    return Names(
        addresses={row.connector_id: row.base_url for row in systems},
        rounded=any(connectors.rounds(row) for row in systems),
        activities={row.kimai_activity_id: row.kimai_activity_name for row in activities},
        users={row.kimai_user_id: row.kimai_user_name for row in users if row.kimai_user_name},
        learnt=await own.views.names_for(entries, as_of=as_of),
    )


@router.get("", response_model=ReconcilePage, response_model_exclude_unset=True)
async def list_rows(
    _: Viewer,
    own: Own,
    as_of: AsOf,
    which: Annotated[
        Literal["conflicts", "missing", "matches", "all"], Query(alias="filter")
    ] = "conflicts",
    page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=200)] = 50,
    reason: ReasonCode | None = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
) -> object:
    """What waits for a person, newest first; of matches `q` finds those of one ticket number."""
    found = await own.reconciling.page(
        RowFilter(filter=which, reason=reason, q=q),
        skip=(page - 1) * page_size,
        limit=page_size,
        as_of=as_of,
    )
    names = await names_of(own, as_of, [row.entry for row in found.rows])
    return {
        "items": [reconcile.item(row.entry, row.conflict, names) for row in found.rows],
        "total": found.total,
        "counts": {
            "conflicts": found.counts[entries_view.CONFLICT],
            "missing": found.counts[entries_view.MISSING],
            "matches": found.counts[entries_view.MATCH],
        },
    }


@router.get("/row/{row_id}", response_model=RowOut, response_model_exclude_unset=True)
async def get_row(row_id: RowId, _: Viewer, own: Own, as_of: AsOf) -> object:
    """Both sides of one row, what was written last, and who changed what since."""
    conflict, entry, state, history = await _row(own, row_id, as_of)
    item = reconcile.item(entry, conflict, await names_of(own, as_of, [entry]))
    source, target, base = row_detail.sides(state, entry)
    return {
        "item": item,
        "source": source,
        "target": target,
        "base": base,
        "fields": row_detail.differences(state, entry),
        "causation": row_detail.causation(history, entry.conflict_id),
        "allowedOps": item["allowedOps"],
    }


async def _row(
    own: Services, row_id: str, as_of: int | None
) -> tuple[conflicts.Row | None, entries_view.Row, TimeEntry, Sequence[Recorded[Event]]]:
    if (number := resolving.numbered(row_id)) is not None:
        about = await resolving.subject(own, number, as_of=as_of)
        shown = about.conflict if about.is_open else None
        return shown, about.entry, about.state, about.history
    history = await resolving.history_of(own, row_id, as_of=as_of)
    entry, state = resolving.folded(history)
    conflict = None
    if entry.conflict_id is not None:
        conflict = (await resolving.subject(own, entry.conflict_id, as_of=as_of)).conflict
    return conflict, entry, state, history


@router.get(
    "/row/{row_id}/preview",
    response_model=OpPreviewOut,
    response_model_exclude_unset=True,
    responses={409: {}, 502: {}},
)
async def preview_row(
    row_id: RowId, op: OpInput, _: Viewer, own: Own, commands: RequestCommands, as_of: AsOf
) -> object:
    """The exact requests to Kimai that the op would send now; both peers are only read.

    Of the past only the row says whether the op applied; nobody can ask the peers of then.
    409 `connectors_missing` or `connector_inactive`; 502 when a peer does not answer.
    """
    wanted = SYNONYMS[op]
    try:
        number = await resolving.conflict_of(own, row_id, as_of=as_of)
    except Problem as problem:
        if problem.code != "op_not_applicable":
            raise
        return _blocked(wanted, problem.detail)
    about = await resolving.subject(own, number, as_of=as_of)
    prospect = Prospect()
    try:
        resolving.check(about, wanted, None)
        if as_of is None and resolving.is_written(about, wanted):
            prospect = await resolving.preview(own, about, wanted, commands.metadata)
    except Problem as problem:
        if problem.code not in ("op_not_applicable", "already_resolved"):
            raise
        prospect.blocked_by = problem.detail
    return _previewed(about, wanted, prospect)


def _blocked(op: Op, why: str) -> dict[str, object]:
    nothing: list[object] = []
    return {
        "op": op.value,
        "applicable": False,
        "blockedBy": why,
        "requests": nothing,
        "effects": nothing,
    }


def _previewed(about: Subject, op: Op, prospect: Prospect) -> dict[str, object]:
    if prospect.blocked_by is not None:
        return _blocked(op, prospect.blocked_by)
    requests = [plans.creation_shown(each) for each in prospect.creates]
    requests += [plans.request_shown(each) for each in prospect.requests]
    shown: dict[str, object] = {
        "op": op.value,
        "applicable": True,
        "requests": requests,
        "effects": _effects(about, op, requests),
    }
    if (stored := prospect.foreseen) is not None:
        zone = about.entry.facts.zone
        shown["stored"] = {
            "begin": entries_view.local(stored.begin, zone),
            "end": entries_view.local(stored.end, zone),
            "minutes": json_number(minutes_of(stored.duration)),
        }
    return shown


def _effects(  # noqa: PLR0911 # one return per op
    about: Subject, op: Op, requests: Sequence[dict[str, object]]
) -> list[str]:
    sheet = about.entry.timesheet_id
    match op:
        case Op.SKIP:
            return ["Kimai stays without it; the entry is ignored until it changes in Zammad."]
        case Op.KEEP_TARGET if sheet is None:
            return ["The timesheet that looks like it is linked as it is."]
        case Op.KEEP_TARGET:
            return [f"Timesheet {sheet} stays as it is and is the base of later comparisons."]
        case _ if not requests:
            return ["Kimai holds it already: it is linked, and nothing is sent."]
        case _ if about.entry.vanished:
            return [f"Timesheet {sheet} is deleted in Kimai."]
        case Op.CORRECT:
            return [
                f"Timesheet {sheet} stays as it is.",
                "What is missing is booked as a second timesheet and linked beside it.",
            ]
        case Op.UPDATE:
            return [f"Timesheet {sheet} is brought to what Zammad says."]
        case _:
            made = [f"{each['method']} {each['path']}" for each in requests[:-1]]
            return [*(f"First: {each}." for each in made), "A timesheet is created and linked."]


@router.post("/row/{row_id}", response_model=OpDone, response_model_exclude_none=True)
async def resolve_row(
    row_id: RowId,
    body: RowOp,
    _: Operator,
    own: Own,
    commands: RequestCommands,
    version: Expected,
) -> object:
    """Carry out one op. What fails leaves the row open; of two at once, one is told 409."""
    number = await resolving.conflict_of(own, row_id)
    done = await resolving.resolve(
        own, commands, number, SYNONYMS[body.op], body.notes, version=version
    )
    return OpDone(status="success", **vars(done))


@router.post("/row/{row_id}/undo", response_model=OpDone, response_model_exclude_none=True)
async def undo_row(
    row_id: RowId,
    _: Operator,
    own: Own,
    commands: RequestCommands,
    version: Expected,
    body: UndoWish | None = None,
) -> object:
    """Take back keep-target, skip or an ignored conflict, for as long as neither side changed.

    409 `op_not_applicable`, with a sentence, when Kimai was written or the row has changed since.
    """
    number = await resolving.conflict_of(own, row_id)
    note = body.notes if body else None
    return OpDone(
        status="success", **vars(await resolving.undo(own, commands, number, note, version))
    )


@router.post("/bulk", response_model=BulkDone, response_model_exclude_none=True)
async def resolve_rows(
    body: ManyRows, identity: Operator, own: Own, commands: RequestCommands
) -> object:
    """The same for many rows, independently; what 25 seconds are too short for goes on after."""
    many = Many(own=own, commands=commands, op=SYNONYMS[body.op], note=body.notes)
    work = asyncio.ensure_future(many.go(body.ids, wait=PATIENCE - 2 * LAST))
    _under_way.add(work)
    work.add_done_callback(_over)
    await asyncio.wait({work}, timeout=PATIENCE - LAST)
    left = [each for each in body.ids if each not in many.outcomes]
    if left:
        failed = _whole_failure(work)
        if failed is not None:
            for each in left:
                many.outcomes[each] = Outcome(
                    conflict=each, code=failed.code, message=failed.detail
                )
        else:
            await resolving.leave_for_later(own, many, left, identity.account.user_id)
            many.begin_no_more()
    commands.position = await own.store.head()
    return _results(body.ids, many)


_under_way: set["asyncio.Future[None]"] = set()  # rows that outlast their request


def _over(work: "asyncio.Future[None]") -> None:
    _under_way.discard(work)
    if not work.cancelled():
        work.exception()  # who waited for it was told; the rest the background does


def _whole_failure(work: "asyncio.Future[None]") -> Problem | None:
    """Why nothing could be begun at all; None when there was no time, or a run had the pair."""
    if not work.done():
        return None
    match work.exception():
        case None:
            return None
        case Problem() as problem:
            return None if problem.code == "run_active" else problem
        case LedgerError() as error:
            return problem_of(error)
        case error:
            raise error


def _results(ids: Sequence[str], many: Many) -> BulkDone:
    results = []
    for each in ids:
        outcome = many.outcomes.get(each)
        if outcome is None:
            text = "It goes on in the background."
            results.append(RowResult(id=each, status="queued", message=text))
            continue
        results.append(
            RowResult(
                id=each,
                status="success" if outcome.code is None else "failed",
                code=outcome.code,
                message=outcome.message,
                timesheet_id=outcome.timesheet_id,
            )
        )
    statuses = [result.status for result in results]
    return BulkDone(
        results=results,
        succeeded=statuses.count("success"),
        failed=statuses.count("failed"),
        queued=statuses.count("queued"),
    )
