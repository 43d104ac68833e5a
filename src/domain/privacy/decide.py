"""The rules of exporting and erasing a person: not without something left to take or to erase."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

from domain.errors import RuleViolation
from domain.event import Decider
from domain.privacy.events import PrivacyEvent, SubjectErased, SubjectExported

Erased: TypeAlias = Mapping[str, int]  # subject -> generation of its newest destroyed key


@dataclass(frozen=True, kw_only=True)
class Held:
    """What is held about a person; `generation` is that of the newest key, destroyed or not."""

    subject: str
    generation: int
    events: int
    entries: int
    minutes: Decimal


@dataclass(frozen=True, kw_only=True)
class Export:
    held: Held


@dataclass(frozen=True, kw_only=True)
class Erase:
    held: Held


PrivacyCommand: TypeAlias = Export | Erase


def decide(command: PrivacyCommand, erased: Erased) -> Sequence[PrivacyEvent]:
    """Raises RuleViolation `subject_erased`: nothing came since the person was erased."""
    held = command.held
    if erased.get(held.subject, 0) >= held.generation:
        raise RuleViolation("subject_erased", f"{held.subject} is erased already.")
    if isinstance(command, Export):
        return [SubjectExported(subject=held.subject, events=held.events, entries=held.entries)]
    return [
        SubjectErased(
            subject=held.subject,
            generation=held.generation,
            events=held.events,
            entries=held.entries,
            minutes_kept=held.minutes,
        )
    ]


def evolve(erased: Erased, event: PrivacyEvent) -> Erased:
    """The erasures after `event`."""
    if isinstance(event, SubjectErased):
        return {**erased, event.subject: event.generation}
    return erased


PRIVACY: Decider[PrivacyCommand, Erased, PrivacyEvent] = Decider(
    initial=MappingProxyType({}), decide=decide, evolve=evolve
)
