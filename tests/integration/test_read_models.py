"""What people ask of the views: filters, orders, pages, the past."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.projection_runner import ProjectionRunner
from adapters.postgres.read_models import SORTS, AuditFilter, EntryFilter, ReadModels, RunFilter
from domain import catalogue
from domain.errors import LedgerError, RuleViolation
from domain.event import Event, Recorded
from projections import audit_log, mappings, sync_runs, time_entries, user_mappings
from projections.projection import rows_after
from tests.support.believable import past
from tests.support.ledgers import postgres_ledger
from tests.support.postgres import DatabaseServer

pytestmark = pytest.mark.asyncio(loop_scope="module")  # all tests read one ledger

BOOKINGS = 620  # two runs
ZAMMAD, KIMAI = "https://zammad.example.com/", "https://kimai.example.com/"


@dataclass(frozen=True)
class Ledger:
    """A filled ledger with its views, and all its events."""

    store: PostgresEventStore
    views: ReadModels
    events: Sequence[Recorded[Event]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ledger(embedded_server: DatabaseServer) -> AsyncIterator[Ledger]:
    with embedded_server.database() as dsn:
        async with postgres_ledger(dsn, catalogue=catalogue.ALL) as store:
            for answer in await store.append_many(list(past(BOOKINGS))):
                assert not isinstance(answer, LedgerError), answer
            await ProjectionRunner(store).catch_up()
            yield Ledger(store, ReadModels(store), await store.page(0, 10_000))


async def listed(ledger: Ledger, which: EntryFilter, **asked: Any) -> list[int]:
    """Ids of all pages of a list, in order; totals are the same on each."""
    ids: list[int] = []
    after = None
    while True:
        page = await ledger.views.entries(which, after=after, **asked)
        ids += [row.entry_id for row in page.rows]
        if (after := page.next_place) is None:
            assert page.total == len(ids)
            return ids


def entries_of(ledger: Ledger, upto: int | None = None) -> list[time_entries.Row]:
    return list(rows_after(time_entries.PROJECTION, ledger.events, upto).values())


KEYS = {
    "entry_date": lambda row: (row.entry_date, row.entry_id),
    "updated_at": lambda row: (row.updated_at, row.entry_id),
    "minutes": lambda row: (row.minutes or 0, row.entry_id),
    "ticket": lambda row: (row.ticket_number or "", row.entry_id),
}


@pytest.mark.parametrize("sort", [sign + key for key in SORTS for sign in ("", "-")])
async def test_pages_of_every_order_are_complete_and_without_repeats(
    ledger: Ledger, sort: str
) -> None:
    key = KEYS[sort.removeprefix("-")]
    ordered = sorted(entries_of(ledger), key=key, reverse=sort.startswith("-"))
    ids = await listed(ledger, EntryFilter(), sort=sort, limit=97)
    assert ids == [row.entry_id for row in ordered]


FILTERS = [
    (EntryFilter(states=["conflict"]), lambda row: row.state == "conflict"),
    (
        EntryFilter(states=["synced", "conflict"]),
        lambda row: row.state in {"synced", "conflict"},
    ),
    (EntryFilter(ticket="0019"), lambda row: "0019" in row.ticket_number),
    (EntryFilter(user="AGENT3@"), lambda row: row.user_email == "agent3@example.com"),
    (EntryFilter(user="gent 4"), lambda row: row.user_name == "Agent 4"),
    (EntryFilter(customer="er 7 inc"), lambda row: row.organization_name.endswith("7 Inc.")),
    (EntryFilter(q="ROUTER"), lambda row: "router" in row.description),
    (EntryFilter(q="100%"), lambda row: False),
    (EntryFilter(q="a\0b"), lambda row: False),
    (EntryFilter(q=""), lambda row: True),
    (EntryFilter(run_id=2), lambda row: row.last_run_id == 2),
    (EntryFilter(start_date=date(2026, 1, 5)), lambda row: row.entry_date >= date(2026, 1, 5)),
    (EntryFilter(end_date=date(2026, 1, 4)), lambda row: row.entry_date <= date(2026, 1, 4)),
    (
        EntryFilter(states=["synced"], user="agent1", run_id=1),
        lambda row: row.state == "synced" and row.user_name == "Agent 1" and row.last_run_id == 1,
    ),
]


@pytest.mark.parametrize(("which", "wanted"), FILTERS, ids=[str(each[0]) for each in FILTERS])
async def test_a_filter_finds_what_it_says(
    ledger: Ledger, which: EntryFilter, wanted: Callable[[time_entries.Row], bool]
) -> None:
    rows = [row for row in entries_of(ledger) if wanted(row)]
    page = await ledger.views.entries(which, limit=200)
    assert page.total == len(rows)
    assert page.total_minutes == sum((row.minutes or Decimal(0) for row in rows), Decimal(0))
    assert sorted(await listed(ledger, which, limit=200)) == sorted(r.entry_id for r in rows)


@pytest.mark.parametrize("upto", [0, 17, 40, 700, 1_111, 2_100])
async def test_the_past_is_listed_as_it_was(ledger: Ledger, upto: int) -> None:
    rows = entries_of(ledger, upto)
    ids = await listed(ledger, EntryFilter(), sort="updated_at", limit=200, as_of=upto)
    assert sorted(ids) == sorted(row.entry_id for row in rows)
    page = await ledger.views.entries(EntryFilter(), limit=200, as_of=upto)
    assert page.total_minutes == sum((row.minutes or Decimal(0) for row in rows), Decimal(0))
    assert page.addresses == ({1: ZAMMAD, 2: KIMAI} if upto >= 17 else {})
    for row in rows[:3]:
        assert await ledger.views.entry(row.entry_id, as_of=upto) == row


@pytest.mark.parametrize("place", [("soon", 1), ("", 1), ("2026-01-05", 2**70)])
async def test_a_place_of_another_list_is_refused(ledger: Ledger, place: tuple[str, int]) -> None:
    with pytest.raises(RuleViolation) as refused:
        await ledger.views.entries(EntryFilter(), after=place)
    assert refused.value.code == "cursor_invalid"


async def test_runs_are_found_newest_first(ledger: Ledger) -> None:
    first, second = rows_after(sync_runs.PROJECTION, ledger.events).values()
    runs, all_of_them = ledger.views.runs, RunFilter()
    assert await runs(all_of_them, skip=0, limit=20) == ([second, first], 2)
    assert await runs(all_of_them, skip=1, limit=1) == ([first], 2)
    assert await runs(all_of_them, skip=5, limit=1) == ([], 2)
    completed = RunFilter(status="completed", trigger_type="scheduled")
    assert await runs(completed, skip=0, limit=20) == ([second, first], 2)
    for none in (
        RunFilter(status="failed"),
        RunFilter(state="queued"),
        RunFilter(trigger_type="manual"),
        RunFilter(search="timeout"),
        RunFilter(search="7"),
        RunFilter(search="9" * 30),
        RunFilter(search="\0"),
        RunFilter(start_date=date(2999, 1, 1)),
        RunFilter(end_date=date(1999, 1, 1)),
    ):
        assert await runs(none, skip=0, limit=20) == ([], 0)
    assert await runs(RunFilter(search="1"), skip=0, limit=20) == ([first], 1)
    assert await ledger.views.run(2) == second
    assert await ledger.views.run(3) is None
    assert await ledger.views.run(2**80) is None


async def test_a_run_is_shown_as_it_was_while_it_went_on(ledger: Ledger) -> None:
    begun = await ledger.views.run(1, as_of=700)
    assert begun is not None
    assert sync_runs.shown(begun)["state"] == "running"
    assert begun.ended_at is None
    assert await ledger.views.connectors_in_use() == set()


async def test_days_of_a_filter_are_those_of_the_zone(ledger: Ledger) -> None:
    (run, _), _ = await ledger.views.runs(RunFilter(), skip=0, limit=2)
    for zone in ("Pacific/Kiritimati", "Pacific/Niue"):  # 25 hours apart: one is another day
        views = ReadModels(ledger.store, zone=zone)
        day = run.begun_at.astimezone(ZoneInfo(zone)).date()
        assert (await views.runs(RunFilter(start_date=day, end_date=day), skip=0, limit=9))[1] >= 1
        before = RunFilter(end_date=day - timedelta(days=1))
        assert (await views.runs(before, skip=0, limit=9))[0][:1] != [run]


AUDITS: list[tuple[dict[str, Any], Callable[[audit_log.Row], bool]]] = [
    ({}, lambda row: True),
    ({"action": "mapping_created"}, lambda row: row.action == "mapping_created"),
    ({"action_type": "sync"}, lambda row: row.action.startswith("sync")),
    ({"action_type": "access"}, lambda row: not row.action.startswith("sync")),
    ({"user": "ALI"}, lambda row: row.user == "alice"),
    ({"user": "queued"}, lambda row: row.action == "sync_queued"),
    ({"ip_address": "192.0.2.7"}, lambda row: row.ip_address == "192.0.2.7"),
    ({"entity": "connector"}, lambda row: row.entity_type == "connector"),
    ({"entity": "connector:2"}, lambda row: (row.entity_type, row.entity_id) == ("connector", 2)),
    ({"entity": "connector:two"}, lambda row: False),
    ({"correlation_id": "run-2"}, lambda row: row.correlation_id == "run-2"),
    ({"run_id": 1}, lambda row: row.run_id == 1),
    ({"start_date": date(2999, 1, 1)}, lambda row: False),
    ({"as_of": 4}, lambda row: row.position <= 4),
]


@pytest.mark.parametrize(("asked", "wanted"), AUDITS, ids=[str(each[0]) for each in AUDITS])
async def test_the_audit_is_filtered(
    ledger: Ledger, asked: dict[str, Any], wanted: Callable[[audit_log.Row], bool]
) -> None:
    rows = rows_after(audit_log.PROJECTION, ledger.events)
    expected = [row for row in reversed(rows.values()) if wanted(row)]
    values = dict(asked)
    as_of = values.pop("as_of", None)
    which, audit = AuditFilter(**values), ledger.views.audit
    assert await audit(which, skip=0, limit=500, as_of=as_of) == (expected, len(expected))
    assert await audit(which, skip=1, limit=2, as_of=as_of) == (expected[1:3], len(expected))
    pages = ledger.views.all_audited(which, as_of=as_of)
    assert [row async for page in pages for row in page] == expected


async def test_one_audited_event_is_found_by_its_position(ledger: Ledger) -> None:
    row = await ledger.views.audit_entry(3)
    assert row is not None
    assert audit_log.shown(row)["action"] == "connector_created"
    assert await ledger.views.audit_entry(3, as_of=2) is None
    assert await ledger.views.audit_entry(30) is None  # an event without an action


async def test_mappings_and_accounts_are_listed_by_id(ledger: Ledger) -> None:
    rows, total = await ledger.views.mappings(
        user_mappings.PROJECTION, skip=2, limit=3, is_active=True
    )
    assert ([row.mapping_id for row in rows], total) == ([3, 4, 5], 8)
    assert await ledger.views.mappings(mappings.PROJECTION, skip=0, limit=9, is_active=False) == (
        [],
        0,
    )
    one = await ledger.views.mapping(mappings.PROJECTION, 2)
    assert one is not None
    assert one.zammad_type_name == "Type 2"
    accounts, _ = await ledger.views.users(skip=0, limit=5)
    assert [row.username for row in accounts] == ["alice"]


async def test_settings_of_a_connector_come_back_as_they_were_set(ledger: Ledger) -> None:
    connectors, total = await ledger.views.connectors(skip=0, limit=5, include_retired=False)
    assert [row.settings for row in connectors] == [{"lookback": 30}, {"rounding_days": (0, 1, 2)}]
    assert total == 2
    before = await ledger.views.connector(1, as_of=3)
    assert before is not None
    assert before.settings == {}
