"""Netting under any history: sums agree, nothing goes below zero, billed time stays as it is."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.ids import EntryId
from domain.rules.netting import Member, net
from domain.time_entry.values import Reduction
from tests.support.bookings import BOOKED
from tests.support.peers import Crash, World

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


class Corrections(RuleBasedStateMachine):
    """Bookings of one agent on two tickets; runs that end, and runs that die anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = World(kimai={"delete_policy": "delete"})
        self.number = 0
        self.billed: dict[int, timedelta] = {}

    def teardown(self) -> None:
        self.loop.close()

    def _do(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self.loop.run_until_complete(work())

    @rule(amount=amounts, ticket=st.sampled_from([50, 51]))
    def book(self, amount: int, ticket: int) -> None:
        self.number += 1
        newest = self.world.clock.now() + timedelta(seconds=self.number)
        self.world.tickets.book(
            self.number, time_unit=Decimal(amount), ticket_id=ticket, updated_at=newest
        )

    @precondition(lambda self: self.world.tickets.rows)
    @rule(data=st.data(), amount=amounts)
    def edit(self, data: st.DataObject, amount: int) -> None:
        number = data.draw(st.sampled_from(sorted(self.world.tickets.rows)))
        self.world.tickets.edit(number, time_unit=Decimal(amount))

    @precondition(lambda self: self.world.tickets.rows)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.world.tickets.rows)))
        if len(self.world.tickets.rows) > 1:  # an empty list looks like a lost permission
            del self.world.tickets.rows[number]

    @precondition(lambda self: self.world.kimai.sheets)
    @rule(data=st.data())
    def export(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.world.kimai.sheets)))
        self.world.kimai.export(number)
        self.billed.setdefault(number, self.world.kimai.sheets[number].duration)

    @rule()
    def run(self) -> None:
        self._do(self.world.sync)

    @rule(point=st.integers(1, 60))
    def die(self, point: int) -> None:
        perils = self.world.perils
        perils.reached, perils.crash_at = 0, point
        try:
            self._do(self.world.sync)
        except* Crash:
            pass
        perils.dead, perils.crash_at = False, None

    @invariant()
    def billed_time_stays(self) -> None:
        for number, duration in self.billed.items():
            assert self.world.kimai.sheets[number].duration == duration

    @invariant()
    def nothing_is_below_zero(self) -> None:
        assert all(sheet.duration >= 0 * MINUTE for sheet in self.world.kimai.sheets.values())

    @rule()
    def sums_agree_in_the_end(self) -> None:
        for _ in range(3):
            self.world.clock.advance(timedelta(hours=25))
            self.world.kimai.land()
            self._do(self.world.sync)
        self._do(self._compare)

    async def _compare(self) -> None:
        booked: defaultdict[int, Decimal] = defaultdict(Decimal)
        held: defaultdict[int, Decimal] = defaultdict(Decimal)
        open_conflicts = set[int]()
        for number in range(1, self.number + 1):
            row = self.world.tickets.rows.get(number)
            if row is None and not await self.world.types(number):
                continue  # deleted before anybody saw it
            entry = await self.world.entry(number)
            assert entry.booking is not None
            ticket = entry.booking.ticket_id
            if entry.conflict is not None:
                open_conflicts.add(ticket)
            if row is not None:
                booked[ticket] += row.time_unit  # type: ignore[union-attr] # all are readable
            if entry.standing.timesheet_id is not None:
                sheet = self.world.kimai.sheets[entry.standing.timesheet_id]
                held[ticket] += Decimal(sheet.duration // MINUTE)
        for ticket in booked.keys() - open_conflicts:
            assert held[ticket] == booked[ticket], ticket
        writes = self.world.kimai.writes
        await self.world.sync()
        assert self.world.kimai.writes == writes


Corrections.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
test_corrections = Corrections.TestCase
