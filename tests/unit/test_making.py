"""Kimai projects and customers that a run finds or makes: by number, one of each, and no other."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory import MemoryClock
from domain.errors import Misconfigured, Rejected, StreamMovedOn, Unavailable
from domain.event import Actor, Metadata
from domain.handling import handle
from domain.ids import ConnectorId, entry_id, entry_stream
from domain.plan.values import Action
from domain.ports.timesheets import TargetItem
from domain.rules.wanted import allowed_name, wanted
from domain.sync.preparing import Order, prepare
from domain.sync.redeciding import decide_waiting
from domain.sync.tally import Tally
from domain.target_item.events import TargetItemFound, TargetItemIntended
from domain.target_item.values import Creation, ItemKind, Owner, OwnerKind
from domain.time_entry.causes import RefusalCause
from domain.time_entry.commands import Retry
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.property.test_sync_faults import dies_at, one_timesheet_per_booking
from tests.support.bookings import KIMAI, ZAMMAD, configuration, context, project_mapping
from tests.support.peers import World

CUSTOMER, PROJECT = ItemKind.CUSTOMER, ItemKind.PROJECT


def unmapped(**kimai: Any) -> World:
    """No project mapping: the strategy decides."""
    return World(projects=(), kimai=kimai)


def numbers(world: World, kind: ItemKind) -> list[str | None]:
    return [item.number for item in world.kimai.items[kind]]


def booked_on(world: World) -> Counter[str | None]:
    """Timesheets by the number of their project."""
    by_id = {item.item_id: item.number for item in world.kimai.items[PROJECT]}
    return Counter(by_id[sheet.project_id] for sheet in world.kimai.sheets.values())


def made(world: World) -> list[Creation]:
    return [body for body in world.kimai.bodies if isinstance(body, Creation)]


def listed(world: World, kind: ItemKind, number: str, **more: Any) -> TargetItem:
    """Somebody makes one by hand."""
    item = TargetItem(
        item_id=len(world.kimai.items[kind]) + 500, name="x", active=True, number=number, **more
    )
    world.kimai.items[kind].append(item)
    return item


async def cause(world: World, source_id: int = 1) -> RefusalCause | None:
    entry = await world.entry(source_id)
    return None if entry.conflict is None else entry.conflict.cause


async def why(world: World, source_id: int = 1) -> str:
    entry = await world.entry(source_id)
    assert entry.conflict is not None, entry.standing
    assert entry.conflict.reason is ReasonCode.PROJECT_OR_CUSTOMER_MISSING
    return entry.conflict.detail


async def retry(world: World, source_id: int = 1) -> None:
    await handle(
        world.store,
        TIME_ENTRY,
        entry_stream(entry_id(ZAMMAD, source_id)),
        Retry(),
        metadata=Metadata(actor=Actor(kind="user", name="alice"), correlation_id="retry"),
        now=world.clock.now(),
    )


async def test_a_ticket_gets_a_project_under_the_customer_of_its_organization() -> None:
    world = unmapped(default_country="DE", default_timezone="Europe/Berlin")
    world.tickets.book(1)
    world.tickets.book(2)
    world.tickets.book(3, ticket_id=51)
    run = await world.sync()
    assert (run.state, run.counters.created) == ("completed", 3)
    assert numbers(world, CUSTOMER) == ["ZO3"]
    assert sorted(numbers(world, PROJECT), key=str) == ["ZT50", "ZT51"]
    assert booked_on(world) == {"ZT50": 2, "ZT51": 1}
    customer, *projects = made(world)
    assert customer == Creation(
        path="/api/customers",
        fields={
            "name": "Awesome Customer Inc.",
            "number": "ZO3",
            "country": "DE",
            "currency": "EUR",
            "timezone": "Europe/Berlin",
        },
    )
    assert {str(each.body["name"]) for each in projects} == {"10050 VPN down", "10051 VPN down"}
    entry = await world.entry(1)
    assert entry.settled is not None
    assert entry.settled.basis.project == "number:ZT50"


async def test_a_second_run_makes_nothing_and_a_later_booking_finds_it() -> None:
    world = unmapped()
    world.tickets.book(1)
    await world.sync()
    world.an_hour_later()
    world.tickets.book(2)
    await world.sync()
    assert len(made(world)) == 2
    assert booked_on(world) == {"ZT50": 2}


async def test_a_project_per_organization_and_per_person_without_one() -> None:
    world = unmapped(project_strategy="per_organization")
    world.tickets.customers[51] = None  # type: ignore[assignment] # a ticket without organization
    world.tickets.book(1)
    world.tickets.book(2, ticket_id=51)
    world.tickets.book(3, ticket_id=52)
    await world.sync()
    assert sorted(numbers(world, CUSTOMER), key=str) == ["ZO3", "ZU8"]
    assert booked_on(world) == {"ZO3": 2, "ZU8": 1}
    assert {each.body["name"] for each in made(world)} == {"Awesome Customer Inc.", "Emily Adams"}
    personal = [each for each in made(world) if each.fields["number"] == "ZU8"]
    assert all("name" not in each.fields for each in personal)  # sealed where it is stored


async def test_a_mapping_may_name_the_customer_only() -> None:
    row = project_mapping(kimai_project_id=None, kimai_customer_id=7)
    world = World(projects=(row,))
    world.tickets.book(1)
    await world.sync()
    (project,) = world.kimai.items[PROJECT]
    assert (project.parent_id, numbers(world, CUSTOMER)) == (7, [])


async def test_what_a_person_made_with_that_number_is_used() -> None:
    world = unmapped()
    customer = listed(world, CUSTOMER, "ZO3")
    listed(world, PROJECT, "ZT50", parent_id=customer.item_id)
    listed(world, PROJECT, "ZT501", parent_id=customer.item_id)  # no key is a substring
    world.tickets.book(1)
    await world.sync()
    assert made(world) == []
    assert booked_on(world) == {"ZT50": 1}


@pytest.mark.parametrize("off", ["auto_create_projects", "auto_create_customers"])
async def test_what_is_not_to_be_made_waits_until_it_is_there(off: str) -> None:
    world = unmapped(**{off: False})
    world.tickets.book(1)
    run = await world.sync()
    assert (run.state, made(world), run.counters.conflicts) == ("completed", [], 1)
    assert off in await why(world)
    assert await cause(world) is RefusalCause.CUSTOMER_MISSING  # and the project with it
    before = await world.types(1)
    await world.sync()
    assert await world.types(1) == before  # nothing changed, so nothing is said again
    customer = listed(world, CUSTOMER, "ZO3")
    listed(world, PROJECT, "ZT50", parent_id=customer.item_id)
    await world.sync()
    assert booked_on(world) == {"ZT50": 1}


async def test_turning_it_on_makes_what_waited() -> None:
    world = unmapped(auto_create_projects=False)
    world.tickets.book(1)
    await world.sync()
    world.configuration = configuration(projects=())
    await world.sync()
    assert booked_on(world) == {"ZT50": 1}


async def test_a_missing_permission_is_met_once_and_remembered() -> None:
    world = unmapped()
    customer = listed(world, CUSTOMER, "ZO3")
    world.kimai.may_not_make = {PROJECT}
    for number in range(1, 6):
        world.tickets.book(number, ticket_id=49 + number)
    run = await world.sync()
    assert (run.state, run.counters.conflicts) == ("completed", 5)
    assert len(made(world)) == 1  # it is a permission, not this one project
    assert "create_project" in await why(world, 3)
    assert await cause(world, 3) is RefusalCause.PROJECT_MISSING
    before = await world.types(1)
    await world.sync()
    assert (len(made(world)), await world.types(1)) == (1, before)
    world.kimai.may_not_make, world.kimai.roles = set(), ("ROLE_ADMIN",)
    await world.sync()
    assert sum(booked_on(world).values()) == 5
    assert {item.parent_id for item in world.kimai.items[PROJECT]} == {customer.item_id}


async def test_a_permission_that_was_given_frees_all_once_one_could_be_made() -> None:
    """Kimai does not tell which permissions a role has: a new booking finds out."""
    world = unmapped()
    world.kimai.may_not_make = {PROJECT}
    for number in range(1, 6):
        world.tickets.book(number, ticket_id=49 + number)
    await world.sync()
    world.tickets.book(6, ticket_id=60)
    await world.sync()
    assert [each.path for each in made(world)].count("/api/projects") == 2
    world.kimai.may_not_make = set()
    world.tickets.book(7, ticket_id=61)
    await world.sync()
    assert booked_on(world)["ZT61"] == 1
    await world.sync()
    assert sum(booked_on(world).values()) == 7


async def test_a_person_can_have_a_refused_one_tried_again() -> None:
    world = unmapped()
    world.kimai.may_not_make = {PROJECT}
    world.tickets.book(1)
    await world.sync()
    await retry(world)
    await world.sync()
    assert [each.path for each in made(world)] == ["/api/customers", *["/api/projects"] * 2]
    world.kimai.may_not_make = set()
    await retry(world)
    await world.sync()
    assert booked_on(world) == {"ZT50": 1}
    assert numbers(world, CUSTOMER) == ["ZO3"]


async def test_a_refusal_is_remembered_also_for_a_new_booking_until_something_changes() -> None:
    world = unmapped()
    listed(world, CUSTOMER, "ZO3")
    refusal = Rejected("kimai", "400", status=400, fields=("name",))
    world.perils.failing["kimai:make:before"] = [refusal]
    world.tickets.book(1)
    await world.sync()
    world.tickets.book(2)
    await world.sync()
    assert len(made(world)) == 1
    assert "at name" in await why(world, 2)
    world.configuration = configuration(
        projects=(project_mapping(kimai_project_id=None, kimai_customer_id=7),)
    )
    await world.sync()
    assert booked_on(world) == {"ZT50": 2}


async def test_a_refusal_of_one_does_not_hold_the_others() -> None:
    world = unmapped()
    listed(world, CUSTOMER, "ZO3")
    world.perils.failing["kimai:make:before"] = [
        Rejected("kimai", "400", status=400, fields=("name",))
    ]
    world.limits = replace(world.limits, writers=1)
    world.tickets.book(1)
    world.tickets.book(2, ticket_id=51)
    run = await world.sync()
    assert (run.state, run.counters.created, run.counters.conflicts) == ("completed", 1, 1)


async def test_a_number_that_is_taken_in_between_is_looked_up() -> None:
    world = unmapped()
    world.kimai.duplicates = False
    customer = listed(world, CUSTOMER, "ZO3")

    def faster() -> None:
        listed(world, PROJECT, "ZT50", parent_id=customer.item_id)

    world.perils.then["kimai:make:before"] = faster
    world.tickets.book(1)
    await world.sync()
    assert numbers(world, PROJECT) == ["ZT50"]
    assert booked_on(world) == {"ZT50": 1}


async def test_a_number_that_is_taken_and_not_shown_says_so() -> None:
    world = unmapped()
    listed(world, CUSTOMER, "ZO3")
    taken = Rejected("kimai", "400", status=400, fields=("number",))
    world.perils.failing["kimai:make:before"] = [taken]
    world.tickets.book(1)
    await world.sync()
    assert "is not shown" in await why(world)


async def test_two_with_one_number_are_a_conflict() -> None:
    world = unmapped()
    customer = listed(world, CUSTOMER, "ZO3")
    for _ in range(2):
        listed(world, PROJECT, "ZT50", parent_id=customer.item_id)
    world.tickets.book(1)
    await world.sync()
    assert "Several projects" in await why(world)
    assert made(world) == []


async def test_a_ticket_that_moved_is_a_conflict_and_no_second_project() -> None:
    world = unmapped()
    world.tickets.book(1)
    await world.sync()
    world.an_hour_later()
    world.tickets.move(50, 9, at=world.clock.now())
    world.tickets.book(2)
    run = await world.sync()
    assert run.state == "completed"  # lesson 21: it once stopped every later run
    assert numbers(world, PROJECT) == ["ZT50"]
    assert "organization 9 (number ZO9" in await why(world, 2)


async def test_a_merged_ticket_waits_for_a_person_with_a_project_per_ticket() -> None:
    world = unmapped()
    world.tickets.merged[50] = 51
    world.tickets.book(1)
    await world.sync()
    entry = await world.entry(1)
    assert entry.conflict is not None
    assert entry.conflict.reason is ReasonCode.TICKET_MERGED
    assert made(world) == []


async def test_a_merged_ticket_of_one_organization_goes_to_its_project() -> None:
    world = unmapped(project_strategy="per_organization")
    world.tickets.merged[50] = 51
    world.tickets.book(1)
    await world.sync()
    assert booked_on(world) == {"ZO3": 1}


async def test_a_number_that_does_not_fit_is_not_cut() -> None:
    world = unmapped()
    world.tickets.book(1, ticket_id=100_000_000)
    world.tickets.book(2, ticket_id=99_999_999)
    await world.sync()
    assert "ZT100000000" in await why(world, 1)
    assert booked_on(world) == {"ZT99999999": 1}


async def test_the_number_of_another_zammad_is_not_ours() -> None:
    world = unmapped()
    world.tickets.book(1)
    await world.sync()
    other = configuration(projects=(), source=ConnectorId(7))
    crossing = crossing_of(world, other)
    await crossing.run()
    entry = await world.store.read(entry_stream(entry_id(ConnectorId(7), 1)))
    assert any("connector 1" in getattr(event, "detail", "") for event in entry.events)
    assert len(made(world)) == 2


async def test_nothing_is_made_for_what_cannot_be_written() -> None:
    world = World(projects=(), users=())
    world.tickets.book(1)
    world.tickets.book(2, type_id=77)
    world.tickets.book(3, time_unit=0)
    world.tickets.hidden_tickets.add(51)
    world.tickets.book(4, ticket_id=51)
    await world.sync()
    assert made(world) == []


async def test_one_that_was_deleted_in_kimai_is_not_made_again_by_itself() -> None:
    world = unmapped()
    world.tickets.book(1)
    await world.sync()
    world.an_hour_later()
    world.kimai.items[PROJECT].clear()
    world.tickets.book(2)
    await world.sync()
    assert "any more" in await why(world, 2)
    assert len(made(world)) == 2


async def test_a_changed_mapping_alone_makes_nothing() -> None:
    world = unmapped(auto_create_projects=False)
    world.tickets.book(1)
    await world.sync()
    world.configuration = configuration(projects=())
    position = await world.store.head()
    await decide_waiting(position, world.configuration, world.ports(), limits=world.limits)
    assert made(world) == []
    assert (await world.entry(1)).standing.state is EntryState.CONFLICT
    await world.sync()
    assert booked_on(world) == {"ZT50": 1}


async def test_stacked_bookings_get_their_project_before_their_place() -> None:
    world = World(projects=(), zammad={"work_time_anchor": "day_start_stacked"})
    for number in (1, 2, 3):
        world.tickets.book(number, ticket_id=50 + number % 2)
    plan = await world.plan()
    rows = await world.rows_of(plan)
    assert [len(row.creates) for row in rows] == [2, 2, 2]
    run = await world.apply(plan)
    assert (run.state, run.counters.created) == ("completed", 3), run.error
    assert booked_on(world) == {"ZT50": 1, "ZT51": 2}
    begins = sorted(sheet.begin for sheet in world.kimai.sheets.values())
    assert [each - begins[0] for each in begins] == [timedelta(minutes=15 * n) for n in range(3)]


async def test_bookings_that_are_netted_get_their_project_too() -> None:
    world = unmapped()
    world.tickets.book(1, time_unit=Decimal(30))
    world.tickets.book(2, time_unit=Decimal(-10))
    world.tickets.book(3, ticket_id=51, time_unit=Decimal(10))
    world.tickets.book(4, ticket_id=51, time_unit=Decimal(-10))
    rows = {row.entry_id % 10: row for row in await world.rows_of(await world.plan())}
    assert [each.fields["number"] for each in rows[1].creates] == ["ZO3", "ZT50"]
    run = await world.sync()
    assert run.state == "completed", run.error
    (sheet,) = world.kimai.sheets.values()
    assert sheet.duration == timedelta(minutes=20)
    assert numbers(world, PROJECT) == ["ZT50"]  # nothing is left of the time on the other ticket


async def test_nothing_is_made_for_another_time_than_that_of_the_run() -> None:
    world = three_bookings()
    await world.sync(start_date=date(2027, 1, 1), end_date=date(2027, 1, 2))
    assert made(world) == []
    await world.sync()
    one_of_each(world)


async def test_a_run_for_one_entry_makes_what_that_one_needs() -> None:
    world = three_bookings()
    await world.sync(entry_ids=(entry_id(ZAMMAD, 3),))
    assert numbers(world, PROJECT) == ["ZT51"]
    await world.sync()
    one_of_each(world)


# -- failures -----------------------------------------------------------------------------------


def one_of_each(world: World) -> None:
    assert numbers(world, CUSTOMER) == ["ZO3"]
    assert sorted(numbers(world, PROJECT), key=str) == ["ZT50", "ZT51"]
    one_timesheet_per_booking(world)
    assert booked_on(world) == {"ZT50": 2, "ZT51": 1}


def three_bookings() -> World:
    world = unmapped()
    for number, ticket in ((1, 50), (2, 50), (3, 51)):
        world.tickets.book(number, ticket_id=ticket)
    return world


async def test_a_crash_at_any_point_ends_in_one_of_each() -> None:
    point, more = 0, True
    while more:
        point += 1
        world = three_bookings()
        more = await dies_at(world, point)
        run = await (world.resume() if more and point % 2 else world.sync())
        assert run.state == "completed", run.error
        one_of_each(world)
    assert point > 40


async def test_two_crashes_end_in_one_of_each() -> None:
    for first in range(8, 30, 3):
        for second in range(1, 30, 4):
            world = three_bookings()
            if await dies_at(world, first):
                await dies_at(world, second)
            run = await world.sync()
            assert run.state == "completed", run.error
            one_of_each(world)


@pytest.mark.parametrize("seconds", [1, 30, 59])
async def test_a_lost_answer_is_waited_out_and_read_back(seconds: int) -> None:
    world = three_bookings()
    world.kimai.late = [timedelta(seconds=seconds)]
    assert (await world.sync()).state == "completed"
    world.an_hour_later()
    one_of_each(world)


async def test_a_request_that_was_lost_on_its_way_is_sent_again() -> None:
    world = three_bookings()
    error = Unavailable("kimai", "no connection")
    world.perils.failing["kimai:make:before"] = [error]
    assert (await world.sync()).state == "completed"
    one_of_each(world)


async def test_a_kimai_that_makes_nothing_today_leaves_it_to_the_next_run() -> None:
    world = three_bookings()
    world.perils.failing["kimai:make:before"] = [Unavailable("kimai", "no connection")] * 3
    run = await world.sync()
    assert run.state == "failed"
    assert "could not be made" in (run.error or "")
    assert (await world.sync()).state == "completed"
    one_of_each(world)


async def test_a_refused_token_ends_the_run_and_is_not_blamed_on_the_booking() -> None:
    world = three_bookings()
    world.perils.failing["kimai:make:before"] = [Misconfigured("kimai", "401")]
    run = await world.sync()
    assert run.state == "failed"
    assert (await world.entry(1)).conflict is None
    assert (await world.sync()).state == "completed"
    one_of_each(world)


def crossing_of(world: World, where: Any = None, number: int = 1) -> Any:
    return prepare(
        Order(number=number, start_date=None, end_date=None, hold=None),
        where or world.configuration,
        world.ports(),
        world.limits,
        Tally(clock=world.clock, report=told_nobody, last=world.clock.now()),
        Metadata(actor=Actor(kind="service", name="sync"), correlation_id=f"run-{number}"),
    )


async def told_nobody(*_: object) -> None:
    """Nobody watches."""


class PatientClock(MemoryClock):
    """What others have under way goes on while somebody sleeps."""

    async def sleep(self, seconds: float) -> None:
        for _ in range(500):
            await asyncio.sleep(0)
        await super().sleep(seconds)


@pytest.mark.parametrize("slow", [0, 1, 5, 50])
async def test_two_processes_at_the_same_time_make_one_of_each(slow: int) -> None:
    """As if the lock that runs hold had failed."""
    world = three_bookings()
    world.clock = world.kimai.clock = PatientClock(world.clock.now())
    world.kimai.slow = slow
    crossings = [crossing_of(world, number=number) for number in (1, 2)]
    await asyncio.gather(*(each.run() for each in crossings), return_exceptions=True)
    assert (await world.sync()).state == "completed"
    one_of_each(world)


async def test_the_stream_refuses_a_second_intent() -> None:
    world = unmapped()
    world.tickets.book(1)
    await world.sync()
    stream = Owner(kind=OwnerKind.TICKET, source_id=50).stream(KIMAI, PROJECT)
    intent, _ = (await world.store.read(stream)).events
    assert isinstance(intent, TargetItemIntended)
    items = crossing_of(world).judge.maker.items
    with pytest.raises(StreamMovedOn):
        await items._append(stream, intent, 0)


async def test_what_somebody_else_made_is_recorded_as_found() -> None:
    world = unmapped()
    customer = listed(world, CUSTOMER, "ZO3")
    stream = Owner(kind=OwnerKind.ORGANIZATION, source_id=3).stream(KIMAI, CUSTOMER)
    world.tickets.book(1)
    await world.sync()
    assert (await world.store.read(stream)).events == [
        TargetItemFound(
            source_connector_id=ZAMMAD,
            target_connector_id=KIMAI,
            item=CUSTOMER,
            owner=Owner(kind=OwnerKind.ORGANIZATION, source_id=3),
            item_id=customer.item_id,
        )
    ]


# -- plans --------------------------------------------------------------------------------------


async def test_a_dry_run_shows_what_would_be_made_and_makes_nothing() -> None:
    world = three_bookings()
    plan = await world.plan()
    assert plan.state == "ready", plan.error
    assert world.kimai.writes == 0
    rows = await world.rows_of(plan)
    assert {row.action for row in rows} == {Action.CREATE}
    assert [[each.path for each in row.creates] for row in rows] == [
        ["/api/customers", "/api/projects"]
    ] * 3
    by_entry = {row.entry_id % 10: row for row in rows}
    assert by_entry[3].creates[1].fields["customer"] == "ZO3"
    assert by_entry[3].request is not None
    assert by_entry[3].request.fields["project"] == "ZT51"
    streams = {each.stream for each in await world.store.page(0, 100)}
    assert streams == {"plan-1", "plan-rows-1"}


async def test_a_plan_makes_exactly_what_it_showed() -> None:
    world = three_bookings()
    plan = await world.plan()
    shown = [each for row in await world.rows_of(plan) for each in row.creates]
    run = await world.apply(plan)
    assert (run.state, run.counters.created) == ("completed", 3), run.error
    one_of_each(world)
    sent = {(each.path, str(each.body["number"]), str(each.body["name"])) for each in made(world)}
    assert sent == {(each.path, str(each.body["number"]), str(each.body["name"])) for each in shown}


async def test_a_plan_whose_project_was_made_meanwhile_has_moved() -> None:
    world = three_bookings()
    plan = await world.plan()
    customer = listed(world, CUSTOMER, "ZO3")
    listed(world, PROJECT, "ZT50", parent_id=customer.item_id)
    run = await world.apply(plan)
    assert run.state == "failed"
    assert "moved" in (run.error or "")
    assert (made(world), world.kimai.sheets) == ([], {})


async def test_a_plan_makes_nothing_that_it_did_not_show() -> None:
    """The title changed while the plan was being carried out."""
    world = three_bookings()
    plan = await world.plan()
    world.configuration = configuration(projects=(), kimai={"default_currency": "CHF"})
    run = await world.apply(plan)
    assert run.state == "failed"
    assert (made(world), world.kimai.sheets) == ([], {})


async def test_a_plan_killed_anywhere_is_gone_on_with() -> None:
    point, more = 0, True
    while more:
        point += 1
        world = three_bookings()
        plan = await world.plan()
        world.perils.reached = 0
        world.perils.crash_at = point
        try:
            await world.apply(plan)
            more = False
        except BaseException:  # noqa: BLE001 # whatever the death of a process looks like
            more = True
        finally:
            world.perils.dead, world.perils.crash_at = False, None
        if more:
            await world.resume()
        await world.sync()
        one_of_each(world)


# -- names and keys -----------------------------------------------------------------------------


@given(st.text(max_size=400))
def test_every_name_is_one_that_kimai_takes(text: str) -> None:
    name = allowed_name(text, "ZO3")
    assert 2 <= len(name) <= 150
    assert name == name.strip()
    assert not set(name) & set('<>"=\n\r\t')


@given(st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1))
def test_no_two_owners_have_one_number(one: int, other: int) -> None:
    owners = {Owner(kind=kind, source_id=each) for kind in OwnerKind for each in (one, other)}
    assert len({owner.number for owner in owners}) == len(owners)
    assert len({owner.stream(KIMAI, PROJECT) for owner in owners}) == len(owners)


def test_what_it_is_called_is_no_part_of_the_key() -> None:
    strategy = configuration().kimai.project_strategy
    one = wanted(strategy, 50, context(), None)
    assert wanted(strategy, 50, context(ticket_title="Other"), None).key == one.key
    assert wanted(strategy, 51, context(), None).key != one.key
    assert wanted(strategy, 50, context(), 7).key != one.key
