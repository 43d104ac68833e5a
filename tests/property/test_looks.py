"""However deliveries, looks, other runs and crashes fall together: nothing announced is missed.

The looker is the real one, on a ledger in memory; the views are folds of it. A run is its events.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.memory import MemoryClock, MemoryEventStore
from api.looking import Looker
from api.services import Services, connectors_of
from domain.catalogue import ALL
from domain.connector.events import ConnectorAdded
from domain.delivery.commands import RequestReplay
from domain.delivery.decide import DELIVERY
from domain.delivery.events import WebhookDeliveryProcessed, WebhookDeliveryReceived
from domain.event import Actor, Append, Appended, Metadata
from domain.handling import handle, state_of
from domain.ids import (
    ConnectorId,
    RunId,
    connector_stream,
    delivery_stream,
    run_of,
    run_stream,
)
from domain.sync_run.commands import (
    CancelRun,
    CompleteRun,
    FailRun,
    QueueRun,
    RunCommand,
    StartRun,
)
from domain.sync_run.decide import ACTIVE_RUN, SYNC_RUN, Run, holds
from domain.sync_run.events import (
    Cause,
    Counters,
    SyncRunCompleted,
    SyncRunFailed,
    SyncRunQueued,
    SyncRunStarted,
)
from projections import deliveries, sync_runs
from projections.projection import rows_after

TICKETS = (50, 51, 52)
ENDED = ("completed", "failed", "cancelled")
METADATA = Metadata(actor=Actor(kind="system", name="test"), correlation_id="test")
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
PATIENCE = 400  # steps until everything has to be told


class Crash(BaseException):
    """The process dies."""


class Ledger(MemoryEventStore):
    """One whose process may die before or after an append."""

    dies_in: int | None = None
    after = False

    async def append(self, command: Append) -> Appended:
        if self.dies_in is None:
            return await super().append(command)
        self.dies_in -= 1
        if self.dies_in >= 0:
            return await super().append(command)
        if self.after:
            await super().append(command)
        raise Crash

    async def holder(self, claims: Sequence[str]) -> str | None:
        return next((self._claims[claim] for claim in claims if claim in self._claims), None)


@dataclass
class Views:
    """`Deliveries` and what of the projections is asked, as folds."""

    store: Ledger

    async def wait_for(self, _position: int, *, within: float) -> bool:
        assert within > 0
        return True

    async def rows(self) -> list[deliveries.Row]:
        history = await self.store.page(0, 100_000)
        return list(rows_after(deliveries.PROJECTION, history).values())

    async def runs(self) -> list[sync_runs.Row]:
        history = await self.store.page(0, 100_000)
        rows = rows_after(sync_runs.PROJECTION, history).values()
        return sorted(
            (row for row in rows if row.trigger_type == "webhook"), key=lambda row: row.run_id
        )

    async def _waiting(self) -> list[deliveries.Row]:
        return [row for row in await self.rows() if row.status == "received"]

    async def due(self) -> datetime | None:
        return min((row.again_at or NEVER for row in await self._waiting()), default=None)

    async def waiting(self, now: datetime, *, limit: int) -> list[deliveries.Row]:
        due = [row for row in await self._waiting() if (row.again_at or NEVER) <= now]
        return sorted(due, key=lambda row: row.asked_at)[:limit]

    async def covered(self, run: Run, before: int) -> list[deliveries.Row]:
        return [
            row
            for row in await self._waiting()
            if row.ticket_id in (run.ticket_ids or ())
            and row.asked_at < before
            and (row.run_id is None or row.run_id < run.run_id)
        ]

    async def ended_looks(self, *, limit: int) -> list[RunId]:
        oldest = min((row.receipt for row in await self._waiting()), default=None)
        if oldest is None:
            return []
        ended = [row for row in await self.runs() if row.state in ENDED and row.position > oldest]
        return [RunId(row.run_id) for row in ended][-limit:]

    async def last_look(self) -> datetime | None:
        runs = await self.runs()
        return runs[-1].begun_at if runs else None


@dataclass
class Town:
    """A service whose peers are events."""

    clock: MemoryClock = field(default_factory=MemoryClock)
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Ledger(ALL, now=self.clock.now)
        self.views = Views(self.store)
        own = SimpleNamespace(
            store=self.store,
            projections=self.views,
            deliveries=self.views,
            clock=self.clock,
            connectors=lambda: connectors_of(self.store),
            active_connectors=lambda: connectors_of(self.store),
        )
        self.looker = Looker(cast("Services", own))

    async def begin(self) -> None:
        for number, kind in ((1, "zammad"), (2, "kimai")):
            added = ConnectorAdded(
                connector_id=ConnectorId(number),
                kind=kind,
                name=kind,
                base_url=f"https://{kind}/",
                is_active=True,
                settings={},
                token_fingerprint="x",
            )
            await self._append(connector_stream(ConnectorId(number)), added)

    async def _append(self, stream: str, event: Any) -> None:
        now = self.clock.now()
        await self.store.append(
            Append(stream=stream, events=[event], metadata=METADATA, occurred_at=now, expected=None)
        )

    async def deliver(self, ticket: int) -> None:
        name = f"d{len(self.names)}"
        self.names.append(name)
        received = WebhookDeliveryReceived(
            delivery_id=name,
            connector_id=ConnectorId(1),
            ticket_id=ticket,
            article_id=None,
            trigger=None,
            body_digest="",
            size=0,
        )
        await self._append(delivery_stream(name), received)

    async def replay(self, number: int) -> None:
        if self.names:
            name = self.names[number % len(self.names)]
            (first, *_) = await self.store.read_recorded(delivery_stream(name))
            wish = RequestReplay(receipt=first.position)
            now = self.clock.now()
            await handle(
                self.store, DELIVERY, delivery_stream(name), wish, metadata=METADATA, now=now
            )

    async def look(self) -> None:
        """A job; what it says of the next one, the steps that follow do."""
        await self.looker.look(0)

    async def dies(self, in_appends: int, *, after: bool) -> None:
        self.store.dies_in, self.store.after = in_appends, after
        try:
            await self.look()
        except Crash:
            pass
        finally:
            self.store.dies_in = None

    async def active(self) -> Run | None:
        holder = await self.store.holder([ACTIVE_RUN])
        return None if holder is None else await state_of(self.store, SYNC_RUN, holder)

    async def tell(self, run_id: RunId, command: RunCommand) -> None:
        now, stream = self.clock.now(), run_stream(run_id)
        await handle(self.store, SYNC_RUN, stream, command, metadata=METADATA, now=now, holds=holds)

    async def start(self) -> None:
        run = await self.active()
        if run is not None and run.state == "queued":
            await self.tell(run.run_id, StartRun())

    async def end(self, command: RunCommand) -> None:
        run = await self.active()
        if run is None:
            return
        if isinstance(command, FailRun) and command.ticket_ids:
            some = [t for t in command.ticket_ids if t in (run.ticket_ids or ())]
            command = replace(command, ticket_ids=tuple(some))
        if isinstance(command, CompleteRun) and run.state == "queued":
            return
        await self.tell(run.run_id, command)
        if isinstance(command, CancelRun) and run.state == "running":
            await self.tell(run.run_id, FailRun(error="stopped"))

    async def round(self, command: RunCommand, meanwhile: Sequence[int]) -> None:
        """A look from its wish to its end, and deliveries that come while it goes on."""
        await self.end(FailRun(error="broke off"))
        self.clock.advance(timedelta(seconds=30))
        await self.look()
        await self.start()
        for ticket in meanwhile:
            await self.deliver(ticket)
        await self.end(command)

    async def ordinary(self) -> None:
        if await self.active() is None:
            number = 1
            while await self.store.read_recorded(run_stream(RunId(number)), limit=1):
                number += 1
            wish = QueueRun(
                run_id=RunId(number),
                trigger="manual",
                cause=Cause(kind="user", name="alice"),
                source_connector_id=ConnectorId(1),
                target_connector_id=ConnectorId(2),
                start_date=None,
                end_date=None,
            )
            await self.tell(RunId(number), wish)

    async def both_look(self) -> None:
        """Two processes at once."""
        await asyncio.gather(self.look(), self.look())

    async def calms_down(self) -> None:
        """Peers are well, nobody dies, and nobody asks for anything any more."""
        for _ in range(PATIENCE):
            self.clock.advance(timedelta(minutes=2))
            await self.start()
            await self.end(CompleteRun(counters=Counters(), watermark=None))
            await self.look()
            if await self.views.due() is None and await self.active() is None:
                return
        raise AssertionError("something waits for ever")

    async def check(self) -> None:
        """Every claim that something was looked at is true."""
        history = await self.store.page(0, 100_000)
        began = {
            each.event.run_id: each.position
            for each in history
            if isinstance(each.event, SyncRunStarted)
        }
        failed = {
            each.event.run_id: each.event.ticket_ids
            for each in history
            if isinstance(each.event, SyncRunFailed)
        }
        looked = {
            each.event.run_id: each.event.ticket_ids or ()
            for each in history
            if isinstance(each.event, SyncRunQueued)
        }
        completed = {e.event.run_id for e in history if isinstance(e.event, SyncRunCompleted)}
        rows = {row.delivery_id: row for row in await self.views.rows()}
        for each in history:
            if not isinstance(each.event, WebhookDeliveryProcessed):
                continue
            row, run = rows[each.event.delivery_id], each.event.run_id
            assert row.ticket_id in looked[run]
            assert run in completed or (failed[run] and row.ticket_id not in failed[run])
            if each.event.asked == row.asked:
                assert began[run] > row.asked_at, "the look began before it was asked for"

    async def check_the_end(self) -> None:
        await self.check()
        for row in await self.views.rows():
            assert row.status in ("processed", "failed")
            assert row.status == "processed" or row.failures > 0


TICKET = st.sampled_from(TICKETS)
DONE = CompleteRun(counters=Counters(), watermark=None)
ENDS = st.sampled_from(
    (
        DONE,
        FailRun(error="away"),
        FailRun(error="refused", ticket_ids=(50,)),
        FailRun(error="refused", ticket_ids=(50, 51)),
        CancelRun(),
    )
)
STEPS = st.one_of(
    st.tuples(st.just("round"), ENDS, st.lists(TICKET, max_size=2)),
    st.tuples(st.just("deliver"), TICKET),
    st.tuples(st.just("deliver"), TICKET),
    st.tuples(st.just("look")),
    st.tuples(st.just("look")),
    st.tuples(st.just("both_look")),
    st.tuples(st.just("start")),
    st.tuples(st.just("end"), ENDS),
    st.tuples(st.just("ordinary")),
    st.tuples(st.just("replay"), st.integers(0, 9)),
    st.tuples(st.just("dies"), st.integers(0, 4)),
    st.tuples(st.just("dies_after"), st.integers(0, 4)),
    st.tuples(st.just("wait"), st.integers(0, 90)),
)


async def story(steps: Sequence[tuple[Any, ...]]) -> None:
    town = Town()
    await town.begin()
    for name, *arguments in steps:
        match name:
            case "dies" | "dies_after":
                await town.dies(arguments[0], after=name == "dies_after")
            case "wait":
                town.clock.advance(timedelta(seconds=arguments[0]))
            case _:
                await getattr(town, name)(*arguments)
    await town.check()
    await town.calms_down()
    await town.check_the_end()


@given(st.lists(STEPS, max_size=20))
@settings(deadline=None, max_examples=200)
def test_the_last_delivery_of_each_ticket_is_followed_by_a_look_that_began_after_it(
    steps: list[tuple[Any, ...]],
) -> None:
    asyncio.run(story(steps))


def test_a_burst_for_one_ticket_collapses_into_one_look() -> None:
    async def burst() -> None:
        town = Town()
        await town.begin()
        for _ in range(50):
            await town.deliver(50)
        await town.look()
        await town.start()
        await town.deliver(50)
        await town.end(DONE)
        await town.calms_down()
        assert len(await town.views.runs()) == 2, "one for the burst, one for what came during it"
        await town.check_the_end()
        last = max(await town.views.rows(), key=lambda row: row.receipt)
        assert last.run_id == run_of(run_stream(RunId(2)))

    asyncio.run(burst())
