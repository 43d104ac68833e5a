"""The service as a process of its own, which may die at any instant."""

import asyncio
import base64
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx

from tests.chaos.nursery import Hear, Life
from tests.support.command import watch_variables
from tests.support.embedded import SAME_PACKAGES
from tests.support.known_secrets import heard
from tests.support.leaks import watched

PATIENCE = 60.0  # seconds; one or two are usual, the machine may be busy
LOOK = 0.1  # seconds between looks
OVER = (b'"run_ended"', b'"run_interrupted"')  # what it says then
LONGEST_LINE = 1 << 24  # bytes; a traceback is one line of the log
ENCRYPTION_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()


def environment(dsn: str, **more: str) -> dict[str, str]:
    """What `timeledger` needs, and nothing of what this machine happens to set."""
    kept = {"PATH": os.environ["PATH"], "DATABASE_URL": dsn, "ENCRYPTION_KEY": ENCRYPTION_KEY}
    return {**SAME_PACKAGES, **kept, **more}


class DidNotStart(Exception):
    """The process ended before it served; its log says why."""


class Launcher(Protocol):
    """How a process of the service comes to life."""

    async def launch(
        self, command: str, variables: Mapping[str, str], folder: Path, hear: Hear
    ) -> Life: ...


class AsInstalled:
    """As a person starts it."""

    def __init__(self) -> None:
        self._listening: set[asyncio.Task[None]] = set()

    async def launch(
        self, command: str, variables: Mapping[str, str], folder: Path, hear: Hear
    ) -> Life:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "api.cli", command),
            cwd=folder,
            env=dict(variables),
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            stderr=asyncio.subprocess.STDOUT,
        )
        life = Life(process.pid)
        listening = asyncio.create_task(_listen(process, hear, life))
        self._listening.add(listening)
        listening.add_done_callback(self._listening.discard)
        return life


async def _listen(process: asyncio.subprocess.Process, hear: Hear, life: Life) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        hear(line)
    life.ended(await process.wait())


class ServiceProcess:
    """`timeledger serve`, started anew after each death; its words are kept in `log`."""

    def __init__(
        self, variables: Mapping[str, str], folder: Path, launcher: Launcher | None = None
    ) -> None:
        self.variables = dict(variables)  # of its next life
        watch_variables(variables)
        self.folder = folder
        self.log = folder / "service.log"
        self._launcher = launcher or AsInstalled()
        self._life: Life | None = None
        self._url: asyncio.Future[str] | None = None
        self._token = ""
        self._over = asyncio.Event()
        self.url = ""
        self.lives = 0

    @property
    def alive(self) -> bool:
        return self._life is not None and self._life.code is None

    async def launch(self) -> None:
        """Start the process; `ready` waits for it."""
        assert not self.alive
        self.lives += 1
        self._url = asyncio.get_running_loop().create_future()
        variables = {**self.variables, "PORT": "0"}
        self._life = await self._launcher.launch("serve", variables, self.folder, self._hear)

    async def ready(self) -> None:
        """Wait until it serves and says that it is ready. Raises DidNotStart."""
        assert self._url is not None
        self.url = await asyncio.wait_for(asyncio.shield(self._url), PATIENCE)
        async with asyncio.timeout(PATIENCE):
            while not await self._says_ready():
                if not self.alive:
                    raise DidNotStart(f"it ended with {self.exit_code}")
                await asyncio.sleep(LOOK)

    @property
    def exit_code(self) -> int | None:
        return None if self._life is None else self._life.code

    def kill(self) -> None:
        """SIGKILL, now."""
        if self._life is not None:
            self._life.send(signal.SIGKILL)

    async def ended(self) -> int:
        """Wait for the end of the process; its exit code."""
        assert self._life is not None
        assert self._url is not None
        code = await self._life.end()
        if not self._url.done():
            self._url.set_exception(DidNotStart("it ended before it served"))
            self._url.exception()  # read by `ready`, unless the process was killed on purpose
        return code

    async def stop(self) -> int:
        """Ask it to stop, as a service manager would; its exit code."""
        assert self._life is not None
        self._life.send(signal.SIGTERM)
        return await asyncio.wait_for(self.ended(), PATIENCE)

    async def run_over(self, within: float) -> None:
        """Wait until a run ends or the process does, but not longer than so many seconds."""
        assert self._life is not None
        self._over.clear()
        news = [asyncio.ensure_future(each) for each in (self._over.wait(), self._life.end())]
        await asyncio.wait(news, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        for each in news:
            each.cancel()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """The administrator's session with the process as it is now."""
        async with _client(base_url=self.url, timeout=PATIENCE) as http:
            if not self._token:
                self._token = await self._log_in(http)
            http.headers["Authorization"] = f"Bearer {self._token}"
            yield http

    async def _log_in(self, http: httpx.AsyncClient) -> str:
        form = {
            "username": self.variables["ADMIN_USERNAME"],
            "password": self.variables["ADMIN_PASSWORD"],
        }
        answer = (await http.post("/token", data=form)).raise_for_status()
        http.cookies.clear()
        return str(answer.json()["access_token"])

    async def _says_ready(self) -> bool:
        try:
            async with _client(timeout=5) as http:
                return (await http.get(f"{self.url}/api/ready")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def _hear(self, line: bytes) -> None:
        with self.log.open("ab") as log:
            log.write(line)
        heard(line)
        if any(word in line for word in OVER):
            self._over.set()
        if self._url is not None and not self._url.done() and b'"serving"' in line:
            self._url.set_result(json.loads(line)["url"])


def _client(**how: Any) -> httpx.AsyncClient:
    """Without certificates: reading them takes longer than most requests."""
    return watched(httpx.AsyncClient(trust_env=False, verify=False, **how))


async def verify(service: ServiceProcess, launcher: Launcher | None = None) -> list[str]:
    """What `timeledger verify` objects to; nothing when the chain is whole."""
    said: list[bytes] = []
    variables, folder = service.variables, service.folder
    life = await (launcher or AsInstalled()).launch("verify", variables, folder, said.append)
    code = await life.end()
    heard(b"".join(said), "timeledger verify")
    return [] if code == 0 else [f"verify ended with {code}: {b''.join(said)!r}"]
