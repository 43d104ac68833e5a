"""A changed mapping decides again what waits, and nothing else; nothing is written for that."""

import pytest

from domain.errors import Unavailable
from domain.event import Event, Recorded
from domain.ids import EntryId, waiting_stream
from domain.mapping.rows import UserMapping
from domain.ports.known_entries import Unsettled
from domain.sync.redeciding import decide_waiting, waits_for_a_mapping
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from domain.waiting.events import WaitingDecided
from tests.support.bookings import ZAMMAD, activity_mapping, configuration
from tests.support.peers import Crash, World

USUAL = activity_mapping()


def remap(world: World, *types: int) -> None:
    """Somebody adds rows for these types, and the service reads all rows anew."""
    added = (activity_mapping(zammad_type_id=kind, version=1) for kind in types)
    world.configuration = configuration(activities=(USUAL, *added))


async def waiting(*types: int) -> World:
    """Booking 1 was carried; then one of each of these types, which nobody has mapped."""
    world = World()
    world.tickets.book(1)
    for number, kind in enumerate(types, 2):
        world.tickets.book(number, type_id=kind)
    await world.sync()
    assert len(world.kimai.sheets) == 1
    return world


async def again(world: World, change: int | None = None) -> WaitingDecided | None:
    """Because of the change at that position, else of one right now."""
    at = await world.store.head() if change is None else change
    return await decide_waiting(at, world.configuration, world.ports(), limits=world.limits)


async def records(world: World) -> list[Event]:
    return list((await world.store.read(waiting_stream(ZAMMAD))).events)


async def states(world: World, *numbers: int) -> list[EntryState]:
    return [(await world.entry(number)).standing.state for number in numbers]


async def test_a_new_mapping_frees_what_waited_for_it() -> None:
    world = await waiting(77, 77)
    carried = await world.types(1)
    remap(world, 77)
    assert await again(world) == WaitingDecided(
        connector_id=ZAMMAD, to_write=2, held=0, left=0, error=None
    )
    assert await states(world, 2, 3) == [EntryState.PENDING] * 2
    assert await world.types(1) == carried
    assert len(world.kimai.sheets) == 1  # deciding is not writing
    run = await world.sync()
    assert (run.counters.created, len(world.kimai.sheets)) == (2, 3)


async def test_what_waits_for_another_mapping_waits_on_and_is_counted() -> None:
    world = await waiting(77, 78)
    remap(world, 77)
    done = await again(world)
    assert done is not None
    assert (done.to_write, done.held, done.left) == (1, 1, 0)
    assert (await world.entry(3)).standing.conflict is ReasonCode.UNMAPPED_ACTIVITY


async def test_a_removed_mapping_holds_what_was_to_be_written() -> None:
    world = await waiting(77)
    remap(world, 77)
    await again(world)
    remap(world)
    done = await again(world)
    assert done is not None
    assert (done.to_write, done.held) == (0, 1)
    assert await states(world, 1, 2) == [EntryState.SYNCED, EntryState.CONFLICT]


async def test_what_was_left_alone_by_setting_is_decided_with_the_mapping() -> None:
    world = World()
    world.configuration = configuration(kimai={"ignore_unmapped_activities": True})
    world.tickets.book(2, type_id=77)
    await world.sync()
    assert await states(world, 2) == [EntryState.IGNORED]
    world.configuration = configuration(
        kimai={"ignore_unmapped_activities": True},
        activities=(USUAL, activity_mapping(zammad_type_id=77)),
    )
    done = await again(world)
    assert done is not None
    assert (done.to_write, done.left) == (1, 0)


async def test_a_job_that_comes_twice_changes_nothing_the_second_time() -> None:
    world = await waiting(77)
    remap(world, 77)
    assert await again(world) is not None
    head = await world.store.head()
    assert await again(world) is None
    assert await world.store.head() == head


async def test_bookings_that_nobody_has_seen_yet_are_left_to_a_run() -> None:
    world = await waiting(77)
    world.tickets.book(9)
    remap(world, 77)
    done = await again(world)
    assert done is not None
    assert done.to_write == 1
    with pytest.raises(AssertionError):
        await world.entry(9)


async def test_the_record_names_the_change_that_caused_it() -> None:
    world = await waiting(77)
    remap(world, 77)
    head = await world.store.head()
    await again(world)
    (recorded,) = await world.store.read_recorded(waiting_stream(ZAMMAD))
    assert isinstance(recorded, Recorded)
    assert recorded.metadata.causation_position == head
    assert recorded.metadata.correlation_id == f"waiting-{head}"


async def test_a_peer_that_does_not_answer_is_named_and_the_next_run_goes_on() -> None:
    world = World()
    world.tickets.book(2, created_by_id=6)
    await world.sync()
    assert (await world.entry(2)).standing.conflict is ReasonCode.USER_UNMAPPED
    row = UserMapping(mapping_id=USUAL.mapping_id, version=1, zammad_user_id=6, kimai_user_id=4)
    world.configuration = configuration(users=(row,))
    world.perils.failing["kimai:users"] = [Unavailable("kimai", "no connection")]
    done = await again(world)
    assert done is not None
    assert done.to_write == 0
    assert "no connection" in (done.error or "")
    run = await world.sync()
    assert run.counters.created == 1


async def test_whenever_it_is_killed_the_next_job_decides_the_rest_and_counts_all() -> None:
    killed = 0
    all_of_it = WaitingDecided(connector_id=ZAMMAD, to_write=2, held=1, left=0, error=None)
    for point in range(1, 99):
        world = await waiting(77, 77, 78)
        remap(world, 77)
        change = await world.store.head()
        world.perils.reached, world.perils.crash_at = 0, point
        try:
            await again(world, change)
        except Crash:
            killed += 1
        else:
            break
        world.perils.dead, world.perils.crash_at = False, None
        told = await again(world, change)
        assert told in (None, all_of_it), "or the record was there already"
        assert await records(world) == [all_of_it]
        assert await again(world, change) is None
        assert await states(world, 2, 3) == [EntryState.PENDING] * 2
        assert await states(world, 1, 4) == [EntryState.SYNCED, EntryState.CONFLICT]
        assert len(world.kimai.sheets) == 1
    assert killed > 5


@pytest.mark.parametrize("state", EntryState)
def test_only_what_is_not_at_rest_is_decided_again(state: EntryState) -> None:
    expected = state in (EntryState.PENDING, EntryState.IGNORED, EntryState.CONFLICT)
    assert waits_for_a_mapping(item(state, ReasonCode.UNMAPPED_ACTIVITY)) is expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (ReasonCode.UNMAPPED_ACTIVITY, True),
        (ReasonCode.USER_UNMAPPED, True),
        (ReasonCode.PROJECT_OR_CUSTOMER_MISSING, True),
        (ReasonCode.TICKET_MERGED, True),
        (ReasonCode.PEER_REJECTED, True),  # as an activity of another project
        (ReasonCode.NEGATIVE_TIME, False),
        (ReasonCode.UNIT_UNKNOWN, False),
        (ReasonCode.TICKET_UNREADABLE, False),
        (ReasonCode.TARGET_EDITED, False),
        (ReasonCode.WRITE_UNCERTAIN, False),
        (ReasonCode.DUPLICATE, False),
    ],
)
def test_only_some_reasons_are_answered_by_a_mapping(reason: ReasonCode, expected: bool) -> None:
    assert waits_for_a_mapping(item(EntryState.CONFLICT, reason)) is expected


def item(state: EntryState, reason: ReasonCode) -> Unsettled:
    return Unsettled(
        entry_id=EntryId(1), ticket_id=1, state=state, reason=reason, decided_with="earlier"
    )
