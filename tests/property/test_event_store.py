"""Random histories of appends: every store answers as a model of a few lines does."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from adapters.memory import MemoryEventStore
from adapters.postgres.event_store import PostgresEventStore
from domain.errors import AlreadyClaimed, LedgerError, StreamMovedOn
from domain.event import Append, Appended
from tests.support.example_events import CATALOGUE, Noted, noting
from tests.support.ledgers import postgres_ledger

STREAMS = [f"note-{n}" for n in range(3)]
CLAIMS = ["name:x", "name:y"]
COMMANDS = st.builds(
    lambda stream, texts, expected, key, claims, releases: noting(
        stream, *texts, expected=expected, key=key, claims=tuple(claims), releases=tuple(releases)
    ),
    st.sampled_from(STREAMS),
    st.lists(st.text(max_size=3), min_size=1, max_size=3),
    st.none() | st.integers(0, 4),
    st.none() | st.sampled_from(["k", "l", "m"]),
    st.lists(st.sampled_from(CLAIMS), unique=True),
    st.lists(st.sampled_from(CLAIMS), unique=True),
)


class Model:
    """What the port promises, without any of its difficulties."""

    def __init__(self) -> None:
        self.log: list[tuple[str, int, str]] = []
        self.keys: dict[str, Appended] = {}
        self.claims: dict[str, str] = {}

    def append(self, command: Append) -> object:
        """What identifies the answer: comparable with `told`."""
        version = sum(stream == command.stream for stream, _, _ in self.log)
        if known := self.keys.get(command.key or ""):
            return ("duplicate", known.position, known.version)
        if command.expected not in {None, version}:
            return ("conflict", version)
        for claim in set(command.claims) - set(command.releases):
            if self.claims.get(claim, command.stream) != command.stream:
                return ("claimed",)
        for claim in command.releases:
            self.claims.pop(claim, None)
        self.claims.update(dict.fromkeys(command.claims, command.stream))
        for n, event in enumerate(command.events, version + 1):
            assert isinstance(event, Noted)
            self.log.append((command.stream, n, event.text.replace("\ud800", "\ufffd")))
        answer = Appended(position=len(self.log), version=version + len(command.events))
        if command.key is not None:
            self.keys[command.key] = answer
        return ("ok", answer.position, answer.version)


def told(answer: Appended | LedgerError) -> object:
    match answer:
        case Appended(duplicate=duplicate, position=position, version=version):
            return ("duplicate" if duplicate else "ok", position, version)
        case StreamMovedOn(actual=actual):
            return ("conflict", actual)
        case AlreadyClaimed():
            return ("claimed",)
    raise answer


class Histories(RuleBasedStateMachine):
    """Appends in batches to one store and to the model."""

    dsn = ""
    log_id = 0

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.store = self.loop.run_until_complete(self.open())

    async def open(self) -> MemoryEventStore | PostgresEventStore:
        if not self.dsn:
            return MemoryEventStore(CATALOGUE)
        Histories.log_id += 1
        ledger = postgres_ledger(self.dsn, log_id=Histories.log_id)
        return await self.stack.enter_async_context(ledger)

    @rule(commands=st.lists(COMMANDS, min_size=1, max_size=5))
    def append(self, commands: Sequence[Append]) -> None:
        answers = self.loop.run_until_complete(self.store.append_many(commands))
        assert [told(answer) for answer in answers] == [self.model.append(c) for c in commands]

    @invariant()
    def the_log_is_the_models(self) -> None:
        events = self.loop.run_until_complete(self.store.page(0, 1000))
        assert [e.position for e in events] == list(range(1, len(self.model.log) + 1))
        held: list[Any] = [(e.stream, e.version, getattr(e.event, "text", None)) for e in events]
        assert held == self.model.log

    def teardown(self) -> None:
        if isinstance(self.store, PostgresEventStore):
            assert self.loop.run_until_complete(self.store.verify()).ok
        self.loop.run_until_complete(self.stack.aclose())
        self.loop.close()


def test_the_memory_store_answers_as_the_model() -> None:
    run_state_machine_as_test(
        Histories, settings=settings(max_examples=50, stateful_step_count=10, deadline=None)
    )


def test_the_postgresql_store_answers_as_the_model(database: str) -> None:
    class OnPostgres(Histories):
        dsn = database

    run_state_machine_as_test(
        OnPostgres,
        settings=settings(
            max_examples=15,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
