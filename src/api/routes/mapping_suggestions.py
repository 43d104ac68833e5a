"""What mappings for waiting bookings could say: contract, section 5."""

from typing import Literal

from fastapi import APIRouter

from api.as_of import AsOf
from api.choice_shapes import (
    SuggestionOut,
    Suggestions,
    SuggestionSource,
    SuggestionTarget,
)
from api.identity import Own, Viewer
from api.routing import LedgerRoute
from api.suggesting import Suggesting
from domain.mapping.suggesting import Suggestion
from projections.numbers import json_number

KINDS = ("activities", "users", "projects")

router = APIRouter(prefix="/mappings", tags=["mappings"], route_class=LedgerRoute)


@router.get("/suggestions", response_model=Suggestions, responses={502: {}})
async def list_suggestions(
    _: Viewer,
    own: Own,
    as_of: AsOf,
    kind: Literal["activities", "users", "projects"] | None = None,
) -> object:
    """Types, people and organizations whose bookings wait for a mapping, most waiting first.

    A suggestion is applied by nobody but a person. Of the past only the ledger is asked, not
    the peers.
    """
    kinds = KINDS if kind is None else (kind,)
    found = await Suggesting(own, as_of=as_of).suggestions(kinds)
    return {"items": [_shown(each) for each in found]}


def _shown(suggestion: Suggestion) -> SuggestionOut:
    source, target = suggestion.source, suggestion.target
    return SuggestionOut.model_validate(
        {
            "kind": source.kind,
            "source": SuggestionSource.model_validate(
                {
                    "id": source.source_id,
                    "name": source.name,
                    "email": source.email,
                    "source_kind": source.source_kind,
                }
            ),
            "target": target
            and SuggestionTarget.model_validate(
                {"id": target.item_id, "name": target.name, "target_kind": target.kind}
            ),
            "basis": suggestion.basis,
            "waiting_entries": source.entries,
            "waiting_minutes": json_number(source.minutes),
        }
    )
