"""The table of subject keys: made when first needed, cached, destroyed on request."""

from collections.abc import Iterable

import asyncpg

from adapters.ledger.sealing import Keyring, key_id

ERASED = "erased:"  # prefix of the notification that tells other processes to forget a key

_NEWEST = """
SELECT generation, wrapped FROM subject_key
 WHERE log_id = $1 AND subject = $2 ORDER BY generation DESC LIMIT 1
"""
_MAKE = """
INSERT INTO subject_key (log_id, subject, generation, wrapped) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
"""
_BY_ID = """
SELECT subject, generation, wrapped FROM subject_key
 WHERE log_id = $1 AND subject || '#' || generation = ANY($2) AND subject = ANY($3)
 ORDER BY generation
"""
_DESTROY = """
WITH gone AS (
    UPDATE subject_key SET wrapped = NULL, erased_at = now()
     WHERE log_id = $1 AND subject = $2 AND generation <= coalesce($4::integer, generation)
       AND wrapped IS NOT NULL
    RETURNING subject, generation
)
SELECT generation, pg_notify('timeledger', $3 || subject || '#' || generation) FROM gone
"""


class SubjectKeys:
    """The keys of one log, behind the keyring that this process seals and opens with."""

    def __init__(self, pool: asyncpg.Pool, log_id: int, keyring: Keyring) -> None:
        self._pool = pool
        self._log_id = log_id
        self._keyring = keyring

    async def ensure(self, subject: str) -> None:
        """Learn the subject's newest key, making one when there is none or it was destroyed."""
        newest = await self._pool.fetchrow(_NEWEST, self._log_id, subject)
        if newest is None or newest["wrapped"] is None:
            generation = newest["generation"] + 1 if newest else 1
            wrapped = self._keyring.new_wrapped()
            await self._pool.execute(_MAKE, self._log_id, subject, generation, wrapped)
            # Another process may have been first; its key counts.
            newest = await self._pool.fetchrow(_NEWEST, self._log_id, subject)
        if newest is not None:
            self._keyring.learn(subject, newest["generation"], newest["wrapped"])

    async def fetch(self, keys: Iterable[str]) -> None:
        """Learn these keys; one that does not exist counts as destroyed."""
        wanted = list(keys)
        rows = await self._pool.fetch(
            _BY_ID, self._log_id, wanted, [key.rpartition("#")[0] for key in wanted]
        )
        found = set()
        for row in rows:
            self._keyring.learn(row["subject"], row["generation"], row["wrapped"])
            found.add(key_id(row["subject"], row["generation"]))
        for key in set(wanted) - found:
            self._keyring.forget(key)

    async def destroy(self, subject: str, upto: int | None = None) -> int:
        """Erase the person from all history, up to that generation; how many keys that were."""
        rows = await self._pool.fetch(_DESTROY, self._log_id, subject, ERASED, upto)
        for row in rows:
            self._keyring.forget(key_id(subject, row["generation"]))
        # Another process may have been first, and what it said of that may be under way.
        for generation in range(1, (upto or 0) + 1):
            self._keyring.forget(key_id(subject, generation))
        return len(rows)

    async def newest(self, subject: str) -> tuple[int, bool]:
        """The generation of the subject's newest key, 0 if there was none; and whether it lives."""
        row = await self._pool.fetchrow(_NEWEST, self._log_id, subject)
        return (0, False) if row is None else (row["generation"], row["wrapped"] is not None)

    async def rewrap(self) -> int:
        """Put every key under the first encryption key, after rotating; return how many."""
        rows = await self._pool.fetch(
            "SELECT subject, generation, wrapped FROM subject_key"
            " WHERE log_id = $1 AND wrapped IS NOT NULL",
            self._log_id,
        )
        for row in rows:
            # `wrapped = $5`: an erasure in the meantime must stay one.
            await self._pool.execute(
                "UPDATE subject_key SET wrapped = $4"
                " WHERE log_id = $1 AND subject = $2 AND generation = $3 AND wrapped = $5",
                self._log_id,
                row["subject"],
                row["generation"],
                self._keyring.rewrapped(row["wrapped"]),
                row["wrapped"],
            )
        return len(rows)
