"""Customers and projects in Kimai, found by their number or made: one of each, whoever asks.

Before a POST its intent stands in the item's own stream, where the expected version refuses a
second one. After a lost answer, or the death of whoever sent it, what may still be at work in Kimai
is waited out and Kimai is asked anew; only then is it sent again.
"""

import asyncio
import hashlib
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce

from domain.errors import (
    Misconfigured,
    OutcomeUnknown,
    Rejected,
    StreamMovedOn,
    Unavailable,
)
from domain.event import Append, Event, Metadata, Recorded
from domain.ports.timesheets import TargetItem
from domain.rules import making as texts
from domain.rules.configuration import Configuration
from domain.sync.limits import Limits
from domain.sync.ports import Ports
from domain.sync.tally import Tally
from domain.target_item import state as item_state
from domain.target_item.events import (
    TargetItemCreated,
    TargetItemEvent,
    TargetItemFound,
    TargetItemIntended,
    TargetItemRefused,
    TargetItemUncertain,
    TargetItemUnsent,
)
from domain.target_item.values import Creation, ItemKind, Owner
from domain.time_entry.state import Wait

_OURS = re.compile(r"Z[OUT][0-9]+", re.ASCII)
FORBIDDEN = 403


@dataclass(frozen=True)
class _Stream:
    """What is known of one item: its state at `version`, and its newest event."""

    name: str
    state: item_state.TargetItem
    version: int
    newest: Recorded[Event] | None


@dataclass
class TargetItems:
    """Those of one run. `sleep` ends, and `check_cancelled` raises, when the run is stopped."""

    ports: Ports
    configuration: Configuration
    limits: Limits
    metadata: Metadata
    tally: Tally
    sleep: Callable[[float], Awaitable[None]]
    check_cancelled: Callable[[], None]
    _listed: dict[ItemKind, dict[str, list[TargetItem]]] = field(default_factory=dict)
    _roles: tuple[str, ...] = ()
    _made: dict[tuple[ItemKind, Owner], int | Wait] = field(default_factory=dict)
    _locks: dict[tuple[ItemKind, Owner], asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )
    _forbidden: dict[ItemKind, Wait] = field(default_factory=dict)
    _allowed: set[ItemKind] = field(default_factory=set)
    _first: dict[ItemKind, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def look(self) -> str:
        """Read all customers and projects, once; a digest of what is known of them by now."""
        if not self._listed:
            customers, projects, identity = await asyncio.gather(
                self.ports.timesheets.customers(),
                self.ports.timesheets.projects(),
                self.ports.timesheets.identity(),
            )
            self._roles = tuple(sorted(identity.roles))
            self._note(ItemKind.CUSTOMER, customers)
            self._note(ItemKind.PROJECT, projects)
        ours = sorted(
            (kind, number, item.item_id, item.parent_id or 0)
            for kind, by_number in self._listed.items()
            for number, found in by_number.items()
            for item in found
            if _OURS.fullmatch(number)
        )
        return hashlib.sha256(repr((ours, self._roles)).encode()).hexdigest()[:16]

    def _note(self, kind: ItemKind, listed: Sequence[TargetItem]) -> None:
        by_number: dict[str, list[TargetItem]] = defaultdict(list)
        for item in listed:
            if item.number is not None:
                by_number[item.number].append(item)
        self._listed[kind] = by_number

    async def known(self, kind: ItemKind, owner: Owner) -> TargetItem | Wait | None:
        """What Kimai listed under the number, when it is this Zammad's to use."""
        found = _only(kind, owner, self._listed[kind].get(owner.number, ()))
        if not isinstance(found, TargetItem) or (kind, owner) in self._made:
            return found
        stream = await self._stream(kind, owner)
        if (foreign := self._foreign(kind, owner, stream)) is not None:
            return foreign
        await self._found(kind, owner, stream, found)
        self._made[kind, owner] = found.item_id
        return found

    def _foreign(self, kind: ItemKind, owner: Owner, stream: _Stream) -> Wait | None:
        state, source = stream.state, stream.state.source
        if source is None or source == self.configuration.source:
            return None
        if state.item_id is None and not state.open:
            return None  # it was never made
        return texts.of_another_zammad(kind, owner, source)

    async def make(
        self, kind: ItemKind, owner: Owner, creation: Creation, *, asked: bool
    ) -> int | Wait | None:
        """The id of the one there is afterwards, why there is none, or None: not known today.

        `asked`: also when the same was refused before. Raises Misconfigured, Unavailable, and what
        the ledger raises.
        """
        key = kind, owner
        async with self._locks[key]:
            made = self._made.get(key)
            if made is None:
                made = await self._made_now(kind, owner, creation, asked=asked)
            if made is not None:
                self._made[key] = made
            return made

    async def _made_now(
        self, kind: ItemKind, owner: Owner, creation: Creation, *, asked: bool
    ) -> int | Wait | None:
        for attempt in range(1, self.limits.attempts + 1):
            self.check_cancelled()
            stream = await self._stream(kind, owner)
            if stream.state.open:
                await self._wait_out(stream)
                waited, stream = stream.version, await self._stream(kind, owner)
                if stream.version != waited:
                    continue  # somebody else settled it
            if (settled := await self._settled(kind, owner, stream, creation, asked)) is not None:
                return settled
            posted = await self._post(kind, owner, stream, creation, attempt)
            if posted is not None:
                return posted
        self.tally.problems.append(f"{kind} {owner.number} could not be made")
        return None

    async def _settled(
        self, kind: ItemKind, owner: Owner, stream: _Stream, creation: Creation, asked: bool
    ) -> int | Wait | None:
        """What makes a request needless; None when one is to be sent."""
        state = stream.state
        if (foreign := self._foreign(kind, owner, stream)) is not None:
            return foreign
        if state.open or state.item_id is not None:  # the list may have been read before
            found = await self._find_now(kind, owner)
            if isinstance(found, TargetItem):
                await self._found(kind, owner, stream, found)
                return found.item_id
            if isinstance(found, Wait) or state.item_id is None:
                return found
            return texts.gone(kind, owner, state.item_id)
        refused = state.refused
        if refused is None or asked or refused.status == FORBIDDEN:
            return None
        same = state.creation == creation and refused.roles == self._roles
        return texts.waits(refused.detail) if same else None

    async def _post(
        self, kind: ItemKind, owner: Owner, stream: _Stream, creation: Creation, attempt: int
    ) -> int | Wait | None:
        """One request; the first of a kind alone, so that a missing permission is met once."""
        if kind in self._allowed:
            return await self._send(kind, owner, stream, creation, attempt)
        async with self._first[kind]:
            if kind in self._forbidden:
                return self._forbidden[kind]
            return await self._send(kind, owner, stream, creation, attempt)

    async def _send(
        self, kind: ItemKind, owner: Owner, stream: _Stream, creation: Creation, attempt: int
    ) -> int | Wait | None:
        intended = TargetItemIntended(
            source_connector_id=self.configuration.source,
            target_connector_id=self.configuration.target,
            item=kind,
            owner=owner,
            creation=creation,
        )
        begun = self.ports.clock.now()  # before the append: whoever waits for us counts from that
        try:
            version = await self._append(stream.name, intended, stream.version)
        except StreamMovedOn:
            return None  # somebody else is about to make it

        def last_look() -> None:
            if self.ports.clock.now() - begun > self.limits.request_limit:
                raise Unavailable("kimai", "its turn came too late; it was not sent")

        try:
            item = await self.ports.timesheets.make(creation, last_look=last_look)
        except (Unavailable, Misconfigured) as error:
            await self._record(stream.name, TargetItemUnsent(cause=str(error)), version)
            if isinstance(error, Misconfigured):
                raise
            await self._pause(attempt, error)
        except OutcomeUnknown as error:
            await self._record(stream.name, TargetItemUncertain(cause=str(error)), version)
        except Rejected as error:
            return await self._refused(kind, owner, stream.name, version, error)
        else:
            await self._record(stream.name, TargetItemCreated(item_id=item.item_id), version)
            self._listed[kind][owner.number].append(item)
            self._allowed.add(kind)
            return item.item_id
        return None

    async def _refused(
        self, kind: ItemKind, owner: Owner, stream: str, version: int, error: Rejected
    ) -> int | Wait:
        wait = texts.refused(kind, owner, error)
        if "number" in error.fields:  # somebody was faster, or it is not listed
            found = await self._find_now(kind, owner)
            if isinstance(found, TargetItem):
                await self._record(stream, self._finding(kind, owner, found), version)
                return found.item_id
            wait = found or wait
        event = TargetItemRefused(
            status=error.status, fields=error.fields, detail=wait.detail, roles=self._roles
        )
        await self._record(stream, event, version)
        if error.status == FORBIDDEN:  # whatever it is called: not asked again in this run
            self._forbidden[kind] = texts.forbidden(kind)
        return wait

    async def _find_now(self, kind: ItemKind, owner: Owner) -> TargetItem | Wait | None:
        """Kimai's own word at this moment."""
        self._note(kind, await self.ports.timesheets.listed_now(kind))
        return _only(kind, owner, self._listed[kind].get(owner.number, ()))

    async def _wait_out(self, stream: _Stream) -> None:
        """Until nothing can land any more of what may have been sent.

        Whoever recorded an intent sends it within the request limit or not at all.
        """
        newest, now = stream.newest, self.ports.clock.now()
        assert newest is not None
        limit = self.limits.request_limit
        sent = max(newest.recorded_at, newest.occurred_at)
        if not stream.state.doubtful:
            sent = max(now, sent + limit)
        left = (sent + limit - now).total_seconds()
        if left > 0:
            await self.sleep(left)
        self.check_cancelled()

    async def _pause(self, attempt: int, error: Unavailable) -> None:
        pause = self.limits.pause * 2 ** (attempt - 1) * (1 + self.ports.jitter())
        await self.sleep(min(max(pause, error.retry_after or 0), self.limits.longest_pause))

    async def _found(
        self, kind: ItemKind, owner: Owner, stream: _Stream, found: TargetItem
    ) -> None:
        """Record it where that is news."""
        state = stream.state
        if state.open or state.item_id != found.item_id:
            await self._record(stream.name, self._finding(kind, owner, found), stream.version)

    def _finding(self, kind: ItemKind, owner: Owner, found: TargetItem) -> TargetItemFound:
        return TargetItemFound(
            source_connector_id=self.configuration.source,
            target_connector_id=self.configuration.target,
            item=kind,
            owner=owner,
            item_id=found.item_id,
        )

    async def _stream(self, kind: ItemKind, owner: Owner) -> _Stream:
        name = owner.stream(self.configuration.target, kind)
        recorded = await self.ports.ledger.read_recorded(name)
        events = (each.event for each in recorded)
        return _Stream(
            name=name,
            state=reduce(item_state.evolve, events, item_state.NOTHING),  # type: ignore[arg-type] # its stream holds its events only
            version=recorded[-1].version if recorded else 0,
            newest=recorded[-1] if recorded else None,
        )

    async def _record(self, stream: str, event: TargetItemEvent, version: int) -> None:
        """What came of a request. Whoever wrote meanwhile knows more than that."""
        try:
            await self._append(stream, event, version)
        except StreamMovedOn:
            return

    async def _append(self, stream: str, event: TargetItemEvent, version: int) -> int:
        """The version afterwards. A restarting database is waited for; the append comes once."""
        command = Append(
            stream=stream,
            events=[event],
            metadata=self.metadata,
            occurred_at=self.ports.clock.now(),
            expected=version,
        )
        for tries in range(1, self.limits.ledger_attempts):
            try:
                return (await self.ports.ledger.append(command)).version
            except Unavailable:
                await self.ports.clock.sleep(self.limits.pause * tries)
        return (await self.ports.ledger.append(command)).version


def _only(kind: ItemKind, owner: Owner, found: Sequence[TargetItem]) -> TargetItem | Wait | None:
    if len(found) > 1:
        return texts.several(kind, owner, [item.item_id for item in found])
    return found[0] if found else None
