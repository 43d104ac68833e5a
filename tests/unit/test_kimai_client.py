"""The Kimai client against recorded answers. Trap numbers are those of peers/kimai.md, 11."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from adapters.kimai.client import KimaiTimesheets
from domain.errors import Misconfigured, OutcomeUnknown, Rejected, Unavailable
from domain.ports.timesheets import TargetItem, TimesheetFields
from tests.support.mock_peers import HTML, QUICK, MockPeer, Reply, recorded, recordings, reply

RECORDED = recordings()
FIELDS = TimesheetFields(
    begin="2026-11-02T09:00:00",
    end="2026-11-02T10:30:00",
    project=1,
    activity=2,
    description="Router\n\ntl-0000000042",
    tags="source:zammad",
)
MARKER = "tl-0000000042"
POST = "POST /api/timesheets"
LIST = "GET /api/timesheets"
ME = {
    "GET /api/users/me": recorded(RECORDED["02-users-me"]),
    "GET /api/config/timesheet": recorded(RECORDED["01-config-timesheet"]),
    "GET /api/version": recorded(RECORDED["00-version"]),
}
T0 = datetime(2026, 11, 2, tzinfo=UTC)
WINDOW: dict[str, datetime] = {"begin": T0, "end": T0 + timedelta(days=1)}


def kimai(mock: MockPeer, *, with_version: bool = False) -> KimaiTimesheets:
    return KimaiTimesheets(
        "https://kimai.test/",
        "0123456789abcdef",
        with_version=with_version,
        patience=QUICK,
        transport=mock,
    )


def answers(name: str) -> httpx.Response:
    return recorded(RECORDED[name])


def record(timesheet_id: int, **other: Any) -> dict[str, Any]:
    body: dict[str, Any] = RECORDED["20-create-ok"]["response"]["body"]
    return {**body, "id": timesheet_id, "description": f"text\n\n{MARKER}", **other}


def listing(*pages: list[dict[str, Any]], total: int | None = None) -> Callable[..., Any]:
    """The list route over fixed pages; a page beyond the last is 404."""
    count = sum(map(len, pages)) if total is None else total

    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        if page > max(1, len(pages)):
            return reply(404, {"code": 404, "message": "Not Found"})
        headers = {"X-Total-Count": str(count), "X-Total-Pages": str(max(1, len(pages)))}
        return httpx.Response(200, json=pages[page - 1] if pages else [], headers=headers)

    return answer


# --- who and what


async def test_identity_says_in_which_zone_times_are_read() -> None:
    mock = MockPeer(ME)
    async with kimai(mock, with_version=True) as client:
        me = await client.identity()
    assert (me.user_id, me.username, me.timezone) == (3, "anna", "Europe/Berlin")
    assert (me.roles, me.version, me.tracking_mode) == ((), "2.66.0", "default")


async def test_identity_is_asked_once_in_two_requests_however_many_ask() -> None:
    mock = MockPeer(ME)
    async with kimai(mock) as client:
        found = await asyncio.gather(*(client.identity() for _ in range(10)))
    assert sorted(mock.calls()) == ["GET /api/config/timesheet", "GET /api/users/me"]
    assert {one.version for one in found} == {None}


async def test_a_failed_identity_is_asked_again() -> None:
    mock = MockPeer({**ME, "GET /api/users/me": [reply(401), ME["GET /api/users/me"]]})
    async with kimai(mock) as client:
        with pytest.raises(Misconfigured):
            await client.identity()
        assert (await client.identity()).user_id == 3


async def test_trap_22_a_wrong_token_has_no_body_and_stops_the_schedule() -> None:
    for name in ("10-auth-bad-token", "10-auth-none", "10-auth-expired-token"):
        async with kimai(MockPeer({**ME, "GET /api/users/me": answers(name)})) as client:
            with pytest.raises(Misconfigured):
                await client.identity()


async def test_an_answer_without_a_needed_field_is_an_error_that_names_it() -> None:
    async with kimai(MockPeer({**ME, "GET /api/users/me": reply(200, {"id": 3})})) as client:
        with pytest.raises(Misconfigured, match=r"username, timezone, roles"):
            await client.identity()


async def test_master_data_is_read_with_ended_and_hidden_rows_and_once() -> None:
    mock = MockPeer(
        {
            "GET /api/projects": answers("04-projects-list"),
            "GET /api/activities": answers("04-activities-list"),
            "GET /api/customers": answers("04-customers-list"),
            "GET /api/users": answers("02-users-admin"),
        }
    )
    async with kimai(mock) as client:
        for _ in range(2):
            assert TargetItem(
                item_id=1, name="Website", active=True, parent_id=1, number="0002"
            ) in (await client.projects())
            activities = {item.item_id: item.parent_id for item in await client.activities()}
            assert activities == {1: None, 2: 1, 3: 2}
            assert [item.name for item in await client.customers()] == ["Acme GmbH"]
            assert {item.email for item in await client.users()} >= {"anna@example.com"}
    assert len(mock.asked) == 4
    asked = {request.url.path: dict(request.url.params) for request in mock.asked}
    assert asked["/api/projects"] == {"visible": "3", "ignoreDates": "1"}
    assert asked["/api/activities"] == {"visible": "3"}


async def test_trap_25_users_are_empty_for_all_but_super_admins() -> None:
    async with kimai(MockPeer({"GET /api/users": answers("02-users-lead")})) as client:
        assert await client.users() == ()


# --- writing


async def test_create_sends_the_fields_once_and_reads_what_was_stored() -> None:
    mock = MockPeer({POST: answers("20-create-ok")})
    async with kimai(mock) as client:
        stored = await client.create(FIELDS)
    assert mock.bodies() == [
        {
            "begin": "2026-11-02T09:00:00",
            "end": "2026-11-02T10:30:00",
            "project": 1,
            "activity": 2,
            "description": FIELDS.description,
            "tags": "source:zammad",
        }
    ]
    assert mock.asked[0].headers["content-type"] == "application/json"
    assert stored.begin == datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
    assert stored.end == datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    assert stored.duration == timedelta(minutes=90)
    assert stored.offset == timedelta(hours=1)
    assert stored.tags == frozenset(), "a dropped tag shows in what was stored (trap 2)"


async def test_trap_4_instants_do_not_depend_on_the_offset_they_came_with() -> None:
    async with kimai(MockPeer({POST: answers("20-create-bob-newyork")})) as client:
        stored = await client.create(FIELDS)
    assert stored.begin == datetime(2026, 11, 2, 14, 0, tzinfo=UTC)
    assert stored.offset == timedelta(hours=-5)


async def test_trap_20_duration_is_taken_as_stored() -> None:
    rounded = record(1, duration=6300)
    async with kimai(MockPeer({POST: reply(200, rounded)})) as client:
        stored = await client.create(FIELDS)
    assert stored.duration == timedelta(minutes=105)
    assert stored.end is not None
    assert stored.end - stored.begin == timedelta(minutes=90)


async def test_trap_24_rates_may_be_there_or_not() -> None:
    rich = record(1, rate=0.0, internalRate=0.0, fixedRate=None, hourlyRate=0.0, unknown={"a": 1})
    async with kimai(MockPeer({POST: [reply(200, rich), answers("20-create-ok")]})) as client:
        assert (await client.create(FIELDS)).timesheet_id == 1
        assert (await client.create(FIELDS)).timesheet_id == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("gone"),
        reply(500, {"code": 500, "message": "Internal Server Error"}),
        httpx.Response(502, content=HTML),
        httpx.Response(200, content=HTML),
        httpx.Response(200, content=b'{"id": 7, "begin": "2026-'),
        httpx.Response(200, content=b""),
        reply(200, {"id": 7}),
        reply(200, []),
        reply(302, location="https://kimai.test/login"),
    ],
)
async def test_trap_1_a_post_without_a_readable_answer_is_uncertain_and_never_repeated(
    answer: Reply,
) -> None:
    mock = MockPeer({POST: answer, "PATCH /api/timesheets/7": answer})
    async with kimai(mock) as client:
        with pytest.raises(OutcomeUnknown):
            await client.create(FIELDS)
        with pytest.raises(OutcomeUnknown):
            await client.update(7, {"description": "x"})
    assert mock.calls() == [POST, "PATCH /api/timesheets/7"]


async def test_a_post_that_never_left_is_unavailable() -> None:
    for answer in (httpx.ConnectError("refused"), reply(429, retry_after="3")):
        async with kimai(MockPeer({POST: answer})) as client:
            with pytest.raises(Unavailable):
                await client.create(FIELDS)


@pytest.mark.parametrize(
    ("name", "fields", "root"),
    [
        ("20-create-unknown-project", ("project", "activity"), False),
        ("20-create-activity-of-other-project", ("activity",), False),
        ("20-create-for-nonteam-as-lead", ("user",), False),
        ("20-create-garbage-date", ("begin",), True),
        ("48-overlap-create", (), True),
        ("50-lockdown-create-user", (), True),
        ("71-errors-german-duplicate", ("begin",), False),  # "code": "400", internal field names
        ("20-create-invalid-json", (), False),
    ],
)
async def test_trap_22_refusals_are_read_by_location(
    name: str, fields: tuple[str, ...], root: bool
) -> None:
    sent = RECORDED[name]["request"]["body"]
    known = ("begin", "end", "project", "activity", "description", "tags", "user", "billable")
    body = {key: value for key, value in (sent or {}).items() if key in known}
    async with kimai(MockPeer({"PATCH /api/timesheets/7": answers(name)})) as client:
        with pytest.raises(Rejected) as caught:
            await client.update(7, body)
    assert (caught.value.status, caught.value.fields, caught.value.root) == (400, fields, root)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("20-create-for-other-as-user", ("user",)),
        ("20-create-billable-as-user", ("billable",)),
        ("51-mode-punch-create", ("begin", "end")),
    ],
)
async def test_trap_13_a_field_the_token_may_not_send_is_named(
    name: str, fields: tuple[str, ...]
) -> None:
    body: Mapping[str, object] = RECORDED[name]["request"]["body"]
    async with kimai(MockPeer({"PATCH /api/timesheets/7": answers(name)})) as client:
        with pytest.raises(Rejected, match="this token may not set") as caught:
            await client.update(7, body)
    assert caught.value.fields == fields


async def test_trap_16_a_locked_or_exported_record_is_refused() -> None:
    mock = MockPeer(
        {
            "PATCH /api/timesheets/29": answers("41-patch-exported-as-user"),
            "DELETE /api/timesheets/29": answers("41-delete-exported-as-user"),
        }
    )
    async with kimai(mock) as client:
        with pytest.raises(Rejected) as caught:
            await client.update(29, {"description": "x"})
        assert caught.value.status == 403
        with pytest.raises(Rejected):
            await client.delete(29)


async def test_trap_14_and_15_none_is_never_sent() -> None:
    mock = MockPeer()
    async with kimai(mock) as client:
        with pytest.raises(ValueError, match="end"):
            await client.update(7, {"end": None})
        with pytest.raises(ValueError, match="exported"):
            await client.update(7, {"exported": False})
    assert not mock.asked


async def test_a_patch_of_a_record_that_is_gone_is_refused_with_404() -> None:
    async with kimai(MockPeer()) as client:
        with pytest.raises(Rejected) as caught:
            await client.update(7, {"description": "x"})
    assert caught.value.status == 404


async def test_delete_says_whether_there_was_something_to_delete() -> None:
    mock = MockPeer({"DELETE /api/timesheets/7": [reply(204), answers("42-delete-again")]})
    async with kimai(mock) as client:
        assert await client.delete(7) is True
        assert await client.delete(7) is False


async def test_a_404_of_a_proxy_is_not_a_deleted_record() -> None:
    page = httpx.Response(404, content=HTML)
    mock = MockPeer({"GET /api/timesheets/7": page, "DELETE /api/timesheets/7": page})
    async with kimai(mock) as client:
        with pytest.raises(Misconfigured):
            await client.get(7)
        with pytest.raises(Misconfigured):
            await client.delete(7)


# --- reading


async def test_get_is_none_only_for_404() -> None:
    mock = MockPeer(
        {
            "GET /api/timesheets/1": answers("20-create-ok"),
            "GET /api/timesheets/31": answers("42-get-deleted"),
            "GET /api/timesheets/11": answers("30-get-other-users"),
        }
    )
    async with kimai(mock) as client:
        found = await client.get(1)
        assert found is not None
        assert found.description == "first entry"
        assert await client.get(31) is None
        with pytest.raises(Rejected):
            await client.get(11)


async def test_a_running_record_has_no_end() -> None:
    running = record(5, end=None, duration=0, description=None)
    async with kimai(MockPeer({"GET /api/timesheets/5": reply(200, running)})) as client:
        found = await client.get(5)
    assert found is not None
    assert (found.end, found.duration, found.description) == (None, timedelta(), "")


async def test_trap_9_pages_of_500_until_the_last_and_never_beyond() -> None:
    first = [record(i, description="other") for i in range(1, 501)]
    second = [record(500, description="other"), record(501)]  # shifted: 500 comes again
    mock = MockPeer({**ME, LIST: listing(first, second, total=501)})
    async with kimai(mock) as client:
        found = await client.find_marked(MARKER, **WINDOW, user_id=3)
    assert [sheet.timesheet_id for sheet in found] == [501]
    listed = [dict(request.url.params) for request in mock.asked if "page" in request.url.params]
    assert [page["page"] for page in listed] == ["1", "2"]
    assert {page["size"] for page in listed} == {"500"}


@pytest.mark.parametrize("more", [[], [[record(3)]]])
async def test_a_peek_is_one_request_and_says_whether_it_shows_all(
    more: list[list[dict[str, Any]]],
) -> None:
    outside = {"begin": "2026-11-03T02:00:00+0100", "end": "2026-11-03T03:00:00+0100"}
    rows = [record(1, exported=True), record(2, **outside)]
    mock = MockPeer({**ME, LIST: listing(rows, *more)})
    async with kimai(mock) as client:
        peek = await client.peek(**WINDOW)
    assert [(each.timesheet_id, each.exported) for each in peek.sheets][:1] == [(1, True)]
    assert peek.complete is not bool(more)
    (listed,) = [dict(r.url.params) for r in mock.asked if r.url.path == "/api/timesheets"]
    assert (listed["user"], listed["size"], listed["order"]) == ("all", "500", "ASC")


async def test_a_page_that_vanished_meanwhile_ends_the_list() -> None:
    pages = [[record(i) for i in range(1, 501)]]

    def shrinking(request: httpx.Request) -> httpx.Response:
        if request.url.params["page"] == "2":
            return answers("31-list-page-beyond-end")
        headers = {"X-Total-Count": "500", "X-Total-Pages": "2"}
        return httpx.Response(200, json=pages[0], headers=headers)

    async with kimai(MockPeer({**ME, LIST: shrinking})) as client:
        assert len(await client.find_marked(MARKER, **WINDOW, user_id=3)) == 500


async def test_a_list_that_lost_rows_between_pages_is_read_again_and_then_an_error() -> None:
    short = listing([record(1)], total=2)
    mock = MockPeer({**ME, LIST: [short, listing([record(1), record(2)])]})
    async with kimai(mock) as client:
        assert len(await client.find_marked(MARKER, **WINDOW, user_id=3)) == 2
    async with kimai(MockPeer({**ME, LIST: short})) as client:
        with pytest.raises(Unavailable):
            await client.find_marked(MARKER, **WINDOW, user_id=3)


async def test_trap_10_rows_of_other_people_mean_that_the_filter_was_ignored() -> None:
    mock = MockPeer({**ME, LIST: listing([record(1, user=3)])})
    async with kimai(mock) as client:
        with pytest.raises(Rejected, match="user 77"):
            await client.find_marked(MARKER, **WINDOW, user_id=77)


async def test_trap_10_nothing_found_for_others_proves_nothing_to_a_plain_user() -> None:
    plain = {**RECORDED["02-users-me"]["response"]["body"], "roles": []}
    mock = MockPeer({**ME, "GET /api/users/me": reply(200, plain), LIST: listing([])})
    async with kimai(mock) as client:
        with pytest.raises(Rejected, match="view_other_timesheet"):
            await client.find_marked(MARKER, **WINDOW, user_id=77)
        assert await client.find_marked(MARKER, **WINDOW, user_id=None) == []


async def test_trap_12_the_marker_is_compared_here_and_never_searched_for() -> None:
    texts = {
        1: f"text\n\n{MARKER}",
        2: f"{MARKER}\nbut not in the last line",
        3: f"text {MARKER}0",
        4: MARKER.upper(),
        5: "",
        6: f"Ticket 4711 {MARKER}",
    }
    rows = [record(i, description=text) for i, text in texts.items()]
    mock = MockPeer({**ME, LIST: listing(rows)})
    async with kimai(mock) as client:
        found = await client.find_marked(MARKER, **WINDOW, user_id=None)
    assert [sheet.timesheet_id for sheet in found] == [1, 6]
    params = mock.asked[-1].url.params
    assert "term" not in params
    assert params["user"] == "3"


async def test_trap_26_all_copies_of_a_marker_are_told() -> None:
    mock = MockPeer({**ME, LIST: listing([record(1), record(2)])})
    async with kimai(mock) as client:
        assert len(await client.find_marked(MARKER, **WINDOW, user_id=3)) == 2


async def test_trap_6_the_window_is_asked_for_in_the_callers_wall_time() -> None:
    mock = MockPeer({**ME, LIST: listing()})
    async with kimai(mock) as client:
        begin = datetime(2026, 10, 25, 0, 30, 0, 123456, tzinfo=UTC)  # 02:30 in Berlin, twice
        await client.find_marked(MARKER, begin=begin, end=begin, user_id=3)
    params = mock.asked[-1].url.params
    # Three hours wider on both sides, so that a repeated or missing hour cannot hide a record.
    assert (params["begin"], params["end"]) == ("2026-10-24T23:30:00", "2026-10-25T04:30:00")


async def test_records_outside_the_window_are_left_out() -> None:
    rows = [record(1), record(2, begin="2026-11-03T02:00:00+0100", end="2026-11-03T03:00:00+0100")]
    async with kimai(MockPeer({**ME, LIST: listing(rows)})) as client:
        found = await client.find_marked(MARKER, **WINDOW, user_id=3)
    assert [sheet.timesheet_id for sheet in found] == [1]


async def test_one_unreadable_record_does_not_turn_into_a_shorter_list() -> None:
    rows = [record(1), {"id": 2}]
    async with kimai(MockPeer({**ME, LIST: listing(rows)})) as client:
        with pytest.raises(Misconfigured):
            await client.find_marked(MARKER, **WINDOW, user_id=3)


# --- tags


def tag(name: str, *, visible: bool = True) -> dict[str, Any]:
    return {"id": 1, "name": name, "visible": visible, "color": None, "color-safe": "#000000"}


FIND = "GET /api/tags/find"


async def test_trap_11_a_missing_tag_is_created_visible_and_only_once() -> None:
    created = MockPeer({FIND: reply(200, []), "POST /api/tags": reply(200, tag("source:zammad"))})
    async with kimai(created) as client:
        await asyncio.gather(*(client.ensure_tag("source:zammad") for _ in range(5)))
    assert created.bodies() == [{"name": "source:zammad", "visible": True}]
    there = MockPeer({FIND: reply(200, [tag("source:zammad-old"), tag("Source:Zammad")])})
    async with kimai(there) as client:
        await client.ensure_tag("source:zammad")
    assert there.calls() == [FIND]


async def test_a_tag_that_another_writer_created_meanwhile_is_fine() -> None:
    mock = MockPeer(
        {
            FIND: [reply(200, []), reply(200, [tag("foo")])],
            "POST /api/tags": answers("21-tags-create-dup-case"),
        }
    )
    async with kimai(mock) as client:
        await client.ensure_tag("foo")


async def test_a_hidden_tag_is_for_the_administrator_and_a_bad_name_is_refused() -> None:
    in_use = answers("21-tags-create-dup-case")
    async with kimai(MockPeer({FIND: reply(200, []), "POST /api/tags": in_use})) as client:
        with pytest.raises(Misconfigured, match="hidden"):
            await client.ensure_tag("foo")
    comma = answers("21-tags-create-with-comma")
    async with kimai(MockPeer({FIND: reply(200, []), "POST /api/tags": comma})) as client:
        with pytest.raises(Rejected) as caught:
            await client.ensure_tag("a,b")
    assert caught.value.fields == ("name",)


async def test_a_tag_whose_creation_went_unanswered_is_looked_for() -> None:
    lost = httpx.ReadTimeout("slow")
    found = MockPeer({FIND: [reply(200, []), reply(200, [tag("foo")])], "POST /api/tags": lost})
    async with kimai(found) as client:
        await client.ensure_tag("foo")
    missing = MockPeer({FIND: reply(200, []), "POST /api/tags": lost})
    async with kimai(missing) as client:
        with pytest.raises(Unavailable):
            await client.ensure_tag("foo")


async def test_a_token_that_may_not_create_tags_is_misconfigured() -> None:
    refused = reply(403, {"code": 403, "message": "Forbidden"})
    async with kimai(MockPeer({FIND: reply(200, []), "POST /api/tags": refused})) as client:
        with pytest.raises(Misconfigured):
            await client.ensure_tag("foo")


def test_the_client_does_not_show_its_token() -> None:
    shown = repr(KimaiTimesheets("https://kimai.test/sub", "0123456789abcdef"))
    assert "0123456789abcdef" not in shown
    assert "https://kimai.test/sub/" in shown


async def test_a_listing_stops_at_the_page_that_kimai_calls_the_last() -> None:
    """50 000 records are 100 requests: the page after the last would be 404 (trap 9)."""
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json=[], headers={"X-Total-Pages": "100"})

    transport = httpx.MockTransport(answer)
    async with KimaiTimesheets("https://kimai.test", "token", transport=transport) as client:
        since = datetime(2026, 7, 1, 12, 0, 30, 900000, tzinfo=UTC)
        pages = [page async for page in client.modified_since(since)]
    assert len(pages) == len(asked) == 100
    assert dict(asked[-1].params) == {
        "user": "all",
        "modified_after": "2026-07-01T12:00:30",
        "orderBy": "id",
        "order": "ASC",
        "size": "500",
        "page": "100",
    }
