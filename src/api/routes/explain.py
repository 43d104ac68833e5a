"""Why an entry is as it is: contract, section 7."""

from fastapi import APIRouter

from api.as_of import AsOf
from api.identity import Own, Viewer
from api.inputs import Number
from api.past_shapes import ExplanationOut
from api.problems import Problem
from api.routing import LedgerRoute
from domain.ids import EntryId, entry_stream
from projections import explanation

router = APIRouter(prefix="/entries", tags=["entries"], route_class=LedgerRoute)


@router.get("/{entry_id}/explain", response_model=ExplanationOut)
async def explain(entry_id: Number, _: Viewer, own: Own, as_of: AsOf) -> object:
    """What was seen, decided, sent and answered, each step with the event that recorded it."""
    events = await own.store.read_recorded(entry_stream(EntryId(entry_id)))
    known = [event for event in events if as_of is None or event.position <= as_of]
    if not known:
        raise Problem("not_found", "There is no such entry.")
    return explanation.shown(explanation.explained(known))
