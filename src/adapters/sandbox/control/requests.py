"""What was asked of a sandbox peer: counts per method and route, and the newest requests."""

import re
from collections import Counter, deque
from dataclasses import asdict, dataclass

KEPT = 1_000  # newest requests remembered; a test that needs more should count instead
_ID = re.compile(r"/\d+(?=/|$)")


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request as the peer saw it."""

    method: str
    path: str
    query: str
    status: int | None  # None: the connection ended without an answer
    seconds: float
    fault: str | None


class RequestLog:
    """Counts for assertions such as "an idle run needs at most three requests"."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._last: deque[LoggedRequest] = deque(maxlen=KEPT)

    @property
    def total(self) -> int:
        """Requests since the last reset, control requests not counted."""
        return self._counts.total()

    def add(self, request: LoggedRequest) -> None:
        """Count one finished request under its route, ids replaced by `{id}`."""
        self._counts[f"{request.method} {_ID.sub('/{id}', request.path)}"] += 1
        self._last.append(request)

    def clear(self) -> None:
        """Forget everything."""
        self._counts.clear()
        self._last.clear()

    def count(self, method: str, route: str) -> int:
        """How often `method route` was asked; ids are written `{id}` in `route`."""
        return self._counts[f"{method} {route}"]

    def describe(self, last: int = 50) -> dict[str, object]:
        """The log as `/_control/requests` reports it, newest last."""
        newest = list(self._last)[-last:] if last > 0 else []
        return {
            "total": self.total,
            "counts": dict(sorted(self._counts.items())),
            "last": [asdict(request) for request in newest],
        }
