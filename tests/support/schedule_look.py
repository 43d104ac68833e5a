"""A process that sees to the schedule once, at a given instant: for races of real processes.

    python -m tests.support.schedule_look DSN INSTANT

Prints a line when it is ready, looks when it is given one, and ends when the runs in its hands
have ended and standard input is closed.
"""

import asyncio
import sys
from datetime import datetime

from api.scheduling import Scheduling
from tests.support.service import running_service


class Stopped:
    """A clock that stands."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def main(dsn: str, instant: str) -> None:
    async with running_service(dsn, clock=Stopped(datetime.fromisoformat(instant))) as service:
        print("ready", flush=True)  # noqa: T201 - the protocol
        await asyncio.to_thread(sys.stdin.readline)
        await Scheduling(service.own).look()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
