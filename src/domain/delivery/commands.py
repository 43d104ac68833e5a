"""What one can ask of a delivery that was received."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import RunId


@dataclass(frozen=True, kw_only=True)
class NoteRepetition:
    """It came once more."""

    receipt: int


@dataclass(frozen=True, kw_only=True)
class RequestReplay:
    """Look at its ticket once more, whatever became of it; `only_dead`: if that failed for good."""

    receipt: int
    only_dead: bool = False


@dataclass(frozen=True, kw_only=True)
class FinishLook:
    """A run looked at its ticket; it began after the ticket had been asked for `asked` times."""

    receipt: int
    run_id: RunId
    asked: int


@dataclass(frozen=True, kw_only=True)
class FailLook:
    """The look failed. `refused`: by Zammad for this ticket, which time alone hardly changes.

    `for_good`: there is nobody to ask again.
    """

    receipt: int
    run_id: RunId | None
    asked: int
    reason: str
    message: str
    now: datetime
    refused: bool = False
    for_good: bool = False


DeliveryCommand = NoteRepetition | RequestReplay | FinishLook | FailLook
