"""Look at what became of our timesheets in Kimai: poll what was modified, now and then list all.

Only our own records are opened: known by their id, or carrying one of our markers. A record that
the list does not show is a suspect until Kimai is asked for exactly it (`peers/kimai.md`, 7).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from domain.errors import Rejected
from domain.ids import EntryId
from domain.ports.known_entries import Linked, TargetMarks, Unsettled
from domain.ports.timesheets import Timesheet
from domain.rules.comparison import as_written, changes_since, mismatches
from domain.rules.configuration import Configuration
from domain.rules.decision import rule
from domain.rules.marker import Claim, claimed
from domain.sync.entries import Entries, Live, Step
from domain.sync.judging import Judge
from domain.sync.limits import Limits, share
from domain.sync.parts import parts
from domain.sync.ports import Ports
from domain.sync.target import Target
from domain.time_entry.causes import RefusalCause
from domain.time_entry.commands import (
    Compare,
    Decide,
    Hold,
    NoteSurplus,
    NoteTargetGone,
    Ruling,
    TimeEntryCommand,
)
from domain.time_entry.drift import is_about_as_it_is
from domain.time_entry.standing import EntryState
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import Outcome, ReasonCode, Written

DAY = timedelta(days=1)  # around the window of our records, for small moves
KNOWN_AT_ONCE = 1_000  # ids asked of the read model together
FORBIDDEN = 403
LOOKED_AT_AGAIN = frozenset({ReasonCode.TARGET_EDITED, ReasonCode.PEER_REJECTED})

Pages = AsyncGenerator[Sequence[Timesheet], None]


@dataclass
class Look:
    """One look at Kimai, after everything of this run was written.

    `touched` are the bookings it opened: some may have something to be written now. `turn` spreads
    what can be looked at only in part over many runs. `kept` is what a rehearsed run has in hand,
    because its ledger does not; None in earnest.
    """

    ports: Ports
    limits: Limits
    entries: Entries
    judge: Judge
    target: Target
    turn: int = 0
    kept: Mapping[EntryId, Live] | None = None
    touched: list[Live] = field(default_factory=list)

    @property
    def configuration(self) -> Configuration:
        return self.judge.configuration

    async def look(
        self, unsettled: Sequence[Unsettled], disputed: Iterable[EntryId]
    ) -> TargetMarks:
        """Record what changed; how far Kimai is known now.

        `disputed` changed in Zammad while their edit in Kimai waits for a person. The read model
        must contain all of this run so far.
        """
        begun, known = self.ports.clock.now(), self.ports.known
        source, target = self.configuration.source, self.configuration.target
        marks = await known.target_marks(source, target)
        await self._count_surplus(unsettled)
        await self._read_again(disputed)
        if marks.polled_at is None or _is_over(marks.listed_at, begun, self.limits.list_every):
            await self._list(await known.linked(source, target))
            return TargetMarks(polled_at=begun, listed_at=begun)
        since = marks.polled_at - self.limits.poll_overlap
        async with aclosing(self.ports.timesheets.modified_since(since)) as pages:
            async for page in pages:
                await self._see(page, await self._ours(page))
        return TargetMarks(polled_at=begun, listed_at=marks.listed_at)

    async def _ours(self, page: Sequence[Timesheet]) -> dict[int, Linked]:
        ids = [sheet.timesheet_id for sheet in page]
        source, target = self.configuration.source, self.configuration.target
        found: dict[int, Linked] = {}
        for part in parts(ids, KNOWN_AT_ONCE):
            found |= _by_id(await self.ports.known.linked_to(source, target, part))
        return found

    async def _list(self, linked: Sequence[Linked]) -> None:
        if not linked:
            return
        ours, missing = _by_id(linked), _by_id(linked)
        begins = [each.seen.begin for each in linked]
        window = min(begins) - DAY, max(begins) + DAY
        async with aclosing(self.ports.timesheets.listing(*window)) as pages:
            async for page in pages:
                await self._see(page, ours)
                for sheet in page:
                    missing.pop(sheet.timesheet_id, None)
        await self._ask_for(list(missing.values()))

    async def _see(self, page: Sequence[Timesheet], ours: dict[int, Linked]) -> None:
        """Open the bookings whose record is not as we knew it, and those with a second one."""
        work: list[tuple[EntryId, Step]] = []
        copies: dict[EntryId, list[tuple[int, Claim]]] = defaultdict(list)
        for sheet in page:
            linked = ours.get(sheet.timesheet_id)
            if linked is None:
                claim = self._claim(sheet)
                if claim is not None:
                    copies[claim.entry_id].append((sheet.timesheet_id, claim))
            elif linked.reason in LOOKED_AT_AGAIN or _differs(linked, sheet):
                work.append((linked.entry_id, self.comparison(sheet)))
        work += [(entry, _copied(claims)) for entry, claims in copies.items()]
        await self._take(work)

    async def _ask_for(self, suspects: Sequence[Linked]) -> None:
        """Absence from the list proves nothing; the record itself does (trap 8).

        A few that may not be read are a conflict each. Many are one finding of the run, and then
        no more is asked for: the next listing begins elsewhere.
        """
        most, asked = self.limits.lost_together, 0
        lost: list[tuple[EntryId, Step]] = []
        for part in parts(_spread(suspects, most, self.turn), most):
            fates = await asyncio.gather(*(self._fate(each.seen.timesheet_id) for each in part))
            asked += len(part)
            steps = [(each.entry_id, *fate) for each, fate in zip(part, fates, strict=True)]
            lost += [(entry, step) for entry, step, shown in steps if step and not shown]
            await self._take([(entry, step) for entry, step, shown in steps if step and shown])
            if len(lost) >= most:
                self.entries.tally.remarks.append(_lost_text(len(lost), asked, len(suspects)))
                return
        await self._take(lost)

    async def _fate(self, timesheet_id: int) -> tuple[Step | None, bool]:
        """What is to be recorded of it, and whether Kimai let us see what became of it."""
        try:
            sheet = await self.ports.timesheets.get(timesheet_id)
        except Rejected as error:
            if error.status == FORBIDDEN:
                return _barred(timesheet_id), False
            self.entries.tally.problems.append(f"timesheet {timesheet_id} was not shown: {error}")
            return None, False
        return (_gone(timesheet_id) if sheet is None else self.comparison(sheet)), True

    async def _read_again(self, disputed: Iterable[EntryId]) -> None:
        for live in await self._load(sorted(set(disputed))):
            if live.state is not None and live.state.settled is not None:
                step, _ = await self._fate(live.state.settled.written.timesheet_id)
                await self._take([] if step is None else [(live.entry_id, step)])

    async def _count_surplus(self, unsettled: Sequence[Unsettled]) -> None:
        """A second record with a marker may be gone by now, or not carry it any more."""
        held = [item.entry_id for item in unsettled if item.reason is ReasonCode.DUPLICATE]
        for live in await self._load(share(held, self.limits.duplicates, self.turn)):
            state = live.state
            if state is None or state.settled is None or state.conflict is None:
                continue
            ids = state.conflict.others
            there = await asyncio.gather(*(self._is_surplus(state, each) for each in ids))
            left = tuple(each for each, is_left in zip(ids, there, strict=True) if is_left)
            if ids:
                await self._take([(live.entry_id, NoteSurplus(timesheet_ids=left))])

    async def _is_surplus(self, state: TimeEntry, timesheet_id: int) -> bool:
        """One that may not be read is as it was."""
        try:
            sheet = await self.ports.timesheets.get(timesheet_id)
        except Rejected as error:
            if error.status == FORBIDDEN:
                return True
            raise
        return sheet is not None and _is_for(state, self._claim(sheet))

    async def _load(self, entries: Iterable[EntryId]) -> list[Live]:
        lives, kept = await self.entries.load_all(entries), self.kept
        if kept is None:
            return lives
        return [copy(kept.get(live.entry_id, live)) for live in lives]

    def _claim(self, sheet: Timesheet) -> Claim | None:
        configuration = self.configuration
        return claimed(sheet.description, configuration.log_tag, configuration.source)

    async def _take(self, work: Sequence[tuple[EntryId, Step]]) -> None:
        work = [(entry, step) for entry, step in work if self.judge.is_meant(entry)]
        if work:
            await self.judge.know_unit()
        for part in parts(work, self.limits.chunk):
            lives = await self._load(entry for entry, _ in part)
            await self.judge.place(untouched(live.state) for live in lives if live.state)
            await self.entries.apply_all(
                [
                    (live, [step, partial(self._anew, live.state)])
                    for live, (_, step) in zip(lives, part, strict=True)
                    if live.state is not None
                ]
            )
            self.touched += lives

    def _anew(self, before: TimeEntry, state: TimeEntry | None) -> Decide | None:
        """A decision for what was held until the conflict lost its cause.

        Or for what a correction that is gone now had corrected.
        """
        if state is None or state.conflict is not None or state.intent is not None:
            return None
        if state.decided is None:
            return None
        back = state.standing.timesheet_id in before.standing.earlier
        if state.decided.outcome is not Outcome.HOLD and not back:
            return None
        if state.settled is None or state.standing.dead:
            return None
        ruling = rule(state, self.judge.situation)
        return Decide(ruling=ruling) if isinstance(ruling, Ruling) else None

    def comparison(self, sheet: Timesheet) -> Step:
        """The step that records how it differs from what we know of it."""

        def step(state: TimeEntry | None) -> Compare | None:
            if state is None or state.settled is None:
                return None
            found = as_written(sheet, state.settled.desired.description.subject)
            kimai = self.configuration.kimai
            ours = self._ours_now(state, found)
            desired = None if ours is None else ours.desired
            expected = None if ours is None else ours.basis.foreseen
            agrees = desired is not None and not mismatches(desired, found, kimai, expected)
            return Compare(
                found=found,
                policy=kimai.edited_in_kimai_policy,
                ours=ours,
                agreed=ours if agrees else None,
            )

        return step

    def _ours_now(self, state: TimeEntry, found: Written) -> Ruling | None:
        """What the rules would ask for if Kimai had been left alone.

        While a person is asked about the timesheet as it was: if it had been as it is now.
        """
        alone = untouched(state)
        if alone.settled is not None and is_about_as_it_is(state):
            alone = replace(alone, settled=replace(alone.settled, written=found))
        ruling = rule(alone, self.judge.situation)
        if not isinstance(ruling, Ruling):
            return None
        return ruling if ruling.outcome in (Outcome.LEAVE, Outcome.UPDATE) else None


def untouched(state: TimeEntry) -> TimeEntry:
    """As if nobody had changed anything in Kimai."""
    return replace(state, found=None, conflict=None, drifted=None)


def _is_over(since: datetime | None, now: datetime, after: timedelta) -> bool:
    return since is None or now - since >= after


def _by_id(linked: Iterable[Linked]) -> dict[int, Linked]:
    return {each.seen.timesheet_id: each for each in linked}


def _differs(linked: Linked, sheet: Timesheet) -> bool:
    now: Written = as_written(sheet, linked.seen.description.subject)
    return linked.seen.exported != now.exported or bool(changes_since(linked.seen, now))


def _is_for(state: TimeEntry, claim: Claim | None) -> bool:
    if claim is None or claim.entry_id != state.entry_id or state.booking is None:
        return False
    return claim.ticket_id in (None, state.booking.ticket_id)


def _copied(claims: Sequence[tuple[int, Claim]]) -> Step:
    def step(state: TimeEntry | None) -> NoteSurplus | None:
        if state is None or state.settled is None:
            return None
        others = {timesheet_id for timesheet_id, claim in claims if _is_for(state, claim)}
        others -= {state.settled.written.timesheet_id}
        others -= {one.timesheet_id for one in state.earlier}
        if state.conflict is not None and state.conflict.reason is ReasonCode.DUPLICATE:
            others |= set(state.conflict.others)
        return NoteSurplus(timesheet_ids=tuple(sorted(others))) if others else None

    return step


def _gone(timesheet_id: int) -> Step:
    def step(state: TimeEntry | None) -> TimeEntryCommand | None:
        if state is None or state.intent is not None:
            return None
        return NoteTargetGone(timesheet_id=timesheet_id)

    return step


def _spread(items: Sequence[Linked], part: int, turn: int) -> Sequence[Linked]:
    """The same, so that each part comes from all over; another item first with each turn."""
    step = max(1, len(items) // part)
    return [each for start in range(step) for each in items[(start + turn) % step :: step]]


def _lost_text(lost: int, asked: int, suspects: int) -> str:
    return (
        f"Kimai does not list {suspects} of our timesheets any more, and of {asked} that it was "
        f"asked for it forbids to read {lost} (status 403): the token has lost access, and nobody "
        "can say whether they changed. They do not count as deleted. Give the token access to "
        "their projects and people again."
    )


def _barred(timesheet_id: int) -> Step:
    detail = (
        f"Kimai does not show timesheet {timesheet_id} to the token any more (status 403), so "
        "nobody can say whether it changed. It is not deleted. Give the token access to its "
        "project and its person again."
    )

    def step(state: TimeEntry | None) -> Hold | None:
        if state is None or state.intent is not None or state.settled is None:
            return None
        lost = state.conflict is not None and state.conflict.reason is ReasonCode.PEER_REJECTED
        if state.standing.state is not EntryState.SYNCED and not lost:
            return None
        return Hold(
            reason=ReasonCode.PEER_REJECTED, detail=detail, cause=RefusalCause.TIMESHEET_NOT_SHOWN
        )

    return step
