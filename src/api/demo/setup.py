"""Configure the demo as its administrator would: by the service's own HTTP API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx

from adapters.sandbox.kimai.state import KimaiState
from adapters.sandbox.month import TYPES
from adapters.sandbox.zammad import ZammadState
from api.demo.keys import DemoKeys

LONGEST_RUN = 60.0  # seconds one answer may take; a run itself answers within 25
ZAMMAD, KIMAI = "Northwind service desk", "Northwind billing"


class DemoSetup:
    """What the administrator does on the first day, step by step; each step may be repeated."""

    def __init__(self, http: httpx.AsyncClient, keys: DemoKeys) -> None:
        self._http = http
        self._keys = keys

    @classmethod
    @asynccontextmanager
    async def logged_in(cls, url: str, keys: DemoKeys) -> AsyncIterator[Self]:
        """The administrator's session."""
        async with httpx.AsyncClient(base_url=url, timeout=LONGEST_RUN) as http:
            form = {"username": keys.username, "password": keys.password}
            answer = (await http.post("/token", data=form)).raise_for_status().json()
            http.cookies.clear()
            http.headers["Authorization"] = f"Bearer {answer['access_token']}"
            yield cls(http, keys)

    async def connect(self, *, zammad_url: str, kimai_url: str) -> None:
        """Add both connectors, or follow the peers to their new ports."""
        wanted: dict[str, dict[str, Any]] = {
            "zammad": {
                "name": ZAMMAD,
                "base_url": f"{zammad_url}/",
                "api_token": self._keys.zammad_token,
                "settings": {
                    "time_unit_minutes": "minute",
                    "timezone": "Europe/Brussels",
                    "work_time_anchor": "end_at_booking",
                    "webhook_secret": self._keys.webhook_secret,
                },
            },
            "kimai": {
                "name": KIMAI,
                "base_url": f"{kimai_url}/",
                "api_token": self._keys.kimai_token,
                "settings": {"project_strategy": "fixed", "delete_policy": "delete"},
            },
        }
        rows = await self._get("/api/v1/connectors/")
        known = {row["type"]: row for row in reversed(rows)}  # ours is the oldest of its type
        for kind, body in wanted.items():
            if kind not in known:
                await self._post("/api/v1/connectors/", {"type": kind, **body})
            elif known[kind]["base_url"] != body["base_url"]:
                moved = {key: body[key] for key in ("base_url", "api_token")}
                path = f"/api/v1/connectors/{known[kind]['id']}"
                (await self._http.patch(path, json=moved)).raise_for_status()

    async def map(self, zammad: ZammadState, kimai: KimaiState) -> None:
        """Map activity types and organizations; people are known by their e-mail."""
        activities = {row.name: row.id for row in kimai.activities.values()}
        for kind in zammad.types:
            if kind.name in activities:
                await self._map("", zammad_type_id=kind.id, kimai_activity_id=activities[kind.name])
        await self._map("", zammad_type_id=None, kimai_activity_id=activities[TYPES[0]])
        customers = {row.name: row.id for row in kimai.customers.values()}
        projects = {row.customer: row.id for row in kimai.projects.values()}
        for organization in zammad.organizations:
            if organization.name in customers:
                await self._map(
                    "projects/",
                    source_kind="organization",
                    source_id=organization.id,
                    source_name=organization.name,
                    kimai_project_id=projects[customers[organization.name]],
                )

    async def _map(self, table: str, **body: Any) -> None:
        answer = await self._http.post(f"/api/v1/mappings/{table}", json=body)
        if answer.status_code != httpx.codes.CONFLICT:  # mapped already
            answer.raise_for_status()

    async def has_run(self) -> bool:
        """Whether a run came to its end; one that was interrupted has to be made again."""
        runs = await self._get("/api/v1/sync/runs?limit=1&status=completed")
        return int(runs["total"]) > 0

    async def sync(self, *, start_date: str, end_date: str) -> dict[str, Any]:
        """One run over the month, to its end; the run as the API shows it."""
        body = {"start_date": start_date, "end_date": end_date}
        answer = (await self._http.post("/api/v1/sync/run", json=body)).raise_for_status().json()
        path = f"/api/v1/sync/runs/{answer['run_id']}"
        while True:
            run = await self._get(path)
            if run["status"] != "running":
                return dict(run)
            await asyncio.sleep(0.5)

    async def _get(self, path: str) -> Any:
        return (await self._http.get(path)).raise_for_status().json()

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        (await self._http.post(path, json=body)).raise_for_status()
