"""What people do with rows of Reconcile: the whole service between both peers' sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from adapters.postgres.jobs import pair_lock
from adapters.sandbox.control.faults import FaultKind, FaultRule
from adapters.sandbox.kimai.entities import Timesheet
from api import resolving
from api.carrying import PairOf
from api.routes import reconcile
from domain.ids import ConnectorId
from tests.support.service import Service, running_service
from tests.support.two_peers import RANGE, TwoPeers, connect, two_peers

PATIENCE = 30.0  # seconds for what happens in the background


@dataclass
class Desk:
    """A service that has carried some bookings, and people who meddle with both sides."""

    service: Service
    peers: TwoPeers

    @property
    def http(self) -> httpx.AsyncClient:
        return self.service.http

    async def run(self) -> None:
        answer = await self.http.post("/api/v1/sync/run", json=RANGE)
        assert answer.json()["run_status"] == "completed", answer.text

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.http.get(f"/api/v1/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def rows(self, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.get("reconcile/", **query))["items"]
        return found

    async def row(self, filter_: str = "conflicts") -> dict[str, Any]:
        (row,) = await self.rows(filter=filter_)
        return row

    async def do(self, row: dict[str, Any], op: str, **more: Any) -> httpx.Response:
        headers = more.pop("headers", {})
        body = {"op": op, **more}
        return await self.http.post(
            f"/api/v1/reconcile/row/{row['id']}", json=body, headers=headers
        )

    async def done(self, row: dict[str, Any], op: str, **more: Any) -> dict[str, Any]:
        answer = await self.do(row, op, **more)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        assert shown["status"] == "success"
        return shown

    async def preview(self, row: dict[str, Any], op: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.get(f"reconcile/row/{row['id']}/preview", op=op)
        return found

    def sheet(self, number: int) -> Timesheet:
        return self.peers.kimai.timesheets[number]

    def sheet_of(self, entry: dict[str, Any]) -> Timesheet:
        return self.sheet(int(entry["target_id"]))

    def lengthen(self, sheet: Timesheet, minutes: int = 15) -> None:
        """Somebody edits it in Kimai."""
        assert sheet.end is not None
        sheet.end += minutes * 60
        sheet.duration = (sheet.duration or 0) + minutes * 60
        sheet.modified_at = self.peers.kimai.now()

    def writes(self) -> list[str]:
        """What was sent to Kimai, but for reading."""
        last: Any = self.peers.kimai_app.requests.describe(500)["last"]
        return [
            f"{each['method']} {each['path']}"
            for each in last
            if each["method"] != "GET" and not each["path"].startswith("/api/tags")
        ]

    def break_kimai(self, kind: FaultKind, *methods: str, **more: Any) -> None:
        rule = FaultRule(
            kind=kind,
            methods=methods,
            path_prefix="/api/timesheets",
            times=more.pop("times", 1),
            **more,
        )
        self.peers.kimai_app.faults.replace([rule])

    async def entries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.get("entries", limit=200))["items"]
        return found

    async def entry(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = await self.get(f"entries/{number}")
        return found

    async def settled(self, number: int, state: str = "synced") -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await self.entry(number)
                if found["state"] == state:
                    return found
                await asyncio.sleep(0.1)


@asynccontextmanager
async def desk(dsn: str, bookings: int = 3, **settings: Any) -> AsyncIterator[Desk]:
    async with two_peers(bookings) as peers, running_service(dsn, **settings) as service:
        await connect(service, peers)
        there = Desk(service, peers)
        await there.run()
        peers.kimai_app.requests.clear()
        yield there


async def edited(there: Desk) -> dict[str, Any]:
    """One timesheet was edited in Kimai, and a run has found that."""
    entry = next(each for each in await there.entries() if each["state"] == "synced")
    there.lengthen(there.sheet_of(entry))
    await there.run()
    return await there.row()


async def deleted(there: Desk) -> dict[str, Any]:
    """One timesheet was deleted in Kimai, and is found missing."""
    entry = next(each for each in await there.entries() if each["state"] == "synced")
    there.peers.kimai.drop("timesheets", int(entry["target_id"]))
    body = {"time_entry_id": entry["id"]}
    flagged = await there.http.post("/api/v1/conflicts/", json=body)  # so that somebody looks
    assert flagged.status_code == 201, flagged.text
    row = await there.row()
    answer = await there.do(row, "update")
    assert (answer.status_code, answer.json()["code"]) == (409, "op_not_applicable")
    return await there.row("missing")


async def test_a_row_shows_both_sides_and_what_changed(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        assert (row["status"], row["reasonCode"]) == ("conflict", "TARGET_EDITED")
        assert row["allowedOps"] == ["keep-target", "update"]
        assert row["blockedBy"] is None
        assert row["target"]["minutes"] == row["source"]["minutes"] + 15
        assert row["base"]["minutes"] == row["minutesAfter"] == row["source"]["minutes"]
        assert row["edited"] == ["end", "duration"]
        assert "autoPath" not in row
        assert row["links"]["timesheet"].startswith(there.peers.kimai_url)
        detail = await there.get(f"reconcile/row/{row['id']}")
        (minutes,) = [each for each in detail["fields"] if each["field"] == "minutes"]
        assert minutes["changed_by"] == "target"
        assert minutes["target"] == minutes["base"] + 15
        assert detail["item"] == row
        assert detail["causation"][-1]["type"] == "ConflictOpened"
        page = await there.get("reconcile/", filter="all")
        matches = len(await there.rows(filter="matches"))
        assert page["counts"] == {"conflicts": 1, "missing": 0, "matches": matches}
        assert page["total"] == len(page["items"]) == matches + 1
        assert {each["id"] for each in page["items"]} >= {row["id"]}
        assert (await there.get("reconcile/", q=row["ticketId"]))["total"] == 1
        assert (await there.get("reconcile/", q="no such thing"))["total"] == 0
        assert (await there.get("reconcile/", reason="DUPLICATE"))["total"] == 0


OF = {"entries": {}, "reconcile": {"filter": "all"}}


async def test_a_text_is_found_whatever_its_capitals_are(migrated: str) -> None:
    async with two_peers(6) as peers, running_service(migrated) as service:
        for number in {entry.ticket_id for entry in peers.zammad.entries}:
            peers.zammad.change_ticket(number, title="Ärztehaus Süd")
        await connect(service, peers)
        for mapping in (await service.http.get("/api/v1/mappings")).json():
            await service.http.delete(f"/api/v1/mappings/{mapping['id']}")
        (await service.http.post("/api/v1/sync/run", json=RANGE)).raise_for_status()
        head = await service.own.store.head()
        await service.own.shown(head)
        for text in ("Ärztehaus", "ärztehaus", "ÄRZTEHAUS SÜD"):
            for path in ("entries", "reconcile"):
                for then in ({}, {"as_of": f"position:{head}"}):
                    query = {"q": text, **then, **OF[path]}
                    found = (await service.http.get(f"/api/v1/{path}", params=query)).json()
                    assert found["total"] == len(found["items"]) > 0, (path, query)


async def test_keeping_is_a_decision_with_name_and_note(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        preview = await there.preview(row, "keep-target")
        assert (preview["applicable"], preview["requests"]) == (True, [])
        done = await there.done(row, "keep-target", notes="agreed with Emma")
        assert there.writes() == []
        assert (await there.entry(done["entry_id"]))["state"] == "synced"
        (conflict,) = await there.get("conflicts/")
        assert conflict["resolution_status"] == "resolved"
        assert conflict["resolution_action"] == "keep_target"
        assert (conflict["resolved_by"], conflict["notes"]) == ("alice", "agreed with Emma")
        again = await there.do(row, "keep-target")
        assert (again.status_code, again.json()["code"]) == (409, "already_resolved")
        await there.run()
        assert await there.rows() == []
        audit = await there.get("audit-logs/", action="conflict_resolved")
        assert [each["user"] for each in audit["data"]] == ["alice"]


async def test_a_decision_is_taken_back_while_nothing_came_of_it(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        path = f"/api/v1/reconcile/row/{row['id']}/undo"
        early = await there.http.post(path)
        assert (early.status_code, early.json()["code"]) == (409, "op_not_applicable")
        await there.done(row, "keep-target", notes="agreed with Emma")
        undone = await there.http.post(path, json={"notes": "not with Emma"})
        assert undone.status_code == 200, undone.text
        (conflict,) = await there.get("conflicts/")
        assert (conflict["resolution_status"], conflict["notes"]) == ("pending", "not with Emma")
        now = await there.row()
        assert (now["id"], now["allowedOps"]) == (row["id"], row["allowedOps"])
        audit = await there.get("audit-logs/", action="conflict_reopened")
        assert [each["user"] for each in audit["data"]] == ["alice"]
        await there.run()
        assert (await there.row())["id"] == row["id"], "it waits as it did before"
        await there.done(now, "update")
        refused = await there.http.post(path)
        assert (refused.status_code, refused.json()["code"]) == (409, "op_not_applicable")
        assert "Kimai was written by it" in refused.json()["detail"]


async def test_what_changed_since_is_not_taken_back(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        await there.done(row, "keep-target")
        there.lengthen(there.sheet_of(await there.entry(row["entryId"])))
        await there.run()
        refused = await there.http.post(f"/api/v1/reconcile/row/{row['id']}/undo")
        assert (refused.status_code, refused.json()["code"]) == (409, "op_not_applicable")
        unknown = await there.http.post("/api/v1/reconcile/row/1/undo")
        assert unknown.status_code == 404


async def test_a_skipped_row_comes_back(migrated: str) -> None:
    async with desk(migrated) as there:
        gone = await deleted(there)
        await there.done(gone, "skip")
        undone = await there.http.post(f"/api/v1/reconcile/row/{gone['id']}/undo")
        assert undone.status_code == 200, undone.text
        assert (await there.entry(gone["entryId"]))["state"] == "conflict"
        assert (await there.row("missing"))["allowedOps"] == gone["allowedOps"]


async def test_updating_sends_exactly_what_the_preview_shows(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        sheet = there.sheet_of(await there.entry(row["entryId"]))
        preview = await there.preview(row, "update")
        assert there.writes() == []
        (request,) = preview["requests"]
        assert (request["method"], request["path"]) == ("PATCH", f"/api/timesheets/{sheet.id}")
        assert request["body"].keys() == {"begin", "end"}
        done = await there.done(row, "update")
        assert there.writes() == [f"PATCH /api/timesheets/{sheet.id}"]
        assert done["timesheet_id"] == sheet.id
        assert (there.sheet(sheet.id).duration or 0) / 60 == row["source"]["minutes"]
        assert (await there.entry(row["entryId"]))["state"] == "synced"
        assert (await there.get(f"conflicts/{row['id']}"))["resolution_action"] == (
            "update_from_source"
        )
        await there.run()
        assert await there.rows() == []


async def test_creating_and_skipping_what_is_missing(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await deleted(there)
        assert (row["reasonCode"], row["allowedOps"]) == ("TARGET_DELETED", ["create", "skip"])
        assert row["autoPath"] == {
            "createCustomer": False,
            "createProject": False,
            "createTimesheet": True,
        }
        assert "target" not in row
        assert [each["method"] for each in (await there.preview(row, "create"))["requests"]] == [
            "POST"
        ]
        sheets = there.peers.sheets
        done = await there.done(row, "create")
        assert there.peers.sheets == sheets + 1
        assert done["timesheet_id"] in there.peers.kimai.timesheets
        row = await deleted(there)
        await there.done(row, "skip", notes="not billed")
        assert (await there.entry(row["entryId"]))["state"] == "ignored"
        await there.run()
        assert there.peers.sheets == sheets
        assert await there.rows(filter="missing") == []


async def test_what_was_billed_meanwhile_is_not_touched(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        sheet = there.sheet_of(await there.entry(row["entryId"]))
        sheet.exported = True
        assert (await there.preview(row, "update"))["applicable"] is False
        answer = await there.do(row, "update")
        assert (answer.status_code, answer.json()["code"]) == (409, "op_not_applicable")
        assert "export" in answer.json()["detail"]
        assert there.writes() == []
        now = await there.row()
        assert (now["allowedOps"], now["reasonCode"]) == (["keep-target"], "TARGET_EDITED")
        assert "export" in now["blockedBy"]
        await there.done(now, "keep-target")


async def test_an_edit_that_nobody_has_seen_is_not_written_over(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        there.lengthen(there.sheet_of(await there.entry(row["entryId"])), 30)
        answer = await there.do(row, "update")
        assert (answer.status_code, answer.json()["code"]) == (409, "op_not_applicable")
        assert "edited" in answer.json()["detail"]
        assert there.writes() == []
        now = await there.row()
        assert now["id"] != row["id"]
        assert now["target"]["minutes"] == row["target"]["minutes"] + 30
        stale = await there.do(row, "update")
        assert (stale.status_code, stale.json()["code"]) == (409, "already_resolved")
        await there.done(now, "update")


async def test_ops_are_checked_against_the_row(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        for op in ("create", "skip", "correct"):
            answer = await there.do(row, op)
            assert (answer.status_code, answer.json()["code"]) == (409, "op_not_applicable"), op
        stale = await there.do(row, "keep-target", headers={"If-Match": '"7"'})
        assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
        for bad in ("0", "999999", "x", "1e3", "99999999999999999999", "entry-", "-1"):
            answer = await there.http.post(
                f"/api/v1/reconcile/row/{bad}", json={"op": "keep-target"}
            )
            assert answer.status_code == 404, bad
        for body in (
            {},
            {"op": "delete"},
            {"op": "skip", "notes": "x" * 501},
            {"op": "skip", "a": 1},
        ):
            answer = await there.http.post(f"/api/v1/reconcile/row/{row['id']}", json=body)
            assert answer.status_code == 422, body
        for query in ({"page": 0}, {"pageSize": 201}, {"filter": "x"}, {"reason": "x"}):
            answer = await there.http.get("/api/v1/reconcile/", params=query)
            assert answer.status_code == 422, query
        match = (await there.rows(filter="matches"))[0]
        answer = await there.do(match, "keep-target")
        assert (answer.status_code, answer.json()["code"]) == (409, "op_not_applicable")
        await there.service.add_user("viv", "viewer")
        async with there.service.logged_in("viv", "correct-horse-battery") as viewer:
            assert (await viewer.get("/api/v1/reconcile/")).status_code == 200
            path = f"/api/v1/reconcile/row/{row['id']}"
            assert (await viewer.post(path, json={"op": "skip"})).status_code == 403
            assert (await viewer.get(f"{path}/preview", params={"op": "update"})).status_code == 200
        seen = {"If-Match": f'"{row["version"]}"'}
        await there.done(row, "keep-target", headers=seen)


async def test_a_row_that_waits_for_nobody_is_shown_as_what_it_is(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await deleted(there)
        await there.done(row, "skip")
        skipped = (await there.get(f"reconcile/row/{row['id']}"))["item"]
        assert (skipped["status"], skipped["allowedOps"]) == ("missing", [])
        assert skipped["conflictReason"] == "It is left alone, by a person or by a rule."
        assert "autoPath" not in skipped
        match = (await there.rows(filter="matches"))[0]
        ignored = await there.http.post(f"/api/v1/entries/{match['entryId']}/ignore")
        assert ignored.status_code == 200, ignored.text
        now = (await there.get(f"reconcile/row/{match['id']}"))["item"]
        assert (now["status"], now["allowedOps"]) == ("conflict", [])
        assert "left alone" in now["conflictReason"]


async def test_a_row_without_conflict_has_nothing_to_decide_and_an_unknown_one_is_none(
    migrated: str,
) -> None:
    async with desk(migrated) as there:
        await edited(there)
        match = (await there.rows(filter="matches"))[0]
        path = "/api/v1/reconcile/row"
        preview = await there.http.get(f"{path}/{match['id']}/preview", params={"op": "update"})
        assert (preview.status_code, preview.json()["applicable"]) == (200, False)
        assert preview.json()["blockedBy"] == "This row has no open conflict."
        refused = await there.do(match, "update")
        assert (refused.status_code, refused.json()["code"]) == (409, "op_not_applicable")
        for unknown in ("entry-999999", "entry-0", "entry-99999999999999999999", "999999", "x-1"):
            told = [
                await there.http.get(f"{path}/{unknown}"),
                await there.http.get(f"{path}/{unknown}/preview", params={"op": "update"}),
                await there.http.post(f"{path}/{unknown}", json={"op": "update"}),
                await there.http.post(f"{path}/{unknown}/undo"),
            ]
            assert {answer.status_code for answer in told} == {404}, unknown
        (row,) = await there.rows()
        by_entry = {"id": f"entry-{row['entryId']}"}  # as it was listed before it had one
        refused = await there.do({**row, **by_entry}, "keep-target")
        assert (refused.status_code, refused.json()["code"]) == (409, "op_not_applicable")
        assert await there.rows() == [row]


async def test_of_two_people_at_once_one_wins_and_the_other_is_told(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        answers = await asyncio.gather(
            there.do(row, "update"), there.do(row, "update"), there.do(row, "keep-target")
        )
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200, 409, 409]
        codes = {answer.json().get("code") for answer in answers if answer.status_code == 409}
        assert codes <= {"already_resolved", "stale_version"}
        assert len(there.writes()) <= 1
        (conflict,) = await there.get("conflicts/", resolution_status="resolved")
        assert conflict["resolved_by"] == "alice"


async def test_a_kimai_that_is_away_leaves_the_row_as_it_was(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        before = (await there.entry(row["entryId"]))["version"]
        there.break_kimai(FaultKind.ERROR_BEFORE, "GET", status=503, times=None)
        answer = await there.do(row, "update")
        assert (answer.status_code, answer.json()["code"]) == (502, "peer_unavailable")
        assert (await there.entry(row["entryId"]))["version"] == before
        there.break_kimai(FaultKind.TOO_MANY, "PATCH", retry_after=0, times=None)
        answer = await there.do(row, "update")
        assert (answer.status_code, answer.json()["code"]) == (502, "peer_unavailable")
        now = await there.row()
        assert (now["id"], now["reasonCode"]) == (row["id"], "TARGET_EDITED")
        there.peers.kimai_app.faults.clear()
        await there.done(now, "update")
        await there.run()
        assert await there.rows() == []


async def test_what_kimai_refuses_is_another_open_row(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        there.break_kimai(FaultKind.FORBIDDEN, "PATCH")
        answer = await there.do(row, "update")
        assert (answer.status_code, answer.json()["code"]) == (502, "peer_rejected"), answer.text
        now = await there.row()
        assert now["reasonCode"] == "LOCKED_OR_EXPORTED"
        assert now["allowedOps"] == ["keep-target"]
        assert now["blockedBy"]
        await there.done(now, "update")  # unlocked by now: hopeful, and looked at again


async def test_an_unclear_answer_is_read_back_and_never_sent_twice(migrated: str) -> None:
    async with desk(migrated, kimai_request_limit_seconds=2) as there:
        row = await deleted(there)
        there.peers.kimai_app.requests.clear()
        sheets = there.peers.sheets
        there.break_kimai(FaultKind.RESET_AFTER, "POST")
        answer = await there.do(row, "create")
        assert (answer.status_code, answer.json()["code"]) == (502, "peer_unavailable")
        now = await there.row("missing")
        assert (now["reasonCode"], now["allowedOps"]) == ("WRITE_UNCERTAIN", [])
        early = await there.do(now, "create")
        assert (early.status_code, early.json()["code"]) == (409, "op_not_applicable")
        skipped = await there.do(now, "skip")
        assert (skipped.status_code, skipped.json()["code"]) == (409, "op_not_applicable")
        await asyncio.sleep(2.1)
        done = await there.done(now, "create")
        assert there.writes() == ["POST /api/timesheets"]
        assert there.peers.sheets == sheets + 1
        assert done["timesheet_id"] in there.peers.kimai.timesheets


async def test_a_request_that_never_landed_is_sent_after_it_was_read_back(migrated: str) -> None:
    async with desk(migrated, kimai_request_limit_seconds=1) as there:
        row = await deleted(there)
        sheets = there.peers.sheets
        there.break_kimai(FaultKind.RESET_BEFORE, "POST")
        assert (await there.do(row, "create")).status_code == 502
        await asyncio.sleep(1.1)
        await there.done(await there.row("missing"), "create")
        assert there.peers.sheets == sheets + 1


async def test_conflicts_are_resolved_ignored_and_reopened(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        path = f"/api/v1/conflicts/{row['id']}"
        shown = (await there.http.get(path)).json()
        assert shown["conflict_type"] == "conflict"
        assert shown["kimai_data"]["duration_sec"] == row["target"]["minutes"] * 60
        assert shown["zammad_data"]["duration_sec"] == row["source"]["minutes"] * 60
        back = await there.http.patch(path, json=shown)  # as it was read
        assert (back.status_code, back.json()) == (200, shown)
        noted = (await there.http.patch(path, json={"notes": "see mail"})).json()
        assert (noted["notes"], noted["version"]) == ("see mail", shown["version"] + 1)
        ignored = (await there.http.patch(path, json={"resolution_status": "ignored"})).json()
        assert (ignored["resolution_status"], ignored["notes"]) == ("ignored", "see mail")
        assert (await there.entry(row["entryId"]))["state"] == "ignored"
        pending = (await there.http.patch(path, json={"resolution_status": "pending"})).json()
        assert (pending["resolution_status"], pending["resolved_by"]) == ("pending", None)
        assert (await there.row())["id"] == row["id"]
        stale = await there.http.delete(path, headers={"If-Match": '"1"'})
        assert stale.json()["code"] == "stale_version"
        assert (await there.http.delete(path)).status_code == 204
        again = await there.http.delete(path)
        assert (again.status_code, again.json()["code"]) == (409, "already_resolved")
        assert (await there.http.patch(path, json={"resolution_status": "pending"})).is_success
        done = await there.http.patch(path, json={"resolution_status": "resolved"})
        assert done.json()["resolution_action"] == "keep_target"
        closed = await there.http.patch(path, json={"resolution_status": "pending"})
        assert (closed.status_code, closed.json()["code"]) == (409, "already_resolved")
        for bad in ("x", "0", "4711", "99999999999999999999"):
            assert (await there.http.get(f"/api/v1/conflicts/{bad}")).status_code == 404, bad
        events = await there.get("audit-logs/", entity=f"time_entry:{row['entryId']}")
        assert [each["action"] for each in reversed(events["data"])] == [
            "conflict_note_changed",
            "conflict_dismissed",
            "entry_ignored",
            "conflict_reopened",
            "conflict_dismissed",
            "entry_ignored",
            "conflict_reopened",
            "conflict_resolved",
        ]


async def test_an_action_of_a_conflict_is_carried_out_like_its_op(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        answer = await there.http.patch(
            f"/api/v1/conflicts/{row['id']}", json={"resolution_action": "update"}
        )
        assert answer.json()["resolution_action"] == "update_from_source", answer.text
        assert len(there.writes()) == 1


async def test_an_entry_is_flagged_once(migrated: str) -> None:
    async with desk(migrated) as there:
        entry = (await there.entries())[0]
        body = {"time_entry_id": entry["id"], "notes": "twice?"}
        made = await there.http.post("/api/v1/conflicts/", json=body)
        assert (made.status_code, made.json()["reason_code"]) == (201, "OTHER")
        assert made.json()["notes"] == "twice?"
        again = await there.http.post("/api/v1/conflicts/", json=body)
        assert (again.status_code, again.json()["code"]) == (409, "entry_state")
        unknown = await there.http.post("/api/v1/conflicts/", json={"time_entry_id": 5})
        assert unknown.status_code == 404
        await there.run()
        row = await there.row()
        assert row["id"] == str(made.json()["id"])
        await there.done(row, "keep-target")


async def test_an_ignored_entry_stays_so_until_somebody_wants_it(migrated: str) -> None:
    async with desk(migrated) as there:
        entry = next(each for each in await there.entries() if each["state"] == "synced")
        path = f"/api/v1/entries/{entry['id']}"
        assert (await there.http.post(f"{path}/unignore")).json()["code"] == "entry_state"
        ignored = await there.http.post(f"{path}/ignore", json={"reason": "by hand"})
        assert (ignored.status_code, ignored.json()["state"]) == (200, "ignored")
        there.lengthen(there.sheet_of(entry))
        await there.run()
        assert (await there.entry(entry["id"]))["state"] == "ignored"
        assert await there.rows() == []
        assert (await there.http.post(f"{path}/unignore")).json()["state"] == "pending"
        await there.run()
        await there.run()
        assert (await there.entry(entry["id"]))["reason_code"] == "TARGET_EDITED"
        unknown = await there.http.post("/api/v1/entries/5/ignore")
        assert unknown.status_code == 404


async def test_what_came_from_a_zammad_that_is_not_in_use_is_not_written(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        off = await there.http.patch("/api/v1/connectors/1", json={"is_active": False})
        assert off.is_success, off.text
        body = {"type": "zammad", "name": "Other", "base_url": "http://127.0.0.1:1/"}
        settings = {"time_unit_minutes": 1}
        added = await there.http.post(
            "/api/v1/connectors/",
            json={**body, "api_token": "more-t0ken-nobody-may-see", "settings": settings},
        )
        assert added.status_code == 201, added.text
        answer = await there.do(row, "update")
        assert (answer.status_code, answer.json()["code"]) == (409, "op_not_applicable")
        assert there.writes() == []
        await there.http.patch("/api/v1/connectors/3", json={"is_active": False})
        answer = await there.do(row, "update")
        assert (answer.status_code, answer.json()["code"]) == (409, "connectors_missing")
        await there.done(row, "keep-target")  # which needs nobody


async def test_many_rows_are_decided_independently(migrated: str) -> None:
    async with desk(migrated, 8) as there:
        synced = [each for each in await there.entries() if each["state"] == "synced"]
        for entry in synced[:4]:
            there.lengthen(there.sheet_of(entry))
        await there.run()
        rows = await there.rows()
        billed = there.sheet_of(await there.entry(rows[0]["entryId"]))
        billed.exported = True
        ids = [*(row["id"] for row in rows), "77777777"]
        answer = await there.http.post(
            "/api/v1/reconcile/bulk", json={"ids": ids, "op": "update", "notes": "all"}
        )
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert (shown["succeeded"], shown["failed"], shown["queued"]) == (3, 2, 0)
        by_id = {each["id"]: each for each in shown["results"]}
        assert by_id[rows[0]["id"]]["code"] == "op_not_applicable"
        assert by_id["77777777"]["code"] == "not_found"
        assert [each["id"] for each in shown["results"]] == ids
        assert len(there.writes()) == 3
        assert (await there.row())["entryId"] == rows[0]["entryId"]
        for body in (
            {"ids": [], "op": "skip"},
            {"ids": ["1", "1"], "op": "skip"},
            {"ids": [str(n) for n in range(201)], "op": "skip"},
        ):
            bad = await there.http.post("/api/v1/reconcile/bulk", json=body)
            assert bad.status_code == 422


async def test_a_booking_that_is_gone_is_deleted_in_kimai_when_somebody_wants_that(
    migrated: str,
) -> None:
    async with desk(migrated) as there:
        entry = next(each for each in await there.entries() if each["state"] == "synced")
        there.peers.zammad.delete_entry(int(entry["source_id"]))
        await there.run()
        row = await there.row()
        assert (row["reasonCode"], row["conflictType"]) == ("SOURCE_DELETED", "missing_in_zammad")
        assert "source" not in row
        preview = await there.preview(row, "update")
        path = f"/api/timesheets/{entry['target_id']}"
        assert preview["requests"] == [{"method": "DELETE", "path": path, "body": None}]
        await there.done(row, "update")
        assert there.writes() == [f"DELETE {path}"]
        assert (await there.entry(entry["id"]))["state"] == "withdrawn"


async def test_customer_and_project_are_made_before_the_timesheet(migrated: str) -> None:
    async with two_peers(3) as peers, running_service(migrated) as service:
        await connect(service, peers)
        there = Desk(service, peers)
        settings = {"project_strategy": "per_organization", "auto_create_projects": False}
        await there.http.patch("/api/v1/connectors/2", json={"settings": settings})
        await there.run()
        row, *_ = await there.rows(filter="missing")
        assert row["reasonCode"] == "PROJECT_OR_CUSTOMER_MISSING"
        assert row["allowedOps"] == ["skip"]
        assert (row["autoPath"]["createCustomer"], row["cause"]) == (True, "CUSTOMER_MISSING")
        assert row["autoPath"]["createProject"] is True
        blocked = await there.preview(row, "create")
        assert (blocked["applicable"], blocked["requests"]) == (False, [])
        answer = await there.do(row, "create")
        assert (answer.status_code, answer.json()["code"]) == (409, "op_not_applicable")
        settings = {"auto_create_projects": True}
        await there.http.patch("/api/v1/connectors/2", json={"settings": settings})
        preview = await there.preview(row, "create")
        paths = [each["path"] for each in preview["requests"]]
        assert paths == ["/api/customers", "/api/projects", "/api/timesheets"]
        assert peers.sheets == 0
        peers.kimai_app.requests.clear()
        await there.done(row, "create")
        assert there.writes() == [f"POST {path}" for path in paths]
        assert (await there.entry(row["entryId"]))["state"] == "synced"


async def test_many_rows_of_one_customer_make_it_once(migrated: str) -> None:
    async with two_peers(8) as peers, running_service(migrated) as service:
        await connect(service, peers)
        there = Desk(service, peers)
        settings = {"project_strategy": "per_organization", "auto_create_projects": False}
        await there.http.patch("/api/v1/connectors/2", json={"settings": settings})
        await there.run()
        rows = await there.rows(filter="missing", reason="PROJECT_OR_CUSTOMER_MISSING")
        assert len(rows) > len({row["customer"] for row in rows})
        await there.http.patch(
            "/api/v1/connectors/2", json={"settings": {"auto_create_projects": True}}
        )
        body = {"ids": [row["id"] for row in rows], "op": "create"}
        answer = (await there.http.post("/api/v1/reconcile/bulk", json=body)).json()
        assert answer["failed"] == 0, answer
        for row in rows:
            await there.settled(row["entryId"])
        asked = peers.kimai_app.requests
        customers = len({row["customer"] for row in rows})
        assert asked.count("POST", "/api/customers") == customers
        assert asked.count("POST", "/api/projects") == customers
        assert peers.sheets == len(rows)


async def suggested(there: Desk, text: str = "On the phone") -> tuple[dict[str, Any], int]:
    """Somebody has booked the same by hand, before the first run."""
    plan = (await there.http.post("/api/v1/sync/plans", json=RANGE)).json()
    planned = next(row for row in plan["rows"] if row["action"] == "create")
    after = planned["after"]
    begin, end = (int(datetime.fromisoformat(after[name]).timestamp()) for name in ("begin", "end"))
    sheet = there.peers.kimai.add_timesheet(
        user=after["user_id"],
        project=2,
        activity=after["activity_id"],
        begin=begin - begin % 60,
        end=end,
        description=f"{text}, #{planned['ticket_number']}",
    )
    await there.run()
    there.peers.kimai_app.requests.clear()
    return await there.row(), int(sheet.id)


async def test_a_look_alike_is_linked_as_it_is(migrated: str) -> None:
    async with two_peers(3) as peers, running_service(migrated) as service:
        await connect(service, peers)
        there = Desk(service, peers)
        row, sheet = await suggested(there)
        assert (row["status"], row["reasonCode"]) == ("conflict", "DUPLICATE")
        assert row["allowedOps"] == ["keep-target", "update"]
        assert (await there.preview(row, "keep-target"))["requests"] == []
        done = await there.done(row, "keep-target")
        assert done["timesheet_id"] == sheet
        assert there.writes() == []
        assert (await there.entry(row["entryId"]))["state"] == "synced"


async def test_a_look_alike_is_shown_to_who_decides_about_it(migrated: str) -> None:
    async with two_peers(3) as peers, running_service(migrated) as service:
        await connect(service, peers)
        there = Desk(service, peers)
        row, sheet = await suggested(there)
        kept = there.sheet(sheet)
        assert kept.begin is not None
        assert kept.end is not None
        minutes = round((kept.end - kept.begin) / 60)
        assert row["target"]["minutes"] == minutes > 0
        assert datetime.fromisoformat(row["target"]["startedAt"]).timestamp() == kept.begin
        assert row["links"]["timesheet"] == f"{peers.kimai_url}/en/timesheet/{sheet}/edit"
        detail = await there.get(f"reconcile/row/{row['id']}")
        assert (detail["target"]["timesheet_id"], detail["base"]) == (sheet, None)
        assert {each["field"] for each in detail["fields"]} == {"project_id", "billable"}
        conflict = await there.get(f"conflicts/{row['id']}")
        assert (conflict["kimai_id"], conflict["kimai_duration_minutes"]) == (sheet, minutes)
        assert conflict["kimai_data"]["project_id"] == 2
        assert "On the phone" not in str((row, detail, conflict))  # whoever wrote that


async def test_a_look_alike_is_linked_and_brought_to_the_booking(migrated: str) -> None:
    async with two_peers(3) as peers, running_service(migrated) as service:
        await connect(service, peers)
        there = Desk(service, peers)
        row, sheet = await suggested(there)
        (request,) = (await there.preview(row, "update"))["requests"]
        assert request["path"] == f"/api/timesheets/{sheet}"
        await there.done(row, "update")
        assert there.writes() == [f"PATCH /api/timesheets/{sheet}"]
        assert (await there.entry(row["entryId"]))["state"] == "synced"
        await there.run()
        assert await there.rows(filter="all") == await there.rows(filter="matches")


async def test_what_looks_alike_by_now_is_not_created_a_second_time(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await deleted(there)
        before = there.peers.sheets
        entry = await there.entry(row["entryId"])
        plan = await there.preview(row, "create")
        body = plan["requests"][0]["body"]
        zone = ZoneInfo("Europe/Brussels")
        begin, end = (
            int(datetime.fromisoformat(body[name]).replace(tzinfo=zone).timestamp())
            for name in ("begin", "end")
        )
        there.peers.kimai.add_timesheet(
            user=body.get("user", 1),
            project=2,
            activity=body["activity"],
            begin=begin,
            end=end,
            description=f"By hand, #{entry['ticket_number']}",
        )
        answer = await there.do(row, "create")
        assert (answer.status_code, answer.json()["code"]) == (409, "op_not_applicable")
        assert there.peers.sheets == before + 1
        assert there.writes() == []
        asked = await there.row()  # and a person says which it is
        assert (asked["entryId"], asked["reasonCode"]) == (row["entryId"], "DUPLICATE")
        await there.done(asked, "keep-target")


async def test_what_there_is_no_time_for_goes_on_in_the_background(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(migrated, 4) as there:
        row = await edited(there)
        sheet = there.sheet_of(await there.entry(row["entryId"])).id
        monkeypatch.setattr(reconcile, "PATIENCE", 4.5)
        pair = PairOf(source_connector_id=ConnectorId(1), target_connector_id=ConnectorId(2))
        async with pair_lock(there.service.own.store, pair) as mine:
            assert mine
            answer = await there.http.post(
                "/api/v1/reconcile/bulk", json={"ids": [row["id"]], "op": "update", "notes": "n"}
            )
            assert (answer.status_code, answer.json()["queued"]) == (200, 1), answer.text
            assert [each["status"] for each in answer.json()["results"]] == ["queued"]
            assert there.writes() == []
            monkeypatch.setattr(resolving, "LOCK_PATIENCE", 0.3)
            busy = await there.do(row, "update")
            assert (busy.status_code, busy.json()["code"]) == (409, "run_active")
        await there.settled(row["entryId"])
        assert there.writes() == [f"PATCH /api/timesheets/{sheet}"]
        (conflict,) = await there.get("conflicts/")
        assert (conflict["resolved_by"], conflict["notes"]) == ("alice", "n")


async def test_the_past_shows_the_rows_of_then(migrated: str) -> None:
    async with desk(migrated) as there:
        row = await edited(there)
        before = int(row["id"]) - 1
        while_open = await there.service.own.store.head()
        await there.done(row, "update")
        then = await there.get("reconcile/", as_of=f"position:{while_open}")
        assert [each["id"] for each in then["items"]] == [row["id"]]
        assert then["items"][0]["target"] == row["target"]
        assert then["counts"]["conflicts"] == 1
        assert (await there.get("reconcile/", as_of=f"position:{before}"))["total"] == 0
        detail = await there.get(f"reconcile/row/{row['id']}", as_of=f"position:{while_open}")
        assert detail["allowedOps"] == ["keep-target", "update"]
        preview = await there.get(
            f"reconcile/row/{row['id']}/preview", op="update", as_of=f"position:{while_open}"
        )
        assert (preview["applicable"], preview["requests"]) == (True, [])
        conflict = await there.get(f"conflicts/{row['id']}", as_of=f"position:{while_open}")
        assert conflict["resolution_status"] == "pending"
        gone = await there.http.get(
            f"/api/v1/conflicts/{row['id']}", params={"as_of": f"position:{before}"}
        )
        assert gone.status_code == 404
