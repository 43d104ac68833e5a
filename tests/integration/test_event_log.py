"""What an auditor takes away: events, the chain, a proof, and files (contract, section 10)."""

import base64
import csv
import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import rfc8785

from adapters.postgres import event_log, read_models
from tests.support.service import ADMIN, Service, running_service

V1 = "/api/v1"
PROOF = (Path(__file__).parents[2] / "docs" / "proof.md").read_text(encoding="utf-8")
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
MICROSECOND = timedelta(microseconds=1)


async def get(service: Service, path: str, **query: Any) -> Any:
    answer = await service.http.get(f"{V1}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def some_history(service: Service) -> int:
    """Accounts, a schedule, and names that a spreadsheet would calculate with."""
    await service.add_user("olga", "operator", full_name="=1+1", email="olga@example.com")
    await service.add_user("victor", "viewer", full_name="@Victor")
    await service.http.put(f"{V1}/schedule", json={"cron": "0 9 * * 1-5"})
    return await service.own.store.head()


def int8(number: int) -> bytes:
    return number.to_bytes(8, "big", signed=True)


def chained(event: dict[str, Any], previous: bytes) -> bytes:
    """The contract's formula, by nobody's code but this."""
    content = {
        "stream": event["stream"],
        "type": event["type"],
        "schema": event["schema"],
        "data": event["data"],
        "metadata": event["metadata"],
    }
    at = (datetime.fromisoformat(event["recorded_at"]) - EPOCH) // MICROSECOND
    head = int8(event["position"]) + int8(event["version"]) + int8(at)
    return hashlib.sha256(
        previous + head + hashlib.sha256(rfc8785.dumps(content)).digest()
    ).digest()


async def test_a_proof_is_checked_without_us(migrated: str) -> None:
    async with running_service(migrated) as service:
        head = await some_history(service)
        for first, last in ((1, head), (3, head - 1), (head, head)):
            query = {"from": first, "to": last}
            answer = await service.http.get(f"{V1}/audit/proof", params=query)
            assert answer.headers["content-type"].startswith("application/x-ndjson")
            assert f"timeledger-proof-{first}-{last}" in answer.headers["content-disposition"]
            begin, *events, end = map(json.loads, answer.text.splitlines())
            assert begin == {
                "format": "timeledger-proof/1",
                "from": first,
                "to": last,
                "previous_digest": begin["previous_digest"],
            }
            digest = bytes.fromhex(begin["previous_digest"])
            if first == 1:
                assert digest == bytes(32)
            for event in events:
                digest = chained(event, digest)
                assert event["digest"] == digest.hex()
            assert end == {"count": last - first + 1, "head_digest": digest.hex()}
        report = await get(service, "audit/verify")
        assert report == {
            "ok": True,
            "checked_from": 1,
            "checked_to": await service.own.store.head(),
            "head_digest": report["head_digest"],
            "first_bad_position": None,
        }
        part = await get(service, "audit/verify", **{"from": 2, "to": head})
        assert (part["checked_from"], part["head_digest"]) == (2, digest.hex())


async def test_the_checker_of_the_documents_is_right(migrated: str, tmp_path: Path) -> None:
    """As a stranger would use it: what stands in `docs/proof.md`, and Python."""
    async with running_service(migrated) as service:
        await some_history(service)
        name = 'Zeit \U0001f553 \x7f\u2028 "quoted" \\ \t\x01 und mehr'
        await add_connector(service, name)
        head = await service.own.store.head()
        whole, part = [
            (await service.http.get(f"{V1}/audit/proof", params={"from": first, "to": head})).text
            for first in (1, 3)
        ]
    assert json.dumps(name, ensure_ascii=False) in whole
    for text, first in ((whole, 1), (part, 3)):
        code, said = checked(tmp_path, text)
        assert (code, f"Events {first} to {head} are as they were written." in said) == (0, True)
    forged = whole.replace('"role":"operator"', '"role":"viewer"')
    assert checked(tmp_path, forged) == (1, "Event 3 is not as it was written.\n")
    lines = whole.split("\n")
    without = "\n".join([*lines[:2], *lines[3:]])
    assert checked(tmp_path, without) == (1, "Event 2 is not as it was written.\n")
    cut_off = "\n".join([*lines[:-3], *lines[-2:]])
    assert checked(tmp_path, cut_off) == (1, "The file does not have all of its events.\n")


async def add_connector(service: Service, name: str) -> None:
    body = {
        "type": "kimai",
        "name": name,
        "base_url": "http://127.0.0.1:9/",
        "api_token": "t0ken-of-a-logged-house",
    }
    answer = await service.http.post(f"{V1}/connectors/", json=body)
    assert answer.status_code == 201, answer.text


def checked(folder: Path, text: str) -> tuple[int, str]:
    checker, file = folder / "check.py", folder / "proof.ndjson"
    checker.write_text(PROOF.split("```python\n")[1].split("```")[0], encoding="utf-8")
    file.write_text(text, encoding="utf-8", newline="\n")
    command = [sys.executable, str(checker), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


async def test_events_of_several_types_and_of_one_actor(migrated: str) -> None:
    async with running_service(migrated) as service:
        head = await some_history(service)
        everything = (await get(service, "events"))["items"]

        async def found(**query: Any) -> list[int]:
            page = await get(service, "events", **query)
            assert page["next_after"] == page["head"] == head
            return [event["position"] for event in page["items"]]

        def those(fits: Callable[[dict[str, Any]], bool]) -> list[int]:
            positions = [event["position"] for event in everything if fits(event)]
            assert 0 < len(positions) < len(everything)
            return positions

        types = ["UserAdded", "ScheduleChanged"]
        assert await found(type=types) == those(lambda event: event["type"] in types)
        assert await found(type=["", "UserAdded"]) == await found(type="UserAdded")
        assert await found(type="") == [event["position"] for event in everything]

        def kind_and_name(event: dict[str, Any]) -> tuple[str, str]:
            return event["metadata"]["actor"]["kind"], event["metadata"]["actor"]["name"]

        people = those(lambda event: kind_and_name(event)[0] == "user")
        assert await found(actor="user") == people
        others = {kind_and_name(event) for event in everything if event["position"] not in people}
        kind, name = others.pop()
        part = those(lambda event: kind_and_name(event) == (kind, name))
        assert await found(actor=name, type=["", "\0"]) == []
        assert await found(actor=name) == part
        assert await found(actor=ADMIN) == []  # a person's name is sealed, and not looked through
        assert await found(actor="user", stream="schedule", type=types) == those(
            lambda event: event["stream"] == "schedule" and kind_and_name(event)[0] == "user"
        )


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("audit/verify", {"from": 5, "to": 4}),
        ("audit/verify", {"to": 10_000}),
        ("audit/proof", {"from": 1, "to": 10_000}),
        ("audit/proof", {"from": 3, "to": 2}),
    ],
)
async def test_a_range_that_is_none(migrated: str, path: str, query: dict[str, int]) -> None:
    async with running_service(migrated) as service:
        await some_history(service)
        answer = await service.http.get(f"{V1}/{path}", params=query)
        assert (answer.status_code, answer.json()["code"]) == (422, "range_invalid")


async def test_what_was_altered_is_named(migrated: str) -> None:
    async with running_service(migrated) as service:
        await some_history(service)
        owner = await asyncpg.connect(migrated)
        await owner.execute("ALTER TABLE event DISABLE TRIGGER append_only")
        await owner.execute("UPDATE event SET version = version + 7 WHERE position = 2")
        await owner.close()
        report = await get(service, "audit/verify")
        assert (report["ok"], report["first_bad_position"]) == (False, 2)


async def test_events_are_listed_in_both_forms(migrated: str) -> None:
    async with running_service(migrated) as service:
        head = await some_history(service)
        page = await get(service, "events", limit=2)
        assert [event["position"] for event in page["items"]] == [1, 2]
        assert (page["next_after"], page["head"]) == (2, head)
        rest = await get(service, "events", after=page["next_after"])
        assert [event["position"] for event in rest["items"]] == list(range(3, head + 1))
        assert rest["next_after"] == head
        end = await get(service, "events", after=head)
        assert (end["items"], end["next_after"]) == ([], head)

        (added,) = (await get(service, "events", type="UserAdded", after=1))["items"][:1]
        assert added["metadata"]["actor"] == {"kind": "user", "name": ADMIN}
        assert added["data"]["full_name"] == "=1+1"
        assert added["version"] == 1
        stored = await get(service, f"events/{added['position']}", form="stored")
        assert stored["data"]["full_name"].keys() == {"key", "sealed"}
        assert base64.b64decode(stored["data"]["full_name"]["sealed"])
        assert "olga" not in json.dumps(stored)
        assert stored["digest"] == added["digest"]
        mine = await get(service, "events", stream=added["stream"])
        assert [event["stream"] for event in mine["items"]] == [added["stream"]]
        by_request = {"correlation_id": added["metadata"]["correlation_id"]}
        assert (await get(service, "events", **by_request))["items"] == [added]
        assert (await get(service, "events", type="None"))["items"] == []
        assert (await service.http.get(f"{V1}/events/{head + 1}")).status_code == 404


async def test_a_filtered_look_is_bounded_and_goes_on(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "SCAN", 2)
    async with running_service(migrated) as service:
        head = await some_history(service)
        found, after, looks = [], 0, 0
        while after < head:
            page = await get(service, "events", type="ScheduleChanged", after=after)
            found += page["items"]
            assert page["next_after"] > after
            after, looks = page["next_after"], looks + 1
        assert [event["type"] for event in found] == ["ScheduleChanged"]
        assert looks >= head // 2


async def test_events_are_looked_for_backwards(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_service(migrated) as service:
        head = await some_history(service)

        async def walked(
            after: int = 0, before: int | None = None, **query: Any
        ) -> tuple[list[int], int]:
            """What is found when each page goes on where the one before ended, and the looks."""
            found: list[int] = []
            going: int | None = head + 5 if before is None else before
            looks = 0
            while going is not None:
                page = await get(service, "events", after=after, before=going, **query)
                assert page["next_before"] is None or after < page["next_before"] < going
                assert (page["next_after"], page["head"]) == (
                    max(after, min(head, going - 1)),
                    head,
                )
                found += [event["position"] for event in page["items"]]
                going, looks = page["next_before"], looks + 1
            return found, looks

        forwards = (await get(service, "events"))["items"]
        everything = [event["position"] for event in reversed(forwards)]
        people = [
            event["position"]
            for event in reversed(forwards)
            if event["metadata"]["actor"]["kind"] == "user"
        ]
        stream = forwards[-1]["stream"]
        of_stream = [event["position"] for event in reversed(forwards) if event["stream"] == stream]
        assert await walked() == (everything, 1)
        assert await walked(limit=2) == (everything, -(-head // 2))
        assert await walked(after=2, before=head, limit=1) == (everything[1:-2], head - 3)
        assert (await walked(actor="user", limit=1))[0] == people
        assert (await walked(stream=stream, limit=1))[0] == of_stream
        assert await walked(before=1) == ([], 1)
        assert await walked(after=head + 9) == ([], 1)
        monkeypatch.setattr(event_log, "SCAN", 2)
        assert await walked(actor="user") == (people, -(-head // 2))
        assert (await walked(stream=stream, actor="user"))[1] == 1
        refused = await service.http.get(f"{V1}/events", params={"before": 0})
        assert refused.status_code == 422


async def test_an_erased_person_is_erased_in_the_past(migrated: str) -> None:
    async with running_service(migrated) as service:
        await some_history(service)
        (added,) = (await get(service, "events", type="UserAdded", after=1))["items"][:1]
        number = added["data"]["user_id"]
        await service.own.store.erase(f"account:{number}")
        again = await get(service, f"events/{added['position']}")
        assert again["data"]["full_name"] == {"erased": True}
        assert again["digest"] == added["digest"]
        assert (await get(service, "audit/verify"))["ok"]


async def test_the_audit_log_as_a_file(migrated: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_models, "EXPORT_PAGE", 3)
    async with running_service(migrated) as service:
        await some_history(service)
        await service.own.shown(await service.own.store.head())
        listed = (await get(service, "audit-logs"))["data"]
        assert len(listed) > 4
        assert await get(service, "audit-logs/export") == listed
        answer = await service.http.get(f"{V1}/audit-logs/export?format=ndjson")
        assert [json.loads(line) for line in answer.text.splitlines()] == listed
        answer = await service.http.get(f"{V1}/audit-logs/export?format=csv")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == 'attachment; filename="audit-logs.csv"'
        assert answer.text.count("\r\n") == len(listed) + 1
        rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
        assert [row["id"] for row in rows] == [str(row["id"]) for row in listed]
        assert [row["digest"] for row in rows] == [row["digest"] for row in listed]
        assert [json.loads(row["details"]) for row in rows] == [row["details"] for row in listed]
        assert rows[0]["created_at"] == listed[0]["created_at"]

        some = {"action": "user_created", "user": ADMIN}
        filtered = (await get(service, "audit-logs", **some))["data"]
        assert 0 < len(filtered) < len(listed)
        assert await get(service, "audit-logs/export", **some) == filtered
        assert await get(service, "audit-logs/export", action="none_such") == []
        then = {"as_of": f"position:{filtered[-1]['id']}"}
        assert (await get(service, "audit-logs/export", **then))[0]["id"] == filtered[-1]["id"]


async def test_no_cell_is_a_formula(migrated: str) -> None:
    async with running_service(migrated) as service:
        agent = {"User-Agent": '=HYPERLINK("http://127.0.0.1/","x")'}
        form = {"username": ADMIN, "password": "wrong-password"}
        async with service.client(**agent) as thief:
            assert (await thief.post("/token", data=form)).status_code == 401
        await service.own.shown(await service.own.store.head())
        answer = await service.http.get(f"{V1}/audit-logs/export?format=csv&action=login_failed")
        (row,) = csv.DictReader(io.StringIO(answer.text, newline=""))
        assert row["user_agent"] == "'" + agent["User-Agent"]


async def test_runs_as_a_file(migrated: str) -> None:
    async with running_service(migrated) as service:
        answer = await service.http.get(f"{V1}/sync/runs/export")
        assert answer.text.startswith("id,trigger_type,status,state,started_at,ended_at,")
        assert answer.text.endswith(",conflicts_detected,error_message\r\n")
        assert answer.headers["content-disposition"] == 'attachment; filename="sync-history.csv"'
        assert await get(service, "sync/runs/export", format="json", status="failed") == []
        assert (await service.http.get(f"{V1}/sync/runs/export?format=xml")).status_code == 422


@pytest.mark.parametrize("path", ["audit-logs/export", "sync/runs/export", "audit-logs"])
async def test_a_file_of_the_past_names_its_position(migrated: str, path: str) -> None:
    async with running_service(migrated) as service:
        await some_history(service)
        answer = await service.http.get(f"{V1}/{path}?as_of=position:2")
        assert answer.headers.get_list("X-As-Of-Position") == ["2"]


async def test_who_may_take_what(migrated: str) -> None:
    async with running_service(migrated) as service:
        await some_history(service)
        async with service.logged_in("victor", "correct-horse-battery") as victor:
            for path in ("events", "audit/verify", "audit-logs/export", "sync/runs/export"):
                assert (await victor.get(f"{V1}/{path}")).status_code == 200, path
            assert (await victor.get(f"{V1}/audit/proof?from=1&to=2")).status_code == 403
        async with service.client() as nobody:
            assert (await nobody.get(f"{V1}/events")).status_code == 401


async def test_activity_is_told_without_counting(migrated: str) -> None:
    async with running_service(migrated) as service:
        await some_history(service)
        found = await get(service, "events/activity")
        assert len(found["buckets"]) == 56
        parts = [part["events"] for part in found["buckets"]]
        assert (sum(parts), parts[-1]) == (found["head"], found["head"]), "all of it is of today"
        assert found["first_at"] == (await get(service, "events/1"))["recorded_at"]
        events = (await get(service, "events", limit=1000))["items"]
        first, last = (events[n]["recorded_at"] for n in (0, -1))
        found = await get(service, "events/activity", **{"from": first, "to": last, "buckets": 7})
        for part in found["buckets"]:
            inside = [e for e in events if part["from"] < e["recorded_at"] <= part["to"]]
            assert part["events"] == len(inside), part
        assert found["buckets"][-1]["position"] == events[-1]["position"]
        for query, code in (
            ({"from": last, "to": first}, "range_invalid"),
            ({"to": "0001-01-02T00:00:00Z"}, "range_invalid"),
            ({"from": "2026-01-01T00:00:00"}, "validation"),
            ({"buckets": 501}, "validation"),
        ):
            answer = await service.http.get(f"{V1}/events/activity", params=query)
            assert (answer.status_code, answer.json()["code"]) == (422, code), query
