"""A client of the live stream on a bare socket, frame by frame."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Got:
    """One frame; `at` is the loop's time when it was read."""

    id: int
    event: str
    data: Any
    at: float


@dataclass
class Stream:
    """An open stream. `comments` and `retry` are what came besides frames."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    retry: int | None = None
    text: bytes = b""

    async def open(self) -> None:
        """Read the head of the answer."""
        first, *rest = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in rest if line)
        }

    async def next(self, within: float = 10.0) -> Got:
        """The next frame. Raises EOFError at the end of the stream, TimeoutError without one."""
        async with asyncio.timeout(within):
            while True:
                block = await self._block()
                fields = dict(line.partition(": ")[::2] for line in block.split("\n"))
                if "" in fields or block.startswith(":"):
                    self.comments.append(block)
                elif "retry" in fields:
                    self.retry = int(fields["retry"])
                else:
                    now = asyncio.get_running_loop().time()
                    data = json.loads(fields["data"])
                    return Got(int(fields["id"]), fields["event"], data, now)

    async def until(self, event: str, within: float = 10.0, **data: object) -> Got:
        """The next frame of that kind that says all of `data`."""
        async with asyncio.timeout(within):
            while True:
                got = await self.next(within)
                if got.event == event and data.items() <= got.data.items():
                    return got

    async def ended(self, within: float = 10.0) -> bool:
        """Whether the service ends the stream in order."""
        with suppress(EOFError):
            async with asyncio.timeout(within):
                while True:
                    await self.next(within)
        return True

    async def _block(self) -> str:
        while b"\n\n" not in self.text:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            chunk = await self.reader.readexactly(size + 2)
            if size == 0:
                raise EOFError
            self.text += chunk[:-2]
        block, _, self.text = self.text.partition(b"\n\n")
        return block.decode()


@asynccontextmanager
async def streaming(
    url: str, *, path: str = "/api/v1/stream", limit: int = 1 << 22, **headers: str
) -> AsyncIterator[Stream]:
    """A stream of the service at `url`; a header `last_event_id` is Last-Event-ID."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=limit)
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    writer.write(f"GET {path} HTTP/1.1\r\nhost: {address.netloc}\r\n{lines}\r\n".encode())
    try:
        stream = Stream(reader, writer)
        async with asyncio.timeout(20):
            await stream.open()
        yield stream
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(2):
                await writer.wait_closed()
