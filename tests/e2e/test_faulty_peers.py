"""Peers that fail in every way during a run, and a database that crashes.

Each ends in a clear message or a conflict, with nothing lost and nothing written twice.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from adapters.embedded import EmbeddedPostgres
from adapters.sandbox.control import FaultKind, FaultRule
from tests.support.impatient import KEYS, Scene, scene
from tests.support.postgres import DatabaseServer

READS = ("GET",)
WRITES = ("POST", "PATCH", "DELETE")
RECORDS = "/api/timesheets"
CHANGES = 7  # by the agents, before each run that goes wrong
ONE_LOOP = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A way to fail; `says` is what the run's message must contain."""

    kind: FaultKind
    says: str = ""
    how: dict[str, Any] = field(default_factory=dict)

    def rule(self, methods: tuple[str, ...], path_prefix: str = "/") -> FaultRule:
        return FaultRule(kind=self.kind, methods=methods, path_prefix=path_prefix, **self.how)

    def __str__(self) -> str:
        return " ".join([self.kind.value, *(str(value) for value in self.how.values())])


# Every request for something fails in this way, until the administrator has repaired it.
SICK = (
    Case(kind=FaultKind.UNAUTHORIZED, says="401, the token is not accepted"),
    Case(kind=FaultKind.FORBIDDEN, says="403, not permitted"),
    Case(kind=FaultKind.ERROR_BEFORE, says="404, no such", how={"status": 404}),
    Case(kind=FaultKind.ERROR_BEFORE, says="422, refused", how={"status": 422}),
    Case(kind=FaultKind.TOO_MANY, says="429, too many requests", how={"retry_after": 0}),
    Case(kind=FaultKind.TOO_MANY, says="429, too many requests", how={"retry_after": 3600}),
    Case(kind=FaultKind.ERROR_BEFORE, says="500, failed", how={"status": 500}),
    Case(kind=FaultKind.HTML, says="502, failed"),
    Case(kind=FaultKind.HTML, says="empty, cut or no JSON", how={"status": 200}),
    Case(kind=FaultKind.HTML, says="something else than the peer", how={"status": 404}),
    Case(kind=FaultKind.TRUNCATE, says="before the answer was complete"),
    Case(kind=FaultKind.TRUNCATE_CLEAN, says="empty, cut or no JSON"),
    Case(kind=FaultKind.RESET_BEFORE, says="before the answer was complete"),
    Case(kind=FaultKind.STALL, says="before the answer was complete", how={"seconds": 9}),
    Case(kind=FaultKind.HANG_AFTER_APPLY, says="TimeoutError", how={"seconds": 9}),
)
# The change was made, and nobody heard that it was.
ANSWER_LOST = (
    Case(kind=FaultKind.ERROR_AFTER),
    Case(kind=FaultKind.ERROR_AFTER, how={"status": 504}),
    Case(kind=FaultKind.RESET_AFTER),
    Case(kind=FaultKind.TRUNCATE),
    Case(kind=FaultKind.TRUNCATE_CLEAN),
    Case(kind=FaultKind.HTML_AFTER),
    Case(kind=FaultKind.STALL, how={"seconds": 9}),
    Case(kind=FaultKind.HANG_AFTER_APPLY, how={"seconds": 9}),
)
# Nothing was changed; whether it was cannot be told from the answer in most of them.
REQUEST_LOST = (
    Case(kind=FaultKind.ERROR_BEFORE),
    Case(kind=FaultKind.RESET_BEFORE),
    Case(kind=FaultKind.HTML),
    Case(kind=FaultKind.HTML, how={"status": 200}),
    Case(kind=FaultKind.TOO_MANY, how={"retry_after": 0}),
    Case(kind=FaultKind.TOO_MANY, how={"retry_after": 3600}),
)
STOPS_WRITING = (
    Case(kind=FaultKind.UNAUTHORIZED, says="401, the token is not accepted"),
    Case(kind=FaultKind.HTML, says="something else than the peer", how={"status": 404}),
)
REFUSES = (
    Case(kind=FaultKind.FORBIDDEN),
    Case(kind=FaultKind.ERROR_BEFORE, how={"status": 422}),
    Case(kind=FaultKind.ERROR_BEFORE, how={"status": 400}),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(embedded_server: DatabaseServer) -> AsyncIterator[Scene]:
    """One service for many faults, each repaired before the next."""
    with embedded_server.database() as dsn:
        async with scene(dsn) as made:
            yield made


def written(run: dict[str, Any]) -> int:
    names = ("entries_synced", "entries_updated", "entries_deleted")
    return sum(int(run[name]) for name in names)


async def is_clear(text: str | None, says: str) -> None:
    assert text is not None
    assert says in text
    assert not re.search(r"<html|Traceback", text, re.IGNORECASE)
    assert KEYS.zammad_token not in text
    assert KEYS.kimai_token not in text


async def all_is_right_again(world: Scene) -> None:
    world.is_well()
    await world.resumes()
    await world.recovers()
    assert world.wrong() == []


@pytest.mark.parametrize("peer", ["zammad", "kimai"])
@pytest.mark.parametrize("case", SICK, ids=str)
@ONE_LOOP
async def test_a_peer_that_cannot_be_read_fails_the_run_and_loses_nothing(
    shared: Scene, peer: str, case: Case
) -> None:
    shared.town.work(Random(str(case)), CHANGES)
    before = dict(shared.town.kimai.timesheets)
    shared.goes_wrong(peer, case.rule(READS))
    run = await shared.run()
    assert run["state"] == "failed"
    await is_clear(run["error_message"], case.says)
    assert peer in run["error_message"]
    assert shared.town.kimai.timesheets == before  # deleted bookings included
    await all_is_right_again(shared)


@pytest.mark.parametrize("peer", ["zammad", "kimai"])
@ONE_LOOP
async def test_a_page_that_repeats_rows_changes_nothing(shared: Scene, peer: str) -> None:
    shared.town.work(Random(peer), CHANGES)
    shared.goes_wrong(peer, FaultRule(kind=FaultKind.REPEAT_ROWS))
    run = await shared.run()
    assert run["state"] == "completed"
    assert shared.wrong() == []
    await all_is_right_again(shared)


@ONE_LOOP
async def test_without_the_list_of_all_bookings_they_are_read_ticket_by_ticket(
    shared: Scene,
) -> None:
    shared.town.work(Random(3), CHANGES)
    shared.goes_wrong(
        "zammad", FaultRule(kind=FaultKind.FORBIDDEN, path_prefix="/api/v1/time_accountings")
    )
    run = await shared.run()
    assert run["state"] == "completed", run["error_message"]
    assert shared.wrong() == []
    await all_is_right_again(shared)


@pytest.mark.parametrize("case", ANSWER_LOST, ids=str)
@ONE_LOOP
async def test_a_change_whose_answer_is_lost_is_found_and_not_repeated(
    shared: Scene, case: Case
) -> None:
    shared.town.work(Random(str(case)), CHANGES)
    shared.goes_wrong("kimai", case.rule(WRITES, RECORDS))
    run = await shared.run()
    assert run["state"] == "completed", run["error_message"]
    assert written(run) > 0
    assert run["entries_failed"] == 0
    assert shared.wrong() == []
    await all_is_right_again(shared)


@pytest.mark.parametrize("case", REQUEST_LOST, ids=str)
@ONE_LOOP
async def test_a_change_that_had_no_effect_is_counted_and_made_by_a_later_run(
    shared: Scene, case: Case
) -> None:
    shared.town.work(Random(str(case)), CHANGES)
    shared.goes_wrong("kimai", case.rule(WRITES, RECORDS))
    run = await shared.run()
    assert written(run) == 0
    assert run["entries_failed"] > 0 or run["error_message"]
    await all_is_right_again(shared)


@pytest.mark.parametrize("case", STOPS_WRITING, ids=str)
@ONE_LOOP
async def test_a_kimai_that_only_the_administrator_can_repair_is_named(
    shared: Scene, case: Case
) -> None:
    shared.town.work(Random(str(case)), CHANGES)
    shared.goes_wrong("kimai", case.rule(WRITES, RECORDS))
    run = await shared.run()
    assert (run["state"], written(run)) == ("failed", 0)
    await is_clear(run["error_message"], case.says)
    await all_is_right_again(shared)


@pytest.mark.parametrize("case", REFUSES, ids=str)
async def test_what_kimai_refuses_waits_for_a_person(database: str, case: Case) -> None:
    async with scene(database) as world:
        held = set(await world.conflicts())
        world.town.work(Random(7), 2 * CHANGES)
        world.goes_wrong("kimai", case.rule(("POST",), RECORDS))
        run = await world.run()
        assert run["state"] == "completed", run["error_message"]
        assert run["entries_failed"] > 0
        world.is_well()
        await world.recovers()
        conflicts = {
            booking: row["reason_code"]
            for booking, row in (await world.conflicts()).items()
            if booking not in held and row["reason_code"] == "CREATION_ERROR"
        }
        assert len(conflicts) == run["entries_failed"]
        assert sorted(world.wrong()) == sorted(
            f"booking {booking} has no timesheet" for booking in conflicts
        )


async def test_postgresql_may_crash_during_a_run(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = EmbeddedPostgres(folder / "postgres")
    dsn = await database.start()
    try:
        async with scene(dsn) as world:
            world.town.work(Random(7), 2 * CHANGES)
            for peer in ("zammad", "kimai"):
                world.goes_wrong(peer, FaultRule(kind=FaultKind.LATENCY, seconds=0.1))
            run = await world.begun()
            with capture_logs() as logs:
                await world.is_asked("kimai")
                await database.restart()
                ended = await world.end_of(run)
            # an outage is waited out; errors in the log would call the administrator
            assert [line for line in logs if line["log_level"] == "error"] == []
            assert [line for line in caplog.records if line.levelname == "ERROR"] == []
            assert ended["state"] == "completed" or ended["error_message"]
            await all_is_right_again(world)
            assert (await world.own.store.verify()).ok
    finally:
        await database.stop()
