"""What holds for every route: contract, sections 1 and 3."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from api.routes import system
from api.routes.system import BUILT
from tests.support.line import Line
from tests.support.service import ADMIN_PASSWORD, running_service
from tests.support.two_peers import KIMAI_TOKEN, RANGE, connect, two_peers

API = "/api/v1"
MAPPING = {
    "zammad_type_id": 4,
    "kimai_activity_id": 2,
    "zammad_type_name": "Support",
    "kimai_activity_name": "Support",
}


def is_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body, after checking that it has the contract's shape."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert isinstance(body["detail"], str)
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


async def test_every_answer_names_its_request_and_may_not_be_kept(migrated: str) -> None:
    async with running_service(migrated) as service:
        for path in ("/", "/api/health", "/users/me", "/nope", f"{API}/connectors"):
            own_id = "abc-123_X.y"
            answer = await service.http.get(path, headers={"X-Request-ID": own_id})
            assert answer.headers["x-request-id"] == own_id
            # a page that was built may be kept, if it is asked for again
            kept = "no-cache" if path == "/" and BUILT.is_dir() else "no-store"
            assert answer.headers["cache-control"] == kept
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert "server" not in answer.headers
        for bad in (b"x" * 65, b"a b", b'a"b', "ä".encode()):
            answer = await service.http.get("/api/health", headers={b"X-Request-ID": bad})
            assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_both_spellings_of_a_collection_answer_without_redirect(migrated: str) -> None:
    async with running_service(migrated) as service:
        for path in ("connectors", "mappings", "users", "audit-logs", "entries", "sync/runs"):
            for spelling in (path, f"{path}/"):
                answer = await service.http.get(f"{API}/{spelling}")
                assert answer.status_code == 200, spelling
        for path in ("/docs", "/api/docs", "/api/openapi.json", "/", "/api/v1/health"):
            assert (await service.http.get(path)).status_code == 200, path
        assert (await service.http.post("/api/v1/health")).status_code == 200


async def test_bare_arrays_say_how_many_there_are(migrated: str) -> None:
    async with running_service(migrated) as service:
        for number in range(3):
            await service.add_user(f"user{number}", "viewer")
        answer = await service.http.get(f"{API}/users/?skip=1&limit=2")
        assert answer.headers["x-total-count"] == "4"
        assert [row["id"] for row in answer.json()] == [2, 3]


async def test_errors_have_one_shape(migrated: str) -> None:
    async with running_service(migrated) as service:
        http = service.http
        is_problem(await http.get("/nope"), 404, "not_found")
        is_problem(await http.get(f"{API}/connectors/99"), 404, "not_found")
        is_problem(await http.get(f"{API}/connectors/abc"), 404, "not_found")
        is_problem(await http.get(f"{API}/connectors/-1"), 404, "not_found")
        is_problem(await http.get(f"{API}/entries/99999999999999999999999"), 404, "not_found")
        refused = await http.put(f"{API}/connectors/")
        is_problem(refused, 405, "method_not_allowed")
        assert "GET" in refused.headers["allow"]
        broken = await http.post(f"{API}/mappings/", content=b"{not json")
        is_problem(broken, 400, "malformed_json")
        large = await http.post(f"{API}/mappings/", content=b" " * (2 * 1024 * 1024 + 1))
        is_problem(large, 413, "body_too_large")

        async def chunks() -> Any:
            for _ in range(33):
                yield b" " * 65536

        is_problem(await http.post(f"{API}/mappings/", content=chunks()), 413, "body_too_large")
        body = is_problem(await http.post(f"{API}/mappings/", json={}), 422, "validation")
        assert {tuple(item["loc"]) for item in body["errors"]} == {
            ("body", "zammad_type_id"),
            ("body", "kimai_activity_id"),
        }
        for limit in ("0", "501", "many"):
            answer = await http.get(f"{API}/connectors/?limit={limit}")
            is_problem(answer, 422, "validation")


async def test_unknown_body_fields_are_refused_but_an_object_may_be_sent_back(
    migrated: str,
) -> None:
    async with running_service(migrated) as service:
        http = service.http
        unknown = await http.post(f"{API}/mappings/", json={**MAPPING, "colour": "red"})
        body = is_problem(unknown, 422, "validation")
        assert body["errors"][0]["loc"] == ["body", "colour"]
        made = await http.post(f"{API}/mappings/", json=MAPPING)
        assert made.status_code == 201
        head = int(made.headers["x-event-position"])
        back = await http.patch(f"{API}/mappings/1", json=made.json())
        assert back.status_code == 200
        assert back.json() == made.json()
        assert int(back.headers["x-event-position"]) == head  # nothing was appended


async def test_query_names_are_free_on_reads_and_strict_elsewhere(migrated: str) -> None:
    async with running_service(migrated) as service:
        http = service.http
        assert (await http.get(f"{API}/mappings/?colour=red&is_active=&skip=")).status_code == 200
        answer = await http.post(f"{API}/mappings/?colour=red", json=MAPPING)
        is_problem(answer, 422, "validation")
        empty = await http.post(f"{API}/mappings/?colour=", json=MAPPING)
        assert empty.status_code == 201  # an empty value counts as absent
        past = await http.delete(f"{API}/mappings/1?as_of=position:1")
        is_problem(past, 422, "as_of_read_only")


async def test_a_write_can_be_read_at_once_and_names_its_position(migrated: str) -> None:
    async with running_service(migrated) as service:
        http = service.http
        for number in range(1, 4):
            body = {**MAPPING, "zammad_type_id": number}
            made = await http.post(f"{API}/mappings/", json=body)
            position = int(made.headers["x-event-position"])
            assert len((await http.get(f"{API}/mappings/")).json()) == number
            seen = await http.get(f"{API}/mappings/", headers={"X-Min-Position": str(position)})
            assert seen.status_code == 200
        ahead = await http.get(f"{API}/mappings/?min_position={position + 1}")
        is_problem(ahead, 503, "projection_lag")
        assert ahead.headers["retry-after"] == "1"
        async with service.client() as stranger:  # neither waits, nor learns where the log ends
            for there in (position, position + 1):
                asked = await stranger.get(f"{API}/mappings/?min_position={there}")
                is_problem(asked, 401, "not_authenticated")
        is_problem(await http.get(f"{API}/mappings/?min_position=x"), 422, "validation")


async def test_a_version_that_moved_on_is_refused(migrated: str) -> None:
    async with running_service(migrated) as service:
        http = service.http
        await http.post(f"{API}/mappings/", json=MAPPING)
        path = f"{API}/mappings/1"
        first = await http.patch(path, json={"billable": True}, headers={"If-Match": '"1"'})
        assert first.json()["version"] == 2
        late = await http.patch(path, json={"billable": False}, headers={"If-Match": '"1"'})
        is_problem(late, 409, "stale_version")
        odd = await http.delete(path, headers={"If-Match": "soon"})
        is_problem(odd, 422, "validation")
        assert (await http.delete(path, headers={"If-Match": '"2"'})).status_code == 204


async def test_what_acts_on_an_object_takes_its_version_too(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        http = service.http
        channel = {"name": "Hook", "url": "json://127.0.0.1:1", "events": ["run_failed"]}
        assert (await http.post(f"{API}/notifications/", json=channel)).status_code == 201
        words = {"current_password": ADMIN_PASSWORD, "new_password": ADMIN_PASSWORD + "!"}
        wishes: list[tuple[str, Any, str]] = [
            (f"{API}/notifications/1/test", None, f"{API}/notifications/1"),
            (f"{API}/connectors/test", {"id": 1}, f"{API}/connectors/1"),
            (f"{API}/connectors/validate?connector_id=1", None, f"{API}/connectors/1"),
            (f"{API}/connectors/1/webhook/test", {"ticket_id": 1}, f"{API}/connectors/1"),
            ("/users/me/password", words, "/users/me"),
        ]
        head = await service.own.store.head()
        for path, body, _ in wishes:
            stale = await http.post(path, json=body, headers={"If-Match": '"99"'})
            is_problem(stale, 409, "stale_version")
        assert await service.own.store.head() == head
        for path, body, about in wishes:
            version = (await http.get(about)).json()["version"]
            done = await http.post(path, json=body, headers={"If-Match": f'"{version}"'})
            assert done.is_success, (path, done.text)


async def test_the_past_can_be_read(migrated: str) -> None:
    async with running_service(migrated) as service:
        http = service.http
        await http.post(f"{API}/mappings/", json=MAPPING)
        before = int((await http.get(f"{API}/system")).json()["head_position"])
        shown = (await http.get(f"{API}/mappings/1")).json()
        await http.patch(f"{API}/mappings/1", json={"billable": True})
        then = await http.get(f"{API}/mappings/1", params={"as_of": f"position:{before}"})
        assert then.json() == shown
        assert then.headers["x-as-of-position"] == str(before)
        instant = {"as_of": shown["updated_at"]}
        assert (await http.get(f"{API}/mappings/1", params=instant)).json() == shown
        none = await http.get(f"{API}/mappings/", params={"as_of": "2020-01-01T00:00:00Z"})
        assert (none.json(), none.headers["x-as-of-position"]) == ([], "0")
        for wrong, code in (
            ("2999-01-01T00:00:00Z", "as_of_in_future"),
            ("0001-01-01T00:00:00+14:00", "validation"),
            ("0001-06-01T00:00:00Z", "validation"),  # the figures of then look back
            ("9999-12-31T23:59:59-14:00", "validation"),
            ("position:999999", "as_of_in_future"),
            ("2026-01-01T00:00:00", "validation"),
            ("position:x", "validation"),
            ("soon", "validation"),
        ):
            answer = await http.get(f"{API}/mappings/", params={"as_of": wrong})
            is_problem(answer, 422, code)


@pytest.mark.parametrize(
    ("role", "may"),
    [("viewer", {"read"}), ("operator", {"read", "run"}), ("admin", {"read", "run", "configure"})],
)
async def test_roles_open_what_they_should(migrated: str, role: str, may: set[str]) -> None:
    async with running_service(migrated) as service:
        await service.add_user("bob", role)
        async with service.logged_in("bob", ADMIN_PASSWORD) as bob:
            for method, path, needs in (
                ("GET", "connectors/", "read"),
                ("GET", "mappings/", "read"),
                ("GET", "sync/runs", "read"),
                ("GET", "entries", "read"),
                ("GET", "audit-logs/", "read"),
                ("GET", "system", "read"),
                ("POST", "sync/run", "run"),
                ("POST", "connectors/validate?connector_id=1", "run"),
                ("GET", "users/", "configure"),
                ("POST", "users/", "configure"),
                ("PATCH", "users/1", "configure"),
                ("POST", "connectors/", "configure"),
                ("PATCH", "connectors/1", "configure"),
                ("DELETE", "connectors/1", "configure"),
                ("POST", "mappings/", "configure"),
                ("DELETE", "mappings/projects/1", "configure"),
            ):
                answer = await bob.request(method, f"{API}/{path}")
                allowed = answer.status_code != 403
                assert allowed == (needs in may), f"{method} {path}: {answer.text}"
                if not allowed:
                    is_problem(answer, 403, "forbidden")
        async with service.client() as nobody:
            for path in ("connectors/", "entries", "system"):
                is_problem(await nobody.get(f"{API}/{path}"), 401, "not_authenticated")


async def test_the_pages_need_nothing_from_elsewhere(migrated: str) -> None:
    async with running_service(migrated) as service, service.client() as client:
        for path in ("/", "/docs", "/docs.js"):
            answer = await client.get(path)
            assert answer.status_code == 200
            assert "://" not in answer.text, path
            assert "script-src" not in answer.headers["content-security-policy"]  # 'self' only
        front = (await client.get("/")).text
        built = (system.BUILT / "index.html").is_file()
        assert ('src="/theme.js"' if built else 'href="/docs"') in front
        assert (await client.get("/login")).text == front
        assert 'src="/docs.js"' in (await client.get("/docs")).text


async def test_parts_of_the_page_are_kept_for_ever_and_the_page_itself_is_not(
    migrated: str,
) -> None:
    built = sorted((system.BUILT / "assets").glob("*.js"))
    async with running_service(migrated) as service, service.client() as client:
        for part in built[:3]:
            answer = await client.get(f"/assets/{part.name}")
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/javascript")
            assert answer.headers["cache-control"] == system.FOREVER
        if built:
            assert (await client.get("/")).headers["cache-control"] == system.ASK_AGAIN
        for wrong in ("/assets/none.js", "/assets/..%2Findex.html", "/assets/%2e%2e", "/other"):
            is_problem(await client.get(wrong), 404, "not_found")


async def test_cors_headers_come_only_for_origins_that_are_set(migrated: str) -> None:
    ours = {"Origin": "https://ui.example"}
    async with running_service(migrated) as service:
        answer = await service.http.get("/api/health", headers=ours)
        assert "access-control-allow-origin" not in answer.headers
    async with running_service(migrated, cors_origins="https://ui.example") as service:
        answer = await service.http.get("/api/health", headers=ours)
        assert answer.headers["access-control-allow-origin"] == "https://ui.example"
        other = await service.http.get("/api/health", headers={"Origin": "https://x.example"})
        assert "access-control-allow-origin" not in other.headers


async def test_a_database_that_is_away_is_told_apart_from_a_broken_service(migrated: str) -> None:
    async with Line.to(migrated) as (near, line), running_service(near) as service:
        ready = (await service.http.get("/api/ready")).json()
        assert ready["status"] == "ready"
        assert ready["checks"] == {"database": True, "migrations": True, "projections": True}
        assert {view["name"] for view in ready["projections"]} >= {"time_entries", "sync_runs"}
        line.cut()
        answer = await service.http.get("/api/ready")
        assert answer.status_code == 503
        assert answer.json()["status"] == "not_ready"
        assert answer.json()["checks"]["database"] is False
        assert (await service.http.get("/api/health")).json()["status"] == "healthy"
        form = {"username": "alice", "password": "does-not-matter"}
        refused = await service.http.post("/token", data=form)
        is_problem(refused, 503, "not_ready")
        assert int(refused.headers["retry-after"]) > 0
        line.mend()
        for _ in range(50):
            if (await service.http.get("/api/ready")).status_code == 200:
                break
            await asyncio.sleep(0.2)
        assert (await service.http.get(f"{API}/mappings/")).status_code == 200


async def test_texts_that_no_database_holds_are_refused(migrated: str) -> None:
    async with running_service(migrated) as service:
        for text in (b'"a\\u0000b"', b'"\\ud800"'):
            body = (
                b'{"zammad_type_id": 4, "kimai_activity_id": 2, "zammad_type_name": ' + text + b"}"
            )
            answer = await service.http.post(f"{API}/mappings/", content=body)
            is_problem(answer, 422, "validation")
        for query in ("user=%00", "ticket=%FF", "q=%ED%A0%80"):
            assert (await service.http.get(f"{API}/entries?{query}")).status_code in (200, 422)
        form = {"username": "a\0b", "password": "x" * 12}
        is_problem(await service.http.post("/token", data=form), 401, "bad_credentials")


async def test_many_writers_at_once_get_numbers_without_gaps(migrated: str) -> None:
    async with running_service(migrated) as service:

        async def add(number: int) -> httpx.Response:
            body = {**MAPPING, "zammad_type_id": number}
            return await service.http.post(f"{API}/mappings/", json=body)

        answers = await asyncio.gather(*(add(number) for number in range(1, 13)))
        assert [answer.status_code for answer in answers] == [201] * 12
        assert sorted(answer.json()["id"] for answer in answers) == list(range(1, 13))
        same = await asyncio.gather(*(add(99) for _ in range(4)))
        codes = sorted(answer.status_code for answer in same)
        assert codes == [201, 409, 409, 409]


async def test_the_schema_describes_every_route(migrated: str) -> None:
    async with running_service(migrated) as service:
        schema = (await service.http.get("/api/openapi.json")).json()
        assert {"/token", "/users/me", "/api/v1/connectors", "/api/v1/entries"} <= set(
            schema["paths"]
        )
        assert "ConnectorOut" in schema["components"]["schemas"]


async def test_a_body_that_was_cut_off_is_not_taken_for_a_whole_one(migrated: str) -> None:
    async with running_service(migrated) as service:
        whole = b"zammad_type_id,kimai_activity_id\n4,2\n5,2\n"
        host, port = httpx.URL(service.url).host, httpx.URL(service.url).port
        before = await service.own.store.head()
        token = service.http.headers["Authorization"]
        head = (
            f"POST {API}/mappings/import?mode=replace HTTP/1.1\r\nHost: {host}\r\n"
            f"Authorization: {token}\r\nContent-Type: text/csv\r\n"
            f"Content-Length: {len(whole)}\r\n\r\n"
        ).encode()
        _, writer = await asyncio.open_connection(host, port)
        writer.write(head + whole[: whole.index(b"5,2")])
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        metrics = ""
        while 'status="499"' not in metrics:  # the service knows that the client is gone
            metrics = (await service.http.get("/metrics")).text
        assert await service.own.store.head() == before
        done = await service.http.post(
            f"{API}/mappings/import?mode=replace",
            content=whole,
            headers={"Content-Type": "text/csv"},
        )
        assert (done.status_code, len((await service.http.get(f"{API}/mappings")).json())) == (
            200,
            2,
        )


async def test_whoever_saw_an_older_version_changes_nothing(migrated: str) -> None:
    async with two_peers(2) as peers, running_service(migrated) as service:
        await connect(service, peers)
        http = service.http
        assert (await http.post("/api/v1/sync/run", json=RANGE)).json()["status"] == "success"
        entry = (await http.get("/api/v1/entries")).json()["items"][0]
        for path, command, otherwise in (
            (f"/api/v1/entries/{entry['id']}", "retry", "entry_state"),
            ("/api/v1/sync/runs/1", "cancel", "run_not_active"),
            ("/api/v1/connectors/1", "resume", None),
        ):
            version = (await http.get(path)).json()["version"]
            late = await http.post(f"{path}/{command}", headers={"If-Match": f'"{version - 1}"'})
            assert (late.status_code, late.json()["code"]) == (409, "stale_version")
            now = await http.post(f"{path}/{command}", headers={"If-Match": f'"{version}"'})
            assert now.json().get("code") == otherwise
        for url, body in (
            (f"/api/v1/entries/{entry['id']}/adopt", {"timesheet_id": None}),
            ("/api/v1/connectors/2/reauth", {"api_token": KIMAI_TOKEN}),
            (f"/api/v1/entries/{entry['id']}/ignore", {}),
            (f"/api/v1/entries/{entry['id']}/unignore", {}),
        ):
            late = await http.post(url, json=body, headers={"If-Match": '"0"'})
            assert (late.status_code, late.json()["code"]) == (409, "stale_version")
