"""Finding, taking away and erasing what is held about a person (contract, section 14)."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from adapters.postgres import projection_runner
from adapters.postgres.projection_runner import ProjectionRunner
from api import erasing
from api.services import Commands
from domain.event import Actor, Metadata
from domain.privacy.decide import Erase
from projections import time_entries
from projections.catalogue import ALL
from tests.property.test_views import stored
from tests.support.service import ADMIN, ADMIN_PASSWORD, Service, running_service
from tests.support.two_peers import RANGE, TwoPeers, connect, two_peers
from tests.support.waiting import until

V1 = "/api/v1"
BY_HAND = Metadata(actor=Actor(kind="system", name="test"), correlation_id="test")


async def get(service: Service, path: str, **query: Any) -> Any:
    answer = await service.http.get(f"{V1}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def erase(service: Service, subject: str) -> dict[str, Any]:
    body = {"subject": subject, "confirm": subject}
    answer = await service.http.post(f"{V1}/privacy/erase", json=body)
    assert answer.status_code == 200, answer.text
    erased: dict[str, Any] = answer.json()
    return erased


async def run(service: Service) -> dict[str, Any]:
    answer = await service.http.post(f"{V1}/sync/run", json=RANGE)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def an_agent(service: Service) -> dict[str, Any]:
    """The person who booked the most, as the list of subjects has it."""
    found = (await get(service, "privacy/subjects", q="@"))["items"]
    agents = [one for one in found if one["kind"] == "zammad_user" and one["entries"]]
    return max(agents, key=lambda one: one["entries"])


async def texts_of(dsn: str) -> dict[str, str]:
    """Every table of the database as one text."""
    connection = await asyncpg.connect(dsn)
    try:
        names = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        )
        return {
            name: await connection.fetchval(
                f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM \"{name}\" AS t"
            )
            for (name,) in names
        }
    finally:
        await connection.close()


async def nowhere(service: Service, dsn: str, *words: str) -> None:
    """None of the words stands in any table, answer or past answer."""
    for table, text in (await texts_of(dsn)).items():
        for word in words:
            assert word.casefold() not in text.casefold(), (table, word)
    head = await service.own.store.head()
    for path in ("entries", "audit-logs", "sync/runs", "events", "mappings/users", "users"):
        for query in ({}, {"as_of": f"position:{head // 2}"}):
            answer = await service.http.get(f"{V1}/{path}", params={"limit": "200", **query})
            if answer.status_code == 200:
                for word in words:
                    assert word.casefold() not in answer.text.casefold(), (path, query, word)


async def test_a_person_is_found_by_name_mail_and_number(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        await run(service)
        agent = await an_agent(service)
        number = agent["subject"].partition(":")[2]
        (mail,) = agent["emails"]
        for q in (agent["label"][:-1].upper(), mail, number, agent["subject"]):
            items = (await get(service, "privacy/subjects", q=q))["items"]
            assert agent in items, q
        mine = [
            entry
            for entry in (await get(service, "entries", limit=200))["items"]
            if entry["user_email"] == mail
        ]
        assert agent["entries"] == len(mine)
        assert agent["minutes"] == pytest.approx(sum(each["time_minutes"] for each in mine))
        assert agent["first_seen"] <= agent["last_seen"]
        assert agent["erased_at"] is None
        everybody, cursor = [], None
        while True:
            query = {"q": "a", "limit": 3} | ({"cursor": cursor} if cursor else {})
            answer = await get(service, "privacy/subjects", **query)
            everybody += [one["subject"] for one in answer["items"]]
            if (cursor := answer["next_cursor"]) is None:
                break
        assert everybody == sorted(set(everybody))
        assert (await get(service, "privacy/subjects", q="nobody at all"))["items"] == []


async def test_everything_about_a_person_is_taken_away(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        await run(service)
        agent = await an_agent(service)
        answer = await service.http.get(
            f"{V1}/privacy/export", params={"subject": agent["subject"]}
        )
        assert answer.headers["content-type"] == "application/json"
        assert "attachment" in answer.headers["content-disposition"]
        taken = json.loads(answer.text)
        assert len(taken["entries"]) == agent["entries"]
        assert {each["user_email"] for each in taken["entries"]} == set(agent["emails"])
        naming = [event for event in taken["events"] if agent["label"] in json.dumps(event)]
        assert len(naming) == len(taken["events"]) >= agent["entries"]
        assert "sealed" not in answer.text
        await service.own.shown(await service.own.store.head())
        (noted,) = (await get(service, "audit-logs", action="subject_exported"))["data"]
        assert noted["details"] == {
            "subject": agent["subject"],
            "events": len(taken["events"]),
            "entries": agent["entries"],
        }


async def test_an_erased_person_is_nowhere_and_the_sums_stay(migrated: str) -> None:
    async with two_peers(30) as peers, running_service(migrated) as service:
        await connect(service, peers)
        await run(service)
        agent = await an_agent(service)
        rows = await get(service, "mappings/users")  # the run recorded them by their e-mail
        person = int(agent["subject"].partition(":")[2])
        (mapped,) = [row for row in rows if row["zammad_user_id"] == person]
        assert (mapped["zammad_user_name"], mapped["zammad_user_email"]) == (
            agent["label"],
            agent["emails"][0],
        )

        async def are_named() -> bool:  # the service learns names after the run has answered
            listed = await get(service, "entries", limit=200)
            return all(each["project_name"] for each in listed["items"] if each["target"])

        await until(are_named)
        before = await get(service, "entries", limit=200)
        sheets = {sheet.id: repr(sheet) for sheet in peers.kimai.timesheets.values()}
        verified = await get(service, "audit/verify")
        words = (agent["label"], *agent["emails"])
        with pytest.raises(AssertionError):
            await nowhere(service, migrated, *words)

        erased = await erase(service, agent["subject"])
        assert erased["entries"] == agent["entries"]
        assert erased["minutes_kept"] == agent["minutes"]
        assert erased["events"] > agent["entries"]
        await nowhere(service, migrated, *words)

        after = await get(service, "entries", limit=200)
        for field in ("total", "total_minutes"):
            assert after[field] == before[field]
        named = {"user_name", "user_email"}
        for old, new in zip(before["items"], after["items"], strict=True):
            theirs = old["user_email"] in agent["emails"]
            assert {k: v for k, v in new.items() if k not in named or not theirs} == {
                k: v for k, v in old.items() if k not in named or not theirs
            }
            if theirs:
                assert (new["user_name"], new["user_email"]) == (None, None)
        again = await get(service, "audit/verify", to=verified["checked_to"])
        assert again == verified
        assert (await get(service, "audit/verify"))["ok"]
        (gone,) = (await get(service, "privacy/subjects", q=agent["subject"]))["items"]
        assert (gone["label"], gone["emails"]) == ("", [])
        assert gone["erased_at"] is not None
        assert gone["entries"] == agent["entries"]
        assert sheets == {sheet.id: repr(sheet) for sheet in peers.kimai.timesheets.values()}
        for projection in ALL:
            rows = await stored(service.own.store, projection)
            rebuilt = await ProjectionRunner(service.own.store).rebuild(projection.name)
            assert rebuilt.same, projection.name
            assert await stored(service.own.store, projection) == rows


async def test_an_erased_person_stays_erased_in_the_next_runs(migrated: str) -> None:
    """Zammad still says the name; a run that finds nothing else new says nothing of it."""
    async with two_peers(30) as peers, running_service(migrated) as service:
        await connect(service, peers)
        await run(service)
        agent = await an_agent(service)
        await erase(service, agent["subject"])
        sheets = {sheet.id: repr(sheet) for sheet in peers.kimai.timesheets.values()}
        await peers_touched(service, peers)
        done = await run(service)
        assert (done["num_created"], done["num_updated"]) == (0, 0)
        await nowhere(service, migrated, agent["label"], *agent["emails"])
        assert sheets == {sheet.id: repr(sheet) for sheet in peers.kimai.timesheets.values()}


async def test_who_comes_back_is_known_from_then_on_only(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        await run(service)
        agent = await an_agent(service)
        mail = agent["emails"][0]
        (entry, *_) = (await get(service, "entries", user=mail))["items"]
        before = await service.own.store.head()
        await erase(service, agent["subject"])
        await correct(peers, int(entry["source_id"]))
        await run(service)
        changed = await get(service, f"entries/{entry['id']}")
        assert (changed["user_name"], changed["user_email"]) == (agent["label"], mail)
        others = (await get(service, "entries", user=mail))["items"]
        assert [each["id"] for each in others] == [entry["id"]]
        then = await get(service, f"entries/{entry['id']}", as_of=f"position:{before}")
        assert then["user_name"] is None
        (back,) = (await get(service, "privacy/subjects", q=agent["subject"]))["items"]
        assert back["label"] == agent["label"]
        assert back["erased_at"] is not None
        again = await erase(service, agent["subject"])
        assert again["entries"] == agent["entries"]
        await nowhere(service, migrated, agent["label"], mail)


async def peers_touched(service: Service, peers: TwoPeers) -> None:
    """Every ticket changes in Zammad in something that no booking hears of, and is read again."""
    for number in {entry["ticket_id"] for entry in (await get(service, "entries"))["items"]}:
        peers.zammad.change_ticket(number, priority_id=3)


async def correct(peers: TwoPeers, source_id: int) -> None:
    """Somebody corrects the booking in Zammad."""
    row = peers.zammad.entries[source_id]
    peers.zammad.correct(source_id, time_unit=str(Decimal(row.time_unit) + 1))


@pytest.mark.parametrize("first", ["keys", "nothing"])
async def test_a_death_after_the_event_is_made_good_at_the_next_start(
    migrated: str, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two_peers(15) as peers:
        async with running_service(migrated) as service:
            await connect(service, peers)
            await run(service)
            agent = await an_agent(service)
        # the event and perhaps the keys, and then nobody is there any more
        async with running_service(migrated) as service:
            held, _ = await erasing.held(service.own, agent["subject"])
            stopped = asyncio.Event()

            async def dead(*_: object) -> list[int]:
                stopped.set()
                await asyncio.sleep(3600)
                return []

            monkeypatch.setattr(projection_runner, "naming", dead)
            if first == "nothing":

                async def spared(*_: object, **__: object) -> int:
                    return 0

                monkeypatch.setattr(service.own.store, "erase", spared)
            commands = await a_command(service)
            await erasing._record(service.own, commands, Erase(held=held), ())
            await stopped.wait()
            text = (await texts_of(migrated))[time_entries.NAME]
            assert agent["emails"][0] in text
        monkeypatch.undo()
        async with running_service(migrated) as service:
            assert await service.own.shown(await service.own.store.head())
            await nowhere(service, migrated, agent["label"], *agent["emails"])
            answer = await service.http.post(
                f"{V1}/privacy/erase",
                json={"subject": agent["subject"], "confirm": agent["subject"]},
            )
            assert (answer.status_code, answer.json()["code"]) == (409, "subject_erased")
            assert (await get(service, "audit/verify"))["ok"]


async def a_command(service: Service) -> Any:
    return Commands(store=service.own.store, metadata=BY_HAND, now=service.own.clock.now())


async def test_an_erasure_reaches_a_second_process(migrated: str) -> None:
    async with (
        two_peers(15) as peers,
        running_service(migrated) as one,
        running_service(migrated) as other,
    ):
        await connect(one, peers)
        await run(one)
        await other.own.shown(await one.own.store.head())
        agent = await an_agent(other)
        entries = (await get(other, "entries", user=agent["emails"][0]))["items"]
        await get(other, f"entries/{entries[0]['id']}/history")
        await erase(one, agent["subject"])
        await other.own.shown(await one.own.store.head())
        for _ in range(100):  # two seconds for the other to hear of it
            told = await get(other, f"entries/{entries[0]['id']}/explain")
            if agent["label"] not in json.dumps(told):
                break
            await asyncio.sleep(0.02)
        assert agent["label"] not in json.dumps(told)
        await run(other)
        await nowhere(other, migrated, agent["label"], *agent["emails"])


async def test_an_erased_account_is_closed_and_its_name_is_free(migrated: str) -> None:
    async with running_service(migrated) as service:
        user = await service.add_user("victoria", "admin", email="vic@example.com")
        async with service.logged_in("victoria", ADMIN_PASSWORD) as victoria:
            assert (await victoria.get(f"{V1}/users/")).status_code == 200
            await erase(service, f"account:{user['id']}")
            assert (await victoria.get(f"{V1}/users/")).status_code == 401
        await nowhere(service, migrated, "victoria", "vic@example.com")
        (closed,) = [row for row in await get(service, "users") if row["id"] == user["id"]]
        assert (closed["username"], closed["is_active"]) == ("", False)
        async with service.client() as client:
            form = {"username": "victoria", "password": ADMIN_PASSWORD}
            assert (await client.post("/token", data=form)).status_code == 401
        again = await service.add_user("victoria", "viewer")
        assert again["id"] != user["id"]


async def test_what_is_refused(migrated: str) -> None:
    async with running_service(migrated) as service:
        await service.add_user("victor", "operator")
        for body, status, code in (
            ({"subject": "account:1", "confirm": "account:2"}, 422, "confirm_mismatch"),
            ({"subject": "account:1", "confirm": "account:1"}, 409, "last_admin"),
            ({"subject": "account:99", "confirm": "account:99"}, 404, "not_found"),
            ({"subject": "everybody", "confirm": "everybody"}, 404, "not_found"),
            ({"subject": "account:1"}, 422, "validation"),
            ({"subject": 5, "confirm": 5}, 422, "validation"),
        ):
            answer = await service.http.post(f"{V1}/privacy/erase", json=body)
            assert (answer.status_code, answer.json()["code"]) == (status, code), body
        assert (await get(service, "users/me"))["username"] == ADMIN
        await erase(service, "account:2")
        answer = await service.http.get(f"{V1}/privacy/export?subject=account:2")
        assert (answer.status_code, answer.json()["code"]) == (409, "subject_erased")
        assert (await service.http.get(f"{V1}/privacy/export?subject=x")).status_code == 404
        await service.add_user("viola", "operator")
        async with service.logged_in("viola", ADMIN_PASSWORD) as viola:
            for path in ("subjects?q=a", "export?subject=account:1"):
                assert (await viola.get(f"{V1}/privacy/{path}")).status_code == 403
