"""The dashboard's figures over HTTP, of now and of the past."""

from datetime import UTC, timedelta
from typing import Any

import asyncpg

from domain.errors import LedgerError
from tests.support.believable import past
from tests.support.service import ADMIN_PASSWORD, Service, running_service

KPI = "/api/v1/sync/kpi"


async def filled(service: Service, bookings: int) -> int:
    """Append a believable past after the service's own first events."""
    appends = [each for each in past(bookings) if each.stream.startswith(("time", "sync", "conn"))]
    for answer in await service.own.store.append_many(appends):
        assert not isinstance(answer, LedgerError), answer
    head = await service.own.store.head()
    assert await service.own.projections.wait_for(head, within=20)
    return head


async def get(service: Service, **query: Any) -> Any:
    answer = await service.http.get(KPI, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_figures_of_a_run(migrated: str) -> None:
    async with running_service(migrated, display_timezone="Europe/Brussels") as service:
        before = await service.own.store.head()
        head = await filled(service, 100)
        found = await get(service, range="30d")
        assert found["position"] == head
        assert (found["synced_entries"], found["open_conflicts"]) == (96, 4)
        assert (found["pending_entries"], found["lag_seconds"]) == (0, 0)
        assert found["unsynced_minutes"] == 4 * 45
        assert found["active_connectors"] == 2
        assert found["last_run"]["status"] == "completed"
        assert found["last_sync"] is not None
        assert found["webhook_success_rate"] is None
        assert found["display_timezone"] == "Europe/Brussels"
        assert (found["series"]["range"], len(found["series"]["days"])) == ("30d", 30)
        empty = await get(service, as_of=f"position:{before}")
        assert (empty["position"], empty["synced_entries"]) == (before, 0)
        assert empty["last_run"] is None


async def test_the_past_has_the_figures_of_its_own_day(migrated: str) -> None:
    async with running_service(migrated) as service:
        head = await filled(service, 60)
        recorded = (await service.own.store.page(head - 1, 1))[0].recorded_at
        answer = await service.http.get(KPI, params={"as_of": f"position:{head}"})
        found = answer.json()
        assert answer.headers["x-as-of-position"] == str(head)
        assert found["weekly_minutes"][-1]["date"] == str(recorded.astimezone(UTC).date())
        half = await get(service, as_of=f"position:{head // 2}")
        assert half["pending_entries"] > 0
        assert half["synced_entries"] + half["pending_entries"] + half["open_conflicts"] <= 60
        nothing = await get(service, as_of="position:0")
        assert (nothing["position"], nothing["active_connectors"]) == (0, 0)
        long_ago = await get(service, as_of="1999-12-31T23:00:00Z")
        assert long_ago["weekly_minutes"][-1]["date"] == "1999-12-31"


async def test_what_waits_has_an_age(migrated: str) -> None:
    async with running_service(migrated) as service:
        await filled(service, 2)
        entry = await service.own.views.entry(10_000_000_001)
        assert entry is not None
        assert entry.pending_since is None
        retried = (await service.own.store.read_recorded("time-entry-10000000001"))[0]
        events = [each for each in past(2) if each.stream == "time-entry-10000000001"][:1]
        answers = await service.own.store.append_many(events)  # seen again: to be decided
        assert not any(isinstance(answer, LedgerError) for answer in answers)
        assert await service.own.shown(await service.own.store.head())
        found = await get(service)
        assert found["pending_entries"] == 1
        assert found["lag_seconds"] < 60, "since it waits again, not since it was first seen"
        assert retried.event.TYPE == "EntryObserved"


async def test_the_figures_that_lead(migrated: str) -> None:
    async with running_service(migrated) as service:
        await filled(service, 100)
        mornings = {"cron": "0 9 * * *", "timezone": "UTC", "enabled": True}
        answer = await service.http.put("/api/v1/schedule", json=mornings)
        assert answer.status_code == 200, answer.text
        found = (await get(service, range="30d"))["key_figures"]
        held, decisions, lag = found["held_back"], found["decisions"], found["sync_lag"]
        assert (held["entries"], held["minutes"]) == (4, 4 * 45)
        assert held["conflict"] == {"entries": 4, "minutes": 4 * 45}
        assert decisions["entries"] == 4
        assert decisions["oldest_since"] is not None
        assert lag["written"] == 96 + 4, "created, and 1 in 20 updated but for conflicts"
        assert lag["seen_p95_seconds"] < 60
        assert lag["p95_seconds"] > 86_400, "the bookings are old"
        assert (lag["late"], lag["interval_seconds"]) == (0, 86_400)
        assert len(lag["days"]) == 30
        assert found["before"] is None, "nothing was recorded thirty days ago"


async def test_the_period_before_is_what_was_known_when_this_one_began(migrated: str) -> None:
    async with running_service(migrated) as service:
        first = await filled(service, 50)
        owner = await asyncpg.connect(migrated)  # the service itself may not
        await owner.execute("ALTER TABLE event DISABLE TRIGGER ALL")
        await owner.execute("UPDATE event SET recorded_at = recorded_at - interval '8 days'")
        await owner.close()
        await service.own.projections.rebuild("time_entries")
        await service.own.projections.rebuild("conflicts")
        more = [each for each in past(100) if each.stream.startswith("time-entry")]
        known = {f"time-entry-{10_000_000_000 + number}" for number in range(1, 51)}
        await service.own.store.append_many([each for each in more if each.stream not in known])
        assert await service.own.shown(await service.own.store.head())
        found = (await get(service))["key_figures"]
        before = found["before"]
        assert before["position"] >= first
        assert (before["held_back"]["entries"], found["held_back"]["entries"]) == (2, 4)
        assert before["sync_lag"]["written"] == found["sync_lag"]["written"] == 50
        assert before["decisions"]["oldest_since"] == found["decisions"]["oldest_since"]
        then = await get(service, as_of=before["at"])
        assert {**then["key_figures"], "before": None} == {**before, "before": None}


async def test_what_waits_for_longer_than_an_interval_is_late(migrated: str) -> None:
    async with running_service(migrated) as service:
        for each in past(3):
            if each.stream.startswith("time-entry"):
                await service.own.store.append(each)
                break
        minutely = {"cron": "* * * * *", "timezone": "UTC", "enabled": True}
        await service.http.put("/api/v1/schedule", json=minutely)
        position = (await get(service))["position"]
        at = await service.own.store.page(position - 1, 1)
        moments = {minutes: at[0].recorded_at + timedelta(minutes=minutes) for minutes in (0, 3)}
        late = {}
        for minutes, now in moments.items():
            for as_of in (None, position):
                days = {"first": now.date(), "last": now.date()}
                async with service.own.kpi.reading() as moment:
                    figures = await moment.figures(**days, now=now, as_of=as_of)
                    waits = await moment.waits(
                        figures, **days, late=now - timedelta(minutes=2), as_of=as_of
                    )
                late[minutes, as_of is None] = waits.late
        assert late == {(0, True): 0, (0, False): 0, (3, True): 1, (3, False): 1}


async def test_who_may_ask_and_for_what(migrated: str) -> None:
    async with running_service(migrated) as service:
        await service.add_user("vera", "viewer")
        async with service.logged_in("vera", ADMIN_PASSWORD) as viewer:
            assert (await viewer.get(f"{KPI}/")).status_code == 200
            refused = await viewer.get(KPI, params={"range": "8d"})
            assert (refused.status_code, refused.json()["code"]) == (422, "validation")
            late = await viewer.get(KPI, params={"as_of": "9999-12-31T23:59:59Z"})
            assert late.json()["code"] == "as_of_in_future"
            beyond = await viewer.get(KPI, params={"as_of": "position:999999"})
            assert beyond.json()["code"] == "as_of_in_future"
        async with service.client() as nobody:
            assert (await nobody.get(KPI)).status_code == 401
