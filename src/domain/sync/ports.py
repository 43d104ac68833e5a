"""Everything a run needs from outside."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.ports.clock import Clock
from domain.ports.event_store import EventStore
from domain.ports.known_entries import KnownEntries
from domain.ports.ticket_system import TicketSystem
from domain.ports.timesheets import Timesheets


@dataclass(frozen=True, kw_only=True)
class Ports:
    """`jitter` gives numbers in [0, 1) that spread repeated tries."""

    ledger: EventStore
    known: KnownEntries
    tickets: TicketSystem
    timesheets: Timesheets
    clock: Clock
    jitter: Callable[[], float]
