"""Read on while the last page is still being worked on."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


async def read_ahead(source: AsyncGenerator[T, None], size: int) -> AsyncGenerator[T, None]:
    """What `source` gives, in its order, with at most `size` items prepared in advance."""
    queue: asyncio.Queue[T | None] = asyncio.Queue(size)

    async def fill() -> None:
        try:
            async with aclosing(source):
                async for item in source:
                    await queue.put(item)
        finally:
            # a full queue is emptied by the reader; a cancelled one has nobody left to tell
            if not (task.cancelled() or task.cancelling()):
                await queue.put(None)

    task = asyncio.create_task(fill())
    try:
        while (item := await queue.get()) is not None:
            yield item
        await task
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # raised above already, or nobody is left to hear of it
