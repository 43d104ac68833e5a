"""A small company on the Zammad sandbox, served over real HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.sandbox.control import SandboxClock
from adapters.sandbox.control.middleware import Controlled
from adapters.sandbox.zammad import ZammadApp, ZammadState, create_zammad_app
from tests.support.guarded import running

BEGIN = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
EVERYTHING = ["admin", "ticket.agent"]
SERVICE = ["ticket.agent", "admin.time_accounting"]


@dataclass
class Company:
    """Emma (full rights) and Ravi (read only) are agents, Ada administrator, Emily customer."""

    folder: Path | None = None
    version: str = "7.2.2"
    clock: SandboxClock = field(default_factory=SandboxClock)

    def __post_init__(self) -> None:
        self.clock.fix(BEGIN)
        state = ZammadState(clock=self.clock, folder=self.folder, version=self.version)
        self.state = state
        self.desk = state.add_group("Service Desk")
        self.secret_group = state.add_group("Board")
        self.acme = state.add_organization("Awesome Customer Inc.")
        self.other = state.add_organization("Other Ltd.")
        self.ada = state.add_user(
            "ada@example.com",
            firstname="Ada",
            lastname="Admin",
            role_ids=[1, 2],
            group_ids={"1": ["full"], "2": ["full"]},
            password="ada-pw",
        )
        self.emma = state.add_agent(
            "emma@example.com",
            firstname="Emma",
            lastname="Taylor",
            groups={1: ["full"]},
            password="emma-pw",
        )
        self.ravi = state.add_agent(
            "ravi@example.com", firstname="Ravi", lastname="Rao", groups={1: ["read"]}
        )
        self.emily = state.add_customer(
            "emily@example.com",
            firstname="Emily",
            lastname="Adams",
            organization_id=self.acme.id,
        )
        sync_role = state.add_role("Sync", ["ticket.agent", "admin.time_accounting"])
        self.robot = state.add_user(
            "robot@example.com",
            firstname="Sync",
            lastname="Robot",
            role_ids=[sync_role.id],
            group_ids={"1": ["read"]},
        )
        for user, secret, permissions in (
            (self.ada, "ADA", EVERYTHING),
            (self.emma, "EMMA", ["ticket.agent"]),
            (self.ravi, "RAVI", ["ticket.agent"]),
            (self.emily, "EMILY", ["ticket.customer"]),
            (self.robot, "ROBOT", SERVICE),
        ):
            state.add_token(user.id, permissions=permissions, secret=secret)
        self.support = state.add_type("Support")
        self.travel = state.add_type("Travel")
        state.set_setting("time_accounting", True)
        self.ticket = state.add_ticket(
            title="VPN down", group_id=1, customer_id=self.emily.id, by=self.emma.id
        )

    def pass_time(self, **span: float) -> datetime:
        """Move the server's clock on; answers its new instant."""
        self.clock.advance(timedelta(**span))
        return self.clock.now()


def stored(state: ZammadState) -> str:
    """Everything a state holds, as text."""
    shown = state.describe()
    del shown["http_log"]
    return json.dumps(shown, sort_keys=True)


@dataclass
class Served:
    """A company behind a URL."""

    company: Company
    app: Controlled
    url: str
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    @property
    def state(self) -> ZammadState:
        """The server's state."""
        return self.company.state

    def as_(self, secret: str) -> httpx.AsyncClient:
        """A client with that token."""
        if secret not in self.clients:
            headers = {"Authorization": f"Token token={secret}", "Accept": "application/json"}
            self.clients[secret] = self._client(headers)
        return self.clients[secret]

    def bare(self, **headers: str) -> httpx.AsyncClient:
        """A client with these headers and no token."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        key = str(sorted(named.items()))
        if key not in self.clients:
            self.clients[key] = self._client(named)
        return self.clients[key]

    def _client(self, headers: dict[str, str]) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=f"{self.url}/api/v1",
            headers=headers,
            trust_env=False,
            timeout=10,
            verify=False,  # plain HTTP; reading the certificate store takes longer than a test
        )


class Switchboard:
    """One server for all tests of a module: each test plugs in its own app."""

    def __init__(self) -> None:
        self.url = ""
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection with whatever is plugged in."""
        if scope["type"] == "lifespan":
            await accept_lifespan(receive, send)
        elif self.app is not None:
            await self.app(scope, receive, send)


async def accept_lifespan(receive: Receive, send: Send) -> None:
    """Answer start and stop of a server that has nothing to prepare."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


@asynccontextmanager
async def switchboard() -> AsyncIterator[Switchboard]:
    """A switchboard on a free port."""
    board = Switchboard()
    async with running(board) as url:
        board.url = url
        yield board


@asynccontextmanager
async def serving(company: Company, board: Switchboard, **options: Any) -> AsyncIterator[Served]:
    """The company's Zammad, plugged into `board`."""
    app = create_zammad_app(company.state, **options)
    bare = app.app
    assert isinstance(bare, ZammadApp)
    board.app = app
    await bare.delivery.start()
    served = Served(company, app, board.url)
    try:
        yield served
    finally:
        for client in served.clients.values():
            await client.aclose()
        await bare.delivery.stop()
        company.state.close()
        board.app = None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def board() -> AsyncIterator[Switchboard]:
    """The server of a test module."""
    async with switchboard() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def zammad(board: Switchboard) -> AsyncIterator[Served]:
    """A served company, its clock standing at 2026-07-01 08:00 UTC."""
    async with serving(Company(), board) as served:
        yield served


ONE_LOOP = pytest.mark.asyncio(loop_scope="module")  # tests share the server's event loop
