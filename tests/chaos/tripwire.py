"""Kill at the worst instants: right before, right after, and never hear the answer."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.sandbox.control import Controlled
from adapters.sandbox.control.failing import capture, reset

CHANGES = frozenset({"PATCH", "DELETE"})
WRITES = frozenset({"POST", *CHANGES})
RECORDS = "/api/timesheets"
RECORD = re.compile(r"/api/timesheets/(\d+)$")
Tells = Callable[[str, int, float], None]
Shows = Callable[[dict[int, bool], float], None]


class Listed(BaseModel):
    """A row of a list, as far as it matters here."""

    id: int
    exported: bool


LISTED = TypeAdapter(list[Listed])


class Stage(StrEnum):
    """Where in the life of a request the sender dies."""

    LOST = "lost"  # it arrived, and nothing came of it
    LATE = "late"  # it takes effect `seconds` later, when the sender is long dead
    APPLIED = "applied"  # it took effect, the answer was never sent
    ANSWERED = "answered"  # the answer is on its way, and `seconds` pass


@dataclass(frozen=True, kw_only=True)
class Wire:
    """Spans over the `nth` request of these methods below the path."""

    methods: frozenset[str]
    path_prefix: str
    nth: int
    stage: Stage
    seconds: float = 0.0

    def spans(self, method: str, path: str) -> bool:
        return method in self.methods and path.startswith(self.path_prefix)

    def __str__(self) -> str:
        methods = "/".join(sorted(self.methods))
        return f"{self.stage} {methods} {self.path_prefix} no. {self.nth}"


class Tripwire:
    """A peer that can end its client at a chosen request.

    `tells(method, id, arrived)` hears of each reading of a timesheet as it arrives, and of each
    change right before it is applied; `shows(exported by id, answered)` of what a list showed.
    Both instants are those of the loop. `busy` counts the requests in hand, those included that
    land long after their sender died; `writes` those that may change a timesheet.
    """

    def __init__(self, peer: Controlled, tells: Tells, shows: Shows) -> None:
        self._peer = peer
        self._tells = tells
        self._shows = shows
        self.writes = 0
        self._wire: Wire | None = None
        self._count = 0
        self._spring: Callable[[], None] = lambda: None
        self.busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def arm(self, wire: Wire, spring: Callable[[], None]) -> None:
        """Call `spring`, once, at the request that `wire` names."""
        self._wire, self._spring, self._count = wire, spring, 0

    async def idle(self) -> None:
        """Wait until no request is in hand."""
        await self._idle.wait()

    def disarm(self) -> None:
        self._wire = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._peer(scope, receive, send)
            return
        self.busy += 1
        self._idle.clear()
        try:
            await self._answer(scope, receive, send)
        finally:
            self.busy -= 1
            if not self.busy:
                self._idle.set()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        wire = self._wire
        if wire is None or not self._hits(wire, scope):
            await self._apply(self._peer, scope, receive, send)
            return
        self._wire = None
        spring = self._spring
        match wire.stage:
            case Stage.LOST:
                spring()
                await reset(scope, receive)
            case Stage.LATE:
                await self._land_late(wire, scope, receive, spring)
            case Stage.APPLIED:
                self._tell(scope, _now())
                await capture(self._peer.app, scope, receive)
                spring()
                await reset(scope, receive)
            case Stage.ANSWERED:
                await self._apply(self._peer, scope, receive, send)
                await asyncio.sleep(wire.seconds)
                spring()

    async def _apply(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._tell(scope, _now())
        if (scope["method"], scope["path"]) != ("GET", RECORDS):
            await app(scope, receive, send)
            return
        body = bytearray()

        async def overheard(message: Message) -> None:
            body.extend(message.get("body", b""))
            await send(message)

        await app(scope, receive, overheard)
        self._shows(_exported(bytes(body)), _now())

    def _hits(self, wire: Wire, scope: Scope) -> bool:
        if not wire.spans(scope["method"], scope["path"]):
            return False
        self._count += 1
        return self._count == wire.nth

    def _tell(self, scope: Scope, arrived: float) -> None:
        found = RECORD.fullmatch(scope["path"])
        if found is not None:
            self._tells(scope["method"], int(found[1]), arrived)
        self.writes += scope["method"] in WRITES and scope["path"].startswith(RECORDS)

    async def _land_late(
        self, wire: Wire, scope: Scope, receive: Receive, spring: Callable[[], None]
    ) -> None:
        request, arrived = await _whole(receive), _now()
        spring()
        await asyncio.sleep(wire.seconds)
        self._tell(scope, arrived)
        await capture(self._peer.app, scope, request)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _exported(body: bytes) -> dict[int, bool]:
    """Whether each record of a list is; an answer that is no list told its reader nothing."""
    try:
        return {row.id: row.exported for row in LISTED.validate_json(body)}
    except ValidationError:
        return {}


async def _whole(receive: Receive) -> Receive:
    """The request with its whole body in hand: its sender is about to vanish."""
    messages: list[Message] = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    waiting = iter(messages)

    async def replay() -> Message:
        return next(waiting, {"type": "http.disconnect"})

    return replay
