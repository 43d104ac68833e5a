"""Personal values under a key per person: destroying the key erases the person everywhere.

A sealed value is `{"key": "<subject>#<generation>", "sealed": "<base64>"}`: AES-256-GCM, 12 bytes
of nonce in front, the key's id as associated data, so that a value moved under another person's
name does not open. The keys themselves are stored wrapped under the service's encryption keys.
"""

import base64
import binascii
import os
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.ledger.canonical import without_lone_surrogates
from domain.errors import LedgerError, Misconfigured
from domain.personal import Personal

NONCE_BYTES = 12  # what AES-GCM is defined for
NONCES = 256  # drawn at once: asking the system takes longer than sealing
KEY_BITS = 256


class Sealed(msgspec.Struct, frozen=True):
    """A personal value as it is stored."""

    key: str
    sealed: str


class KeyMissingError(LookupError):
    """The subject's key must be fetched or made before a value can be sealed."""

    def __init__(self, subject: str) -> None:
        super().__init__(subject)
        self.subject = subject


def key_id(subject: str, generation: int) -> str:
    """`zammad-user:17#1`; a person who returns after an erasure gets the next generation."""
    return f"{subject}#{generation}"


def subject_of(key: str) -> str:
    return key.rpartition("#")[0]


class _Nonces:
    """Random bytes, drawn in bulk and given out once; a forked process draws its own."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._drawn: list[bytes] = []
        os.register_at_fork(after_in_child=self._drawn.clear)

    def next(self) -> bytes:
        if not self._drawn:
            bulk = self._random(NONCE_BYTES * NONCES)
            starts = range(0, len(bulk), NONCE_BYTES)
            self._drawn.extend(bulk[start : start + NONCE_BYTES] for start in starts)
        return self._drawn.pop()


class Keyring:
    """The subjects' keys that this process knows. Fetching and storing them is the store's."""

    def __init__(
        self, encryption_keys: Sequence[str], *, random: Callable[[int], bytes] = os.urandom
    ) -> None:
        """The first of `encryption_keys` (Fernet, url-safe base64) wraps, all of them unwrap.

        Raises:
            Misconfigured: a key is not 32 bytes of url-safe base64.
        """
        try:
            self._wrapper = MultiFernet([Fernet(key) for key in encryption_keys])
        except ValueError as error:
            raise Misconfigured("service", "ENCRYPTION_KEY is not a Fernet key") from error
        self._random = random
        self._nonces = _Nonces(random)
        self._ciphers: dict[str, AESGCM | None] = {}
        self._current: dict[str, str] = {}
        self.missing: set[str] = set()

    def new_wrapped(self) -> bytes:
        """A fresh subject key, wrapped for storing."""
        return self._wrapper.encrypt(self._random(KEY_BITS // 8))

    def rewrapped(self, wrapped: bytes) -> bytes:
        """The same subject key under the first encryption key."""
        return self._wrapper.rotate(wrapped)

    def learn(self, subject: str, generation: int, wrapped: bytes | None) -> None:
        """Take over a stored key; `wrapped` None says that it was destroyed.

        Raises:
            Misconfigured: no encryption key unwraps it.
        """
        key = key_id(subject, generation)
        if wrapped is None:
            self.forget(key)
            return
        try:
            raw = self._wrapper.decrypt(wrapped)
        except InvalidToken as error:
            raise Misconfigured("service", f"ENCRYPTION_KEY does not open key {key}") from error
        self._ciphers[key] = AESGCM(raw)
        self._current[subject] = key
        self.missing.discard(key)

    def forget(self, key: str) -> None:
        """Treat the key as destroyed: what it sealed is erased from now on."""
        self._ciphers[key] = None
        self.missing.discard(key)
        if self._current.get(subject_of(key)) == key:
            del self._current[subject_of(key)]

    def forget_all(self) -> None:
        """Ask the store again for every key: this process may have missed an erasure."""
        self.missing.update(self._ciphers)
        self._current.clear()

    def seal(self, value: Personal) -> Sealed:
        """The value as it is stored; an erased one stays erased, and needs no key.

        Raises:
            KeyMissingError: learn the subject's key first.
        """
        if (clear := value.value) is None:
            return Sealed(key=key_id(value.subject, 0), sealed="")
        key = self._current.get(value.subject)
        cipher = self._ciphers.get(key) if key else None
        if key is None or cipher is None:
            raise KeyMissingError(value.subject)
        nonce = self._nonces.next()
        text = without_lone_surrogates(clear).encode()
        sealed = nonce + cipher.encrypt(nonce, text, key.encode())
        return Sealed(key=key, sealed=base64.b64encode(sealed).decode())

    def personal(self, key: str, sealed: str) -> Personal:
        """The value, opened when somebody asks; remembers a key that has to be fetched first."""
        if sealed and key not in self._ciphers:
            self.missing.add(key)
        return Personal(subject_of(key), partial(self._open, key, sealed))

    def _open(self, key: str, sealed: str) -> str | None:
        if not sealed:
            return None
        if key not in self._ciphers:
            raise LookupError(f"subject key {key} was not fetched")
        cipher = self._ciphers[key]
        if cipher is None:
            return None
        raw = binascii.a2b_base64(sealed)
        try:
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], key.encode()).decode()
        except InvalidTag as error:
            raise LedgerError(f"a value sealed with {key} was altered") from error
