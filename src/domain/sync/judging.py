"""When a booking is decided in a run, and what a run adds to the rules: its range and its caps."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date

from domain.ids import EntryId
from domain.ports.ticket_system import TicketSystem
from domain.ports.timesheets import Timesheets
from domain.rules.configuration import Configuration, Situation, people_by_email
from domain.rules.decision import rule
from domain.rules.netting import is_due
from domain.sync.limits import Limits
from domain.time_entry.commands import Decide, Ruling
from domain.time_entry.standing import EntryState
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import Outcome, ReasonCode

AT_REST = (EntryState.SYNCED, EntryState.WITHDRAWN)


@dataclass
class Judge:
    """Asks the rules for one run. `start_date` and `end_date` bound the work dates, inclusive.

    `only` are the entries that the run is limited to, None limits nothing. `bulk_delete` says that
    more bookings disappeared than a person would delete by hand.
    """

    situation: Situation
    tickets: TicketSystem
    timesheets: Timesheets
    limits: Limits
    start_date: date | None
    end_date: date | None
    only: AbstractSet[EntryId] | None = None
    bulk_delete: bool = False
    _deletes: int = 0
    _people_read: bool = False
    _unit_read: bool = False

    @property
    def configuration(self) -> Configuration:
        return self.situation.configuration

    def decision(self, entry: TimeEntry | None) -> Decide | None:
        """The rules' answer, where one is due and the run is meant for that day."""
        if entry is None or entry.intent is not None or entry.standing.dead:
            return None
        if not self._is_due(entry) or is_due(entry, self.situation):
            return None
        ruling = rule(entry, self.situation)
        if not self.in_range(ruling.basis.work_date):
            return None
        return Decide(ruling=self._capped(ruling))

    def decision_after_netting(self, entry: TimeEntry | None) -> Decide | None:
        """The same for what was netted: on whatever day it was, the other side is decided, too."""
        if entry is None or entry.intent is not None or entry.standing.dead:
            return None
        if entry.standing.outcome is not None or is_due(entry, self.situation):
            return None
        return Decide(ruling=self._capped(rule(entry, self.situation)))

    def is_to_net(self, entry: TimeEntry) -> bool:
        """Whether it waits for its netting, in this run."""
        if not is_due(entry, self.situation):
            return False
        return self.in_range(rule(entry, self.situation).basis.work_date)

    def _is_due(self, entry: TimeEntry) -> bool:
        decided = entry.decided
        if decided is None or entry.standing.outcome is None:
            return True
        if entry.standing.state in AT_REST:
            return False  # a changed setting applies to entries not yet written
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

    def _capped(self, ruling: Ruling) -> Ruling:
        """Many deletions at once look like an accident: a person says whether they are."""
        if ruling.outcome is not Outcome.DELETE:
            return ruling
        self._deletes += 1
        if not self.bulk_delete and self._deletes <= self.limits.deletes:
            return ruling
        detail = (
            f"More than {self.limits.deletes} bookings disappeared from Zammad at once, so their "
            "timesheets were left. Check Zammad, then delete or keep each of them."
        )
        return replace(
            ruling, outcome=Outcome.HOLD, reason=ReasonCode.SOURCE_DELETED, detail=detail
        )

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

    async def know_people(self) -> None:
        """Read Kimai's users, once per run, when matching by e-mail is wanted."""
        if self._people_read or not self.configuration.accept_email_matches:
            return
        users = await self.timesheets.users()
        self.situation = replace(self.situation, people=people_by_email(users))
        self._people_read = True
