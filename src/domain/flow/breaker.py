"""When a peer that fails is left alone: closed, open, half open with one request as probe.

Seconds everywhere, on a clock that never goes back. Requests that were under way together when
the peer fell over are one failure, not many: only one sent after the last failure is a new one.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf


class BreakerState(StrEnum):
    """As `contract.md`, section 4, names them."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, kw_only=True)
class BreakerRules:
    """When it opens, and for how long."""

    failures: int = 16  # one after the other; one odd record alone is tried twelve times in a run
    pause: float = 15.0  # a restart takes about so long
    longest: float = 300.0  # each failed probe doubles the pause, up to this
    probe: float = 60.0  # a probe that was never heard of again makes way then
    again: float = 1.0  # while the probe is under way the others ask again so much later


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """`failures` in a row, the newest at `failed_at`; not asked before `open_until`."""

    failures: int = 0
    failed_at: float = -inf
    open_until: float | None = None
    pause: float = 0.0
    probe_until: float | None = None

    def state(self, now: float) -> BreakerState:
        """What a person reads."""
        if self.open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.open_until else BreakerState.HALF_OPEN


CLOSED = Breaker()


def asked(breaker: Breaker, rules: BreakerRules, now: float) -> tuple[Breaker, float]:
    """Somebody wants to send: how long it must not, 0 when it may go, as the probe perhaps."""
    if breaker.open_until is None:
        return breaker, 0.0
    if now < breaker.open_until:
        return breaker, breaker.open_until - now
    if breaker.probe_until is not None and now < breaker.probe_until:
        return breaker, min(rules.again, breaker.probe_until - now)
    return replace(breaker, probe_until=now + rules.probe), 0.0


def failed(breaker: Breaker, rules: BreakerRules, now: float, *, sent_at: float) -> Breaker:
    """No usable answer came to a request sent at `sent_at`."""
    if sent_at <= breaker.failed_at:
        return breaker
    failures = breaker.failures + 1
    after = replace(breaker, failures=failures, failed_at=now, probe_until=None)
    if breaker.open_until is None and failures < rules.failures:
        return after
    pause = min(max(rules.pause, 2 * breaker.pause), rules.longest)
    return replace(after, open_until=now + pause, pause=pause)
