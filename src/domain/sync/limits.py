"""How hard a run tries, each with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Numbers that a deployment or a test may want otherwise."""

    writers: int = 8  # as many as Kimai is asked at once: a small server queues no more than that
    readers: int = 8  # requests to Zammad at once, for the same reason
    ahead: int = 2  # intents recorded per writer while it waits: hides the ledger behind the peer
    chunk: int = 100  # bookings observed together: one batch of tickets, one transaction
    first_chunk: int = 24  # of a run: enough for the writers until the next one is there
    waiting: int = 400  # decided bookings held in memory until a writer is free
    # A request may still be at work in Kimai after we stopped waiting. PHP ends it after 30 s by
    # default (max_execution_time), web servers in front of it after 60 s; then nothing can land.
    request_limit: timedelta = timedelta(seconds=60)
    attempts: int = 3  # tries per entry and run; later runs go on where this one stopped
    pause: float = 1.0  # seconds before the second try, doubled for each further one
    longest_pause: float = 30.0  # seconds; a peer that asks for more is left to the next run
    dead_letter_after: int = 10  # writes without effect, over several runs
    unreadable_tickets: int = 200  # asked for again per run, all in one request
    refused_entries: int = 200  # looked at again per run: each is a stream to read
    # Kimai's clock may differ from ours, and what it is saving may become visible a little later
    poll_overlap: timedelta = timedelta(minutes=5)
    # deletions and export runs leave no trace in "modified": a day is how late they may be noticed
    list_every: timedelta = timedelta(hours=24)
    # so many of ours that Kimai neither lists nor shows are one lost permission, not one each
    lost_together: int = 100
    duplicates: int = 200  # looked at again per run: their surplus timesheets are read one by one
    # timesheets near each other that are looked at with one request before they are changed; for
    # fewer of them it saves little, and each alone is looked at later
    together: int = 8
    ledger_attempts: int = 8  # tries of one append: a restarting database takes some seconds


LIMITS = Limits()


def share(items: Sequence[T], most: int, turn: int) -> Sequence[T]:
    """At most `most` of them, another part of them with each turn."""
    if len(items) <= most:
        return items
    start = turn * most % len(items)
    return [*items, *items][start : start + most]
