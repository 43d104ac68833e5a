"""When a booking is decided in a run, and what a run adds to the rules: its range."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import assert_never

from domain.connector.settings import ProjectStrategy
from domain.ids import EntryId
from domain.ports.ticket_system import TicketSystem
from domain.ports.timesheets import Timesheets
from domain.rules.configuration import Configuration, Situation, people_by_email
from domain.rules.decision import Unready, rule, unit_of_today
from domain.rules.netting import is_due
from domain.sync.entries import Live
from domain.sync.limits import Limits
from domain.sync.making import Maker
from domain.sync.stacking import Stacker
from domain.target_item.values import Lacking
from domain.time_entry.commands import Decide, Ruling
from domain.time_entry.standing import EntryState
from domain.time_entry.state import TimeEntry, Wait
from domain.time_entry.values import Outcome, ReasonCode
from domain.work_day.values import Unplaced

AT_REST = (EntryState.SYNCED, EntryState.WITHDRAWN)


@dataclass
class Judge:
    """Asks the rules for one run. `start_date` and `end_date` bound the work dates, inclusive.

    `only` are the entries that the run is limited to, None limits nothing. `doomed` are those whose
    timesheet is to be deleted and that are not decided yet: how many they are decides with them.
    `unplaced` are those that are decided once they have a place on their person's day, `lacking`
    those that are once they have a project in Kimai.
    `approved`: the run is a plan's, to be looked at or looked at already, so deletions are decided
    like everything else, and those that were held back are decided again; `deletable` are those
    that were looked at, None is all. `netting` are tickets
    with negative bookings: what is new there waits for the netting.
    """

    situation: Situation
    stacker: Stacker
    maker: Maker
    tickets: TicketSystem
    timesheets: Timesheets
    limits: Limits
    start_date: date | None
    end_date: date | None
    only: AbstractSet[EntryId] | None = None
    approved: bool = False
    deletable: AbstractSet[EntryId] | None = None
    doomed: dict[EntryId, None] = field(default_factory=dict)
    netting: set[int] = field(default_factory=set)
    unplaced: dict[EntryId, Unplaced] = field(default_factory=dict)
    lacking: dict[EntryId, Lacking] = field(default_factory=dict)
    _people_read: bool = False
    _unit_read: bool = False

    @property
    def configuration(self) -> Configuration:
        return self.situation.configuration

    def decision(self, entry: TimeEntry | None) -> Decide | None:
        """The rules' answer, where one is due and the run is meant for that day."""
        if entry is None or not _is_open(entry):
            return None
        if not self._is_due(entry) or self._waits(entry):
            return None
        ruling = rule(self._seen(entry), self.situation)
        if not self.in_range(_day_of(ruling)) and not _is_as_found(entry, ruling):
            return None
        return self._decided(entry, ruling)

    def _decided(self, entry: TimeEntry, ruling: Ruling | Unready) -> Decide | None:
        match ruling:
            case Unplaced():
                self.unplaced[entry.entry_id] = ruling
                return None
            case Lacking():
                self.lacking[entry.entry_id] = ruling
                return None
        if ruling.outcome is Outcome.DELETE and self.situation.unit_anew:
            return None  # another unit is no reason to delete anything
        if ruling.outcome is Outcome.DELETE and not self._may_delete(entry):
            if not self.approved:
                self.doomed[entry.entry_id] = None
            return None  # what a plan did not show is the next run's to count
        return Decide(ruling=ruling)

    def deletion(self, entry: TimeEntry | None) -> Ruling | None:
        """The rules' answer for one that was doomed, unless it is not any more."""
        if entry is None or not _is_open(entry):
            return None
        ruling = rule(entry, self.situation)
        if not isinstance(ruling, Ruling):
            return None
        return ruling if ruling.outcome is Outcome.DELETE else None

    async def give_places(self, entries: Iterable[EntryId]) -> None:
        """Give those of `unplaced` their places; they can be decided then."""
        wanted = [self.unplaced.pop(entry) for entry in entries]
        if wanted:
            await self.stacker.place(wanted)

    async def provide(self, entries: Iterable[EntryId]) -> None:
        """Find or make the projects that those of `lacking` need; they can be decided then."""
        wanted = [self.lacking.pop(entry) for entry in entries]
        if wanted:
            await self.know_items()
            await self.maker.provide(wanted)
            await self.know_items()

    async def place(self, entries: Iterable[TimeEntry]) -> None:
        """Give those of them their places that need one to be decided."""
        rulings = (rule(entry, self.situation) for entry in entries)
        wanted = [ruling for ruling in rulings if isinstance(ruling, Unplaced)]
        if wanted:
            await self.stacker.place(wanted)

    def _seen(self, entry: TimeEntry) -> TimeEntry:
        """A deletion that was held back and is approved now was never held back."""
        return replace(entry, conflict=None) if self._is_held_back(entry) else entry

    def _may_delete(self, entry: TimeEntry) -> bool:
        shown = self.deletable is None or entry.entry_id in self.deletable
        return self.approved and shown

    def _is_held_back(self, entry: TimeEntry) -> bool:
        return self._may_delete(entry) and entry.standing.conflict is ReasonCode.SOURCE_DELETED

    def _waits(self, entry: TimeEntry) -> bool:
        """Whether it is decided after the netting, which may shorten it."""
        if is_due(entry, self.situation):
            return True
        if entry.booking is None or entry.standing.vanished:
            return False
        anew = entry.standing.outcome is None or self.situation.unit_anew
        return anew and entry.booking.ticket_id in self.netting

    def decision_after_netting(
        self, entry: TimeEntry | None, *, anyway: bool = False
    ) -> Decide | None:
        """The same for what waited; `anyway`: on whatever day, its other side is decided, too."""
        if entry is None or not _is_open(entry):
            return None
        anew = entry.standing.outcome is None or (self.situation.unit_anew and self._is_due(entry))
        if not anew or is_due(entry, self.situation):
            return None
        ruling = rule(entry, self.situation)
        meant = anyway or self.in_range(_day_of(ruling)) or _is_as_found(entry, ruling)
        return self._decided(entry, ruling) if meant else None

    def is_to_net(self, entry: TimeEntry) -> bool:
        """Whether it waits for its netting, in this run."""
        if not is_due(entry, self.situation):
            return False
        return self.in_range(_day_of(rule(entry, self.situation)))

    def _is_due(self, entry: TimeEntry) -> bool:
        decided = entry.decided
        if decided is None or entry.standing.outcome is None or self._is_held_back(entry):
            return True
        if entry.standing.state in AT_REST:  # a changed setting applies to entries not yet written
            return self.situation.unit_anew and entry.standing.state is EntryState.SYNCED
        return self.is_outdated(decided.basis.configuration, decided.reason)

    def is_outdated(self, decided_with: str | None, reason: ReasonCode | None) -> bool:
        """Whether a decision made with that configuration might come out otherwise today."""
        return decided_with != self.situation.digest_for(reason)

    def is_meant(self, entry: EntryId) -> bool:
        """Whether the run may do anything about this entry."""
        return self.only is None or entry in self.only

    def in_range(self, day: date | None) -> bool:
        """Whether the run is meant for that work date.

        None, a row that cannot be read, always is: there is a conflict to show, nothing to write.
        """
        if day is None:
            return True
        after_start = self.start_date is None or day >= self.start_date
        return after_start and (self.end_date is None or day <= self.end_date)

    def take_over(self) -> None:
        """No run has ended well yet; see `Situation.taking_over`."""
        self.situation = replace(self.situation, taking_over=True)

    async def unit(self) -> Decimal | None:
        """Minutes of one unit as of today; None when nobody said."""
        await self.know_unit()
        known = unit_of_today(self.situation)
        return None if isinstance(known, Wait) else known[0]

    async def know_unit(self) -> None:
        """Read Zammad's own word for its unit, once per run, when nobody here has set one."""
        if self._unit_read or self.configuration.zammad.time_unit_minutes is not None:
            return
        self.situation = replace(self.situation, declared_unit=await self.tickets.declared_unit())
        self._unit_read = True

    async def know(self, agents: Iterable[int]) -> None:
        """Read Kimai's users when somebody without own row might be known by e-mail."""
        if not all(agent in self.configuration.users for agent in agents):
            await self.know_people()

    async def know_agents(self, lives: Iterable[Live]) -> None:
        """The same for those who booked these."""
        states = [live.state for live in lives]
        await self.know(
            state.booking.created_by_id for state in states if state is not None and state.booking
        )

    async def know_items(self) -> None:
        """Read Kimai's customers and projects, once per run, where they count by number."""
        if self.configuration.kimai.project_strategy is not ProjectStrategy.FIXED:
            listed = await self.maker.look()
            self.situation = replace(self.situation, listed=listed)

    async def know_people(self) -> None:
        """Read Kimai's users, once per run, when matching by e-mail is wanted."""
        if self._people_read or not self.configuration.accept_email_matches:
            return
        users = await self.timesheets.users()
        names = {user.item_id: user.name for user in users}
        self.situation = replace(self.situation, people=people_by_email(users), user_names=names)
        self._people_read = True


def _is_open(entry: TimeEntry) -> bool:
    """Whether anything may be decided: nothing is under way, and nobody gave up or ignored it."""
    return entry.intent is None and not entry.standing.dead and not entry.standing.ignored


def _is_as_found(entry: TimeEntry, ruling: Ruling | Unready) -> bool:
    """Whether it was taken over and is left alone, which no range of days has to bound."""
    adopted = entry.settled is not None and entry.settled.adopted
    return adopted and isinstance(ruling, Ruling) and ruling.outcome is Outcome.LEAVE


def _day_of(ruling: Ruling | Unready) -> date | None:
    match ruling:
        case Unplaced():
            return ruling.day.day
        case Lacking():
            return ruling.work_date
        case Ruling():
            return ruling.basis.work_date
        case _:
            assert_never(ruling)
