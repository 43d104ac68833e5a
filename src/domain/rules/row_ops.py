"""What a person may do with a row of Reconcile (`contract.md`, section 8), told by the row alone.

An op that is blocked may still be hopeful: what blocks it lies in settings or in a peer, and may
be gone since the row was made. Asked for, it is looked at again; nothing is sent unless it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from domain.time_entry.causes import RefusalCause
from domain.time_entry.values import ReasonCode


class Op(StrEnum):
    """What a person asks for."""

    KEEP_TARGET = "keep-target"
    UPDATE = "update"
    CREATE = "create"
    SKIP = "skip"
    CORRECT = "correct"


class Status(StrEnum):
    """Whether Kimai has a timesheet for it: linked, or matched and waiting to be."""

    CONFLICT = "conflict"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class RowFacts:
    """`matched`: timesheets in Kimai look like it. `exported` and `source_gone` as last seen."""

    reason: ReasonCode
    cause: RefusalCause | None = None
    linked: bool = False
    matched: bool = False
    exported: bool = False
    source_gone: bool = False

    @property
    def status(self) -> Status:
        return Status.CONFLICT if self.linked or self.matched else Status.MISSING


@dataclass(frozen=True, kw_only=True)
class Ops:
    """`blocked` says of ops that the status offers why they are not allowed, and what to do."""

    allowed: tuple[Op, ...] = ()
    blocked: Mapping[Op, str] = field(default_factory=dict)
    hopeful: frozenset[Op] = frozenset()

    @property
    def blocked_by(self) -> str | None:
        return next(iter(self.blocked.values()), None)


# once: what has to happen before a create or an update is allowed
ONCE: Mapping[ReasonCode, str] = MappingProxyType(
    {
        ReasonCode.UNMAPPED_ACTIVITY: "No activity mapping: set one for this Zammad type.",
        ReasonCode.USER_UNMAPPED: "No user mapping: set one for the person who booked.",
        ReasonCode.UNIT_UNKNOWN: "Nobody said how long a Zammad unit is: set time_unit_minutes.",
        ReasonCode.PROJECT_OR_CUSTOMER_MISSING: "Kimai has no customer or project for it: make "
        "one, map one, or allow that it is made.",
        ReasonCode.TICKET_UNREADABLE: "The ticket is not readable: give the Zammad token read "
        "access to its group.",
        ReasonCode.LOCKED_OR_EXPORTED: "Kimai forbids changing the timesheet: unlock it or take "
        "back its export.",
        ReasonCode.SOURCE_CHANGED_AFTER_EXPORT: "The timesheet is exported: take back the export.",
        ReasonCode.PERIOD_LOCKED: "The work date lies in a locked period: open it in Kimai.",
        ReasonCode.WRITE_UNCERTAIN: "The answer of a request was lost: it is read back first.",
    }
)
NEVER: Mapping[ReasonCode, str] = MappingProxyType(
    {
        ReasonCode.NEGATIVE_TIME: "Kimai holds no negative time: shorten the timesheet that it "
        "corrects by hand, then skip this row."
    }
)
EXPORTED = "The timesheet is exported, and what was billed is not touched: take back the export."
UNREADABLE = "Zammad's row cannot be read: correct the entry in Zammad."
OFFERED: Mapping[Status, tuple[Op, Op]] = MappingProxyType(
    {
        Status.CONFLICT: (Op.KEEP_TARGET, Op.UPDATE),
        Status.MISSING: (Op.CREATE, Op.SKIP),
    }
)
WRITING = frozenset({Op.UPDATE, Op.CREATE})


def ops_of(row: RowFacts) -> Ops:
    """What is allowed now, and why the rest of what its status offers is not."""
    blocked: dict[Op, str] = {}
    hopeful: set[Op] = set()
    for op in OFFERED[row.status]:
        why, may_change = _obstacle(op, row)
        if why is not None:
            blocked[op] = why
            if may_change:
                hopeful.add(op)
    allowed = tuple(op for op in OFFERED[row.status] if op not in blocked)
    return Ops(allowed=allowed, blocked=blocked, hopeful=frozenset(hopeful))


def _obstacle(op: Op, row: RowFacts) -> tuple[str | None, bool]:
    """What stands in the way, and whether that may be gone by now."""
    if row.reason is ReasonCode.WRITE_UNCERTAIN:  # what landed is not known: nothing is decided
        return ONCE[row.reason], op in WRITING
    if op not in WRITING:
        return None, False
    if row.reason in NEVER:
        return NEVER[row.reason], False
    exported = row.exported or row.cause is RefusalCause.EXPORTED
    unreadable = row.cause is RefusalCause.ROW_UNREADABLE
    why = EXPORTED if exported else ONCE.get(row.reason, UNREADABLE if unreadable else None)
    return why, why is not None
