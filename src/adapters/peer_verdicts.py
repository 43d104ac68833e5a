"""One table from a peer's HTTP answer to who must act.

```text
status                     a read that failed          a write
2xx with JSON              fine                        fine
2xx, anything else         Unavailable                 OutcomeUnknown
3xx                        Misconfigured               OutcomeUnknown (a proxy may sit behind it)
401                        TokenRefused                TokenRefused
407                        Misconfigured               Misconfigured
403                        Rejected                    Rejected
404                        absent                      absent
403 404 in another voice   Misconfigured               Misconfigured (a proxy, not the peer)
403 404 with half its JSON Unavailable                 OutcomeUnknown
405 501                    Misconfigured               Misconfigured
408                        Unavailable                 OutcomeUnknown
425 429                    Unavailable                 Unavailable (not looked at)
other 4xx                  Rejected                    Rejected
everything else            Unavailable                 OutcomeUnknown
```
"In another voice": the body is not the JSON in which the peer reports errors. A proxy that
says 404 in HTML must never look like a record that was deleted.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto

import httpx

BUSY = frozenset({425, 429})  # not looked at, and told so by a peer that is well
MAX_RETRY_AFTER = 86_400.0  # seconds; a peer that asks for more than a day is asked again anyway


class Verdict(Enum):
    """What an answer means for us."""

    FINE = auto()
    ABSENT = auto()
    UNAVAILABLE = auto()
    UNKNOWN = auto()
    REJECTED = auto()
    MISCONFIGURED = auto()
    TOKEN_REFUSED = auto()


@dataclass(frozen=True, slots=True)
class Rule:
    """`statuses` share a fate; `read` and `write` are told apart because of it."""

    statuses: range
    read: Verdict
    write: Verdict
    why: str


def _only(status: int) -> range:
    return range(status, status + 1)


_BAD_TOKEN = "the token is not accepted"
_BAD_ROUTE = "no such call here; check address and version"
TABLE = (
    Rule(range(200, 300), Verdict.FINE, Verdict.FINE, ""),
    Rule(range(300, 400), Verdict.MISCONFIGURED, Verdict.UNKNOWN, "redirects, not followed"),
    Rule(_only(401), Verdict.TOKEN_REFUSED, Verdict.TOKEN_REFUSED, _BAD_TOKEN),
    Rule(_only(403), Verdict.REJECTED, Verdict.REJECTED, "not permitted"),
    Rule(_only(404), Verdict.ABSENT, Verdict.ABSENT, "not found"),
    Rule(_only(405), Verdict.MISCONFIGURED, Verdict.MISCONFIGURED, _BAD_ROUTE),
    Rule(_only(407), Verdict.MISCONFIGURED, Verdict.MISCONFIGURED, "a proxy wants credentials"),
    Rule(_only(408), Verdict.UNAVAILABLE, Verdict.UNKNOWN, "timed out"),
    Rule(_only(425), Verdict.UNAVAILABLE, Verdict.UNAVAILABLE, "too early"),
    Rule(_only(429), Verdict.UNAVAILABLE, Verdict.UNAVAILABLE, "too many requests"),
    Rule(range(400, 500), Verdict.REJECTED, Verdict.REJECTED, "refused"),
    Rule(_only(501), Verdict.MISCONFIGURED, Verdict.MISCONFIGURED, _BAD_ROUTE),
    Rule(range(1000), Verdict.UNAVAILABLE, Verdict.UNKNOWN, "failed"),
)
VOICE_MATTERS = frozenset({403, 404})
_FOREIGN = Rule(
    range(400, 500),
    Verdict.MISCONFIGURED,
    Verdict.MISCONFIGURED,
    "answered by something else than the peer; check the address",
)


def rule_for(status: int, *, own_voice: bool) -> Rule:
    """The rule of the table; `own_voice` says that the body is the peer's own error JSON."""
    if status in VOICE_MATTERS and not own_voice:
        return _FOREIGN
    return next(rule for rule in TABLE if status in rule.statuses)


def retry_after(headers: httpx.Headers, now: datetime) -> float | None:
    """Seconds to wait by the header `Retry-After` (seconds or a date), None without a usable one.

    A date is compared with the answer's own `Date`, so a wrong clock on either side cancels out.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), MAX_RETRY_AFTER)
    until = _http_date(value)
    if until is None:
        return None
    seconds = (until - (_http_date(headers.get("date", "")) or now)).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _http_date(value: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
