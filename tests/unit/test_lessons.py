"""What an earlier program for this job lost, where no other test holds it: see docs/lessons.md."""

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.support.peers import NOON, World

ROOT = Path(__file__).parents[2]
LOSSES = 27


async def test_a_booking_of_long_ago_is_carried_and_its_late_edit_too() -> None:
    """L5: it looked back thirty days, on the ticket's date and on the booking's."""
    world = World()
    long_ago = NOON - timedelta(days=900)
    world.tickets.book(9, created_at=long_ago, updated_at=long_ago)
    await world.sync()
    assert len(world.kimai.sheets) == 1
    world.tickets.edit(9, time_unit=Decimal(45))
    await world.sync()
    (sheet,) = world.kimai.sheets.values()
    assert sheet.duration == timedelta(minutes=45)


async def test_hundredths_of_a_minute_are_whole_seconds() -> None:
    """L12: it cut fractions off, and one of 7.5 minutes failed its whole list."""
    world = World()
    for number, amount in enumerate(("7.5", "0.25", "33.33"), 1):
        world.tickets.book(number, time_unit=Decimal(amount))
    await world.sync()
    lengths = []
    for number in (1, 2, 3):
        entry = await world.entry(number)
        assert entry.standing.state is EntryState.SYNCED  # Kimai's rounding is foreseen
        assert entry.decided is not None
        assert entry.decided.desired is not None
        lengths.append((entry.decided.desired.end - entry.decided.desired.begin).seconds)
    assert lengths == [450, 15, 2000]


async def test_the_type_has_its_name_and_is_asked_for_once() -> None:
    """L24: every text said "Activity Unknown"."""
    world = World()
    for number in range(1, 201):
        world.tickets.book(number)
    asked, types = 0, world.tickets.types

    async def counted() -> object:
        nonlocal asked
        asked += 1
        return await types()

    world.tickets.types = counted  # type: ignore[method-assign, assignment] # counts, and nothing else
    await world.sync()
    context = (await world.entry(150)).context
    assert context is not None
    assert context.type_name == "Support"
    assert asked == 1


async def test_two_customers_of_one_name_are_two() -> None:
    """L25: it merged customers by equal name; here one is mapped, and the other is not."""
    world = World(kimai={"auto_create_projects": False})
    world.tickets.customers[60] = 4  # another organisation, called the same
    world.tickets.book(1)
    world.tickets.book(2, ticket_id=60)
    await world.sync()
    one, other = await world.entry(1), await world.entry(2)
    assert one.context is not None
    assert other.context is not None
    assert one.context.organization_name == other.context.organization_name
    assert one.standing.state is EntryState.SYNCED
    assert other.standing.conflict is ReasonCode.PROJECT_OR_CUSTOMER_MISSING


def test_every_loss_is_answered_by_tests_that_exist() -> None:
    text = (ROOT / "docs" / "lessons.md").read_text()
    rows = dict(re.findall(r"^\| L(\d+) \|(.*)$", text, re.MULTILINE))
    assert list(map(int, rows)) == list(range(1, LOSSES + 1))
    written = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for number, row in rows.items():
        named = re.findall(r"`(test_\w+)`", row)
        assert named, f"L{number}"
        for name in named:
            assert f"def {name}(" in written, f"L{number}: {name}"
