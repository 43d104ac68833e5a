"""The one command handler, for all streams: load, fold, decide, append."""

from collections.abc import Sequence
from datetime import datetime
from functools import reduce

from domain.errors import StreamMovedOn
from domain.event import Append, Appended, C, Decider, E, Metadata, S
from domain.ports.event_store import EventStore

ATTEMPTS = 3  # a third writer in the same instant is a bug, not a race


async def handle(
    store: EventStore,
    decider: Decider[C, S, E],
    stream: str,
    command: C,
    *,
    metadata: Metadata,
    now: datetime,
    key: str | None = None,
    claims: Sequence[str] = (),
    releases: Sequence[str] = (),
) -> Appended:
    """Run `command` against `stream`; return where the stream stands afterwards.

    `position` is 0 when the command changed nothing.

    Raises:
        RuleViolation: the decider refused; nothing was written.
        StreamMovedOn: other writers won `ATTEMPTS` times in a row.
    """
    attempts = ATTEMPTS
    while True:
        history = await store.read(stream)
        state = reduce(decider.evolve, history.events, decider.initial)  # type: ignore[arg-type]
        events = decider.decide(command, state)
        if not events:
            return Appended(position=0, version=history.version)
        try:
            return await store.append(
                Append(
                    stream=stream,
                    events=events,
                    metadata=metadata,
                    occurred_at=now,
                    expected=history.version,
                    key=key,
                    claims=claims,
                    releases=releases,
                )
            )
        except StreamMovedOn:
            if (attempts := attempts - 1) == 0:
                raise
