"""A backup comes back as docs/operations.md says: the same ledger, guarded, and serving."""

import subprocess
from pathlib import Path

import asyncpg
import pytest

from tests.support.command import ran
from tests.support.postgres import DatabaseServer, debian_binaries
from tests.support.service import ADMIN, ADMIN_PASSWORD, running_service, token

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
BACK_UP = "pg_dump --format=custom --file=timeledger.dump"
RESTORE = "pg_restore --no-owner --no-privileges --exit-on-error"


def command(folder: Path, line: str, *arguments: str) -> None:
    """What the document says, with the programs of Debian."""
    assert line in OPERATIONS
    binaries = debian_binaries()
    assert binaries is not None
    program, *options = line.split()
    subprocess.run([str(binaries / program), *options, *arguments], cwd=folder, check=True)


async def test_a_backup_is_restored_into_an_empty_database(
    debian_server: DatabaseServer, tmp_path: Path
) -> None:
    with debian_server.database() as dsn, debian_server.database() as restored:
        async with running_service(dsn) as service:
            await service.add_user("bob", "viewer")
            command(tmp_path, BACK_UP, dsn)
            report = await service.own.store.verify()
        command(tmp_path, RESTORE, f"--dbname={restored}", "timeledger.dump")
        code, out, err = await ran(tmp_path, "verify", DATABASE_URL=restored)
        assert (code, f"Digest of the last one: {report.head_digest}" in out) == (0, True), err
        async with running_service(restored) as service:
            names = [user["username"] for user in (await service.http.get("/api/v1/users/")).json()]
            assert names == [ADMIN, "bob"]
            async with service.client() as client:
                assert await token(client, ADMIN, ADMIN_PASSWORD)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await service.own.store.pool.execute("DELETE FROM event")
