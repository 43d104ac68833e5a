"""Whether Kimai holds what it must, worked out from the two peers and from what people set.

Written against the documentation, not with our rules or our ledger: a mistake in those must not
hide itself here. Where the service may rightly have followed an older setting, each value that
held since the booking was made is right.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from adapters.sandbox.kimai.entities import Timesheet
from adapters.sandbox.zammad.records import TimeAccounting
from tests.chaos.marks import booking_of, by_booking
from tests.chaos.netted import Netted
from tests.chaos.stacked import Days
from tests.chaos.times import could_be, stored, times, worked
from tests.chaos.town import Town

TAG = "source:zammad"
EDITED_ARE = {"duration": "end"}  # what a person changes in Kimai goes by one name here
TOGETHER = {"begin", "end"}

Conflicts = Mapping[int, str]  # booking → reason code, of the open ones


@dataclass(frozen=True, kw_only=True)
class Due:
    """One timesheet as it should be; seconds, as Kimai stores them.

    More than one person, activity or project may be right; None among them: it may have to wait.
    """

    begin: int
    end: int
    duration: int
    users: frozenset[int | None]
    activities: frozenset[int | None]
    projects: frozenset[int | None]


def written_twice(town: Town) -> list[str]:
    """What may never be seen, not even while the service is down."""
    own = (sheet for sheet in town.kimai.timesheets.values() if sheet.id not in town.copies)
    return [
        f"booking {booking} has timesheets {[sheet.id for sheet in sheets]}"
        for booking, sheets in by_booking(own).items()
        if booking is not None and len(sheets) > 1
    ]


def differences(town: Town, conflicts: Conflicts | None = None) -> list[str]:
    """What is wrong once everything has come to rest; empty when all is right.

    With `conflicts`, each must have a true reason, and what is not in Kimai must have one.
    """
    return [*written_twice(town), *Checker(town, conflicts).problems(), *_billed(town)]


class Checker:
    """Looks at each booking of both sides."""

    def __init__(self, town: Town, conflicts: Conflicts | None) -> None:
        self._town = town
        self._diary = town.diary
        self._conflicts = conflicts
        found = by_booking(town.kimai.timesheets.values())
        self._strangers = found.pop(None, [])
        self._all = {booking: sheets for booking, sheets in found.items() if booking}
        self._sheets = {booking: self._first(sheets) for booking, sheets in self._all.items()}
        self._netted = Netted(town, self._sheets, conflicts or {})
        self._days = Days(town, self._sheets)

    def _first(self, sheets: Sequence[Timesheet]) -> Timesheet:
        """Ours; a copy that a person made is in its place when ours is gone."""
        own = [sheet for sheet in sheets if sheet.id not in self._town.copies]
        return (own or list(sheets))[0]

    def problems(self) -> Iterator[str]:
        yield from self._copies()
        for sheet in self._strangers:
            yield f"timesheet {sheet.id} belongs to no booking"
        for entry in self._town.zammad.entries:
            yield from self._booking(entry)
        yield from self._netted.problems()
        if self._diary.house.is_stacked:
            yield from self._days.problems()
        for booking, sheet in self._sheets.items():
            if booking not in self._town.zammad.entries:
                yield from self._left_over(booking, sheet)
        for booking, reason in (self._conflicts or {}).items():
            if booking not in self._town.zammad.entries and booking not in self._sheets:
                yield f"booking {booking} is gone on both sides and still in conflict: {reason}"

    def _copies(self) -> Iterator[str]:
        """What people copied is theirs, and somebody must be told of it."""
        for booking, sheets in self._all.items():
            copies = [sheet for sheet in sheets if sheet.id in self._town.copies]
            if len(copies) == len(sheets):
                continue
            for sheet in copies:
                if sheet != self._town.copies[sheet.id]:
                    yield f"timesheet {sheet.id}, a person's copy for booking {booking}, changed"
            told = self._conflicts is None or booking in self._conflicts
            if copies and not told and booking in self._town.zammad.entries:
                yield f"booking {booking} has copies in Kimai, and nobody was told"
        for key, row in self._town.copies.items():
            booking_id = booking_of(row)
            own = self._all.get(booking_id or 0, [])
            if key not in self._town.kimai.timesheets and any(
                sheet.id not in self._town.copies for sheet in own
            ):
                yield f"timesheet {key}, a person's copy for booking {booking_id}, is gone"

    def _booking(self, entry: TimeAccounting) -> Iterator[str]:
        sheet = self._sheets.get(entry.id)
        reason = (self._conflicts or {}).get(entry.id)
        if reason is not None:
            wrong = self._wrong(entry, sheet, self._due_now(entry), set())
            if not self._is_true(reason, entry, sheet, wrong):
                yield f"booking {entry.id} is in conflict, but {reason} is not true ({wrong})"
            return
        wrong = self._wrong(entry, sheet, self._due(entry), self._kept(sheet))
        if wrong is not None and (sheet is not None or self._must_be_there(entry)):
            yield f"booking {entry.id} {wrong}"

    def _must_be_there(self, entry: TimeAccounting) -> bool:
        """Without the list of conflicts nobody can say what waits for a person."""
        if self._conflicts is not None:
            return True
        due = self._due(entry)
        return None not in due.users | due.activities | due.projects

    def _wrong(
        self, entry: TimeAccounting, sheet: Timesheet | None, due: Due, kept: set[str]
    ) -> str | None:
        """In what the timesheet is not as it should be; None when all is right."""
        amount = Decimal(entry.time_unit)
        if sheet is None:
            gone = amount <= 0 or self._netted.may_be_nothing(entry)
            return None if gone else "has no timesheet"
        shortened = self._netted.taken(entry, sheet) is not None
        begins, ends = self._lies_well(entry, sheet, due)
        # how much is left cannot be read off an end that a person set
        begins = begins or ("end" in kept and self._netted.may_begin(entry, sheet))
        differing = {
            "begin": not begins and not shortened,
            "end": not ends and not shortened,
            "user": sheet.user not in due.users,
            "activity": sheet.activity not in due.activities,
            "project": sheet.project not in due.projects,
            "description": "description" in self._still_edited(sheet),
            "tag": TAG not in {self._town.kimai.tags[tag].name for tag in sheet.tags},
        }
        names = [name for name, differs in differing.items() if differs and name not in kept]
        if not names:
            return None
        return f"is timesheet {sheet.id} {sheet}, which differs in {', '.join(names)} from {due}"

    def _differs(self, entry: TimeAccounting, sheet: Timesheet, wrong: str | None) -> bool:
        """Also one that looks like a part that a negative booking left: it may never have been."""
        return wrong is not None or not all(self._lies_well(entry, sheet, self._due(entry)))

    def _lies_well(self, entry: TimeAccounting, sheet: Timesheet, due: Due) -> tuple[bool, bool]:
        """Whether it begins, and ends, where it should."""
        house, seen = self._diary.house, stored(sheet)
        if house.is_stacked:
            lies = could_be(entry, house, worked(entry, house), seen)
            return lies, lies
        return sheet.begin == due.begin, seen[1:] == (due.end, due.duration)

    def _due(self, entry: TimeAccounting) -> Due:
        """What the booking should look like in Kimai."""
        since, house = self._diary.booked[entry.id], self._diary.house
        begin, end, duration = times(entry, house, worked(entry, house))
        return Due(
            begin=begin,
            end=end,
            duration=duration,
            users=frozenset(self._diary.people.ever(entry.created_by_id, since)),
            activities=frozenset(self._diary.activities.ever(entry.type_id, since)),
            projects=frozenset(self._projects(entry.ticket_id, since)),
        )

    def _due_now(self, entry: TimeAccounting) -> Due:
        """What would be written today, were nothing in Kimai yet."""
        return replace(
            self._due(entry),
            activities=frozenset({self._diary.activities.now(entry.type_id)}),
            projects=frozenset({self._project_now(entry.ticket_id)}),
        )

    def _projects(self, ticket_id: int, since: int) -> set[int | None]:
        organization = self._town.zammad.tickets[ticket_id].organization_id
        assert organization is not None
        return self._diary.projects.ever(organization, since)

    def _kept(self, sheet: Timesheet | None) -> set[str]:
        """What a person set in Kimai and what may stay so by policy."""
        if sheet is None or self._diary.house.edited_policy != "keep_target":
            return set()
        kept = self._still_edited(sheet)
        if self._diary.house.is_stacked and kept & TOGETHER:
            kept |= TOGETHER  # of one alone nobody can say where it should be
        return kept

    def _edits(self, sheet: Timesheet) -> dict[str, object]:
        return self._diary.edited.get(sheet.id, {})

    def _still_edited(self, sheet: Timesheet) -> set[str]:
        """What is as a person set it."""
        edits = self._edits(sheet).items()
        return {
            EDITED_ARE.get(name, name) for name, value in edits if getattr(sheet, name) == value
        }

    def _is_true(  # noqa: C901, PLR0911, PLR0912 # one flat branch per reason
        self, reason: str, entry: TimeAccounting, sheet: Timesheet | None, wrong: str | None
    ) -> bool:
        since, diary = self._diary.booked[entry.id], self._diary
        projects = self._projects(entry.ticket_id, since)
        match reason:
            case "UNMAPPED_ACTIVITY":
                return diary.activities.now(entry.type_id) is None
            case "USER_UNMAPPED":
                unknown = diary.people.now(entry.created_by_id) is None
                return unknown or diary.was_disabled(self._users(entry), since)
            case "DUPLICATE":
                return len(self._all.get(entry.id, [])) > 1
            case "PROJECT_OR_CUSTOMER_MISSING":
                return self._project_now(entry.ticket_id) is None
            case "TICKET_MERGED":
                return self._is_merged_elsewhere(entry.ticket_id)
            case "NEGATIVE_TIME":
                return self._netted.found_nothing(entry)
            case "TARGET_DELETED":
                own = sheet is not None and sheet.id not in self._town.copies
                return not own and entry.id in diary.deleted
            case "TARGET_EDITED":
                return (
                    sheet is not None
                    and bool(self._edits(sheet))
                    and bool(wrong or self._still_edited(sheet))
                )
            case "CONFLICT":
                # edited while a request was under way: nobody can say which came first
                # a mapping that changed since may ask by now for what the edit made of it
                ever = self._due(entry)
                moved = max(len(ever.activities), len(ever.projects), len(ever.users)) > 1
                raced = sheet is not None and sheet.id in diary.edited
                raced = raced and (wrong is not None or moved)
                return raced or (diary.house.is_stacked and self._days.may_be_full(entry))
            case "SOURCE_CHANGED_AFTER_EXPORT":
                return sheet is not None and sheet.exported and self._differs(entry, sheet, wrong)
            case "CREATION_ERROR":
                closed = diary.was_closed(projects, since)
                return sheet is None and (closed or diary.was_disabled(self._users(entry), since))
            case "PEER_REJECTED":
                in_use = set() if sheet is None else {sheet.project}
                users = self._users(entry) | (set() if sheet is None else {sheet.user})
                closed = diary.was_closed(projects | in_use, since)
                refused = closed or diary.was_disabled(users, since)
                differs = sheet is not None and self._differs(entry, sheet, wrong)
                return refused and (
                    differs or wrong is not None or self._netted.may_be_shortened(entry)
                )
            case _:
                return False

    def _users(self, entry: TimeAccounting) -> set[int | None]:
        return self._diary.people.ever(entry.created_by_id, self._diary.booked[entry.id])

    def _project_now(self, ticket_id: int) -> int | None:
        organization = self._town.zammad.tickets[ticket_id].organization_id
        return None if organization is None else self._diary.projects.now(organization)

    def _is_merged_elsewhere(self, ticket_id: int) -> bool:
        """Merged, and the ticket that survives leads to another project."""
        survivor = self._diary.merged.get(ticket_id)
        own = self._project_now(ticket_id)
        return survivor is not None and own != self._project_now(survivor)

    def _left_over(self, booking: int, sheet: Timesheet) -> Iterator[str]:
        """The booking was deleted in Zammad, its timesheet is still there."""
        diary, reason = self._diary, (self._conflicts or {}).get(booking)
        policy = diary.house.delete_policy
        waits = sheet.exported or booking in diary.bulk or policy == "conflict"
        copies = [each for each in self._all[booking] if each.id in self._town.copies]
        if sheet in copies:
            return  # what people keep of it is theirs
        match reason:
            case "DUPLICATE":
                right = bool(copies)
            case None:
                right = policy == "keep" or (self._conflicts is None and waits)
            case "SOURCE_DELETED" | "SOURCE_CHANGED_AFTER_EXPORT":
                right = waits
            case "TARGET_EDITED":
                right = bool(self._edits(sheet))
            case _:
                right = False
        if not right:
            yield f"timesheet {sheet.id} of deleted booking {booking} is still there ({reason})"


def _billed(town: Town) -> Iterator[str]:
    for key, billed in town.billed.items():
        if key not in town.excused and town.kimai.timesheets.get(key) != billed:
            yield f"timesheet {key} was changed or deleted after it had been exported"
