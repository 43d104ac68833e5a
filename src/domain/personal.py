"""Values that name or describe a person: sealed when stored, erasable, never shown by accident."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass


class Personal:
    """One personal value and whose it is.

    `subject` is `zammad-user:<id>`, `customer:<id>` or `account:<id>`. The value is opened when
    it is first asked for, because most readers of the ledger never ask. `repr` hides it, so that
    no log line or traceback carries it.
    """

    __slots__ = ("_source", "subject")

    def __init__(self, subject: str, source: str | Callable[[], str | None] | None) -> None:
        self.subject = subject
        self._source = source

    @property
    def value(self) -> str | None:
        """The clear text, or None once the person was erased."""
        if callable(self._source):
            self._source = self._source()
        return self._source

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Personal):
            return NotImplemented
        return self.subject == other.subject and self.value == other.value

    def __hash__(self) -> int:
        return hash((self.subject, self.value))

    def __repr__(self) -> str:
        return f"Personal({self.subject!r})"


def agrees(known: object, now: object) -> bool:
    """Whether the two say the same. An erased value says nothing that could differ.

    Without this, what Zammad still says of an erased person would come back into the ledger with
    the next run, and timesheets would be written anew for a text that is not known any more.
    """
    if isinstance(known, Personal) and isinstance(now, Personal):
        same = None in (known.value, now.value) or known.value == now.value
        return known.subject == now.subject and same
    if type(known) is type(now) and is_dataclass(known) and not isinstance(known, type):
        names = (field.name for field in fields(known))
        return all(agrees(getattr(known, name), getattr(now, name)) for name in names)
    return known == now
