"""Decide again what waits, after a mapping was changed: as a run would, without writing.

Nothing is looked for in Zammad and nothing is sent to Kimai. What comes out as to be written is
written by the next run for its day.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NoReturn

from domain.errors import LedgerError
from domain.event import Actor, Append, Metadata
from domain.ids import EntryId, PlanId, waiting_stream
from domain.ports.known_entries import Unsettled
from domain.rules.configuration import Configuration
from domain.sync.entries import Live
from domain.sync.limits import LIMITS, Limits
from domain.sync.ports import Ports
from domain.sync.preparing import Order, prepare
from domain.sync.tally import Tally
from domain.sync.waiting import DECIDED_AGAIN
from domain.sync.writing import Withheld
from domain.sync_run.events import Counters
from domain.target_item.values import Creation
from domain.time_entry.events import EntryDecided, TimeEntryEvent
from domain.time_entry.standing import EntryState
from domain.time_entry.values import Outcome, ReasonCode
from domain.waiting.events import WaitingDecided

PAGE = 1_000  # events of the ledger read together
BECAME = {Outcome.HOLD: EntryState.CONFLICT, Outcome.LEAVE: EntryState.IGNORED}
ACTOR = Actor(kind="service", name="sync")
# the other reasons come before any mapping is asked: no row of them is the answer
ANSWERED = DECIDED_AGAIN - {
    ReasonCode.UNIT_UNKNOWN,
    ReasonCode.NEGATIVE_TIME,
    ReasonCode.TICKET_UNREADABLE,
    ReasonCode.SOURCE_DELETED,
    ReasonCode.SOURCE_CHANGED_AFTER_EXPORT,
}


def waits_for_a_mapping(item: Unsettled) -> bool:
    """Whether another mapping may be the answer to what keeps this entry from being at rest."""
    match item.state:
        case EntryState.PENDING | EntryState.IGNORED:
            return True
        case EntryState.CONFLICT:
            return item.reason in ANSWERED
        case _:
            return False


async def decide_waiting(
    position: int, configuration: Configuration, ports: Ports, *, limits: Limits = LIMITS
) -> WaitingDecided | None:
    """Decide again because of the change at `position`; record how many that were, and return it.

    None, and nothing recorded, when all of them had been decided with today's mappings already.
    A peer or a ledger that fails ends it early; that is recorded, too. Called again after a call
    that died, it counts what that one had decided. At most one call per pair of connectors at a
    time: the caller holds the lock that runs hold.

    Raises LedgerError: the ledger could not be read, or could not take the record.
    """
    metadata = Metadata(
        actor=ACTOR, correlation_id=f"waiting-{position}", causation_position=position
    )
    became = await _untold(position, metadata.correlation_id, ports)

    def witness(live: Live, events: Sequence[TimeEntryEvent]) -> None:
        if live.state is not None and any(isinstance(event, EntryDecided) for event in events):
            became[live.entry_id] = live.state.standing.state

    tally = Tally(clock=ports.clock, report=_to_nobody, last=ports.clock.now())
    order = Order(
        number=position,
        start_date=None,
        end_date=None,
        hold=_left_to_a_run,
        witness=witness,
        creation_gate=_made_by_a_run,
    )
    crossing = prepare(order, configuration, ports, limits, tally, metadata)
    error = None
    try:
        await crossing.decide_waiting(waits_for_a_mapping)
    except LedgerError as failed:
        error = str(failed)
    if error is None and tally.problems:
        error = tally.problems_text()
    if error is None and tally.remarks:
        error = "; ".join(tally.remarks)
    if error is None and not became:
        return None
    event = _counted(became, configuration, error)
    await _record(event, ports, metadata)
    return event


async def _untold(position: int, correlation_id: str, ports: Ports) -> dict[EntryId, EntryState]:
    """What was decided because of that change already, and is in no record yet."""
    became: dict[EntryId, EntryState] = {}
    head = await ports.ledger.head()
    while position < head and (page := await ports.ledger.page(position, PAGE)):
        for recorded in page:
            if recorded.metadata.correlation_id != correlation_id:
                continue
            match recorded.event:
                case EntryDecided(entry_id=entry, outcome=outcome):
                    became[entry] = BECAME.get(outcome, EntryState.PENDING)
                case WaitingDecided():
                    became.clear()
        position = page[-1].position
    return became


def _counted(
    became: dict[EntryId, EntryState], configuration: Configuration, error: str | None
) -> WaitingDecided:
    states = Counter(became.values())
    held = states[EntryState.CONFLICT]
    to_write = states[EntryState.PENDING]
    return WaitingDecided(
        connector_id=configuration.source,
        to_write=to_write,
        held=held,
        left=len(became) - held - to_write,
        error=error,
    )


async def _record(event: WaitingDecided, ports: Ports, metadata: Metadata) -> None:
    stream = waiting_stream(event.connector_id)
    history = await ports.ledger.read(stream)
    command = Append(
        stream=stream,
        events=[event],
        metadata=metadata,
        occurred_at=ports.clock.now(),
        expected=history.version,
    )
    await ports.ledger.append(command)


async def _to_nobody(_phase: str, _done: int, _total: int, _counters: Counters) -> None:
    """Nobody watches."""


async def _left_to_a_run(entries: Sequence[EntryId]) -> PlanId:
    raise AssertionError(f"deletions are a run's, not a mapping's: {entries[:3]}")


def _made_by_a_run(_entries: Sequence[EntryId], _creations: Sequence[Creation]) -> NoReturn:
    raise Withheld
