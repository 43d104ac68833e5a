"""What was done with what we hold about a person. Stream `privacy`.

A subject is named by its number only (`zammad-user:5`); nothing personal is in these events.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class SubjectExported:
    """Somebody took away all `entries` and `events` that name the person."""

    TYPE: ClassVar = "SubjectExported"
    SCHEMA: ClassVar = 1

    subject: str
    events: int
    entries: int


@dataclass(frozen=True, kw_only=True)
class SubjectErased:
    """The person's keys up to `generation` are destroyed, and the views show nothing of them.

    Whoever meets this event finishes that, so it is true also after a crash (decision 25).
    `minutes_kept` are those of `entries`, which stay in every sum.
    """

    TYPE: ClassVar = "SubjectErased"
    SCHEMA: ClassVar = 1

    subject: str
    generation: int
    events: int
    entries: int
    minutes_kept: Decimal


PrivacyEvent = SubjectExported | SubjectErased
