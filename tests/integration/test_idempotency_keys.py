"""What is sent again because its answer was never heard is done once, and answered the same."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx

from adapters.memory import MemoryClock
from api.erasing import finish_erasures
from api.repeating import HEADER, LONGEST_REQUEST
from domain.errors import Unavailable
from tests.support.service import ADMIN_PASSWORD, Service, running_service
from tests.support.waiting import until

PATH = "/api/v1/connectors/"
IMPORT = "/api/v1/mappings/import?dry_run=true"
ZAMMAD: dict[str, Any] = {
    "type": "zammad",
    "name": "Desk",
    "base_url": "https://desk.example.com",
    "api_token": "first-token-12345",
}
KEY = {HEADER: "wish-1"}


async def add(service: Service, name: str = "Desk", **headers: str) -> httpx.Response:
    return await service.http.post(PATH, json={**ZAMMAD, "name": name}, headers={**KEY, **headers})


async def connectors(service: Service) -> list[str]:
    return [each["name"] for each in (await service.http.get(PATH)).json()]


async def kept(service: Service) -> list[Any]:
    rows = await service.own.store.pool.fetch("SELECT * FROM keyed_request")
    return [dict(row) for row in rows]


async def test_the_second_of_two_is_answered_as_the_first_was(migrated: str) -> None:
    async with running_service(migrated) as service:
        first, second = await add(service), await add(service)
        assert (first.status_code, second.status_code) == (201, 201)
        assert second.json() == first.json()
        assert second.headers["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first.headers
        assert second.headers["X-Event-Position"] == first.headers["X-Event-Position"]
        assert second.headers["Content-Type"] == first.headers["Content-Type"]
        assert second.headers["X-Request-ID"] != first.headers["X-Request-ID"]
        assert await connectors(service) == ["Desk"]
        (row,) = await kept(service)
        assert b"Desk" not in row["answer"]
        assert b"first-token" not in row["answer"]


async def test_a_key_belongs_to_one_account_route_and_body(migrated: str) -> None:
    async with running_service(migrated) as service:
        assert (await add(service)).status_code == 201
        other = await add(service, "Another desk")
        assert (other.status_code, other.json()["code"]) == (422, "validation")
        assert other.json()["errors"][0]["loc"] == ["header", HEADER]
        flagged = await service.http.post(f"{PATH}1/webhook/test", headers=KEY)
        assert "Idempotency-Replayed" not in flagged.headers
        await service.add_user("bob", "admin")
        async with service.logged_in("bob", ADMIN_PASSWORD) as bob:
            answer = await bob.post(PATH, json=ZAMMAD, headers=KEY)
            assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


async def test_what_was_refused_changed_nothing_and_may_come_again(migrated: str) -> None:
    async with running_service(migrated) as service:
        refused = await service.http.post(PATH, json={**ZAMMAD, "type": "other"}, headers=KEY)
        assert refused.status_code == 422
        assert await kept(service) == []
        assert (await add(service)).status_code == 201
        again = await service.http.post(PATH, json=ZAMMAD, headers={HEADER: "wish-2"})
        assert again.json()["code"] == "name_taken"
        assert len(await kept(service)) == 1


async def test_of_many_at_once_one_is_carried_out(migrated: str) -> None:
    async with running_service(migrated) as service:
        answers = await asyncio.gather(*(add(service) for _ in range(8)))
        statuses = {answer.status_code for answer in answers}
        assert 201 in statuses
        assert statuses <= {201, 503}
        for answer in answers:
            if answer.status_code == 503:
                assert answer.json()["code"] == "not_ready"
                assert answer.headers["Retry-After"] == "2"
        assert await connectors(service) == ["Desk"]
        assert (await add(service)).status_code == 201


async def test_when_the_service_died_over_it_nobody_says_that_it_was_done(migrated: str) -> None:
    clock = MemoryClock()
    async with running_service(migrated, clock=clock) as service:
        assert (await add(service)).status_code == 201
        await service.own.store.pool.execute("UPDATE keyed_request SET answer = NULL")
        soon = await add(service)
        assert (soon.status_code, soon.json()["code"]) == (503, "not_ready")
        clock.advance(LONGEST_REQUEST + timedelta(seconds=1))
        late = await add(service)
        assert (late.status_code, late.json()["code"]) == (409, "stale_version")
        assert "nobody knows how it ended" in late.json()["detail"]
        assert await connectors(service) == ["Desk"]


async def test_a_fault_of_ours_leaves_its_end_unknown(migrated: str) -> None:
    async with running_service(migrated) as service:
        store = service.own.store
        append = store.append

        async def done_and_lost(*args: Any, **kwargs: Any) -> Any:
            object.__setattr__(store, "append", append)
            await append(*args, **kwargs)
            raise RuntimeError("the process stumbles")

        object.__setattr__(store, "append", done_and_lost)
        assert (await add(service)).status_code == 500
        again = await add(service)
        assert (again.status_code, again.json()["code"]) == (409, "stale_version")
        assert [each.name for each in await service.own.connectors()] == ["Desk"]


async def test_an_answer_is_kept_for_a_day(migrated: str) -> None:
    clock = MemoryClock()
    async with running_service(migrated, clock=clock) as service:
        await add(service)
        clock.advance(timedelta(hours=25))
        async with service.logged_in("alice", ADMIN_PASSWORD) as alice:
            changed = {"name": "Front desk"}
            answer = await alice.patch(f"{PATH}1", json=changed, headers={HEADER: "wish-2"})
            assert answer.status_code == 200
        assert len(await kept(service)) == 1


async def test_an_answer_goes_after_its_day_though_nobody_asks(migrated: str) -> None:
    clock = MemoryClock()
    async with running_service(migrated, clock=clock) as service:
        await add(service)
    clock.advance(timedelta(hours=25))
    async with running_service(migrated, clock=clock) as service:

        async def is_gone() -> bool:
            return not await kept(service)

        await until(is_gone)


async def test_no_answer_outlives_the_erasure_of_a_person(migrated: str) -> None:
    async with running_service(migrated) as service:
        await add(service)
        bob = await service.add_user("bob", "viewer")
        body = {"subject": f"account:{bob['id']}", "confirm": f"account:{bob['id']}"}
        answer = await service.http.post("/api/v1/privacy/erase", json=body, headers=KEY)
        assert answer.status_code == 200, answer.text
        again = await add(service)
        assert (again.status_code, again.json()["code"]) == (409, "stale_version")
        assert await connectors(service) == ["Desk"]  # that it was done is not forgotten
        await finish_erasures(service.own)
        assert (await add(service)).status_code == 409


async def test_an_answer_goes_to_who_still_has_the_role(migrated: str) -> None:
    async with running_service(migrated) as service:
        bob = await service.add_user("bob", "admin")
        async with service.logged_in("bob", ADMIN_PASSWORD) as client:
            answer = await client.post(PATH, json=ZAMMAD, headers=KEY)
            assert answer.status_code == 201
        changed = await service.http.patch(f"/api/v1/users/{bob['id']}", json={"role": "viewer"})
        assert changed.status_code == 200, changed.text
        async with service.logged_in("bob", ADMIN_PASSWORD) as client:
            answer = await client.post(PATH, json=ZAMMAD, headers=KEY)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_what_failed_after_it_was_recorded_is_not_done_again(migrated: str) -> None:
    async with running_service(migrated) as service:
        store = service.own.store
        head = store.head

        async def gone() -> int:
            raise Unavailable("database", "it went away")

        async def shown(_: int) -> bool:
            return bool(await gone())

        object.__setattr__(service.own, "shown", shown)
        assert (await add(service)).status_code == 502
        object.__delattr__(service.own, "shown")
        assert await head() > 0
        again = await add(service)
        assert (again.status_code, again.json()["code"]) == (409, "stale_version")
        assert [each.name for each in await service.own.connectors()] == ["Desk"]


async def test_a_key_that_is_none_is_refused_and_a_login_never_kept(migrated: str) -> None:
    async with running_service(migrated) as service:
        for key in ("", "x" * 201, "tab\tbed"):
            answer = await service.http.post(PATH, json=ZAMMAD, headers={HEADER: key})
            assert answer.json()["code"] == "validation"
        form = {"username": "alice", "password": ADMIN_PASSWORD}
        for _ in range(2):
            login = await service.http.post("/token", data=form, headers=KEY)
            assert login.status_code == 200
            assert "Idempotency-Replayed" not in login.headers
        assert await kept(service) == []
        async with service.client() as nobody:
            answer = await nobody.post(PATH, json=ZAMMAD, headers=KEY)
            assert answer.status_code == 401
        assert await kept(service) == []


async def test_a_form_that_is_made_anew_is_the_same_form(migrated: str) -> None:
    """Its boundary is another, as browsers make it."""
    async with running_service(migrated) as service:
        for row, status in (("4,9", 200), ("4,9", 200), ("4,8", 422)):
            file = {"file": ("m.csv", f"zammad_type_id,kimai_activity_id\n{row}\n", "text/csv")}
            answer = await service.http.post(IMPORT, files=file, headers=KEY)
            assert answer.status_code == status, answer.text
