"""Hints that something was appended: from this process at once, from others through LISTEN.

Only hints: who misses one finds the events by polling. The session listening here also hears of
destroyed subject keys; whenever it was away, every cached key is asked for again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg

from adapters.ledger.sealing import Keyring
from adapters.postgres.connecting import DRIVER_ERRORS
from adapters.postgres.subject_keys import ERASED
from domain.errors import LedgerError

CHANNEL = "timeledger"
PAUSE = 1.0  # seconds between attempts to listen again
CHECK = 30.0  # seconds; a session that died without a word would miss erasures


class Bell:
    """Rings for everybody who waits, in this process."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody waiting now; who waits later waits for the next ring."""
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()

    def next(self) -> asyncio.Event:
        """Set at the next ring; take it before looking, wait for it after."""
        return self._rung


class Listener:
    """Keeps one session listening as long as it lives."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        log_id: int,
        bell: Bell,
        keyring: Keyring,
    ) -> None:
        self._connect = connect
        self._log_id = log_id
        self._bell = bell
        self._keyring = keyring
        self._task = asyncio.create_task(self._run(), name=f"listener of log {log_id}")

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            with suppress(LedgerError, *DRIVER_ERRORS):
                await self._listen()
            await asyncio.sleep(PAUSE)

    async def _listen(self) -> None:
        connection = await self._connect()
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        try:
            await connection.add_listener(CHANNEL, self._heard)
            self._keyring.forget_all()
            self._bell.ring()
            while not ended.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(CHECK):
                        await ended.wait()
                await connection.execute("SELECT 1")
        finally:
            connection.terminate()

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        text = str(payload)
        if text.startswith(ERASED):
            self._keyring.forget(text.removeprefix(ERASED))
        elif text.partition(":")[0] == str(self._log_id):
            self._bell.ring()
