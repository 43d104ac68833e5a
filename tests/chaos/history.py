"""What people do in both peers and in our settings: drawn from a seed, the same every time.

Pure: nothing is looked up in a peer. Bookings carry the ids that Zammad will give them, so an
operation names the same booking however fast the service is; what it meets in Kimai is up to the
service. Kinds, agents, customers, activities and projects are numbers into the lists of the town.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from random import Random

KINDS = 5  # activity types of Zammad; the last one has no mapping in the beginning
ACTIVITIES = 4
AGENTS = 4
CUSTOMERS = 12  # the organization at `NEW_CUSTOMER` has no project in the beginning
NEW_CUSTOMER = 10
OPENING_TICKETS = 24
FEWEST_TICKETS = 12  # that agents still book on
RECENT = 30  # bookings that people are busy with; half of what they change is among them
CENT = Decimal("0.01")  # Zammad's amounts have two decimals
LONG_AGO = timedelta(days=25)  # a run looks back 30 days

EDITS = ("later", "longer", "text", "activity", "project")


@dataclass(frozen=True, kw_only=True)
class Book:
    """`ago`: it was booked before the service was there; `article`: with a text."""

    booking: int
    ticket: int
    agent: int
    kind: int | None
    amount: str
    article: bool
    ago: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Edit:
    booking: int
    amount: str


@dataclass(frozen=True, kw_only=True)
class Retype:
    booking: int
    kind: int | None


@dataclass(frozen=True, kw_only=True)
class Delete:
    """`article`: its text is deleted, which takes the booking along."""

    booking: int
    article: bool


@dataclass(frozen=True, kw_only=True)
class OpenTicket:
    ticket: int
    customer: int


@dataclass(frozen=True, kw_only=True)
class MoveTicket:
    """The ticket turns out to be another customer's."""

    ticket: int
    customer: int


@dataclass(frozen=True, kw_only=True)
class MergeTickets:
    source: int
    target: int


@dataclass(frozen=True, kw_only=True)
class Leave:
    """The agent's account is deactivated; what they booked stays."""

    agent: int


@dataclass(frozen=True, kw_only=True)
class Return:
    agent: int


@dataclass(frozen=True, kw_only=True)
class ExportSheet:
    booking: int


@dataclass(frozen=True, kw_only=True)
class EditSheet:
    """`how` is one of `EDITS`; `choice` picks the other activity or project."""

    booking: int
    how: str
    choice: int


@dataclass(frozen=True, kw_only=True)
class DeleteSheet:
    booking: int


@dataclass(frozen=True, kw_only=True)
class CopySheet:
    """Kimai's "duplicate": the copy carries our marker, too."""

    booking: int


@dataclass(frozen=True, kw_only=True)
class DropCopies:
    booking: int


@dataclass(frozen=True, kw_only=True)
class DisableUser:
    user: int


@dataclass(frozen=True, kw_only=True)
class EnableUser:
    user: int


@dataclass(frozen=True, kw_only=True)
class MapActivity:
    """`activity` None: the mapping is taken away."""

    kind: int | None
    activity: int | None


@dataclass(frozen=True, kw_only=True)
class MapProject:
    """`project` None: the mapping is taken away."""

    customer: int
    project: int | None


@dataclass(frozen=True, kw_only=True)
class MapPerson:
    """`user` None: the mapping is taken away, and the e-mail address decides."""

    agent: int
    user: int | None


@dataclass(frozen=True, kw_only=True)
class CloseProject:
    """`ended` yesterday, or hidden."""

    project: int
    ended: bool


@dataclass(frozen=True, kw_only=True)
class OpenProject:
    project: int


@dataclass(frozen=True, kw_only=True)
class JudgePlans:
    """Somebody looks at the deletions that were held back: approve them, or leave them for good."""

    approve: bool


InZammad = Book | Edit | Retype | Delete | OpenTicket | MoveTicket | MergeTickets | Leave | Return
OnSheets = ExportSheet | EditSheet | DeleteSheet | CopySheet | DropCopies
InKimai = OnSheets | CloseProject | OpenProject | DisableUser | EnableUser
InSettings = MapActivity | MapProject | MapPerson | JudgePlans
Operation = InZammad | InKimai | InSettings

# How often what happens, in shares of all operations.
EVERYDAY: dict[str, float] = {"book": 66, "edit": 16, "retype": 8, "delete": 10}
EVERYTHING: dict[str, float] = {
    "book": 50,
    "take_back": 4,
    "edit": 12,
    "retype": 5,
    "delete": 5,
    "open_ticket": 2.5,
    "move": 1.2,
    "merge": 0.3,
    "export": 7,
    "edit_sheet": 5,
    "delete_sheet": 2.5,
    "copy_sheet": 1.0,
    "drop_copies": 0.7,
    "user": 0.4,
    "agent": 0.3,
    "map_activity": 1.6,
    "map_project": 1.6,
    "map_person": 0.8,
    "project": 1.6,
    "judge": 0.8,
}


@dataclass(kw_only=True)
class Author:
    """Writes the history; remembers only what it has written.

    `minutes` are those of one Zammad unit. `short`: a day's bookings of a person fit into it.
    """

    minutes: Decimal = Decimal(1)
    short: bool = False
    _tickets: list[int] = field(default_factory=lambda: list(range(1, OPENING_TICKETS + 1)))
    _ticket_count: int = OPENING_TICKETS
    _booked: int = 0
    _bookings: dict[int, Book] = field(default_factory=dict)  # as they were booked
    _closed: list[int] = field(default_factory=list)
    _unmapped: list[int | None] = field(default_factory=list)  # kinds
    _homeless: list[int] = field(default_factory=list)  # customers without a project
    _copied: list[int] = field(default_factory=list)  # bookings
    _disabled: list[int] = field(default_factory=list)  # users
    _away: list[int] = field(default_factory=list)  # agents

    def next(self, random: Random, shares: dict[str, float] = EVERYTHING) -> Operation:
        """One more operation, of a kind that is possible now."""
        writers: dict[str, Callable[[Random], Operation | None]] = {
            "book": self.book,
            "take_back": self._take_back,
            "edit": self._edit,
            "retype": self._retype,
            "delete": self._delete,
            "open_ticket": self._open_ticket,
            "move": self._move,
            "merge": self._merge,
            "export": self._export,
            "edit_sheet": self._edit_sheet,
            "delete_sheet": self._delete_sheet,
            "copy_sheet": self._copy_sheet,
            "drop_copies": self._drop_copies,
            "user": self._user,
            "agent": self._agent,
            "map_activity": self._map_activity,
            "map_project": self._map_project,
            "map_person": self._map_person,
            "project": self._project,
            "judge": self._judge,
        }
        (what,) = random.choices(list(shares), list(shares.values()))
        return writers[what](random) or self.book(random)

    def book(self, random: Random, ago: timedelta | None = None) -> Book:
        """One more booking, on a ticket that is still open."""
        self._booked += 1
        kind = random.choices((random.randrange(KINDS - 1), None, KINDS - 1), (90, 7, 3))[0]
        return self._noted(
            Book(
                booking=self._booked,
                ticket=random.choice(self._tickets[-OPENING_TICKETS:]),
                agent=random.choice([n for n in range(AGENTS) if n not in self._away]),
                kind=kind,
                amount=self._amount(random),
                article=random.random() < 0.5,
                ago=ago,
            )
        )

    def _noted(self, book: Book) -> Book:
        self._bookings[book.booking] = book
        return book

    def _take_back(self, random: Random) -> Book | None:
        """A negative booking, as Zammad advises for what was booked too much."""
        wrong = self._some(random)
        if wrong is None or Decimal((former := self._bookings[wrong]).amount) <= 0:
            return None
        if former.agent in self._away:
            return None
        self._booked += 1
        share = Decimal(random.choice(("0.25", "0.5", "1", "1.5")))
        amount = max((Decimal(former.amount) * share).quantize(CENT), CENT)
        return self._noted(replace(former, booking=self._booked, amount=str(-amount), ago=None))

    def _amount(self, random: Random) -> str:
        if random.random() < 0.04:
            return "0"
        even, odd = Decimal(5 * random.randint(1, 36)), Decimal("7.5")
        if self.short:
            even, odd = Decimal(random.randint(1, 6)), Decimal("2.5")
        worked = random.choices((even, odd), (9, 1))[0]
        return str(max((worked / self.minutes).quantize(CENT), CENT))

    def _edit(self, random: Random) -> Edit | None:
        booking = self._some(random)
        return None if booking is None else Edit(booking=booking, amount=self._amount(random))

    def _retype(self, random: Random) -> Retype | None:
        booking = self._some(random)
        kind = random.choices((random.randrange(KINDS - 1), None, KINDS - 1), (85, 10, 5))[0]
        return None if booking is None else Retype(booking=booking, kind=kind)

    def _delete(self, random: Random) -> Delete | None:
        booking = self._some(random)
        if booking is None:
            return None
        article = self._bookings.pop(booking).article
        return Delete(booking=booking, article=article and random.random() < 0.3)

    def _open_ticket(self, random: Random) -> OpenTicket:
        self._ticket_count += 1
        self._tickets.append(self._ticket_count)
        return OpenTicket(ticket=self._ticket_count, customer=random.randrange(CUSTOMERS))

    def _move(self, random: Random) -> MoveTicket:
        ticket = random.choice(self._tickets)
        return MoveTicket(ticket=ticket, customer=random.randrange(CUSTOMERS))

    def _merge(self, random: Random) -> MergeTickets | None:
        if len(self._tickets) <= FEWEST_TICKETS:
            return None
        source, target = random.sample(self._tickets, 2)
        self._tickets.remove(source)
        return MergeTickets(source=source, target=target)

    def _export(self, random: Random) -> ExportSheet | None:
        booking = self._some(random)
        return None if booking is None else ExportSheet(booking=booking)

    def _edit_sheet(self, random: Random) -> EditSheet | None:
        booking = self._some(random)
        how = random.choices(EDITS, (3, 3, 3, 2, 1))[0]
        choice = random.randrange(ACTIVITIES if how == "activity" else CUSTOMERS - 1)
        return None if booking is None else EditSheet(booking=booking, how=how, choice=choice)

    def _delete_sheet(self, random: Random) -> DeleteSheet | None:
        booking = self._some(random)
        return None if booking is None else DeleteSheet(booking=booking)

    def _copy_sheet(self, random: Random) -> CopySheet | None:
        booking = self._some(random)
        if booking is None:
            return None
        self._copied.append(booking)
        return CopySheet(booking=booking)

    def _drop_copies(self, random: Random) -> DropCopies | None:
        if not self._copied:
            return None
        return DropCopies(booking=self._copied.pop(random.randrange(len(self._copied))))

    def _user(self, random: Random) -> DisableUser | EnableUser:
        if self._disabled:
            return EnableUser(user=self._disabled.pop())
        self._disabled.append(random.randrange(AGENTS))
        return DisableUser(user=self._disabled[-1])

    def _agent(self, random: Random) -> Leave | Return:
        if self._away and random.random() < 0.4 * len(self._away):
            return Return(agent=self._away.pop(0))
        agent = random.choice([n for n in range(AGENTS) if n not in self._away])
        self._away.append(agent)
        return Leave(agent=agent)

    def _map_activity(self, random: Random) -> MapActivity:
        """What was taken away is soon missed."""
        if self._unmapped and random.random() < 0.7:
            kind = self._unmapped.pop(random.randrange(len(self._unmapped)))
            return MapActivity(kind=kind, activity=random.randrange(ACTIVITIES))
        kind = random.choices((random.randrange(KINDS), None), (8, 1))[0]
        activity = random.choices((random.randrange(ACTIVITIES), None), (2, 1))[0]
        if activity is None and kind not in self._unmapped:
            self._unmapped.append(kind)
        return MapActivity(kind=kind, activity=activity)

    def _map_project(self, random: Random) -> MapProject:
        if self._homeless and random.random() < 0.7:
            customer = self._homeless.pop(random.randrange(len(self._homeless)))
            return MapProject(customer=customer, project=random.randrange(CUSTOMERS - 1))
        customer = random.randrange(CUSTOMERS)
        project = random.choices((random.randrange(CUSTOMERS - 1), None), (2, 1))[0]
        if project is None and customer not in self._homeless:
            self._homeless.append(customer)
        return MapProject(customer=customer, project=project)

    def _map_person(self, random: Random) -> MapPerson:
        user = random.choices((random.randrange(AGENTS), None), (2, 1))[0]
        return MapPerson(agent=random.randrange(AGENTS), user=user)

    def _project(self, random: Random) -> CloseProject | OpenProject:
        if self._closed and random.random() < 0.5 + 0.1 * len(self._closed):
            project = self._closed.pop(random.randrange(len(self._closed)))
            return OpenProject(project=project)
        project = random.randrange(CUSTOMERS - 1)
        if project not in self._closed:
            self._closed.append(project)
        return CloseProject(project=project, ended=random.random() < 0.5)

    def _judge(self, random: Random) -> JudgePlans:
        return JudgePlans(approve=random.random() < 0.7)

    def _some(self, random: Random) -> int | None:
        """A booking that is still there, often one of the newest."""
        if not self._bookings:
            return None
        ids = list(self._bookings)
        return random.choice(ids[-RECENT:] if random.random() < 0.5 else ids)


@dataclass(frozen=True, kw_only=True)
class Round:
    """`before` the service is asked for a run, and `meanwhile`."""

    number: int
    before: Sequence[Operation]
    meanwhile: Sequence[Operation]


def rounds(seed: int, operations: int, author: Author) -> Iterator[Round]:
    """The whole history; the first round begins with what was booked before the service came.

    Longer histories have longer rounds, but less than in proportion.
    """
    random = Random(f"{seed}:history")
    most = max(20, round(4.5 * operations**0.55))
    left, number = operations, 0
    while left:
        number += 1
        size = min(left, random.randint(most // 4, most))
        if number == 1:
            before: list[Operation] = [
                author.book(random, ago=random.random() * LONG_AGO) for _ in range(size)
            ]
        else:
            before = [author.next(random) for _ in range(size)]
        later = 0 if number == 1 else round(random.choice((0, 0.2, 0.5)) * size)
        yield Round(number=number, before=before[: size - later], meanwhile=before[size - later :])
        left -= size
