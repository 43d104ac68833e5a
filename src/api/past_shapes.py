"""The objects of what happened, as answers show them: contract, sections 6, 7, 13 and 14."""

from datetime import datetime
from typing import Literal

from api.bodies import Answer
from api.shapes import Json, Number

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
