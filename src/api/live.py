"""The live stream of one process: one follower of the log, any number of listeners.

Frames are made and encoded once and shared as bytes. They go out only when the views behind them
show them, so that whoever fetches anew sees what the frame told. A listener that does not keep up
is told to reload and dropped; nobody waits for it. Without listeners nothing is followed.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec
import structlog

from adapters.postgres.connecting import DRIVER_ERRORS
from adapters.postgres.moments import Moments
from api.identity import of_claims
from api.listener import Listener
from api.problems import Problem
from api.services import Services
from domain.account.events import UserChanged, UserLoggedOut, UserPasswordReplaced
from domain.errors import LedgerError
from domain.event import Event, Recorded
from projections import kpi, sync_runs
from projections.frames import Frame, frames, touched, views_of, wanted

log = structlog.get_logger(__name__)

MOST_BEHIND = 10_000  # positions; who is further behind reloads
PAGE = 1_000  # events that are read at once for who comes back
GATHER = 0.05  # seconds between pages while events come in: fewer frames, all of them fresh
TICK = 1.0  # seconds between frames `kpi` and `head`, and between looks at the listeners
HEARTBEAT = 15.0  # seconds
CHECK = 60.0  # seconds between looks whether a listener's login still counts
CHECKS = 20  # of these looks in a tick at most
LINGER = 5.0  # seconds that a listener has to take the last it is sent
IDLE = 60.0  # seconds without listeners after which nothing is followed any more
PAUSE = 1.0  # seconds before another try when views stand still or the database is away
PATIENCE = 5.0  # seconds that one wait for the views takes
BEAT = b": heartbeat\n\n"


@dataclass(frozen=True, slots=True)
class Encoded:
    """A frame as it is sent."""

    position: int
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Touched:
    """The cache keys that the events up to `position` concern."""

    position: int
    keys: frozenset[str]


class Hub:
    """Feeds all listeners of this process."""

    def __init__(self, own: Services) -> None:
        self._own = own
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._recent: deque[Encoded] = deque()  # of the events after `_begin` up to `_at`
        self._keys: deque[Touched] = deque()
        self._begin = self._at = 0
        self._at_instant: datetime | None = None
        self._news: set[str] = set()  # keys touched since the last frame `head`
        self._told_at = self._beat_at = self._heard_at = 0.0

    @property
    def listeners(self) -> int:
        """How many there are."""
        return len(self._listeners)

    async def join(self, listener: Listener, after: int | None) -> None:
        """Feed the listener from now on, with what came after position `after` first.

        Raises LedgerError while the database is away.
        """
        async with self._starting:
            if self._task is None:
                await self._start()
            lost = after is not None and not await self._cover(after)
        # Nothing is awaited from here on: between the past and the present nothing may get lost.
        if lost:
            listener.begin(_head(self._at, self._at_instant, (), resync=True).data)
        else:
            listener.begin(self._since(self._at if after is None else _before(after), listener))
        self._listeners.add(listener)

    def leave(self, listener: Listener) -> None:
        """Feed it no longer."""
        self._listeners.discard(listener)

    async def _start(self) -> None:
        views = await self._own.projections.status()
        going = [view.position for view in views if view.failed_at is None]
        self._begin = self._at = min(going, default=await self._own.store.head())
        newest = await self._own.store.page(self._at - 1, 1) if self._at else ()
        self._at_instant = newest[0].recorded_at if newest else None
        self._recent.clear()
        self._keys.clear()
        self._news.clear()
        self._heard_at = self._beat_at = _now()
        # Of a context of its own: its log lines are not of the request that came first.
        self._task = asyncio.create_task(self._run(), name="live stream", context=Context())

    async def _cover(self, after: int) -> bool:
        """Have the frames of everything since `after`; False when that is too much, or unheard of.

        Made once, for everybody who comes back from there.
        """
        if after > self._at:
            return after <= await self._own.store.head()
        first = _before(after)
        while self._at - MOST_BEHIND <= after and first < self._begin:
            upto = self._begin
            begin = max(first, upto - PAGE)
            page = await self._own.store.page(begin, upto - begin)
            if not page:
                return False
            made = await self._made(page)
            if self._begin == upto:
                self._recent.extendleft(reversed(made))
                self._keys.appendleft(Touched(upto, frozenset(touched(views_of(page)))))
                self._begin = page[0].position - 1
        return first >= self._begin

    def _since(self, after: int, listener: Listener) -> bytes:
        """What the listener has missed, and a frame `head` that says how far that goes."""
        missed = [each for each in self._recent if each.position > after]
        keys = {key for each in self._keys if each.position > after for key in each.keys}
        return listener.chosen([*missed, _head(self._at, self._at_instant, keys)])

    async def _run(self) -> None:
        follower = asyncio.create_task(self._follow(), name="live stream follower")
        stopping = self._own.stopping
        try:
            while not stopping.is_set() and not self._is_idle():
                await self._tick()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await stopping.wait()
        except Exception:
            log.exception("live_stream_failed")  # all listeners come back, to a new start
        finally:
            self._task = None
            follower.cancel()
            await asyncio.wait({follower})
            for listener in list(self._listeners):
                listener.end()

    def _pause(self) -> float:
        """Seconds until something is due."""
        if not self._news:
            return TICK
        return min(TICK, max(GATHER, self._told_at + TICK - _now()))

    def _is_idle(self) -> bool:
        if self._listeners:
            self._heard_at = _now()
        return _now() - self._heard_at > IDLE and not self._starting.locked()

    async def _follow(self) -> None:
        while True:
            try:
                async for page in self._own.store.subscribe(self._at):
                    await self._take(page)
                    await asyncio.sleep(GATHER)
            except LedgerError as error:
                log.warning("live_stream_waits", error=str(error))
            except Exception:
                log.exception("live_stream_failed")
            await asyncio.sleep(PAUSE)

    async def _take(self, page: Sequence[Recorded[Event]]) -> None:
        """Tell everybody of a page once the views show it."""
        await self._end_revoked(page)
        views, last = views_of(page), page[-1]
        while not await self._shown(last.position, views):  # noqa: ASYNC110 # there is no event of it
            await asyncio.sleep(PAUSE)  # behind, or stopped: what is not shown is not told
        made = await self._made(page)
        keys = frozenset(touched(views))
        self._at, self._at_instant = last.position, last.recorded_at
        self._recent.extend(made)
        self._keys.append(Touched(last.position, keys))
        self._forget()
        self._news |= keys
        self._send(made)
        await self._tell()

    async def _shown(self, position: int, views: Collection[str]) -> bool:
        return await self._own.projections.wait_for(position, within=PATIENCE, names=views)

    async def _made(self, page: Sequence[Recorded[Event]]) -> list[Encoded]:
        look = Moments(self._own.store)
        moments = await look.entries(wanted(page).all)
        kinds = sync_runs.PROJECTION.events
        runs = {run for each in page if type(each.event) in kinds for run in sync_runs.keys(each)}  # type: ignore[arg-type] # seen to be one
        return [_encoded(each) for each in frames(page, moments, await look.runs(runs))]

    def _forget(self) -> None:
        begin = _before(self._at - MOST_BEHIND)
        while self._recent and self._recent[0].position <= begin:
            self._recent.popleft()
        while self._keys and self._keys[0].position <= begin:
            self._keys.popleft()
        self._begin = max(self._begin, begin)

    def _send(self, made: Sequence[Encoded]) -> None:
        """Give it to everybody who wants it; those that want the same get the same bytes."""
        if not made:
            return
        chunks: dict[frozenset[str] | None, bytes] = {}
        for listener in list(self._listeners):
            chunk = chunks.get(listener.kinds)
            if chunk is None:
                chunk = chunks[listener.kinds] = listener.chosen(made)
            if chunk and not listener.offer(chunk):
                self._drop(listener)

    def _drop(self, listener: Listener) -> None:
        """It does not keep up: it hears that it must reload, if it still hears anything."""
        self.leave(listener)
        listener.end(_head(self._at, self._at_instant, (), resync=True).data, within=LINGER)

    async def _tick(self) -> None:
        now = _now()
        if now - self._beat_at >= HEARTBEAT:
            self._beat_at = now
            for listener in list(self._listeners):
                if not listener.offer(BEAT):
                    self._drop(listener)
        instant = self._own.clock.now()
        for listener in list(self._listeners):
            if listener.claims.expires_at <= instant:
                self._end(listener)
        due = (each for each in list(self._listeners) if now - each.checked_at >= CHECK)
        for listener in islice(due, CHECKS):
            listener.checked_at = now
            await self._end_unless_valid(listener)
        await self._tell()

    async def _tell(self) -> None:
        """Send frames `kpi` and `head` when there is news, and a second since the last ones."""
        if not self._news or _now() - self._told_at < TICK:
            return
        keys, self._news, self._told_at = self._news, set(), _now()
        made = [_head(self._at, self._at_instant, keys)]
        if "kpi" in keys:
            try:
                made.insert(0, await self._kpi())
            except LedgerError as error:
                self._news |= {"kpi"}
                log.warning("live_stream_without_figures", error=str(error))
        self._send(made)

    async def _kpi(self) -> Encoded:
        """The figures; the position is that of what was told, so that a resume loses nothing."""
        at = self._at
        now = self._own.clock.now()
        today = now.astimezone(ZoneInfo(self._own.settings.display_timezone)).date()
        first = kpi.first_day(today, 1)
        async with self._own.kpi.reading() as moment:
            figures = await moment.figures(first=first, last=today, now=now)
        return _encoded(Frame(at, "kpi", kpi.headline(figures, now=now, today=today)))

    async def _end_revoked(self, page: Iterable[Recorded[Event]]) -> None:
        """End the streams of logins that events of the page end."""
        for recorded in page:
            match recorded.event:
                case UserLoggedOut(token_id=token_id):
                    for listener in list(self._listeners):
                        if listener.claims.token_id == token_id:
                            self._end(listener)
                case UserChanged(user_id=user_id) | UserPasswordReplaced(user_id=user_id):
                    for listener in list(self._listeners):
                        if listener.claims.user_id == user_id:
                            await self._end_unless_valid(listener)
                case _:
                    pass

    async def _end_unless_valid(self, listener: Listener) -> None:
        try:
            await of_claims(self._own, listener.claims)
        except Problem:
            self._end(listener)
        except (LedgerError, *DRIVER_ERRORS) as error:
            log.warning("live_stream_login_unchecked", error=type(error).__name__)

    def _end(self, listener: Listener) -> None:
        self.leave(listener)
        listener.end(within=LINGER)


def _before(after: int) -> int:
    """Several frames have one position: who got that far may have got some of them only."""
    return max(after - 1, 0)


def _encoded(frame: Frame) -> Encoded:
    data = msgspec.json.encode(frame.data)
    text = b"id: %d\nevent: %b\ndata: %b\n\n" % (frame.position, frame.kind.encode(), data)
    return Encoded(frame.position, frame.kind, text)


def _head(
    position: int, at: datetime | None, keys: Iterable[str], *, resync: bool = False
) -> Encoded:
    data: dict[str, object] = {"position": position, "at": at, "touched": sorted(keys)}
    if resync:
        data["resync"] = True
    return _encoded(Frame(position, "head", data))


def _now() -> float:
    return asyncio.get_running_loop().time()
