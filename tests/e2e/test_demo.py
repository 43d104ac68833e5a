"""`make demo` as a new user meets it: what it says, writes, keeps and leaves behind."""

import asyncio
import json
import signal
import socket
from asyncio.subprocess import Process
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.command import ran, started
from tests.support.known_secrets import public, watch
from tests.support.leaks import watched

PORTS = ("PORT", "ZAMMAD_PORT", "KIMAI_PORT")
FILES = ("demo.json", "keys.json")
WELCOME = "Ctrl-C stops everything"
TOLD = {
    *("url", "username", "password", "zammad_url", "zammad_token"),
    *("kimai_url", "kimai_token", "webhook_secret"),
}


def free_ports() -> dict[str, str]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PORTS]
        numbers = [str(one.getsockname()[1]) for one in sockets]
    return dict(zip(PORTS, numbers, strict=True))


async def heard(process: Process, until: str) -> str:
    """What it says, up to the line that holds `until`."""
    assert process.stdout is not None
    said = ""
    while line := await asyncio.wait_for(process.stdout.readline(), 60):
        said += line.decode()
        if until in said:
            return said
    raise AssertionError(f"it ended after: {said}")


async def stopped(process: Process, by: signal.Signals) -> int | None:
    process.send_signal(by)
    await asyncio.wait_for(process.communicate(), 30)
    return process.returncode


def told(folder: Path) -> dict[str, str]:
    """What it tells a script; its secrets are looked for, but for the password that it shows."""
    content, keys = (json.loads((folder / ".demo" / name).read_text()) for name in FILES)
    public(keys["password"])
    for name in keys.keys() - {"username"}:
        watch(f"the demo's {name}", keys[name])
    assert isinstance(content, dict)
    return content


async def runs(known: dict[str, str]) -> list[Any]:
    async with watched(httpx.AsyncClient(base_url=known["url"])) as http:
        form = {name: known[name] for name in ("username", "password")}
        answer = (await http.post("/token", data=form)).json()
        http.headers["Authorization"] = f"Bearer {answer['access_token']}"
        found: list[Any] = (await http.get("/api/v1/sync/runs")).json()["data"]
        return found


def nothing_is_left(folder: Path, ports: dict[str, str]) -> bool:
    """No server holds the data, and each port can be had."""
    for port in ports.values():
        socket.create_server(("127.0.0.1", int(port))).close()
    return not list(folder.rglob("postmaster.pid"))


async def test_a_demo_tells_its_story_and_goes_on_where_it_was(folder: Path) -> None:
    ports = free_ports()
    # a database that somebody set for real is not the demo's
    elsewhere = {**ports, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/real"}
    async with started(folder, "demo", **elsewhere) as process:
        await heard(process, WELCOME)
        first = told(folder)
        assert set(first) == TOLD
        assert first["url"] == f"http://127.0.0.1:{ports['PORT']}"
        edits, month = await runs(first)
        assert (month["status"], edits["status"]) == ("completed", "completed")
        assert month["entries_synced"] > 500
        assert edits["entries_updated"] > 0
        assert edits["entries_deleted"] > 0
        assert await stopped(process, signal.SIGINT) == 0
    assert nothing_is_left(folder, ports)
    async with started(folder, "demo", **ports) as process:
        assert "sync" not in await heard(process, WELCOME)
        assert told(folder) == first
        assert len(await runs(first)) == 2
        code, _, err = await ran(folder, "demo", **free_ports())
        assert (code, "running already" in err) == (1, True)
        assert await stopped(process, signal.SIGTERM) == 0
    assert nothing_is_left(folder, ports)


async def test_a_first_sync_that_was_cut_short_is_made_again(folder: Path) -> None:
    ports = free_ports()
    async with started(folder, "demo", **ports) as process:
        await heard(process, "First sync")
        await asyncio.sleep(0.5)  # somewhere within it; the end must be the same wherever
        assert await stopped(process, signal.SIGINT) == 0
    async with started(folder, "demo", **ports) as process:
        await heard(process, WELCOME)
        edits, month, *_ = await runs(told(folder))
        assert (month["status"], edits["status"]) == ("completed", "completed")
        assert edits["entries_updated"] > 0
        assert edits["duration_seconds"] + month["duration_seconds"] < 50  # no limit of a real peer
        assert await stopped(process, signal.SIGINT) == 0
    assert nothing_is_left(folder, ports)


@pytest.mark.parametrize("taken", PORTS)
async def test_a_taken_port_is_named(folder: Path, taken: str) -> None:
    ports = free_ports()
    with socket.create_server(("127.0.0.1", int(ports[taken]))):
        code, _, err = await ran(folder, "demo", **ports)
    assert code == 1
    assert ports[taken] in err
    assert taken in err


async def test_two_of_its_ports_may_not_be_the_same(folder: Path) -> None:
    ports = free_ports()
    code, _, err = await ran(folder, "demo", **{**ports, "ZAMMAD_PORT": ports["PORT"]})
    assert code == 1
    assert f"port {ports['PORT']} on 127.0.0.1 cannot be used" in err
