"""What channels were not told yet, from the views `worth_telling` and `schedule`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.statements import statements
from domain.channel.telling import SHOWN, Untold


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A channel that wants to know of a topic what happened after a position."""

    channel_id: int
    topic: str
    after: int


class WorthTelling:
    """The views of one log."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._pool = store.pool
        self._log_id = store.log_id
        sql = statements("worth_telling")
        self._untold = sql["untold"].format(wanted=sql["wanted"])
        self._texts = sql["texts"].format(wanted=sql["wanted"])

    async def untold(self, wishes: Sequence[Wish]) -> Sequence[tuple[Wish, Untold]]:
        """How much there is for each wish that there is something for; without the texts."""
        if not wishes:
            return []
        by_key = {(wish.channel_id, wish.topic): wish for wish in wishes}
        rows = await self._fetch(
            self._untold,
            [wish.channel_id for wish in wishes],
            [wish.topic for wish in wishes],
            [wish.after for wish in wishes],
        )
        return [
            (
                by_key[row["channel"], row["topic"]],
                Untold(count=row["count"], newest=row["newest"], since=row["since"], texts=()),
            )
            for row in rows
        ]

    async def with_texts(self, wish: Wish, untold: Untold) -> Untold:
        """The same with the texts that a message shows."""
        rows = await self._fetch(self._texts, wish.topic, wish.after, SHOWN, untold.newest)
        return replace(untold, texts=[row[0] for row in rows])

    async def _fetch(self, query: str, *arguments: object) -> Sequence[Any]:
        try:
            return await self._pool.fetch(query, self._log_id, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error
