"""A believable month of a support company: what the demo's two peers are filled with.

Pure: the same `until` and seed always give the same people, tickets, bookings and second
thoughts. Before the month, if not in it, come some bookings of the last clock change of October,
inside the hour that Brussels lives twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

BOOKINGS = 600
TICKETS = 200
RECENT = 60  # tickets that are still worked on
DAYS = 38
LAST_DAYS = 4  # without new tickets: what is opened is worked on
LONGEST = timedelta(days=360)  # a run covers 366 days at most, and it may begin days later
SATURDAY = 5
GROUP = "Service Desk"

# activity types of Zammad, by name; the last one nobody has mapped yet
TYPES = ("Support", "Maintenance", "Consulting", "Development", "Travel")
TYPE_WEIGHTS = (52, 20, 14, 11, 3)


@dataclass(frozen=True, kw_only=True)
class Agent:
    """Somebody who books time; the same person in both peers, known by e-mail."""

    login: str
    first_name: str
    last_name: str
    zone: str

    @property
    def email(self) -> str:
        return f"{self.login}@northwind-it.example"


@dataclass(frozen=True, kw_only=True)
class Organization:
    """A customer company and the person there who writes the tickets."""

    name: str
    domain: str
    contact: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """`organization` is an index into `ORGANIZATIONS`."""

    title: str
    organization: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Booked:
    """One booking; `minutes` is what the agent typed. `text` None: booked without an article."""

    ticket: int
    agent: int
    kind: int | None
    minutes: Decimal
    text: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class SecondThoughts:
    """What people did to the month after it had been synced once; numbers are bookings."""

    edited: tuple[tuple[int, Decimal], ...]
    retyped: tuple[tuple[int, int], ...]
    deleted: tuple[int, ...]
    corrected: tuple[tuple[int, Decimal], ...]  # a negative booking on the ticket of the first
    merged: tuple[int, int]  # the first ticket into the second


@dataclass(frozen=True, kw_only=True)
class Month:
    """`first_day` and `last_day` are the work days that hold all bookings.

    Only in the last week of October, when the clock change of a year ago is further away than a run
    may reach, its bookings lie before.
    """

    tickets: tuple[Ticket, ...]
    bookings: tuple[Booked, ...]
    second_thoughts: SecondThoughts
    first_day: date
    last_day: date


AGENTS = (
    Agent(login="emma", first_name="Emma", last_name="Taylor", zone="Europe/Brussels"),
    Agent(login="jonas", first_name="Jonas", last_name="Peeters", zone="Europe/Brussels"),
    Agent(login="priya", first_name="Priya", last_name="Raman", zone="Asia/Kolkata"),
    Agent(login="marcus", first_name="Marcus", last_name="Lee", zone="America/New_York"),
)

ORGANIZATIONS = tuple(
    Organization(name=name, domain=domain, contact=contact)
    for name, domain, contact in (
        ("Aldermoor Logistics", "aldermoor.example", ("Hanna", "Vos")),
        ("Brightwater Clinics", "brightwater.example", ("Omar", "Said")),
        ("Castellan Insurance", "castellan.example", ("Lucia", "Ferri")),
        ("Delmare Foods", "delmare.example", ("Piet", "Claes")),
        ("Eastgate Housing", "eastgate.example", ("Nora", "Lind")),
        ("Fernhill School Trust", "fernhill.example", ("Aoife", "Byrne")),
        ("Grandpré Architects", "grandpre.example", ("Julien", "Grandpré")),
        ("Harbour & Lane Solicitors", "harbourlane.example", ("Edith", "Lane")),
        ("Ivarsson Robotics", "ivarsson.example", ("Karl", "Ivarsson")),
        ("Juniper Press", "juniper.example", ("Mina", "Okafor")),
        ("Kestrel Energy", "kestrel.example", ("Tom", "Hale")),
        ("Lindqvist & Zonen", "lindqvist.example", ("Saskia", "Lindqvist")),
    )
)

TITLES = (
    "VPN drops every afternoon",
    "New starter: accounts and laptop",
    "Invoice printer prints blank pages",
    "Mailbox full, no more mail arrives",
    "Quarterly patch window",
    "Slow file share in the warehouse",
    "Shared calendar shows wrong times",
    "Phone system: add a queue",
    "Backup report: two jobs failed",
    "Web shop: order export is empty",
    "Meeting room screen stays black",
    "Move three desks to the second floor",
    "Certificate expires next week",
    "Report: hours per department",
    "Password reset for the night shift",
    "Firewall rule for the payroll provider",
    "Tablet enrolment for drivers",
    "Scanner sends to the wrong folder",
    "Wi-Fi dead spot in hall B",
    "Old server: plan the replacement",
)

NOTES = (
    "Reset the tunnel and watched it for half an hour.",
    "Called the customer, reproduced it, found the cause in the log.",
    "Installed the update and checked the services afterwards.",
    "Walked through the settings together by phone.",
    "Replaced the cable; works now.",
    "Set up the account, sent the welcome sheet.",
    "Restored the folder from last night's backup.",
    "Wrote the change plan and sent it for approval.",
    "Tested on two machines, then rolled it out to the rest.",
    "Waited for the provider's engineer and closed the line test with him.",
    "Cleaned up old rules, documented the remaining ones.",
    "Built the report and explained the columns.",
    "Moved the queue over, listened in on three calls.",
    "Follow-up: the customer confirms that it holds.",
)


def believable_month(until: datetime, *, seed: int = 20261025) -> Month:
    """The month of demo data that ends before `until` (aware)."""
    random = Random(seed)  # noqa: S311 - a story, not a secret
    change = _last_october_change(until.astimezone(UTC).date())
    last = until.date() - timedelta(days=1)
    days = [last - timedelta(days=n) for n in reversed(range(DAYS))]
    tickets = tuple(sorted(_tickets(random, days, change), key=lambda ticket: ticket.created_at))
    bookings = sorted(
        [*_bookings(random, tickets, days), *_night_of(change)], key=lambda one: one.created_at
    )
    return Month(
        tickets=tickets,
        bookings=tuple(bookings),
        second_thoughts=_second_thoughts(random, bookings),
        first_day=max(min(days[0], change) - timedelta(days=1), last - LONGEST),
        last_day=last,
    )


def _last_october_change(today: date) -> date:
    for year in (today.year, today.year - 1):
        last = date(year, 10, 31)
        sunday = last - timedelta(days=(last.weekday() + 1) % 7)
        if sunday < today:
            return sunday
    raise AssertionError("last year's October is always in the past")


def _tickets(random: Random, days: list[date], change: date) -> Iterator[Ticket]:
    opened = [days[number * (len(days) - LAST_DAYS) // TICKETS] for number in range(TICKETS)]
    opened[0] = min(opened[0], change - timedelta(days=1))  # the one that is watched that night
    for day in opened:
        yield Ticket(
            title=TITLES[random.randrange(len(TITLES))],
            organization=min(int(random.expovariate(0.28)), len(ORGANIZATIONS) - 1),
            created_at=datetime.combine(day, time(6, random.randrange(60)), UTC),
        )


def _bookings(random: Random, tickets: tuple[Ticket, ...], days: list[date]) -> Iterator[Booked]:
    workdays = [day for day in days if day.weekday() < SATURDAY]
    opened = [ticket.created_at.date() for ticket in tickets]
    for number in range(BOOKINGS - len(_night_of(days[0]))):
        if number < TICKETS:  # each is worked on within a week
            ticket = number
            day = random.choice([day for day in workdays if day > opened[ticket]][:6])
        else:
            day = random.choice(workdays[1:])
            before = [n for n in range(TICKETS) if opened[n] < day]
            ticket = random.choice(before[-RECENT:])
        agent = random.choices(range(len(AGENTS)), (34, 30, 20, 16))[0]
        local = datetime.combine(day, time(8), ZoneInfo(AGENTS[agent].zone))
        local += timedelta(minutes=random.randrange(30, 570), seconds=random.randrange(60))
        text = random.choices((random.choice(NOTES), None), (7, 3))[0]
        yield Booked(
            ticket=ticket,
            agent=agent,
            kind=random.choices((*range(len(TYPES)), None), (*TYPE_WEIGHTS, 4))[0],
            minutes=_minutes(random),
            text=text,
            created_at=local.astimezone(UTC),
        )


def _minutes(random: Random) -> Decimal:
    short = Decimal(5 * random.randint(1, 9))
    long = Decimal(15 * random.randint(4, 14))
    return random.choices((Decimal("7.5"), short, long), (2, 73, 25))[0]


def _night_of(change: date) -> list[Booked]:
    """On call while the clocks go back: 02:30 comes twice in Brussels, an hour apart."""
    midnight = datetime.combine(change, time(0), UTC)
    return [
        Booked(
            ticket=0,
            agent=agent,
            kind=0,
            minutes=Decimal(minutes),
            text="On call: failover watched during the clock change.",
            created_at=midnight + timedelta(minutes=at, seconds=20),
        )
        for at, agent, minutes in ((30, 0, 20), (90, 1, 20), (65, 0, 45), (150, 1, 90))
    ]


def _second_thoughts(random: Random, bookings: list[Booked]) -> SecondThoughts:
    plain = [n for n, one in enumerate(bookings) if one.kind is not None and one.ticket > 0]
    chosen = random.sample(plain, 24)
    merged = bookings[chosen[20]].ticket, bookings[chosen[21]].ticket
    return SecondThoughts(
        edited=tuple((n, bookings[n].minutes + 10) for n in chosen[:9]),
        retyped=tuple((n, (bookings[n].kind or 0) ^ 1) for n in chosen[9:12]),
        deleted=tuple(chosen[12:17]),
        corrected=((chosen[17], Decimal(-15)),),
        merged=merged if merged[0] != merged[1] else (1, 2),
    )
