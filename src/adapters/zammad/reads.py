"""Reading from Zammad, where a 403 can mean three things."""

import asyncio
from collections.abc import Mapping

import httpx

from adapters.peer_flow import Flow
from adapters.peer_http import CONCURRENCY, Answer, Params, Patience, Peer, PeerHttp
from adapters.peer_verdicts import Verdict
from adapters.peer_wire import parsed
from adapters.zammad import wire
from domain.errors import Rejected

API = "api/v1"
ADMITTED_SECONDS = 60.0  # how long one good answer proves that the token works at all


class ZammadReads:
    """GETs and searches with the refusals sorted out.

    Zammad answers 403 for an unreadable object, and as well when API access is off, maintenance
    mode is on or the header got lost (`peers/zammad.md`, trap 18). The latter must not look like
    one unreadable ticket, so a 403 is believed only while `GET /users/me`, open to every valid
    credential, answers.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        patience: Patience | None = None,
        concurrency: int = CONCURRENCY,
        flow: Flow | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        peer = Peer(system=wire.SYSTEM, scheme="Token token=", owns=wire.owns, refusal=wire.refusal)
        self._http = PeerHttp(
            peer,
            base_url,
            token,
            patience=patience,
            concurrency=concurrency,
            flow=flow,
            transport=transport,
        )
        self._admitted_until = 0.0  # loop time

    def __repr__(self) -> str:
        return repr(self._http)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def me(self) -> wire.Me:
        """The token's owner. Raises Misconfigured when the token is refused altogether."""
        path = f"{API}/users/me"
        answer = await self._http.read(path, denied=Verdict.TOKEN_REFUSED)
        self._admitted_until = asyncio.get_running_loop().time() + ADMITTED_SECONDS
        return parsed(wire.SYSTEM, path, wire.Me, answer.data)

    async def find(
        self,
        path: str,
        params: Params | None = None,
        *,
        search: Mapping[str, object] | None = None,
    ) -> Answer | None:
        """A read under the API's base; None for Zammad's own 404.

        Raises:
            Rejected: 403 when exactly this is not open to the token; other 4xx.
            Misconfigured: the token is refused altogether.
        """
        try:
            return await self._http.find(f"{API}/{path}", params, search=search)
        except Rejected as error:
            now = asyncio.get_running_loop().time()
            if error.status == httpx.codes.FORBIDDEN and now >= self._admitted_until:
                await self.me()
            raise

    async def if_open(
        self,
        path: str,
        params: Params | None = None,
        *,
        search: Mapping[str, object] | None = None,
    ) -> Answer | None:
        """The same, with None also for what is not open to the token."""
        try:
            return await self.find(path, params, search=search)
        except Rejected as error:
            if error.status != httpx.codes.FORBIDDEN:
                raise
            return None
