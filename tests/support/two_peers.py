"""Both sandbox peers on real sockets with a small story, and a service connected to them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx

from adapters.sandbox.control import Controlled
from adapters.sandbox.kimai import KimaiState, create_kimai_app
from adapters.sandbox.month import TYPES, believable_month
from adapters.sandbox.story import fill_kimai, fill_zammad
from adapters.sandbox.zammad import ZammadState, create_zammad_app
from tests.support.guarded import running
from tests.support.known_secrets import register
from tests.support.service import Service

ZAMMAD_TOKEN = register("ZAMMAD_TOKEN", "zammad-t0ken-that-nobody-may-see")
KIMAI_TOKEN = register("KIMAI_TOKEN", "kimai-t0ken-nobody-may-see")
WEBHOOK_SECRET = register("WEBHOOK_SECRET", "webhook-s3cret-nobody-may-see")
UNTIL = datetime(2026, 11, 20, tzinfo=UTC)
QUICK: Mapping[str, Any] = {"kimai_request_limit_seconds": 1}  # a setting: ours answers at once
RANGE = {"start_date": "2026-09-01", "end_date": "2026-12-31"}


@dataclass(frozen=True)
class TwoPeers:
    zammad: ZammadState
    kimai: KimaiState
    zammad_url: str
    kimai_url: str
    zammad_app: Controlled
    kimai_app: Controlled

    @property
    def sheets(self) -> int:
        return len(self.kimai.timesheets)


@asynccontextmanager
async def two_peers(bookings: int = 20) -> AsyncIterator[TwoPeers]:
    """The first `bookings` of the believable month."""
    month = believable_month(UNTIL)
    zammad, kimai = ZammadState(), KimaiState()
    fill_zammad(zammad, replace(month, bookings=month.bookings[:bookings]), token=ZAMMAD_TOKEN)
    fill_kimai(kimai, token=KIMAI_TOKEN)
    zammad_app, kimai_app = create_zammad_app(zammad), create_kimai_app(kimai)
    async with running(zammad_app) as zammad_url, running(kimai_app) as kimai_url:
        yield TwoPeers(zammad, kimai, zammad_url, kimai_url, zammad_app, kimai_app)


async def connect(service: Service, peers: TwoPeers) -> None:
    """Connectors, and mappings for everything that has a counterpart by name."""
    await connect_by(service.http, peers)


async def connect_by(http: httpx.AsyncClient, peers: TwoPeers) -> None:
    """The same for a service that runs elsewhere."""
    await _post(
        http,
        "connectors/",
        type="zammad",
        name="Desk",
        base_url=peers.zammad_url,
        api_token=ZAMMAD_TOKEN,
        settings={"time_unit_minutes": 1, "webhook_secret": WEBHOOK_SECRET},
    )
    await _post(
        http,
        "connectors/",
        type="kimai",
        name="Billing",
        base_url=peers.kimai_url,
        api_token=KIMAI_TOKEN,
        settings={"project_strategy": "fixed", "default_project_id": 1},
    )
    activities = {row.name: row.id for row in peers.kimai.activities.values()}
    for kind in peers.zammad.types:
        activity = activities.get(kind.name, activities[TYPES[0]])
        await _post(http, "mappings/", zammad_type_id=kind.id, kimai_activity_id=activity)
    activity = activities[TYPES[0]]
    await _post(http, "mappings/", zammad_type_id=None, kimai_activity_id=activity)


async def post(service: Service, path: str, **body: Any) -> dict[str, Any]:
    return await _post(service.http, path, **body)


async def _post(http: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await http.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
