"""The live stream: contract, section 12."""

from typing import TYPE_CHECKING, Annotated, cast

from fastapi import APIRouter, Header, Query, Request

from api.identity import Viewer
from api.listener import EventStream, Listener
from api.problems import Problem
from projections.frames import KINDS

if TYPE_CHECKING:
    from api.live import Hub

LONGEST = 18  # digits of a position: a bigint
EXAMPLE = (
    ": heartbeat\n\nid: 90412\nevent: entry.changed\n"
    'data: {"entry_id": 4711, "state": "conflict", "sync_status": "conflict", "minutes": 45,'
    ' "ticket_number": "10050", "run_id": 118}\n\n'
)

router = APIRouter(tags=["stream"])


@router.get(
    "/stream",
    status_code=200,
    response_class=EventStream,
    responses={
        200: {
            "description": "Frames until the login ends; `id` is the position in the log.",
            "content": {"text/event-stream": {"example": EXAMPLE}},
        }
    },
)
async def stream(
    request: Request,
    identity: Viewer,
    types: Annotated[str | None, Query(max_length=200, description="Comma list of frames")] = None,
    after: Annotated[str | None, Query(max_length=40, description="Resume behind it")] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventStream:
    """What happens, as it happens; `Last-Event-ID` or `after` resumes without loss."""
    # A browser that comes back repeats its first address: the header is the newer one.
    given, where = (last_event_id, "header") if last_event_id else (after, "query")
    hub = cast("Hub", request.app.state.hub)
    return EventStream(hub, Listener(identity.claims, _kinds(types)), _position(given, where))


def _kinds(text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    kinds = frozenset(part.strip() for part in text.split(",") if part.strip())
    if unknown := sorted(kinds - set(KINDS)):
        known = ", ".join(KINDS)
        item = {"loc": ["query", "types"], "msg": f"known are {known}", "type": "enum"}
        text = f"There are no frames {unknown[0][:40]}; there are {known}."
        raise Problem("validation", text, errors=[item])
    return kinds or None


def _position(text: str | None, where: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST):
        name = "Last-Event-ID" if where == "header" else "after"
        item = {"loc": [where, name], "msg": "not a position", "type": "int_parsing"}
        raise Problem("validation", f"{name} is not a position.", errors=[item])
    return int(text)
