"""Runs over the whole service, from both peers' sockets to the views."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.postgres.jobs import CRASHED, PairLock, RunWorker
from adapters.sandbox.control import FaultKind, FaultRule
from api import runs
from api.services import Services
from domain.event import Actor, Metadata
from domain.handling import handle, state_of
from domain.ids import ConnectorId, EntryId, RunId, run_stream
from domain.plan.decide import Plan
from domain.sync_run.commands import QueueRun, StartRun
from domain.sync_run.decide import SYNC_RUN, Run, holds
from domain.sync_run.events import Cause
from tests.support.ahead import AheadClock
from tests.support.line import Line
from tests.support.service import Service, running_service
from tests.support.sessions import end_session, holders
from tests.support.two_peers import QUICK, RANGE, connect, two_peers
from tests.support.waiting import until

METADATA = Metadata(actor=Actor(kind="system", name="test"), correlation_id="test")


async def run_now(service: Service, **body: Any) -> dict[str, Any]:
    answer = await service.http.post("/api/v1/sync/run", json={**RANGE, **body})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_bookings_are_carried_across_once_and_shown(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        first = await run_now(service)
        assert first["status"] == "success", first
        assert first["run_status"] == "completed"
        assert first["num_processed"] == 20
        assert first["num_created"] + first["num_conflicts"] + first["num_skipped"] == 20
        assert first["num_created"] == peers.sheets > 10

        second = await run_now(service)
        assert (second["num_created"], second["num_updated"]) == (0, 0)
        assert peers.sheets == first["num_created"]

        listed = (await service.http.get("/api/v1/sync/runs")).json()
        assert listed["total"] == 2
        assert [row["id"] for row in listed["data"]] == [2, 1]
        run = (await service.http.get("/api/v1/sync/runs/1")).json()
        assert run["state"] == "completed"
        assert run["entries_synced"] == first["num_created"]
        assert run["correlation_id"] == "run-1"
        assert run["connector_ids"] == [1, 2]
        assert run["cause"] == {"kind": "user", "id": "alice"}

        await entries_are_shown(service, first["num_created"])
        actions = (await service.http.get("/api/v1/audit-logs/?action_type=sync")).json()
        assert [row["action"] for row in actions["data"]][-3:] == [
            "sync_completed",
            "sync_triggered",
            "sync_queued",
        ]
        report = await service.own.store.verify()
        assert report.ok


async def test_a_retired_connector_keeps_its_entries_and_its_past(migrated: str) -> None:
    async with two_peers(5) as peers, running_service(migrated) as service:
        await connect(service, peers)
        await run_now(service)
        before = (await service.http.get("/api/v1/entries")).json()
        assert before["total"] == 5
        for number in (1, 2):
            answer = await service.http.delete(f"/api/v1/connectors/{number}")
            assert answer.status_code == 204, answer.text
        after = (await service.http.get("/api/v1/entries")).json()
        assert [row["id"] for row in after["items"]] == [row["id"] for row in before["items"]]
        history = await service.http.get(f"/api/v1/entries/{after['items'][0]['id']}/history")
        assert len(history.json()["items"]) >= 3
        assert peers.sheets > 0  # nothing was taken back in Kimai either


async def entries_are_shown(service: Service, created: int) -> None:
    page = (await service.http.get("/api/v1/entries?limit=7&state=synced")).json()
    assert page["total"] == created
    seen = [item["id"] for item in page["items"]]
    while page["next_cursor"]:
        query = {"limit": 7, "state": "synced", "cursor": page["next_cursor"]}
        page = (await service.http.get("/api/v1/entries", params=query)).json()
        seen += [item["id"] for item in page["items"]]
    assert len(seen) == len(set(seen)) == created
    entry = (await service.http.get(f"/api/v1/entries/{seen[0]}")).json()
    assert entry["sync_status"] == "synced"
    assert entry["target"]["timesheet_id"] == int(entry["target_id"])
    assert entry["target"]["description"] == (entry["description"] or entry["ticket_title"])
    assert entry["links"]["ticket"].startswith("http://127.0.0.1:")
    path = f"/api/v1/entries/{seen[0]}/history"
    story = (await service.http.get(path, params={"limit": 2})).json()
    assert [item["type"] for item in story["items"]] == ["EntryObserved", "EntryDecided"]
    rest = {"cursor": story["next_cursor"]}
    story = (await service.http.get(path, params=rest)).json()
    assert [item["type"] for item in story["items"]] == [
        "TimesheetWriteIntended",
        "TimesheetCreated",
    ]
    assert story["items"][-1]["run_id"] == 1
    before = {"as_of": f"position:{story['items'][0]['position'] - 1}"}
    then = (await service.http.get(f"/api/v1/entries/{seen[0]}", params=before)).json()
    assert (then["state"], then["target"]) == ("pending", None)
    wrong = await service.http.get("/api/v1/entries", params=rest)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "cursor_invalid")


async def test_a_run_that_fails_says_why_with_200(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        moved = {"base_url": peers.zammad_url, "api_token": "not-the-token-of-anybody"}
        assert (await service.http.patch("/api/v1/connectors/1", json=moved)).status_code == 200
        run = await run_now(service)
        assert (run["status"], run["run_status"]) == ("failed", "failed")
        assert "zammad" in run["error_detail"]
        shown = (await service.http.get("/api/v1/sync/runs?status=failed")).json()
        assert shown["data"][0]["error_message"] == run["error_detail"]
        assert "active-run" not in await claims(service)


async def test_refusals_before_the_start_are_4xx(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        path = "/api/v1/sync/run"
        missing = await service.http.post(path)
        assert (missing.status_code, missing.json()["code"]) == (409, "connectors_missing")
        await connect(service, peers)
        refused: list[tuple[dict[str, Any], str]] = [
            ({"start_date": "2026-02-01", "end_date": "2026-01-01"}, "range_invalid"),
            ({"start_date": "2025-01-01", "end_date": "2026-06-01"}, "range_invalid"),
            ({"start_date": "yesterday"}, "range_invalid"),
            ({"start_date": 1763856000}, "range_invalid"),
            ({"start_date": "2026-11-23T00:00:00"}, "range_invalid"),
            ({"nonsense": 1}, "validation"),
        ]
        for body, code in refused:
            answer = await service.http.post(path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (422, code), body
        ancient = {"end_date": "0001-01-10"}
        ended = (await service.http.post(path, json=ancient)).json()
        assert (ended["status"], ended["start_date"]) == ("success", "0001-01-01"), ended
        for text in ("soon", "1763856000"):
            by_query = await service.http.post(f"{path}?start_date={text}")
            assert (by_query.status_code, by_query.json()["code"]) == (422, "range_invalid")
        for listing in ("entries", "sync/runs", "audit-logs"):
            answer = await service.http.get(f"/api/v1/{listing}?start_date=1763856000")
            assert (answer.status_code, answer.json()["code"]) == (422, "validation"), listing
        unknown = await service.http.post(f"{path}?nonsense=1")
        assert (unknown.status_code, unknown.json()["code"]) == (422, "validation")
        inactive = {"type": "kimai", "name": "Old", "base_url": "http://127.0.0.1:9"}
        asleep = {**inactive, "api_token": "some-token", "is_active": False}
        assert (await service.http.post("/api/v1/connectors/", json=asleep)).status_code == 201
        answer = await service.http.post(path, json={"connector_id": 3})
        assert (answer.status_code, answer.json()["code"]) == (409, "connector_inactive")
        assert (await service.http.post(path, json={"connector_id": 99})).status_code == 404


async def test_a_second_run_is_refused_while_one_is_active(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        async with open_run(service.own):
            answer = await service.http.post("/api/v1/sync/run")
            assert (answer.status_code, answer.json()["code"]) == (409, "run_active")
            assert answer.json()["run_id"] == 1
            await service.own.projections.wait_for(await service.own.store.head(), within=5)
            off = await service.http.patch("/api/v1/connectors/1", json={"is_active": False})
            assert (off.status_code, off.json()["code"]) == (409, "connector_in_use")
            gone = await service.http.delete("/api/v1/connectors/1")
            assert (gone.status_code, gone.json()["code"]) == (409, "connector_in_use")
        run = await runs.ended(service.own, RunId(1), within=20)  # the lock is free again
        assert run.state == "completed"


async def test_a_client_may_ask_for_the_answer_at_once(migrated: str) -> None:
    async with two_peers(3) as peers, running_service(migrated) as service:
        await connect(service, peers)
        headers = {"Prefer": "respond-async"}
        answer = await service.http.post("/api/v1/sync/run", json=RANGE, headers=headers)
        assert answer.status_code == 202
        assert answer.json() == {"run_id": 1, "status_url": "/api/v1/sync/runs/1"}
        run = await runs.ended(service.own, RunId(1), within=20)
        assert run.state == "completed"


async def test_a_run_left_open_by_a_crash_is_ended_and_makes_room(migrated: str) -> None:
    async with two_peers(3) as peers:
        async with running_service(migrated) as service:
            await connect(service, peers)
            async with open_run(service.own, started=True):
                pass
        async with running_service(migrated) as service:
            run = await runs.ended(service.own, RunId(1), within=20)
            assert (run.state, run.error) == ("failed", CRASHED)
            assert (await run_now(service))["run_status"] == "completed"


async def test_a_run_that_somebody_works_on_is_left_alone(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        async with open_run(service.own, started=True):
            patrol = RunWorker(
                service.own.store,
                service.own.clock,
                _never,
                _never,
                _unasked,
                _undecided,
                _unwanted,
                _unseen,
                _unresolved,
            )
            assert await patrol.rescue() is None


async def test_a_stop_ends_the_run_in_hand_in_order(migrated: str) -> None:
    async with two_peers(200) as peers, running_service(migrated) as service:
        await connect(service, peers)
        answer = await service.http.post(
            "/api/v1/sync/run", json=RANGE, headers={"Prefer": "respond-async"}
        )
        assert answer.status_code == 202
        await until_started(service.own)
    async with running_service(migrated) as service:
        run = await runs.ended(service.own, RunId(1), within=20)
        assert run.state in ("failed", "completed")
        assert "active-run" not in await claims(service)


async def test_a_run_is_cancelled_after_the_write_in_progress(migrated: str) -> None:
    async with two_peers(400) as peers, running_service(migrated) as service:
        await connect(service, peers)
        headers = {"Prefer": "respond-async"}
        assert (
            await service.http.post("/api/v1/sync/run", json=RANGE, headers=headers)
        ).status_code == 202
        await until_started(service.own)
        answer = await service.http.post("/api/v1/sync/runs/1/cancel", json={"reason": "month end"})
        assert (answer.status_code, answer.json()) == (202, {"id": 1, "state": "cancelling"})
        ended = await runs.ended(service.own, RunId(1), within=20)
        assert ended.state == "cancelled"
        await service.own.projections.wait_for(await service.own.store.head(), within=5)
        run = (await service.http.get("/api/v1/sync/runs/1")).json()
        assert (run["status"], run["state"]) == ("failed", "cancelled")
        assert run["error_message"] == "Cancelled by alice: month end"
        assert run["entries_synced"] == peers.sheets < 300
        actions = (await service.http.get("/api/v1/audit-logs/?action_type=sync")).json()["data"]
        assert [row["action"] for row in actions][:2] == ["sync_cancelled", "sync_cancel_requested"]
        assert actions[1]["user"] == "alice"

        late = await service.http.post("/api/v1/sync/runs/1/cancel")
        assert (late.status_code, late.json()["code"]) == (409, "run_not_active")
        second = await run_now(service)
        assert second["run_status"] == "completed"
        assert await service.own.projections.wait_for(await service.own.store.head(), within=10)
        states = await service.own.store.pool.fetch(
            "SELECT state, count(*) FROM time_entries WHERE valid_to IS NULL GROUP BY state"
        )
        found = {row["state"]: row["count"] for row in states}
        assert found["synced"] == peers.sheets, (found, second)


async def test_a_run_that_nobody_began_is_cancelled_at_once(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        async with open_run(service.own):
            answer = await service.http.post("/api/v1/sync/runs/1/cancel")
            assert answer.status_code == 202
            run = (await service.http.get("/api/v1/sync/runs/1")).json()
            assert (run["state"], run["error_message"]) == ("cancelled", "Cancelled by alice")
            assert "active-run" not in await claims(service)
        assert (await run_now(service))["run_status"] == "completed"
        assert (await service.http.post("/api/v1/sync/runs/77/cancel")).status_code == 404


async def test_a_run_outlives_an_outage_of_the_database(migrated: str) -> None:
    async with (
        two_peers(120) as peers,
        Line.to(migrated) as (near, line),
        running_service(near, **QUICK) as service,
    ):
        await connect(service, peers)
        answer = await service.http.post(
            "/api/v1/sync/run", json=RANGE, headers={"Prefer": "respond-async"}
        )
        assert answer.status_code == 202
        await until_started(service.own)
        line.cut()
        await asyncio.sleep(0.5)
        line.mend()
        first = await runs.ended(service.own, RunId(1), within=60)
        assert not first.is_active
        for _ in range(50):  # views and follower find their way back by themselves
            if (await service.http.get("/api/ready")).status_code == 200:
                break
            await asyncio.sleep(0.1)
        second = await run_now(service)
        assert second["run_status"] == "completed", second
        entries = (await service.http.get("/api/v1/entries?state=synced&limit=200")).json()
        sheets = [entry["target_id"] for entry in entries["items"] if entry["target_id"]]
        assert len(sheets) == len(set(sheets)) == peers.sheets
        assert (await service.own.store.verify()).ok


async def test_a_run_that_lost_its_lock_books_nothing_twice(migrated: str) -> None:
    """Another process takes it for dead, ends it and runs beside what still goes on.

    Its requests take half a second, on a busy machine more; after five none can land any more.
    """
    limit: dict[str, Any] = {"kimai_request_limit_seconds": 5}
    async with two_peers(60) as peers, AsyncExitStack() as ours:
        service = await ours.enter_async_context(running_service(migrated, **limit))
        await connect(service, peers)
        slow = FaultRule(kind=FaultKind.LATENCY, seconds=0.5, methods=("POST",))
        peers.kimai_app.faults.replace([slow], seed=1)
        later = {"Prefer": "respond-async"}
        answer = await service.http.post("/api/v1/sync/run", json=RANGE, headers=later)
        assert answer.status_code == 202
        await until(lambda: peers.sheets > 0)
        (session,) = await holders(service, "timeledger run 1:1:2")
        await end_session(migrated, session)
        async with running_service(migrated, **limit) as other:
            first = await runs.ended(other.own, RunId(1), within=60)
            assert (first.state, first.error) == ("failed", CRASHED)
            assert peers.sheets < 60
            second = await run_now(other)
            assert second["run_status"] == "completed", second
            await ours.aclose()  # ends what the first still does, after the write in hand
            peers.kimai_app.faults.clear()
            third = await run_now(other)
            assert third["run_status"] == "completed", third
            entries = (await other.http.get("/api/v1/entries?state=synced&limit=200")).json()
            sheets = [entry["target_id"] for entry in entries["items"] if entry["target_id"]]
            assert len(sheets) == len(set(sheets)) == peers.sheets == 60
            assert (await other.own.store.verify()).ok


async def until_started(own: Services) -> None:
    async def has_begun() -> bool:
        run = await state_of(own.store, SYNC_RUN, run_stream(RunId(1)))
        return run is not None and run.state != "queued"

    await until(has_begun)


async def claims(service: Service) -> set[str]:
    rows = await service.own.store.pool.fetch("SELECT claim FROM claim")
    return {row["claim"] for row in rows}


@asynccontextmanager
async def open_run(own: Services, *, started: bool = False) -> AsyncIterator[Run]:
    """A run whose pair is locked by a worker elsewhere, so that nobody here may take it."""
    run = Run(
        run_id=RunId(1),
        trigger="manual",
        source_connector_id=ConnectorId(1),
        target_connector_id=ConnectorId(2),
        start_date=None,
        end_date=None,
    )
    elsewhere = RunWorker(
        own.store, own.clock, _never, _never, _unasked, _undecided, _unwanted, _unseen, _unresolved
    )
    async with elsewhere._pair_lock(run) as mine:
        assert mine
        queue = QueueRun(
            run_id=run.run_id,
            trigger=run.trigger,
            cause=Cause(kind="user", name="1"),
            source_connector_id=run.source_connector_id,
            target_connector_id=run.target_connector_id,
            start_date=None,
            end_date=None,
        )
        for command in (queue, StartRun()) if started else (queue,):
            await handle(
                own.store,
                SYNC_RUN,
                run_stream(run.run_id),
                command,
                metadata=METADATA,
                now=own.clock.now(),
                holds=holds,
            )
        yield run


async def _never(work: Run | Plan) -> None:
    raise AssertionError(f"{work} is not ours")


async def _unseen(position: int) -> None:
    """Nothing was announced; a run has ended at most."""


async def _unresolved(payload: bytes) -> None:
    raise AssertionError(f"nobody resolves {payload!r}")


async def _unwanted(entries: Sequence[EntryId], position: int) -> None:
    raise AssertionError(f"nobody wants {entries} at {position}")


async def _unasked(connector_id: int, position: int) -> None:
    raise AssertionError(f"connector {connector_id} is not ours, nor position {position}")


async def _undecided(position: int, _lock: PairLock) -> bool:
    raise AssertionError(f"no mapping was changed at {position}")


async def test_a_run_without_dates_reaches_today_wherever_people_work(migrated: str) -> None:
    now = datetime.now(UTC)
    clock = AheadClock(now.replace(hour=23, minute=30) - now)
    async with two_peers(1) as peers, running_service(migrated, clock=clock) as service:
        await connect(service, peers)
        today = clock.now().date()
        run = (await service.http.post("/api/v1/sync/run")).json()
        assert run["end_date"] == today.isoformat()  # UTC, as the display zone is
        zone = {"settings": {"timezone": "Europe/Brussels"}}
        assert (await service.http.patch("/api/v1/connectors/1", json=zone)).status_code == 200
        run = (await service.http.post("/api/v1/sync/run")).json()
        assert run["end_date"] == (today + timedelta(days=1)).isoformat()
        assert run["start_date"] == (today - timedelta(days=29)).isoformat()
        ahead = {"end_date": (today + timedelta(days=60)).isoformat()}
        run = (await service.http.post("/api/v1/sync/run", json=ahead)).json()
        assert run["start_date"] == (today - timedelta(days=29)).isoformat()


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "UTC", "Pacific/Niue"])
async def test_days_at_the_ends_of_all_calendars_are_asked_for(migrated: str, zone: str) -> None:
    async with two_peers(1) as peers, running_service(migrated, display_timezone=zone) as service:
        await connect(service, peers)
        assert (await service.http.post("/api/v1/sync/run")).status_code == 200
        for listing in ("sync/runs", "audit-logs", "entries"):
            for query in (
                {"start_date": "0001-01-01"},
                {"end_date": "9999-12-31"},
                {"start_date": "0001-01-01", "end_date": "9999-12-30"},
            ):
                answer = await service.http.get(f"/api/v1/{listing}", params=query)
                assert answer.status_code == 200, (listing, query)
                assert answer.json()["total"] > 0, (listing, query)
            for query in ({"end_date": "0001-01-01"}, {"start_date": "9999-12-31"}):
                answer = await service.http.get(f"/api/v1/{listing}", params=query)
                assert (answer.status_code, answer.json()["total"]) == (200, 0), (listing, query)
