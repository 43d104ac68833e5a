"""A seeded sandbox Kimai and its people, for tests of its rules."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from adapters.sandbox.kimai import KimaiState, create_kimai_app, seed_recordings, token_of

NOW = datetime(2026, 11, 22, 17, 30, 0, tzinfo=UTC)
WORK = {"project": 1, "activity": 2}


class Kimai:
    """The sandbox as its people see it."""

    def __init__(self, state: KimaiState, client: httpx.AsyncClient) -> None:
        self.state = state
        self.client = client

    async def ask(
        self, who: str, method: str, path: str, body: Any = None, **more: Any
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token_of(who)}", **more.pop("headers", {})}
        if body is not None:
            more["json"] = body
        return await self.client.request(method, f"/api{path}", headers=headers, **more)

    async def get(self, who: str, path: str) -> Any:
        response = await self.ask(who, "GET", path)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, who: str, begin: str | None, end: str | None, **fields: Any) -> Any:
        response = await self.try_post(who, begin, end, **fields)
        assert response.status_code == 200, response.text
        return response.json()

    async def try_post(
        self, who: str, begin: str | None, end: str | None, **fields: Any
    ) -> httpx.Response:
        times = {"begin": begin, "end": end}
        sent = {name: value for name, value in times.items() if value is not None}
        return await self.ask(who, "POST", "/timesheets", WORK | sent | fields)

    async def patch(self, who: str, key: int, body: dict[str, Any]) -> httpx.Response:
        return await self.ask(who, "PATCH", f"/timesheets/{key}", body)

    def rule(self, **rules: Any) -> None:
        self.state.settings.change({f"timesheet.rules.{k}": v for k, v in rules.items()})

    def rounding(self, mode: str, begin: int, end: int, duration: int = 0) -> None:
        prefix = "timesheet.rounding.default."
        values = {"mode": mode, "begin": begin, "end": end, "duration": duration}
        self.state.settings.change({prefix + k: v for k, v in values.items()})


@asynccontextmanager
async def sandbox() -> AsyncIterator[Kimai]:
    """A fresh one with the recordings' seed, the clock standing at `NOW`."""
    state = KimaiState()
    state.clock.fix(NOW)
    state.settings.change({"sandbox.legacy_delay_seconds": 0})
    seed_recordings(state)
    transport = httpx.ASGITransport(create_kimai_app(state))
    async with httpx.AsyncClient(transport=transport, base_url="http://kimai") as client:
        yield Kimai(state, client)


def root_errors(response: httpx.Response) -> list[str]:
    """Errors that belong to no field of a refused form."""
    assert response.status_code == 400, response.text
    errors: list[str] = response.json()["errors"].get("errors", [])
    return errors


def field_errors(response: httpx.Response) -> dict[str, list[str]]:
    """Errors by field of a refused form."""
    assert response.status_code == 400, response.text
    children = response.json()["errors"]["children"]
    return {name: value["errors"] for name, value in children.items() if value}


def fields(response: httpx.Response) -> list[str]:
    """The fields a refused form would accept."""
    return list(response.json()["errors"]["children"])
