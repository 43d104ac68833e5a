"""Where the ciphertexts of connector secrets are kept. Table `secret`."""

from collections.abc import Collection, Mapping
from datetime import datetime

import asyncpg

from adapters.secrets import SecretBox
from domain.errors import Misconfigured

SWEEP_AGE = "1 hour"  # a younger orphan may belong to a command that is still being written

_PUT = """
INSERT INTO secret (log_id, owner, fingerprint, key_id, ciphertext) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (log_id, owner, fingerprint)
DO UPDATE SET key_id = excluded.key_id, ciphertext = excluded.ciphertext, stored_at = now()
"""
_GET = "SELECT ciphertext FROM secret WHERE log_id = $1 AND owner = $2 AND fingerprint = $3"
_REPLACED = """
DELETE FROM secret
 WHERE log_id = $1 AND owner = $2 AND fingerprint = ANY ($3) AND stored_at < $4
"""
_DESTROY = "DELETE FROM secret WHERE log_id = $1 AND owner = $2"
_ALL = f"""
SELECT owner, fingerprint, key_id, ciphertext, stored_at < now() - interval '{SWEEP_AGE}' AS old
  FROM secret WHERE log_id = $1
"""  # noqa: S608 - a constant
_DROP = "DELETE FROM secret WHERE log_id = $1 AND owner = $2 AND fingerprint = $3"


class Vault:
    """Tokens and webhook secrets, encrypted; found by owner (a stream name) and fingerprint."""

    def __init__(self, pool: asyncpg.Pool, box: SecretBox, *, log: int = 1) -> None:
        self._pool = pool
        self._box = box
        self._log = log

    async def put(self, owner: str, clear: str, *, current: str | None = None) -> str:
        """Store the secret durably and return its fingerprint, which an event then makes valid.

        `current` is the fingerprint in force: when it is the same secret, nothing is written.
        """
        fingerprint = self._box.fingerprint(owner, clear, current=current)
        if fingerprint != current:
            stored = self._box.encrypt(clear)
            await self._pool.execute(
                _PUT, self._log, owner, fingerprint, stored.key_id, stored.text
            )
        return fingerprint

    async def get(self, owner: str, fingerprint: str) -> str:
        """The secret in clear. Raises Misconfigured when it is gone or no key opens it."""
        text = await self._pool.fetchval(_GET, self._log, owner, fingerprint)
        if text is None:
            raise Misconfigured("service", f"the stored secret of {owner} is missing: set it again")
        return self._box.decrypt(text)

    async def drop(self, owner: str, fingerprints: Collection[str], *, before: datetime) -> None:
        """Destroy these secrets, which no event names any more.

        One that was stored again since `before` is spared: somebody is about to name it.
        """
        await self._pool.execute(_REPLACED, self._log, owner, list(fingerprints), before)

    async def destroy(self, owner: str) -> None:
        """Destroy every secret of the owner."""
        await self._pool.execute(_DESTROY, self._log, owner)

    async def sweep(self, valid: Mapping[str, Collection[str]]) -> int:
        """Destroy what no event names, bring the rest under the newest key; return how many went.

        `valid` are the fingerprints in force by owner. Called at start: what a crash left
        between storing a secret and naming it, or between retiring and destroying, ends here.
        """
        destroyed = 0
        for row in await self._pool.fetch(_ALL, self._log):
            owner, fingerprint = row["owner"], row["fingerprint"]
            if fingerprint not in valid.get(owner, ()):
                if row["old"]:
                    await self._pool.execute(_DROP, self._log, owner, fingerprint)
                    destroyed += 1
            elif row["key_id"] != self._box.key_id:
                moved = self._box.rotated(row["ciphertext"])
                await self._pool.execute(
                    _PUT, self._log, owner, fingerprint, moved.key_id, moved.text
                )
        return destroyed
