"""Everything a run needs from outside."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from domain.ports.clock import Clock
from domain.ports.event_store import EventStore
from domain.ports.known_entries import KnownEntries
from domain.ports.ticket_system import TicketSystem
from domain.ports.timesheets import Timesheets


async def nothing_more() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """`jitter` gives numbers in [0, 1) that spread repeated tries.

    `before_end` is awaited when all requests are made and the end of a run is about to be recorded.
    """

    ledger: EventStore
    known: KnownEntries
    tickets: TicketSystem
    timesheets: Timesheets
    clock: Clock
    jitter: Callable[[], float]
    before_end: Callable[[], Awaitable[None]] = nothing_more
