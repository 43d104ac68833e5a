"""Mappings out as files and in again, over real HTTP: contract, section 5."""

import asyncio
import json
from typing import Any

import asyncpg
import httpx
import pytest

from domain.errors import Unavailable
from tests.support.service import Service, running_service
from tests.support.two_peers import connect, two_peers

PATH = "/api/v1/mappings"
HEADER = "zammad_type_id,zammad_type_name,kimai_activity_id,kimai_activity_name,is_active,billable"
ROWS = [
    {"zammad_type_id": 4, "zammad_type_name": "=SUM(A1)", "kimai_activity_id": 2},
    {"zammad_type_id": 5, "kimai_activity_id": 3, "billable": False, "is_active": False},
    {"zammad_type_id": None, "kimai_activity_id": 2},
]


async def sent(
    service: Service, content: bytes | str, table: str = "", **query: Any
) -> httpx.Response:
    """A file as a browser sends it."""
    files = {"file": ("rows.csv", content if isinstance(content, bytes) else content.encode())}
    return await service.http.post(f"{PATH}{table}/import", files=files, params=query)


async def imported(
    service: Service, content: bytes | str, table: str = "", **query: Any
) -> dict[str, Any]:
    answer = await sent(service, content, table, **query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def exported(service: Service, form: str = "csv", table: str = "", **query: Any) -> str:
    answer = await service.http.get(f"{PATH}{table}/export", params={"format": form, **query})
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["Content-Disposition"]
    return answer.text


async def head(service: Service) -> int:
    return await service.own.store.head()


def actions(body: dict[str, Any]) -> list[str]:
    return [row["action"] for row in body["rows"]]


async def test_rows_are_looked_at_taken_in_and_come_out_again(migrated: str) -> None:
    async with running_service(migrated) as service:
        before = await head(service)
        seen = await service.http.post(f"{PATH}/import?dry_run=true", json={"rows": ROWS})
        assert (seen.json()["dry_run"], seen.json()["applied"]) == (True, False)
        assert actions(seen.json()) == ["add"] * 3
        assert await head(service) == before
        done = await service.http.post(f"{PATH}/import/", json={"rows": ROWS})
        assert done.json()["counts"] == {
            **dict.fromkeys(("change", "remove", "unchanged", "error"), 0),
            "add": 3,
        }
        assert int(done.headers["X-Event-Position"]) == before + 4 == await head(service)
        text = await exported(service)
        assert text.splitlines() == [
            HEADER,
            "4,'=SUM(A1),2,,true,",
            "5,,3,,false,false",
            ",(no type),2,,true,",
        ]
        for mode in ("merge", "replace"):  # and what was retried does nothing twice
            assert actions(await imported(service, text, mode=mode)) == ["unchanged"] * 3
            assert (
                actions(await imported(service, await exported(service, "json"), mode=mode))
                == ["unchanged"] * 3
            )
        assert await head(service) == before + 4
        logs = (await service.http.get("/api/v1/audit-logs/?action=mappings_imported")).json()
        assert (logs["total"], logs["data"][0]["entity_type"]) == (1, "mapping")
        assert logs["data"][0]["details"] == {
            "mode": "merge",
            "added": 3,
            "changed": 0,
            "removed": 0,
            "unchanged": 0,
        }
        assert (await service.http.get(f"{PATH}/export?as_of=position:{before}")).text == (
            HEADER + "\r\n"
        )


async def test_merging_leaves_and_replacing_removes(migrated: str) -> None:
    async with running_service(migrated) as service:
        await service.http.post(f"{PATH}/import", json={"rows": ROWS})
        change = "zammad_type_id;kimai_activity_id\r\n4;9\r\n\r\n;;\r\n"  # as a spreadsheet says it
        merged = await imported(service, b"\xef\xbb\xbf" + change.encode())
        assert (actions(merged), merged["rows"][0]["kimai_activity_id"]) == (["change"], 9)
        row = (await service.http.get(f"{PATH}/1")).json()
        assert (row["zammad_type_name"], row["version"]) == ("=SUM(A1)", 2)
        assert len((await service.http.get(f"{PATH}/")).json()) == 3
        replaced = await imported(service, change.replace("9", "8"), mode="replace")
        assert actions(replaced) == ["change", "remove", "remove"]
        assert [row["row"] for row in replaced["rows"]] == [1, None, None]
        assert [row["id"] for row in (await service.http.get(f"{PATH}/")).json()] == [1]
        again = await imported(service, change, mode="replace")
        assert actions(again) == ["change"]
        back = await service.http.post(f"{PATH}/import", json={"rows": ROWS})
        assert actions(back.json()) == ["change", "add", "add"]
        ids = [row["id"] for row in (await service.http.get(f"{PATH}/")).json()]
        assert ids == [1, 4, 5]  # numbers of removed rows are not given again


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (
            "/users",
            [
                {
                    "zammad_user_id": 5,
                    "zammad_user_name": "'@Emma",
                    "zammad_user_email": "emma@example.com",
                    "kimai_user_id": 3,
                    "timezone": "Europe/Brussels",
                },
                {"zammad_user_id": None, "kimai_user_id": 1},
            ],
        ),
        (
            "/projects",
            [
                {"source_kind": "customer", "source_id": 7, "source_name": "Emily\r\nAdams"},
                {"source_kind": "group", "source_id": 7, "kimai_project_id": 4},
            ],
        ),
    ],
)
async def test_the_other_tables_travel_as_well(
    migrated: str, table: str, rows: list[dict[str, Any]]
) -> None:
    async with running_service(migrated) as service:
        if table == "/projects":
            refused = await service.http.post(f"{PATH}{table}/import", json={"rows": rows})
            assert (refused.status_code, refused.json()["code"]) == (422, "import_invalid")
            assert "kimai_customer_id" in refused.json()["rows"][0]["message"]
            assert (await service.http.get(f"{PATH}{table}")).json() == []
            rows[0]["kimai_customer_id"] = 2
        done = await service.http.post(f"{PATH}{table}/import", json={"rows": rows})
        assert actions(done.json()) == ["add", "add"]
        for form in ("csv", "json"):
            text = await exported(service, form, table)
            assert actions(await imported(service, text, table)) == ["unchanged"] * 2
        shown = (await service.http.get(f"{PATH}{table}")).json()
        assert [{key: row[key] for key in want} for row, want in zip(shown, rows, strict=True)] == (
            rows
        )
        as_read = await service.http.post(f"{PATH}{table}/import", json={"rows": shown})
        assert actions(as_read.json()) == ["unchanged"] * 2
        stored = await service.own.store.pool.fetch("SELECT data::text FROM event")
        assert not [row for row in stored if "Emma" in row[0] or "Emily" in row[0]]


BAD = [
    ("4,x", "kimai_activity_id"),
    ("4,0", "kimai_activity_id"),
    ("4,-3", "kimai_activity_id"),
    ("4,1000000000000", "kimai_activity_id"),
    ("4," + "9" * 400, "kimai_activity_id"),
    ("4,nan", "kimai_activity_id"),
    ("1e999,2", "zammad_type_id"),
    ("4,", "kimai_activity_id"),
    ("4", "cells"),
    ("4,2,3", "cells"),
]


@pytest.mark.parametrize(("row", "what"), BAD)
async def test_a_bad_row_is_named_and_refuses_all(migrated: str, row: str, what: str) -> None:
    async with running_service(migrated) as service:
        text = f"zammad_type_id,kimai_activity_id\r\n3,1\r\n{row}\r\n3,2\r\n"
        seen = await imported(service, text, dry_run=True)
        assert actions(seen) == ["add", "error", "error"]
        assert what in seen["rows"][1]["message"]
        assert seen["rows"][2]["message"] == "Row 1 maps the same already."
        assert seen["counts"]["error"] == 2
        before = await head(service)
        refused = await sent(service, text)
        assert (refused.status_code, refused.json()["code"]) == (422, "import_invalid")
        assert refused.json()["rows"] == seen["rows"]
        assert "Row 2" in refused.json()["detail"]
        assert await head(service) == before


FILES = [
    (b"zammad_type_id,kimai_activity_id\n4,2\n5,\xe9\n", "Line 3 of the file is not UTF-8"),
    ("zammad_type_id,kimai_activity_id\n4,2\n".encode("utf-16"), "UTF-16"),
    (b"", "empty"),
    (b"zammad_type_id,kimai_activity_id,colour\n4,2,red\n", "Unknown column: colour"),
    (b"zammad_type_id,zammad_type_id,kimai_activity_id\n4,4,2\n", "twice"),
    (b"zammad_type_id\n4\n", "missing: kimai_activity_id"),
    (b'zammad_type_id,kimai_activity_id\n"4,2\n', "no CSV"),
    (b"[" * 100_000, "neither JSON nor CSV"),
    (b'{"rows": [], "more": 1}', "nothing but"),
    (b'{"rows": {"4": 2}}', "nothing but"),
    (b"zammad_type_id,kimai_activity_id\n" + b"4,2\n" * 5001, "at most 5000"),
    (b'{"rows": [' + b"9" * 5000 + b"]}", "neither JSON nor CSV"),
]


@pytest.mark.parametrize(("content", "what"), FILES)
async def test_a_file_that_is_none_is_said_to_be(migrated: str, content: bytes, what: str) -> None:
    async with running_service(migrated) as service:
        seen = await imported(service, content, dry_run=True)
        assert actions(seen) == ["error"]
        assert what in seen["rows"][0]["message"]
        refused = await sent(service, content)
        assert (refused.status_code, refused.json()["code"]) == (422, "import_invalid")


async def test_json_rows_may_hold_anything_and_are_still_answered(migrated: str) -> None:
    async with running_service(migrated) as service:
        wild: list[Any] = [
            *(7, None, [], "x", {}, {"zammad_type_id": 4}),
            {"zammad_type_id": 4.5, "kimai_activity_id": 2},
            {"zammad_type_id": True, "kimai_activity_id": {"a": 1}},
            {"zammad_type_id": 4, "kimai_activity_id": 2, "zammad_type_name": "a\0b"},
            {"zammad_type_id": 4, "kimai_activity_id": 2, "zammad_type_name": "\ud800"},
            {"zammad_type_id": 4, "kimai_activity_id": 2, "zammad_type_name": "x" * 501},
            {"zammad_type_id": 4, "kimai_activity_id": 2, "colour": "red"},
            {"zammad_type_id": 10**30, "kimai_activity_id": 2, "\ud800": 1},
        ]
        content = json.dumps({"rows": wild}).encode()
        headers = {"Content-Type": "application/json"}
        seen = await service.http.post(
            f"{PATH}/import?dry_run=true", content=content, headers=headers
        )
        assert seen.status_code == 200, seen.text
        assert actions(seen.json()) == ["error"] * len(wild)
        nan = b'{"rows": [{"zammad_type_id": NaN, "kimai_activity_id": 1e999}]}'
        seen = await service.http.post(f"{PATH}/import?dry_run=true", content=nan, headers=headers)
        assert actions(seen.json()) == ["error"]


async def test_limits_roles_and_bodies_without_a_file(migrated: str) -> None:
    async with running_service(migrated) as service:
        large = b"zammad_type_id,kimai_activity_id\n" + b" " * (1024 * 1024)
        for answer in (
            await sent(service, large),
            await service.http.post(f"{PATH}/import", content=b'{"rows": [' + large),
        ):
            assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        for body in ({"data": {"file": ""}}, {"files": {"other": b"x"}}, {"content": b""}):
            answer = await service.http.post(f"{PATH}/import", **body)
            assert answer.status_code == 422, answer.text
        for broken_json in (
            b"",
            b"{",
            b"[" * 100_000,
            b"\xff",
            b'{"rows": [' + b"9" * 5000 + b"]}",
        ):
            headers = {"Content-Type": "application/json"}
            answer = await service.http.post(f"{PATH}/import", content=broken_json, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
        many = {"rows": [{"zammad_type_id": 1}] * 5001}
        answer = await service.http.post(f"{PATH}/import", json=many)
        assert (answer.status_code, answer.json()["code"]) == (422, "import_invalid")
        broken = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = await service.http.post(f"{PATH}/import", content=b"--y", headers=broken)
        assert answer.status_code in (400, 422)
        for charset in CHARSETS:
            for part in PARTS:
                odd = {"Content-Type": f"multipart/form-data; boundary=b; charset={charset}"}
                answer = await service.http.post(f"{PATH}/import", content=part, headers=odd)
                assert answer.status_code in (400, 422), (charset, part)
        for query in ("mode=all", "dry_run=perhaps", "colour=red", "as_of=position:0"):
            answer = await service.http.post(f"{PATH}/import?{query}", json={"rows": []})
            assert answer.status_code == 422, query
        assert (await service.http.get(f"{PATH}/export?format=xml")).status_code == 422
        nothing = await service.http.post(f"{PATH}/import", json={"rows": []})
        assert (nothing.status_code, nothing.json()["rows"]) == (200, [])
        await service.add_user("olaf", "operator")
        async with service.logged_in("olaf", "correct-horse-battery") as operator:
            assert (await operator.get(f"{PATH}/users/export")).status_code == 200
            answer = await operator.post(f"{PATH}/import?dry_run=true", json={"rows": []})
            assert answer.status_code == 403


# Names of Python's codecs, some of which decode to halves of surrogates, or refuse in own words.
CHARSETS = (
    "undefined",
    "idna",
    "punycode",
    "unicode_escape",
    "utf-7",
    "utf-16",
    "hex",
    "x",
    "utf8",
)
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"'
PARTS = [
    HEAD + name + b"\r\n\r\n" + text + b"\r\n--b--\r\n"
    for name in (b"", b'; filename="a.csv"', b'; filename="\\ud800\xff.csv"')
    for text in (b"a", b"\\ud800", b"+2AA-", b"\xff\xfe")
]


async def test_a_change_in_between_makes_the_whole_import_fail(migrated: str) -> None:
    async with running_service(migrated) as service:
        http, store = service.http, service.own.store
        await http.post(f"{PATH}/import", json={"rows": ROWS})
        before = (await http.get(f"{PATH}/")).json()
        together = store.append_together
        disturb = [
            ("PATCH", f"{PATH}/1", {"billable": True}),  # a row of the file
            ("PATCH", f"{PATH}/2", {"billable": True}),  # a row that is only looked at
            ("POST", PATH, {"zammad_type_id": 77, "kimai_activity_id": 2}),
            ("DELETE", f"{PATH}/3", None),
        ]
        wanted = {"rows": [{"zammad_type_id": 4, "kimai_activity_id": 9}]}
        for method, path, body in disturb:

            async def late(
                *arguments: Any, what: tuple[Any, ...] = (method, path, body), **more: Any
            ) -> Any:
                method, path, body = what
                assert (await http.request(method, path, json=body)).status_code < 300
                return await together(*arguments, **more)

            store.append_together = late  # type: ignore[method-assign]
            at = await head(service)
            answer = await http.post(f"{PATH}/import", json=wanted)
            assert (answer.status_code, answer.json()["code"]) == (409, "stale_version"), path
            assert "Nothing was imported" in answer.json()["detail"]
            assert await head(service) == at + 1  # the other one's
        store.append_together = together  # type: ignore[method-assign]
        after = (await http.get(f"{PATH}/")).json()
        assert [row["kimai_activity_id"] for row in after[:1]] == [before[0]["kimai_activity_id"]]


async def test_two_imports_at_once_are_one_after_the_other_or_one(migrated: str) -> None:
    async with running_service(migrated) as service:
        body = {"rows": [{"zammad_type_id": n, "kimai_activity_id": 1} for n in range(1, 60)]}
        answers = await asyncio.gather(
            *(service.http.post(f"{PATH}/import", json=body) for _ in range(4))
        )
        assert {answer.status_code for answer in answers} <= {200, 409}
        rows = (await service.http.get(f"{PATH}/?limit=1000")).json()
        assert [row["zammad_type_id"] for row in rows] == list(range(1, 60))


async def test_an_outage_leaves_nothing_half_done(migrated: str) -> None:
    async with running_service(migrated) as service:
        store, together = service.own.store, service.own.store.append_together

        async def lost(*_: Any, **__: Any) -> Any:
            raise Unavailable("postgresql", "gone")

        store.append_together = lost  # type: ignore[method-assign]
        answer = await service.http.post(f"{PATH}/import", json={"rows": ROWS})
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        store.append_together = together  # type: ignore[method-assign]
        assert (await service.http.get(f"{PATH}/")).json() == []
        again = await service.http.post(f"{PATH}/import", json={"rows": ROWS})
        assert actions(again.json()) == ["add"] * 3


WAITING = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 21580 AND NOT granted LIMIT 1
"""


async def test_a_session_that_is_killed_while_it_writes_takes_nothing_along(migrated: str) -> None:
    async with running_service(migrated) as service:
        other = await asyncpg.connect(migrated)
        try:
            async with other.transaction():
                await other.execute("SELECT pg_advisory_xact_lock(21580, 1)")
                body = {"rows": ROWS}
                importing = asyncio.create_task(service.http.post(f"{PATH}/import", json=body))
                waiting = None
                for _ in range(200):
                    if waiting := await other.fetchval(WAITING):
                        break
                    await asyncio.sleep(0.05)
                await other.execute("SELECT pg_terminate_backend($1)", waiting)
            answer = await importing  # a new session began again
            assert (answer.status_code, answer.json()["counts"]["add"]) == (200, 3)
            assert len((await service.http.get(f"{PATH}/")).json()) == 3
            events = await other.fetch("SELECT type FROM event WHERE type LIKE 'Mapping%'")
            assert len(events) == 4
        finally:
            await other.close()


async def test_empty_names_come_from_the_peers(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        for row in (await service.http.get(f"{PATH}/")).json():
            await service.http.delete(f"{PATH}/{row['id']}")
        kind = next(iter(peers.zammad.types))
        activity = next(iter(peers.kimai.activities.values()))
        text = f"zammad_type_id,kimai_activity_id\n{kind.id},{activity.id}\n,{activity.id}\n"
        await imported(service, text)
        rows = (await service.http.get(f"{PATH}/")).json()
        assert [row["zammad_type_name"] for row in rows] == [kind.name, "(no type)"]
        assert {row["kimai_activity_name"] for row in rows} == {activity.name}


async def test_five_thousand_rows_are_one_append(migrated: str) -> None:
    async with running_service(migrated) as service:
        lines = "".join(f"{n},{n % 7 + 1}\r\n" for n in range(1, 5001))
        before = await head(service)
        done = await imported(service, f"zammad_type_id,kimai_activity_id\r\n{lines}")
        assert done["counts"]["add"] == 5000
        assert await head(service) == before + 5001
        assert await service.own.projections.wait_for(before + 5001, within=60)
        again = await imported(service, await exported(service), mode="replace")
        assert again["counts"]["unchanged"] == 5000
        assert (await service.http.get("/api/v1/audit/verify")).json()["ok"] is True
