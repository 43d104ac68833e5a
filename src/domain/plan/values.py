"""What a plan is made of: rows, their sums, and what moved away from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from domain.ids import EntryId
from domain.personal import Personal
from domain.target_item.values import Creation
from domain.time_entry.values import Desired, ReasonCode, Request, Written

PAGE = 50  # rows in one event: some hundred kilobytes at most, texts included


class PlanKind(StrEnum):
    """What the rows are.

    What a run would do; the deletions that a run held back; or what timesheets written with
    another unit would become with the unit of today.
    """

    RUN = "run"
    DELETIONS = "deletions"
    UNIT = "unit"


class Action(StrEnum):
    """What would become of an entry (`contract.md`, section 6)."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ADOPT = "adopt"
    UNCHANGED = "unchanged"
    SKIP = "skip"
    CONFLICT = "conflict"


METHODS = MappingProxyType({"POST": Action.CREATE, "PATCH": Action.UPDATE, "DELETE": Action.DELETE})
CARRIED_OUT = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE, Action.ADOPT})


@dataclass(frozen=True, kw_only=True)
class PlanRow:
    """What would happen to one entry. `row` counts from 1 over the whole plan.

    `before` is the timesheet as Kimai holds it, where it was read, else as we last knew it;
    `after` what it would be asked to become. `minutes` are those of `after`, else of `before`.
    `request` is exact, its description apart. `creates` are the customer and the project that are
    made in Kimai first; until then the request names the project by its number, and `after` by 0.
    """

    row: int
    entry_id: EntryId
    action: Action
    ticket_number: str | None
    user: Personal | None
    minutes: Decimal | None
    before: Written | None
    after: Desired | None
    request: Request | None
    reason: ReasonCode | None = None
    detail: str | None = None
    creates: tuple[Creation, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Entries by action; `unchanged` and `skip` also count those that have no row."""

    create: int = 0
    update: int = 0
    delete: int = 0
    adopt: int = 0
    unchanged: int = 0
    skip: int = 0
    conflict: int = 0


@dataclass(frozen=True, kw_only=True)
class Minutes:
    """Minutes that would be created, that updates would add (or take), and that deletions take."""

    create: Decimal = Decimal(0)
    update: Decimal = Decimal(0)
    delete: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """One thing of a planned row that is otherwise by now; texts, as people read them.

    `field` is `action`, or `request.<name>` or `before.<name>`. A text of a person is not quoted.
    """

    row: int
    entry_id: EntryId
    field: str
    planned: str
    now: str


def moved_between(planned: PlanRow, now: PlanRow | None) -> tuple[Moved, ...]:
    """What differs between a planned row and the same entry's row of today; None: it has none."""
    before = planned.action.value
    after = "nothing" if now is None else now.action.value
    if now is None or now.action is not planned.action:
        if now is not None and now.reason is not None:
            after = f"{after} ({now.reason.value})"
        return (_moved(planned, "action", before, after),)
    found: list[Moved] = []
    if now.creates != planned.creates:
        texts = (" and ".join(each.path for each in row.creates) for row in (planned, now))
        found.append(_moved(planned, "creates", *(text or "nothing" for text in texts)))
    for prefix, old, new in (
        ("request.", _told_request(planned.request), _told_request(now.request)),
        ("before.", _told(planned.before), _told(now.before)),
    ):
        found += [
            _moved(planned, prefix + name, *_shown(old, new, name))
            for name in sorted(old.keys() | new.keys())
            if old.get(name) != new.get(name)
        ]
    return tuple(found)


def _moved(row: PlanRow, field: str, planned: str, now: str) -> Moved:
    return Moved(row=row.row, entry_id=row.entry_id, field=field, planned=planned, now=now)


def _shown(old: Mapping[str, object], new: Mapping[str, object], name: str) -> tuple[str, str]:
    if name == "description":
        return "the planned text", "another text"  # personal
    return str(old.get(name, "absent")), str(new.get(name, "absent"))


def _told_request(request: Request | None) -> dict[str, object]:
    if request is None:
        return {}
    told: dict[str, object] = {"method": request.method, "path": request.path, **request.fields}
    if request.description is not None:
        told["description"] = request.description.value
    return told


def _told(written: Written | None) -> dict[str, object]:
    if written is None:
        return {}
    told = dict(vars(written))
    told["description"] = written.description.value
    return told
