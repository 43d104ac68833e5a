"""The service as a process of its own, which may die at any instant."""

import asyncio
import base64
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.support.embedded import SAME_PACKAGES

PATIENCE = 60.0  # seconds; one or two are usual, the machine may be busy
LOOK = 0.1  # seconds between looks
LONGEST_LINE = 1 << 24  # bytes; a traceback is one line of the log
ENCRYPTION_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()


def environment(dsn: str, **more: str) -> dict[str, str]:
    """What `timeledger` needs, and nothing of what this machine happens to set."""
    kept = {"PATH": os.environ["PATH"], "DATABASE_URL": dsn, "ENCRYPTION_KEY": ENCRYPTION_KEY}
    return {**SAME_PACKAGES, **kept, **more}


class DidNotStart(Exception):
    """The process ended before it served; its log says why."""


class ServiceProcess:
    """`timeledger serve`, started anew after each death; its words are kept in `log`."""

    def __init__(self, variables: Mapping[str, str], folder: Path) -> None:
        self.variables = dict(variables)  # of its next life
        self._folder = folder
        self.log = folder / "service.log"
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._url: asyncio.Future[str] | None = None
        self._token = ""
        self.url = ""
        self.lives = 0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def launch(self) -> None:
        """Start the process; `ready` waits for it."""
        assert not self.alive
        self.lives += 1
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "api.cli", "serve"),
            cwd=self._folder,
            env={**self.variables, "PORT": "0"},
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert self._process.stdout is not None
        self._url = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen(self._process.stdout, self._url))

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
        return None if self._process is None else self._process.returncode

    def kill(self) -> None:
        """SIGKILL, now."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def ended(self) -> int:
        """Wait for the end of the process; its exit code."""
        assert self._process is not None
        assert self._listening is not None
        code = await self._process.wait()
        await self._listening
        return code

    async def stop(self) -> int:
        """Ask it to stop, as a service manager would; its exit code."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        return await asyncio.wait_for(self.ended(), PATIENCE)

    @contextlib.asynccontextmanager
    async def client(self) -> Any:
        """The administrator's session with the process as it is now."""
        async with httpx.AsyncClient(base_url=self.url, timeout=PATIENCE, trust_env=False) as http:
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
            async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
                return (await http.get(f"{self.url}/api/ready")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    async def _listen(self, words: asyncio.StreamReader, url: "asyncio.Future[str]") -> None:
        with self.log.open("ab") as log:
            async for line in words:
                log.write(line)
                log.flush()
                if not url.done() and b'"serving"' in line:
                    url.set_result(json.loads(line)["url"])
        if not url.done():
            url.set_exception(DidNotStart("it ended before it served"))
            url.exception()  # read by `ready`, unless the process was killed on purpose


async def verify(service: ServiceProcess) -> list[str]:
    """What `timeledger verify` objects to; nothing when the chain is whole."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "api.cli", "verify"),
        cwd=service.log.parent,
        env=dict(service.variables),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return [] if process.returncode == 0 else [f"verify ended with {process.returncode}: {said!r}"]
