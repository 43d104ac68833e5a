"""Ways in which a booking could be lost or written twice while every part works as it should."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from adapters.memory import MemoryEventStore
from domain.catalogue import ALL
from domain.errors import LedgerError, OutcomeUnknown, StreamMovedOn, Unavailable
from domain.event import Actor, Append, Appended, Metadata
from domain.handling import handle
from domain.ids import entry_id, entry_stream
from domain.ports.ticket_system import ListedEntry
from domain.rules import requests
from domain.sync_run.events import SyncRunProgressed
from domain.time_entry.commands import Intend, TimeEntryCommand, Unsent
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.standing import EntryState
from domain.time_entry.values import Operation, ReasonCode
from tests.support.bookings import KIMAI, ZAMMAD
from tests.support.peers import NOON, Crash, FakeKnown, FakeTickets, PerilousLedger, World

MARK = "TL-0a1b2c3d-0000010000000009-01"


class OffsetPages(FakeTickets):
    """Pages cut by offset from a list that loses its newest row after the first page."""

    losing: int | None = None

    async def entries_by_update(self) -> AsyncIterator[Sequence[ListedEntry]]:
        start = 0
        while rows := self._newest_first()[start : start + self.page]:
            await self._request("list")
            yield rows
            if self.losing is not None:
                del self.rows[self.losing]
                self.losing = None
            start += self.page

    def _newest_first(self) -> list[ListedEntry]:
        return sorted(self.rows.values(), key=lambda row: row.updated_at or NOON, reverse=True)


async def test_a_deletion_between_two_pages_hides_no_booking() -> None:
    world = World()
    tickets = world.tickets = OffsetPages(world.perils)
    tickets.page = 3
    for source_id in range(1, 8):
        tickets.book(source_id, updated_at=NOON + timedelta(hours=source_id))
    tickets.losing = 7
    await world.sync()
    for source_id in range(1, 7):
        assert (await world.entry(source_id)).standing.state is EntryState.SYNCED
    await world.sync()
    assert (await world.entry(7)).standing.vanished


async def test_a_row_from_the_future_does_not_hide_later_edits() -> None:
    world = World()
    world.tickets.book(1)
    world.tickets.book(2, updated_at=world.clock.now() + timedelta(days=30))
    await world.sync()
    world.an_hour_later()
    world.tickets.edit(1, time_unit=Decimal(45), updated_at=world.clock.now())
    run = await world.sync()
    assert run.counters.updated == 1


@pytest.mark.parametrize("units", ["999999999999.99", "9999999999", "-999999999999.99"])
async def test_an_absurd_amount_waits_alone(units: str) -> None:
    world = World()
    world.tickets.book(8)
    world.tickets.book(9, time_unit=Decimal(units))
    run = await world.sync()
    assert (run.state, run.counters.created, run.counters.conflicts) == ("completed", 1, 1)


async def interrupted_after_the_intent() -> World:
    for point in range(1, 200):
        world = World()
        world.tickets.book(9)
        world.perils.crash_at = point
        try:
            await world.sync()
        except* Crash:
            pass
        history = await world.store.read(entry_stream(entry_id(ZAMMAD, 9)))
        if history.events and history.events[-1].TYPE == "TimesheetWriteIntended":
            world.perils.crash_at, world.perils.dead = None, False
            return world
    raise AssertionError("no such point")


async def test_a_newer_request_of_another_process_is_not_taken_for_the_one_waited_out() -> None:
    world = await interrupted_after_the_intent()
    sleep = world.clock.sleep

    async def tell(command: TimeEntryCommand) -> None:
        metadata = Metadata(actor=Actor(kind="service", name="sync"), correlation_id="other")
        stream = entry_stream(entry_id(ZAMMAD, 9))
        await handle(
            world.store, TIME_ENTRY, stream, command, metadata=metadata, now=world.clock.now()
        )

    async def the_other_process_sends_again(seconds: float) -> None:
        world.clock.sleep = sleep  # type: ignore[method-assign] # only the first wait
        await sleep(seconds)
        entry = await world.entry(9)
        assert entry.intent is not None
        assert entry.decided is not None
        desired = entry.decided.desired
        assert desired is not None
        await tell(Unsent(intent=entry.intent.event.intent, cause="read back"))
        fields = requests.create_fields(desired, MARK, zone=ZoneInfo("Europe/Berlin"), token_user=1)
        await tell(
            Intend(
                target_connector_id=KIMAI,
                operation=Operation.CREATE,
                marker=MARK,
                request=requests.post(fields, desired),
                timesheet_id=None,
            )
        )
        landing = world.clock.now() + timedelta(seconds=30)
        world.kimai.landing_late.append((landing, lambda: world.kimai._store(fields)))

    world.clock.sleep = the_other_process_sends_again  # type: ignore[method-assign] # see above
    await world.resume()
    world.an_hour_later()
    assert len(world.kimai.sheets) == 1
    await world.sync()
    assert len(world.kimai.sheets) == 1
    assert (await world.entry(9)).standing.state is EntryState.SYNCED


async def test_a_database_clock_that_is_behind_shortens_no_wait() -> None:
    world = World()
    world.store = MemoryEventStore(ALL, now=lambda: world.clock.now() - timedelta(hours=2))
    world.known = FakeKnown(world.store)
    world.tickets.book(9)
    world.kimai.late = [timedelta(seconds=50)]
    world.perils.failing["kimai:find"] = [OutcomeUnknown("kimai", "hangs")]
    world.limits = type(world.limits)(attempts=1)
    sleep = world.clock.sleep

    async def at_once(seconds: float) -> None:
        await sleep(0 if seconds > 1 else seconds)

    world.clock.sleep = at_once  # type: ignore[method-assign] # so that the doubt outlives its run
    await world.sync()
    assert (await world.entry(9)).intent is not None
    world.clock.sleep = sleep  # type: ignore[method-assign] # as above
    await world.sync()
    world.an_hour_later()
    assert len(world.kimai.sheets) == 1


async def test_what_was_left_alone_is_carried_over_once_it_is_mapped() -> None:
    world = World(activities=(), kimai={"ignore_unmapped_activities": True})
    world.tickets.book(9)
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.IGNORED
    world.configuration = World().configuration
    await world.sync()
    entry = await world.entry(9)
    assert (entry.standing.state, entry.standing.conflict) == (EntryState.SYNCED, None)


async def test_a_run_from_the_first_day_of_all_leaves_what_waits_alone() -> None:
    world = World(projects=(), kimai={"auto_create_projects": False})
    world.tickets.book(9)
    await world.sync()
    world.configuration = World().configuration
    run = await world.sync(start_date=date.min, end_date=date.min)
    assert run.state == "completed"
    assert (await world.entry(9)).standing.state is EntryState.CONFLICT


async def test_a_timesheet_that_was_moved_before_its_read_back_is_found() -> None:
    for point in range(1, 200):
        world = World()
        world.tickets.book(9)
        world.perils.crash_at = point
        try:
            await world.sync()
        except* Crash:
            pass
        if world.kimai.sheets:
            break
    world.perils.crash_at, world.perils.dead = None, False
    (sheet,) = world.kimai.sheets.values()
    week, ending = timedelta(days=7), sheet.end
    assert ending is not None
    world.kimai.sheets[1] = replace(sheet, begin=sheet.begin - week, end=ending - week)
    await world.resume()
    assert len(world.kimai.sheets) == 1
    assert (await world.entry(9)).standing.timesheet_id == 1


async def test_an_intent_whose_turn_comes_too_late_is_not_sent_but_made_again() -> None:
    world = World()
    world.kimai.turns = asyncio.Semaphore(1)
    world.tickets.book(8)
    world.tickets.book(9)
    late = world.limits.request_limit + timedelta(seconds=1)
    world.perils.then["kimai:create:after"] = lambda: world.clock.advance(late)
    await world.sync()
    assert len(world.kimai.sheets) == 2
    types = [*await world.types(8), *await world.types(9)]
    assert types.count("TimesheetWriteUnsent") == 1
    assert types.count("TimesheetWriteIntended") == 3


@pytest.mark.parametrize(
    ("policy", "conflict"), [("conflict", ReasonCode.TARGET_EDITED), ("overwrite", None)]
)
async def test_an_edit_in_kimai_while_an_update_was_lost_is_seen_as_one(
    policy: str, conflict: ReasonCode | None
) -> None:
    world = World(kimai={"edited_in_kimai_policy": policy})
    world.tickets.book(9)
    await world.sync()
    begin = world.kimai.sheets[1].begin
    world.tickets.edit(9, time_unit=Decimal(180))

    def edited() -> None:
        world.kimai.edit(1, begin=begin + timedelta(minutes=5))

    world.perils.then["kimai:update:before"] = edited
    world.perils.failing["kimai:update:before"] = [OutcomeUnknown("kimai", "reset")]
    await world.sync()
    entry, sheet = await world.entry(9), world.kimai.sheets[1]
    assert entry.standing.conflict is conflict
    wanted = entry.decided and entry.decided.desired and entry.decided.desired.begin
    assert sheet.begin == (wanted if policy == "overwrite" else begin + timedelta(minutes=5))


async def test_an_update_that_was_made_before_somebody_edited_is_not_made_again() -> None:
    world = World()
    world.tickets.book(9)
    await world.sync()
    world.tickets.edit(9, time_unit=Decimal(180))

    def edited() -> None:
        world.kimai.edit(1, begin=world.kimai.sheets[1].begin + timedelta(minutes=5))

    world.perils.then["kimai:update:after"] = edited
    world.perils.failing["kimai:update:after"] = [OutcomeUnknown("kimai", "reset")]
    writes = world.kimai.writes
    await world.sync()
    assert world.kimai.writes == writes + 1
    assert (await world.entry(9)).standing.conflict is ReasonCode.CONFLICT


@dataclass
class BusyRuns(PerilousLedger):
    """Another report of the run's progress is always quicker."""

    refused: int = 0

    async def append_many(self, commands: Sequence[Append]) -> Sequence[Appended | LedgerError]:
        if any(isinstance(e, SyncRunProgressed) for each in commands for e in each.events):
            self.refused += 1
            return [StreamMovedOn(each.stream, 26, 27) for each in commands]
        return await super().append_many(commands)


async def test_reports_that_overtake_each_other_do_not_end_the_run() -> None:
    world = World()
    ledger = BusyRuns(world.store, world.perils)
    world.ports = lambda: replace(  # type: ignore[method-assign] # the same, with that ledger
        World.ports(world), ledger=ledger
    )
    for source_id in range(1, 40):
        world.tickets.book(source_id)
    world.perils.then["kimai:create:before"] = lambda: world.clock.advance(timedelta(seconds=2))
    run = await world.sync()
    assert ledger.refused > 0
    assert (run.state, run.counters.created) == ("completed", 39)


class MuteTickets(FakeTickets):
    """Zammad does not get as far as the articles of `mute`."""

    mute: frozenset[int] = frozenset()
    tripped = False

    async def article_texts(self, ticket_id: int) -> Mapping[int, str]:
        if ticket_id in self.mute:
            raise Unavailable("zammad", f"tickets/{ticket_id}: 500", tripped=self.tripped)
        return await super().article_texts(ticket_id)


@pytest.mark.parametrize(("mute", "tripped"), [(1, False), (4, False), (1, True)])
async def test_a_ticket_whose_articles_are_never_answered_does_not_hold_the_others_up(
    mute: int, tripped: bool
) -> None:
    world = World()
    tickets = world.tickets = MuteTickets(world.perils)
    for source_id in range(1, 8):
        tickets.book(source_id, ticket_id=40 + source_id, article_id=89)
    tickets.mute, tickets.tripped = frozenset(range(41, 41 + mute)), tripped
    run = await world.sync()
    if mute > 1 or tripped:  # it is Zammad
        assert run.state == "failed"
    else:
        assert len(world.kimai.sheets) == 6
        assert "the articles of ticket 41 were not read" in str(run)
    tickets.mute = frozenset()
    world.an_hour_later()
    await world.sync()
    assert len(world.kimai.sheets) == 7
