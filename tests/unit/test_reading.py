"""What a run reads beside the bookings, and how much of it it keeps."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from domain.ports.ticket_system import SourceEntry
from domain.sync import reading
from domain.sync.reading import ContextReader
from domain.sync.tally import Tally
from domain.time_entry.values import Booking
from tests.support.peers import FakeTickets, World


class Articles(FakeTickets):
    """A text for each article, and which tickets were asked for theirs."""

    def __init__(self, world: World) -> None:
        super().__init__(world.perils)
        self.asked: list[int] = []

    async def article_texts(self, ticket_id: int) -> Mapping[int, str]:
        self.asked.append(ticket_id)
        return {ticket_id + 1_000: f"of {ticket_id} " + "x" * 10_000}


def booking(world: World, ticket_id: int) -> Booking:
    world.tickets.book(ticket_id, ticket_id=ticket_id)
    row = world.tickets.rows[ticket_id]
    assert isinstance(row, SourceEntry)
    return replace(reading.as_booking(row), article_id=ticket_id + 1_000)


async def test_texts_are_kept_for_the_youngest_tickets_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "TEXTS_KEPT", 3)
    world = World()
    tickets = Articles(world)
    reader = ContextReader(
        tickets=tickets,
        tally=Tally(clock=world.clock, report=_nothing, last=world.clock.now()),
        slots=asyncio.Semaphore(4),
    )
    rows = {ticket: booking(world, ticket) for ticket in range(50, 57)}
    for ticket_ids in ((50, 51, 52, 53, 54), (50, 55), (50, 56), (51,)):
        contexts = await reader.contexts([rows[ticket] for ticket in ticket_ids])
        for ticket in ticket_ids:
            context = contexts[ticket]
            assert context is not None
            assert context.text is not None
            assert str(context.text.value).startswith(f"of {ticket} x")
        assert len(reader._texts) <= 3 + len(ticket_ids)
    assert sorted(tickets.asked) == [50, 50, 51, 51, 52, 53, 54, 55, 56]
    assert max(len(text) for texts in reader._texts.values() for text in texts.values()) <= 2_000


async def test_an_article_that_was_written_since_is_read_all_the_same() -> None:
    """The texts of its ticket were read before, for another booking of the same run."""
    world = World()
    tickets = Growing(world)
    reader = ContextReader(
        tickets=tickets,
        tally=Tally(clock=world.clock, report=_nothing, last=world.clock.now()),
        slots=asyncio.Semaphore(4),
    )
    first = booking(world, 50)
    second = replace(first, source_id=99, article_id=1_051)
    await reader.contexts([first])
    tickets.texts[1_051] = "the second"
    for _ in range(2):
        contexts = await reader.contexts([first, second])
        context = contexts[99]
        assert context is not None
        assert context.text is not None
        assert context.text.value == "the second"
    assert tickets.asked == 2


class Growing(FakeTickets):
    """One ticket, to which articles are added."""

    def __init__(self, world: World) -> None:
        super().__init__(world.perils)
        self.texts, self.asked = {1_050: "the first"}, 0

    async def article_texts(self, ticket_id: int) -> Mapping[int, str]:
        self.asked += 1
        return dict(self.texts)


async def _nothing(*_: object) -> None:
    pass
