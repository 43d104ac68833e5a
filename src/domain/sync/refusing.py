"""What Kimai refused: what it says of it now, and whether its cause may be gone."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from domain.errors import ExternalSystemError
from domain.ids import EntryId
from domain.ports.clock import Clock
from domain.ports.known_entries import Unsettled
from domain.ports.timesheets import Circumstances, Timesheets
from domain.rules.refusal import fingerprint
from domain.sync.entries import Entries
from domain.sync.limits import Limits, share
from domain.time_entry.commands import Retry
from domain.time_entry.standing import EntryState
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import Desired, ReasonCode

REFUSALS = frozenset(
    {
        ReasonCode.CREATION_ERROR,
        ReasonCode.OVERLAP_FORBIDDEN,
        ReasonCode.BUDGET_EXCEEDED,
        ReasonCode.PERIOD_LOCKED,
        ReasonCode.PEER_REJECTED,
    }
)
NOTE = "What Kimai says of its project, activity, person or times changed since it was refused."


async def circumstances_of(
    timesheets: Timesheets, desired: Desired, timesheet_id: int | None
) -> Circumstances | None:
    """What `desired` rests on; None when Kimai does not say, which explains nothing."""
    with suppress(ExternalSystemError):
        return await timesheets.circumstances(desired, timesheet_id)
    return None


@dataclass
class Refusals:
    """Finds those that may be written now. A bounded number is asked for, others in each run."""

    run_id: int
    timesheets: Timesheets
    entries: Entries
    clock: Clock
    limits: Limits

    async def lifted(self, waiting: Sequence[Unsettled]) -> Collection[EntryId]:
        """Those of which Kimai says something else than when it refused them."""
        held = sorted(
            item.entry_id
            for item in waiting
            if item.state is EntryState.CONFLICT and item.reason in REFUSALS
        )
        chosen = share(held, self.limits.refused_entries, self.run_id)
        lives = await self.entries.load_all(chosen)
        return {
            live.entry_id
            for live in lives
            if live.state is not None and await self._is_lifted(live.state)
        }

    async def _is_lifted(self, entry: TimeEntry) -> bool:
        refused = entry.refused
        if refused is None or refused.desired is None or refused.circumstances is None:
            return False
        if again(entry) is None:
            return False
        linked = None if entry.settled is None else entry.settled.written.timesheet_id
        facts = await circumstances_of(self.timesheets, refused.desired, linked)
        if facts is None:
            return False
        return fingerprint(facts, refused.desired, self.clock.now()) != refused.circumstances


def again(entry: TimeEntry | None) -> Retry | None:
    """Try it again, unless that would write over what a person kept in Kimai."""
    if entry is None or entry.refused is None or entry.intent is not None:
        return None
    if entry.standing.state is not EntryState.CONFLICT:
        return None
    if entry.settled is not None and entry.settled.kept:
        return None
    return Retry(note=NOTE)
