"""A service, a process and peers that leak on demand: what `test_leaks` shows the grep with."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from subprocess import PIPE
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from adapters.sandbox.control import Controlled
from adapters.sandbox.kimai import KimaiState, create_kimai_app
from tests.support import leaks
from tests.support.command import spoken
from tests.support.guarded import guarded, running
from tests.support.known_secrets import register

SECRET = register("THE_KEY", "a-secret/of the suite")
FORM = {"username": "alice", "password": "n0body guesses"}
ONE, TWO = "peer-one-t0ken", "peer-two-t0ken"
WRITE = """
import sys, time
for word in {}:
    sys.stderr.write(word)
    sys.stderr.flush()
    time.sleep(0.2)
"""

app = FastAPI()


@app.get("/loud")
def loud() -> dict[str, str]:
    return {"detail": f"wrong: {SECRET}"}


@app.get("/quiet")
@app.post("/quiet")
async def quiet(request: Request) -> dict[str, str]:
    await request.body()
    return {"detail": "wrong"}


@app.get("/head")
def head() -> Response:
    return Response("fine", headers={"X-Debug": SECRET})


@app.get("/slow")
def slow() -> Response:
    def parts() -> Iterator[str]:
        yield from ("so ", SECRET[:5], SECRET[5:], " ends")

    return StreamingResponse(parts())


@app.post("/token")
def token(response: Response) -> dict[str, str]:
    response.set_cookie("timeledger_token", "a-fresh-t0ken")
    return {"access_token": "a-fresh-t0ken"}


@app.post("/token/")
async def token_and_password(request: Request) -> dict[str, str]:
    return {"access_token": "another-t0ken", "asked": await _said(request)}


@app.post("/api/v1/token")
def token_twice() -> dict[str, str]:
    return {"access_token": "a-fresh-t0ken", "detail": "use a-fresh-t0ken"}


@app.post("/api/v1/token/")
async def refused(request: Request) -> Response:
    return Response(await _said(request), 401)


@app.post("/echo")
@app.post("/echo/notifications")
async def echo(request: Request) -> Response:
    return Response(f"{await _said(request)} {dict(request.headers)}")


async def _said(request: Request) -> str:
    return (await request.body()).decode().replace("+", " ")


def ask(path: str, method: str = "GET", *, by_client: bool = False, **how: Any) -> httpx.Response:
    """Ask the service; it is witnessed, or else the client is watched."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app if by_client else leaks.witnessed(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://s") as client:
            if by_client:
                leaks.watched(client)
            return await client.request(method, path, **how)

    return asyncio.run(asked())


def post(path: str, by_client: bool = False, **how: Any) -> httpx.Response:
    return ask(path, "POST", by_client=by_client, **how)


def say(text: str) -> None:
    """Let a process say it, in two parts."""

    async def said() -> None:
        program = WRITE.format([text[:5], text[5:]])
        process = await spoken("a process", sys.executable, "-c", program, stderr=PIPE)
        await process.communicate()

    asyncio.run(said())


def visit(secret: str | Callable[[str], str], path: str = "/api/version", at: int = 0) -> None:
    """Send it to one of two peers; of a secret that is made, the first one's address is told."""

    async def visited() -> None:
        async with (
            running(_peer(ONE)) as one,
            running(_peer(TWO)) as two,
            httpx.AsyncClient() as client,
        ):
            text = secret if isinstance(secret, str) else await asyncio.to_thread(secret, one)
            url = (one, two)[at] + path
            await client.get(url, headers={"Authorization": f"Bearer {text}"})

    asyncio.run(visited())


def _peer(token: str) -> Controlled:
    state = KimaiState()
    state.add_user("robot", token=token)
    return create_kimai_app(state)


def given_for(url: str) -> str:
    """A token that was entered together with that address."""
    post("/quiet", json={"base_url": url, "api_token": "t0ken-for-one"})
    return "t0ken-for-one"


def receive(body: bytes) -> None:
    """Send it to somebody that is no sandbox: the server behind a channel."""

    async def received() -> None:
        transport = httpx.ASGITransport(guarded(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://s:9") as client:
            await client.post("/echo", content=body)

    asyncio.run(received())
