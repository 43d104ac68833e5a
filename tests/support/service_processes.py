"""`timeledger serve` in processes of its own, on one database: killed, or racing each other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.chaos.service import ServiceProcess, environment
from tests.support.service import ADMIN, ADMIN_PASSWORD, SECRET_KEY


def a_process(dsn: str, folder: Path) -> ServiceProcess:
    """Not started; its log is in the folder."""
    return ServiceProcess(
        environment(
            dsn,
            SECRET_KEY=SECRET_KEY,
            ADMIN_USERNAME=ADMIN,
            ADMIN_PASSWORD=ADMIN_PASSWORD,
            KIMAI_REQUEST_LIMIT_SECONDS="1",
        ),
        folder,
    )


@asynccontextmanager
async def alive(process: ServiceProcess) -> AsyncIterator[httpx.AsyncClient]:
    """Started, and killed at the end of the block."""
    await process.launch()
    try:
        await process.ready()
        async with process.client() as http:
            yield http
    finally:
        process.kill()
        await process.ended()


async def get(http: httpx.AsyncClient, path: str) -> Any:
    """What a read answers that has to go well."""
    answer = await http.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()
