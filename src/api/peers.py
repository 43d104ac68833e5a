"""Clients of the connected systems, and the answer to "does this connector work?"."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from adapters.kimai.client import KimaiTimesheets
from adapters.peer_flow import Flow
from adapters.peer_http import CONCURRENCY, Patience
from adapters.zammad.client import ZammadTickets
from domain.connector.decide import Connector
from domain.connector.events import Findings
from domain.connector.permissions import OF_ZAMMAD
from domain.connector.settings import KimaiSettings, ZammadSettings
from domain.errors import (
    ExternalSystemError,
    Misconfigured,
    Rejected,
    TokenRefused,
    Unavailable,
)
from domain.flow.breaker import BreakerRules
from domain.ports.timesheets import TokenCapabilities

A_PERSON_WAITS = Patience(connect=5, request=10, attempts=2, total=15)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a test found. `message` names the peer and the class of failure, never its body."""

    valid: bool
    message: str
    peer_version: str | None = None
    user: str | None = None
    time_unit_declared: str | None = None
    missing_permissions: Sequence[str] = ()
    warnings: Sequence[str] = field(default=())
    token_refused: bool = False
    capabilities: TokenCapabilities | None = None
    permissions: Mapping[str, bool | None] = field(default_factory=dict)


def findings(verdict: Verdict) -> Findings | None:
    """What is kept of a test that went well; nothing that names a person."""
    if not verdict.valid:
        return None
    can = verdict.capabilities
    return Findings(
        roles=() if can is None else tuple(can.roles),
        tracking_mode=None if can is None else can.tracking_mode,
        time_unit_declared=verdict.time_unit_declared,
        permissions=dict(verdict.permissions),
    )


class Observe(Protocol):
    """Told of a request that was sent: the connector, what was asked, and how long it took."""

    def __call__(
        self, connector: int, method: str, path: str, seconds: float, *, failed: bool
    ) -> None: ...


class Peers:
    """Opens clients; a test replaces it to watch what is asked.

    What is learnt of a peer's condition is kept per connector, for as long as the process lives.
    """

    breaker = BreakerRules()

    def __init__(self) -> None:
        self._flows: dict[int, Flow] = {}
        self.observe: Observe | None = None  # told of every request to a connector's peer

    def flow(self, connector: Connector) -> Flow:
        """How the peer behind this connector may be asked, and how it fared so far."""
        number = connector.connector_id
        if number not in self._flows:
            self._flows[number] = flow = Flow(rules=self.breaker)
            if self.observe is not None:
                flow.observe = partial(self.observe, number)
        return self._flows[number]

    def flows(self) -> Sequence[tuple[int, Flow]]:
        """Those of the connectors that were asked so far, by id."""
        return sorted(self._flows.items())

    def paced(self, connector: Connector, settings: ZammadSettings | KimaiSettings) -> Flow:
        """The same for a run that begins, with the connector's rate as it is set now."""
        flow = self.flow(connector)
        flow.per_second = settings.requests_per_second
        flow.begin()
        return flow

    def zammad(
        self,
        base_url: str,
        token: str,
        *,
        patience: Patience | None = None,
        concurrency: int = CONCURRENCY,
        flow: Flow | None = None,
    ) -> ZammadTickets:
        """A client for one run or one question; close it by `async with`."""
        return ZammadTickets(base_url, token, patience=patience, concurrency=concurrency, flow=flow)

    def kimai(
        self,
        base_url: str,
        token: str,
        *,
        patience: Patience | None = None,
        concurrency: int = CONCURRENCY,
        flow: Flow | None = None,
    ) -> KimaiTimesheets:
        """A client for one run or one question; close it by `async with`."""
        return KimaiTimesheets(
            base_url, token, patience=patience, concurrency=concurrency, flow=flow
        )

    async def tried(self, kind: str, base_url: str, token: str) -> Verdict:
        """Whether address and token work; every failure of the peer is an answer."""
        try:
            if kind == "zammad":
                return await self._tried_zammad(base_url, token)
            return await self._tried_kimai(base_url, token)
        except ExternalSystemError as error:
            refused = isinstance(error, TokenRefused)
            return Verdict(valid=False, message=_why(kind, error), token_refused=refused)

    async def _tried_zammad(self, base_url: str, token: str) -> Verdict:
        async with ZammadTickets(base_url, token, thorough=True, patience=A_PERSON_WAITS) as client:
            identity = await client.identity()
            unit = await client.declared_unit()
        warnings = []
        if unit is None:
            warnings.append("Zammad declares no time unit: set time_unit_minutes.")
        return Verdict(
            valid=True,
            message=f"Connected to Zammad as {identity.login}.",
            peer_version=identity.version,
            user=identity.login,
            time_unit_declared=unit,
            missing_permissions=tuple(identity.missing),
            warnings=warnings,
            permissions={name: name not in identity.missing for name in OF_ZAMMAD},
        )

    async def _tried_kimai(self, base_url: str, token: str) -> Verdict:
        async with KimaiTimesheets(
            base_url, token, with_version=True, patience=A_PERSON_WAITS
        ) as client:
            identity = await client.identity()
            can = await client.capabilities()
        return Verdict(
            valid=True,
            message=f"Connected to Kimai as {identity.username}.",
            peer_version=identity.version,
            user=identity.username,
            missing_permissions=[] if can.books_for_others else ["create_other_timesheet"],
            warnings=list(_warnings(can)),
            capabilities=can,
            permissions={
                "sends_times": can.sends_times,
                "books_for_others": can.books_for_others,
                "sees_exported": can.sees_exported,
                "lists_people": can.lists_people,
                "creates_projects": can.creates_projects,
                "stops_at_locks": not can.past_locks,
            },
        )


def _warnings(can: TokenCapabilities) -> Iterator[str]:
    if not can.sends_times:
        yield (
            f"In tracking mode {can.tracking_mode} this token may not send begin and end: use mode "
            "default, or the token of a teamlead or administrator."
        )
    if not can.books_for_others:
        yield "This token may book for its own user only."
    if not can.lists_people:
        yield "This token may not list users: nobody is recognised by e-mail, map people by hand."
    if can.sees_exported is False:
        yield "This token is not shown what was exported: billed timesheets cannot be protected."
    if can.past_locks:
        yield (
            "Kimai does not stop this token at exported timesheets or locked periods. Timeledger "
            "does not change exported ones; locked periods it cannot see."
        )


def _why(kind: str, error: ExternalSystemError) -> str:
    name = kind.capitalize()
    match error:
        case TokenRefused():
            return f"{name} refuses the token."
        case Misconfigured():
            return f"{name} cannot be used with this token, or the address is not that of a {name}."
        case Rejected(status=status):
            return f"{name} refused the request ({status})."
        case Unavailable():
            return f"{name} does not answer at this address."
        case _:
            return f"{name} did not answer as expected."
