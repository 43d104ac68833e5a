"""What failed for good, and trying it again: contract, section 7."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import Field, model_validator

from adapters.postgres.dead_letters import DeadFilter, Letter
from api import retrying
from api.as_of import AsOf
from api.bodies import Body
from api.cursors import decoded, encoded
from api.identity import Operator, Own, RequestCommands, Viewer
from api.inputs import Expected, Instant, Number
from api.problems import Problem
from api.routing import LedgerRoute
from api.shapes import (
    DeadLetterGroups,
    DeadLetterPage,
    RetryAccepted,
    RetryRefused,
    RetryResult,
)
from domain.handling import state_of
from domain.ids import DELIVERY_KIND, EntryId, entry_stream
from domain.time_entry.causes import RefusalCause
from domain.time_entry.commands import Retry
from domain.time_entry.decide import TIME_ENTRY

CURSOR = "dead-letters"
MOST_GROUPS = 200
Kind = Literal["entry", "delivery"]
Text = Annotated[str | None, Field(max_length=2000)]

router = APIRouter(prefix="/dead-letters", tags=["dead letters"], route_class=LedgerRoute)
of_entry = APIRouter(prefix="/entries", tags=["entries"], route_class=LedgerRoute)


class RetryWish(Body):
    reason: Annotated[str | None, Field(max_length=500)] = None


class Filter(Body):
    """`message` is that of a group."""

    kind: Kind | None = None
    reason_code: Text = None
    cause: RefusalCause | None = None
    before: Instant | None = None
    message: Text = None


class RetryMany(Body):
    """Either `ids`, or a `filter`; an empty filter is all of them."""

    ids: Annotated[list[str], Field(min_length=1, max_length=200)] | None = None
    filter: Filter | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("give either ids or filter")
        return self


@router.get("", response_model=DeadLetterPage | DeadLetterGroups)
async def list_dead_letters(
    _: Viewer,
    own: Own,
    as_of: AsOf,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    kind: Kind | None = None,
    reason_code: Annotated[str | None, Query(max_length=100)] = None,
    cause: RefusalCause | None = None,
    group: bool = False,
) -> object:
    """What failed for good with its cause, the newest first; by cause when grouped."""
    which = DeadFilter(reason_code=reason_code, cause=cause, kind=kind, as_of=as_of)
    if group:
        items = [vars(each) for each in await own.dead.groups(which, limit=MOST_GROUPS)]
        return {"items": items, "next_cursor": None, "total": len(items)}
    place = decoded(CURSOR, cursor, own.secret) if cursor else None
    after = (datetime.fromisoformat(place[0]), str(place[1]), int(place[2])) if place else None
    rows = await own.dead.page(which, limit=limit + 1, after=after)
    page = rows[:limit]
    last = page[-1] if len(rows) > limit else None
    following = last and (last.last_failed_at.isoformat(), last.kind, last.number)
    return {
        "items": [_shown(row) for row in page],
        "next_cursor": encoded(CURSOR, following, own.secret) if following else None,
        "total": await own.dead.total(which),
    }


@router.post("/retry", status_code=202, response_model=RetryResult)
async def retry_dead_letters(
    body: RetryMany, _: Operator, own: Own, commands: RequestCommands
) -> object:
    """Try these again in the background, with settings and mappings as they are then.

    By filter at most 10,000 at once, the oldest failures first.
    """
    if body.ids is not None:
        wanted = retrying.Wanted.named(body.ids)
    else:
        found = await own.dead.oldest(_which(body.filter or Filter()))
        wanted = retrying.Wanted.of(found)
    refused = [RetryRefused(id=name, code="not_found") for name in wanted.unknown]
    deliveries = await retrying.ask_deliveries(commands, wanted.deliveries)
    refused += [
        RetryRefused(id=f"{DELIVERY_KIND}-{name}", code=code) for name, code in deliveries.items()
    ]
    entries = await retrying.ask(commands, wanted.entries)
    refused += [RetryRefused(id=f"entry-{each.entry_id}", code=each.code) for each in entries]
    accepted = len(wanted.entries) + len(wanted.deliveries) - len(entries) - len(deliveries)
    return RetryResult(accepted=accepted, refused=refused)


@of_entry.post("/{entry_id}/retry", status_code=202, response_model=RetryAccepted)
async def retry_entry(
    entry_id: Number,
    _: Operator,
    own: Own,
    commands: RequestCommands,
    expected: Expected,
    body: RetryWish | None = None,
) -> object:
    """Decide it again with today's settings, in the background; 409 `entry_state`."""
    stream = entry_stream(EntryId(entry_id))
    retry = Retry(note=body.reason if body else None)
    await commands.run(TIME_ENTRY, stream, retry, seen=expected)
    entry = await state_of(own.store, TIME_ENTRY, stream)
    if entry is None:
        raise Problem("not_found", "There is no such entry.")
    return RetryAccepted(entry_id=entry_id, state=entry.standing.state.value)


def _which(wish: Filter) -> DeadFilter:
    return DeadFilter(
        reason_code=wish.reason_code,
        before=wish.before,
        message=wish.message,
        cause=wish.cause,
        kind=wish.kind,
    )


def _shown(letter: Letter) -> dict[str, object]:
    """The contract's dead letter."""
    is_entry = letter.kind == "entry"
    name = letter.number if is_entry else letter.delivery_id
    return {
        "id": f"{letter.kind}-{name}",
        "kind": letter.kind,
        "entry_id": letter.number if is_entry else None,
        "delivery_id": letter.delivery_id,
        "reason_code": letter.reason_code,
        "cause": letter.cause,
        "message": letter.message,
        "attempts": letter.attempts,
        "first_failed_at": letter.first_failed_at,
        "last_failed_at": letter.last_failed_at,
    }
