"""Traps of both peers that no other test meets: both real clients, both sandboxes, whole runs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.kimai.client import KimaiTimesheets
from adapters.sandbox.control.middleware import Controlled
from adapters.sandbox.kimai import KimaiState, create_kimai_app
from adapters.sandbox.zammad import create_zammad_app
from adapters.zammad.client import ZammadTickets
from domain.sync_run.decide import Run
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.integration.test_edits_in_zammad import user_mapping
from tests.integration.test_refusals_of_kimai import ADMIN, house
from tests.support.bookings import activity_mapping, project_mapping
from tests.support.guarded import running
from tests.support.peers import World
from tests.support.zammad_world import Company


@dataclass
class Town:
    """Zammad and Kimai on sockets, an administrator's token, and what a run makes of them."""

    world: World
    company: Company
    state: KimaiState
    zammad: Controlled
    kimai: Controlled
    urls: tuple[str, str]

    async def run(self, secret: str = "ROBOT") -> Run:
        self.company.pass_time(hours=1)
        self.world.clock.advance(timedelta(hours=1))
        async with (
            ZammadTickets(self.urls[0], secret) as tickets,
            KimaiTimesheets(self.urls[1], ADMIN) as timesheets,
        ):
            self.world.tickets = tickets  # type: ignore[assignment] # the real one
            self.world.kimai = timesheets  # type: ignore[assignment] # the real one
            run = await self.world.sync()
        assert run.state == "completed", run.error
        return run

    def book(self, **columns: Any) -> int:
        company = self.company
        row = company.state.book(1, "15", by=company.emma.id, type_id=company.support.id, **columns)
        company.pass_time(minutes=20)
        return row.id


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    company, state = Company(), house()
    zammad, kimai = create_zammad_app(company.state), create_kimai_app(state)
    world = World(
        kimai={"delete_policy": "delete"},
        projects=(project_mapping(source_id=company.acme.id),),
        activities=(activity_mapping(zammad_type_id=company.support.id),),
        users=(user_mapping(1, company.emma.id, 4),),
    )
    world.clock.advance(company.clock.now() - world.clock.now())
    async with running(zammad) as zammad_url, running(kimai) as kimai_url:
        yield Town(world, company, state, zammad, kimai, (zammad_url, kimai_url))


def asked(app: Controlled) -> set[str]:
    counts = app.requests.describe()["counts"]
    assert isinstance(counts, dict)
    return set(counts)


async def test_several_bookings_of_an_article_and_those_of_none_are_all_carried(
    town: Town,
) -> None:
    """Zammad 10: whoever reads through articles loses both."""
    article = town.company.state.add_article(1, "Reset.", by=town.company.emma.id)
    booked = [town.book(article_id=article.id), town.book(), town.book()]
    booked.append(town.book(article_id=article.id, legacy=True))
    run = await town.run()
    assert run.counters.created == len(town.state.timesheets) == 4
    for source_id in booked:
        assert (await town.world.entry(source_id)).standing.state is EntryState.SYNCED


async def test_nothing_is_ever_written_to_zammad(town: Town) -> None:
    """Zammad 19, 20 and 21: a search is the only POST."""
    kept, gone = town.book(), town.book()
    for secret in ("ROBOT", "EMMA"):  # by the list of all bookings, and ticket by ticket
        await town.run(secret)
    town.company.state.correct(kept, time_unit="30")
    town.company.state.delete_entry(gone)
    await town.run()
    assert len(town.state.timesheets) == 1
    searches = {"POST /api/v1/tickets/search"}
    assert {each for each in asked(town.zammad) - searches if not each.startswith("GET ")} == set()


async def test_an_administrators_token_does_not_touch_what_was_exported(town: Town) -> None:
    """Kimai 16: neither an edit nor a deletion in Zammad reaches a billed record."""
    edited, deleted = town.book(), town.book()
    await town.run()
    for sheet in town.state.timesheets.values():
        sheet.exported = True
    before = {number: (row.begin, row.end) for number, row in town.state.timesheets.items()}
    town.company.state.correct(edited, time_unit="60")
    town.company.state.delete_entry(deleted)
    await town.run()
    after = {number: (row.begin, row.end) for number, row in town.state.timesheets.items()}
    assert after == before
    reasons = [(await town.world.entry(each)).standing.conflict for each in (edited, deleted)]
    assert set(reasons) <= {
        ReasonCode.SOURCE_CHANGED_AFTER_EXPORT,
        ReasonCode.SOURCE_DELETED,
        ReasonCode.LOCKED_OR_EXPORTED,
    }


async def test_kimai_is_asked_for_nothing_that_toggles_copies_or_touches(town: Town) -> None:
    """Kimai 17 and 21: records are made, changed and deleted; unchanged ones are left alone."""
    kept, gone = town.book(), town.book()
    await town.run()
    town.kimai.requests.clear()
    await town.run()
    assert {each for each in asked(town.kimai) if not each.startswith("GET ")} == set()
    town.company.state.correct(kept, time_unit="30")
    town.company.state.delete_entry(gone)
    await town.run()
    assert {each for each in asked(town.kimai) if not each.startswith("GET ")} == {
        "PATCH /api/timesheets/{id}",
        "DELETE /api/timesheets/{id}",
    }


async def test_the_timer_of_a_person_runs_on(town: Town) -> None:
    """Kimai 15: a record without end would stop it."""
    now = int(datetime.now(UTC).timestamp())
    running_one = town.state.add_timesheet(user=4, project=1, activity=2, begin=now - 600, end=None)
    source_id = town.book()
    await town.run()
    assert (await town.world.entry(source_id)).standing.state is EntryState.SYNCED
    assert [row.id for row in town.state.running_of(4)] == [running_one.id]


async def test_projects_of_one_name_are_told_apart_by_their_number(town: Town) -> None:
    """Kimai 23: names are not unique, so no name decides where time goes."""
    for project in town.state.projects.values():
        project.name = town.company.acme.name
    town.book()
    await town.run()
    assert [row.project for row in town.state.timesheets.values()] == [1]
    assert len(town.state.projects) == 2
