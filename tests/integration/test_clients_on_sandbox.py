"""Both clients against both sandbox peers over real HTTP, with and without faults."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.kimai.client import KimaiTimesheets
from adapters.peer_http import Patience
from adapters.sandbox.control import FaultKind, FaultRule
from adapters.sandbox.control.middleware import Controlled
from adapters.sandbox.kimai import KimaiState, create_kimai_app, seed_recordings, token_of
from adapters.sandbox.zammad import create_zammad_app
from adapters.zammad.client import ZammadTickets
from domain.errors import (
    ExternalSystemError,
    Misconfigured,
    OutcomeUnknown,
    Rejected,
    Unavailable,
)
from domain.ports.ticket_system import SourceEntry, TicketSystem
from domain.ports.timesheets import TimesheetFields, Timesheets
from tests.support.guarded import running
from tests.support.zammad_world import Company

PATIENCE = Patience(request=0.5, total=5, first_wait=0.01, longest_wait=0.05, jitter=0.01)
MARKER = "tl-0000000042"
FIELDS = TimesheetFields(
    begin="2026-11-02T09:00:00",
    end="2026-11-02T10:30:00",
    project=1,
    activity=1,
    description=f"VPN down\n\n{MARKER}",
    tags="source:zammad",
)
DAY = {
    "begin": datetime(2026, 11, 2, tzinfo=UTC),
    "end": datetime(2026, 11, 3, tzinfo=UTC),
}


@dataclass
class KimaiServer:
    app: Controlled
    state: KimaiState
    url: str

    def client(self, username: str = "anna", **options: Any) -> KimaiTimesheets:
        return KimaiTimesheets(self.url, token_of(username), patience=PATIENCE, **options)

    def fail(self, kind: FaultKind, *methods: str, **rule: Any) -> None:
        self.app.faults.replace([FaultRule(kind=kind, methods=methods, **rule)])


@dataclass
class ZammadServer:
    app: Controlled
    company: Company
    url: str

    def client(self, secret: str = "ROBOT", **options: Any) -> ZammadTickets:
        return ZammadTickets(self.url, secret, patience=PATIENCE, **options)

    def fail(self, kind: FaultKind, *methods: str, **rule: Any) -> None:
        self.app.faults.replace([FaultRule(kind=kind, methods=methods, **rule)])


@pytest.fixture
async def kimai() -> AsyncIterator[KimaiServer]:
    state = KimaiState()
    seed_recordings(state)
    app = create_kimai_app(state)
    async with running(app) as url:
        yield KimaiServer(app, state, url)


@pytest.fixture
async def zammad() -> AsyncIterator[ZammadServer]:
    company = Company()
    app = create_zammad_app(company.state)
    async with running(app) as url:
        yield ZammadServer(app, company, url)


def stored(kimai: KimaiServer) -> int:
    return len(kimai.state.timesheets)


async def test_the_clients_are_what_the_ports_ask_for(
    kimai: KimaiServer, zammad: ZammadServer
) -> None:
    async with kimai.client() as client, zammad.client() as source:
        timesheets: Timesheets = client
        tickets: TicketSystem = source
        assert (await timesheets.identity()).username == "anna"
        assert (await tickets.identity()).login == "robot@example.com"


# --- Kimai


async def test_a_timesheet_lives_its_life(kimai: KimaiServer) -> None:
    async with kimai.client() as client:
        await client.ensure_tag("source:zammad")
        made = await client.create(FIELDS)
        assert made.begin == datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
        assert made.duration == timedelta(minutes=90)
        assert made.tags == {"source:zammad"}
        assert await client.get(made.timesheet_id) == made
        assert await client.find_marked(MARKER, **DAY, user_id=None) == [made]
        changed = await client.update(
            made.timesheet_id, {"begin": "2026-11-02T09:30:00", "end": "2026-11-02T10:30:00"}
        )
        assert changed.duration == timedelta(minutes=60)
        assert await client.delete(made.timesheet_id) is True
        assert await client.delete(made.timesheet_id) is False
        assert await client.get(made.timesheet_id) is None
        assert await client.find_marked(MARKER, **DAY, user_id=None) == []
        with pytest.raises(Rejected) as caught:
            await client.update(made.timesheet_id, {"description": "x"})
        assert caught.value.status == 404


async def test_an_admin_books_for_somebody_elsewhere(kimai: KimaiServer) -> None:
    async with kimai.client("admin") as client:
        made = await client.create(replace(FIELDS, user=4))
        assert made.user_id == 4
        assert made.begin == datetime(2026, 11, 2, 8, 0, tzinfo=UTC), "the caller's zone counts"
        again = await client.get(made.timesheet_id)
        assert again is not None
        assert (again.begin, again.offset) == (made.begin, timedelta(hours=-5))
        assert [s.timesheet_id for s in await client.find_marked(MARKER, **DAY, user_id=4)] == [
            made.timesheet_id
        ]


async def test_a_token_that_may_not_book_for_others_is_told_which_field(
    kimai: KimaiServer,
) -> None:
    async with kimai.client() as client:
        with pytest.raises(Rejected) as caught:
            await client.create(replace(FIELDS, user=4))
        assert (caught.value.fields, caught.value.root) == (("user",), True)
        with pytest.raises(Rejected) as caught:
            await client.create(replace(FIELDS, project=99))
        assert "project" in caught.value.fields
    assert stored(kimai) == 0


async def test_the_user_filter_that_kimai_ignores_is_noticed(kimai: KimaiServer) -> None:
    async with kimai.client() as client:
        await client.create(FIELDS)
        with pytest.raises(Rejected):
            await client.find_marked(MARKER, **DAY, user_id=4)


async def test_more_than_a_page_of_timesheets_is_read_completely(kimai: KimaiServer) -> None:
    begin = int(datetime(2026, 11, 2, 8, 0, tzinfo=UTC).timestamp())
    async with kimai.client() as client:
        for count in (499, 500, 501, 1003):
            while stored(kimai) < count:
                kimai.state.add_timesheet(
                    user=3,
                    project=1,
                    activity=1,
                    begin=begin,
                    end=begin + 60,
                    description=f"{stored(kimai)}\n{MARKER}",
                )
            found = await client.find_marked(MARKER, **DAY, user_id=3)
            assert len({sheet.timesheet_id for sheet in found}) == count


async def test_a_page_of_timesheets_that_repeats_rows_counts_them_once(
    kimai: KimaiServer,
) -> None:
    async with kimai.client() as client:
        made = await client.create(FIELDS)
        kimai.fail(FaultKind.REPEAT_ROWS, "GET")
        assert await client.find_marked(MARKER, **DAY, user_id=3) == [made]


async def test_master_data_of_kimai_is_listed(kimai: KimaiServer) -> None:
    async with kimai.client() as client:
        assert {p.name for p in await client.projects()} >= {"Website"}
        assert {a.parent_id for a in await client.activities()} == {None, 1, 2}
        assert len(await client.customers()) == 1
        assert await client.users() == ()
    async with kimai.client("admin", with_version=True) as client:
        assert {u.name for u in await client.users()} >= {"anna", "bob", "carl"}
        assert (await client.identity()).version == "2.66.0"


async def test_tags_are_made_visible_and_hidden_ones_reported(kimai: KimaiServer) -> None:
    kimai.state.add_tag("hidden-one", visible=False)
    async with kimai.client() as client:
        await client.ensure_tag("source:zammad")
        with pytest.raises(Misconfigured, match="hidden"):
            await client.ensure_tag("hidden-one")
        with pytest.raises(Rejected):
            await client.ensure_tag("a,b")
    async with kimai.client() as client:
        await client.ensure_tag("source:zammad")


async def test_a_bad_token_stops_everything(kimai: KimaiServer, zammad: ZammadServer) -> None:
    async with KimaiTimesheets(kimai.url, "wrong", patience=PATIENCE) as client:
        with pytest.raises(Misconfigured):
            await client.identity()
        with pytest.raises(Misconfigured):
            await client.create(FIELDS)
    async with zammad.client("WRONG") as source:
        with pytest.raises(Misconfigured):
            await source.identity()
        with pytest.raises(Misconfigured):
            await anext(source.entries_by_update())


APPLIED = (
    FaultKind.ERROR_AFTER,
    FaultKind.RESET_AFTER,
    FaultKind.STALL,
    FaultKind.TRUNCATE,
    FaultKind.TRUNCATE_CLEAN,
    FaultKind.HTML_AFTER,
    FaultKind.HANG_AFTER_APPLY,
)


@pytest.mark.parametrize("kind", APPLIED)
async def test_a_write_whose_answer_is_lost_was_applied_once_and_is_found(
    kimai: KimaiServer, kind: FaultKind
) -> None:
    async with kimai.client() as client:
        kimai.fail(kind, "POST", seconds=2.0)
        with pytest.raises(OutcomeUnknown):
            await client.create(FIELDS)
        kimai.app.faults.clear()
        assert len(await client.find_marked(MARKER, **DAY, user_id=3)) == 1
    assert stored(kimai) == 1
    assert kimai.app.requests.count("POST", "/api/timesheets") == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.TOO_MANY, Unavailable),
        (FaultKind.ERROR_BEFORE, OutcomeUnknown),
        (FaultKind.RESET_BEFORE, OutcomeUnknown),
        (FaultKind.HTML, OutcomeUnknown),
        (FaultKind.UNAUTHORIZED, Misconfigured),
        (FaultKind.FORBIDDEN, Rejected),
    ],
)
async def test_a_write_that_was_not_applied_is_told_apart_as_far_as_possible(
    kimai: KimaiServer, kind: FaultKind, error: type[Exception]
) -> None:
    async with kimai.client() as client:
        kimai.fail(kind, "POST")
        with pytest.raises(error):
            await client.create(FIELDS)
    assert stored(kimai) == 0
    assert kimai.app.requests.count("POST", "/api/timesheets") == 1


READ_FAULTS = (
    FaultKind.TOO_MANY,
    FaultKind.ERROR_BEFORE,
    FaultKind.ERROR_AFTER,
    FaultKind.RESET_BEFORE,
    FaultKind.STALL,
    FaultKind.TRUNCATE,
    FaultKind.TRUNCATE_CLEAN,
    FaultKind.HTML,
)


@pytest.mark.parametrize("kind", READ_FAULTS)
async def test_reads_outlive_passing_faults(
    kimai: KimaiServer, zammad: ZammadServer, kind: FaultKind
) -> None:
    zammad.company.state.book(1, "0.75", by=zammad.company.emma.id)
    async with kimai.client() as client, zammad.client() as source:
        kimai.fail(kind, times=2, seconds=2.0, retry_after=0)
        assert (await client.identity()).user_id == 3
        zammad.fail(kind, times=2, seconds=2.0, retry_after=0)
        assert len(await anext(source.entries_by_update())) == 1


@pytest.mark.parametrize("kind", READ_FAULTS)
async def test_a_lasting_fault_ends_a_read_as_unavailable(
    zammad: ZammadServer, kind: FaultKind
) -> None:
    impatient = replace(PATIENCE, request=0.1, total=0.6)
    async with ZammadTickets(zammad.url, "ROBOT", patience=impatient) as source:
        zammad.fail(kind, seconds=1.0, retry_after=60)
        with pytest.raises(Unavailable) as caught:
            await anext(source.entries_by_update())
    assert caught.value.retry_after == (60 if kind is FaultKind.TOO_MANY else None)


async def test_a_peer_that_is_not_there_is_unavailable(kimai: KimaiServer) -> None:
    async with running(kimai.app) as url:
        pass
    async with KimaiTimesheets(url, "x" * 25, patience=PATIENCE) as client:
        with pytest.raises(Unavailable):
            await client.create(FIELDS)
        with pytest.raises(Unavailable):
            await client.identity()


async def test_what_was_modified_is_asked_for_in_utc(kimai: KimaiServer) -> None:
    """Trap 6: anna's zone is not UTC, and local time would hide the last hours."""
    async with kimai.client() as client:
        await client.ensure_tag("source:zammad")
        made = await client.create(FIELDS)
        now = datetime.now(UTC)
        soon = [page async for page in client.modified_since(now - timedelta(minutes=5))]
        later = [page async for page in client.modified_since(now + timedelta(minutes=5))]
    assert made.timesheet_id in {sheet.timesheet_id for page in soon for sheet in page}
    assert later == [[]]


async def test_a_listing_holds_what_begins_in_the_window(kimai: KimaiServer) -> None:
    async with kimai.client() as client:
        await client.ensure_tag("source:zammad")
        inside = await client.create(FIELDS)
        await client.create(replace(FIELDS, begin="2026-11-04T09:00:00", end="2026-11-04T10:00:00"))
        pages = [page async for page in client.listing(DAY["begin"], DAY["end"])]
    assert [[sheet.timesheet_id for sheet in page] for page in pages] == [[inside.timesheet_id]]


# --- Zammad


async def test_bookings_are_read_newest_first_and_completely(zammad: ZammadServer) -> None:
    company = zammad.company
    for number in range(2_050):
        company.pass_time(seconds=1)
        company.state.book(1, f"{number % 7}.25", by=company.emma.id, type_id=company.support.id)
    async with zammad.client() as source:
        newest = [row async for page in source.entries_by_update() for row in page]
        swept = [row async for page in source.entries_by_id() for row in page]
        assert await source.count_entries() == 2_050
    assert [row.source_id for row in newest] == list(range(2_050, 0, -1))
    assert [row.source_id for row in swept] == list(range(1, 2_051))
    first = swept[0]
    assert isinstance(first, SourceEntry)
    assert first.time_unit == Decimal("0.25")
    assert first.created_by_id == company.emma.id


async def test_an_idle_look_costs_two_requests(zammad: ZammadServer) -> None:
    zammad.company.state.book(1, "1", by=zammad.company.emma.id)
    async with zammad.client() as source:
        await source.identity()
        await anext(source.entries_by_update())
    assert zammad.app.requests.total == 2


async def test_repeated_rows_come_once(zammad: ZammadServer) -> None:
    for _ in range(3):
        zammad.company.state.book(1, "1", by=zammad.company.emma.id)
    zammad.fail(FaultKind.REPEAT_ROWS, path_prefix="/api/v1/time_accountings")
    async with zammad.client() as source:
        rows = [row async for page in source.entries_by_update() for row in page]
        swept = [row async for page in source.entries_by_id() for row in page]
    assert sorted(row.source_id for row in rows) == [1, 2, 3]
    assert sorted(row.source_id for row in swept) == [1, 2, 3]


async def test_deleted_edited_and_negative_bookings_are_seen(zammad: ZammadServer) -> None:
    company, state = zammad.company, zammad.company.state
    gone = state.book(1, "1", by=company.emma.id)
    negative = state.book(1, "-0.5", by=company.emma.id)
    state.delete_entry(gone.id)
    async with zammad.client() as source:
        assert await source.entry(gone.id) is None
        found = await source.entry(negative.id, ticket_id=1)
        assert isinstance(found, SourceEntry)
        assert found.time_unit == Decimal("-0.5")
        assert [row.source_id for row in await source.entries_of_ticket(1)] == [negative.id]


async def test_an_agent_reads_per_ticket_what_it_may_not_list(zammad: ZammadServer) -> None:
    company, state = zammad.company, zammad.company.state
    entry = state.book(1, "1", by=company.emma.id)
    since = company.clock.now()
    company.pass_time(minutes=5)
    state.book(1, "2", by=company.emma.id)
    async with zammad.client("EMMA") as source:
        assert await source.may_list_all() is False
        assert "admin.time_accounting" in (await source.identity()).missing
        changed = [i async for page in source.tickets_changed_since(since) for i in page]
        assert changed == [1]
        assert [row.source_id for row in await source.entries_of_ticket(1)] == [1, 2]
        assert (await source.entry(entry.id, ticket_id=1)) is not None
        assert await source.types() == {}
    async with zammad.client("RAVI") as source:
        with pytest.raises(Rejected):
            await source.entries_of_ticket(1)


async def test_many_changed_tickets_are_found_in_pages(zammad: ZammadServer) -> None:
    company = zammad.company
    for number in range(430):
        if number % 3 == 0:
            company.pass_time(seconds=1)
        company.state.add_ticket(title=f"T{number}", group_id=1, customer_id=company.emily.id)
    async with zammad.client() as source:
        ids = [i async for page in source.tickets_changed_since(None) for i in page]
        tickets = await source.tickets(ids)
    assert sorted(ids) == list(range(1, 432))
    assert len(tickets) == 431
    assert zammad.app.requests.count("GET", "/api/v1/tickets/{id}") == 0


async def test_tickets_carry_names_and_unreadable_ones_are_missing(zammad: ZammadServer) -> None:
    company, state = zammad.company, zammad.company.state
    hidden = state.add_ticket(
        title="Board", group_id=company.secret_group.id, customer_id=company.emily.id
    )
    merged = state.add_ticket(title="Twice", group_id=1, customer_id=company.emily.id)
    state.book(merged.id, "1", by=company.emma.id)
    state.merge_tickets(merged.id, 1, by=company.emma.id)
    async with zammad.client() as source:
        tickets = await source.tickets([1, hidden.id, merged.id, 4711])
        people = await source.people([company.emma.id, 4711])
        types = await source.types()
    assert set(tickets) == {1, merged.id}
    assert tickets[1].title == "VPN down"
    assert tickets[1].customer_name == "Emily Adams"
    assert tickets[1].group_name == "Service Desk"
    assert tickets[1].organization_name == "Awesome Customer Inc."
    assert (tickets[1].merged, tickets[merged.id].merged) == (False, True)
    assert set(people) == {company.emma.id}
    assert people[company.emma.id].name == "Emma Taylor"
    assert types[company.support.id].name == "Support"


async def test_articles_are_read_as_plain_text(zammad: ZammadServer) -> None:
    company, state = zammad.company, zammad.company.state
    article = state.add_article(
        1, "<p>Reset the <b>tunnel</b>.</p>", content_type="text/html", by=company.emma.id
    )
    async with zammad.client() as source:
        assert (await source.article_texts(1))[article.id] == "Reset the tunnel."
        assert await source.article_texts(4711) == {}


async def test_the_declared_unit_is_what_the_settings_say(zammad: ZammadServer) -> None:
    async with zammad.client() as source:
        assert await source.declared_unit() is None
    zammad.company.state.set_setting("time_accounting_unit", "minute")
    async with zammad.client() as source:
        assert await source.declared_unit() == "minute"


async def test_a_thorough_look_names_version_and_missing_permissions(
    zammad: ZammadServer,
) -> None:
    async with zammad.client("ADA", thorough=True) as source:
        me = await source.identity()
    assert (me.version is not None, me.missing) == (True, ())
    async with zammad.client("EMMA", thorough=True) as source:
        assert (await source.identity()).missing == ("admin.time_accounting", "admin.version")


async def test_switched_off_api_access_is_not_one_unreadable_ticket(zammad: ZammadServer) -> None:
    zammad.company.state.set_setting("api_token_access", False)
    async with zammad.client() as source:
        with pytest.raises(Misconfigured):
            await source.tickets([1])
        with pytest.raises(Misconfigured):
            await source.article_texts(1)


async def test_secrets_stay_out_of_logs_and_messages_whatever_goes_wrong(
    kimai: KimaiServer,
    zammad: ZammadServer,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    for kind in (*APPLIED, *READ_FAULTS, FaultKind.UNAUTHORIZED, FaultKind.FORBIDDEN):
        kimai.fail(kind, seconds=1.0)
        zammad.fail(kind, seconds=1.0)
        quick = replace(PATIENCE, request=0.1, attempts=1)
        async with (
            KimaiTimesheets(kimai.url, token_of("anna"), patience=quick) as client,
            ZammadTickets(zammad.url, "ROBOT-SECRET", patience=quick) as source,
        ):
            shown += [repr(client), repr(source)]
            for call in (client.create(FIELDS), client.identity(), source.tickets([1])):
                try:
                    await call
                except ExternalSystemError as error:
                    shown.append(f"{error!r} {error}")
    text = "\n".join([*shown, caplog.text, *capsys.readouterr()])
    for secret in (token_of("anna"), "ROBOT-SECRET", MARKER, "VPN down"):
        assert secret not in text
