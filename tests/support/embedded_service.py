"""A service with an embedded server, as a process that tests can kill.

    python -m tests.support.embedded_service FOLDER

Prints one JSON line when the server is ready, then works until standard input ends.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import asyncpg

from adapters.embedded import EmbeddedPostgres


async def main(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    began = time.perf_counter()
    dsn = await server.start()
    seconds = time.perf_counter() - began
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE IF NOT EXISTS life (n int)")
    await connection.execute("INSERT INTO life SELECT count(*) + 1 FROM life")
    lives = await connection.fetchval("SELECT max(n) FROM life")
    await connection.close()
    print(json.dumps({"dsn": dsn, "pid": server.pid, "seconds": seconds, "lives": lives}))  # noqa: T201 - the protocol
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
