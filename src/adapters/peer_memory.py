"""What was read once in a run is not read again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class OncePer(Generic[K, V]):
    """A value per key, fetched once even when many ask at the same time.

    A failed fetch is not remembered: it is raised to its caller and the next one tries again.
    """

    def __init__(self) -> None:
        self._values: dict[K, V] = {}
        self._locks: dict[K, asyncio.Lock] = {}

    def put(self, key: K, value: V) -> None:
        """Remember what came along with another answer."""
        self._values[key] = value

    def forget(self, key: K) -> None:
        """Fetch it anew when it is next asked for."""
        self._values.pop(key, None)

    def known(self, key: K) -> bool:
        """Whether `get` would answer without fetching."""
        return key in self._values

    async def get(self, key: K, fetch: Callable[[], Awaitable[V]]) -> V:
        """The remembered value, or the fetched one."""
        if key not in self._values:
            async with self._locks.setdefault(key, asyncio.Lock()):
                if key not in self._values:
                    self._values[key] = await fetch()
            self._locks.pop(key, None)
        return self._values[key]
