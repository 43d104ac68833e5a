"""Waiting for what happens by itself."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable


async def until(holds: Callable[[], bool | Awaitable[bool]], within: float = 60.0) -> None:
    """Look again and again; TimeoutError when it does not hold `within` so many seconds."""
    async with asyncio.timeout(within):
        while True:
            held = holds()
            if await held if inspect.isawaitable(held) else held:
                return
            await asyncio.sleep(0.05)
