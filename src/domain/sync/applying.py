"""Carry out a plan: look whether everything is as planned, then send what was planned, only that.

What moved before is found by rehearsing the same entries again, and nothing is written then. What
moves while the plan is being carried out is stopped by the gate, row by row.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.errors import LedgerError, RuleViolation
from domain.event import Metadata
from domain.handling import handle, state_of
from domain.ids import EntryId, PlanId, plan_stream, run_stream
from domain.plan.commands import ApplyPlan, PlanCommand, RefusePlan
from domain.plan.decide import PLAN, Plan
from domain.plan.digest import RowsDigest, fingerprint, fingerprint_of
from domain.plan.pages import pages
from domain.plan.values import (
    CARRIED_OUT,
    METHODS,
    Action,
    Moved,
    PlanKind,
    PlanRow,
    moved_between,
)
from domain.ports.event_store import EventStore
from domain.rules.configuration import Configuration
from domain.sync.crossing import Crossing
from domain.sync.entries import Live
from domain.sync.limits import Limits
from domain.sync.planning import load
from domain.sync.ports import Ports
from domain.sync.preparing import Order, prepare
from domain.sync.rehearsing import Rehearsal, numbered, rehearsed
from domain.sync.tally import Tally
from domain.sync.writing import Withheld
from domain.sync_run.decide import SYNC_RUN, Run
from domain.target_item.values import Creation
from domain.time_entry.values import Request, Written

TOLD = 200  # rows that moved and are told of one by one; the others are only counted
AFTERWARDS = frozenset({"billable"})  # what Kimai drops beside other fields goes after them

Cross = Callable[[Crossing], Awaitable[object]]  # runs it, and stops it when the run is to stop


@dataclass
class PlannedWrites:
    """What a plan does, as little of it as telling whether it still does so takes.

    `rows` are number and fingerprint by entry, of what is written or linked. `beside` are entries
    that only have something recorded, `deletions` those of `rows` that are one, `creates` what is
    made for those of `rows` that lack a project. `moved` are rows
    that turned out to be otherwise, with what they would be by now, None for nothing.
    """

    rows: dict[EntryId, tuple[int, bytes]]
    beside: frozenset[EntryId] = frozenset()
    deletions: frozenset[EntryId] = frozenset()
    creates: Mapping[EntryId, tuple[Creation, ...]] = field(default_factory=dict)
    moved: dict[EntryId, PlanRow | None] = field(default_factory=dict)
    _met: set[EntryId] = field(default_factory=set)

    def compare(self, row: PlanRow) -> None:
        """A row as a plan of now has it; of several about one entry the last counts."""
        planned = self.rows.get(row.entry_id)
        if planned is None:
            return
        planned_too = row.request is None or row.creates == self.creates.get(row.entry_id, ())
        if planned[1] == fingerprint(row) and planned_too:
            self._meet(row.entry_id)
        else:
            self.moved[row.entry_id] = row

    def witness(self, row: PlanRow) -> None:
        """The same while the plan is being carried out: what was done stays done."""
        if row.entry_id not in self._met:
            self.compare(row)

    def close(self) -> None:
        """Nothing more is to be compared: what was not met has moved."""
        self.moved |= dict.fromkeys(self.rows.keys() - self._met - self.moved.keys())

    def gate(self, live: Live, request: Request, found: Written | None) -> None:
        """Raise Withheld unless exactly this is planned.

        What is withheld has moved, unless what was planned is met after all: a correction on a
        later page may make it of what is asked for now. So has a second request.
        """
        action, planned = METHODS[request.method], self.rows.get(live.entry_id)
        same = (request, numbered(live, request))  # it was planned before it had its project
        if planned is not None and planned[1] in (
            fingerprint_of(action, each, found) for each in same
        ):
            self._meet(live.entry_id)
            return
        if live.entry_id in self._met and request.fields.keys() <= AFTERWARDS:
            return  # part of the same row
        if planned is not None:
            self.moved[live.entry_id] = _as_met(live, request, found)
        raise Withheld

    def _meet(self, entry: EntryId) -> None:
        self._met.add(entry)
        self.moved.pop(entry, None)

    def creation_gate(self, entries: Sequence[EntryId], creations: Sequence[Creation]) -> None:
        """Raise Withheld unless exactly this is planned for one of them."""
        for entry in entries:
            planned = self.creates.get(entry, ())
            if all(any(_is_planned(each, one) for one in planned) for each in creations):
                return
        unmet = [entry for entry in entries if entry in self.rows and entry not in self._met]
        self.moved |= dict.fromkeys(unmet)
        raise Withheld


def _is_planned(now: Creation, planned: Creation) -> bool:
    """The same, or of a customer that was to be made and was made since."""
    if isinstance(planned.fields.get("customer"), str):
        now = replace(now, fields={**now.fields, "customer": planned.fields["customer"]})
    return now == planned


async def apply_plan(
    run: Run,
    configuration: Configuration,
    ports: Ports,
    limits: Limits,
    tally: Tally,
    metadata: Metadata,
    cross: Cross,
) -> None:
    """Do the rows of the run's plan and nothing else.

    A run that is taken up again after it had begun goes on, and so does one after a run that did
    not get to its end: the gate alone says then what is as planned still.

    Raises:
        RuleViolation: `plan_drifted`, `plan_digest_mismatch`, `plan_expired`, `plan_applied`,
            `plan_not_ready`; nothing was written, or all but what moved meanwhile.
        LedgerError: as `Crossing.run`.
    """
    assert run.plan_id is not None
    plan = await load(run.plan_id, ports)

    async def record(command: PlanCommand) -> None:
        now, stream = ports.clock.now(), plan_stream(plan.plan_id)
        await handle(ports.ledger, PLAN, stream, command, metadata=metadata, now=now)

    async def refuse(writes: PlannedWrites) -> None:
        moved = await _told(plan, writes, ports)
        rows = len(writes.moved)
        await record(RefusePlan(run_id=run.run_id, rows=rows, moved=moved))

    again = await is_unfinished(plan, ports.ledger)
    if plan.applied_by != run.run_id:
        plan.check_applicable(plan.digest or "", ports.clock.now(), again=again)
    writes = await _planned(plan, ports)
    order = Order(
        number=run.run_id,
        start_date=plan.start_date,
        end_date=plan.end_date,
        unit_anew=plan.kind is PlanKind.UNIT,
        only=writes.rows.keys() | writes.beside,
        run_id=run.run_id,
    )
    if plan.applied_by is None:
        now = PlannedWrites(writes.rows, creates=writes.creates)
        rehearsal = Rehearsal(take=now.compare)
        look = replace(
            order,
            rehearsed=True,
            witness=rehearsal.witness,
            gate=rehearsal.gate,
            creation_gate=rehearsal.creation_gate,
        )
        silent = Tally(clock=ports.clock, report=_untold, last=ports.clock.now())
        await cross(prepare(look, configuration, rehearsed(ports), limits, silent, metadata))
        silent.problems += silent.remarks  # what a run does without, a plan does not
        if silent.problems:
            raise LedgerError(silent.problems_text("nothing was written"))
        rehearsal.finish()
        now.close()
        if now.moved:
            await refuse(now)
            raise RuleViolation("plan_drifted", drifted_text(plan.plan_id, len(now.moved)))
    instant, digest = ports.clock.now(), plan.digest or ""
    await record(ApplyPlan(run_id=run.run_id, digest=digest, now=instant, again=again))
    seen = Rehearsal(take=writes.witness)
    deletable = writes.deletions
    order = replace(
        order,
        witness=seen.witness,
        gate=writes.gate,
        creation_gate=writes.creation_gate,
        deletable=deletable,
    )
    await cross(prepare(order, configuration, ports, limits, tally, metadata))
    seen.finish()
    if writes.moved:
        await refuse(writes)
        raise RuleViolation(
            "plan_drifted",
            f"{len(writes.moved)} of the rows of plan {plan.plan_id} moved while it was carried "
            "out and were left alone; the plan lists them. All others were written.",
        )


async def is_unfinished(plan: Plan, ledger: EventStore) -> bool:
    """Whether a run began to carry it out and ended before it was done."""
    if plan.applied_by is None:
        return False
    run = await state_of(ledger, SYNC_RUN, run_stream(plan.applied_by))
    return run is not None and run.state in ("failed", "cancelled")


def drifted_text(plan_id: PlanId, rows: int) -> str:
    """What a person reads when a plan is not carried out."""
    what = "One row" if rows == 1 else f"{rows} rows"
    return f"{what} of plan {plan_id} moved since it was made. Nothing was written; make a new one."


async def _planned(plan: Plan, ports: Ports) -> PlannedWrites:
    """Read once, page by page. Raises RuleViolation when the stored rows are not those made."""
    digest, rows, beside, deletions = RowsDigest(), {}, set[EntryId](), set[EntryId]()
    creates: dict[EntryId, tuple[Creation, ...]] = {}
    async for page in pages(ports.ledger, plan.plan_id, plan.rows_after):
        for row in page:
            digest.add(row)
            if row.action in CARRIED_OUT:
                rows[row.entry_id] = row.row, fingerprint(row)
                if row.creates:
                    creates[row.entry_id] = row.creates
                if row.action is Action.DELETE:
                    deletions.add(row.entry_id)
            elif plan.kind is PlanKind.RUN or row.action is not Action.CONFLICT:
                beside.add(row.entry_id)
    plan.check_rows(digest.text)
    return PlannedWrites(rows, frozenset(beside), frozenset(deletions), creates)


async def _told(plan: Plan, writes: PlannedWrites, ports: Ports) -> tuple[Moved, ...]:
    """What moved, field by field, of the first rows concerned."""
    told: list[Moved] = []
    wanted = sorted((writes.rows[entry][0], entry) for entry in writes.moved)[:TOLD]
    for number, entry in wanted:
        async for page in pages(ports.ledger, plan.plan_id, plan.rows_after, first=number):
            told += moved_between(page[0], writes.moved[entry])
            break
    return tuple(told)


def _as_met(live: Live, request: Request, found: Written | None) -> PlanRow | None:
    rows: list[PlanRow] = []
    try:
        Rehearsal(take=rows.append).gate(live, request, found)
    except Withheld:
        return rows[0]


async def _untold(*_progress: object) -> None:
    """Looking counts for nothing."""
