"""Which requests go wrong, and how: rules with a seeded chance, so that campaigns repeat."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """The ways a peer fails. `after` in a name: the request took effect first."""

    LATENCY = "latency"  # answers `seconds` later; combines with a later rule
    TOO_MANY = "too_many"  # 429 with Retry-After
    ERROR_BEFORE = "error_before"  # `status` (500) without applying
    ERROR_AFTER = "error_after"  # applied, then `status` (500)
    RESET_BEFORE = "reset_before"  # TCP reset, nothing applied
    RESET_AFTER = "reset_after"  # applied, then TCP reset
    STALL = "stall"  # applied; headers and half the body, the rest `seconds` later
    TRUNCATE = "truncate"  # applied; half the body, connection closed early
    TRUNCATE_CLEAN = "truncate_clean"  # applied; half the body with a matching Content-Length
    HTML = "html"  # `status` (502) and an HTML page, nothing applied
    HTML_AFTER = "html_after"  # applied, then an HTML page
    UNAUTHORIZED = "unauthorized"  # 401, nothing applied
    FORBIDDEN = "forbidden"  # 403, nothing applied
    REPEAT_ROWS = "repeat_rows"  # a list answer repeats rows already sent
    HANG_AFTER_APPLY = "hang_after_apply"  # applied, silent for `seconds`, then closed


@dataclass(frozen=True, kw_only=True)
class FaultRule:
    """One way to fail and the requests it may hit."""

    kind: FaultKind
    methods: tuple[str, ...] = ()  # empty: every method
    path_prefix: str = "/"
    probability: float = 1.0  # 0..1, drawn per matching request
    times: int | None = None  # at most this often
    after: int = 0  # matching requests let through first
    seconds: float = 1.0  # for latency, stall, hang_after_apply
    retry_after: int | None = 1  # seconds in the header of too_many; None: no header
    status: int | None = None  # for error_* (500) and html* (502)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "FaultRule":
        """A rule from a control request.

        Raises:
            ValueError: an unknown key or kind, or a probability outside 0..1.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(raw) - known):
            raise ValueError(f"unknown keys in a fault rule: {', '.join(unknown)}")
        if "kind" not in raw:
            raise ValueError("a fault rule needs a kind")
        values = dict(raw)
        values["kind"] = FaultKind(raw["kind"])
        values["methods"] = tuple(str(m).upper() for m in raw.get("methods") or ())
        rule = cls(**values)
        if not 0 <= rule.probability <= 1:
            raise ValueError(f"probability {rule.probability} is not between 0 and 1")
        if rule.seconds < 0:
            raise ValueError(f"seconds {rule.seconds} is negative")
        return rule

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is one this rule may hit."""
        return (not self.methods or method in self.methods) and path.startswith(self.path_prefix)


class FaultPlan:
    """The rules in force, with their counters and the random stream that decides."""

    def __init__(self, rules: Iterable[FaultRule] = (), seed: int = 0) -> None:
        self.replace(rules, seed)

    def replace(self, rules: Iterable[FaultRule], seed: int = 0) -> None:
        """Put new rules in force and restart counters and the random stream."""
        self.rules = list(rules)
        self.seed = seed
        self._random = random.Random(seed)  # noqa: S311  a repeatable stream is the point
        self._seen = [0] * len(self.rules)
        self._hit = [0] * len(self.rules)

    def clear(self) -> None:
        """No more faults."""
        self.replace(())

    def pick(self, method: str, path: str) -> tuple[float, FaultRule | None]:
        """Seconds to wait first, and the fault for this request (the first rule that fires)."""
        delay = 0.0
        for index, rule in enumerate(self.rules):
            if not rule.matches(method, path) or not self._fires(index, rule):
                continue
            if rule.kind is not FaultKind.LATENCY:
                return delay, rule
            delay += rule.seconds
        return delay, None

    def _fires(self, index: int, rule: FaultRule) -> bool:
        self._seen[index] += 1
        if self._seen[index] <= rule.after:
            return False
        if rule.times is not None and self._hit[index] >= rule.times:
            return False
        if rule.probability < 1 and self._random.random() >= rule.probability:
            return False
        self._hit[index] += 1
        return True

    def describe(self) -> dict[str, object]:
        """The plan as `/_control/faults` reports it, with how often each rule fired."""
        return {
            "seed": self.seed,
            "rules": [
                {**asdict(rule), "seen": seen, "hit": hit}
                for rule, seen, hit in zip(self.rules, self._seen, self._hit, strict=True)
            ],
        }
