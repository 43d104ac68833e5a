"""The event log, its chain, and a proof of both: contract, section 10."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, StringConstraints

from adapters.postgres.event_log import StoredRow
from api.exporting import attached, files
from api.identity import Operator, Own, Viewer
from api.inputs import BIGGEST, Number
from api.problems import Problem
from api.routing import LedgerRoute
from api.services import Services
from api.shapes import ActivityOut, ActivityPart, EventOut, EventPage, VerifyOut

MOST_VERIFIED = 1_000_000  # events per call
MOST_PROVEN = 100_000
MOST_TYPES = 200  # more than there are
LONGEST = 300  # characters of a name
FORMAT = "timeledger-proof/1"
FORTNIGHT = timedelta(days=14)

Form = Literal["open", "stored"]
Position = Annotated[int, Query(ge=0, le=BIGGEST)]
Text = Annotated[str | None, Query(max_length=LONGEST)]
Types = Annotated[
    Sequence[Annotated[str, StringConstraints(max_length=LONGEST)]], Query(max_length=MOST_TYPES)
]

router = APIRouter(tags=["audit"], route_class=LedgerRoute)


@router.get("/events", response_model=EventPage)
async def list_events(
    _: Viewer,
    own: Own,
    after: Position = 0,
    before: Annotated[int | None, Query(ge=1, le=BIGGEST)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    type: Types = (),  # noqa: A002 # the contract's name
    stream: Text = None,
    correlation_id: Text = None,
    actor: Text = None,
    form: Form = "open",
) -> object:
    """Events by position. With a filter a page may be short: go on while `next_after` < `head`.

    With `before` newest first, down to the one after `after`: go on before `next_before` until it
    is null. `type` may be given several times; `actor` is user (people), service, system, or one
    part of the service, such as sync, schedule or webhook.
    """
    look = await own.log.page(
        after,
        limit,
        before=before,
        types=[name for each in type if (name := _asked(each))],
        stream=_asked(stream),
        correlation_id=_asked(correlation_id),
        actor=_asked(actor),
    )
    return {
        "items": await _shown(own, look.rows, form),
        "next_after": look.looked_to,
        "next_before": look.next_before,
        "head": look.head,
    }


@router.get("/events/activity", response_model=ActivityOut)
async def get_activity(
    _: Viewer,
    own: Own,
    first: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    to: Annotated[AwareDatetime | None, Query()] = None,
    buckets: Annotated[int, Query(ge=1, le=500)] = 56,
) -> object:
    """How many events were recorded in each part of a time, by default of the last two weeks.

    Positions have no gaps, so nothing is counted: event `position` is number `position` of `head`.
    """
    end = to or own.clock.now()
    try:
        begin = first or end - FORTNIGHT
        edges = [begin + (end - begin) * n / buckets for n in range(buckets + 1)]
        instants = [edge.astimezone(UTC) for edge in edges]
    except OverflowError as error:
        raise Problem("range_invalid", "from or to lies before or after all calendars.") from error
    if begin >= end:
        raise Problem("range_invalid", "from does not lie before to.")
    positions = await own.log.positions_at(instants)
    return ActivityOut(
        buckets=[
            ActivityPart.model_validate(
                {"from": at, "to": until, "position": last, "events": last - before}
            )
            for at, until, before, last in zip(
                instants, instants[1:], positions, positions[1:], strict=False
            )
        ],
        first_at=await own.log.first_at(),
        head=await own.store.head(),
    )


@router.get("/events/{position}", response_model=EventOut)
async def get_event(position: Number, _: Viewer, own: Own, form: Form = "open") -> object:
    """One event."""
    row = await own.log.one(position)
    if row is None:
        raise Problem("not_found", "There is no such event.")
    (shown,) = await _shown(own, [row], form)
    return shown


@router.get("/audit/verify", response_model=VerifyOut)
async def verify(
    request: Request,
    _: Viewer,
    own: Own,
    first: Annotated[int, Query(alias="from", ge=1, le=BIGGEST)] = 1,
    to: Annotated[int | None, Query(ge=1, le=BIGGEST)] = None,
) -> object:
    """Walk the digest chain, one walk at a time; the first altered event is named."""
    last = await _end(own, first, to, MOST_VERIFIED)
    async with request.app.state.verifying:
        report = await own.store.verify(first, last)
    return {
        "ok": report.ok,
        "checked_from": report.checked_from,
        "checked_to": report.checked_to,
        "head_digest": report.head_digest,
        "first_bad_position": report.first_bad_position,
    }


@router.get("/audit/proof", response_class=StreamingResponse, responses=files("ndjson"))
async def proof(
    _: Operator,
    own: Own,
    first: Annotated[int, Query(alias="from", ge=1, le=BIGGEST)],
    to: Annotated[int, Query(ge=1, le=BIGGEST)],
) -> StreamingResponse:
    """The events as they are stored, with what is needed to check them without the service."""
    last = await _end(own, first, to, MOST_PROVEN)
    before = await own.log.digest_before(first)
    name = f"timeledger-proof-{first}-{last}.ndjson"
    return attached(_proof(own, first, last, before), name, "application/x-ndjson")


async def _end(own: Services, first: int, to: int | None, most: int) -> int:
    """The last position that is meant. Raises Problem `range_invalid`."""
    head = await own.store.head()
    last = head if to is None else to
    if last > head:
        raise Problem("range_invalid", f"The log ends at position {head}.")
    if first > last:
        raise Problem("range_invalid", "from lies after to.")
    if last - first >= most:
        raise Problem("range_invalid", f"At most {most:,} events per call.")
    return last


async def _proof(own: Services, first: int, last: int, before: str) -> AsyncIterator[str]:
    yield _line({"format": FORMAT, "from": first, "to": last, "previous_digest": before})
    count, digest = 0, before
    async for rows in own.log.between(first, last):
        for row in rows:
            yield _line(_stored(row))
            count, digest = count + 1, row.digest
    yield _line({"count": count, "head_digest": digest})


async def _shown(own: Services, rows: Sequence[StoredRow], form: Form) -> Sequence[object]:
    if form == "stored":
        return [_stored(row) for row in rows]
    texts = [text for row in rows for text in (row.data, row.metadata)]
    opened = await own.log.opened(texts)
    both = zip(rows, opened[::2], opened[1::2], strict=True)
    return [opened_event(row, data, metadata) for row, data, metadata in both]


def _stored(row: StoredRow) -> Mapping[str, object]:
    return opened_event(row, json.loads(row.data), json.loads(row.metadata))


def opened_event(row: StoredRow, data: object, metadata: object) -> Mapping[str, object]:
    return {
        "position": row.position,
        "stream": row.stream,
        "version": row.version,
        "type": row.type,
        "schema": row.schema,
        "recorded_at": row.recorded_at.isoformat().replace("+00:00", "Z"),
        "data": data,
        "metadata": metadata,
        "digest": row.digest,
    }


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def _asked(text: str | None) -> str | None:
    """What is looked for; nothing is no filter, and no event has a NUL in its names."""
    return text.replace("\0", "\ufffd") if text else None
