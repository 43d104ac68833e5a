"""What was billed is corrected by a second timesheet: the whole service between both peers."""

from dataclasses import replace
from typing import Any

from adapters.sandbox.control.faults import FaultKind
from tests.integration.test_reconcile import Desk, desk
from tests.support.two_peers import RANGE


async def billed(there: Desk, count: int = 1, minutes: int = 20) -> list[dict[str, Any]]:
    """So many bookings were exported in Kimai, and are longer by `minutes` in Zammad by now."""
    synced = [each for each in await there.entries() if each["state"] == "synced"][:count]
    for entry in synced:
        there.sheet_of(entry).exported = True
        units = str(entry["time_minutes"] + minutes)
        there.peers.zammad.correct(int(entry["source_id"]), time_unit=units)
    await there.run()
    rows = await there.rows()
    assert {row["reasonCode"] for row in rows} == {"SOURCE_CHANGED_AFTER_EXPORT"}
    return rows


async def test_a_row_offers_previews_and_books_the_difference(migrated: str) -> None:
    async with desk(migrated) as there:
        (row,) = await billed(there)
        assert row["allowedOps"] == ["keep-target", "correct"]
        assert "export" in row["blockedBy"]
        first = there.sheet_of(await there.entry(row["entryId"]))
        before = replace(first)
        preview = await there.preview(row, "correct")
        assert there.writes() == []
        (request,) = preview["requests"]
        assert (request["method"], request["path"]) == ("POST", "/api/timesheets")
        assert request["body"]["description"].endswith("-02")
        assert preview["effects"][0] == f"Timesheet {first.id} stays as it is."
        done = await there.done(row, "correct", notes="agreed with Emma")
        assert there.writes() == ["POST /api/timesheets"]
        second = there.sheet(done["timesheet_id"])
        assert second.id != first.id
        assert (second.duration, first) == (20 * 60, before)
        assert second.end == first.begin
        conflict = await there.get(f"conflicts/{row['id']}")
        assert conflict["resolution_action"] == "corrected"
        assert (conflict["resolved_by"], conflict["notes"]) == ("alice", "agreed with Emma")
        entry = await there.entry(row["entryId"])
        assert (entry["state"], entry["target_id"]) == ("synced", str(second.id))
        (earlier,) = entry["target"]["earlier"]
        assert (earlier["timesheet_id"], earlier["exported"]) == (first.id, True)
        (match,) = [
            each for each in await there.rows(filter="matches") if each["entryId"] == entry["id"]
        ]
        assert match["target"]["minutes"] == match["source"]["minutes"]
        assert match["target"]["timesheets"] == [first.id, second.id]
        await there.run()
        assert await there.rows() == []
        assert there.writes() == ["POST /api/timesheets"]


async def test_both_timesheets_are_watched_after_it(migrated: str) -> None:
    async with desk(migrated) as there:
        (row,) = await billed(there)
        number = (await there.done(row, "correct"))["timesheet_id"]
        entry = await there.entry(row["entryId"])
        first = there.sheet(entry["target"]["earlier"][0]["timesheet_id"])
        there.lengthen(first)
        await there.run()
        edited = await there.row()
        assert edited["reasonCode"] == "TARGET_EDITED"
        assert f"Timesheet {first.id} was edited" in edited["conflictReason"]
        await there.done(edited, "update")
        assert there.sheet(number).duration == 5 * 60
        there.lengthen(there.sheet(number), 30)
        await there.run()
        edited = await there.row()
        assert f"Timesheet {number} was edited" in edited["conflictReason"]
        await there.done(edited, "keep-target")
        await there.run()
        assert await there.rows() == []
        there.peers.zammad.correct(int(entry["source_id"]), time_unit="500")
        await there.run()
        assert (await there.row())["reasonCode"] == "TARGET_EDITED"


async def test_nothing_is_offered_where_kimai_has_too_much(migrated: str) -> None:
    async with desk(migrated) as there:
        (row,) = await billed(there, minutes=-5)
        assert row["allowedOps"] == ["keep-target"]
        assert "no negative time" in row["blockedBy"]
        assert (await there.preview(row, "correct"))["applicable"] is False
        answer = await there.do(row, "correct")
        assert (answer.status_code, answer.json()["code"]) == (409, "op_not_applicable")
        assert "no negative time" in answer.json()["detail"]
        await there.done(row, "keep-target")
        await there.run()
        assert await there.rows() == []
        assert there.writes() == []


async def test_a_lost_answer_is_read_back_and_not_booked_twice(migrated: str) -> None:
    async with desk(migrated, kimai_request_limit_seconds=1) as there:
        (row,) = await billed(there)
        sheets = there.peers.sheets
        there.break_kimai(FaultKind.RESET_AFTER, "POST")
        answer = await there.do(row, "correct")
        assert answer.status_code == 502, answer.text
        assert (await there.row())["reasonCode"] == "WRITE_UNCERTAIN"
        await there.run()
        assert (await there.settled(row["entryId"]))["target"]["earlier"]
        assert there.peers.sheets == sheets + 1
        assert await there.rows() == []


async def test_a_refused_correction_leaves_the_row_with_the_reason(migrated: str) -> None:
    async with desk(migrated) as there:
        (row,) = await billed(there)
        there.break_kimai(FaultKind.FORBIDDEN, "POST")
        answer = await there.do(row, "correct")
        assert (answer.status_code, answer.json()["code"]) == (502, "peer_rejected"), answer.text
        now = await there.row()
        assert (now["entryId"], now["status"]) == (row["entryId"], "conflict")
        assert "correct" in now["allowedOps"]
        await there.done(now, "correct")
        assert await there.rows() == []


async def test_many_rows_are_corrected_at_once(migrated: str) -> None:
    async with desk(migrated, 8) as there:
        rows = await billed(there, 4)
        sheets = there.peers.sheets
        body = {"ids": [row["id"] for row in rows], "op": "correct", "notes": "month end"}
        answer = (await there.http.post("/api/v1/reconcile/bulk", json=body)).json()
        assert (answer["succeeded"], answer["failed"], answer["queued"]) == (len(rows), 0, 0)
        assert there.peers.sheets == sheets + len(rows)
        assert there.writes() == ["POST /api/timesheets"] * len(rows)
        run = (await there.http.post("/api/v1/sync/run", json=RANGE)).json()
        assert (run["num_created"], run["num_updated"], run["num_conflicts"]) == (0, 0, 0)
        assert await there.rows() == []


async def test_the_past_shows_the_first_one_alone(migrated: str) -> None:
    async with desk(migrated) as there:
        (row,) = await billed(there)
        before = await there.get(f"entries/{row['entryId']}")
        then = f"position:{before['position']}"
        await there.done(row, "correct")
        assert await there.get(f"entries/{row['entryId']}", as_of=then) == before
        steps = (await there.get(f"entries/{row['entryId']}/history"))["items"]
        assert steps[-1]["title"] == "Created in Kimai"
        assert {each["field"] for each in steps[-1]["changes"]} >= {"timesheet_id", "minutes"}
