"""Kimai as one booking meets it, without I/O: what was sent, what landed, what people do there."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from domain.personal import Personal
from domain.rules.marker import carries, marked_entry
from domain.time_entry.values import Desired, Operation, Written
from tests.support.bookings import ENTRY, LOG_TAG, MARK, written


@dataclass(frozen=True)
class Sent:
    """A request that was recorded. `away`: it left us, so it may land at any time.

    `keep` names what an update leaves as it is there.
    """

    intent: int
    operation: Operation
    desired: Desired | None
    timesheet_id: int | None
    keep: tuple[str, ...] = ()
    away: bool = False


@dataclass
class Timesheets:
    """The timesheets that could be the booking's, of a token that may change exported ones.

    `created` are the ids of those that our requests made.
    """

    sheets: dict[int, Written] = field(default_factory=dict)
    created: set[int] = field(default_factory=set)
    newest: int = 10

    def add(self, sheet: Written) -> int:
        """Store it under an id that was never used."""
        self.newest += 1
        self.sheets[self.newest] = replace(sheet, timesheet_id=self.newest)
        return self.newest

    def land(self, request: Sent) -> Written | None:
        """Do what was asked; the record afterwards, None when it is not there."""
        if request.operation is Operation.CREATE:
            assert request.desired is not None
            number = self.add(written(request.desired))
            self.created.add(number)
            return self.sheets[number]
        number = request.timesheet_id or 0
        found = self.sheets.get(number)
        if found is None:
            return None
        assert not found.exported, "an exported timesheet was written to"
        if request.operation is Operation.DELETE:
            del self.sheets[number]
            return found
        self.sheets[number] = updated(found, request)
        return self.sheets[number]

    def edit(self, number: int, **changes: object) -> None:
        self.sheets[number] = replace(self.sheets[number], **changes)  # type: ignore[arg-type] # fields of it

    def marked(self, mark: str = MARK) -> Sequence[Written]:
        """Those that carry this marker of the booking, the oldest first."""
        return [sheet for _, sheet in sorted(self.sheets.items()) if has_marker(sheet, mark)]

    def claimed(self) -> set[int]:
        """Those that carry any marker of the booking."""
        return {
            number
            for number, sheet in self.sheets.items()
            if marked_entry(sheet.description.value or "", LOG_TAG) == ENTRY
        }

    def ours(self) -> set[int]:
        """Those we made that are still there."""
        return self.created & self.sheets.keys()


def has_marker(sheet: Written, mark: str = MARK) -> bool:
    return carries(sheet.description.value or "", mark)


def updated(found: Written, request: Sent) -> Written:
    """The record after all that was asked for, but for what is left alone there."""
    assert request.desired is not None
    new = written(request.desired, timesheet_id=found.timesheet_id, exported=found.exported)
    return replace(new, **{name: getattr(found, name) for name in request.keep})


def reworded(sheet: Written) -> Personal:
    """The text as somebody corrects it, our last line left as it is."""
    text = sheet.description.value or ""
    return Personal(sheet.description.subject, f"Corrected. {text}")
