"""Entries and their history: contract, section 7."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.routing import LedgerRoute

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

router = APIRouter(prefix="/entries", tags=["entries"], route_class=LedgerRoute)
