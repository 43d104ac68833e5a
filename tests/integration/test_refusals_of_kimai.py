"""Why Kimai refused a timesheet, found out by reading: real client, sandbox that really refuses."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.kimai.client import KimaiTimesheets
from adapters.sandbox.kimai import KimaiState, create_kimai_app
from adapters.sandbox.kimai.seeds import configure
from domain.event import Actor, Metadata
from domain.handling import handle
from domain.ids import entry_id, entry_stream
from domain.sync_run.decide import Run
from domain.time_entry.causes import RefusalCause as Cause
from domain.time_entry.commands import Retry
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.support.bookings import ZAMMAD
from tests.support.guarded import running
from tests.support.peers import World

LEAD, AGENT = "lead-t0ken-nobody-may-see", "agent-t0ken-nobody-may-see"
ADMIN = "admin-t0ken-nobody-may-see"
TODAY = datetime.now(ZoneInfo("Europe/Berlin")).date()  # where they work
Change = Callable[[KimaiState], object]


def house() -> KimaiState:
    """A teamlead whose token writes, user 4 whose time it is, project 1 and activity 2."""
    state = KimaiState()
    state.add_user("root", roles=["ROLE_SUPER_ADMIN"], timezone="Europe/Berlin", token=ADMIN)
    state.add_user("lead", roles=["ROLE_TEAMLEAD"], timezone="Europe/Berlin", token=LEAD)
    state.add_user("other")
    state.add_user("emma", timezone="Europe/Berlin", token=AGENT)
    customer = state.add_customer("Awesome Customer Inc.").id
    state.add_project("Service desk", customer)
    state.add_project("Another", customer)
    state.add_activity("Travel")
    state.add_activity("Support")
    state.add_team("all", members={2: True, 4: False})
    return state


class Office(World):
    """A world whose Kimai is on a socket."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__()
        self.url, self.token = url, token

    async def run(self) -> Run:
        """One run with a client of its own, as the service does it."""
        async with KimaiTimesheets(self.url, self.token) as client:
            self.kimai = client  # type: ignore[assignment] # the real one in place of the fake
            run = await self.sync()
        assert run.state == "completed", run.error
        return run


@asynccontextmanager
async def booked(state: KimaiState, token: str = LEAD) -> AsyncIterator[Office]:
    """One booking of two days ago, carried as far as Kimai lets it."""
    at = datetime.now(UTC) - timedelta(days=2)
    async with running(create_kimai_app(state)) as url:
        world = Office(url, token)
        world.clock.advance(datetime.now(UTC) - world.clock.now())
        world.tickets.book(9, created_at=at, updated_at=at)
        await world.run()
        yield world


def setting(**values: Any) -> Change:
    names = {f"timesheet.rules.{name}": value for name, value in values.items()}
    return lambda state: configure(state, names)


def having(kind: str, number: int, **values: Any) -> Change:
    def change(state: KimaiState) -> None:
        row = getattr(state, kind)[number]
        for name, value in values.items():
            assert hasattr(row, name), name
            setattr(row, name, value)

    return change


def together(*changes: Change) -> Change:
    return lambda state: [change(state) for change in changes]


def already_there(state: KimaiState) -> None:
    begin = int((datetime.now(UTC) - timedelta(days=2, hours=1)).timestamp())
    state.add_timesheet(user=4, project=1, activity=2, begin=begin, end=begin + 7200)


NO_OVERBOOKING = setting(allow_overbooking_budget=False)
REFUSALS: dict[str, tuple[Change, ReasonCode, Cause, str]] = {
    "period locked": (
        setting(
            lockdown_period_start="first day of january last year",
            lockdown_period_end="yesterday",
        ),
        ReasonCode.PERIOD_LOCKED,
        Cause.PERIOD_LOCKED,
        "lies in a locked period",
    ),
    "overlap forbidden": (
        together(setting(allow_overlapping_records=False), already_there),
        ReasonCode.OVERLAP_FORBIDDEN,
        Cause.OVERLAP,
        "overlaps timesheet 1",
    ),
    "budget that the token is not told of": (
        together(NO_OVERBOOKING, having("projects", 1, time_budget=60)),
        ReasonCode.CREATION_ERROR,
        Cause.PROJECT_REFUSED,
        "or its budget is used up",
    ),
    "project ended": (
        having("projects", 1, end=f"{TODAY - timedelta(days=1)}"),
        ReasonCode.CREATION_ERROR,
        Cause.PROJECT_ENDED,
        "project 1 ended on",
    ),
    "project not begun": (
        having("projects", 1, start=f"{TODAY + timedelta(days=9)}"),
        ReasonCode.CREATION_ERROR,
        Cause.PROJECT_NOT_BEGUN,
        "project 1 begins on",
    ),
    "project begun since": (
        having("projects", 1, start=f"{TODAY - timedelta(days=1)}"),
        ReasonCode.CREATION_ERROR,
        Cause.PROJECT_NOT_BEGUN,
        "project 1 had not begun on",
    ),
    "project hidden": (
        having("projects", 1, visible=False),
        ReasonCode.CREATION_ERROR,
        Cause.PROJECT_HIDDEN,
        "project 1 or its customer is hidden",
    ),
    "activity hidden": (
        having("activities", 2, visible=False),
        ReasonCode.CREATION_ERROR,
        Cause.ACTIVITY_HIDDEN,
        "activity 2 is hidden",
    ),
    "activity of another project": (
        having("activities", 2, project=2),
        ReasonCode.CREATION_ERROR,
        Cause.ACTIVITY_OF_ANOTHER_PROJECT,
        "activity 2 belongs to project 2",
    ),
    "no global activities": (
        having("projects", 1, global_activities=False),
        ReasonCode.CREATION_ERROR,
        Cause.GLOBAL_ACTIVITY_FORBIDDEN,
        "project 1 takes no global activities",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_each_refusal_has_its_own_reason_and_says_what_to_do(name: str) -> None:
    change, reason, cause, words = REFUSALS[name]
    state = house()
    change(state)
    async with booked(state) as world:
        entry = await world.entry(9)
        assert entry.conflict is not None
        assert words in entry.conflict.detail
        assert (entry.conflict.reason, entry.conflict.cause) == (reason, cause)
        assert entry.conflict.detail.endswith("Then try again.")
        await world.run()  # the same is not sent again
        assert (await world.entry(9)).writes == 1


@pytest.mark.parametrize(
    ("kind", "number", "cause", "words"),
    [
        ("projects", 1, Cause.PROJECT_BUDGET_USED, "the budget of project 1 is used up"),
        ("activities", 2, Cause.ACTIVITY_BUDGET_USED, "the budget of activity 2 is used up"),
        ("customers", 1, Cause.CUSTOMER_BUDGET_USED, "the customer's budget is used up"),
    ],
)
async def test_a_used_budget_is_named_to_tokens_that_see_budgets(
    kind: str, number: int, cause: Cause, words: str
) -> None:
    state = house()
    together(NO_OVERBOOKING, having(kind, number, time_budget=60))(state)
    async with booked(state, ADMIN) as world:
        conflict = (await world.entry(9)).conflict
        assert conflict is not None
        assert (conflict.reason, conflict.cause) == (ReasonCode.BUDGET_EXCEEDED, cause)
        assert words in conflict.detail


async def test_a_deactivated_user_is_named() -> None:
    state = house()
    having("users", 4, enabled=False)(state)
    async with booked(state, ADMIN) as world:
        conflict = (await world.entry(9)).conflict
        assert conflict is not None
        assert conflict.reason is ReasonCode.CREATION_ERROR
        assert conflict.cause is Cause.USER_DEACTIVATED
        assert "Kimai user 4 is deactivated" in conflict.detail


async def test_a_token_that_may_not_book_for_others_is_named() -> None:
    state = house()
    state.add_user("plain", token="plain-t0ken-nobody-may-see", timezone="Europe/Berlin")
    async with booked(state, "plain-t0ken-nobody-may-see") as world:
        conflict = (await world.entry(9)).conflict
        assert conflict is not None
        assert conflict.cause is Cause.OTHERS_FORBIDDEN
        assert "may book for its own user only" in conflict.detail


async def test_a_locked_or_exported_record_is_not_changed() -> None:
    state = house()
    async with booked(state) as world:
        assert (await world.entry(9)).standing.state is EntryState.SYNCED
        setting(lockdown_period_start="first day of january last year", lockdown_period_end="now")(
            state
        )
        world.tickets.edit(9, time_unit=world.tickets.rows[9].time_unit * 2)  # type: ignore[union-attr] # readable
        await world.run()
        conflict = (await world.entry(9)).conflict
        assert conflict is not None
        assert conflict.reason is ReasonCode.LOCKED_OR_EXPORTED
        assert conflict.cause is Cause.CHANGE_FORBIDDEN


async def test_a_mode_that_takes_no_times_is_named() -> None:
    state = house()
    state.settings.change({"timesheet.mode": "punch"})
    async with booked(state, AGENT) as world:
        conflict = (await world.entry(9)).conflict
        assert conflict is not None
        assert conflict.cause is Cause.TRACKING_MODE
        assert "tracking mode this token may not send begin" in conflict.detail
    assert len(state.timesheets) == 0


HEALED: dict[str, tuple[Change, Change]] = {
    "activity shown again": (
        having("activities", 2, visible=False),
        having("activities", 2, visible=True),
    ),
    "project shown again": (
        having("projects", 1, visible=False),
        having("projects", 1, visible=True),
    ),
    "project goes on": (
        having("projects", 1, end=f"{TODAY - timedelta(days=1)}"),
        having("projects", 1, end=None),
    ),
    "user activated": (
        having("users", 4, enabled=False),
        having("users", 4, enabled=True),
    ),
    "the other timesheet is gone": (
        together(setting(allow_overlapping_records=False), already_there),
        lambda state: state.drop("timesheets", 1),
    ),
}


@pytest.mark.parametrize("name", HEALED)
async def test_what_kimai_refused_is_written_by_the_run_after_its_cause_is_gone(name: str) -> None:
    change, undo = HEALED[name]
    state = house()
    change(state)
    async with booked(state, ADMIN) as world:
        assert (await world.entry(9)).standing.state is EntryState.CONFLICT
        undo(state)
        run = await world.run()
        assert run.counters.created == 1
        entry = await world.entry(9)
        assert (entry.standing.state, entry.conflict) == (EntryState.SYNCED, None)
    assert len(state.timesheets) == 1


async def test_a_cause_that_another_one_follows_is_tried_once_more_and_named_anew() -> None:
    state = house()
    together(
        having("activities", 2, visible=False), having("projects", 1, global_activities=False)
    )(state)
    async with booked(state) as world:
        having("activities", 2, visible=True)(state)
        for _ in range(3):
            await world.run()
        entry = await world.entry(9)
        assert entry.conflict is not None
        assert "takes no global activities" in entry.conflict.detail
        assert entry.writes == 2


async def test_the_cause_gone_and_asked_for_again_it_is_written() -> None:
    state = house()
    having("activities", 2, visible=False)(state)
    async with booked(state) as world:
        having("activities", 2, visible=True)(state)
        by = Metadata(actor=Actor(kind="user", name="alice"), correlation_id="x")
        stream, now = entry_stream(entry_id(ZAMMAD, 9)), world.clock.now()
        await handle(world.store, TIME_ENTRY, stream, Retry(), metadata=by, now=now)
        await world.run()
        assert (await world.entry(9)).standing.state is EntryState.SYNCED
