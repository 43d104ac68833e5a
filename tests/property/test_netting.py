"""Netting under any history: sums agree, nothing goes below zero, billed time stays as it is.

The law is checked on what the peers hold: in every group of bookings of one person, ticket and
activity the timesheets sum up to the bookings, plus what an open `NEGATIVE_TIME` names as not
netted; whatever happened, one run in peace makes it so, and the next finds nothing to do.
"""

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.errors import OutcomeUnknown
from domain.ids import EntryId
from domain.ports.ticket_system import SourceEntry
from domain.rules.marker import marked_entry
from domain.rules.netting import Member, net
from domain.sync.limits import LIMITS
from domain.time_entry.values import ReasonCode, Reduction
from tests.property.test_sync_faults import dies_at, still
from tests.support.bookings import BOOKED, LOG_TAG
from tests.support.peers import World

if TYPE_CHECKING:
    from domain.ports.timesheets import Timesheet

MINUTE = timedelta(minutes=1)
amounts = st.integers(-120, 120).filter(bool)


@st.composite
def groups(draw: st.DrawFn) -> list[Member]:
    """Members in any order, with whatever was recorded of them, sensible or not."""
    size = draw(st.integers(0, 12))
    anybody = st.integers(1, size + 2).map(EntryId)
    parts = st.builds(Reduction, entry_id=anybody, seconds=st.integers(1, 90))
    members = [
        Member(
            entry_id=EntryId(number),
            seconds=draw(amounts),
            booked_at=BOOKED + draw(st.integers(0, 5)) * MINUTE,
            open=draw(st.booleans()),
            by=tuple(draw(st.lists(parts, max_size=3))),
        )
        for number in range(1, size + 1)
    ]
    return draw(st.permutations(members))


@given(groups())
def test_what_is_taken_is_what_the_negative_bookings_say(members: list[Member]) -> None:
    netting = net(members)
    of = {member.entry_id: member for member in members}
    taken: defaultdict[EntryId, int] = defaultdict(int)
    for entry, by in netting.by.items():
        assert sum(each.seconds for each in by) <= of[entry].seconds
        for each in by:
            assert each.seconds > 0
            taken[each.entry_id] += each.seconds
    for entry, rest in netting.rest.items():
        assert rest >= 0
        assert taken[entry] + rest == -of[entry].seconds
        assert sum(each.seconds for each in netting.against[entry]) == taken[entry]


@given(groups())
def test_the_order_of_arrival_says_nothing_and_once_is_enough(members: list[Member]) -> None:
    netting = net(members)
    assert net(reversed(members)) == netting
    after = [
        Member(
            entry_id=member.entry_id,
            seconds=member.seconds,
            booked_at=member.booked_at,
            open=member.open,
            by=netting.by.get(member.entry_id, ()),
        )
        for member in members
    ]
    assert net(after).by == netting.by


@given(groups())
def test_nothing_new_is_taken_from_what_is_closed_or_came_later(members: list[Member]) -> None:
    of = {member.entry_id: member for member in members}
    for entry, by in net(members).by.items():
        before = {each.entry_id for each in of[entry].by}
        for each in by:
            if each.entry_id not in before:
                assert of[entry].open
                earlier = (of[entry].booked_at, entry) < (
                    of[each.entry_id].booked_at,
                    each.entry_id,
                )
                assert earlier


ASKED = frozenset(  # the timesheet stays as it was billed, and a person is asked
    {ReasonCode.SOURCE_CHANGED_AFTER_EXPORT, ReasonCode.SOURCE_DELETED}
)
steps = st.sampled_from([60, 30, 20, 10, 1, 0, -1, -10, -20, -45, -90])
Group = tuple[int, int | None]


class Netted(RuleBasedStateMachine):
    """Two tickets and two activities of one person, so that histories meet each other."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(kimai={"delete_policy": "delete", "default_activity_id": 9})
        self.exported: dict[int, Timesheet] = {}
        self.booked = 0

    @rule(amount=steps, ticket=st.sampled_from([50, 51]), kind=st.sampled_from([4, None]))
    def book(self, amount: int, ticket: int, kind: int | None) -> None:
        self.booked += 1
        self.world.tickets.book(
            self.booked, time_unit=Decimal(amount), ticket_id=ticket, type_id=kind
        )

    @precondition(lambda self: self.world.tickets.rows)
    @rule(data=st.data(), amount=steps)
    def edit(self, data: st.DataObject, amount: int) -> None:
        self.world.tickets.edit(self._any(data), time_unit=Decimal(amount))

    @precondition(lambda self: self.world.tickets.rows)
    @rule(data=st.data(), ticket=st.sampled_from([50, 51]), kind=st.sampled_from([4, None]))
    def move(self, data: st.DataObject, ticket: int, kind: int | None) -> None:
        self.world.tickets.edit(self._any(data), ticket_id=ticket, type_id=kind)

    @precondition(lambda self: self.world.tickets.rows)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        del self.world.tickets.rows[self._any(data)]

    @precondition(lambda self: self.world.kimai.sheets)
    @rule(data=st.data(), silently=st.booleans())
    def export(self, data: st.DataObject, silently: bool) -> None:
        self._set_exported(data, value=True, silently=silently)

    @precondition(lambda self: self.exported)
    @rule(data=st.data(), silently=st.booleans())
    def take_back_an_export(self, data: st.DataObject, silently: bool) -> None:
        self._set_exported(data, value=False, silently=silently)

    @rule(chunk=st.sampled_from([1, 2, 100]))
    def observe(self, chunk: int) -> None:
        """A run; with a chunk of one the streams are appended to one after the other."""
        self.world.limits = replace(LIMITS, chunk=chunk)
        asyncio.run(self._run())

    @rule(point=st.integers(1, 150), chunk=st.sampled_from([1, 2, 100]))
    def crash(self, point: int, chunk: int) -> None:
        self.world.limits = replace(LIMITS, chunk=chunk)
        asyncio.run(dies_at(self.world, point))
        self.world.an_hour_later()

    @rule(
        at=st.sampled_from(["create", "update", "delete"]),
        when=st.sampled_from(["before", "after"]),
    )
    def lose_an_answer(self, at: str, when: str) -> None:
        lost = OutcomeUnknown("kimai", "timed out")
        self.world.perils.failing[f"kimai:{at}:{when}"] = [lost]

    @rule()
    def end_in_peace(self) -> None:
        """No more faults: after one run all is right, and the next one finds nothing to do."""
        asyncio.run(self._end())

    def teardown(self) -> None:
        self.end_in_peace()

    @invariant()
    def nothing_exported_was_touched(self) -> None:
        for number, sheet in self.exported.items():
            assert self.world.kimai.sheets[number] == sheet

    @invariant()
    def no_timesheet_is_negative(self) -> None:
        assert all(sheet.duration >= timedelta(0) for sheet in self.world.kimai.sheets.values())

    def _any(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.world.tickets.rows)))

    def _set_exported(self, data: st.DataObject, *, value: bool, silently: bool) -> None:
        known = self.world.kimai.sheets if value else self.exported
        number = data.draw(st.sampled_from(sorted(known)))
        if silently:  # an export run leaves no trace in what is polled
            sheets = self.world.kimai.sheets
            sheets[number] = replace(sheets[number], exported=value)
        else:
            self.world.kimai.edit(number, exported=value)
        self.exported.pop(number, None)
        if value:
            self.exported[number] = self.world.kimai.sheets[number]

    async def _run(self) -> None:
        await self.world.sync()
        self.world.an_hour_later()

    async def _end(self) -> None:
        self.world.perils.failing.clear()
        await self._run()
        await self._check_sums()
        assert await still(self.world)
        await self._check_sums()

    async def _check_sums(self) -> None:
        booked: defaultdict[Group, Decimal] = defaultdict(Decimal)
        billed: defaultdict[Group, Decimal] = defaultdict(Decimal)
        asked: set[Group] = set()
        rows: dict[int, Any] = {}
        for number, row in self.world.tickets.rows.items():
            assert isinstance(row, SourceEntry)
            rows[number] = row
            group = row.ticket_id, row.type_id
            booked[group] += row.time_unit
            entry = await self.world.entry(number)
            conflict = entry.standing.conflict
            assert conflict in (None, ReasonCode.NEGATIVE_TIME, *ASKED), entry.conflict
            if conflict is ReasonCode.NEGATIVE_TIME:
                if entry.settled is not None:
                    asked.add(group)
                    continue
                assert entry.netted is not None
                left = Decimal(entry.netted.rest_seconds) / 60
                assert left > 0
                booked[group] += left
            elif conflict is not None:
                asked.add(group)
        for sheet in self.world.kimai.sheets.values():
            entry_id = marked_entry(sheet.description, LOG_TAG)
            assert entry_id is not None
            booked_as = rows.get(entry_id % 10**10)
            if booked_as is None:
                conflict = (await self.world.entry(entry_id % 10**10)).standing.conflict
                assert sheet.exported or conflict in ASKED, "gone, and nobody was asked"
                continue
            billed[booked_as.ticket_id, booked_as.type_id] += _minutes(sheet.duration)
        for group in booked.keys() - asked:
            assert billed[group] == booked[group], group


def _minutes(lasting: timedelta) -> Decimal:
    return Decimal(int(lasting.total_seconds())) / 60


Netted.TestCase.settings = settings(
    deadline=None,
    max_examples=60,
    stateful_step_count=25,
    suppress_health_check=list(HealthCheck),
)
TestNetted = Netted.TestCase
