"""Persons: what is held about them, taking it away, erasing it (contract, section 14)."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse
from pydantic import Field

from adapters.postgres.people import SUBJECT, Person
from api import erasing
from api.bodies import Body
from api.cursors import decoded, encoded
from api.exporting import attached, files
from api.identity import Admin, Own, RequestCommands
from api.past_shapes import ErasedOut, SubjectPage
from api.problems import Problem
from api.routes.events import opened_event
from api.routes.users import one_after_the_other
from api.routing import LedgerRoute
from api.services import Services
from domain.ids import PRIVACY_STREAM
from domain.privacy.decide import PRIVACY, Export
from projections import time_entries
from projections.numbers import json_number

CURSOR = "subjects"
FORMAT = "timeledger-subject/1"
Subject = Annotated[str, Query(max_length=40)]

router = APIRouter(prefix="/privacy", tags=["privacy"], route_class=LedgerRoute)


class EraseWish(Body):
    """`confirm` repeats the subject."""

    subject: Annotated[str, Field(max_length=40)]
    confirm: Annotated[str, Field(max_length=40)]


@router.get("/subjects", response_model=SubjectPage)
async def find_subjects(
    _: Admin,
    own: Own,
    q: Annotated[str, Query(min_length=1, max_length=200)],
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> object:
    """Persons by a part of their name or e-mail, or by number."""
    kind = f"{CURSOR}:{q}"
    after = str(decoded(kind, cursor, own.secret)) if cursor else ""
    found = await own.people.find(q.replace("\0", "\ufffd"), limit=limit + 1, after=after)
    page = found[:limit]
    more = len(found) > limit
    return {
        "items": [_shown(person) for person in page],
        "next_cursor": encoded(kind, page[-1].subject, own.secret) if more else None,
    }


@router.get("/export", response_class=StreamingResponse, responses={**files("json"), 409: {}})
async def export_subject(
    _: Admin, own: Own, commands: RequestCommands, subject: Subject
) -> StreamingResponse:
    """Everything that names the person, opened; that it was taken away is recorded first."""
    held, positions = await erasing.held(own, _known(subject))
    await commands.run(PRIVACY, PRIVACY_STREAM, Export(held=held))
    name = f"timeledger-{subject.replace(':', '-')}.json"
    return attached(_file(own, subject, positions, commands.position), name, "application/json")


@router.post("/erase", response_model=ErasedOut)
async def erase_subject(
    body: EraseWish, _: Admin, own: Own, commands: RequestCommands, request: Request
) -> object:
    """Destroy the person's key for good: nothing of it is shown any more, sums stay."""
    subject = _known(body.subject)
    if body.confirm != subject:
        raise Problem("confirm_mismatch", "confirm does not repeat the subject.")
    async with one_after_the_other(request, own):  # one of two last admins may be erased, not both
        event = await erasing.erase(own, commands, subject)
    return {
        **erasing.shown(event),
        "erased_at": await erasing.erased_at(own, commands.position),
        "minutes_kept": json_number(event.minutes_kept),
    }


def _known(subject: str) -> str:
    if SUBJECT.fullmatch(subject) is None:
        raise Problem("not_found", "There is no such subject.")
    return subject


def _shown(person: Person) -> Mapping[str, object]:
    return {
        **vars(person),
        "kind": person.subject.partition(":")[0].replace("-", "_"),
        "label": person.label or "",
        "minutes": json_number(person.minutes),
    }


async def _file(
    own: Services, subject: str, positions: Sequence[int], position: int
) -> AsyncIterator[str]:
    head = {"format": FORMAT, "subject": subject, "position": position}
    yield f'{json.dumps(head)[:-1]}, "entries": ['
    first = True
    async for row in own.people.entries(subject):
        shown = time_entries.shown(row, ticket_base=None, timesheet_base=None)
        yield _line(shown, first=first)
        first = False
    yield '], "events": ['
    first = True
    async for event, data, metadata in own.people.events(positions):
        yield _line(opened_event(event, data, metadata), first=first)
        first = False
    yield "]}\n"


def _line(value: Mapping[str, Any], *, first: bool) -> str:
    text = json.dumps(jsonable_encoder(value), ensure_ascii=False)
    return ("\n" if first else ",\n") + text
