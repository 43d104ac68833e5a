"""What failed for good: listed, grouped, retried in the background (contract, section 7)."""

import asyncio
from random import Random
from typing import Any

import httpx

from adapters.sandbox.control import FaultKind, FaultRule
from tests.support.impatient import Scene, scene
from tests.support.service import ADMIN_PASSWORD, token
from tests.support.waiting import until

PATH = "/api/v1/dead-letters"
REFUSING = FaultRule(
    kind=FaultKind.TOO_MANY,
    methods=("POST", "PATCH", "DELETE"),
    path_prefix="/api/timesheets",
    retry_after=0,
)


async def fails_for_good(world: Scene) -> list[dict[str, Any]]:
    """A few changes that Kimai never takes, until they are given up."""
    world.town.work(Random(11), 6)
    world.goes_wrong("kimai", REFUSING)
    for _ in range(12):
        await world.run()
        letters = await listed(world)
        failed = await entries(world, "pending")
        if letters and not failed:
            return letters
    raise AssertionError("nothing was given up")


async def listed(world: Scene, **query: Any) -> list[dict[str, Any]]:
    await world.own.projections.wait_for(await world.own.store.head(), within=10)
    answer = await world.http.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def entries(world: Scene, *states: str) -> list[dict[str, Any]]:
    query: dict[str, Any] = {"state": list(states), "limit": 200}
    answer = await world.http.get("/api/v1/entries", params=query)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def until_synced(world: Scene, entry_ids: set[int]) -> None:
    """Nobody asks for a run: the wish itself brings one."""

    async def are_synced() -> bool:
        waiting = {row["id"] for row in await entries(world, "pending", "writing")}
        return not entry_ids & waiting

    await until(are_synced)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_dead_letters_are_listed_grouped_and_retried_one_by_one_by_group_and_all(
    database: str,
) -> None:
    async with scene(database) as world:
        letters = await fails_for_good(world)
        assert len(letters) >= 3, letters
        ids = {letter["entry_id"] for letter in letters}
        assert {row["id"] for row in await entries(world, "failed")} == ids
        one = letters[0]
        assert one["id"] == f"entry-{one['entry_id']}"
        assert one["kind"] == "entry"
        assert one["attempts"] >= 10
        assert "429" in one["message"]
        assert one["first_failed_at"] < one["last_failed_at"]
        assert await listed(world, kind="delivery") == []
        assert await listed(world, reason_code="OTHER") == []
        await tells_the_cause(world, letters)
        groups = await listed(world, group="true")
        assert sum(group["count"] for group in groups) == len(ids)
        assert len(groups) < len(ids) or len(ids) < 4

        then = f"position:{await world.own.store.head()}"

        page = (await world.http.get(PATH, params={"limit": 1})).json()
        assert (len(page["items"]), page["total"]) == (1, len(ids))
        following = {"limit": 200, "cursor": page["next_cursor"]}
        rest = (await world.http.get(PATH, params=following)).json()
        assert [*page["items"], *rest["items"]] == letters
        assert rest["next_cursor"] is None

        world.is_well()
        await world.recovers()  # an ordinary run leaves them alone
        assert {row["id"] for row in await entries(world, "failed")} == ids

        alone = await world.http.post(f"/api/v1/entries/{one['entry_id']}/retry", json={})
        assert alone.status_code == 202, alone.text
        assert alone.json() == {"entry_id": one["entry_id"], "state": "pending"}
        await until_synced(world, ids)
        assert {row["id"] for row in await entries(world, "failed")} == ids - {one["entry_id"]}
        run = (await world.http.get("/api/v1/sync/runs?limit=1")).json()["data"][0]
        assert run["cause"] == {"kind": "retry", "id": one["id"]}

        again = await world.http.post(
            f"{PATH}/retry", json={"ids": [one["id"], "entry-x", "delivery-1"]}
        )
        assert again.status_code == 202
        assert again.json() == {
            "accepted": 0,
            "refused": [
                {"id": "entry-x", "code": "not_found"},
                {"id": "delivery-1", "code": "not_found"},
                {"id": one["id"], "code": "entry_state"},
            ],
        }
        group = (await listed(world, group="true"))[0]
        cause = {name: group[name] for name in ("reason_code", "cause", "message")}
        by_group = await world.http.post(f"{PATH}/retry", json={"filter": cause})
        assert by_group.json() == {"accepted": group["count"], "refused": []}
        await world.http.post(f"{PATH}/retry", json={"filter": {}})
        await until_synced(world, ids)
        await world.own.projections.wait_for(await world.own.store.head(), within=10)
        assert await listed(world) == []
        await stand_as_they_were(world, then, letters, groups)
        await world.recovers()
        assert world.wrong() == []
        audit = await world.http.get("/api/v1/audit-logs/", params={"action": "entry_retried"})
        assert audit.json()["total"] == len(ids)


async def stand_as_they_were(
    world: Scene, then: str, letters: list[dict[str, Any]], groups: list[dict[str, Any]]
) -> None:
    assert await listed(world, as_of=then) == letters
    assert await listed(world, as_of=then, group="true") == groups
    assert await listed(world, as_of="position:1") == []


async def tells_the_cause(world: Scene, letters: list[dict[str, Any]]) -> None:
    away = "KIMAI_UNAVAILABLE"
    assert {letter["cause"] for letter in letters} == {away}
    assert {row["cause"] for row in await entries(world, "failed")} == {away}
    assert {group["cause"] for group in await listed(world, group="true")} == {away}
    assert await listed(world, cause=away) == letters
    assert await listed(world, cause="ANSWER_LOST") == []
    unknown = await world.http.get(PATH, params={"cause": "WEATHER"})
    assert code(unknown) == (422, "validation")


async def test_a_retry_that_fails_again_is_given_up_again(database: str) -> None:
    async with scene(database) as world:
        letters = await fails_for_good(world)
        ids = {letter["entry_id"] for letter in letters}
        body = {"ids": [letter["id"] for letter in letters]}
        answer = await world.http.post(f"{PATH}/retry", json=body)
        assert answer.json() == {"accepted": len(ids), "refused": []}
        for _ in range(8):
            await asyncio.sleep(0.5)
            await _run_when_free(world)
            if {row["id"] for row in await entries(world, "failed")} == ids:
                break
        assert {letter["entry_id"] for letter in await listed(world)} == ids


async def test_a_retry_waits_for_the_run_in_hand(database: str) -> None:
    async with scene(database) as world:
        letters = await fails_for_good(world)
        ids = {letter["entry_id"] for letter in letters}
        world.goes_wrong("zammad", FaultRule(kind=FaultKind.LATENCY, seconds=0.5))
        run_id = await world.begun()
        for nowhere in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
            refused = await world.http.post(f"{PATH}/retry", json={"filter": {"before": nowhere}})
            assert (refused.status_code, refused.json()["code"]) == (422, "validation")
        wish = {"filter": {"before": "2999-01-01T00:00:00Z"}}
        answer = await world.http.post(f"{PATH}/retry", json=wish)
        assert answer.json() == {"accepted": len(ids), "refused": []}
        world.is_well()
        assert (await world.end_of(run_id))["state"] == "completed"
        await until_synced(world, ids)
        assert world.wrong() == []


async def test_who_may_retry_and_what(database: str) -> None:
    async with scene(database) as world:
        body = {"username": "vera", "password": ADMIN_PASSWORD, "role": "viewer"}
        assert (await world.http.post("/api/v1/users/", json=body)).status_code == 201
        admin = world.http.headers["Authorization"]
        viewer = await token(world.http, "vera", ADMIN_PASSWORD)
        world.http.headers["Authorization"] = f"Bearer {viewer}"
        assert (await world.http.get(PATH)).json() == {
            "items": [],
            "next_cursor": None,
            "total": 0,
        }
        refused = await world.http.post(f"{PATH}/retry", json={"filter": {}})
        assert code(refused) == (403, "forbidden")
        world.http.headers["Authorization"] = admin
        refusals: list[dict[str, Any]] = [
            {},
            {"ids": []},
            {"ids": ["entry-1"], "filter": {}},
            {"filter": {"x": 1}},
        ]
        for wrong in refusals:
            answer = await world.http.post(f"{PATH}/retry", json=wrong)
            assert code(answer) == (422, "validation"), wrong
        (synced, *_) = await entries(world, "synced")
        done = await world.http.post(f"/api/v1/entries/{synced['id']}/retry")
        assert code(done) == (409, "entry_state")
        assert (await world.http.post("/api/v1/entries/4711/retry")).status_code == 404


async def _run_when_free(world: Scene) -> None:
    answer = await world.http.post("/api/v1/sync/run", headers={"Prefer": "respond-async"})
    if answer.status_code == 202:
        await world.end_of(int(answer.json()["run_id"]))
