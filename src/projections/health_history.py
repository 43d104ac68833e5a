"""How a connector fared: the worst state in each part of a time, of the changes of its health."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# From best to worst; what is not known is no worse than anything.
ORDER = ("unknown", "ok", "degraded", "down", "auth_failed")


@dataclass(frozen=True)
class Turn:
    """The connector's health became this."""

    at: datetime
    state: str
    message: str | None


@dataclass(frozen=True)
class Part:
    """The worst of what it was from `begin` to `end`."""

    begin: datetime
    end: datetime
    state: str
    message: str | None


def parts(turns: Sequence[Turn], *, begin: datetime, step: timedelta, count: int) -> list[Part]:
    """So many parts from `begin` on; `turns` are in order, before the first nothing is known."""
    found: list[Part] = []
    held = Turn(begin, "unknown", None)
    left = list(turns)
    for number in range(count):
        end = begin + step * (number + 1)
        seen = [held]
        while left and left[0].at < end:
            held = left.pop(0)
            if held.at <= end - step:
                seen = [held]  # it was so all the time
            else:
                seen.append(held)
        worst = max(seen, key=lambda turn: ORDER.index(turn.state))
        found.append(Part(end - step, end, worst.state, worst.message))
    return found
