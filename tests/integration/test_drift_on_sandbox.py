"""Changes made in Kimai, over real HTTP against the sandbox: what each run makes of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from adapters.kimai.client import KimaiTimesheets
from adapters.sandbox.control.middleware import Controlled
from adapters.sandbox.kimai import KimaiState, create_kimai_app
from adapters.sandbox.story import fill_kimai
from domain.sync.limits import LIMITS
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.support.guarded import running
from tests.support.peers import World

TOKEN = "kimai-t0ken-nobody-may-see"
LIST_ALWAYS = replace(LIMITS, list_every=timedelta(0))


@dataclass
class Town:
    """Zammad in memory, Kimai on a socket, and somebody who works in Kimai by hand."""

    world: World
    app: Controlled
    state: KimaiState
    hand: httpx.AsyncClient

    async def edit(self, timesheet_id: int, **fields: object) -> None:
        answer = await self.hand.patch(f"/api/timesheets/{timesheet_id}", json=fields)
        assert answer.status_code == 200, answer.text

    async def run(self, *, listing: bool = False) -> None:
        self.world.limits = LIST_ALWAYS if listing else LIMITS
        run = await self.world.sync()
        assert run.state == "completed", run.error

    async def sheet_of(self, source_id: int) -> int:
        timesheet_id = (await self.world.entry(source_id)).standing.timesheet_id
        assert timesheet_id is not None
        return timesheet_id

    async def conflict(self, source_id: int) -> ReasonCode | None:
        return (await self.world.entry(source_id)).standing.conflict


@asynccontextmanager
async def town(bookings: int = 1, **kimai: object) -> AsyncIterator[Town]:
    """Bookings 1 and up are in Kimai, and a second run has found nothing to do."""
    state = KimaiState()
    fill_kimai(state, token=TOKEN)
    app = create_kimai_app(state)
    world = World(kimai=kimai)
    world.clock.advance(datetime.now(UTC) - world.clock.now())
    for source_id in range(1, bookings + 1):
        world.tickets.book(source_id)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        running(app) as url,
        KimaiTimesheets(url, TOKEN) as client,
        httpx.AsyncClient(base_url=url, headers=headers) as hand,
    ):
        world.kimai = client  # type: ignore[assignment] # the real one in place of the fake
        there = Town(world, app, state, hand)
        await there.run()
        await there.run()
        for source_id in range(1, bookings + 1):
            assert (await world.entry(source_id)).standing.state is EntryState.SYNCED
        yield there


async def test_an_edit_is_found_by_a_poll_in_utc() -> None:
    """Trap 6: the token's owner lives in Brussels, `modified_after` in UTC."""
    async with town() as there:
        sheet = await there.sheet_of(1)
        await there.edit(sheet, description="Something else\n" + (await marker_of(there, 1)))
        await there.run()
        assert await there.conflict(1) is ReasonCode.TARGET_EDITED
        before = await there.world.types(1)
        await there.run(listing=True)
        assert await there.world.types(1) == before


async def marker_of(there: Town, source_id: int) -> str:
    settled = (await there.world.entry(source_id)).settled
    assert settled is not None
    return settled.marker


async def test_what_modified_after_misses_is_found_by_the_listing() -> None:
    """Trap 7: an export run, a deletion and a project merged into another leave no trace."""
    async with town(3) as there:
        for row in there.state.timesheets.values():
            assert row.modified_at is not None
            row.modified_at -= 3600  # seconds: written long before the overlap of the poll
        exported, deleted, moved = [await there.sheet_of(each) for each in (1, 2, 3)]
        there.state.timesheets[exported].exported = True
        there.state.drop("timesheets", deleted)
        there.state.timesheets[moved].project = 2
        before = [await there.world.types(each) for each in (1, 2, 3)]
        await there.run()
        assert [await there.world.types(each) for each in (1, 2, 3)] == before
        await there.run(listing=True)
        assert (await there.world.types(1))[-1] == "TimesheetDrifted"
        assert await there.conflict(1) is None
        assert await there.conflict(2) is ReasonCode.TARGET_DELETED
        assert await there.conflict(3) is ReasonCode.TARGET_EDITED


async def test_a_record_moved_out_of_the_window_is_not_taken_for_deleted() -> None:
    """Trap 8: absent from the list, and still there when asked for by id."""
    async with town(2) as there:
        sheet = await there.sheet_of(1)
        await there.edit(sheet, begin="2025-01-07T09:00:00", end="2025-01-07T09:15:00")
        await there.run(listing=True)
        assert await there.conflict(1) is ReasonCode.TARGET_EDITED
        assert there.app.requests.count("GET", "/api/timesheets/{id}") == 1


async def test_a_copy_is_a_duplicate_until_somebody_deletes_it() -> None:
    async with town() as there:
        sheet = await there.sheet_of(1)
        answer = await there.hand.patch(f"/api/timesheets/{sheet}/duplicate")
        assert answer.status_code == 200, answer.text
        copy = answer.json()["id"]
        await there.run()
        assert await there.conflict(1) is ReasonCode.DUPLICATE
        assert copy in there.state.timesheets
        there.state.drop("timesheets", copy)
        await there.run()
        assert await there.conflict(1) is None


@pytest.mark.parametrize(
    ("policy", "project", "reason"),
    [
        ("conflict", 2, ReasonCode.TARGET_EDITED),
        ("keep_target", 2, None),
        ("overwrite", 1, None),
    ],
)
async def test_an_edit_follows_the_policy(
    policy: str, project: int, reason: ReasonCode | None
) -> None:
    async with town(edited_in_kimai_policy=policy) as there:
        sheet = await there.sheet_of(1)
        await there.edit(sheet, project=2)
        await there.run()
        assert there.state.timesheets[sheet].project == project
        assert await there.conflict(1) is reason


async def test_an_idle_run_is_one_request_and_a_listing_three_more_at_most() -> None:
    async with town(5) as there:
        there.app.requests.clear()
        await there.run()
        assert there.app.requests.total == 1
        await there.run(listing=True)
        assert there.app.requests.total <= 4
