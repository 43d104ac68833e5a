"""The administrator of the service, by its HTTP API: connects, maps, asks for runs, reads lists."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

import httpx

from api.demo.setup import DemoSetup
from tests.chaos.history import InSettings, JudgePlans, MapActivity, MapPerson, MapProject
from tests.chaos.service import LOOK, ServiceProcess
from tests.chaos.town import Town

LONGEST_RUN = 400.0  # seconds; some ten are usual, the machine may be busy
GLANCE = 0.5  # seconds after which to look all the same whether a run has ended
PAGE = 200
Row = dict[str, Any]
STALE = (httpx.codes.NOT_FOUND, httpx.codes.CONFLICT)
MOST_STALE = 100  # times that one wish may meet a list from before; it lags by a second at most
ACTIVITIES, PROJECTS = "/api/v1/mappings/", "/api/v1/mappings/projects/"
PLANS = "/api/v1/sync/plans"
PEOPLE = "/api/v1/mappings/users/"


class Administrator:
    """Whoever looks after the service; it may die under their hands at any moment."""

    def __init__(self, town: Town, service: ServiceProcess) -> None:
        self._town = town
        self._service = service
        self._left_for_good: set[int] = set()  # plans
        self._stale = 0
        self._rows: dict[str, dict[int, Row]] = {}  # of mappings by path and id, while known

    async def set_up(self, zammad_url: str, kimai_url: str) -> None:
        """The first day, with the settings that the town's people keep to."""
        house = self._town.diary.house
        async with self._service.client() as http:
            setup = DemoSetup(http, self._town.keys)
            await setup.connect(zammad_url=zammad_url, kimai_url=kimai_url)
            await setup.map(self._town.zammad, self._town.kimai)
            settings: dict[str, dict[str, Any]] = {
                "zammad": {
                    "time_unit_minutes": str(house.minutes),
                    "work_time_anchor": house.anchor,
                },
                "kimai": {
                    "delete_policy": house.delete_policy,
                    "delete_limit": house.delete_limit,
                    "delete_limit_percent": house.delete_limit_percent,
                    "edited_in_kimai_policy": house.edited_policy,
                    "rounding_mode": house.rounding.mode,
                    "round_begin": house.rounding.begin,
                    "round_end": house.rounding.end,
                    "round_duration": house.rounding.duration,
                },
            }
            for row in (await http.get("/api/v1/connectors/")).json():
                body = {"settings": settings[row["type"]]}
                answer = await http.patch(f"/api/v1/connectors/{row['id']}", json=body)
                answer.raise_for_status()

    async def fulfil_wishes(self) -> None:
        """Set what is to be set, in order, for as long as the service lives."""
        while self._town.wishes and self._service.alive:
            if await self._fulfilled(self._town.wishes[0]):
                self._town.wishes.pop(0)
                self._stale = 0
            else:
                await asyncio.sleep(LOOK)

    async def _fulfilled(self, wish: InSettings) -> bool:
        """False when it died, or its database did, or its lists show what was before."""
        try:
            async with self._service.client() as http:
                await self._fulfil(http, wish)
        except httpx.HTTPStatusError as error:
            self._rows.clear()
            self._stale += error.response.status_code in STALE
            known = error.response.is_server_error or error.response.status_code in STALE
            if not known or self._stale > MOST_STALE:
                raise  # it will not be accepted the next time either
            return False
        except httpx.TransportError:
            self._rows.clear()
            return False
        return True

    async def _fulfil(self, http: httpx.AsyncClient, wish: InSettings) -> None:
        """Raises httpx errors; whatever part was done may be done again."""
        town, diary = self._town, self._town.diary
        source: dict[str, Any]
        match wish:
            case MapActivity():
                kind, activity = town.kind(wish.kind), _at(town.activities, wish.activity)
                source = {"zammad_type_id": kind}
                await self._map(http, ACTIVITIES, source, "kimai_activity_id", activity)
                diary.activities.change(kind, activity, diary.now)
            case MapProject():
                organization = town.organizations[wish.customer]
                project = _at(town.projects, wish.project)
                source = {"source_kind": "organization", "source_id": organization}
                await self._map(http, PROJECTS, source, "kimai_project_id", project)
                diary.projects.change(organization, project, diary.now)
            case MapPerson():
                agent, user = town.agents[wish.agent], _at(town.users, wish.user)
                source = {"zammad_user_id": agent}
                await self._map(http, PEOPLE, source, "kimai_user_id", user)
                diary.people.change(agent, user or town.by_email(agent), diary.now)
            case JudgePlans(approve=approve):
                await self._judge(http, approve=approve)
            case _:
                assert_never(wish)

    async def _map(
        self, http: httpx.AsyncClient, path: str, source: Row, column: str, target: int | None
    ) -> None:
        """Rows are asked for again after anything went wrong: nobody knows then what was done."""
        if path not in self._rows:
            listed = (await http.get(path, params={"is_active": "true"})).raise_for_status().json()
            self._rows[path] = {row["id"]: row for row in listed}
        rows = self._rows[path]
        row = next((row for row in rows.values() if source.items() <= row.items()), None)
        if row is None and target is None:
            return
        if row is None:
            answer = await http.post(path, json={**source, column: target})
        elif target is None:
            answer = await http.delete(f"{path}{row['id']}")
            del rows[row["id"]]
        else:
            answer = await http.patch(f"{path}{row['id']}", json={column: target})
        if answer.raise_for_status().content:
            rows[answer.json()["id"]] = answer.json()

    async def _judge(self, http: httpx.AsyncClient, *, approve: bool) -> None:
        """All plans of deletions that nobody judged yet."""
        listed = (await http.get(PLANS, params={"limit": PAGE})).raise_for_status().json()
        for row in listed["items"]:
            ready = row["state"] == "ready" and row["kind"] == "deletions"
            if not ready or row["plan_id"] in self._left_for_good:
                continue
            if approve:
                await _apply(http, row)
            else:
                self._left_for_good.add(row["plan_id"])

    async def approve(self, entries: Sequence[int]) -> dict[str, Any]:
        """A plan of these entries, made anew and carried out; the run, once it is over."""
        async with self._service.client() as http, asyncio.timeout(LONGEST_RUN):
            wish = {"entry_ids": list(entries)}
            plan = (await http.post(PLANS, json=wish)).raise_for_status().json()
            while plan["state"] == "building":
                await asyncio.sleep(LOOK)
                path = f"{PLANS}/{plan['plan_id']}"
                plan = (await http.get(path)).raise_for_status().json()
            while (run_id := await _apply(http, plan)) is None:
                await self._service.run_over(within=GLANCE)
            while (run := await _run(http, run_id)) is None or run["status"] == "running":
                await self._service.run_over(within=GLANCE)
            return run

    async def run(self) -> dict[str, Any] | None:
        """A run to its end, as the API shows it; None when the service died meanwhile.

        One that goes on already is not it: it may be for a few entries only.
        """
        async with self._service.client() as http, asyncio.timeout(LONGEST_RUN):
            run_id: int | None = None
            while True:
                try:
                    if run_id is None:
                        run_id = await _asked(http)
                    else:
                        run = await _run(http, run_id)
                        if run is not None and run["status"] != "running":
                            return run
                except httpx.TransportError:
                    if not self._service.alive:
                        return None
                if not self._service.alive:
                    return None
                await self._service.run_over(within=GLANCE)

    async def runs_left_running(self) -> list[dict[str, Any]]:
        async with self._service.client() as http:
            answer = await http.get("/api/v1/sync/runs", params={"status": "running"})
            rows: list[dict[str, Any]] = answer.raise_for_status().json()["data"]
            return rows

    async def open_conflicts(self) -> dict[int, dict[str, Any]]:
        """Entries that wait for a person, by the id of their booking."""
        return await self._entries("conflict")

    async def unfinished(self) -> dict[int, dict[str, Any]]:
        """Entries that are neither at rest nor wait for a person."""
        return await self._entries("pending", "writing", "failed")

    async def story(self, booking: int) -> list[str]:
        """What the service says it knew and did about that booking, oldest first."""
        async with self._service.client() as http:
            rows = (await http.get("/api/v1/entries", params={"limit": 1})).json()["items"]
            entry = int(rows[0]["id"]) - int(rows[0]["source_id"]) + booking if rows else booking
            path = f"/api/v1/entries/{entry}/history"
            items = (await http.get(path, params={"limit": PAGE})).json().get("items", [])
        return [json.dumps(item) for item in items]

    async def _entries(self, *states: str) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        query: dict[str, Any] = {"state": states, "limit": PAGE}
        async with self._service.client() as http:
            while True:
                answer = await http.get("/api/v1/entries", params=query)
                page = answer.raise_for_status().json()
                found |= {int(row["source_id"]): row for row in page["items"]}
                if page["next_cursor"] is None:
                    return found
                query["cursor"] = page["next_cursor"]


def _at(ids: list[int], number: int | None) -> int | None:
    return None if number is None else ids[number]


async def _asked(http: httpx.AsyncClient) -> int | None:
    """The number of the run that is queued now; None while another one is active.

    The town's Zammad is a little ahead: around midnight it books on a day that is not here yet.
    """
    body = {"end_date": (datetime.now(UTC).date() + timedelta(days=2)).isoformat()}
    answer = await http.post("/api/v1/sync/run", json=body, headers={"Prefer": "respond-async"})
    if answer.status_code == httpx.codes.ACCEPTED:
        return int(answer.json()["run_id"])
    assert answer.status_code == httpx.codes.CONFLICT or answer.status_code >= 500, answer.text
    return None


async def _apply(http: httpx.AsyncClient, plan: dict[str, Any]) -> int | None:
    """The run that carries the plan out; None when it cannot be carried out now."""
    path, body = f"{PLANS}/{plan['plan_id']}/apply", {"digest": plan["digest"]}
    answer = await http.post(path, json=body, headers={"Prefer": "respond-async"})
    if answer.status_code == httpx.codes.CONFLICT:
        return None  # it expired, or a run is active
    return int(answer.raise_for_status().json()["run_id"])


async def _run(http: httpx.AsyncClient, run_id: int) -> dict[str, Any] | None:
    answer = await http.get(f"/api/v1/sync/runs/{run_id}")
    return dict(answer.json()) if answer.status_code == httpx.codes.OK else None
