"""Whatever happens to the requests that make projects: in the end there is one of each."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import OutcomeUnknown, Unavailable
from domain.target_item.values import ItemKind
from tests.property.test_sync_faults import dies_at, one_timesheet_per_booking
from tests.support.peers import World


def lost() -> Exception:
    return OutcomeUnknown("kimai", "the answer was lost")


def not_sent() -> Exception:
    return Unavailable("kimai", "no connection")


POINTS: dict[str, Callable[[], Exception]] = {
    "kimai:make:before": not_sent,
    "kimai:make:after": lost,
    "kimai:listed_now": not_sent,
    "kimai:create:after": lost,
    "ledger:append:before": not_sent,
    "ledger:append:after": not_sent,
}
FAULTS = st.lists(st.sampled_from(sorted(POINTS)), max_size=6)
CRASHES = st.lists(st.integers(1, 60), max_size=3)
LATE = st.lists(st.integers(0, 59), max_size=3)
TICKETS = st.lists(st.integers(50, 53), min_size=1, max_size=6)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(FAULTS, CRASHES, LATE, TICKETS, st.booleans())
async def test_any_faults_and_crashes_end_in_one_of_each(
    faults: list[str], crashes: list[int], late: list[int], tickets: list[int], per_ticket: bool
) -> None:
    strategy = "per_ticket" if per_ticket else "per_organization"
    world = World(projects=(), kimai={"project_strategy": strategy})
    for number, ticket in enumerate(tickets, 1):
        world.tickets.customers[ticket] = ticket % 2 + 1
        world.tickets.book(number, ticket_id=ticket)
    for name in faults:
        world.perils.failing.setdefault(name, []).append(POINTS[name]())
    world.kimai.late = [timedelta(seconds=each) for each in late]
    for point in crashes:
        await dies_at(world, point)
    world.perils.failing.clear()
    for _ in range(2):
        world.an_hour_later()
        await world.sync()
    owners = {f"ZO{ticket % 2 + 1}" for ticket in tickets}
    projects = {f"ZT{ticket}" for ticket in tickets} if per_ticket else owners
    found = {
        kind: sorted(str(item.number) for item in items)
        for kind, items in world.kimai.items.items()
    }
    assert found == {ItemKind.CUSTOMER: sorted(owners), ItemKind.PROJECT: sorted(projects)}
    one_timesheet_per_booking(world)
    by_id = {item.item_id: item.number for item in world.kimai.items[ItemKind.PROJECT]}
    assert {by_id[sheet.project_id] for sheet in world.kimai.sheets.values()} == projects
