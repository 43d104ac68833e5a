"""The objects of what happened, as answers show them: contract, sections 6, 7, 13 and 14."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.bodies import Answer
from api.shapes import ActorOut, FieldChange, Json, Number

RunAction = Literal[
    "create", "update", "delete", "adopt", "unchanged", "skip", "conflict", "failed"
]


class RunEntryOut(Answer):
    entry_id: int
    ticket_number: str | None
    action: RunAction
    minutes: Number | None
    timesheet_id: int | None
    reason_code: str | None
    message: str | None
    position: int


class RunEntryPage(Answer):
    items: list[RunEntryOut]
    next_cursor: str | None


class StepOut(Answer):
    step: Literal[
        "observation",
        "unit",
        "work_time",
        "user",
        "mapping",
        "project",
        "rounding",
        "decision",
        "request",
        "answer",
    ]
    title: str
    position: int
    at: datetime
    input: dict[str, Json] | None
    output: dict[str, Json] | None
    note: str | None


class ExplanationOut(Answer):
    entry_id: int
    steps: list[StepOut]
    result: str


DiffKind = Literal[
    "connector",
    "mapping",
    "user_mapping",
    "project_mapping",
    "entry",
    "conflict",
    "run",
    "schedule",
]


class PlaceOut(Answer):
    """`at` is when the event there was recorded; null before the first."""

    position: int
    at: datetime | None


class DiffCounts(Answer):
    added: int
    changed: int
    removed: int


class DiffItem(Answer):
    """`positions` and `actors` are of the newest hundred events between the two ends."""

    kind: DiffKind
    id: int
    label: str
    change: Literal["added", "changed", "removed"]
    changes: list[FieldChange]
    positions: list[int]
    actors: list[ActorOut]


class DiffPage(Answer):
    """`counts` is by kind."""

    from_: PlaceOut = Field(alias="from")
    to: PlaceOut
    counts: dict[DiffKind, DiffCounts]
    items: list[DiffItem]
    next_cursor: str | None


class SubjectOut(Answer):
    subject: str
    kind: Literal["zammad_user", "customer", "account"]
    label: str
    emails: list[str]
    entries: int
    minutes: Number
    first_seen: datetime
    last_seen: datetime
    erased_at: datetime | None


class SubjectPage(Answer):
    items: list[SubjectOut]
    next_cursor: str | None


class ErasedOut(Answer):
    subject: str
    erased_at: datetime
    events: int
    entries: int
    minutes_kept: Number
