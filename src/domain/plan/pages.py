"""The rows of a plan, kept and read a page at a time: no plan is ever held in memory whole."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from domain.event import Append, Metadata
from domain.ids import PlanId, plan_rows_stream
from domain.minutes import minutes_of
from domain.plan.digest import RowsDigest
from domain.plan.events import PlanRowsListed
from domain.plan.values import PAGE, Action, Counts, Minutes, PlanRow
from domain.ports.clock import Clock
from domain.ports.event_store import EventStore


@dataclass
class RowsWriter:
    """Takes rows as they come and keeps full pages; one writer per plan.

    `version` is that of the stream of rows, where the first page is to follow.
    """

    ledger: EventStore
    clock: Clock
    plan_id: PlanId
    metadata: Metadata
    version: int
    rows: int = 0
    counted: Counter[Action] = field(default_factory=Counter)
    _minutes: Counter[Action] = field(default_factory=Counter)
    _digest: RowsDigest = field(default_factory=RowsDigest)
    _waiting: list[PlanRow] = field(default_factory=list)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def digest(self) -> str:
        return self._digest.text

    def take(self, row: PlanRow) -> None:
        """Add a row; it is kept with the next `keep`. Rows come in the order of their numbers."""
        self.rows += 1
        self.counted[row.action] += 1
        self._digest.add(row)
        self._waiting.append(row)
        if row.minutes is not None:
            before = minutes_of(row.before.duration) if row.before is not None else Decimal(0)
            changes = row.action is Action.UPDATE
            self._minutes[row.action] += row.minutes - before if changes else row.minutes  # type: ignore[assignment] # a Counter of decimals

    def counts(self, *, unchanged: int = 0, skip: int = 0) -> Counts:
        """By action; the two numbers also count entries without a row."""
        counts = {action.value: self.counted[action] for action in Action}
        counts["unchanged"] = max(counts["unchanged"], unchanged)
        counts["skip"] = max(counts["skip"], skip)
        return Counts(**counts)

    def minutes(self) -> Minutes:
        changing = (Action.CREATE, Action.UPDATE, Action.DELETE)
        return Minutes(**{a.value: Decimal(self._minutes[a]) for a in changing})

    async def keep(self, *, everything: bool = False) -> None:
        """Store the full pages, and with `everything` the last one, too.

        Raises StreamMovedOn when somebody else writes the same plan.
        """
        async with self._one_at_a_time:
            await self._keep(everything=everything)

    async def _keep(self, *, everything: bool) -> None:
        while len(self._waiting) >= (1 if everything else PAGE):
            page, self._waiting = self._waiting[:PAGE], self._waiting[PAGE:]
            done = await self.ledger.append(
                Append(
                    stream=plan_rows_stream(self.plan_id),
                    events=[PlanRowsListed(plan_id=self.plan_id, rows=tuple(page))],
                    metadata=self.metadata,
                    occurred_at=self.clock.now(),
                    expected=self.version,
                )
            )
            self.version = done.version


async def pages(
    ledger: EventStore, plan_id: PlanId, rows_after: int, *, first: int = 1
) -> AsyncGenerator[Sequence[PlanRow], None]:
    """Rows from number `first` on, a page at a time, in order."""
    version = rows_after + (first - 1) // PAGE
    stream = plan_rows_stream(plan_id)
    while found := await ledger.read_recorded(stream, after_version=version, limit=1):
        version = found[-1].version
        event = found[-1].event
        assert isinstance(event, PlanRowsListed)
        yield [row for row in event.rows if row.row >= first]


async def digest_of(ledger: EventStore, plan_id: PlanId, rows_after: int) -> str:
    """The digest of the rows as they are kept now."""
    digest = RowsDigest()
    async for page in pages(ledger, plan_id, rows_after):
        for row in page:
            digest.add(row)
    return digest.text
