"""Requests with an idempotency key, and their answers. Table `keyed_request`.

Source: IETF draft "The Idempotency-Key HTTP Header Field" (httpapi working group).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.secrets import SecretBox
from domain.errors import Misconfigured

KEPT = timedelta(hours=24)

_EXPIRED = "DELETE FROM keyed_request WHERE log_id = $1 AND began_at <= $2"
_BEGIN = """
INSERT INTO keyed_request (log_id, scope, body, began_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (log_id, scope) DO NOTHING RETURNING true
"""
_FOUND = "SELECT body, began_at, answer FROM keyed_request WHERE log_id = $1 AND scope = $2"
_ANSWERED = "UPDATE keyed_request SET answer = $3 WHERE log_id = $1 AND scope = $2"
_FORGET = "DELETE FROM keyed_request WHERE log_id = $1 AND scope = $2"
_EMPTY = """
UPDATE keyed_request SET answer = $2 WHERE log_id = $1 AND began_at <= $3 AND answer IS NOT NULL
"""
UNKNOWN = ""  # in place of an answer that nobody can give any more


@dataclass(frozen=True, slots=True)
class Earlier:
    """A request that came before with the same key.

    `body` is the digest of its body. `answer` is None while it is carried out, and for good when
    the process died over it.
    """

    body: bytes
    began_at: datetime
    answer: str | None


class KeyedRequests:
    """All methods raise Unavailable."""

    def __init__(self, pool: asyncpg.Pool, box: SecretBox, *, log: int = 1) -> None:
        self._pool = pool
        self._box = box
        self._log = log

    async def begin(self, scope: bytes, body: bytes, now: datetime) -> Earlier | None:
        """Note durably that it is about to be carried out; the one before, if there is one.

        An answer that no key opens any more counts as not known.
        """
        await self.expire(now)
        try:
            while not await self._pool.fetchval(_BEGIN, self._log, scope, body, now):
                row = await self._pool.fetchrow(_FOUND, self._log, scope)
                if row is not None:  # else it was forgotten in between
                    return Earlier(row["body"], row["began_at"], self._opened(row["answer"]))
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        return None

    async def expire(self, now: datetime) -> None:
        """Delete what is older than `KEPT`."""
        await self._do(_EXPIRED, now - KEPT)

    async def answered(self, scope: bytes, answer: str) -> None:
        """Keep what it was answered."""
        await self._do(_ANSWERED, scope, self._box.encrypt(answer).text)

    async def forget(self, scope: bytes) -> None:
        """It changed nothing: the same may be asked anew."""
        await self._do(_FORGET, scope)

    async def empty(self, until: datetime) -> None:
        """Answers can name a person that is erased; that it was done stays known."""
        await self._do(_EMPTY, self._box.encrypt(UNKNOWN).text, until)

    async def _do(self, statement: str, *values: bytes | datetime) -> None:
        try:
            await self._pool.execute(statement, self._log, *values)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    def _opened(self, answer: bytes | None) -> str | None:
        if answer is None:
            return None
        try:
            return self._box.decrypt(answer)
        except Misconfigured:
            return None
