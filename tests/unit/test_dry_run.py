"""A dry run tells what a run would do, and does nothing."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.errors import LedgerError, OutcomeUnknown, Unavailable
from domain.ids import PlanId, entry_id
from domain.plan.pages import digest_of
from domain.plan.values import PAGE, Action, PlanRow
from domain.sync.rehearsing import ReadOnlyTimesheets
from domain.time_entry.events import TimesheetWriteIntended
from domain.time_entry.values import ReasonCode, Request
from tests.support.bookings import ZAMMAD
from tests.support.peers import Crash, World


@pytest.fixture
def world() -> World:
    return World()


async def planned(world: World) -> list[PlanRow]:
    plan = await world.plan()
    assert plan.state == "ready", plan.error
    return await world.rows_of(plan)


async def test_a_dry_run_tells_each_request_and_writes_nothing(world: World) -> None:
    world.tickets.book(8)
    world.tickets.book(9, time_unit=Decimal(0))
    world.tickets.book(10, type_id=99)
    plan = await world.plan()
    assert plan.state == "ready"
    assert (world.kimai.writes, world.kimai.tags) == (0, set())
    assert {row.stream for row in await world.store.page(0, 100)} == {"plan-1", "plan-rows-1"}
    rows = {row.entry_id % 100: row for row in await world.rows_of(plan)}
    assert {number: row.action for number, row in rows.items()} == {
        8: Action.CREATE,
        9: Action.SKIP,
        10: Action.CONFLICT,
    }
    assert rows[10].reason is ReasonCode.UNMAPPED_ACTIVITY
    assert rows[9].detail == "The booking is zero."
    request = rows[8].request
    assert request is not None
    assert (request.method, request.path) == ("POST", "/api/timesheets")
    assert request.fields["project"] == 1
    assert rows[8].minutes == 15
    assert (plan.digest, plan.rows) == (await digest_of(world.store, plan.plan_id, 0), 3)


async def test_the_plan_before_a_run_is_what_the_run_sends(world: World) -> None:
    for number in range(1, 30):
        world.tickets.book(number)
    requests = [row.request for row in await planned(world)]
    await world.sync()
    assert await sent(world) == Counter(map(told, requests))
    world.tickets.edit(3, time_unit=Decimal(30))
    world.tickets.edit(4, time_unit=Decimal("7.5"))
    head = await world.store.head()
    rows = await planned(world)
    assert {row.action for row in rows} == {Action.UPDATE}
    assert [row.before and row.before.timesheet_id for row in rows] == [
        int(row.request.path.rpartition("/")[2]) for row in rows if row.request
    ]
    await world.sync()
    assert await sent(world, since=head) == Counter(told(row.request) for row in rows)
    assert await planned(world) == []


async def test_many_rows_are_kept_a_page_at_a_time(world: World) -> None:
    count = 3 * PAGE + 7
    for number in range(1, count + 1):
        world.tickets.book(number, ticket_id=number % 9 + 1)
    plan = await world.plan()
    stored = await world.store.read_recorded("plan-rows-1")
    assert [len(each.event.rows) for each in stored] == [PAGE, PAGE, PAGE, 7]  # type: ignore[attr-defined] # only pages there
    assert [row.row for row in await world.rows_of(plan)] == list(range(1, count + 1))
    assert await digest_of(world.store, plan.plan_id, plan.rows_after) == plan.digest


async def test_a_dry_run_finds_what_happened_in_kimai(world: World) -> None:
    for number in (7, 8, 9):
        world.tickets.book(number)
    await world.sync()
    world.an_hour_later()
    sheets = {sheet.description.split()[-1][-5:-3]: i for i, sheet in world.kimai.sheets.items()}
    world.kimai.edit(sheets["08"], activity_id=5)
    world.kimai.export(sheets["09"])
    world.tickets.edit(9, time_unit=Decimal(30))
    world.tickets.edit(8, time_unit=Decimal(30))
    del world.tickets.rows[7]
    before = await world.store.head()
    reasons = {row.entry_id % 100: row.reason for row in await planned(world)}
    assert reasons == {
        7: ReasonCode.SOURCE_DELETED,
        8: ReasonCode.TARGET_EDITED,
        9: ReasonCode.SOURCE_CHANGED_AFTER_EXPORT,
    }
    later = await world.store.page(before, 100)
    assert {each.stream for each in later} == {"plan-1", "plan-rows-1"}


async def test_a_dry_run_can_be_limited_to_entries(world: World) -> None:
    for number in range(1, 5):
        world.tickets.book(number)
    plan = await world.plan(entry_ids=(entry_id(ZAMMAD, 3),))
    assert [row.entry_id % 100 for row in await world.rows_of(plan)] == [3]


async def test_a_peer_that_fails_makes_the_plan_fail(world: World) -> None:
    world.tickets.book(9)
    world.perils.failing["zammad:list"] = [Unavailable("zammad", "no answer")]
    plan = await world.plan()
    assert (plan.state, plan.error) == ("failed", "zammad: no answer")


async def test_a_plan_that_could_not_look_at_kimai_fails(world: World) -> None:
    world.tickets.book(9)
    await world.sync()
    world.an_hour_later()
    world.perils.failing["kimai:modified"] = [Unavailable("kimai", "no answer")]
    world.perils.failing["kimai:listing"] = [Unavailable("kimai", "no answer")]
    plan = await world.plan()
    assert plan.state == "failed"
    assert "no answer" in (plan.error or "")


async def test_a_plan_whose_maker_dies_anywhere_is_begun_again() -> None:
    point, dead = 0, True
    while dead:
        point += 1
        world = World()
        for number in range(1, PAGE + 10):
            world.tickets.book(number)
        world.perils.crash_at = point
        try:
            plan = await world.plan()
        except (Crash, BaseExceptionGroup):
            world.perils.dead, world.perils.crash_at = False, None
            plan = await world.make(PlanId(world.plans))
        dead = world.perils.reached >= point
        assert plan.state == "ready"
        assert [row.row for row in await world.rows_of(plan)] == list(range(1, PAGE + 10))
        assert await digest_of(world.store, plan.plan_id, plan.rows_after) == plan.digest
        assert world.kimai.writes == 0
    assert point > 10


async def test_what_is_in_doubt_is_left_to_a_run(world: World) -> None:
    world.tickets.book(9)
    world.limits = replace(world.limits, attempts=1)
    world.perils.failing["kimai:create:after"] = [OutcomeUnknown("kimai", "timed out")]
    world.perils.failing["kimai:find"] = [Unavailable("kimai", "gone")]
    await world.sync()
    before = world.clock.now()
    (row,) = await planned(world)
    assert (row.action, row.reason) == (Action.SKIP, ReasonCode.WRITE_UNCERTAIN)
    assert "reads back" in (row.detail or "")
    assert world.clock.now() == before  # nothing was waited out
    await world.sync()
    assert await planned(world) == []
    assert len(world.kimai.sheets) == 1


async def test_no_write_gets_past_a_dry_run(world: World) -> None:
    kimai = ReadOnlyTimesheets(world.kimai)
    with pytest.raises(LedgerError, match="DELETE 7"):
        await kimai.delete(7)
    with pytest.raises(LedgerError, match="PATCH 7 of end"):
        await kimai.update(7, {"end": "later"})


AMOUNTS = st.sampled_from([Decimal(0), Decimal(-15), Decimal(15), Decimal("22.5")])
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["book", "edit", "delete", "retype", "edit_sheet", "export", "lose"]),
        st.integers(1, 8),
        AMOUNTS,
    ),
    max_size=8,
)


@example(
    first=[("book", 5, Decimal(-15))],
    second=[("edit", 5, Decimal(0)), ("retype", 4, Decimal(0))],
    policy="delete",
    anchor="end_at_booking",
)
@example(
    first=[],
    second=[("book", 5, Decimal(-15)), ("edit", 3, Decimal(15)), ("export", 4, Decimal(0))],
    policy="delete",
    anchor="end_at_booking",
)
@example(
    first=[("book", 5, Decimal(-15))],
    second=[("book", 6, Decimal(-15)), ("edit", 1, Decimal(0)), ("edit", 5, Decimal(0))],
    policy="delete",
    anchor="end_at_booking",
)
@example(
    first=[("edit_sheet", 4, Decimal(0))],
    second=[("edit", 4, Decimal(-15)), ("lose", 4, Decimal(0))],
    policy="delete",
    anchor="end_at_booking",
)
@given(
    first=CHANGES,
    second=CHANGES,
    policy=st.sampled_from(["delete", "conflict", "keep"]),
    anchor=st.sampled_from(["end_at_booking", "day_start_stacked"]),
)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
async def test_a_dry_run_is_the_next_run(
    first: list[tuple[str, int, Decimal]],
    second: list[tuple[str, int, Decimal]],
    policy: str,
    anchor: str,
) -> None:
    """Whatever happened before: what the plan says is what the run then does."""
    world = World(kimai={"delete_policy": policy}, zammad={"work_time_anchor": anchor})
    for number in range(1, 5):
        world.tickets.book(number)
    for changes in (first, second):
        await world.sync()
        world.an_hour_later()
        for change in changes:
            happen(world, *change)
    head = await world.store.head()
    rows = await planned(world)
    assert {each.stream for each in await world.store.page(head, 500)} <= {"plan-1", "plan-rows-1"}
    head = await world.store.head()
    run = await world.sync()
    assert run.state == "completed", run.error
    assert await sent(world, since=head) == Counter(
        told(row.request) for row in rows if row.request
    )
    counted = Counter(row.action for row in rows)
    did = run.counters
    assert [counted[action] for action in (Action.CREATE, Action.UPDATE, Action.DELETE)] == [
        did.created,
        did.updated,
        did.deleted,
    ]


def happen(world: World, what: str, number: int, amount: Decimal) -> None:
    rows, sheets = world.tickets.rows, world.kimai.sheets
    match what:
        case "book" if number not in rows:
            world.tickets.book(number, time_unit=amount)
        case "edit" if number in rows:
            world.tickets.edit(number, time_unit=amount)
        case "retype" if number in rows:
            world.tickets.edit(number, type_id=None if amount else 4)
        case "delete":
            rows.pop(number, None)
        case "edit_sheet" if number in sheets:
            world.kimai.edit(number, duration=timedelta(minutes=3))
        case "export" if number in sheets:
            world.kimai.export(number)
        case "lose":
            sheets.pop(number, None)


Told = tuple[str, str, str, str | None]


def told(request: Request | None) -> Told:
    assert request is not None
    text = request.description.value if request.description else None
    return request.method, request.path, repr(sorted(request.fields.items())), text


async def sent(world: World, *, since: int = 0) -> Counter[Told]:
    """The requests that were recorded."""
    events = [each.event for each in await world.store.page(since, 10_000)]
    intents = [event for event in events if isinstance(event, TimesheetWriteIntended)]
    return Counter(told(intent.request) for intent in intents)
