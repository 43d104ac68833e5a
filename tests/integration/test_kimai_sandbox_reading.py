"""Lists, filters, teams, tokens and transport beyond the recordings. Source: peers/kimai.md."""

from typing import Any

import pytest

from tests.support.kimai_sandbox import NOW, Kimai, sandbox

DAY = "2026-11-{:02d}T{:02d}:00:00"


async def _fill(kimai: Kimai, days: range = range(1, 8)) -> None:
    for day in days:
        await kimai.post("anna", DAY.format(day, 9), DAY.format(day, 10), description=f"zk-47{day}")


def _ids(rows: Any) -> list[int]:
    return [row["id"] for row in rows]


async def test_pages_end_with_a_404() -> None:
    async with sandbox() as kimai:
        await _fill(kimai)
        response = await kimai.ask("anna", "GET", "/timesheets?size=3&page=3")
        paging = [response.headers[f"X-{name}"] for name in ("Page", "Total-Pages", "Total-Count")]
        assert (paging, len(response.json())) == (["3", "3", "7"], 1)
        assert (await kimai.ask("anna", "GET", "/timesheets?size=3&page=4")).status_code == 404
        empty = await kimai.ask("bob", "GET", "/timesheets")
        assert (empty.json(), empty.headers["X-Total-Pages"]) == ([], "1")
        assert (await kimai.ask("bob", "GET", "/timesheets?page=2")).status_code == 404


async def test_equal_begins_are_ordered_by_id() -> None:
    async with sandbox() as kimai:
        for _ in range(3):
            await kimai.post("anna", DAY.format(2, 9), DAY.format(2, 10))
        assert _ids(await kimai.get("anna", "/timesheets")) == [3, 2, 1]
        assert _ids(await kimai.get("anna", "/timesheets?order=ASC&orderBy=rate")) == [1, 2, 3]


@pytest.mark.parametrize(
    "query",
    ["page=x", "size=-1", "order=desc", "orderBy=name", "begin=2026-11-02", "end=tomorrow",
     "modified_after=2026-11-02T09:00:00%2B01:00", "exported=2", "active=true", "billable=yes",
     "full=maybe", "project=Website", "projects=1", "tags=x", "user[]=3"],
)  # fmt: skip
async def test_bad_parameters_are_a_400(query: str) -> None:
    async with sandbox() as kimai:
        response = await kimai.ask("lead", "GET", f"/timesheets?{query}")
        assert response.json() == {"code": 400, "message": "Bad Request"}


async def test_a_plain_users_user_parameter_is_not_even_read() -> None:
    async with sandbox() as kimai:
        await _fill(kimai, range(1, 2))
        for user in ("bob", "4", "all"):
            assert _ids(await kimai.get("anna", f"/timesheets?user={user}")) == [1]
        assert (await kimai.ask("lead", "GET", "/timesheets?user=bob")).status_code == 400


async def test_unknown_ids_drop_their_filter_and_unreachable_ones_are_forbidden() -> None:
    async with sandbox() as kimai:
        await _fill(kimai, range(1, 3))
        for query in ("project=999", "projects[]=998", "customer=99", "activity=99"):
            assert len(await kimai.get("anna", f"/timesheets?{query}")) == 2
        assert await kimai.get("anna", "/timesheets?projects[]=999&projects[]=2") == []
        assert await kimai.get("lead", "/timesheets?users[]=999") == []  # own data
        assert (await kimai.ask("lead", "GET", "/timesheets?user=5")).status_code == 403
        assert (await kimai.ask("admin", "GET", "/timesheets?user=5")).status_code == 200


async def test_tags_filter_by_any_known_visible_name() -> None:
    async with sandbox() as kimai:
        kimai.state.add_tag("foo")
        kimai.state.add_tag("hidden", visible=False)
        await kimai.post("anna", DAY.format(2, 9), DAY.format(2, 10), tags="foo,hidden")
        await kimai.post("anna", DAY.format(3, 9), DAY.format(3, 10))
        assert _ids(await kimai.get("anna", "/timesheets?tags[]=FOO&tags[]=nope")) == [1]
        for unknown in ("nope", "hidden"):
            refused = await kimai.ask("anna", "GET", f"/timesheets?tags[]={unknown}")
            assert refused.status_code == 400


@pytest.mark.parametrize(
    ("term", "found"),
    [("zk-471", [1]), ("zk_472", [2]), ("ZK-47", [3, 2, 1]), ("zk 473", [3]), ("!471", [3, 2]),
     ("%25", [3, 2, 1]), ("[zk:471]", []), ("description:zk", [])],
)  # fmt: skip
async def test_terms_are_substrings_with_wildcards(term: str, found: list[int]) -> None:
    async with sandbox() as kimai:
        await _fill(kimai, range(1, 4))
        assert _ids(await kimai.get("anna", f"/timesheets?term={term}")) == found


async def test_begin_and_end_both_compare_the_begin_in_the_callers_zone() -> None:
    async with sandbox() as kimai:
        await kimai.post("anna", DAY.format(2, 9), DAY.format(2, 12))
        window = "begin=2026-11-02T09:00:00&end=2026-11-02T09:00:00"
        assert _ids(await kimai.get("anna", f"/timesheets?{window}")) == [1]
        assert _ids(await kimai.get("admin", f"/timesheets?user=3&{window}")) == [1]
        kimai.state.users[1].timezone = "America/New_York"
        assert await kimai.get("admin", f"/timesheets?user=3&{window}") == []
        later = "begin=2026-11-02T10:00:00&end=2026-11-02T13:00:00"
        assert await kimai.get("anna", f"/timesheets?{later}") == []


async def test_modified_after_is_utc_and_inclusive_and_blind_for_no_ops() -> None:
    async with sandbox() as kimai:
        await kimai.post("anna", DAY.format(2, 9), DAY.format(2, 10))
        at = NOW.strftime("%Y-%m-%dT%H:%M:%S")
        assert len(await kimai.get("anna", f"/timesheets?modified_after={at}")) == 1
        kimai.state.clock.fix(NOW.replace(hour=18))
        later = "2026-11-22T17:30:01"
        await kimai.patch("anna", 1, {})
        assert await kimai.get("anna", f"/timesheets?modified_after={later}") == []
        await kimai.patch("anna", 1, {"description": "x"})
        assert len(await kimai.get("anna", f"/timesheets?modified_after={later}")) == 1


async def test_a_team_hides_records_from_lists_but_not_from_their_owner() -> None:
    async with sandbox() as kimai:
        await kimai.post("bob", DAY.format(2, 9), DAY.format(2, 10))
        assert (await kimai.ask("admin", "POST", "/teams/1/projects/1")).status_code == 200
        assert await kimai.get("bob", "/timesheets") == []
        assert (await kimai.ask("bob", "GET", "/timesheets/1")).status_code == 200
        assert (await kimai.patch("bob", 1, {"description": "x"})).status_code == 200
        assert (await kimai.ask("lead", "GET", "/timesheets/1")).status_code == 200
        assert len(await kimai.get("admin", "/timesheets?user=all")) == 1
        refused = await kimai.try_post("bob", DAY.format(3, 9), DAY.format(3, 10))
        errors = refused.json()["errors"]["children"]
        assert errors["project"] == {"errors": ["The selected choice is invalid."]}


async def test_a_lead_sees_all_of_the_team_and_nobody_else() -> None:
    async with sandbox() as kimai:
        for who in ("anna", "bob", "admin", "lead"):
            await kimai.post(who, DAY.format(2, 9), DAY.format(2, 10))
        rows = await kimai.get("lead", "/timesheets?user=all")
        assert {row["user"] for row in rows} == {2, 3}
        assert len(await kimai.get("admin", "/timesheets?user=all")) == 4


async def test_a_hidden_or_ended_project_leaves_the_list_of_projects() -> None:
    async with sandbox() as kimai:
        kimai.state.add_project("Ended", 1, end="2026-11-21")
        kimai.state.projects[1].visible = False

        async def names(query: str) -> set[str]:
            return {row["name"] for row in await kimai.get("anna", f"/projects{query}")}

        intranet = "Intranet (no global activities)"
        assert await names("") == {intranet}
        assert await names("?visible=2") == {"Website"}
        assert await names("?ignoreDates=1&visible=3") == {"Website", intranet, "Ended"}
        assert await names("?globalActivities=1&ignoreDates=1") == {"Ended"}


async def test_activities_come_with_global_ones_unless_the_project_forbids() -> None:
    async with sandbox() as kimai:
        assert _ids(await kimai.get("anna", "/activities?project=1&orderBy=id")) == [1, 2]
        assert _ids(await kimai.get("anna", "/activities?projects[]=2")) == [3]
        assert len(await kimai.get("anna", "/activities?project=99")) == 3


async def test_numbers_are_unique_unless_allowed_and_names_are_not() -> None:
    async with sandbox() as kimai:
        body = {"name": "Twin", "customer": 1, "number": "N1"}
        first = await kimai.ask("admin", "POST", "/projects", body)
        assert (first.status_code, first.json()["number"]) == (200, "N1")
        second = await kimai.ask("admin", "POST", "/projects", body)
        assert "number" in second.text
        assert second.json()["errors"]["children"]["number"]["errors"]
        kimai.state.settings.change({"project.allow_duplicate_number": "1"})
        assert (await kimai.ask("admin", "POST", "/projects", body)).status_code == 200
        generated = await kimai.ask("admin", "POST", "/projects", {"name": "Twin", "customer": 1})
        assert generated.json()["number"] == "0006"


@pytest.mark.parametrize("name", ["a<b", "a=b", 'a"b', "x", ""])
async def test_bad_names_of_master_data_are_refused(name: str) -> None:
    async with sandbox() as kimai:
        response = await kimai.ask("admin", "POST", "/customers", {"name": name})
        assert response.json()["errors"]["children"]["name"]["errors"]


async def test_visible_zero_means_visible_and_time_budgets_count_hours() -> None:
    async with sandbox() as kimai:
        body = {"visible": 0, "timeBudget": 2, "budget": "100.50", "budgetType": "month"}
        row = (await kimai.ask("admin", "PATCH", "/projects/1", body)).json()
        assert (row["visible"], row["timeBudget"], row["budget"], row["budgetType"]) == (
            True,
            7200,
            100.5,
            "month",
        )


async def test_deleting_a_customer_takes_everything_below_along() -> None:
    async with sandbox() as kimai:
        await _fill(kimai, range(1, 2))
        assert (await kimai.ask("lead", "DELETE", "/customers/1")).status_code == 403
        assert (await kimai.ask("admin", "DELETE", "/customers/1")).status_code == 204
        assert (await kimai.ask("anna", "GET", "/timesheets/1")).status_code == 404
        assert await kimai.get("anna", "/projects?visible=3") == []
        assert _ids(await kimai.get("anna", "/activities?visible=3")) == [1]


async def test_a_deleted_tag_leaves_records_unmodified() -> None:
    async with sandbox() as kimai:
        tag = kimai.state.add_tag("foo").id
        await kimai.post("anna", DAY.format(2, 9), DAY.format(2, 10), tags="foo")
        before = kimai.state.timesheets[1].modified_at
        kimai.state.clock.fix(NOW.replace(hour=18))
        assert (await kimai.ask("anna", "DELETE", f"/tags/{tag}")).status_code == 403
        assert (await kimai.ask("admin", "DELETE", f"/tags/{tag}")).status_code == 204
        assert (await kimai.get("anna", "/timesheets/1"))["tags"] == []
        assert kimai.state.timesheets[1].modified_at == before


async def test_plain_users_read_master_data_from_lists_only() -> None:
    async with sandbox() as kimai:
        for path in ("/customers/1", "/projects/1", "/activities/1", "/users/4", "/teams"):
            assert (await kimai.ask("anna", "GET", path)).status_code == 403
        for path in ("/customers/9", "/projects/9", "/timesheets/9", "/users/9"):
            assert (await kimai.ask("admin", "GET", path)).status_code == 404


async def test_a_role_can_lose_and_gain_permissions() -> None:
    async with sandbox() as kimai:
        kimai.state.permissions.change("ROLE_USER", "api_access", allowed=False)
        assert (await kimai.ask("anna", "GET", "/ping")).status_code == 403
        assert (await kimai.ask("lead", "GET", "/ping")).status_code == 200
        kimai.state.permissions.change("ROLE_TEAMLEAD", "view_user", allowed=True)
        assert (await kimai.ask("lead", "GET", "/users")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("PUT", "/timesheets", 405, "GET, POST"),
        ("DELETE", "/timesheets", 405, "GET, POST"),
        ("PUT", "/timesheets/1", 405, "GET, PATCH, DELETE"),
        ("POST", "/timesheets/1/stop", 405, "PATCH"),
        ("GET", "/timesheets/x", 404, None),
        ("GET", "/config/i18n", 404, None),
        ("POST", "/timesheets/", 404, None),
        ("POST", "/projects/1/team", 410, None),
    ],
)
async def test_addresses_and_methods(
    method: str, path: str, status: int, allow: str | None
) -> None:
    async with sandbox() as kimai:
        response = await kimai.ask("admin", method, path)
        assert (response.status_code, response.headers.get("Allow")) == (status, allow)


async def test_a_slash_at_the_end_redirects_get_with_its_query() -> None:
    async with sandbox() as kimai:
        response = await kimai.ask("anna", "GET", "/timesheets/?size=1")
        assert (response.status_code, response.headers["Location"]) == (
            301,
            "http://kimai/api/timesheets?size=1",
        )


@pytest.mark.parametrize("header", ["bearer x", "Basic eDp5", "Bearer", "Bearer a b", ""])
async def test_anything_but_a_bearer_token_is_no_credentials(header: str) -> None:
    async with sandbox() as kimai:
        response = await kimai.client.get("/api/ping", headers={"Authorization": header})
        assert (response.status_code, response.json()["message"]) == (401, "Unauthorized")


async def test_broken_json_is_refused_before_the_token_is_read() -> None:
    async with sandbox() as kimai:
        response = await kimai.client.post(
            "/api/timesheets", content=b"{", headers={"Content-Type": "application/json"}
        )
        assert response.status_code == 400


async def test_legacy_headers_work_with_an_api_password_and_are_throttled() -> None:
    async with sandbox() as kimai:
        kimai.state.users[3].api_password = "secret"
        good = {"X-AUTH-USER": "anna", "X-AUTH-TOKEN": "secret"}
        assert (await kimai.client.get("/api/ping", headers=good)).status_code == 200
        bad = good | {"X-AUTH-TOKEN": "wrong"}
        answers = [(await kimai.client.get("/api/ping", headers=bad)).status_code for _ in range(7)]
        assert answers == [403] * 5 + [400] * 2


async def test_a_people_list_is_for_the_super_admin() -> None:
    async with sandbox() as kimai:
        kimai.state.add_user("boss", roles=["ROLE_ADMIN"], token="sandbox-token-of-boss")
        assert (await kimai.ask("boss", "GET", "/users")).status_code == 403
        found = await kimai.get("admin", "/users?term=bob@example.com")
        assert [user["username"] for user in found] == ["bob"]
        disabled = await kimai.get("admin", "/users?visible=2")
        assert [user["username"] for user in disabled] == ["carl"]


async def test_recent_shows_the_latest_of_each_work() -> None:
    async with sandbox() as kimai:
        await _fill(kimai, range(1, 4))
        await kimai.post("anna", DAY.format(1, 7), DAY.format(1, 8), activity=1)
        rows = await kimai.get("anna", "/timesheets/recent")
        assert _ids(rows) == [4, 3]
        assert rows[0]["activity"]["project"] is None


async def test_a_preference_moves_a_person_to_another_zone() -> None:
    async with sandbox() as kimai:
        body = [{"name": "timezone", "value": "Asia/Tokyo"}]
        changed = await kimai.ask("anna", "PATCH", "/users/3/preferences", body)
        assert changed.json()["timezone"] == "Asia/Tokyo"
        row = await kimai.post("anna", DAY.format(2, 9), DAY.format(2, 10))
        assert row["begin"] == "2026-11-02T09:00:00+0900"
        unknown = [{"name": "nope", "value": "1"}]
        refused = await kimai.ask("anna", "PATCH", "/users/3/preferences", unknown)
        assert refused.status_code == 404


@pytest.mark.parametrize(
    ("name", "letters"),
    [("anna", "AN"), ("Anna Bee", "AB"), ("anna.bee@example.com", "AB"), ("x", "X")],
)
async def test_initials_are_two_letters(name: str, letters: str) -> None:
    async with sandbox() as kimai:
        kimai.state.users[3].alias = name
        assert (await kimai.get("anna", "/users/me"))["initials"] == letters
