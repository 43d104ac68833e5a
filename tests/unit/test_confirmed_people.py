"""Who is known by e-mail gets a row among the mappings, once, and nobody's own row is touched."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.event import Actor, Metadata
from domain.ids import MappingId, user_mapping_stream
from domain.mapping.events import UserMappingSet
from domain.mapping.rows import UserMapping
from domain.personal import Personal
from domain.ports.timesheets import TargetItem
from domain.rules.configuration import Situation, people_by_email
from domain.sync.confirming import Confirmer
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.support.bookings import configuration, context
from tests.support.peers import Crash, World

EMMA = TargetItem(item_id=4, name="emma", active=True, email="Agent5@Example.com")
ALICE = Metadata(actor=Actor(kind="service", name="sync"), correlation_id="run-1")


async def rows(world: World) -> list[UserMappingSet]:
    """All that was ever recorded of people."""
    found: list[UserMappingSet] = []
    for number in range(1, 9):
        history = await world.store.read(user_mapping_stream(MappingId(number)))
        found += [event for event in history.events if isinstance(event, UserMappingSet)]
    return found


def meeting(*people: TargetItem, **settings: Any) -> World:
    world = World(**{"users": (), **settings})
    world.kimai.people = people
    world.tickets.book(9)
    return world


async def test_it_is_recorded_with_names_and_origin() -> None:
    world = meeting(EMMA)
    await world.sync()
    (row,) = await rows(world)
    assert (row.zammad_user_id, row.kimai_user_id, row.origin) == (5, 4, "email")
    assert row.is_active
    assert row.zammad_user_email is not None
    assert row.zammad_user_email.value == "agent5@example.com"
    assert row.zammad_user_name is not None
    assert row.zammad_user_name.value == "Emma Taylor"
    assert row.kimai_user_name is not None
    assert (row.kimai_user_name.subject, row.kimai_user_name.value) == ("zammad-user:5", "emma")
    assert (await world.entry(9)).standing.state is EntryState.SYNCED
    world.tickets.book(10)
    await world.sync()
    assert await rows(world) == [row]


async def test_it_is_recorded_also_where_the_booking_waits_for_something_else() -> None:
    world = meeting(EMMA, activities=())
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.UNMAPPED_ACTIVITY
    assert len(await rows(world)) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"accept_email_matches": False},
        {"listed_people": frozenset({5})},  # a row that is switched off
        {
            "users": (
                UserMapping(mapping_id=MappingId(7), version=1, zammad_user_id=5, kimai_user_id=8),
            )
        },
    ],
)
async def test_what_people_set_is_left_alone(settings: dict[str, Any]) -> None:
    world = meeting(EMMA, **settings)
    await world.sync()
    assert await rows(world) == []


async def test_an_address_of_two_or_of_nobody_is_no_match() -> None:
    for people in ((EMMA, replace(EMMA, item_id=5)), (replace(EMMA, active=False),), ()):
        world = meeting(*people)
        await world.sync()
        assert await rows(world) == []
        assert (await world.entry(9)).standing.conflict is ReasonCode.USER_UNMAPPED


async def test_a_rehearsal_records_nothing() -> None:
    world = meeting(EMMA)
    await world.plan()
    assert await rows(world) == []


async def test_runs_at_the_same_time_make_one_row() -> None:
    world = meeting(EMMA)
    situation = Situation(
        configuration=configuration(users=()),
        people=people_by_email([EMMA]),
        user_names={4: "emma"},
    )
    confirmers = [Confirmer(ports=world.ports(), metadata=ALICE) for _ in range(8)]
    address = Personal("zammad-user:5", "agent5@example.com")
    people = [(5, context(agent_email=address))]
    await asyncio.gather(*(each.confirm(situation, people) for each in confirmers))
    assert len(await rows(world)) == 1


async def test_a_death_at_any_point_leaves_one_row_in_the_end() -> None:
    point, died = 0, True
    while died:
        point += 1
        world = meeting(EMMA)
        world.perils.reached, world.perils.crash_at = 0, point
        died = False
        try:
            await world.sync()
        except* Crash:
            died = True
        finally:
            world.perils.dead, world.perils.crash_at = False, None
        world.an_hour_later()
        world.tickets.book(10, time_unit=Decimal(15))
        run = await world.sync()
        assert run.state == "completed", (point, run.error)
        assert len(await rows(world)) == 1, point
    assert point > 8
