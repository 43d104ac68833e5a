"""What people do in Zammad, over real HTTP against the sandbox: what each run makes of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from adapters.sandbox.control.middleware import Controlled
from adapters.sandbox.zammad import ZammadState, create_zammad_app
from adapters.zammad.client import ZammadTickets
from domain.ids import MappingId
from domain.mapping.rows import UserMapping
from domain.sync_run.decide import Run
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.support.bookings import activity_mapping, project_mapping
from tests.support.guarded import running
from tests.support.peers import World
from tests.support.zammad_world import Company

ACME_PROJECT, OTHER_PROJECT, TRAVEL_ACTIVITY, RAVI = 1, 2, 7, 8


@dataclass
class Desk:
    """Zammad on a socket, Kimai in memory, and one clock for all three."""

    world: World
    app: Controlled
    company: Company
    url: str

    @property
    def state(self) -> ZammadState:
        return self.company.state

    async def run(self, secret: str = "ROBOT") -> Run:
        """One run an hour after the last, with a client of its own, as the service does it."""
        self.company.pass_time(hours=1)
        self.world.clock.advance(timedelta(hours=1))
        self.app.requests.clear()
        async with ZammadTickets(self.url, secret) as client:
            self.world.tickets = client  # type: ignore[assignment] # the real one
            run = await self.world.sync()
        assert run.state == "completed", run.error
        return run

    async def conflict(self, source_id: int) -> ReasonCode | None:
        return (await self.world.entry(source_id)).standing.conflict

    async def standing(self, source_id: int) -> EntryState:
        return (await self.world.entry(source_id)).standing.state


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with _desk() as there:
        yield there


@asynccontextmanager
async def _desk(version: str = "7.2.2") -> AsyncIterator[Desk]:
    """Bookings 1 and 2 of Emma's are on ticket 1, in Kimai, and known as such."""
    company = Company(version=version)
    world = World(
        projects=(
            project_mapping(source_id=company.acme.id, kimai_project_id=ACME_PROJECT),
            project_mapping(
                mapping_id=MappingId(9),
                source_id=company.other.id,
                kimai_project_id=OTHER_PROJECT,
            ),
        ),
        activities=(
            activity_mapping(zammad_type_id=company.support.id),
            activity_mapping(
                mapping_id=MappingId(9),
                zammad_type_id=company.travel.id,
                kimai_activity_id=TRAVEL_ACTIVITY,
            ),
        ),
        users=(
            user_mapping(1, company.emma.id, 4),
            user_mapping(2, company.ravi.id, RAVI),
        ),
    )
    for _ in range(2):
        company.state.book(1, "15", by=company.emma.id, type_id=company.support.id)
        company.pass_time(hours=1)
    world.clock.advance(company.clock.now() - world.clock.now())
    app = create_zammad_app(company.state)
    async with running(app) as url:
        there = Desk(world, app, company, url)
        await there.run()
        assert len(world.kimai.sheets) == 2
        yield there


def user_mapping(number: int, zammad_user: int, kimai_user: int) -> UserMapping:
    return UserMapping(
        mapping_id=MappingId(number),
        version=1,
        zammad_user_id=zammad_user,
        kimai_user_id=kimai_user,
    )


async def test_an_idle_run_asks_zammad_twice(desk: Desk) -> None:
    await desk.run()
    counts = desk.app.requests
    assert counts.total == 2
    assert counts.count("GET", "/api/v1/time_accountings") == 1
    assert counts.count("POST", "/api/v1/tickets/search") == 1


async def test_before_7_0_an_idle_run_asks_for_the_count_as_well() -> None:
    async with _desk(version="6.5.2") as there:
        await there.run()
        assert there.app.requests.total == 3


async def test_an_amount_and_a_type_that_change_alone_are_seen(desk: Desk) -> None:
    """Trap 4: a type-only edit shows in the entry's own `updated_at` and nowhere else."""
    desk.state.correct(1, time_unit="30")
    desk.state.correct(2, type_id=desk.company.travel.id)
    before = desk.state.tickets[1].updated_at
    run = await desk.run()
    assert run.counters.updated == 2
    assert desk.state.tickets[1].updated_at == before
    first, second = desk.world.kimai.sheets.values()
    assert first.duration == timedelta(minutes=30)
    assert (second.activity_id, second.duration) == (TRAVEL_ACTIVITY, timedelta(minutes=15))


async def test_a_ticket_that_moves_to_another_organisation_moves_its_time(desk: Desk) -> None:
    """Trap 14: the bookings stay as they are, and belong to somebody else all the same."""
    them = desk.state.add_customer("otto@other.example", organization_id=desk.company.other.id)
    desk.company.pass_time(minutes=30)
    desk.state.change_ticket(1, customer_id=them.id, organization_id=desk.company.other.id)
    run = await desk.run()
    assert run.counters.updated == 2
    assert {sheet.project_id for sheet in desk.world.kimai.sheets.values()} == {OTHER_PROJECT}
    assert (await desk.run()).counters.updated == 0


async def test_a_merged_ticket_keeps_its_time(desk: Desk) -> None:
    """Trap 9: to a ticket of the same project without a word, else a person is asked."""
    other = desk.state.add_customer("otto@other.example", organization_id=desk.company.other.id)
    same = desk.state.add_ticket(title="Same", group_id=1, customer_id=desk.company.emily.id)
    foreign = desk.state.add_ticket(title="Foreign", group_id=1, customer_id=other.id)
    stray = desk.state.add_ticket(title="Stray", group_id=1, customer_id=desk.company.emily.id)
    desk.state.book(stray.id, "5", by=desk.company.emma.id, type_id=desk.company.support.id)
    await desk.run()
    desk.company.pass_time(minutes=30)
    desk.state.merge_tickets(1, same.id)
    desk.state.merge_tickets(stray.id, foreign.id)
    await desk.run()
    assert (await desk.standing(1), await desk.standing(2)) == (EntryState.SYNCED,) * 2
    assert await desk.conflict(3) is ReasonCode.TICKET_MERGED
    assert len(desk.world.kimai.sheets) == 3


async def test_a_ticket_out_of_reach_is_parked_and_healed(desk: Desk) -> None:
    """Trap 23: the list shows bookings of tickets that the token may not read."""
    hidden = desk.state.add_ticket(
        title="Board", group_id=desk.company.secret_group.id, customer_id=desk.company.emily.id
    )
    desk.state.book(hidden.id, "5", by=desk.company.emma.id, type_id=desk.company.support.id)
    await desk.run()
    assert await desk.conflict(3) is ReasonCode.TICKET_UNREADABLE
    head = len(await desk.world.types(3))
    await desk.run()
    assert await desk.conflict(3) is ReasonCode.TICKET_UNREADABLE
    assert len(await desk.world.types(3)) == head, "asking again in vain leaves no trace"
    desk.state.change_user(desk.company.robot.id, group_ids={"1": ["read"], "2": ["read"]})
    await desk.run()
    assert await desk.standing(3) is EntryState.SYNCED
    assert len(desk.world.kimai.sheets) == 3


async def test_a_ticket_that_gets_out_of_reach_leaves_its_timesheets(desk: Desk) -> None:
    desk.state.change_user(desk.company.robot.id, group_ids={})
    await desk.run()
    assert await desk.standing(1) is EntryState.SYNCED
    desk.state.correct(1, time_unit="30")
    await desk.run()
    assert await desk.standing(1) is EntryState.SYNCED
    assert desk.world.kimai.sheets[1].duration == timedelta(minutes=30)


async def test_a_deleted_article_takes_its_booking_along(desk: Desk) -> None:
    article = desk.state.add_article(
        1,
        "Reset the tunnel.",
        time_unit="5",
        time_type_id=desk.company.support.id,
        by=desk.company.emma.id,
    )
    await desk.run()
    assert await desk.standing(3) is EntryState.SYNCED
    desk.company.pass_time(minutes=30)
    desk.state.delete_article(article.id)
    await desk.run()
    assert await desk.conflict(3) is ReasonCode.SOURCE_DELETED
    assert (await desk.standing(1), await desk.standing(2)) == (EntryState.SYNCED,) * 2


async def test_a_booking_whose_article_went_to_another_ticket_keeps_its_words(desk: Desk) -> None:
    """Trap 9: a merge takes the articles along and leaves the bookings."""
    desk.state.add_article(
        1,
        "Reset the tunnel.",
        time_unit="5",
        time_type_id=desk.company.support.id,
        by=desk.company.emma.id,
    )
    same = desk.state.add_ticket(title="Same", group_id=1, customer_id=desk.company.emily.id)
    await desk.run()
    desk.company.pass_time(minutes=30)
    desk.state.merge_tickets(1, same.id)
    desk.state.correct(3, time_unit="10")
    await desk.run()
    sheet = desk.world.kimai.sheets[3]
    assert sheet.duration == timedelta(minutes=10)
    assert sheet.description.startswith("Reset the tunnel.")


async def test_an_inactive_type_still_counts(desk: Desk) -> None:
    """Trap 24."""
    desk.state.change(desk.state.types, desk.company.travel, active=False)
    desk.state.book(1, "5", by=desk.company.emma.id, type_id=desk.company.travel.id)
    await desk.run()
    assert await desk.standing(3) is EntryState.SYNCED
    assert desk.world.kimai.sheets[3].activity_id == TRAVEL_ACTIVITY


async def test_a_booking_of_another_agent_goes_to_that_person(desk: Desk) -> None:
    """Trap 13: who booked counts, not who owns the ticket."""
    booked = desk.state.book(1, "5", by=desk.company.ravi.id, type_id=desk.company.support.id)
    await desk.run()
    assert desk.world.kimai.sheets[3].user_id == RAVI
    with desk.state.transaction():  # no call of Zammad's does that, but a database repair does
        emmas = {"created_by_id": desk.company.emma.id, "updated_at": desk.state.now_text()}
        desk.state.put(desk.state.entries, msgspec.structs.replace(booked, **emmas))
    await desk.run()
    assert desk.world.kimai.sheets[3].user_id == 4


async def test_a_sum_of_zero_and_a_booking_of_zero_leave_kimai_alone(desk: Desk) -> None:
    """Trap 3: zero is recorded, and neither dropped nor written."""
    desk.state.book(1, "0", by=desk.company.emma.id, type_id=desk.company.support.id)
    await desk.run()
    booking = (await desk.world.entry(3)).booking
    assert booking is not None
    assert booking.time_unit == Decimal(0)
    assert len(desk.world.kimai.sheets) == 2
