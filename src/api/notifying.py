"""Tells channels what happened, in whichever process holds the lead.

```text
worth_telling ─┐
channels ──────┴─▶ due? (domain.channel.telling) ─▶ send ─▶ NotificationSent / Failed ─▶ channels
```
The ledger says how far each channel was told, so nothing is forgotten over a restart. A message
is sent first and recorded then: a crash in between repeats that one message, and no other.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import structlog

from adapters.notifications import Delivery
from adapters.postgres.connecting import DRIVER_ERRORS
from adapters.postgres.locks import Session
from adapters.postgres.worth_telling import Wish
from api.leading import lead, pulse
from api.services import Services
from domain.channel.decide import CHANNEL, Channel
from domain.channel.events import NotificationFailed, NotificationSent
from domain.channel.telling import Topic, Untold, due_at, message
from domain.errors import LedgerError, Misconfigured
from domain.event import Actor, Append, Metadata
from domain.handling import state_of
from domain.ids import ChannelId, channel_stream
from projections import channels, schedule, worth_telling

LOOK = 5.0  # seconds between looks when nothing is heard
PAUSE = 1.0  # seconds before another look while the database is away, or the views lag
WAITS = (5.0, 30.0)  # seconds between the attempts for one message
LAST_WORDS = 5.0  # seconds that messages under way get at the end
VIEWS = (channels.NAME, worth_telling.NAME, schedule.NAME)
TYPES = sorted(
    kind.TYPE
    for projection in (channels.PROJECTION, worth_telling.PROJECTION)
    for kind in projection.events
)
GONE = "The stored address is missing or cannot be opened: set it again."
ACTOR = Actor(kind="service", name="notifications")

log = structlog.get_logger(__name__)


class Notifying:
    """`run` leads, or waits to."""

    def __init__(self, own: Services, *, waits: Sequence[float] = WAITS) -> None:
        self._own = own
        self._waits = waits
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()
        self._busy: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Until cancelled; outages of the database are waited out."""
        await lead(self._own.store, "notifications", self._lead)

    async def look(self) -> float:
        """Begin to tell what is due; return the seconds until there may be more.

        Every channel is told in a task of its own: a slow one keeps nobody waiting.
        """
        own = self._own
        # Before the head: what ends from here on may be recorded behind it, and not be shown yet.
        busy = frozenset(self._busy)
        head = await own.store.head()
        if not await own.projections.wait_for(head, within=PAUSE, names=VIEWS):
            return PAUSE  # what was told already may not be shown yet
        rows = {
            row.channel_id: row
            for row in await own.views.all_rows(channels.PROJECTION)
            if row.is_active and row.channel_id not in busy and row.channel_id not in self._busy
        }
        now, wait = own.clock.now().astimezone(UTC), LOOK
        due: defaultdict[int, list[tuple[Wish, Untold]]] = defaultdict(list)
        for wish, untold in await own.worth_telling.untold(_wishes(rows)):
            at = due_at(channels.standing(rows[wish.channel_id], wish.topic), untold, now)
            if at is not None and at <= now:
                due[wish.channel_id].append((wish, untold))
            elif at is not None:
                wait = min(wait, (at - now).total_seconds())
        for channel_id, some in due.items():
            self._begin(channel_id, some)
        return wait

    async def settled(self) -> None:
        """Wait for the messages under way."""
        while self._busy:
            await asyncio.wait(list(self._busy.values()))

    def _begin(self, channel_id: int, due: Sequence[tuple[Wish, Untold]]) -> None:
        task = asyncio.create_task(self._tell(channel_id, due), name=f"channel {channel_id}")
        self._busy[channel_id] = task

        def ended(_: object) -> None:
            self._busy.pop(channel_id, None)
            self._news.set()

        task.add_done_callback(ended)

    async def _tell(self, channel_id: int, due: Sequence[tuple[Wish, Untold]]) -> None:
        try:
            for wish, untold in due:
                await self._tell_of(ChannelId(channel_id), wish, untold)
        except (*DRIVER_ERRORS, LedgerError) as error:
            log.warning("channel_not_told", channel=channel_id, error=type(error).__name__)
            await asyncio.sleep(PAUSE)

    async def _tell_of(self, channel_id: ChannelId, wish: Wish, untold: Untold) -> None:
        own = self._own
        channel = await state_of(own.store, CHANNEL, channel_stream(channel_id))
        if channel is None or channel.removed or not channel.is_active:
            return
        text = message(Topic(wish.topic), await own.worth_telling.with_texts(wish, untold))
        attempts, delivery = 0, Delivery(ok=False, message=GONE)
        with contextlib.suppress(Misconfigured):
            address = await address_of(own, channel)
            while True:
                attempts += 1
                delivery = await own.messenger.send(address, text.title, text.body)
                if delivery.ok or attempts > len(self._waits):
                    break
                if await self._is_stopped_within(self._waits[attempts - 1]):
                    return  # whoever leads next begins again
        if not delivery.ok:
            log.warning("message_not_delivered", channel=channel_id, topic=wish.topic)
        await self._recorded(channel_id, wish.topic, untold, delivery, attempts)

    async def _recorded(
        self, channel_id: ChannelId, topic: str, untold: Untold, delivery: Delivery, attempts: int
    ) -> None:
        """Until it is: a message whose end nobody knows would be sent again."""
        event = told(channel_id, topic, untold.count, untold.newest, delivery, attempts)
        command = recording(event, self._own.clock.now().astimezone(UTC))
        while True:
            try:
                await self._own.store.append(command)
            except (*DRIVER_ERRORS, LedgerError) as error:
                log.warning("message_not_recorded", channel=channel_id, error=type(error).__name__)
            else:
                return
            if await self._is_stopped_within(PAUSE):
                return

    async def _is_stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        return self._stopping.is_set()

    async def _lead(self, session: Session) -> None:
        self._stopping.clear()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(pulse(session))
                tasks.create_task(self._listen(await self._own.store.head()))
                tasks.create_task(self._watch())
        finally:
            self._stopping.set()
            if busy := list(self._busy.values()):
                _, late = await asyncio.wait(busy, timeout=LAST_WORDS)
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)

    async def _listen(self, head: int) -> None:
        async for _ in self._own.store.subscribe(head, types=TYPES):
            self._news.set()

    async def _watch(self) -> None:
        while True:
            self._news.clear()
            try:
                wait = await self.look()
            except (*DRIVER_ERRORS, LedgerError) as error:
                log.warning("notifications_look_again", error=type(error).__name__)
                wait = PAUSE
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._news.wait()


async def address_of(own: Services, channel: Channel) -> str:
    """The address in clear. Raises Misconfigured when it is gone or cannot be opened."""
    stream = channel_stream(channel.channel_id)
    return await own.vault.get(stream, channel.address_fingerprint)


def recording(event: NotificationSent | NotificationFailed, now: datetime) -> Append:
    """What this service writes down of a message; once, however often it is appended."""
    about = f"{event.channel_id}-{event.topic}-{event.up_to}"
    return Append(
        stream=channel_stream(event.channel_id),
        events=[event],
        metadata=Metadata(actor=ACTOR, correlation_id=f"notification-{about}"),
        occurred_at=now,
        expected=None,
        key=f"{event.TYPE}-{about}-{now.isoformat()}",
    )


def told(
    channel_id: ChannelId, topic: str, count: int, up_to: int, delivery: Delivery, attempts: int
) -> NotificationSent | NotificationFailed:
    """What the ledger says of a message."""
    if delivery.ok:
        return NotificationSent(channel_id=channel_id, topic=topic, count=count, up_to=up_to)
    return NotificationFailed(
        channel_id=channel_id,
        topic=topic,
        count=count,
        up_to=up_to,
        attempts=attempts,
        reason=delivery.message,
    )


def _wishes(rows: Mapping[int, channels.Row]) -> Sequence[Wish]:
    known = set(Topic)
    return [
        Wish(
            channel_id=row.channel_id,
            topic=topic,
            after=channels.standing(row, topic).told_to,
        )
        for row in rows.values()
        for topic in row.events
        if topic in known
    ]
