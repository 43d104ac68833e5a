"""Secrets at rest: rotation, fingerprints, passwords."""

import pytest
from argon2 import PasswordHasher
from cryptography.fernet import Fernet

from adapters.secrets import Passwords, SecretBox
from domain.errors import Misconfigured

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_an_old_key_encrypted_opens_under_the_new_one_and_moves_there() -> None:
    stored = SecretBox([OLD]).encrypt("t0ken")
    both = SecretBox([NEW, OLD])
    assert both.decrypt(stored.text) == "t0ken"
    moved = both.rotated(stored.text)
    assert moved.key_id == both.key_id != stored.key_id
    assert SecretBox([NEW]).decrypt(moved.text) == "t0ken"
    with pytest.raises(Misconfigured):
        SecretBox([NEW]).decrypt(stored.text)


def test_a_fingerprint_says_whether_a_secret_is_the_same_and_nothing_more() -> None:
    box = SecretBox([OLD])
    first = box.fingerprint("connector-1", "t0ken")
    assert first == box.fingerprint("connector-1", "t0ken")
    assert first != box.fingerprint("connector-1", "other")
    assert first != box.fingerprint("connector-2", "t0ken")
    assert first != SecretBox([NEW]).fingerprint("connector-1", "t0ken")
    rotated = SecretBox([NEW, OLD])
    assert rotated.fingerprint("connector-1", "t0ken", current=first) == first
    assert rotated.fingerprint("connector-1", "other", current=first) != first


def test_a_key_that_is_none_is_named_not_shown() -> None:
    with pytest.raises(Misconfigured) as refusal:
        SecretBox(["nonsense-key"])
    assert "ENCRYPTION_KEY" in str(refusal.value)
    assert "nonsense-key" not in str(refusal.value)


async def test_passwords_match_their_own_hash_only() -> None:
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    stored = await passwords.hash("correct-horse")
    assert stored.startswith("$argon2id$")
    assert await passwords.matches("correct-horse", stored)
    assert not await passwords.matches("wrong-horse", stored)
    assert not await passwords.matches("correct-horse", None)
    assert not await passwords.matches("correct-horse", "no hash at all")
