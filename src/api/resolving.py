"""What people do with rows of Reconcile, one by one, many at once, and in the background."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import reduce
from typing import Any

import structlog

from adapters.postgres.jobs import enqueue_rows, pair_lock
from api import runs
from api.carrying import Carrier, PairOf
from api.identity import account_of
from api.inputs import BIGGEST
from api.problems import Problem, problem_of
from api.services import Commands, Services
from domain.errors import LedgerError, OutcomeUnknown
from domain.event import Actor, Event, Metadata, Recorded
from domain.ids import EntryId, entry_stream
from domain.personal import Personal
from domain.rules.row_ops import WRITING, Op, Ops, ops_of
from domain.sync.resolving import Prospect, Refused, Resolver, Wish
from domain.sync_run.decide import ACTIVE_RUN
from domain.time_entry.commands import Keep, PersonalCommand, Skip, Undo
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.events import ConflictOpened
from domain.time_entry.state import TimeEntry, evolve
from domain.time_entry.taking_over import holds, suggested
from projections import conflicts, reconcile, time_entries

LOCK_PATIENCE = 15.0  # seconds that a person waits for a run to end
LOCK_LOOK = 0.1  # seconds between looks at the lock
AT_ONCE = 4  # rows of one request that are written together
LATER = timedelta(seconds=2)  # the pair is locked: look again then

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A conflict as the ledger has it, which no view lags behind, with its entry and history."""

    conflict: conflicts.Row
    entry: time_entries.Row
    state: TimeEntry
    nth: int
    history: Sequence[Recorded[Event]]

    @property
    def ops(self) -> Ops:
        facts = reconcile.facts_of(self.entry) if self.is_open else None
        return Ops() if facts is None else ops_of(facts)

    @property
    def is_open(self) -> bool:
        return self.conflict.status == conflicts.PENDING

    @property
    def stream(self) -> str:
        return entry_stream(EntryId(self.entry.entry_id))

    @property
    def seen(self) -> int:
        """The version of the stream that a decision about it rests on."""
        return self.history[-1].version


@dataclass(frozen=True, kw_only=True)
class Done:
    """What became of a row."""

    message: str
    conflict_id: int
    entry_id: int
    timesheet_id: int | None


async def subject(own: Services, conflict_id: int, *, as_of: int | None = None) -> Subject:
    """The conflict whose opening stands at that position of the log. Raises Problem `not_found`."""
    page = await own.store.page(conflict_id - 1, 1) if conflict_id else ()
    opened = page[0].event if page and page[0].position == conflict_id else None
    if not isinstance(opened, ConflictOpened) or (as_of is not None and conflict_id > as_of):
        raise Problem("not_found", "There is no such conflict.")
    every = await own.store.read_recorded(entry_stream(opened.entry_id))
    history = [one for one in every if as_of is None or one.position <= as_of]
    row: conflicts.Row | None = None
    found: conflicts.Row | None = None
    nth = 0
    for recorded in history:
        nth += isinstance(recorded.event, ConflictOpened) and recorded.position <= conflict_id
        if type(recorded.event) in conflicts.PROJECTION.events:
            row = conflicts.PROJECTION.apply(row, recorded)
            found = row if row is not None and row.conflict_id == conflict_id else found
    assert found is not None
    entry, state = folded(history)
    return Subject(conflict=found, entry=entry, state=state, nth=nth, history=history)


def folded(history: Sequence[Recorded[Event]]) -> tuple[time_entries.Row, TimeEntry]:
    """The entry after its events, as people see it and as the rules do."""
    row: time_entries.Row | None = None
    for recorded in history:
        row = time_entries.PROJECTION.apply(row, recorded)
    state: Any = reduce(evolve, (one.event for one in history), None)  # type: ignore[arg-type] # its stream holds its events only
    assert row is not None
    return row, state


async def resolve(
    own: Services,
    commands: Commands,
    conflict_id: int,
    op: Op,
    note: str | None,
    *,
    version: int | None = None,
    resolver: Resolver | None = None,
) -> Done:
    """Carry out `op`. `version`: of the conflict, as whoever decides has seen it.

    `resolver` is there when the caller holds the pair's lock.

    Raises Problem: `not_found`, `already_resolved`, `stale_version`, `op_not_applicable`,
    `run_active`, `connectors_missing`, `connector_inactive` and those of a peer; the row is open
    after all of them but the first two.
    """
    about = await subject(own, conflict_id)
    check(about, op, version)
    if not is_written(about, op):
        command: PersonalCommand = Keep(nth=about.nth, note=note)
        if op is Op.SKIP:
            command = Skip(nth=about.nth, note=note)
        done = await commands.run(TIME_ENTRY, about.stream, command, seen=about.seen)
        return _done(about, about.state, op, done.position)
    wish = Wish(
        entry_id=EntryId(about.entry.entry_id), op=op, nth=about.nth, seen=about.state, note=note
    )
    try:
        if resolver is not None:
            after = await resolver.carry(wish)
        else:
            async with resolving(own, commands.metadata, wait=LOCK_PATIENCE) as opened:
                after = await opened.carry(wish)
    except Refused as error:
        raise Problem("peer_rejected", str(error)) from error
    except OutcomeUnknown as error:
        text = "Kimai's answer was lost; the row waits as WRITE_UNCERTAIN and is read back."
        raise Problem("peer_unavailable", text) from error
    finally:  # what came of it is shown with the answer, also when that is a refusal
        commands.position = await own.store.head()
        await own.shown(commands.position)
    return _done(about, after, op, commands.position)


async def undo(
    own: Services, commands: Commands, conflict_id: int, note: str | None, version: int | None
) -> Done:
    """Take a decision back that nothing came of in Kimai.

    Raises Problem: `not_found`, `stale_version`, `op_not_applicable`.
    """
    about = await subject(own, conflict_id)
    check_version(about, version)
    command = Undo(nth=about.nth, note=note)
    await commands.run(TIME_ENTRY, about.stream, command, holds, seen=about.seen)
    return Done(
        message="Taken back; it waits for a decision again.",
        conflict_id=about.conflict.conflict_id,
        entry_id=about.entry.entry_id,
        timesheet_id=about.entry.timesheet_id,
    )


def is_written(about: Subject, op: Op) -> bool:
    """Whether a peer has to be asked: to write, or for the timesheet that is to be linked."""
    return op in WRITING or (op is Op.KEEP_TARGET and bool(suggested(about.state)))


def check(about: Subject, op: Op, version: int | None) -> None:
    """Raises Problem `already_resolved`, `stale_version`, `op_not_applicable`."""
    check_open(about, version)
    ops = about.ops
    if op not in ops.allowed and op not in ops.hopeful:
        offered = ", ".join(each.value for each in ops.allowed) or "nothing"
        why = ops.blocked.get(op, f"For this row there is {offered}.")
        raise Problem("op_not_applicable", why)


def check_open(about: Subject, version: int | None) -> None:
    """Raises Problem `already_resolved`, `stale_version`."""
    if not about.is_open:
        raise Problem("already_resolved", f"It is {about.conflict.status} already.")
    check_version(about, version)


def check_version(about: Subject, version: int | None) -> None:
    """Raises Problem `stale_version`."""
    if version not in (None, about.conflict.version):
        raise Problem("stale_version", "The row has changed; load it again.")


async def preview(own: Services, about: Subject, op: Op, metadata: Metadata) -> Prospect:
    """What `resolve` would send. Raises Problem as `resolve`, but for what blocks the op."""
    wish = Wish(entry_id=EntryId(about.entry.entry_id), op=op, nth=about.nth, seen=about.state)
    carrier = Carrier(own, jitter=random.random)
    async with carrier.resolver(await _pair(own), metadata) as opened:
        return await opened.preview(wish)


@asynccontextmanager
async def resolving(own: Services, metadata: Metadata, *, wait: float) -> AsyncIterator[Resolver]:
    """The pair's lock, and what writes under it. Raises Problem `run_active` when it is taken."""
    pair = await _pair(own)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    while True:
        async with pair_lock(own.store, pair) as mine:
            if mine:
                carrier = Carrier(own, jitter=random.random)
                async with carrier.resolver(pair, metadata) as opened:
                    yield opened
                return
        if loop.time() >= deadline or own.stopping.is_set():
            raise await _busy(own)
        await asyncio.sleep(LOCK_LOOK)


async def _pair(own: Services) -> PairOf:
    source, target = await runs.pair(own, None)
    return PairOf(source_connector_id=source, target_connector_id=target)


async def _busy(own: Services) -> Problem:
    holder = await own.store.holder([ACTIVE_RUN])
    if holder is None:
        return Problem("run_active", "Somebody else is writing to Kimai; try again in a moment.")
    run_id = int(holder.rpartition("-")[2])
    text = f"Run {run_id} is writing to Kimai; try again when it has ended."
    return Problem("run_active", text, extra={"run_id": run_id})


def _done(about: Subject, after: TimeEntry, op: Op, position: int) -> Done:
    linked = None if after.settled is None else after.settled.written.timesheet_id
    return Done(
        message=_MESSAGES[op].format(sheet=linked, position=position),
        conflict_id=about.conflict.conflict_id,
        entry_id=about.entry.entry_id,
        timesheet_id=linked,
    )


_MESSAGES = {
    Op.KEEP_TARGET: "Kimai stays as it is.",
    Op.UPDATE: "Kimai was brought to what Zammad says.",
    Op.CREATE: "Timesheet {sheet} is in Kimai.",
    Op.SKIP: "Kimai stays without it.",
    Op.CORRECT: "The difference is in Kimai.",
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one row of many; `code` is one of the contract's, None for success."""

    conflict: str
    code: str | None
    message: str
    timesheet_id: int | None = None


@dataclass(kw_only=True)
class Many:
    """Rows that are decided alike, independent of each other. `outcomes` fills while they are."""

    own: Services
    commands: Commands
    op: Op
    note: str | None

    def __post_init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._no_more = False

    def begin_no_more(self) -> None:
        """Finish the rows that were begun, and leave the others."""
        self._no_more = True

    async def go(self, ids: Sequence[str], *, wait: float) -> None:
        """Decide them all. Raises Problem `run_active` when the pair is locked for so long."""
        waiting = [each for each in ids if each not in self.outcomes]
        if not waiting:
            return
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(each: str, resolver: Resolver | None) -> None:
            async with slots:
                if not self._no_more:
                    self.outcomes[each] = await self._one(each, resolver)

        if self.op not in WRITING:
            await asyncio.gather(*(one(each, None) for each in waiting))
            return
        async with resolving(self.own, self.commands.metadata, wait=wait) as resolver:
            await asyncio.gather(*(one(each, resolver) for each in waiting))

    async def _one(self, each: str, resolver: Resolver | None) -> Outcome:
        try:
            number = await conflict_of(self.own, each)
            done = await resolve(
                self.own, self.commands, number, self.op, self.note, resolver=resolver
            )
        except Problem as problem:
            return Outcome(conflict=each, code=problem.code, message=problem.detail)
        except LedgerError as error:
            told = problem_of(error)
            return Outcome(conflict=each, code=told.code, message=told.detail)
        return Outcome(
            conflict=each, code=None, message=done.message, timesheet_id=done.timesheet_id
        )


async def conflict_of(own: Services, row: str, *, as_of: int | None = None) -> int:
    """The conflict that a row's id names.

    Raises Problem: `not_found`, `op_not_applicable` for a row that is shown without one: what has
    been opened on its entry since, nobody has seen.
    """
    if (number := numbered(row)) is not None:
        return number
    await history_of(own, row, as_of=as_of)
    raise Problem("op_not_applicable", "This row has no open conflict.")


def numbered(row: str) -> int | None:
    """The number of a row that has a conflict's."""
    return int(row) if row.isascii() and row.isdigit() and len(row) <= LONGEST_ID else None


async def history_of(
    own: Services, row: str, *, as_of: int | None = None
) -> Sequence[Recorded[Event]]:
    """All events of the entry of a row `entry-<id>`, never none. Raises Problem `not_found`."""
    name, _, digits = row.rpartition("-")
    known = digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_ID + 1
    history: Sequence[Recorded[Event]] = ()
    if name == "entry" and known and int(digits) <= BIGGEST:
        every = await own.store.read_recorded(entry_stream(EntryId(int(digits))))
        history = [one for one in every if as_of is None or one.position <= as_of]
    if not history:
        raise Problem("not_found", "There is no such row.")
    return history


LONGEST_ID = 15  # digits: below 2**53


async def leave_for_later(own: Services, many: Many, ids: Sequence[str], user_id: int) -> None:
    """Have these rows decided in the background, by the same person."""
    wish = {"ids": list(ids), "op": many.op.value, "note": many.note, "user": user_id}
    wish["request"] = many.commands.metadata.correlation_id
    await enqueue_rows(own.store, json.dumps(wish).encode())


class Resolving:
    """Goes on with rows that a request had no time for, for the worker."""

    def __init__(self, own: Services) -> None:
        self._own = own

    async def go_on(self, payload: bytes) -> timedelta | None:
        """Decide the rows of `enqueue_rows`; how long to wait while the pair is locked, or None.

        Called again after a crash, it finds the rows decided that were.
        """
        own, wish = self._own, json.loads(payload)
        account = await account_of(own, int(wish["user"]))
        name = None if account is None else account.username.value
        metadata = Metadata(
            actor=Actor(kind="user", name=Personal(f"account:{wish['user']}", name)),
            correlation_id=wish["request"],
        )
        commands = Commands(store=own.store, metadata=metadata, now=own.clock.now().astimezone(UTC))
        many = Many(own=own, commands=commands, op=Op(wish["op"]), note=wish["note"])
        try:
            await many.go(wish["ids"], wait=0)
        except Problem as problem:
            if problem.code == "run_active":
                return LATER
            log.warning("rows_not_decided", code=problem.code)
            return None
        told = Counter(each.code or "decided" for each in many.outcomes.values())
        log.info("rows_decided", rows=len(many.outcomes), outcomes=dict(told))
        return None
