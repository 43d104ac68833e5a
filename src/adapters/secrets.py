"""Secrets at rest: tokens under rotating Fernet keys, passwords as argon2id hashes.

No I/O in here; the tables are `adapters/postgres/{vault,credentials}.py`.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from domain.errors import Misconfigured

FINGERPRINT_BYTES = 12  # enough to never meet by accident, too few to be mistaken for the secret
HASHES_AT_ONCE = 2  # each takes 64 MiB and a core for some 50 ms


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """An encrypted secret; `key_id` says which of the keys can open it."""

    key_id: str
    text: bytes


class SecretBox:
    """Encrypts under the first key, decrypts under any: so keys can be rotated while running."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises Misconfigured when one of the keys is not 32 bytes of url-safe base64."""
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise Misconfigured("service", "ENCRYPTION_KEY is not a Fernet key") from error
        self._keys = [key.encode() for key in keys]

    @property
    def key_id(self) -> str:
        """The name of the key that encrypts."""
        return hashlib.sha256(b"timeledger key id\0" + self._keys[0]).hexdigest()[:16]

    def encrypt(self, clear: str) -> Ciphertext:
        return Ciphertext(key_id=self.key_id, text=self._fernet.encrypt(clear.encode()))

    def decrypt(self, text: bytes) -> str:
        """Raises Misconfigured when no key opens it."""
        try:
            return self._fernet.decrypt(text).decode()
        except InvalidToken as error:
            raise Misconfigured(
                "service", "ENCRYPTION_KEY does not open a stored secret"
            ) from error

    def rotated(self, text: bytes) -> Ciphertext:
        """The same secret under the first key."""
        return Ciphertext(key_id=self.key_id, text=self._fernet.rotate(text))

    def fingerprint(self, owner: str, clear: str, *, current: str | None = None) -> str:
        """What stands for the secret in events; `current` again when it is the very same secret.

        A keyed hash: without the key nobody can try secrets against it, and equal secrets of
        two owners do not show.
        """
        prints = [_fingerprint(key, owner, clear) for key in self._keys]
        return current if current is not None and current in prints else prints[0]


def _fingerprint(key: bytes, owner: str, clear: str) -> str:
    mac_key = hashlib.sha256(b"timeledger fingerprint\0" + key).digest()
    mac = hmac.new(mac_key, f"{owner}\0{clear}".encode(), hashlib.sha256)
    return mac.hexdigest()[: 2 * FINGERPRINT_BYTES]


class Passwords:
    """argon2id, in threads, a few at a time, equally slow for accounts that do not exist."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_urlsafe())
        self._turn = asyncio.Semaphore(HASHES_AT_ONCE)

    async def hash(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password: str, stored: str | None) -> bool:
        """Whether the password is right; as slow for None (nobody's password) as for a hash."""
        async with self._turn:
            right = await asyncio.to_thread(self._verify, stored or self._nobody, password)
        return right and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
