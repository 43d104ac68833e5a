"""The schedule over the whole service: what people set, what becomes due, who sees to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import apscheduler.schedulers.base
import pytest

from adapters.sandbox.control.faults import FaultKind, FaultRule
from adapters.scheduler import JOB, Alarm
from api import leading, scheduling
from api.scheduling import Scheduling
from domain.errors import Misconfigured
from domain.ids import SCHEDULE_STREAM
from domain.schedule.cron import Cron
from domain.sync_run.events import SyncRunQueued, SyncRunSkipped
from tests.support.service import Service, running_service
from tests.support.sessions import end_session, holders
from tests.support.two_peers import connect, two_peers
from tests.support.waiting import until

SIX_HOURLY: dict[str, Any] = {"cron": "0 */6 * * *", "enabled": True, "timezone": "Europe/Berlin"}
FOR_WEEKS = {"access_token_minutes": 30 * 24 * 60}
LOCK = "timeledger schedule 1"


class SetClock:
    """Stands where a test puts it, from now on; waiting takes a moment and moves it."""

    def __init__(self, at: datetime | None = None) -> None:
        self.at = at or datetime.now(UTC)

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        await asyncio.sleep(0)


async def put(service: Service, **body: Any) -> dict[str, Any]:
    answer = await service.http.put("/api/v1/schedule/", json=body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def events(service: Service, *kinds: type) -> list[Any]:
    page = await service.own.store.page(0, 100_000)
    return [each.event for each in page if isinstance(each.event, kinds)]


async def due_times(service: Service) -> list[datetime]:
    queued = await events(service, SyncRunQueued)
    return [datetime.fromisoformat(e.cause.name) for e in queued if e.cause.kind == "schedule"]


async def at_rest(service: Service) -> None:
    """No run is active any more."""

    async def nothing_runs() -> bool:
        claims = "SELECT count(*) FROM claim WHERE claim ~ 'run'"
        return bool(await service.own.store.pool.fetchval(claims) == 0)

    await until(nothing_runs)


async def one_runs(service: Service) -> bool:
    listed = await service.http.get("/api/v1/sync/runs?state=running")
    return bool(listed.json()["total"] == 1)


async def test_it_exists_and_is_changed_in_place(migrated: str) -> None:
    async with running_service(migrated) as service:
        path = "/api/v1/schedule/"
        before = (await service.http.get(path)).json()
        assert before == {
            "id": 1,
            "cron": "0 */6 * * *",
            "timezone": "UTC",
            "concurrency": "skip",
            "notifications": False,
            "enabled": False,
            "next_runs": [],
            "created_at": before["created_at"],
            "updated_at": before["created_at"],
            "version": 0,
        }
        position = await service.own.store.head()
        body = {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin", "enabled": True}
        changed = await service.http.put(path, json={**before, **body})
        assert changed.status_code == 200, changed.text
        assert changed.headers["X-Event-Position"] == str(position + 1)
        shown = changed.json()
        assert (shown["version"], shown["cron"], shown["enabled"]) == (1, "0 9 * * 1-5", True)
        assert len(shown["next_runs"]) == 3
        assert all(run[10:19] == "T09:00:00" and run[-6] in "+-" for run in shown["next_runs"])
        assert (await service.http.get(path)).json() == shown
        wish = {"cron": body["cron"], "timezone": body["timezone"]}
        preview = await service.http.post("/api/v1/schedule/preview", json=wish)
        assert preview.json() == {"next_runs": shown["next_runs"]}

        then = (await service.http.get(f"{path}?as_of=position:{position}")).json()
        assert (then["enabled"], then["next_runs"]) == (False, [])
        nothing = await service.http.put(path, json=shown)
        assert nothing.json()["version"] == 1
        stale = await service.http.put(path, json={}, headers={"If-Match": '"0"'})
        assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
        audit = (await service.http.get("/api/v1/audit-logs/?action=schedule_updated")).json()
        (row,) = audit["data"]
        assert row["changes"]["enabled"] == {"old": False, "new": True}
        assert (row["user"], row["entity_type"], row["entity_id"]) == ("alice", "schedule", 1)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"cron": "61 * * * *"}, "cron_invalid"),
        ({"cron": "* * * *"}, "cron_invalid"),
        ({"cron": "*" * 101}, "cron_invalid"),
        ({"cron": "0 0 30 2 *"}, "cron_invalid"),
        ({"timezone": "Mars/Olympus"}, "validation"),
        ({"timezone": "localtime"}, "validation"),
        ({"timezone": "right/Europe/Berlin"}, "validation"),
        ({"concurrency": "both"}, "validation"),
        ({"enabled": None}, "validation"),
        ({"colour": "red"}, "validation"),
    ],
)
async def test_what_cannot_be_set(migrated: str, body: dict[str, Any], code: str) -> None:
    async with running_service(migrated) as service:
        answer = await service.http.put("/api/v1/schedule", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert (await service.http.get("/api/v1/schedule")).json()["version"] == 0
        if "cron" in body:
            wish = {**body, "timezone": "UTC"}
            answer = await service.http.post("/api/v1/schedule/preview", json=wish)
            assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_who_may_do_what(migrated: str) -> None:
    async with running_service(migrated) as service:
        await service.add_user("olga", "operator")
        async with service.logged_in("olga", "correct-horse-battery") as olga:
            assert (await olga.get("/api/v1/schedule/")).status_code == 200
            refused = await olga.put("/api/v1/schedule/", json={"enabled": True})
            assert refused.status_code == 403
            wish = {"cron": "0 9 * * *", "timezone": "UTC", "count": 50}
            preview = await olga.post("/api/v1/schedule/preview", json=wish)
            assert len(preview.json()["next_runs"]) == 50
            wish["count"] = 51
            assert (await olga.post("/api/v1/schedule/preview", json=wish)).status_code == 422
        async with service.client() as nobody:
            assert (await nobody.get("/api/v1/schedule/")).status_code == 401


# Saturday, Sunday (7) and Monday, in the week in which Berlin's clocks change on Sunday.
WEEKEND = {**SIX_HOURLY, "cron": "30 2 * * 6,7,1"}
SPRING, AUTUMN = datetime(2027, 3, 25, 12, tzinfo=UTC), datetime(2026, 10, 22, 12, tzinfo=UTC)
WINTER = datetime(2027, 1, 11, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "begin", "expected"),
    [
        pytest.param(SIX_HOURLY, WINTER, 28, id="every six hours"),
        pytest.param(
            WEEKEND,
            SPRING,
            ["2027-03-27T02:30+01:00", "2027-03-28T03:00+02:00", "2027-03-29T02:30+02:00"],
            id="02:30 is left out",
        ),
        pytest.param(
            WEEKEND,
            AUTUMN,
            ["2026-10-24T02:30+02:00", "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
            id="02:30 comes twice",
        ),
    ],
)
async def test_a_week_by_the_clock(
    migrated: str,
    monkeypatch: pytest.MonkeyPatch,
    schedule: dict[str, Any],
    begin: datetime,
    expected: int | list[str],
) -> None:
    """APScheduler rings, each due time becomes one run, and the preview had said so."""
    clock = SetClock(begin)

    class Then(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return clock.now().astimezone(tz)

    monkeypatch.setattr(apscheduler.schedulers.base, "datetime", Then)
    async with (
        two_peers(3) as peers,
        running_service(migrated, clock=clock, **FOR_WEEKS) as service,
    ):
        await connect(service, peers)
        shown = await put(service, **schedule)
        clock.at += timedelta(seconds=1)
        end = clock.now() + timedelta(days=7)
        wish = {"cron": shown["cron"], "timezone": shown["timezone"], "count": 28}
        preview = (await service.http.post("/api/v1/schedule/preview", json=wish)).json()
        async with alarmed(service, Cron(shown["cron"]), shown["timezone"]) as alarm:
            while (rings := alarm._scheduler.get_job(JOB).next_run_time) <= end:
                clock.at = rings + timedelta(milliseconds=5)
                known = len(await due_times(service))
                alarm._scheduler.wakeup()
                await until(lambda known=known: more_than(service, known))  # type: ignore[misc] # a default binds it
                await at_rest(service)
        done = await due_times(service)
        said = [datetime.fromisoformat(each) for each in preview["next_runs"]]
        assert done == said[: len(done)]
        if isinstance(expected, int):
            assert len(done) == expected
        else:
            assert done == [datetime.fromisoformat(each) for each in expected]
            assert [each[:16] + each[-6:] for each in preview["next_runs"][:3]] == expected
        assert not await events(service, SyncRunSkipped)
        await service.own.shown(await service.own.store.head())
        runs = (await service.http.get("/api/v1/sync/runs?trigger_type=scheduled")).json()
        assert {run["state"] for run in runs["data"]} == {"completed"}
        assert runs["data"][0]["cause"]["kind"] == "schedule"
        assert runs["total"] == len(done)


async def more_than(service: Service, known: int) -> bool:
    return len(await due_times(service)) > known


@asynccontextmanager
async def alarmed(service: Service, cron: Cron, zone: str) -> AsyncIterator[Alarm]:
    alarm = Alarm(Scheduling(service.own).look)
    alarm.start()
    alarm.set(cron, zone)
    try:
        yield alarm
    finally:
        alarm.stop()


async def test_while_a_run_is_active_a_due_one_is_skipped_and_recorded(migrated: str) -> None:
    clock = SetClock()
    async with (
        two_peers(3) as peers,
        running_service(migrated, clock=clock, **FOR_WEEKS) as service,
    ):
        await connect(service, peers)
        await put(service, **SIX_HOURLY)
        async with busy(service, peers):
            (due,) = move_to_next(clock, 1)
            await Scheduling(service.own).look()
            await Scheduling(service.own).look()
            (skipped,) = await events(service, SyncRunSkipped)
            assert (skipped.due_at, skipped.code) == (due, "run_active")
            assert skipped.detail == "Run 1 is active."
        assert await due_times(service) == []
        await service.own.shown(await service.own.store.head())
        audit = (await service.http.get("/api/v1/audit-logs/?action=sync_skipped")).json()
        assert audit["data"][0]["details"]["code"] == "run_active"
        assert (await service.http.get("/api/v1/sync/runs")).json()["total"] == 1
        move_to_next(clock, 1)
        await Scheduling(service.own).look()
        await at_rest(service)
        assert len(await due_times(service)) == 1


async def test_five_wait_for_their_turn_and_a_sixth_does_not(migrated: str) -> None:
    clock = SetClock()
    async with (
        two_peers(3) as peers,
        running_service(migrated, clock=clock, **FOR_WEEKS) as service,
    ):
        await connect(service, peers)
        await put(service, **SIX_HOURLY, concurrency="queue")
        async with busy(service, peers):
            times = []
            for _ in range(4):
                times += move_to_next(clock, 1)
                await Scheduling(service.own).look()
            headers = {"Prefer": "respond-async"}
            wished = await service.http.post("/api/v1/sync/run", headers=headers)
            assert wished.status_code == 202, wished.text
            full = await service.http.post("/api/v1/sync/run", headers=headers)
            assert (full.status_code, full.json()["code"]) == (409, "queue_full")
            (late,) = move_to_next(clock, 1)
            await Scheduling(service.own).look()
            (skipped,) = await events(service, SyncRunSkipped)
            assert (skipped.due_at, skipped.code) == (late, "queue_full")
            await put(service, concurrency="skip")  # who waits already is not overtaken
            refused = await service.http.post("/api/v1/sync/run", headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (409, "run_active")
            await put(service, concurrency="queue")
        await at_rest(service)
        assert await due_times(service) == times
        await service.own.shown(await service.own.store.head())
        runs = (await service.http.get("/api/v1/sync/runs?limit=50")).json()["data"]
        assert [run["state"] for run in runs] == ["completed"] * 6
        begun = [run["started_at"] for run in runs]
        assert begun == sorted(begun, reverse=True)  # in the order in which they were asked for


@asynccontextmanager
async def busy(service: Service, peers: Any) -> AsyncIterator[None]:
    """A run is active for as long as the block, because Zammad makes it wait."""
    rule = FaultRule(kind=FaultKind.LATENCY, seconds=4.0, times=1)
    peers.zammad_app.faults.replace([rule])
    answer = await service.http.post("/api/v1/sync/run", headers={"Prefer": "respond-async"})
    assert answer.status_code == 202, answer.text
    await until(lambda: one_runs(service))
    yield
    assert await one_runs(service)
    peers.zammad_app.faults.replace([])
    await at_rest(service)


def move_to_next(clock: SetClock, count: int) -> list[datetime]:
    following = Cron(SIX_HOURLY["cron"]).following(clock.at, SIX_HOURLY["timezone"])
    times = [each.astimezone(UTC) for each in islice(following, count)]
    clock.at = times[-1] + timedelta(milliseconds=5)
    return times


async def test_what_was_missed_is_caught_up_by_one_run(migrated: str) -> None:
    clock = SetClock()
    async with (
        two_peers(3) as peers,
        running_service(migrated, clock=clock, **FOR_WEEKS) as service,
    ):
        await connect(service, peers)
        await put(service, **SIX_HOURLY)
        missed = move_to_next(clock, 9)
        both = [Scheduling(service.own), Scheduling(service.own)]
        await asyncio.gather(*(each.look() for each in both))  # two leaders for a moment
        await at_rest(service)
        assert await due_times(service) == missed[-1:]
        assert not await events(service, SyncRunSkipped)
        await put(service, enabled=False)
        move_to_next(clock, 9)
        await put(service, enabled=True)
        await both[0].look()
        assert len(await due_times(service)) == 1


async def test_what_is_due_is_not_lost_to_another_change_or_a_view_that_lags(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SetClock()
    async with running_service(migrated, clock=clock, **FOR_WEEKS) as service:
        await put(service, **SIX_HOURLY)
        move_to_next(clock, 1)
        await put(service, notifications=True)  # in the moment before somebody looks
        await Scheduling(service.own).look()
        assert len(await events(service, SyncRunSkipped)) == 1

        async def nothing(*_: object, **__: object) -> None:
            return None

        move_to_next(clock, 1)
        monkeypatch.setattr(service.own.views, "one", nothing)  # a view that is being made anew
        await Scheduling(service.own).look()
        await Scheduling(service.own).look()
        assert len(await events(service, SyncRunSkipped)) == 2


async def test_a_look_that_fails_is_made_again(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next alarm may be a month away."""
    monkeypatch.setattr(scheduling, "PAUSE", 0.05)
    clock = SetClock()
    async with running_service(migrated, clock=clock, **FOR_WEEKS) as service:
        await put(service, **SIX_HOURLY)
        move_to_next(clock, 1)
        real, refusals = service.own.store.read_recorded, [Misconfigured("the database", "down")]

        async def read(stream: str, **how: Any) -> Any:
            if stream == SCHEDULE_STREAM and refusals:
                raise refusals.pop()
            return await real(stream, **how)

        monkeypatch.setattr(service.own.store, "read_recorded", read)
        await Scheduling(service.own)._look_until_done()
        assert not refusals
        assert len(await events(service, SyncRunSkipped)) == 1


async def test_the_coming_runs_of_the_past_are_those_after_that_instant(migrated: str) -> None:
    clock = SetClock()
    async with running_service(migrated, clock=clock, **FOR_WEEKS) as service:
        await put(service, cron="0 * * * *", enabled=True)
        then = clock.at + timedelta(hours=8)
        clock.at += timedelta(hours=10)
        query = {"as_of": then.isoformat()}
        shown = (await service.http.get("/api/v1/schedule", params=query)).json()
        runs = list(map(datetime.fromisoformat, shown["next_runs"]))
        assert then < runs[0] <= then + timedelta(hours=1)


async def test_without_connectors_it_says_why_there_was_no_run(migrated: str) -> None:
    clock = SetClock()
    async with running_service(migrated, clock=clock, **FOR_WEEKS) as service:
        await put(service, **SIX_HOURLY)
        move_to_next(clock, 1)
        await Scheduling(service.own).look()
        (skipped,) = await events(service, SyncRunSkipped)
        assert skipped.code == "connectors_missing"
        assert "Zammad" in skipped.detail


async def test_one_of_two_processes_leads_and_the_other_takes_over(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has its session killed, the second is stopped: the schedule goes on."""
    monkeypatch.setattr(leading, "AGAIN", 0.05)
    monkeypatch.setattr(leading, "PULSE", 0.05)
    clock = SetClock()
    async with (
        two_peers(3) as peers,
        running_service(migrated, clock=clock, **FOR_WEEKS) as service,
        running_service(migrated, clock=clock, **FOR_WEEKS) as other,
    ):
        await connect(service, peers)
        await put(service, **SIX_HOURLY)
        times = move_to_next(clock, 1)
        tasks = [asyncio.create_task(Scheduling(each.own).run()) for each in (service, other)]
        await until(lambda: more_than(service, 0))  # what was due before it began
        await at_rest(service)
        (leader,) = await holders(service, LOCK)
        times += move_to_next(clock, 1)
        await end_session(migrated, leader)
        await until(lambda: more_than(service, 1))  # whoever leads now looks at once
        assert len(await holders(service, LOCK)) == 1
        await at_rest(service)
        times += move_to_next(clock, 1)
        tasks[0].cancel()
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await holders(service, LOCK) == []
        third = asyncio.create_task(Scheduling(other.own).run())
        await until(lambda: more_than(service, 2))
        third.cancel()
        await asyncio.gather(third, return_exceptions=True)
        await at_rest(service)
        assert await due_times(service) == times
