"""What a person may do with a row of Reconcile (`contract.md`, section 8), told by the row alone.

An op that is blocked may still be hopeful: what blocks it lies in settings or in a peer, and may
be gone since the row was made. Asked for, it is looked at again; nothing is sent unless it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
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
    """`matched`: timesheets in Kimai look like it. `exported` and `source_gone` as last seen.

    `missing_minutes` is how much more was booked than Kimai has; None while nobody knows.
    """

    reason: ReasonCode
    cause: RefusalCause | None = None
    linked: bool = False
    matched: bool = False
    exported: bool = False
    source_gone: bool = False
    missing_minutes: Decimal | None = None

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
        """Each reason once, in the order of the ops."""
        return " ".join(dict.fromkeys(self.blocked.values())) or None


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
WRITING = frozenset({Op.UPDATE, Op.CREATE, Op.CORRECT})
NOT_TO_CHANGE = frozenset(
    {
        ReasonCode.LOCKED_OR_EXPORTED,
        ReasonCode.SOURCE_CHANGED_AFTER_EXPORT,
        ReasonCode.PERIOD_LOCKED,
    }
)
NOTHING_MISSING = (
    "A second timesheet can only add time: Kimai holds no negative time, and the booking asks for "
    "no more than it has. Keep Kimai as it is, or book the difference in Zammad as a negative "
    "booking, which is taken from open timesheets."
)
LENGTH_UNKNOWN = "It is not known yet how long the booking is, so nothing can be added."


def ops_of(row: RowFacts) -> Ops:
    """What is allowed now, and why the rest of what its status offers is not."""
    blocked: dict[Op, str] = {}
    hopeful: set[Op] = set()
    offered = _offered(row)
    for op in offered:
        why, may_change = _obstacle(op, row)
        if why is not None:
            blocked[op] = why
            if may_change:
                hopeful.add(op)
    allowed = tuple(op for op in offered if op not in blocked)
    return Ops(allowed=allowed, blocked=blocked, hopeful=frozenset(hopeful))


def _offered(row: RowFacts) -> tuple[Op, ...]:
    """Of a timesheet that may not be changed, also to correct it by a second one."""
    exported = row.exported or row.cause is RefusalCause.EXPORTED
    if row.linked and (exported or row.reason in NOT_TO_CHANGE):
        return (*OFFERED[row.status], Op.CORRECT)
    return OFFERED[row.status]


def _obstacle(op: Op, row: RowFacts) -> tuple[str | None, bool]:
    """What stands in the way, and whether that may be gone by now."""
    if row.reason is ReasonCode.WRITE_UNCERTAIN:  # what landed is not known: nothing is decided
        return ONCE[row.reason], op in WRITING
    if op not in WRITING:
        return None, False
    if row.reason in NEVER:
        return NEVER[row.reason], False
    if op is Op.CORRECT:
        return _too_much(row)
    exported = row.exported or row.cause is RefusalCause.EXPORTED
    unreadable = row.cause is RefusalCause.ROW_UNREADABLE
    why = EXPORTED if exported else ONCE.get(row.reason, UNREADABLE if unreadable else None)
    return why, why is not None


def _too_much(row: RowFacts) -> tuple[str | None, bool]:
    """Why nothing can be added in a second timesheet."""
    if row.source_gone:
        return NOTHING_MISSING, False
    if row.missing_minutes is None:
        return LENGTH_UNKNOWN, True
    return (None, False) if row.missing_minutes > 0 else (NOTHING_MISSING, False)
