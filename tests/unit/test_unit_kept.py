"""A changed unit says nothing about what was carried before, whatever becomes of it later."""

from datetime import timedelta
from decimal import Decimal

from domain.event import Actor, Append, Metadata
from domain.ids import entry_id, entry_stream
from domain.time_entry.events import ConflictResolved
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.support.bookings import ZAMMAD, configuration
from tests.support.peers import World

MINUTE = timedelta(minutes=1)


async def carried(*amounts: str, **kimai: object) -> World:
    """These bookings in minutes; from now on the unit is a quarter of an hour."""
    world = World(kimai=kimai)
    for number, amount in enumerate(amounts, 1):
        world.tickets.book(number, time_unit=Decimal(amount))
    await world.sync()
    world.an_hour_later()
    world.configuration = configuration(zammad={"time_unit_minutes": "quarter"}, kimai=kimai)
    return world


async def minutes(world: World, source_id: int) -> int:
    entry = await world.entry(source_id)
    assert entry.settled is not None
    return world.kimai.sheets[entry.settled.written.timesheet_id].duration // MINUTE


async def test_every_entry_records_the_unit_and_who_said_so() -> None:
    world = await carried("15", "0", "-5")
    world.tickets.book(4, time_unit=Decimal("1.5"), ticket_id=51)
    world.tickets.book(5, time_unit=Decimal(2), type_id=99)
    await world.sync()
    said = {}
    for source_id in range(1, 6):
        decided = (await world.entry(source_id)).decided
        assert decided is not None
        said[source_id] = decided.basis.unit_minutes, decided.basis.unit_source
    source = "setting:time_unit_minutes"
    # zero and what waits for a mapping were never carried
    assert said == {n: (Decimal(1 if n in {1, 3} else 15), source) for n in range(1, 6)}
    assert await minutes(world, 4) == 23  # Kimai rounds up to the minute, and we do not
    entry = await world.entry(4)
    assert entry.settled is not None
    assert entry.settled.desired.end - entry.settled.desired.begin == timedelta(minutes=22.5)


async def test_an_edit_of_an_old_booking_is_read_with_the_old_unit() -> None:
    world = await carried("15", "20")
    world.tickets.edit(1, time_unit=Decimal("7.5"))
    world.tickets.edit(2, type_id=4, ticket_id=51)
    world.tickets.book(3, time_unit=Decimal(2))
    await world.sync()
    assert [await minutes(world, n) for n in (2, 3)] == [20, 30]
    entry = await world.entry(1)
    assert entry.settled is not None
    assert entry.settled.desired.end - entry.settled.desired.begin == timedelta(minutes=7.5)


async def test_a_negative_booking_takes_what_it_took_when_another_one_comes() -> None:
    world = await carried("60", "-30")
    world.tickets.book(3, time_unit=Decimal(1))
    world.tickets.book(4, time_unit=Decimal(-1))
    await world.sync()
    assert await minutes(world, 1) == 30
    assert (await world.entry(3)).settled is None  # the fourth takes back all of it
    negative = await world.entry(2)
    assert negative.netted is not None
    assert sum(each.seconds for each in negative.netted.against) == 30 * 60
    world.tickets.edit(2, time_unit=Decimal(-40))
    await world.sync()
    negative = await world.entry(2)
    assert negative.netted is not None
    assert sum(each.seconds for each in negative.netted.against) == 40 * 60


async def test_a_booking_that_was_taken_back_whole_comes_back_as_long_as_it_was() -> None:
    world = await carried("15", "-15")
    assert world.kimai.sheets == {}
    del world.tickets.rows[2]
    await world.sync()
    assert await minutes(world, 1) == 15


async def test_a_timesheet_deleted_in_kimai_comes_back_as_long_as_it_was() -> None:
    world = await carried("15")
    world.kimai.sheets.clear()
    world.clock.advance(timedelta(hours=25))
    await world.sync()
    assert (await world.entry(1)).standing.conflict is ReasonCode.TARGET_DELETED
    again = ConflictResolved(
        entry_id=entry_id(ZAMMAD, 1), reason=ReasonCode.TARGET_DELETED, action="create"
    )
    await world.store.append(
        Append(
            stream=entry_stream(entry_id(ZAMMAD, 1)),
            events=[again],
            metadata=Metadata(actor=Actor(kind="user", name="alice"), correlation_id="r-1"),
            occurred_at=world.clock.now(),
            expected=None,
        )
    )
    world.tickets.edit(1)
    await world.sync()
    assert await minutes(world, 1) == 15


async def test_a_booking_that_reappears_in_zammad_is_as_long_as_it_was() -> None:
    world = await carried("15", delete_policy="delete")
    row = world.tickets.rows.pop(1)
    await world.sync()
    assert (await world.entry(1)).standing.state is EntryState.WITHDRAWN
    world.tickets.rows[1] = row
    world.tickets.edit(1)
    await world.sync()
    assert await minutes(world, 1) == 15


async def test_what_was_never_carried_goes_by_the_unit_of_today() -> None:
    world = World(kimai={})
    world.tickets.book(1, type_id=99, time_unit=Decimal(2))
    await world.sync()
    world.configuration = configuration(
        zammad={"time_unit_minutes": "7.25"}, kimai={"default_activity_id": 9}
    )
    await world.sync()
    entry = await world.entry(1)
    assert entry.settled is not None
    assert entry.settled.desired.end - entry.settled.desired.begin == timedelta(minutes=14.5)
