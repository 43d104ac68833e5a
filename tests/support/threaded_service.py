"""A running service in a loop of its own, for tests that call it from outside any loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from api.identity import account_of
from tests.support.service import Service, running_service
from tests.support.two_peers import TwoPeers, connect, two_peers

T = TypeVar("T")


@dataclass
class Threaded:
    """The service and its peers; `call` runs something in their loop and waits for it."""

    service: Service
    peers: TwoPeers
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        return self.service.url

    def call(self, work: Callable[[], Awaitable[T]]) -> T:
        async def worked() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(worked(), self.loop).result(120)

    def token(self, user_id: int) -> str:
        """A login of the account as it is now, whatever became of its password."""
        own = self.service.own

        async def issued() -> str:
            account = await account_of(own, user_id)
            assert account is not None
            text, _ = own.tokens.issue(
                username=account.username.value or "",
                user_id=user_id,
                generation=account.generation,
                now=own.clock.now(),
            )
            return text

        return self.call(issued)


@contextmanager
def threaded_service(dsn: str, bookings: int = 10) -> Iterator[Threaded]:
    """A service connected to both sandbox peers, on the migrated database `dsn`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="service", daemon=True)
    thread.start()
    stack = AsyncExitStack()

    async def started() -> Threaded:
        peers = await stack.enter_async_context(two_peers(bookings))
        service = await stack.enter_async_context(running_service(dsn))
        await connect(service, peers)
        return Threaded(service, peers, loop)

    try:
        yield asyncio.run_coroutine_threadsafe(started(), loop).result(120)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(120)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
