"""The whole service on a real socket, for tests: API, views, follower and worker in this loop."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI
from pydantic import SecretStr

from adapters.secrets import Passwords
from api.app import create_app
from api.server import bound, serving
from api.services import Services
from api.settings import Settings, load_settings
from api.wiring import opened, prepare, working
from domain.ports.clock import Clock
from tests.support.known_secrets import register, watch, watch_address
from tests.support.leaks import witnessed

SECRET_KEY = register("SECRET_KEY", "Zk3m-xQ8r_test-signing-words-0123456789-abcdef")
ENCRYPTION_KEY = register("ENCRYPTION_KEY", base64.urlsafe_b64encode(bytes(range(32))).decode())
ADMIN, ADMIN_PASSWORD = "alice", register("ADMIN_PASSWORD", "correct-horse-battery")
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@dataclass
class Service:
    """A running service; `http` is logged in as the first administrator."""

    url: str
    own: Services
    http: httpx.AsyncClient
    app: FastAPI

    @asynccontextmanager
    async def client(self, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """A client that is not logged in."""
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=40) as client:
            yield client

    @asynccontextmanager
    async def logged_in(self, username: str, password: str) -> AsyncIterator[httpx.AsyncClient]:
        """A client with the bearer token of an account."""
        async with self.client() as client:
            client.headers["Authorization"] = f"Bearer {await token(client, username, password)}"
            yield client

    async def add_user(self, username: str, role: str, **more: Any) -> dict[str, Any]:
        body = {"username": username, "password": ADMIN_PASSWORD, "role": role, **more}
        answer = await self.http.post("/api/v1/users/", json=body)
        assert answer.status_code == 201, answer.text
        user: dict[str, Any] = answer.json()
        return user


async def token(client: httpx.AsyncClient, username: str, password: str) -> str:
    """A fresh token; the login's cookie is dropped."""
    form = {"username": username, "password": password}
    answer = await client.post("/token", data=form)
    assert answer.status_code == 200, answer.text
    client.cookies.clear()
    return str(answer.json()["access_token"])


def settings_for(dsn: str, **values: Any) -> Settings:
    defaults = {
        "database_url": dsn,
        "secret_key": SECRET_KEY,
        "encryption_key": ENCRYPTION_KEY,
        "admin_username": ADMIN,
        "admin_password": ADMIN_PASSWORD,
    }
    settings = load_settings(env_file=None, **{**defaults, **values})
    for name, value in settings:
        if isinstance(value, SecretStr):
            watch(name.upper(), value.get_secret_value())
    watch_address("the password of DATABASE_URL", dsn)
    return settings


@asynccontextmanager
async def running_service(
    dsn: str, *, clock: Clock | None = None, **values: Any
) -> AsyncIterator[Service]:
    """The service on the database `dsn`, on a free port."""
    settings = settings_for(dsn, **values)
    async with opened(settings, dsn, clock=clock, passwords=Passwords(QUICK)) as own:
        await prepare(own)
        app = create_app(own)
        with bound("127.0.0.1", 0) as listener:
            async with (
                working(own),
                serving(witnessed(app), listener, stopping=own.stopping) as url,
                httpx.AsyncClient(base_url=url, timeout=40) as http,
            ):
                text = await token(http, ADMIN, ADMIN_PASSWORD)
                http.headers["Authorization"] = f"Bearer {text}"
                yield Service(url, own, http, app)
