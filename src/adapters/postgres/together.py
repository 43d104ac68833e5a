"""Commands for many streams in one transaction: all are written, or none is.

`append_events` answers command by command; here one refusal takes back the whole. Chunks keep
its search for claims short: it looks at all claims of a call for each command.
"""

from collections.abc import Mapping, Sequence

import asyncpg

from adapters.ledger.codec import Prepared
from adapters.postgres.appender import APPEND, MAX_COMMANDS, answers, arguments
from domain.errors import LedgerError, StreamMovedOn
from domain.event import Appended
from domain.ids import stream_uuid

# The lock that `append_events` takes: what is looked at under it stays so until we commit.
_LOCK = "SELECT pg_advisory_xact_lock(21580, $1)"
_PLANS = """
SELECT set_config(name, value, true)
  FROM (VALUES ('plan_cache_mode', 'force_generic_plan'), ('enable_seqscan', 'off'))
       AS s(name, value)
"""
_OF_KEY = """
SELECT e.position, e.version FROM seen AS s
  JOIN event AS e ON e.log_id = s.log_id AND e.position = s.position
 WHERE s.log_id = $1 AND s.key = $2
"""
_MOVED = """
SELECT u.n, coalesce(newest.version, 0)
  FROM unnest($2::uuid[], $3::bigint[]) WITH ORDINALITY AS u(id, version, n)
  LEFT JOIN LATERAL (
       SELECT version FROM event
        WHERE log_id = $1 AND stream_id = u.id ORDER BY version DESC LIMIT 1) AS newest ON true
 WHERE coalesce(newest.version, 0) <> u.version
 ORDER BY u.n LIMIT 1
"""


async def append_together(
    pool: asyncpg.Pool, log_id: int, prepared: Sequence[Prepared], still: Mapping[str, int]
) -> Appended:
    """Write the commands in order, in one transaction; see the port.

    Raises LedgerError for a refusal, and what the driver raises; nothing was written then, unless
    the session was lost: asked again with the same key, it finds out.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_LOCK, log_id)
        await connection.execute(_PLANS)
        for key in [each.command.key for each in prepared if each.command.key is not None]:
            known = await connection.fetchrow(_OF_KEY, log_id, key)
            if known is not None:
                return Appended(position=known[0], version=known[1], duplicate=True)
        await _require(connection, log_id, still)
        last = Appended(position=0, version=0)
        for start in range(0, len(prepared), MAX_COMMANDS):
            chunk = prepared[start : start + MAX_COMMANDS]
            row = await connection.fetchrow(APPEND, *arguments(log_id, chunk))
            assert row is not None
            for answer in answers(chunk, row):
                if isinstance(answer, LedgerError):
                    raise answer
                last = answer
        return last


async def _require(
    connection: asyncpg.pool.PoolConnectionProxy, log_id: int, still: Mapping[str, int]
) -> None:
    streams = list(still)
    ids, versions = [stream_uuid(stream) for stream in streams], list(still.values())
    moved = await connection.fetchrow(_MOVED, log_id, ids, versions)
    if moved is not None:
        stream = streams[moved[0] - 1]
        raise StreamMovedOn(stream, still[stream], moved[1])
