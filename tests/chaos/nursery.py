"""A process that has loaded the service and becomes it, by fork, as often as it is asked.

Loading takes ten times as long as all the rest of a start, and a campaign starts a service a
hundred times. A life still has its own process, memory and sockets, and dies by SIGKILL.
"""

import asyncio
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support.embedded import SAME_PACKAGES

LONGEST_LINE = 1 << 24  # bytes; a traceback is one line of the log
LOADED = ("api.app", "api.running", "api.settings", "uvloop", "uvicorn.protocols.http.auto")
BORN, ENDED = "born", "ended"

Hear = Callable[[bytes], None]


class Life:
    """One process of the service. `code` is its exit code once it has ended."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None
        self._over = asyncio.Event()

    def send(self, what: signal.Signals) -> None:
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, what)

    def ended(self, code: int) -> None:
        self.code = code
        self._over.set()

    async def end(self) -> int:
        """Wait for it; all it said was heard before."""
        await self._over.wait()
        assert self.code is not None
        return self.code


class Nursery:
    """The campaign's side of it: one life at a time, each line of it heard."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._hear: Hear = lambda _: None
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._born: asyncio.Future[Life] | None = None
        self._life: Life | None = None

    async def launch(
        self, command: str, variables: Mapping[str, str], folder: Path, hear: Hear
    ) -> Life:
        """A new life that carries out that command of the program in that folder."""
        self._hear = hear
        if self._process is None:
            await self._open()
        assert self._process is not None
        assert self._process.stdin is not None
        self._born = asyncio.get_running_loop().create_future()
        wish = {"command": command, "variables": dict(variables), "folder": str(folder)}
        self._process.stdin.write(json.dumps(wish).encode() + b"\n")
        await self._process.stdin.drain()
        return await self._born

    async def close(self) -> None:
        """End the process; the life in hand was ended before."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()
        if self._listening is not None:
            await self._listening

    async def _open(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.chaos.nursery", self._program),
            env={**SAME_PACKAGES, "PATH": os.environ["PATH"]},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LONGEST_LINE,
        )
        assert self._process.stdout is not None
        self._listening = asyncio.create_task(self._listen(self._process.stdout))

    async def _listen(self, words: asyncio.StreamReader) -> None:
        async for line in words:
            match _news(line):
                case {"nursery": "born", "pid": int(pid)}:
                    self._life = Life(pid)
                    assert self._born is not None
                    self._born.set_result(self._life)
                case {"nursery": "ended", "code": int(code)}:
                    assert self._life is not None
                    self._life.ended(code)
                case _:
                    self._hear(line)
        if self._life is not None and self._life.code is None:
            self._life.ended(-signal.SIGKILL)


def _news(line: bytes) -> dict[str, Any] | None:
    if not line.startswith(b'{"nursery"'):
        return None
    said: dict[str, Any] = json.loads(line)
    return said


def main() -> None:
    """Load, then a life for each line of the input, one after the other."""
    program = importlib.import_module(sys.argv[1])
    for name in LOADED:
        with contextlib.suppress(ImportError):  # uvloop, where there is none
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the campaign's
    for line in sys.stdin:
        wish = json.loads(line)
        pid = os.fork()
        if not pid:
            os.chdir(wish["folder"])
            _become(program.main, wish["command"], wish["variables"])
        _say({"nursery": BORN, "pid": pid})
        _say({"nursery": ENDED, "code": _end_of(pid)})


def _end_of(pid: int) -> int:
    """The exit code of that life, which ends with the campaign at the latest."""
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # so that `told` is written to
    signal.set_wakeup_fd(told)
    try:
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            ready, _, _ = select.select([heard, sys.stdin.fileno()], [], [])
            if heard in ready:
                os.read(heard, 1)
            else:  # nothing is asked for during a life, so nobody is there any more
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                sys.exit(1)
    finally:
        signal.set_wakeup_fd(-1)
        os.close(heard)
        os.close(told)


def _become(life: Callable[[], None], command: str, variables: Mapping[str, str]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    os.environ.clear()
    os.environ.update(variables)
    sys.argv[1:] = [command]
    code = 1
    try:
        life()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 # a fork never returns to what it was made from
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _say(what: Mapping[str, object]) -> None:
    """A line of its own, even after one that death cut short."""
    os.write(sys.stdout.fileno(), b"\n" + json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main()
