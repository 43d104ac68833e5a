"""Requests whose answer was lost: wait them out, read back, and only then go on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import ExternalSystemError, Misconfigured, Rejected, RuleViolation
from domain.rules.comparison import as_written, changes_since, had_effect, mismatch_text
from domain.rules.requests import loses_billable
from domain.sync.entries import Live
from domain.sync.writing import Writer
from domain.time_entry.commands import (
    Adopt,
    Confirm,
    ConfirmDeleted,
    Hold,
    NoteTargetGone,
    TimeEntryCommand,
    Unsent,
)
from domain.time_entry.state import Intent, TimeEntry
from domain.time_entry.values import Operation, ReasonCode, Written

Came = Confirm | ConfirmDeleted | Unsent | Adopt  # what came of a request, once it is known

NOTHING = timedelta(0)
NOT_THERE = "read back: it had no effect"
EDITED_MEANWHILE = "read back: it had no effect, and somebody edited the timesheet meanwhile"


@dataclass
class Settler:
    """Settles open intents of one run, never writing to Kimai itself.

    `wished` makes what came of one into what a person decided who waits for it.
    """

    writer: Writer
    wished: Callable[[Came], TimeEntryCommand] | None = None

    async def wait_out(self, since: datetime) -> None:
        """Until a request sent at `since` cannot land any more (`Limits.request_limit`)."""
        clock = self.writer.ports.clock
        limit = self.writer.limits.request_limit
        rest = min(limit, limit - (clock.now() - since))
        if rest > NOTHING:
            await self.writer.sleep(rest.total_seconds())

    async def settle(self, live: Live) -> None:
        """Read back what came of the open intent and record it.

        Its request can no longer be under way: the caller has waited. Raises Misconfigured; when
        Kimai cannot be asked now, the intent stays open and the run says so.
        """
        entry = live.state
        if entry is None or entry.intent is None:
            return
        tally = self.writer.entries.tally
        try:
            command = await self._outcome(entry, entry.intent)
            if self.wished is not None and isinstance(command, Came):
                command = self.wished(command)
            await self.writer.entries.apply(live, command)
        except RuleViolation:
            return
        except Rejected as error:
            detail = (
                f"A request to Kimai was sent and its answer lost, and Kimai refuses to be asked "
                f"about it (status {error.status}). Look for the marker "
                f"{entry.intent.event.marker} in Kimai; every run asks again."
            )
            hold = Hold(reason=ReasonCode.WRITE_UNCERTAIN, detail=detail)
            await self.writer.entries.apply(live, hold)
        except Misconfigured:
            raise
        except ExternalSystemError as error:
            tally.count("failed")
            ticket = None if entry.booking is None else entry.booking.ticket_id
            tally.problem(f"entry {entry.entry_id} was not read back: {error}", ticket=ticket)

    async def _outcome(self, entry: TimeEntry, intent: Intent) -> TimeEntryCommand:
        event = intent.event
        if event.target_connector_id != self.writer.configuration.target:
            detail = (
                f"A request to Kimai connector {event.target_connector_id} was sent and its "
                "answer lost; that connector is not in use any more. Look for the marker "
                f"{event.marker} there."
            )
            return Hold(reason=ReasonCode.WRITE_UNCERTAIN, detail=detail)
        match event.operation:
            case Operation.CREATE:
                return await self._created(entry, intent)
            case Operation.UPDATE:
                return await self._updated(entry, intent)
            case Operation.DELETE:
                return await self._deleted(entry, intent)

    async def _created(self, entry: TimeEntry, intent: Intent) -> TimeEntryCommand:
        desired, event = intent.desired, intent.event
        assert desired is not None
        found = await self.writer.target.find(
            event.marker, near=desired.begin, user_id=desired.user_id
        )
        if not found:
            return Unsent(intent=event.intent, cause=NOT_THERE)
        subject = desired.description.subject
        written = sorted(
            (as_written(sheet, subject) for sheet in found), key=lambda sheet: sheet.timesheet_id
        )
        return Adopt(
            found=written, how="read_back", mismatch=self._mismatch(entry, intent, written[0])
        )

    async def _updated(self, entry: TimeEntry, intent: Intent) -> TimeEntryCommand:
        assert intent.desired is not None
        timesheet_id = entry.standing.timesheet_id or 0
        sheet = await self.writer.ports.timesheets.get(timesheet_id)
        if sheet is None:
            return NoteTargetGone(timesheet_id=timesheet_id)
        written = as_written(sheet, intent.desired.description.subject)
        wrong = self._wrong(entry, intent, written)
        base = entry.settled.written if entry.settled is not None else written
        if wrong and not changes_since(base, written):
            return Unsent(intent=intent.event.intent, cause=NOT_THERE)
        if wrong and not had_effect(base, intent.desired, written):
            return Unsent(intent=intent.event.intent, cause=EDITED_MEANWHILE)
        again = wrong == ("billable",) and loses_billable(intent.event.request.fields)
        return Confirm(
            intent=intent.event.intent,
            written=written,
            mismatch=None if again else self._mismatch(entry, intent, written),
            again=again,
        )

    async def _deleted(self, entry: TimeEntry, intent: Intent) -> TimeEntryCommand:
        timesheet_id = entry.standing.timesheet_id or 0
        if await self.writer.ports.timesheets.get(timesheet_id) is None:
            return ConfirmDeleted(intent=intent.event.intent, timesheet_id=timesheet_id)
        return Unsent(intent=intent.event.intent, cause=NOT_THERE)

    def _mismatch(self, entry: TimeEntry, intent: Intent, written: Written) -> str | None:
        assert intent.desired is not None
        wrong = self._wrong(entry, intent, written)
        return mismatch_text(wrong, intent.desired, written) if wrong else None

    def _wrong(self, entry: TimeEntry, intent: Intent, written: Written) -> tuple[str, ...]:
        assert intent.desired is not None
        return self.writer.differences(entry, intent.desired, written, intent.basis.foreseen)
