"""An erasure also reaches a view that stands still, and one that is made anew meanwhile."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.projection_runner import ProjectionRunner
from domain import catalogue
from domain.event import Append, Recorded
from domain.ids import PRIVACY_STREAM
from domain.privacy.events import SubjectErased
from domain.time_entry.events import TimesheetUpdated
from projections import sync_runs, time_entries
from tests.support.believable import BY_ADMIN, START, past
from tests.support.ledgers import postgres_ledger

NAME, MAIL = "Agent 3", "agent3@example.com"


def stumbling(row: Any, recorded: Recorded[Any]) -> Any:
    if isinstance(recorded.event, TimesheetUpdated):
        raise TypeError("cannot take this one")
    return time_entries.project(row, recorded)


STUMBLING = replace(time_entries.PROJECTION, project=stumbling)


async def filled(store: PostgresEventStore) -> None:
    await store.append_many(list(past(60)))


async def erased(store: PostgresEventStore) -> None:
    event = SubjectErased(
        subject="zammad-user:3", generation=1, events=0, entries=0, minutes_kept=Decimal(0)
    )
    append = Append(
        stream=PRIVACY_STREAM, events=[event], metadata=BY_ADMIN, occurred_at=START, expected=None
    )
    await store.append(append)


async def shown(store: PostgresEventStore) -> str:
    text: str = await store.pool.fetchval("SELECT string_agg(t::text, chr(10)) FROM time_entries t")
    return text


async def test_a_view_that_stands_still_is_scrubbed_where_it_stands(migrated: str) -> None:
    async with postgres_ledger(migrated, catalogue=catalogue.ALL) as store:
        await filled(store)
        runner = ProjectionRunner(store, (STUMBLING, sync_runs.PROJECTION))
        await runner.catch_up()
        (stopped,) = [each for each in await runner.status() if each.failed_at]
        before = await shown(store)
        assert NAME in before
        await erased(store)
        await runner.catch_up()
        after = await shown(store)
        assert NAME not in after
        assert MAIL not in after
        assert after.count("\n") == before.count("\n")
        (still,) = [each for each in await runner.status() if each.failed_at]
        assert (still.name, still.position) == (stopped.name, stopped.position)
        mended = ProjectionRunner(store, (time_entries.PROJECTION, sync_runs.PROJECTION))
        await mended.retry(time_entries.NAME)
        await mended.catch_up()
        whole = await shown(store)
        assert NAME not in whole
        assert (await mended.rebuild(time_entries.NAME)).same


async def test_a_rebuild_knows_of_an_erasure_that_nobody_carried_out(migrated: str) -> None:
    async with postgres_ledger(migrated, catalogue=catalogue.ALL) as store:
        await filled(store)
        await erased(store)
        await ProjectionRunner(store).rebuild(time_entries.NAME)
        text = await shown(store)
        assert NAME not in text
        assert "Agent 4" in text
