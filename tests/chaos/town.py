"""Both peers and the people who use them: agents book in the one, a clerk bills from the other."""

import copy
import dataclasses
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from adapters.sandbox.control import Controlled
from adapters.sandbox.kimai import KimaiState, create_kimai_app
from adapters.sandbox.kimai.entities import Timesheet
from adapters.sandbox.month import AGENTS, NOTES, ORGANIZATIONS, TITLES, TYPES, Month
from adapters.sandbox.month import SecondThoughts as Nothing
from adapters.sandbox.month import Ticket as Story
from adapters.sandbox.story import fill_kimai, fill_zammad
from adapters.sandbox.zammad import ZammadState, create_zammad_app
from api.demo.keys import DemoKeys

TICKETS = 24
DELETED_AT_ONCE = 12  # the service asks a person when more than 20 disappear together
UNBOOKABLE = 0.06  # share of bookings that must not reach Kimai


@dataclass
class Town:
    """`billed` are copies of the timesheets as they were when the clerk exported them.

    `deleted` are bookings that no completed run has missed yet.
    """

    keys: DemoKeys
    zammad: ZammadState = field(default_factory=ZammadState)
    kimai: KimaiState = field(default_factory=KimaiState)
    billed: dict[int, Timesheet] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    zammad_app: Controlled = field(init=False)
    kimai_app: Controlled = field(init=False)

    def __post_init__(self) -> None:
        fill_zammad(self.zammad, _opening(), token=self.keys.zammad_token)
        fill_kimai(self.kimai, token=self.keys.kimai_token)
        self.zammad_app = create_zammad_app(self.zammad)
        self.kimai_app = create_kimai_app(self.kimai)
        emails = {agent.email for agent in AGENTS}
        self._agents = [user.id for user in self.zammad.users if user.email in emails]
        self._tickets = sorted(ticket.id for ticket in self.zammad.tickets)
        self._types = {kind.name: kind.id for kind in self.zammad.types}

    def work(self, random: Random, actions: int) -> None:
        """Agents book, correct, retype and delete."""
        for _ in range(actions):
            (what,) = random.choices(
                (self._book, self._correct, self._retype, self._delete), (66, 16, 8, 10)
            )
            what(random)

    def bill(self, random: Random) -> None:
        """The clerk exports a few timesheets; from then on nobody may touch them."""
        open_ones = [row for row in self.kimai.timesheets.values() if not row.exported]
        for row in random.sample(open_ones, min(len(open_ones), random.randint(0, 2))):
            exported = dataclasses.replace(row, exported=True)
            self.kimai.put("timesheets", exported)
            self.billed[row.id] = copy.deepcopy(exported)

    def _book(self, random: Random) -> None:
        bookable = random.random() >= UNBOOKABLE
        amount = str(_minutes(random)) if bookable else random.choice(("0", "-15"))
        mapped = self._types[random.choice(TYPES[:-1])]
        kind = random.choices((mapped, None, self._types[TYPES[-1]]), (90, 7, 3))[0]
        ticket, agent = random.choice(self._tickets), random.choice(self._agents)
        if random.random() < 0.5:
            self.zammad.book(ticket, amount, type_id=kind, by=agent)
        else:
            self.zammad.add_article(
                ticket, random.choice(NOTES), time_unit=amount, time_type_id=kind, by=agent
            )

    def _correct(self, random: Random) -> None:
        if (entry := self._some_entry(random)) is not None:
            self.zammad.correct(entry, time_unit=str(_minutes(random)))

    def _retype(self, random: Random) -> None:
        if (entry := self._some_entry(random)) is not None:
            self.zammad.correct(entry, type_id=self._types[random.choice(TYPES[:-1])])

    def _delete(self, random: Random) -> None:
        entry = self._some_entry(random)
        if entry is not None and len(self.deleted) < DELETED_AT_ONCE:
            self.zammad.delete_entry(entry)
            self.deleted.add(entry)

    def _some_entry(self, random: Random) -> int | None:
        ids = sorted(entry.id for entry in self.zammad.entries if Decimal(entry.time_unit) > 0)
        return random.choice(ids) if ids else None


def _minutes(random: Random) -> Decimal:
    whole = Decimal(5 * random.randint(1, 36))
    return random.choices((whole, Decimal("7.5")), (9, 1))[0]


def _opening() -> Month:
    """Customers with a ticket or two each, and nothing booked yet."""
    opened = datetime.now(UTC) - timedelta(days=3)
    tickets = tuple(
        Story(title=TITLES[n % len(TITLES)], organization=n % len(ORGANIZATIONS), created_at=opened)
        for n in range(TICKETS)
    )
    nothing = Nothing(edited=(), retyped=(), deleted=(), corrected=(), merged=(0, 0))
    return Month(
        tickets=tickets,
        bookings=(),
        second_thoughts=nothing,
        first_day=opened.date() - timedelta(days=1),
        last_day=opened.date() + timedelta(days=4),
    )
