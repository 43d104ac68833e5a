"""The parts of a crossing, put together: an ordinary run, a rehearsal of one, or a plan's."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date

from domain.event import Metadata
from domain.ids import EntryId, PlanId, RunId
from domain.rules.configuration import Configuration, Situation
from domain.sync.adopting import Adopter
from domain.sync.confirming import Confirmer
from domain.sync.crossing import Crossing
from domain.sync.discovering import Discoverer
from domain.sync.entries import Entries, Live, Witness, unseen
from domain.sync.judging import Judge
from domain.sync.limits import Limits
from domain.sync.looking import Look
from domain.sync.making import CreationGate, Maker, open_creation_gate
from domain.sync.netting import Netter
from domain.sync.ports import Ports
from domain.sync.reading import ContextReader
from domain.sync.refusing import Refusals
from domain.sync.stacking import Stacker
from domain.sync.tally import Tally
from domain.sync.target import Target
from domain.sync.target_items import TargetItems
from domain.sync.waiting import Waiting
from domain.sync.writing import Gate, Writer, open_gate

Hold = Callable[[Sequence[EntryId]], Awaitable[PlanId]]


async def _nothing_to_hold(entries: Sequence[EntryId]) -> PlanId:
    raise AssertionError(f"a plan holds no deletions back: {entries[:3]}")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a crossing is asked to do. The dates bound the work dates, inclusive.

    `number` spreads what can be looked at only in part over many runs. `only` are the entries it
    is limited to, `tickets` those of Zammad that are looked at, and with them their bookings.
    `hold` takes the deletions that are too many for a run by itself; None where a
    person looks at all of them in a plan; `deletable` are those that were looked at, None is all.
    `unit_anew`: only what was written with another unit is
    decided, with that of today. `run_id` is that of a real run, and `taken_up` says that another
    process had begun it. `witness`, `gate` and `creation_gate` look on and hold
    back: see `Entries`, `Writer` and `Maker`.
    """

    number: int
    start_date: date | None
    end_date: date | None
    only: AbstractSet[EntryId] | None = None
    tickets: AbstractSet[int] | None = None
    rehearsed: bool = False
    hold: Hold | None = None
    deletable: AbstractSet[EntryId] | None = None
    unit_anew: bool = False
    run_id: RunId | None = None
    taken_up: bool = False
    witness: Witness = unseen
    gate: Gate = open_gate
    creation_gate: CreationGate = open_creation_gate


def prepare(
    order: Order,
    configuration: Configuration,
    ports: Ports,
    limits: Limits,
    tally: Tally,
    metadata: Metadata,
) -> Crossing:
    """A crossing that has not begun."""
    entries = Entries(
        ledger=ports.ledger,
        clock=ports.clock,
        metadata=metadata,
        tally=tally,
        limits=limits,
        witness=order.witness,
    )
    zammad = asyncio.Semaphore(limits.readers)
    reader = ContextReader(tickets=ports.tickets, tally=tally, slots=zammad)
    kept: dict[EntryId, Live] | None = {} if order.rehearsed else None
    stacker = Stacker(
        ledger=ports.ledger,
        known=ports.known,
        clock=ports.clock,
        metadata=metadata,
        configuration=configuration,
        limits=limits,
        kept=kept,
    )
    adopter = Adopter(ports=ports, configuration=configuration)
    target = Target(timesheets=ports.timesheets, tag=configuration.kimai.entry_tag)
    writer = Writer(
        entries=entries,
        target=target,
        ports=ports,
        configuration=configuration,
        limits=limits,
        gate=order.gate,
    )
    items = TargetItems(
        ports=ports,
        configuration=configuration,
        limits=limits,
        metadata=metadata,
        tally=tally,
        sleep=writer.sleep,
        check_cancelled=writer.check_cancelled,
    )
    maker = Maker(
        items=items,
        kimai=configuration.kimai,
        limits=limits,
        tally=tally,
        check_cancelled=writer.check_cancelled,
        gate=order.creation_gate,
        rehearsed=order.rehearsed,
    )
    judge = Judge(
        situation=Situation(
            configuration=configuration,
            unit_anew=order.unit_anew,
            places=stacker.places,
            items=maker.found,
        ),
        stacker=stacker,
        maker=maker,
        tickets=ports.tickets,
        timesheets=ports.timesheets,
        limits=limits,
        start_date=order.start_date,
        end_date=order.end_date,
        only=order.only if order.tickets is None else frozenset(),
        approved=order.hold is None,
        deletable=order.deletable,
    )
    return Crossing(
        ports=ports,
        limits=limits,
        entries=entries,
        tally=tally,
        judge=judge,
        discoverer=Discoverer(
            ports=ports,
            configuration=configuration,
            tally=tally,
            limits=limits,
            slots=zammad,
            tickets=order.tickets,
        ),
        reader=reader,
        waiting=Waiting(
            run_id=order.number,
            judge=judge,
            entries=entries,
            reader=reader,
            limits=limits,
            refusals=Refusals(
                run_id=order.number,
                timesheets=ports.timesheets,
                entries=entries,
                clock=ports.clock,
                limits=limits,
            ),
        ),
        writer=writer,
        look=Look(
            ports=ports,
            limits=limits,
            entries=entries,
            judge=judge,
            target=target,
            turn=order.number,
            kept=kept,
        ),
        adopter=adopter,
        confirmer=Confirmer(ports=ports, metadata=metadata),
        netter=Netter(
            ports=ports,
            limits=limits,
            entries=entries,
            judge=judge,
            run_id=order.run_id,
            tickets=order.tickets,
            taken_up=order.taken_up,
            kept=kept,
        ),
        hold=order.hold or _nothing_to_hold,
        rehearsed=order.rehearsed,
    )
