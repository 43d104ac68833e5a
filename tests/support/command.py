"""`timeledger` as a process of its own, as a person or a service manager starts it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.known_secrets import heard, tail, watch, watch_address

SOURCE = str(Path(__file__).parents[2] / "src")
LINE = 1 << 16  # bytes; asyncio's own limit


class _Heard(SubprocessStreamProtocol):
    """Hears what a process says when it says it, whoever reads it afterwards."""

    def __init__(self, who: str) -> None:
        super().__init__(limit=LINE, loop=asyncio.get_running_loop())
        self._who = who
        self._said: dict[int, bytes] = {}  # the end of it, by channel

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        assert isinstance(data, bytes)
        said = self._said.get(fd, b"") + data
        heard(said, self._who)
        self._said[fd] = tail(said)
        super().pipe_data_received(fd, data)


async def spoken(who: str, *command: str, **how: Any) -> Process:
    """As `asyncio.create_subprocess_exec`: a process whose words are looked through."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(lambda: _Heard(who), *command, **how)
    return Process(transport, protocol, loop)


def watch_variables(variables: Mapping[str, str]) -> None:
    """Look for the secrets of an environment."""
    for name in ("SECRET_KEY", "ADMIN_PASSWORD", "METRICS_TOKEN"):
        watch(name, variables.get(name, ""))
    for key in variables.get("ENCRYPTION_KEY", "").split(","):
        watch("ENCRYPTION_KEY", key.strip())
    watch_address("the password of DATABASE_URL", variables.get("DATABASE_URL", ""))


@asynccontextmanager
async def started(folder: Path, *arguments: str, **environment: str) -> AsyncIterator[Process]:
    """`timeledger` with just this environment, in an empty folder; killed at the end if need be."""
    watch_variables(environment)
    process = await spoken(
        f"timeledger {arguments[0] if arguments else ''}",
        sys.executable,
        *("-m", "api.cli", *arguments),
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE, "TERM": "dumb", **environment},
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def ran(
    folder: Path, *arguments: str, given: str = "", **environment: str
) -> tuple[int, str, str]:
    """Exit code, output and errors of a command that ends by itself; `given` is its input."""
    if arguments[:1] == ("password",):
        watch("a password that was typed", given.strip())
    async with started(folder, *arguments, **environment) as process:
        out, err = await asyncio.wait_for(process.communicate(given.encode()), 60)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()
