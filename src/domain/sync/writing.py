"""Carry out what was decided: intend, send, confirm; and hold back where the target objects."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from domain.connector.settings import EditedInKimaiPolicy
from domain.errors import (
    ExternalSystemError,
    LedgerError,
    Misconfigured,
    OutcomeUnknown,
    Rejected,
    RuleViolation,
    StreamMovedOn,
    Unavailable,
)
from domain.moved import moved
from domain.ports.timesheets import LastLook, Timesheet
from domain.rules import requests
from domain.rules.comparison import as_written, changes_since, mismatch_text, mismatches
from domain.rules.configuration import Configuration
from domain.rules.marker import marker_for
from domain.rules.objection import left_alone, objection
from domain.rules.refusal import fingerprint, wait_for_refusal
from domain.sync.entries import Entries, Live
from domain.sync.glancing import Glance, Glances, Overtaken
from domain.sync.limits import Limits
from domain.sync.ports import Ports
from domain.sync.refusing import circumstances_of
from domain.sync.target import Target
from domain.time_entry.causes import RefusalCause
from domain.time_entry.commands import (
    Adopt,
    Confirm,
    ConfirmDeleted,
    Doubt,
    GiveUp,
    Hold,
    Intend,
    NoteTargetGone,
    Reject,
    TimeEntryCommand,
    Unsent,
)
from domain.time_entry.decide import OPERATIONS
from domain.time_entry.state import Settled, TimeEntry
from domain.time_entry.values import (
    Desired,
    Operation,
    ReasonCode,
    Request,
    Stored,
    Written,
)

GONE = 404
Gate = Callable[[Live, Request, Written | None], None]


class Withheld(RuleViolation):
    """The run does not send that request; nothing of it was recorded."""

    def __init__(self) -> None:
        super().__init__("entry_state", "This run does not send that request.")


def open_gate(_live: Live, _request: Request, _found: Written | None) -> None:
    """An ordinary run sends whatever was decided."""


def wants_write(entry: TimeEntry | None) -> bool:
    """Whether a decision waits to be carried out and nothing stands in its way."""
    return (
        entry is not None
        and entry.standing.outcome in OPERATIONS
        and entry.conflict is None
        and entry.intent is None
        and not entry.standing.dead
        and not entry.standing.ignored
    )


@dataclass
class Writer:
    """Writes bookings of one run. One call of `write` per booking at a time.

    `doubtful` are those whose answer was lost, with the instant at which we stopped waiting.
    `stopped` is why nothing more is sent: the peer is down or the token is wrong. `gate` sees each
    request before it is recorded, with the timesheet it changes, and raises Withheld to stop it.
    """

    entries: Entries
    target: Target
    ports: Ports
    configuration: Configuration
    limits: Limits
    gate: Gate = open_gate
    doubtful: list[tuple[Live, datetime]] = field(default_factory=list)
    stopped: LedgerError | None = None
    glances: Glances = field(init=False)
    _cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.glances = Glances(self.ports.timesheets, self.ports.clock, self.limits.together)

    def expect(self, lives: Iterable[Live]) -> None:
        """These will be written soon; those that change a timesheet are looked at together."""
        states = (live.state for live in lives)
        self.glances.expect(state.settled.written for state in states if state and state.settled)

    def stop(self, why: LedgerError) -> None:
        """Send nothing more, and end every wait; what is under way is finished."""
        self.stopped = why
        self._cancelled.set()

    def check_cancelled(self) -> None:
        """Raise what `stop` was called with; a peer that is down does not end the reading."""
        if self._cancelled.is_set() and self.stopped is not None:
            raise self.stopped

    async def sleep(self, seconds: float) -> None:
        """Wait so long, or until the run is stopped."""
        waits = [
            asyncio.ensure_future(self.ports.clock.sleep(seconds)),
            asyncio.ensure_future(self._cancelled.wait()),
        ]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        for wait in done:
            wait.result()

    async def consume(self, queue: asyncio.Queue[Live | None]) -> None:
        """Write what comes, until None comes. Nothing is sent any more once `stopped` is set."""
        tally = self.entries.tally
        while (live := await queue.get()) is not None:
            if self.stopped is None:
                try:
                    await self.write(live)
                    tally.done += 1
                    await tally.tell()
                except LedgerError as error:
                    self.stopped = error

    async def write(self, live: Live) -> None:
        """Carry out what was decided for one booking, with a few tries.

        Raises Misconfigured, and Unavailable when the peer does not answer anybody any more.
        """
        for attempt in range(1, self.limits.attempts + 1):
            try:
                await self._write_all(live)
            except (RuleViolation, StreamMovedOn):
                return  # somebody else had a hand in it; the next run sees what they left
            except Rejected as error:
                await self._hold_unreadable(live, error)
                return
            except Unavailable as error:
                if isinstance(error, Overtaken) and attempt < self.limits.attempts:
                    continue  # looked at alone now
                if error.tripped:
                    self.stopped = self.stopped or error
                if attempt == self.limits.attempts or not await self._pause(attempt, error):
                    await self._give_up(live, error)
                    return
            else:
                return

    async def _hold_unreadable(self, live: Live, error: Rejected) -> None:
        """Kimai does not show the record that is to be changed; without that, nothing is sent."""
        detail = (
            f"Kimai refuses to show the timesheet that is to be changed (status {error.status}). "
            "Give the token access to it, then retry the entry."
        )
        await self.entries.apply(
            live,
            Hold(
                reason=ReasonCode.PEER_REJECTED,
                detail=detail,
                cause=RefusalCause.TIMESHEET_NOT_SHOWN,
            ),
        )

    async def _write_all(self, live: Live) -> None:
        for _ in range(2):  # Kimai drops `billable` beside other fields: that one goes after them
            if wants_write(live.state):
                await self._write_once(live)

    async def _write_once(self, live: Live) -> None:
        entry = live.state
        assert entry is not None
        assert entry.standing.outcome is not None
        match OPERATIONS[entry.standing.outcome]:
            case Operation.CREATE:
                await self._create(live, entry)
            case Operation.UPDATE:
                await self._update(live, entry)
            case Operation.DELETE:
                await self._delete(live, entry)

    async def _create(self, live: Live, entry: TimeEntry) -> None:
        assert entry.decided is not None
        assert entry.decided.desired is not None
        desired = entry.decided.desired
        await self.target.ensure_tag()
        mark = marker_for(self.configuration.log_tag, entry)
        fields = requests.create_fields(
            desired,
            mark,
            zone=await self.target.zone(),
            token_user=(await self.target.identity()).user_id,
        )

        async def send(last_look: LastLook) -> TimeEntryCommand:
            sheet = await self.ports.timesheets.create(fields, last_look=last_look)
            return self._confirmation(live, desired, sheet)

        request = requests.post(fields, desired)
        self.gate(live, request, None)
        await self._send(live, Operation.CREATE, mark, request, send)

    async def _update(self, live: Live, entry: TimeEntry) -> None:
        settled, decided = entry.settled, entry.decided
        assert settled is not None
        assert decided is not None
        assert decided.desired is not None
        desired, before = decided.desired, settled
        glance = await self._look(live, settled)
        record = glance.record
        if record is None:
            return
        if settled.adopted and desired != settled.desired:  # from now on it is known by ours
            settled = moved(settled, marker=marker_for(self.configuration.log_tag, entry))
        own = (await self.target.identity()).user_id == record.user_id
        zone = await self.target.zone() if own else None
        fields = requests.update_fields(
            desired,
            settled,
            record,
            zone=zone,
            expected=decided.basis.foreseen,
            keep=left_alone(entry, self._policy),
        )
        billed_so = not fields and _is_as_billed(before, record)  # rounding swallowed the change
        if not billed_so and await self._objects(live, before, record):
            return
        if not fields:
            await self.entries.apply(live, self._equal(live, desired, record))
            return
        if "tags" in fields:
            await self.target.ensure_tag()

        async def send(last_look: LastLook) -> TimeEntryCommand:
            sheet = await self.ports.timesheets.update(
                record.timesheet_id, fields, last_look=last_look
            )
            return self._confirmation(live, desired, sheet, again=requests.loses_billable(fields))

        request = requests.patch(record.timesheet_id, fields, desired)
        self.gate(live, request, _found(record, settled))
        await self._send(live, Operation.UPDATE, settled.marker, request, send, glance)

    async def _delete(self, live: Live, entry: TimeEntry) -> None:
        assert entry.settled is not None
        glance = await self._look(live, entry.settled)
        record = glance.record
        if record is None or await self._objects(live, entry.settled, record):
            return
        timesheet_id = record.timesheet_id

        async def send(last_look: LastLook) -> TimeEntryCommand:
            await self.ports.timesheets.delete(
                timesheet_id, last_look=last_look
            )  # gone already is gone
            return ConfirmDeleted(intent=_intent(live), timesheet_id=timesheet_id)

        request = requests.delete(timesheet_id)
        self.gate(live, request, _found(record, entry.settled))
        await self._send(live, Operation.DELETE, entry.settled.marker, request, send, glance)

    async def _send(
        self,
        live: Live,
        operation: Operation,
        mark: str,
        request: Request,
        send: Callable[[LastLook], Awaitable[TimeEntryCommand]],
        glance: Glance | None = None,
    ) -> None:
        """Record the intent, send, record what came of it."""
        record = None if glance is None else glance.record
        timesheet_id = None if record is None else record.timesheet_id
        decided = None if live.state is None else live.state.decided

        def intend(entry: TimeEntry | None) -> Intend:
            if entry is None or entry.decided != decided:
                raise RuleViolation("entry_state", "It was decided anew; the request is outdated.")
            return Intend(
                target_connector_id=self.configuration.target,
                operation=operation,
                marker=mark,
                request=request,
                timesheet_id=timesheet_id,
            )

        await self.entries.apply(live, intend)
        recorded = self.ports.clock.now()

        def last_look() -> None:
            self._still_ours(recorded)
            self.glances.check(glance)

        try:
            outcome = await send(last_look)
        except (Unavailable, Misconfigured) as error:
            await self.entries.apply(live, Unsent(intent=_intent(live), cause=str(error)))
            raise
        except OutcomeUnknown as error:
            await self.entries.apply(live, Doubt(intent=_intent(live), cause=str(error)))
            self.doubtful.append((live, self.ports.clock.now()))
            return
        except Rejected as error:
            outcome = await self._refusal(live, operation, error, timesheet_id)
        await self.entries.apply(live, outcome)

    async def _refusal(
        self, live: Live, operation: Operation, error: Rejected, timesheet_id: int | None
    ) -> TimeEntryCommand:
        """Nothing was stored; why is found out by reading what the timesheet was to rest on."""
        if timesheet_id is not None and error.status == GONE:
            return NoteTargetGone(timesheet_id=timesheet_id)
        intent = None if live.state is None else live.state.intent
        desired = None if intent is None else intent.desired
        facts, now = None, self.ports.clock.now()
        if desired is not None:
            facts = await circumstances_of(self.ports.timesheets, desired, timesheet_id)
        wait = wait_for_refusal(operation, error, desired=desired, facts=facts, now=now)
        return Reject(
            intent=_intent(live),
            status=error.status,
            fields=error.fields,
            reason=wait.reason,
            detail=wait.detail,
            cause=wait.cause,
            circumstances=fingerprint(facts, desired, now) if facts and desired else None,
        )

    def _still_ours(self, recorded: datetime) -> None:
        """Raise Unavailable when the intent has waited too long for its turn.

        Whoever takes over from us waits `request_limit` for what we may have sent, no longer.
        """
        if self.ports.clock.now() - recorded > self.limits.request_limit:
            raise Unavailable("kimai", "its turn came too late; it was not sent")

    @property
    def _policy(self) -> EditedInKimaiPolicy:
        return self.configuration.kimai.edited_in_kimai_policy

    async def _look(self, live: Live, settled: Settled) -> Glance:
        """The record as it is now; None when it is gone, which is recorded."""
        timesheet_id = settled.written.timesheet_id
        glance = await self.glances.look(settled.written)
        record = glance.record
        if record is None:
            await self.entries.apply(live, NoteTargetGone(timesheet_id=timesheet_id))
        return glance

    async def _objects(self, live: Live, settled: Settled, record: Timesheet) -> bool:
        """Whether it must not be touched; why is recorded."""
        assert live.state is not None
        found = objection(live.state, settled, _found(record, settled), self._policy)
        if found is not None:
            await self.entries.apply(live, found)
        return found is not None

    def differences(
        self, entry: TimeEntry, desired: Desired, written: Written, expected: Stored | None
    ) -> tuple[str, ...]:
        """What Kimai stored otherwise than asked, beyond rounding and what is kept there."""
        wrong = mismatches(desired, written, self.configuration.kimai, expected)
        keep = left_alone(entry, self._policy)
        return tuple(name for name in wrong if name not in keep)

    def _confirmation(
        self, live: Live, desired: Desired, sheet: Timesheet, *, again: bool = False
    ) -> Confirm:
        """What Kimai stored, compared with what was asked."""
        written = as_written(sheet, desired.description.subject)
        assert live.state is not None
        wrong = self.differences(live.state, desired, written, _expected(live))
        repeat = again and wrong == ("billable",)
        return Confirm(
            intent=_intent(live),
            written=written,
            mismatch=mismatch_text(wrong, desired, written) if wrong and not repeat else None,
            again=repeat,
        )

    def _equal(self, live: Live, desired: Desired, record: Timesheet) -> Adopt:
        written = as_written(record, desired.description.subject)
        assert live.state is not None
        wrong = self.differences(live.state, desired, written, _expected(live))
        text = mismatch_text(wrong, desired, written) if wrong else None
        return Adopt(found=[written], how="equal", mismatch=text)

    async def _pause(self, attempt: int, error: Unavailable) -> bool:
        """Wait before the next try; False when there is no point in waiting."""
        if self.stopped is not None or (error.retry_after or 0) > self.limits.longest_pause:
            return False
        pause = self.limits.pause * 2 ** (attempt - 1) * (1 + self.ports.jitter())
        await self.sleep(min(max(pause, error.retry_after or 0), self.limits.longest_pause))
        return self.stopped is None

    async def _give_up(self, live: Live, error: ExternalSystemError) -> None:
        """Leave it to the next run; after many such runs, to a person."""
        self.entries.tally.count("failed")
        if self.stopped is None:
            await self.bury(live, str(error), RefusalCause.KIMAI_UNAVAILABLE)

    async def bury(self, live: Live, last: str, cause: RefusalCause) -> bool:
        """Give up for good when the booking had its tries; whether it did."""
        entry = live.state
        if entry is None or entry.attempts < self.limits.dead_letter_after:
            return False
        detail = (
            f"{entry.attempts} requests to Kimai had no effect, the last one: {last}. "
            "Find out why in Kimai's log, then retry the entry."
        )
        give_up = GiveUp(reason=ReasonCode.PEER_REJECTED, detail=detail, cause=cause)
        await self.entries.apply(live, give_up)
        return True


def _found(record: Timesheet, settled: Settled) -> Written:
    return as_written(record, settled.desired.description.subject)


def _is_as_billed(settled: Settled, record: Timesheet) -> bool:
    """Exported, and as it was written."""
    return bool(record.exported) and not changes_since(settled.written, _found(record, settled))


def _expected(live: Live) -> Stored | None:
    """The rounding recorded with the newest decision."""
    decided = None if live.state is None else live.state.decided
    return None if decided is None else decided.basis.foreseen


def _intent(live: Live) -> int:
    """The number of the open intent; 0 when somebody settled it, which no intent has."""
    if live.state is None or live.state.intent is None:
        return 0
    return live.state.intent.event.intent
