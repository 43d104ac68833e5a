"""One life of the server process, seen from the service."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from adapters.embedded import guard
from adapters.embedded.account import Account
from adapters.embedded.folder import Folder, environment
from domain.errors import Misconfigured

STOP_LIMIT = guard.ORDERLY + guard.AT_ONCE + 10.0  # seconds; longer than the guard's own patience


class PortTaken(Misconfigured):
    """Somebody else listens on the port."""


class ServerProcess:
    """A server under its guard. `pid` is the server's."""

    def __init__(
        self, process: asyncio.subprocess.Process, pid: int, folder: Folder, *, log_start: int
    ) -> None:
        self.pid = pid
        self._guard = process
        self._folder = folder
        self._log_start = log_start
        self._born = time.monotonic()

    @classmethod
    async def launch(
        cls, command: Sequence[str], folder: Folder, account: Account, *, lock: int
    ) -> Self:
        """Start `command` as `account` in the data folder; the server inherits `lock`.

        Raises:
            Misconfigured: it could not be started; says what the log says.
        """
        plan = {
            "argv": command,
            "cwd": str(folder.data),
            "uid": None if account.is_ours else account.uid,
            "gid": None if account.is_ours else account.gid,
            "locks": [lock],
        }
        log = folder.open_log()
        log_start = os.fstat(log).st_size
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(Path(guard.__file__)), json.dumps(plan)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=environment(),
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C is for the service; it stops the server when done
            )
        finally:
            os.close(log)
        assert process.stdin
        assert process.stdout
        try:
            first_line = await process.stdout.readline()
        except BaseException:
            process.stdin.close()  # cancelled: the guard stops what it may have started
            raise
        server = cls(process, int(first_line or 0), folder, log_start=log_start)
        if not server.pid:
            await process.wait()
            raise server.failure(0)
        return server

    async def ended(self) -> None:
        """Return when server and guard are gone."""
        await self._guard.wait()

    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._born

    def kill(self) -> None:
        """End it as a crash would."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """Shut it down in order; by force when that takes too long. Again is no error."""
        assert self._guard.stdin
        self._guard.stdin.close()
        try:
            await asyncio.wait_for(self._guard.wait(), STOP_LIMIT)
        except TimeoutError:
            self.kill()
            self._guard.kill()
            await self._guard.wait()

    def failure(self, port: int) -> Misconfigured:
        """Why the server ended before it was ready, from its log."""
        with self._folder.log.open(errors="replace") as file:
            file.seek(self._log_start)
            said = " ".join(file.read()[-2000:].split())
        if "could not bind" in said and "in use" in said:
            return PortTaken("postgresql", f"port {port} on 127.0.0.1 is taken")
        return Misconfigured("postgresql", f"the embedded server did not start: {said[-800:]}")
