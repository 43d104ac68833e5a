"""A delivery to this service itself, by its own listening address, as Zammad would send one."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpx

PATIENCE = 10.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Knock:
    """What came of it; `status` None: nobody answered."""

    status: int | None
    answer: Mapping[str, Any]
    seconds: float


async def knock(url: str, body: bytes, headers: Mapping[str, str]) -> Knock:
    """Post it; no proxy is used, and a failure to reach it is an answer."""
    began = monotonic()
    async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
        try:
            answer = await client.post(url, content=body, headers=dict(headers))
        except httpx.HTTPError as error:
            said = {"detail": f"Nobody answers there ({type(error).__name__})."}
            return Knock(status=None, answer=said, seconds=monotonic() - began)
    try:
        said = answer.json()
    except ValueError:
        said = {"detail": "The answer is not that of this service."}
    return Knock(status=answer.status_code, answer=said, seconds=monotonic() - began)
