"""Everything that can go wrong, sorted by who must act.

```text
LedgerError
├── RuleViolation          the caller: refused by a rule               409, never retried
│   └── AlreadyClaimed     the caller: that name or slot is taken      409, never retried
├── StreamMovedOn          nobody: reload and decide again             handled in handle()
├── RunCancelled           nobody: a person stopped the run           its end says who
├── Unstorable             the programmer: an event cannot be kept    never retried
├── LedgerDamaged          the administrator: a digest does not match  stop, restore
└── ExternalSystemError    names the system
    ├── Unavailable        time: back off, honour retry_after          retried
    ├── OutcomeUnknown     time: sent, answer lost; read back first    never repeated blindly
    ├── Rejected           a person: becomes an event and a conflict   never retried
    └── Misconfigured      the administrator: stop the schedule        alert
        └── TokenRefused   the administrator: the connector pauses     alert
```
Messages carry ids, statuses and field names; never tokens, never a peer's body.
"""

from collections.abc import Sequence


class LedgerError(Exception):
    """Root of the tree above."""


class RuleViolation(LedgerError):
    """A rule of the domain refused a command; nothing was written.

    `code` is one of the closed list in the HTTP contract, section 3.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class AlreadyClaimed(RuleViolation):
    """A value that must be unique belongs to another stream already."""

    def __init__(self, claim: str, holder: str) -> None:
        super().__init__("already_claimed", f"{claim!r} is taken by {holder}")
        self.claim = claim
        self.holder = holder


class StreamMovedOn(LedgerError):
    """Another writer appended to the stream since it was read."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(f"{stream} is at version {actual}, not {expected}")
        self.stream = stream
        self.expected = expected
        self.actual = actual


class RunCancelled(LedgerError):
    """Somebody stopped the run; the write in hand is finished first."""


class Unstorable(LedgerError):
    """An event, or a stored shape, that this version of the ledger cannot write or read."""


class LedgerDamaged(LedgerError):
    """The stored event at `position` does not match its digest."""

    def __init__(self, position: int, what: str) -> None:
        super().__init__(f"event {position} was altered: {what}")
        self.position = position


class ExternalSystemError(LedgerError):
    """A system that we do not own failed us; `system` is zammad, kimai or postgresql."""

    def __init__(self, system: str, message: str) -> None:
        super().__init__(f"{system}: {message}")
        self.system = system


class Unavailable(ExternalSystemError):
    """It cannot answer now and nothing was changed; `retry_after` is in seconds when it said so.

    `busy`: it is well, and answered that it has too much to do. `tripped`: so many requests
    failed that the breaker lets none through; it is the peer, and not the record asked for.
    """

    def __init__(
        self,
        system: str,
        message: str,
        *,
        retry_after: float | None = None,
        busy: bool = False,
        tripped: bool = False,
    ) -> None:
        super().__init__(system, message)
        self.retry_after = retry_after
        self.busy = busy
        self.tripped = tripped


class OutcomeUnknown(ExternalSystemError):
    """A write was sent and its answer never came: it may or may not have been applied."""


class Rejected(ExternalSystemError):
    """It understood and refused; `fields` names what it refused, `root` an error of the whole.

    `extra` are those of them that were not wrong, but not to be sent at all.
    """

    def __init__(
        self,
        system: str,
        message: str,
        *,
        status: int,
        fields: Sequence[str] = (),
        extra: Sequence[str] = (),
        root: bool = False,
    ) -> None:
        super().__init__(system, message)
        self.status = status
        self.fields = tuple(fields)
        self.extra = tuple(extra)
        self.root = root


class Misconfigured(ExternalSystemError):
    """Only the administrator can help: token, permission, address, version."""


class TokenRefused(Misconfigured):
    """It does not know the token, or lets nobody in with it: nothing more is sent with it."""
