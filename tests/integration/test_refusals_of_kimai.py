"""Why Kimai refused a timesheet, found out by reading: real client, sandbox that really refuses."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.kimai.client import KimaiTimesheets
from adapters.sandbox.kimai import KimaiState, create_kimai_app
from adapters.sandbox.kimai.seeds import configure
from adapters.sandbox.serve import running
from domain.event import Actor, Metadata
from domain.handling import handle
from domain.ids import entry_id, entry_stream
from domain.time_entry.commands import Retry
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.support.bookings import ZAMMAD
from tests.support.peers import World

LEAD, AGENT = "lead-t0ken-nobody-may-see", "agent-t0ken-nobody-may-see"
ADMIN = "admin-t0ken-nobody-may-see"
TODAY = datetime.now(UTC).date()
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


@asynccontextmanager
async def booked(state: KimaiState, token: str = LEAD) -> AsyncIterator[World]:
    """One booking of two hours ago, carried as far as Kimai lets it."""
    world = World()
    world.clock.advance(datetime.now(UTC) - world.clock.now())
    at = datetime.now(UTC) - timedelta(days=2)
    world.tickets.book(9, created_at=at, updated_at=at)
    async with (
        running(create_kimai_app(state)) as url,
        KimaiTimesheets(url, token) as client,
    ):
        world.kimai = client  # type: ignore[assignment] # the real one in place of the fake
        run = await world.sync()
        assert run.state == "completed", run.error
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
REFUSALS: dict[str, tuple[Change, ReasonCode, str]] = {
    "period locked": (
        setting(
            lockdown_period_start="first day of january last year",
            lockdown_period_end="yesterday",
        ),
        ReasonCode.PERIOD_LOCKED,
        "lies in a locked period",
    ),
    "overlap forbidden": (
        together(setting(allow_overlapping_records=False), already_there),
        ReasonCode.OVERLAP_FORBIDDEN,
        "overlaps timesheet 1",
    ),
    "budget that the token is not told of": (
        together(NO_OVERBOOKING, having("projects", 1, time_budget=60)),
        ReasonCode.CREATION_ERROR,
        "or its budget is used up",
    ),
    "project ended": (
        having("projects", 1, end=f"{TODAY - timedelta(days=1)}"),
        ReasonCode.CREATION_ERROR,
        "project 1 ended on",
    ),
    "project not begun": (
        having("projects", 1, start=f"{TODAY + timedelta(days=9)}"),
        ReasonCode.CREATION_ERROR,
        "project 1 begins on",
    ),
    "project begun since": (
        having("projects", 1, start=f"{TODAY - timedelta(days=1)}"),
        ReasonCode.CREATION_ERROR,
        "project 1 had not begun on",
    ),
    "project hidden": (
        having("projects", 1, visible=False),
        ReasonCode.CREATION_ERROR,
        "project 1 or its customer is hidden",
    ),
    "activity hidden": (
        having("activities", 2, visible=False),
        ReasonCode.CREATION_ERROR,
        "activity 2 is hidden",
    ),
    "activity of another project": (
        having("activities", 2, project=2),
        ReasonCode.CREATION_ERROR,
        "activity 2 belongs to project 2",
    ),
    "no global activities": (
        having("projects", 1, global_activities=False),
        ReasonCode.CREATION_ERROR,
        "project 1 takes no global activities",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_each_refusal_has_its_own_reason_and_says_what_to_do(name: str) -> None:
    change, reason, words = REFUSALS[name]
    state = house()
    change(state)
    async with booked(state) as world:
        entry = await world.entry(9)
        assert entry.conflict is not None
        assert (entry.conflict.reason, words in entry.conflict.detail) == (reason, True), (
            entry.conflict.detail
        )
        assert entry.conflict.detail.endswith("Then try again.")
        await world.sync()  # the same is not sent again
        assert (await world.entry(9)).writes == 1


@pytest.mark.parametrize(
    ("kind", "number", "words"),
    [
        ("projects", 1, "the budget of project 1 is used up"),
        ("activities", 2, "the budget of activity 2 is used up"),
        ("customers", 1, "the customer's budget is used up"),
    ],
)
async def test_a_used_budget_is_named_to_tokens_that_see_budgets(
    kind: str, number: int, words: str
) -> None:
    state = house()
    together(NO_OVERBOOKING, having(kind, number, time_budget=60))(state)
    async with booked(state, ADMIN) as world:
        conflict = (await world.entry(9)).conflict
        assert conflict is not None
        assert conflict.reason is ReasonCode.BUDGET_EXCEEDED
        assert words in conflict.detail


async def test_a_deactivated_user_is_named() -> None:
    state = house()
    having("users", 4, enabled=False)(state)
    async with booked(state, ADMIN) as world:
        conflict = (await world.entry(9)).conflict
        assert conflict is not None
        assert conflict.reason is ReasonCode.CREATION_ERROR
        assert "Kimai user 4 is deactivated" in conflict.detail


async def test_a_token_that_may_not_book_for_others_is_named() -> None:
    state = house()
    state.add_user("plain", token="plain-t0ken-nobody-may-see", timezone="Europe/Berlin")
    async with booked(state, "plain-t0ken-nobody-may-see") as world:
        conflict = (await world.entry(9)).conflict
        assert conflict is not None
        assert "may book for its own user only" in conflict.detail


async def test_a_locked_or_exported_record_is_not_changed() -> None:
    state = house()
    async with booked(state) as world:
        assert (await world.entry(9)).standing.state is EntryState.SYNCED
        setting(lockdown_period_start="first day of january last year", lockdown_period_end="now")(
            state
        )
        world.tickets.edit(9, time_unit=world.tickets.rows[9].time_unit * 2)  # type: ignore[union-attr] # readable
        await world.sync()
        conflict = (await world.entry(9)).conflict
        assert conflict is not None
        assert conflict.reason is ReasonCode.LOCKED_OR_EXPORTED


async def test_the_cause_gone_and_asked_for_again_it_is_written() -> None:
    state = house()
    having("activities", 2, visible=False)(state)
    async with booked(state) as world:
        having("activities", 2, visible=True)(state)
        by = Metadata(actor=Actor(kind="user", name="alice"), correlation_id="x")
        stream, now = entry_stream(entry_id(ZAMMAD, 9)), world.clock.now()
        await handle(world.store, TIME_ENTRY, stream, Retry(), metadata=by, now=now)
        await world.sync()
        assert (await world.entry(9)).standing.state is EntryState.SYNCED
