"""When the next request may go to a connector's peer, for all its clients in this process.

What holds a request back is its turn by the connector's rate, a `Retry-After`, or the breaker. A
short wait is waited here; a long one is refused, with the seconds to go.
"""

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from domain.errors import ExternalSystemError, Misconfigured, TokenRefused, Unavailable
from domain.flow import breaker, pace
from domain.flow.breaker import Breaker, BreakerRules, BreakerState
from domain.flow.pace import Pace


class Observe(Protocol):
    """Told of every request that was sent: what was asked, and the seconds until its outcome."""

    def __call__(self, method: str, path: str, seconds: float, *, failed: bool) -> None: ...


@dataclass
class Flow:
    """What is known of one peer. `per_second` None: as fast as it answers.

    `latency` is that of the last answer, in seconds. `alarmed` is set when something happened
    that a person should hear of before the run ends.
    """

    rules: BreakerRules = field(default_factory=BreakerRules)
    per_second: float | None = None
    latency: float | None = None
    alarmed: asyncio.Event = field(default_factory=asyncio.Event)
    observe: Observe | None = None
    _breaker: Breaker = breaker.CLOSED
    _pace: Pace = pace.STEADY
    _failure: ExternalSystemError | None = None
    _wish: ExternalSystemError | None = None
    _answered: bool = False

    @property
    def breaker(self) -> BreakerState:
        return self._breaker.state(monotonic())

    @property
    def rest(self) -> float:
        """How many seconds it is left alone from now on, 0 when it may be asked."""
        now = monotonic()
        rest = pace.held_for(self._pace, now)
        if self._breaker.state(now) is BreakerState.OPEN:
            rest = max(rest, breaker.asked(self._breaker, self.rules, now)[1])
        return rest

    def backlog(self, requests: int) -> float:
        """How many seconds so many requests in line take by the rate alone."""
        return 0.0 if self.per_second is None else requests / self.per_second

    async def turn(self, system: str, *, patience: float) -> float:
        """Return when a request may be sent; gives the instant, for `failed`.

        Raises Unavailable, with the seconds to go, when that is more than `patience` away and it
        is the peer that does not want it sooner.
        """
        self._check(system, patience)
        self._pace, rest = pace.taken(self._pace, monotonic(), per_second=self.per_second)
        while rest > 0:
            await asyncio.sleep(rest)
            rest = self._check(system, patience)
        now = monotonic()
        self._breaker, rest = breaker.asked(self._breaker, self.rules, now)
        if rest > 0:
            raise self._tripped(system, rest)
        return now

    def _check(self, system: str, patience: float) -> float:
        """How much longer the peer wants to be left alone; raises when that is too long."""
        now = monotonic()
        rest = pace.held_for(self._pace, now)
        if rest > patience:
            text = f"not asked: it wants to be left alone for {rest:.0f} s ({self._wish})"
            raise Unavailable(system, text, retry_after=rest)
        if self._breaker.state(now) is BreakerState.OPEN:
            _, open_for = breaker.asked(self._breaker, self.rules, now)
            raise self._tripped(system, open_for)
        return rest

    def _tripped(self, system: str, rest: float) -> Unavailable:
        text = (
            f"not asked for {rest:.0f} s, because {self._breaker.failures} requests in a row"
            f" failed, the last one: {self._failure}"
        )
        return Unavailable(system, text, retry_after=rest, tripped=True)

    def asked(self, method: str, path: str, sent_at: float, *, failed: bool) -> None:
        """A request came to its end; `failed`: without a usable answer."""
        if self.observe is not None:
            self.observe(method, path, monotonic() - sent_at, failed=failed)

    def answered(self, sent_at: float) -> None:
        """It answered, whatever it said: it is there."""
        self._breaker = breaker.CLOSED
        self.latency = monotonic() - sent_at
        self._answered = True
        if not isinstance(self._failure, TokenRefused):
            self._failure = None

    def hold(self, seconds: float, error: ExternalSystemError) -> None:
        """It asked to be left alone for so long, by the answer that `error` tells of."""
        self._wish = error
        self._pace = pace.held(self._pace, monotonic(), seconds)

    def failed(self, sent_at: float, error: ExternalSystemError) -> None:
        """No usable answer came."""
        now = monotonic()
        before = self._breaker.open_until
        self._breaker = breaker.failed(self._breaker, self.rules, now, sent_at=sent_at)
        if not isinstance(self._failure, TokenRefused):
            self._failure = error
        if before is None and self._breaker.open_until is not None:
            self.alarmed.set()

    def misconfigured(self, error: Misconfigured) -> None:
        """Only the administrator can help; a refused token counts for more than all else."""
        if not isinstance(self._failure, TokenRefused):
            self._failure = error
        if isinstance(error, TokenRefused):
            self.alarmed.set()

    def health(self) -> tuple[str, str | None] | None:
        """State and message of `contract.md`, section 4; None when it was not asked."""
        match self._failure:
            case TokenRefused() as error:
                return "auth_failed", str(error)
            case Misconfigured() as error:
                return "degraded", str(error)
            case None:
                return ("ok", None) if self._answered else None
            case error:
                return "down", str(error)

    def begin(self) -> None:
        """A new run: what an earlier one was refused is no news any more."""
        self.alarmed.clear()
        self._answered = False
        if isinstance(self._failure, Misconfigured):
            self._failure = None

    def clear(self) -> None:
        """A person has seen to it: ask again at once."""
        self._breaker, self._pace, self._failure = breaker.CLOSED, pace.STEADY, None
