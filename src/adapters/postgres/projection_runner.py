"""Keeps the views up to date with the ledger: one runner for all projections of a process.

Several processes may run it; a lock per projection decides who takes the next page. Projections
that stand at the same position share one read of a page and one transaction.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog

from adapters.collecting import collecting_seldom
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.projection_step import (
    Folded,
    Page,
    ProjectionStep,
    Session,
    Standing,
    ViewChanged,
    told,
)
from adapters.postgres.scrubbing import naming, scrub
from domain.errors import LedgerError
from domain.ids import PRIVACY_STREAM
from domain.privacy.events import SubjectErased
from projections.catalogue import ALL, TALLIES
from projections.projection import Projection
from projections.tally import Tally

log = structlog.get_logger(__name__)

PAGE = 1_000  # events per transaction
STRIDE = 4_000  # the same far behind, where nobody waits for the next one
POLL = 1.0  # seconds after which an idle runner looks for what others did
BREATH = 0.1  # seconds between pages while nobody waits: ten transactions a second are enough
PAUSE = 1.0  # seconds before another try when the database is away
TURN = 0.02  # seconds to wait while another process holds the lock
WAIT_POLL = 0.05  # seconds between looks at the checkpoints of other processes
PRUNE_EVERY = 64  # pages
REFUSALS = ("22", "23")  # SQLSTATE classes: a value does not fit, a row may not be


@dataclass(frozen=True)
class ProjectionStatus:
    """How far one view is behind.

    `error` says why it stands still; with `failed_at` it is that event, until somebody says retry
    or a service starts; without it the database or the log, which is tried again every second.
    """

    name: str
    version: int
    position: int
    lag: int
    failed_at: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Rebuilt:
    """A view made anew up to `position`; `same` when its rows equal those it had before."""

    name: str
    position: int
    rows: int
    same: bool


@dataclass(frozen=True)
class Storing:
    """A page on its way into the views."""

    page: Page
    folded: Folded
    task: asyncio.Task[bool]

    async def done(self) -> bool:
        """Whether it is stored; a refusal is not raised: who tries again finds whose it is."""
        try:
            return await self.task
        except Exception as error:
            if _refused(error) or isinstance(error, asyncpg.CharacterNotInRepertoireError):
                return False
            raise


class ProjectionRunner:
    """`run` follows the log for ever; `catch_up` goes to its end once."""

    def __init__(
        self,
        store: PostgresEventStore,
        projections: Sequence[Projection[Any]] = ALL,
        tallies: Sequence[Tally[Any]] = TALLIES,
    ) -> None:
        self._store = store
        self._pool = store.pool
        self._step = ProjectionStep(store.log_id, projections, tallies)
        self._standing: dict[str, Standing] = {}
        self._looked_at = 0.0
        self._moved = asyncio.Condition()
        self._asked = asyncio.Event()  # somebody waits for the newest events
        self._pages = 0
        self._trouble: str | None = None

    @property
    def names(self) -> Collection[str]:
        return self._step.versions.keys()

    async def run(self) -> None:
        """Follow the log until cancelled; outages of the database are waited out.

        What has stopped is tried once more: the program that starts may be able to take the event.
        Whatever else goes wrong is logged, shown by `status` and tried again: asyncpg has errors of
        its own for a session that dies in the middle of a COPY.
        """
        tried = False
        while True:
            try:
                if not tried:
                    await self._retry_stopped()
                    tried = True
                await self._follow()
            except Exception as error:  # noqa: BLE001 # the outermost edge of a background task
                self._trouble = told(error)
                log.warning("projections_wait", log_id=self._store.log_id, error=self._trouble)
            await asyncio.sleep(PAUSE)

    async def catch_up(self) -> int:
        """Bring all views to the present end of the log; return its position.

        A projection that has failed stays where it is: see `status`.
        """
        head = await self._store.head()
        await self._finish_erasures()
        await self._rebuild_outdated()
        await self._look()
        after = min((at.position for at in self._going().values()), default=head)
        with collecting_seldom():
            await self._run_through(_ahead(self._store.replay(after, head, limit=STRIDE)))
        return head

    async def wait_for(
        self, position: int, *, within: float, names: Collection[str] | None = None
    ) -> bool:
        """Whether the views contain everything up to `position`, now or `within` so many seconds.

        `names` are the views that matter, all by default. False at once when one of them has
        stopped before it.
        """
        wanted = self.names if names is None else names
        if any(self._at(name).position < position for name in wanted):
            await self._look()
        deadline = time.monotonic() + within
        while True:
            behind = [at for at in map(self._at, wanted) if at.position < position]
            if not behind:
                return True
            self._asked.set()
            if any(at.failed_at is not None for at in behind) or deadline <= time.monotonic():
                return False
            await self._news(min(WAIT_POLL, deadline - time.monotonic()))

    def _at(self, name: str) -> Standing:
        return self._standing.get(name, Standing(0))

    async def _news(self, seconds: float) -> None:
        """Wait for this process to move, and look at what others did if it does not."""
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait()
        except TimeoutError:
            if time.monotonic() - self._looked_at >= WAIT_POLL:
                await self._look()

    async def status(self) -> list[ProjectionStatus]:
        """How far each view is, from the database: also what other processes do is seen."""
        head = await self._store.head()
        await self._look()
        return [
            ProjectionStatus(
                name=name,
                version=self._step.versions[name],
                position=at.position,
                lag=max(0, head - at.position),
                failed_at=at.failed_at,
                error=at.error or self._trouble,
            )
            for name, at in self._standing.items()
        ]

    def obstacle(self) -> str:
        """Why the views are behind, for whoever waited for them in vain."""
        for name, at in self._standing.items():
            if at.failed_at is not None:
                return f"the view {name} stopped at event {at.failed_at}: see `timeledger views`"
        return "the views do not follow the ledger"

    async def retry(self, name: str) -> None:
        """Let a stopped projection try its event again; a running runner sees it in a second."""
        async with self._pool.acquire() as connection:
            await self._step.forgive(connection, name)
        await self._look()

    async def _retry_stopped(self) -> None:
        await self._look()
        for name in [name for name in self.names if name not in self._going()]:
            log.info("view_tried_again", view=name)
            await self.retry(name)

    async def rebuild(self, name: str) -> Rebuilt:
        """Make the view anew from event 1, in one transaction: readers see the old until the end.

        Raises:
            Exception: whatever the projection raises; the old view is still there then.
        """
        until = await self._store.head()
        await self._finish_erasures()  # of all that is folded here
        try:
            return await self._rebuild(name, until)
        except asyncpg.CharacterNotInRepertoireError:
            return await self._rebuild(name, until, without_nul=True)

    async def _rebuild(self, name: str, until: int, *, without_nul: bool = False) -> Rebuilt:
        async with self._pool.acquire() as connection, connection.transaction():
            before = await self._step.fingerprint(connection, name)
            await self._step.begin_again(connection, name)
            with collecting_seldom():
                after = await self._refill(connection, name, until, without_nul=without_nul)
            rows = await self._step.fingerprint(connection, name)
        log.info("view_rebuilt", view=name, position=after, rows=rows[0], same=rows == before)
        await self._note({name: Standing(after)})
        return Rebuilt(name=name, position=after, rows=rows[0], same=rows == before)

    async def _refill(
        self, connection: Session, name: str, until: int, *, without_nul: bool
    ) -> int:
        after = 0
        async for page in _ahead(self._store.replay(until=until, limit=PAGE)):
            folded = await self._step.fold(connection, [name], page)
            reached = folded.reached[name]
            if reached.error is not None:
                raise LedgerError(f"{name} stopped at {reached.failed_at}: {reached.error}")
            await self._step.store(connection, folded, without_nul=without_nul)
            self._step.keep(folded)
            after = reached.position
        return after

    async def _follow(self) -> None:
        await self._rebuild_outdated()
        await self._look()
        head = await self._store.head()
        await self.catch_up()
        coming = asyncio.ensure_future(anext(pages := self._store.subscribe(head)))
        try:
            while True:
                page: Page = ()
                if (await asyncio.wait({coming}, timeout=POLL))[0]:
                    page = coming.result()
                    head = page[-1].position
                    coming = asyncio.ensure_future(anext(pages))
                await self._bring_to(head, page)
                await self._breathe()
        finally:
            await _dropped(coming)

    async def _breathe(self) -> None:
        """Let events gather for a larger page, unless somebody waits for them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(
                BREATH
            ):  # wait_for would swallow a cancel that comes with it
                await self._asked.wait()
        self._asked.clear()

    async def _run_through(self, pages: AsyncIterator[Page]) -> None:
        """Fold each page while the one before is stored: the long way from far behind.

        Whatever is not as expected (another process, a row that the database refuses, views that
        stand at different positions) is left to `_bring_to`, which takes one page after the other.
        """
        before: Storing | None = None
        try:
            async for page in pages:
                folded = await self._fold_ahead(page, before)
                if not await self._finished(before):
                    folded = None  # it was folded upon what was not stored like that
                before = None
                if time.monotonic() - self._looked_at > POLL:
                    await self._look()
                if folded is not None and set(folded.reached) == set(self._at_once(folded.after)):
                    storing = asyncio.create_task(self._store_taken(folded))
                    before = Storing(page, folded, storing)
                else:
                    await self._bring_to(page[-1].position, page)
            await self._finished(before)
        finally:
            if before is not None:
                await _dropped(before.task)

    async def _finished(self, before: Storing | None) -> bool:
        """Whether the page was stored as it was folded; else it is brought in as any other."""
        if before is None or await before.done():
            return True
        await self._bring_to(before.page[-1].position, before.page)
        return False

    def _at_once(self, after: int) -> list[str]:
        """All views that are not stopped, if all of them stand at `after`."""
        going = self._going()
        return list(going) if all(at.position == after for at in going.values()) else []

    async def _fold_ahead(self, page: Page, before: Storing | None) -> Folded | None:
        names = before.folded.going if before else self._at_once(page[0].position - 1)
        if not names or erasures(page):
            return None
        async with self._pool.acquire() as connection:
            return await self._step.fold(
                connection, names, page, upon=before.folded if before else None
            )

    async def _store_taken(self, folded: Folded) -> bool:
        """Store what was folded; False when not all of the views are ours to move from there."""
        names = list(folded.reached)
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                ready, standing = await self._step.take(connection, names, folded.after)
                if len(ready) < len(names):
                    self._standing.update(standing)
                    return False
                await self._step.store(connection, folded)
            await self._stored(connection, folded)
        await self._note(folded.reached)
        return True

    async def _bring_to(self, head: int, page: Page) -> None:
        """Move every projection that is not stopped up to `head`; `page` is the newest part."""
        if time.monotonic() - self._looked_at > POLL:
            await self._look()
        while behind := {n: at.position for n, at in self._going().items() if at.position < head}:
            after = min(behind.values())
            names = [name for name, position in behind.items() if position == after]
            end = min((at for at in behind.values() if at > after), default=head)
            events = _part(page, after, min(end, after + PAGE))
            if not events:
                events = await self._store.page(after, min(PAGE, end - after))
            if not await self._advance(names, after, events):
                await asyncio.sleep(TURN)
                await self._look()

    async def _advance(self, names: Sequence[str], after: int, page: Page) -> bool:
        """Move the projections through the page; whether any of them was ours to move."""
        try:
            return await self._move(names, after, page)
        except asyncpg.CharacterNotInRepertoireError:
            return await self._move(names, after, page, without_nul=True)
        except Exception as error:
            if not _refused(error):
                raise
            return await self._isolate(names, after, page, error)

    async def _move(
        self, names: Sequence[str], after: int, page: Page, *, without_nul: bool = False
    ) -> bool:
        erased = erasures(page)
        naming_them = await self._erased(erased, page[-1].position) if erased else []
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                ready, standing = await self._step.take(connection, names, after)
                if not ready:
                    self._standing.update(standing)
                    return any(at.position != after for at in standing.values())
                folded = await self._step.fold(connection, ready, page)
                await self._step.store(connection, folded, without_nul=without_nul)
                for name, at in folded.reached.items() if erased else ():
                    await self._scrub(connection, name, naming_them, at.position)
            await self._stored(connection, folded)
            if erased:
                self._step.forget(folded.reached)
        await self._note({**standing, **folded.reached})
        if erased and len(self._going()) < len(self.names):
            await self._finish_erasures()
        return True

    async def _erased(self, erased: Sequence[SubjectErased], upto: int) -> list[int]:
        """Destroy the keys, if that was not done yet; the events that name these persons."""
        for event in erased:
            await self._store.erase(event.subject, upto=event.generation)
        return await naming(self._store, [event.subject for event in erased], upto)

    async def _scrub(
        self, connection: Session, name: str, positions: Sequence[int], upto: int
    ) -> None:
        table = self._step.tables[name]
        keys = await scrub(self._store, connection, table, positions, upto)
        log.info("view_scrubbed", view=name, rows=keys)

    async def _finish_erasures(self) -> None:
        """What was erased, and then somebody died: keys first, then what the log comes to.

        A view that stands still does not come to it, so it is scrubbed where it stands.
        """
        recorded = await self._store.read_recorded(PRIVACY_STREAM)
        erased = erasures(recorded)
        for event in erased:
            await self._store.erase(event.subject, upto=event.generation)
        if not erased:
            return
        async with self._pool.acquire() as connection:
            standing = await self._step.standing(connection, self.names)
        last = recorded[-1].position
        stopped = [n for n, at in standing.items() if at.failed_at and at.position < last]
        for name in stopped:
            upto = standing[name].position
            positions = await naming(self._store, [event.subject for event in erased], upto)
            async with self._pool.acquire() as connection, connection.transaction():
                await self._step.lock(connection, name)
                now = (await self._step.standing(connection, [name]))[name]
                if now.position == upto:
                    await self._scrub(connection, name, positions, upto)
            self._step.forget([name])

    async def _stored(self, connection: Session, folded: Folded) -> None:
        self._step.keep(folded)
        self._trouble = None
        self._pages += 1
        if self._pages % PRUNE_EVERY == 0:
            reached = {name: at.position for name, at in folded.reached.items()}
            await self._step.prune(connection, reached)

    async def _isolate(
        self, names: Sequence[str], after: int, page: Page, error: Exception
    ) -> bool:
        """The database refused a page: find whose row of which event it was, and stop only that."""
        if len(names) > 1:
            return any([await self._advance([name], after, page) for name in names])
        if len(page) > 1:
            half = len(page) // 2
            await self._advance(names, after, page[:half])
            return True  # the rest follows as the next page
        async with self._pool.acquire() as connection:
            await self._step.fail(connection, names[0], page[0].position, error)
        await self._look()
        return True

    async def _rebuild_outdated(self) -> None:
        async with self._pool.acquire() as connection:
            outdated = await self._step.outdated(connection)
        for name in outdated:
            await self.rebuild(name)

    async def _look(self) -> None:
        """Take over how far the projections are according to the database."""
        async with self._pool.acquire() as connection:
            standing = await self._step.standing(connection, self.names)
        self._looked_at = time.monotonic()
        await self._note(standing)

    async def _note(self, standing: Mapping[str, Standing]) -> None:
        for name, at in standing.items():
            if at.failed_at is not None and self._standing.get(name) != at:
                log.error("projection_stopped", view=name, at=at.failed_at, error=at.error)
        self._standing.update(standing)
        async with self._moved:
            self._moved.notify_all()

    def _going(self) -> dict[str, Standing]:
        return {name: at for name, at in self._standing.items() if at.failed_at is None}


def _part(page: Page, after: int, end: int) -> Page:
    """The events after `after` up to `end`, if the page has them all; positions have no gaps."""
    if not page or not page[0].position <= after + 1 <= page[-1].position:
        return ()
    first = page[0].position
    return page[after + 1 - first : end + 1 - first]


def erasures(page: Page) -> list[SubjectErased]:
    """Those among the events."""
    return [event for each in page if type(event := each.event) is SubjectErased]


def _refused(error: Exception) -> bool:
    """Whether a row of the page is to blame, and not the server or the way to it."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate).startswith(REFUSALS)
    return isinstance(error, ViewChanged | ValueError | TypeError | OverflowError)


async def _ahead(pages: AsyncIterator[Page]) -> AsyncIterator[Page]:
    """The pages, each decoded while the database is still busy with the one before."""
    coming = asyncio.ensure_future(anext(pages, None))
    try:
        while (page := await coming) is not None:
            coming = asyncio.ensure_future(anext(pages, None))
            yield page
    finally:
        await _dropped(coming)


async def _dropped(task: asyncio.Future[Any]) -> None:
    """Cancel until it ends: before Python 3.12 `wait_for` may swallow one cancel in a race."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=TURN)
    if not task.cancelled():
        task.exception()  # seen: nobody needs the page any more
