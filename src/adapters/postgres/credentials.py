"""Password hashes, failed logins and revoked tokens. Tables of `0030_secrets`, `0086`."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

PER_ACCOUNT = 5  # failures within the window
PER_ADDRESS = 20
WINDOW = timedelta(minutes=15)
SWEEP_AGE = "1 hour"  # a younger orphan may belong to a command that is still being written

_PUT = "INSERT INTO credential (log_id, credential, user_id, login, hash) VALUES ($1,$2,$3,$4,$5)"
_BY_LOGIN = "SELECT credential, user_id, hash FROM credential WHERE log_id = $1 AND login = $2"
_OLD = f"""
SELECT credential, user_id FROM credential
 WHERE log_id = $1 AND stored_at < now() - interval '{SWEEP_AGE}'
"""  # noqa: S608 - a constant
_OF_USER = "DELETE FROM credential WHERE log_id = $1 AND user_id = $2"
_DROP = "DELETE FROM credential WHERE log_id = $1 AND credential = $2"
# The instant at which the oldest failure that still fills the limit leaves the window.
_FULL = """
SELECT at FROM login_failure
 WHERE log_id = $1 AND {column} = $2 AND at > $3 AND attempt IS DISTINCT FROM $5
 ORDER BY at DESC OFFSET $4 LIMIT 1
"""
_BEGIN = """
INSERT INTO login_failure (log_id, account, address, at) VALUES ($1, $2, $3, $4) RETURNING attempt
"""
_WITHDRAW = "DELETE FROM login_failure WHERE log_id = $1 AND attempt = $2"
_FORGET = "DELETE FROM login_failure WHERE log_id = $1 AND at <= $2"
_REVOKE = """
INSERT INTO revoked_token (log_id, token_id, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
_REVOKED = "SELECT true FROM revoked_token WHERE log_id = $1 AND token_id = $2"
_EXPIRED = "DELETE FROM revoked_token WHERE log_id = $1 AND expires_at <= $2"


@dataclass(frozen=True, slots=True)
class Credential:
    """A stored password hash; it counts only while the account of `user_id` names it."""

    credential: str
    user_id: int
    hash: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """Too many failures: `limit` is account or address."""

    limit: str
    until: datetime


class Credentials:
    def __init__(self, pool: asyncpg.Pool, *, log: int = 1) -> None:
        self._pool = pool
        self._log = log

    async def put(self, user_id: int, login: str, password_hash: str) -> str:
        """Store a hash durably and return its name, which an event then makes valid."""
        name = secrets.token_hex(16)
        await self._pool.execute(_PUT, self._log, name, user_id, login, password_hash)
        return name

    async def of_login(self, login: str) -> list[Credential]:
        """All hashes stored for the digest of a user name, in force or not."""
        rows = await self._pool.fetch(_BY_LOGIN, self._log, login)
        return [Credential(row["credential"], row["user_id"], row["hash"]) for row in rows]

    async def drop(self, credential: str) -> None:
        """Destroy one hash that no event names, or none names any more."""
        await self._pool.execute(_DROP, self._log, credential)

    async def old(self) -> Mapping[str, int]:
        """Hashes that no command is about to name, by their names: whose they are."""
        rows = await self._pool.fetch(_OLD, self._log)
        return {row["credential"]: row["user_id"] for row in rows}

    async def drop_all(self, user_id: int) -> None:
        """Destroy all hashes of an account, with the digests of its name."""
        await self._pool.execute(_OF_USER, self._log, user_id)

    async def begin(self, login: str, address: str, now: datetime) -> int | Throttled:
        """A try at a password, by its number, or why it has to wait, whatever its password.

        It counts as failed until `succeeded`, also if its process dies. Of those that begin at
        once, in whatever process, none passes beneath the limit: each sees all that were before.
        """
        if throttled := await self._throttled(login, address, now, None):
            return throttled
        await self._pool.execute(_FORGET, self._log, now - WINDOW)
        number = await self._pool.fetchval(_BEGIN, self._log, login, _digest(address), now)
        if throttled := await self._throttled(login, address, now, number):
            await self.succeeded(number)
            return throttled
        return int(number)

    async def succeeded(self, attempt: int) -> None:
        """The try is no failure."""
        await self._pool.execute(_WITHDRAW, self._log, attempt)

    async def _throttled(
        self, login: str, address: str, now: datetime, own: int | None
    ) -> Throttled | None:
        """By which limit, counting all tries but one's own."""
        for limit, key, most in (
            ("account", login, PER_ACCOUNT),
            ("address", _digest(address), PER_ADDRESS),
        ):
            oldest = await self._pool.fetchval(
                _FULL.format(column=limit), self._log, key, now - WINDOW, most - 1, own
            )
            if oldest is not None:
                return Throttled(limit, oldest + WINDOW)
        return None

    async def revoke(self, token_id: str, expires_at: datetime, now: datetime) -> None:
        """Refuse the token from now on; refusals of expired tokens are forgotten."""
        await self._pool.execute(_EXPIRED, self._log, now)
        await self._pool.execute(_REVOKE, self._log, token_id, expires_at)

    async def is_revoked(self, token_id: str) -> bool:
        return bool(await self._pool.fetchval(_REVOKED, self._log, token_id))


def _digest(address: str) -> str:
    return hashlib.sha256(b"timeledger address\0" + address.encode()).hexdigest()
