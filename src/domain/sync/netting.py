"""Net the negative bookings of a run, after everything else of it was written.

A booking and the one that takes from it are two streams. First the reduced one records what is
taken from it, then the negative one where it was taken from, and only then is that one decided:
until both are there it is pending, and whoever comes after a crash nets the group again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from domain.ids import EntryId, RunId, entry_id
from domain.ports.known_entries import Unsettled
from domain.rules.netting import Member, Reductions, is_due, member_of, net, others
from domain.sync.entries import Entries, Live, Step
from domain.sync.judging import Judge
from domain.sync.limits import Limits
from domain.sync.parts import parts
from domain.sync.ports import Ports
from domain.time_entry.commands import Decide, Net, Reduce, TimeEntryCommand
from domain.time_entry.state import NettingKey, TimeEntry
from domain.time_entry.values import ReasonCode, Reduction

TICKETS_AT_ONCE = 1_000  # asked of the read model together


@dataclass(frozen=True)
class _Found:
    live: Live
    state: TimeEntry  # as it was before


@dataclass
class Netter:
    """Nets the groups (ticket, agent, type) that this run touched.

    `changed` are bookings that were netted, on whatever day they were. `kept` holds what a
    rehearsed run has in hand, because its ledger does not; None in earnest. `run_id`, `tickets`
    and `taken_up` are those of the `Order`.
    """

    ports: Ports
    limits: Limits
    entries: Entries
    judge: Judge
    run_id: RunId | None = None
    tickets: AbstractSet[int] | None = None
    taken_up: bool = False
    kept: dict[EntryId, Live] | None = None
    changed: set[EntryId] = field(default_factory=set)
    _asked: set[int] = field(default_factory=set)
    _due: set[EntryId] = field(default_factory=set)
    _gone: set[EntryId] = field(default_factory=set)
    _touched: dict[int, set[EntryId]] = field(default_factory=lambda: defaultdict(set))

    async def expect(self, tickets: AbstractSet[int], negative: AbstractSet[int]) -> None:
        """Bookings of `tickets` are about to be decided, of `negative` some are negative."""
        self.judge.netting |= negative
        new = tickets - self.judge.netting - self._asked
        self._asked |= new
        source = self.judge.configuration.source
        for part in parts(sorted(new), TICKETS_AT_ONCE):
            self.judge.netting |= await self.ports.known.with_negatives(source, part)

    async def begin(self, unsettled: Iterable[Unsettled]) -> None:
        """Have what found too little netted again, and everything when an earlier run broke off.

        What a run that died had seen it did not net, and nothing says so any more.
        """
        source = self.judge.configuration.source
        if self.taken_up or await self.ports.known.broke_off(source, self.run_id):
            for negative in await self.ports.known.negatives(source):
                if self.tickets is not None and negative.ticket_id not in self.tickets:
                    continue  # the next run over all of them does
                self._expect(negative.entry_id, negative.ticket_id)
        for item in unsettled:
            if item.reason is ReasonCode.NEGATIVE_TIME and item.ticket_id is not None:
                self._expect(item.entry_id, item.ticket_id)

    def _expect(self, entry: EntryId, ticket_id: int) -> None:
        self._touched[ticket_id].add(entry)
        self.judge.netting.add(ticket_id)

    def note(self, lives: Iterable[Live]) -> None:
        """These were looked at: their groups may come out otherwise."""
        for live in lives:
            state = live.state
            if state is None:
                continue
            if self.kept is not None:
                self.kept[live.entry_id] = live
            if state.booking is not None:
                self._touched[state.booking.ticket_id].add(live.entry_id)
            if self.judge.is_to_net(state):
                self._due.add(live.entry_id)
                if state.standing.vanished:
                    self._gone.add(live.entry_id)

    async def settle_gone(self) -> None:
        """Have deleted bookings give back what was taken from them, before they are decided."""
        gone = await self.load(self._gone)
        self._gone.clear()
        if gone:
            await self._complete(gone)
            await self._apply(gone)

    async def settle(self) -> list[Live]:
        """Net what was noted since the last time; the bookings that may have to be written."""
        due, self._due = self._due, set()
        touched, self._touched = self._touched, defaultdict(set)
        tickets = touched.keys() & self.judge.netting
        lives = await self.load(due | {entry for ticket in tickets for entry in touched[ticket]})
        if lives:
            await self._complete(lives)
            await self._apply(lives)
        return list(lives.values())

    async def load(self, ids: AbstractSet[EntryId]) -> dict[EntryId, Live]:
        """What a rehearsal has in hand, else what the ledger says."""
        kept = self.kept or {}
        lives = {entry: kept[entry] for entry in ids if entry in kept}
        loaded = await self.entries.load_all(sorted(ids - lives.keys()))
        read = {live.entry_id: live for live in loaded}
        if self.kept is not None:
            self.kept |= read  # what is netted again must be met as it was left
        return lives | read

    async def _complete(self, lives: dict[EntryId, Live]) -> None:
        """Every group whole: all bookings of its ticket, and whatever was netted with one of them.

        A booking that moved away since may bring a further ticket with it, and one that the read
        model does not show yet a further booking.
        """
        source, whole = self.judge.configuration.source, set[int]()
        known = -1
        while known != len(lives):
            known = len(lives)
            states = [live.state for live in lives.values() if live.state is not None]
            lives |= await self.load({o for state in states for o in others(state)} - lives.keys())
            tickets = {
                live.state.booking.ticket_id
                for live in lives.values()
                if live.state is not None and live.state.booking is not None
            }
            new, whole = sorted(tickets - whole), whole | tickets
            for part in parts(new, TICKETS_AT_ONCE):
                found = await self.ports.known.live_of_tickets(source, part)
                ids = {entry_id(source, each) for of in found.values() for each in of}
                lives |= await self.load(ids - lives.keys())

    async def _apply(self, lives: dict[EntryId, Live]) -> None:
        found = [_Found(live, live.state) for live in lives.values() if live.state is not None]
        groups: dict[NettingKey, list[Member]] = defaultdict(list)
        for each in found:
            key, member = each.state.netting_key, member_of(each.state, self.judge.situation)
            if key is not None and member is not None:
                groups[key].append(member)
        by: dict[EntryId, Reductions] = {}
        against: dict[EntryId, Reductions] = {}
        rest: dict[EntryId, int] = {}
        for members in groups.values():
            netting = net(members)
            by |= netting.by
            against |= netting.against
            rest |= netting.rest
        barred = self._barred(found, by, against)
        reduced = [
            (each.live, by.get(entry, ()))
            for each in found
            if (entry := each.live.entry_id) not in barred
            and _differs(each.state, by.get(entry, ()))
        ]
        await self._take([(live, _reduced(to)) for live, to in reduced])
        unlike = {
            live.entry_id for live, to in reduced if live.state and live.state.reduced.by != to
        }
        await self._take(
            [
                (each.live, _netted(against.get(entry, ()), rest.get(entry, 0)))
                for each in found
                if (entry := each.live.entry_id) in rest
                or (each.state.netted is not None and is_due(each.state, self.judge.situation))
                # until all others have recorded their side, this one is not done
                if unlike.isdisjoint([*others(each.state), *_ids(against.get(entry, ()))])
                if entry not in barred
            ]
        )
        await self._decide([live for live in lives.values() if self.judge.is_meant(live.entry_id)])

    def _barred(
        self,
        found: Sequence[_Found],
        by: Mapping[EntryId, Reductions],
        against: Mapping[EntryId, Reductions],
    ) -> set[EntryId]:
        """What must stay as it is, because a plan is not about all that would have to change.

        An ordinary run that was meant for some entries is meant for those netted with them, too:
        both sides change, or neither.
        """
        if self.judge.only is None:
            return set()
        sides = dict[EntryId, set[EntryId]]()
        for each in found:
            entry = each.live.entry_id
            taken, taking = by.get(entry, ()), against.get(entry, ())
            if _differs(each.state, taken) or _netted_anew(each.state, taking):
                sides[entry] = {*others(each.state), *_ids(taken), *_ids(taking)}
        unmeant = {entry for entry in sides if not self.judge.is_meant(entry)}
        if not self.judge.approved:
            self.judge.only = frozenset({*self.judge.only, *unmeant})
            return set()
        barred = set(unmeant)
        while more := {one for one, all_ in sides.items() if not barred.isdisjoint(all_)} - barred:
            barred |= more
        return barred

    async def _take(self, work: Sequence[tuple[Live, Step]]) -> None:
        meant = [(live, [step]) for live, step in work if self.judge.is_meant(live.entry_id)]
        self.changed.update(live.entry_id for live, _ in meant)
        for part in parts(meant, self.limits.chunk):
            await self.entries.apply_all(part)

    async def _decide(self, lives: Sequence[Live]) -> None:
        """Decide what waited; all that need a place on their day get one together."""

        def decision(entry: TimeEntry | None) -> Decide | None:
            anyway = entry is not None and entry.entry_id in self.changed
            return self.judge.decision_after_netting(entry, anyway=anyway)

        for part in parts(lives, self.limits.chunk):
            await self.entries.apply_all([(live, [decision]) for live in part])
        lacking = [live for live in lives if live.entry_id in self.judge.lacking]
        await self.judge.provide([live.entry_id for live in lacking])
        for part in parts(lacking, self.limits.chunk):
            await self.entries.apply_all([(live, [decision]) for live in part])
        unplaced = [live for live in lives if live.entry_id in self.judge.unplaced]
        await self.judge.give_places(live.entry_id for live in unplaced)
        for part in parts(unplaced, self.limits.chunk):
            await self.entries.apply_all([(live, [decision]) for live in part])


def _ids(reductions: Reductions) -> list[EntryId]:
    return [each.entry_id for each in reductions]


def _differs(state: TimeEntry, by: Reductions) -> bool:
    return by != state.reduced.by or (bool(by) and state.reduced.key != state.netting_key)


def _netted_anew(state: TimeEntry, against: Reductions) -> bool:
    before = () if state.netted is None else state.netted.against
    return set(before) != set(against)


def _reduced(by: Reductions) -> Step:
    def step(state: TimeEntry | None) -> TimeEntryCommand | None:
        return None if state is None or state.intent is not None else Reduce(by=by)

    return step


def _netted(against: tuple[Reduction, ...], rest: int) -> Step:
    def step(state: TimeEntry | None) -> TimeEntryCommand | None:
        return None if state is None else Net(against=against, rest_seconds=rest)

    return step
