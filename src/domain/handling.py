"""The one command handler, for all streams: load, fold, decide, append."""

from collections.abc import Callable
from datetime import datetime
from functools import reduce

from domain.errors import RuleViolation, StreamMovedOn
from domain.event import Append, Appended, C, Decider, E, Metadata, S
from domain.ports.event_store import EventStore

ATTEMPTS = 3  # a third writer in the same instant is a bug, not a race
NOTHING: frozenset[str] = frozenset()


async def state_of(store: EventStore, decider: Decider[C, S, E], stream: str) -> S:
    """What the stream's events make of its state; the initial one for a stream unknown."""
    history = await store.read(stream)
    return reduce(decider.evolve, history.events, decider.initial)  # type: ignore[arg-type] # its stream holds its events only


async def handle(
    store: EventStore,
    decider: Decider[C, S, E],
    stream: str,
    command: C,
    *,
    metadata: Metadata,
    now: datetime,
    key: str | None = None,
    holds: Callable[[S], frozenset[str]] | None = None,
    seen: int | None = None,
) -> Appended:
    """Run `command` against `stream`; return where the stream stands afterwards.

    `position` is 0 when the command changed nothing. `holds` names the unique values that a
    state occupies: those that the events add are claimed, those that they give up are released.
    `seen` is the version of the stream that the command rests on, where it rests on one.

    Raises:
        RuleViolation: the decider refused, or `stale_version`; nothing was written.
        AlreadyClaimed: a unique value belongs to another stream.
        StreamMovedOn: other writers won `ATTEMPTS` times in a row.
    """
    attempts = ATTEMPTS
    while True:
        history = await store.read(stream)
        if seen not in (None, history.version):
            raise RuleViolation("stale_version", f"It is at version {history.version} by now.")
        state = reduce(decider.evolve, history.events, decider.initial)  # type: ignore[arg-type] # its stream holds its events only
        events = decider.decide(command, state)
        if not events:
            return Appended(position=0, version=history.version)
        after = reduce(decider.evolve, events, state)
        before_holds, after_holds = (holds(state), holds(after)) if holds else (NOTHING, NOTHING)
        try:
            return await store.append(
                Append(
                    stream=stream,
                    events=events,
                    metadata=metadata,
                    occurred_at=now,
                    expected=history.version,
                    key=key,
                    claims=sorted(after_holds - before_holds),
                    releases=sorted(before_holds - after_holds),
                )
            )
        except StreamMovedOn:
            if (attempts := attempts - 1) == 0:
                raise
