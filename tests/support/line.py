"""A line to a database that a test can cut and mend."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Line:
    """Passes bytes between clients and a server; cut, it refuses and drops everybody."""

    def __init__(self, dsn: str) -> None:
        self._parts = urlsplit(dsn)
        self._up = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def to(cls, dsn: str) -> AsyncIterator[tuple[str, "Line"]]:
        """The DSN of the near end, and the line."""
        line = cls(dsn)
        server = await asyncio.start_server(line._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        login, _, _ = line._parts.netloc.rpartition("@")
        near = line._parts._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()
        try:
            yield near, line
        finally:
            server.close()
            line.cut()
            await asyncio.gather(*line._tasks, return_exceptions=True)

    def cut(self) -> None:
        self._up = False
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        self._up = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._up:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(
            self._parts.hostname, self._parts.port
        )
        self._writers |= {writer, far_writer}
        for source, target in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pass(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        target.close()
        self._writers.discard(target)
