"""Finding any altered byte: every column of every event is recomputed or covered by the chain."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec

from adapters.ledger.codec import Codec, StoredMetadata, kind_of
from adapters.ledger.digest import ZERO, chained, event_id
from domain.ids import stream_uuid

PAGE = 2_000
Progress = Callable[[int, int], None]  # positions checked, positions to check

_PAGE = """
SELECT e.position, e.stream_id, e.version, e.event_id, e.type, e.schema_version, e.occurred_at,
       e.recorded_at, e.data, e.meta, e.digest, s.name, s.kind, s.version AS begins_after
  FROM event AS e
  LEFT JOIN stream AS s ON s.log_id = e.log_id AND s.stream_id = e.stream_id
 WHERE e.log_id = $1 AND e.position > $2 AND e.position <= $3 ORDER BY e.position LIMIT $4
"""
# Rows elsewhere that speak of events the log does not have: an end that was cut off, an event
# moved to another log, a stream without its first event. The end is that of the same instant: the
# log goes on while it is walked.
_DANGLING = """
WITH head AS (SELECT coalesce(max(position), 0) AS head FROM event WHERE log_id = $1)
SELECT min(position) FROM (
    SELECT position FROM seen, head WHERE log_id = $1 AND position > head
    UNION ALL SELECT position FROM claim, head WHERE log_id = $1 AND position > head
    UNION ALL SELECT position FROM checkpoint, head WHERE log_id = $1 AND position > head
    UNION ALL SELECT e.position FROM event AS e
     WHERE NOT EXISTS (SELECT FROM stream AS s
                        WHERE s.log_id = e.log_id AND s.stream_id = e.stream_id)
    UNION ALL SELECT head + 1 FROM stream AS s, head
     WHERE s.log_id = $1 AND NOT EXISTS (
           SELECT FROM event AS e WHERE e.log_id = s.log_id AND e.stream_id = s.stream_id)
) AS dangling
"""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a walk found. `head_digest` is the digest of `checked_to`, hex; zeros before 1.

    `first_bad_position` is where the chain breaks, `what` says how; both None when all is well.
    """

    checked_from: int
    checked_to: int
    head_digest: str
    first_bad_position: int | None = None
    what: str | None = None

    @property
    def ok(self) -> bool:
        return self.first_bad_position is None


async def walk(
    pool: asyncpg.Pool,
    codec: Codec,
    log_id: int,
    first: int,
    last: int | None,
    progress: Progress | None,
) -> Report:
    """Check positions `first` to `last`; up to the head also what other tables say of the log.

    The digest before `first` is taken as it stands. Cutting off the newest events leaves a valid
    shorter chain; it is noticed where another table still mentions them, and by comparing
    `head_digest` with one noted elsewhere.
    """
    head = await pool.fetchval(
        "SELECT coalesce(max(position), 0) FROM event WHERE log_id = $1", log_id
    )
    upto = head if last is None else min(last, head)
    digest = await _digest_before(pool, log_id, first)
    position = first - 1
    check = _Check(codec)
    while position < upto:
        rows = await pool.fetch(_PAGE, log_id, position, upto, PAGE)
        page: list[asyncpg.Record | None] = [*rows] or [None]
        for row in page:
            position += 1
            what = "the event is missing" if row is None else check.event(row, position, digest)
            if what is not None:
                return Report(
                    checked_from=first,
                    checked_to=position,
                    head_digest=digest.hex(),
                    first_bad_position=position,
                    what=what,
                )
            assert row is not None
            digest = row["digest"]
        if progress is not None:
            progress(position - first + 1, upto - first + 1)
    dangling = await pool.fetchval(_DANGLING, log_id) if upto == head else None
    return Report(
        checked_from=first,
        checked_to=position,
        head_digest=digest.hex(),
        first_bad_position=dangling,
        what=None if dangling is None else "other tables mention an event that is not there",
    )


async def _digest_before(pool: asyncpg.Pool, log_id: int, first: int) -> bytes:
    if first <= 1:
        return ZERO
    found: bytes | None = await pool.fetchval(
        "SELECT digest FROM event WHERE log_id = $1 AND position = $2", log_id, first - 1
    )
    return found or ZERO


class _Check:
    """One event against its digest, and every column that the digest does not cover by itself."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._metadata = msgspec.json.Decoder(StoredMetadata)

    def event(self, row: Any, position: int, previous: bytes) -> str | None:
        """What is wrong with the row that should be at `position`; None when nothing is."""
        if row["position"] != position:
            return "the event is missing"
        name = row["name"]
        if name is None or stream_uuid(name) != row["stream_id"]:
            return "stream_id and the stream's name do not belong together"
        if self._digest(row, previous) != row["digest"]:
            return "its digest does not match its content and the digest before it"
        altered = {
            "event_id": row["event_id"] != event_id(row["stream_id"], row["version"]),
            "occurred_at": row["occurred_at"] != self._metadata.decode(row["meta"]).occurred_at,
            "the row of its stream": row["kind"] != kind_of(name) or row["begins_after"] != 0,
        }
        return next((f"{what} was altered" for what, true in altered.items() if true), None)

    def _digest(self, row: Any, previous: bytes) -> bytes:
        return chained(
            previous,
            position=row["position"],
            version=row["version"],
            recorded_at=row["recorded_at"],
            content=self._codec.content(
                stream=row["name"],
                type_=row["type"],
                schema=row["schema_version"],
                data=row["data"],
                meta=row["meta"],
            ),
        )
