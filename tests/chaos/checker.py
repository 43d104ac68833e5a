"""What Kimai must hold, worked out from Zammad alone.

Written against the documentation, not with our rules or our ledger: a mistake in those must not
hide itself here.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from adapters.sandbox.kimai.entities import Timesheet
from adapters.sandbox.month import TYPES
from adapters.sandbox.zammad.records import TimeAccounting, instant
from tests.chaos.town import Town

# `contract.md`: TL-<log>-<connector and booking, the booking in the last ten digits>-<slot>
MARKER = re.compile(r"TL-[0-9a-f]{8}-\d{6}(\d{10})-01$")
TAG = "source:zammad"
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Due:
    """One timesheet as the customer should see it."""

    user: str  # e-mail
    customer: str
    activity: str
    begin: datetime
    minutes: int


def booking_of(sheet: Timesheet) -> int | None:
    """The Zammad id of the booking whose marker the timesheet carries."""
    found = MARKER.search((sheet.description or "").rstrip())
    return int(found[1]) if found else None


def by_booking(town: Town) -> dict[int | None, list[Timesheet]]:
    """All timesheets under the booking they belong to; under None those of nobody."""
    found: defaultdict[int | None, list[Timesheet]] = defaultdict(list)
    for sheet in town.kimai.timesheets.values():
        found[booking_of(sheet)].append(sheet)
    return dict(found)


def written_twice(town: Town) -> list[str]:
    """What may never be seen, not even while the service is down."""
    return [
        f"booking {booking} has timesheets {[sheet.id for sheet in sheets]}"
        for booking, sheets in by_booking(town).items()
        if booking is not None and len(sheets) > 1
    ]


def differences(town: Town) -> list[str]:
    """What is wrong once everything has come to rest; empty when all is right."""
    return [*written_twice(town), *_surplus(town), *_missing_or_wrong(town), *_billed(town)]


def due(town: Town, entry: TimeAccounting) -> Due | None:
    """What the booking should look like in Kimai; None when it must not be there."""
    zammad = town.zammad
    minutes = Decimal(entry.time_unit)
    types = {kind.id: kind.name for kind in zammad.types}
    activity = TYPES[0] if entry.type_id is None else types[entry.type_id]
    ticket = zammad.tickets[entry.ticket_id]
    assert ticket.organization_id is not None
    customer = zammad.organizations[ticket.organization_id].name
    known = {row.name for row in town.kimai.activities.values()}
    customers = {row.name for row in town.kimai.customers.values()}
    if minutes <= 0 or activity not in known or customer not in customers:
        return None
    worked = timedelta(minutes=float(minutes))
    return Due(
        user=zammad.users[entry.created_by_id].email,
        customer=customer,
        activity=activity,
        begin=(instant(entry.created_at) - worked).replace(second=0, microsecond=0),
        minutes=-(-worked // MINUTE),  # Kimai rounds the end up to the minute
    )


def _seen(town: Town, sheet: Timesheet) -> Due:
    kimai = town.kimai
    assert sheet.project is not None
    assert sheet.activity is not None
    assert sheet.begin is not None
    return Due(
        user=kimai.users[sheet.user].email,
        customer=kimai.customers[kimai.projects[sheet.project].customer].name,
        activity=kimai.activities[sheet.activity].name,
        begin=datetime.fromtimestamp(sheet.begin, UTC),
        minutes=sheet.duration // 60,
    )


def _surplus(town: Town) -> Iterator[str]:
    bookable = {entry.id for entry in town.zammad.entries if due(town, entry) is not None}
    for booking, sheets in by_booking(town).items():
        for sheet in sheets:
            if booking not in bookable and sheet.id not in town.billed:
                yield f"timesheet {sheet.id} belongs to no bookable booking ({booking})"


def _missing_or_wrong(town: Town) -> Iterator[str]:
    sheets = by_booking(town)
    for entry in town.zammad.entries:
        wanted = due(town, entry)
        if wanted is None:
            continue
        if entry.id not in sheets:
            yield f"booking {entry.id} has no timesheet"
            continue
        sheet = sheets[entry.id][0]
        if sheet.id in town.billed:
            continue  # stays as it was billed, whatever became of the booking
        if (found := _seen(town, sheet)) != wanted:
            yield f"timesheet {sheet.id} of booking {entry.id} is {found}, not {wanted}"
        if TAG not in {town.kimai.tags[tag].name for tag in sheet.tags}:
            yield f"timesheet {sheet.id} of booking {entry.id} lacks the tag"


def _billed(town: Town) -> Iterator[str]:
    for key, billed in town.billed.items():
        if town.kimai.timesheets.get(key) != billed:
            yield f"timesheet {key} was changed or deleted after it had been exported"
