"""A clock that a test sets ahead."""

import asyncio
from datetime import UTC, datetime, timedelta


class AheadClock:
    """The machine's time, and what a test adds to it."""

    def __init__(self, ahead: timedelta = timedelta(0)) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
