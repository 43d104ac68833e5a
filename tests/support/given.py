"""given(...).when(...).then(...): the language in which rules are tested."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Generic

import pytest

from domain.errors import RuleViolation
from domain.event import C, Decider, E, S


@dataclass(frozen=True)
class Given(Generic[C, S, E]):
    """A stream with a history, about to receive a command."""

    decider: Decider[C, S, E]
    history: Sequence[E]

    @property
    def state(self) -> S:
        return reduce(self.decider.evolve, self.history, self.decider.initial)

    def when(self, command: C) -> "When[C, S, E]":
        return When(self, command)


@dataclass(frozen=True)
class When(Generic[C, S, E]):
    """The command, and what it should lead to."""

    given: Given[C, S, E]
    command: C

    @property
    def events(self) -> Sequence[E]:
        return self.given.decider.decide(self.command, self.given.state)

    def then(self, *expected: E) -> Given[C, S, E]:
        """Exactly these events; returns the stream with them, for what comes next."""
        assert list(self.events) == list(expected)
        return self.after()

    def then_types(self, *expected: type) -> Given[C, S, E]:
        """Events of these types, in this order, when their content is not the point."""
        assert [type(event) for event in self.events] == list(expected)
        return self.after()

    def then_refused(self, code: str) -> None:
        with pytest.raises(RuleViolation) as refusal:
            _ = self.events
        assert refusal.value.code == code

    def after(self) -> Given[C, S, E]:
        """The stream with whatever the command led to."""
        return Given(self.given.decider, [*self.given.history, *self.events])


def given(decider: Decider[C, S, E], *history: E) -> Given[C, S, E]:
    return Given(decider, history)
