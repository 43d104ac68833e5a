"""Secrets survive a crash at any instant between storing and naming them."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet

from adapters.postgres.connecting import open_pool
from adapters.postgres.vault import Vault
from adapters.secrets import SecretBox
from domain.errors import Misconfigured
from tests.support.known_secrets import register

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
OWNER = "connector-1"
TOKEN = register("the token in the vault", "kept-t0ken-in-the-vault")


async def test_a_secret_is_stored_once_and_read_back(migrated: str) -> None:
    async with await open_pool(migrated, role=None, size=2) as pool:
        vault = Vault(pool, SecretBox([OLD]))
        first = await vault.put(OWNER, TOKEN)
        assert await vault.get(OWNER, first) == TOKEN
        assert await vault.put(OWNER, TOKEN, current=first) == first
        stored = await pool.fetchval("SELECT convert_from(ciphertext, 'UTF8') FROM secret")
        assert TOKEN not in stored
        await vault.destroy(OWNER)
        with pytest.raises(Misconfigured, match="set it again"):
            await vault.get(OWNER, first)


async def test_a_sweep_destroys_orphans_and_moves_the_rest_to_the_newest_key(
    migrated: str,
) -> None:
    async with await open_pool(migrated, role=None, size=2) as pool:
        old = Vault(pool, SecretBox([OLD]))
        named = await old.put(OWNER, TOKEN)
        orphan = await old.put(OWNER, "never named")
        await pool.execute("UPDATE secret SET stored_at = now() - interval '2 hours'")
        young = await old.put(OWNER, "about to be named")
        vault = Vault(pool, SecretBox([NEW, OLD]))
        assert await vault.sweep({OWNER: [named]}) == 1
        with pytest.raises(Misconfigured):
            await vault.get(OWNER, orphan)
        assert await vault.get(OWNER, young) == "about to be named"
        assert await Vault(pool, SecretBox([NEW])).get(OWNER, named) == TOKEN


async def test_a_secret_that_was_stored_again_is_spared(migrated: str) -> None:
    async with await open_pool(migrated, role=None, size=2) as pool:
        vault = Vault(pool, SecretBox([OLD]))
        fingerprint = await vault.put(OWNER, TOKEN)
        now = datetime.now(UTC)
        await vault.drop(OWNER, [fingerprint], before=now - timedelta(minutes=1))
        assert await vault.get(OWNER, fingerprint) == TOKEN
        await vault.drop(OWNER, [fingerprint], before=now + timedelta(minutes=1))
        with pytest.raises(Misconfigured):
            await vault.get(OWNER, fingerprint)
