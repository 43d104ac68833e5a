"""How fast a peer is asked: one request per interval, and none while it asked to be left alone.

Seconds everywhere, on a clock that never goes back.
"""

from dataclasses import dataclass, replace
from math import inf

LONGEST_HOLD = 3_600.0  # a peer that wants to be left alone for longer is asked every hour anyway


@dataclass(frozen=True, kw_only=True)
class Pace:
    """The next request may go at `free_at`, and not before `held_until`."""

    free_at: float = -inf
    held_until: float = -inf


STEADY = Pace()


def taken(pace: Pace, now: float, *, per_second: float | None) -> tuple[Pace, float]:
    """A place for one request: how long it waits for it. None for `per_second` is no limit.

    Places are given in the order in which they are asked for.
    """
    at = max(now, pace.free_at, pace.held_until)
    step = 0.0 if per_second is None else 1 / per_second
    return replace(pace, free_at=at + step), at - now


def held(pace: Pace, now: float, seconds: float) -> Pace:
    """The peer asked to be left alone for so long; the later of two such wishes counts."""
    until = now + min(seconds, LONGEST_HOLD)
    return replace(pace, held_until=max(pace.held_until, until))


def held_for(pace: Pace, now: float) -> float:
    """How much longer the peer wants to be left alone; 0 when it does not."""
    return max(0.0, pace.held_until - now)
