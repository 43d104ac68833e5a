"""`timeledger` as a process of its own, as a person or a service manager starts it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.leaks import heard

SOURCE = str(Path(__file__).parents[2] / "src")


@asynccontextmanager
async def started(folder: Path, *arguments: str, **environment: str) -> AsyncIterator[Process]:
    """`timeledger` with just this environment, in an empty folder; killed at the end if need be."""
    process = await asyncio.create_subprocess_exec(
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
    async with started(folder, *arguments, **environment) as process:
        out, err = await asyncio.wait_for(process.communicate(given.encode()), 60)
        assert process.returncode is not None
        heard(out + err, f"timeledger {arguments[0] if arguments else ''}")
        return process.returncode, out.decode(), err.decode()
