"""Small integers for people: the next free number of a kind, found without a counter table."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from domain.errors import LedgerError
from domain.ports.event_store import EventStore

T = TypeVar("T")
TRIES = 50  # so many writers added one of the same kind at the same instant


class NumberTaken(LedgerError):
    """Somebody else was quicker; the next number may be free."""


async def first_free(store: EventStore, stream: Callable[[int], str]) -> int:
    """The lowest number whose stream is empty, given that numbers are handed out without gaps.

    Doubles until it meets an empty stream, then halves: 20 reads for a thousand.
    """
    taken, free = 0, 1
    while await store.read_recorded(stream(free), limit=1):
        taken, free = free, free * 2
    while free - taken > 1:
        middle = (taken + free) // 2
        if await store.read_recorded(stream(middle), limit=1):
            taken = middle
        else:
            free = middle
    return free


async def with_next_number(
    store: EventStore, stream: Callable[[int], str], add: Callable[[int], Awaitable[T]]
) -> tuple[int, T]:
    """Call `add` with free numbers until one is not taken meanwhile; return it and the answer.

    `add` raises NumberTaken when the stream turns out to exist.
    """
    number = await first_free(store, stream)
    for _ in range(TRIES):
        try:
            return number, await add(number)
        except NumberTaken:
            number += 1
    raise NumberTaken(f"{TRIES} numbers up to {stream(number)} were taken meanwhile")
