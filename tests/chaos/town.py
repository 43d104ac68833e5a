"""Both peers and the people who use them: agents book in the one, a clerk bills from the other."""

import copy
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import assert_never

from adapters.sandbox.control import Controlled
from adapters.sandbox.kimai import KimaiState, create_kimai_app
from adapters.sandbox.kimai.entities import Timesheet
from adapters.sandbox.month import AGENTS, NOTES, ORGANIZATIONS, TITLES, TYPES, Month
from adapters.sandbox.month import SecondThoughts as Nothing
from adapters.sandbox.month import Ticket as Story
from adapters.sandbox.story import fill_kimai, fill_zammad
from adapters.sandbox.zammad import ZammadState, create_zammad_app
from api.demo.keys import DemoKeys
from tests.chaos import history
from tests.chaos.diary import STILL, Diary
from tests.chaos.history import Author, InSettings, InZammad, OnSheets, Operation
from tests.chaos.marks import booking_of

QUARTER = 15 * 60  # seconds by which people move and lengthen timesheets
DAY = timedelta(days=1)
# Deletions at once are left to a person when they are more than 20 or 5 %; in case of doubt a bit
# earlier, because what a killed run saw is seen again.
MANY, MANY_OF_ALL = 20, 0.03


@dataclass
class Town:
    """`billed` are copies of the timesheets as they were when the clerk exported them.

    `excused` are those of them that a request reached which was on its way at that moment.
    `copies` are timesheets that people made of ours, as they made them. `unseen` are bookings
    deleted since the last run that came to its end had begun. `wishes` is what the administrator
    still has to set, in order.
    """

    keys: DemoKeys
    diary: Diary = field(default_factory=Diary)
    zammad: ZammadState = field(default_factory=ZammadState)
    kimai: KimaiState = field(default_factory=KimaiState)
    billed: dict[int, Timesheet] = field(default_factory=dict)
    excused: set[int] = field(default_factory=set)
    copies: dict[int, Timesheet] = field(default_factory=dict)
    unseen: set[int] = field(default_factory=set)
    wishes: list[InSettings] = field(default_factory=list)
    zammad_app: Controlled = field(init=False)
    kimai_app: Controlled = field(init=False)
    author: Author = field(init=False)

    def __post_init__(self) -> None:
        fill_zammad(self.zammad, _opening(), token=self.keys.zammad_token)
        fill_kimai(self.kimai, token=self.keys.kimai_token)
        self.zammad_app = create_zammad_app(self.zammad)
        self.kimai_app = create_kimai_app(self.kimai)
        house = self.diary.house
        self.author = Author(minutes=house.minutes, short=house.is_stacked)
        by_email = {user.email: user.id for user in self.zammad.users}
        self.agents = [by_email[agent.email] for agent in AGENTS]
        by_name = {row.name: row for row in self.zammad.organizations}
        self.organizations = [by_name[one.name].id for one in ORGANIZATIONS]
        contacts = {
            user.organization_id: user.id for user in self.zammad.users if user.organization_id
        }
        self._contacts = [contacts[organization] for organization in self.organizations]
        kinds = {kind.name: kind.id for kind in self.zammad.types}
        self._kinds = [kinds[name] for name in TYPES]
        self.activities = sorted(self.kimai.activities)
        self.projects = sorted(self.kimai.projects)
        self._group = next(iter(self.zammad.tickets)).group_id
        emails = {user.email: user.id for user in self.kimai.users.values()}
        self.users = [emails[agent.email] for agent in AGENTS]
        self._settle_in()
        self._note_first_mappings()

    def _settle_in(self) -> None:
        house = self.diary.house
        self.kimai.settings.change(
            {
                "timesheet.rounding.default.mode": house.rounding.mode,
                "timesheet.rounding.default.begin": house.rounding.begin,
                "timesheet.rounding.default.end": house.rounding.end,
                "timesheet.rounding.default.duration": house.rounding.duration,
            }
        )
        if house.stranger:
            row = self.kimai.users[self.users[-1]]
            self.kimai.put("users", dataclasses.replace(row, email="private@home.example"))

    def by_email(self, agent: int) -> int | None:
        """The Kimai user with the e-mail address of that Zammad user."""
        emails = {user.email: user.id for user in self.kimai.users.values()}
        return emails.get(self.zammad.users[agent].email)

    def _note_first_mappings(self) -> None:
        """Those that `DemoSetup.map` makes."""
        for kind, activity in zip((*self._kinds[:-1], None), (*self.activities, 0), strict=True):
            self.diary.activities.change(kind, activity or self.activities[0], 0)
        for agent in self.agents:
            self.diary.people.change(agent, self.by_email(agent), 0)
        customers = {row.name: row.id for row in self.kimai.customers.values()}
        projects = {row.customer: row.id for row in self.kimai.projects.values()}
        for organization in self.zammad.organizations:
            if organization.name in customers:
                project = projects[customers[organization.name]]
                self.diary.projects.change(organization.id, project, 0)

    def work(self, random: Random, actions: int) -> None:
        """Agents book, correct, retype and delete."""
        for _ in range(actions):
            self.apply(self.author.next(random, history.EVERYDAY))

    def apply(self, operation: Operation) -> None:
        """Do it now; what is for the administrator is put down as a wish."""
        self.diary.now += 1
        match operation:
            case (
                history.MapActivity()
                | history.MapProject()
                | history.MapPerson()
                | history.JudgePlans()
            ):
                self.wishes.append(operation)
            case (
                history.ExportSheet()
                | history.EditSheet()
                | history.DeleteSheet()
                | history.CopySheet()
                | history.DropCopies()
            ):
                self._on_sheets(operation)
            case (
                history.CloseProject()
                | history.OpenProject()
                | history.DisableUser()
                | history.EnableUser()
            ):
                self._in_kimai(operation)
            case _:
                self._in_zammad(operation)

    @contextmanager
    def running(self) -> Iterator[None]:
        """While a run is under way: it goes by the settings it begins with."""
        few = self.diary.house.delete_limit < MANY
        if len(self.unseen) > (1 if few else max(MANY, len(self.zammad.entries) * MANY_OF_ALL)):
            self.diary.bulk |= self.unseen
        self.diary.run_began = self.diary.now
        try:
            yield
        finally:
            self.diary.run_began = None

    def kind(self, number: int | None) -> int | None:
        """Zammad's id of that activity type."""
        return None if number is None else self._kinds[number]

    # -- Zammad -------------------------------------------------------------------------------

    def _in_zammad(self, operation: InZammad) -> None:  # noqa: C901 # one flat branch per kind
        zammad = self.zammad
        match operation:
            case history.Book():
                self._book(operation)
            case history.Edit(booking=booking, amount=amount):
                zammad.correct(booking, time_unit=amount)
            case history.Retype(booking=booking, kind=kind):
                zammad.correct(booking, type_id=self.kind(kind))
            case history.Delete(booking=booking, article=article):
                written = zammad.entries[booking].ticket_article_id
                if article and written is not None:
                    zammad.delete_article(written)
                else:
                    zammad.delete_entry(booking)
                self.unseen.add(booking)
            case history.OpenTicket(ticket=ticket, customer=customer):
                title = TITLES[ticket % len(TITLES)]
                contact = self._contacts[customer]
                made = zammad.add_ticket(title=title, group_id=self._group, customer_id=contact)
                assert made.id == ticket
            case history.MoveTicket(ticket=ticket, customer=customer):
                zammad.change_ticket(ticket, customer_id=self._contacts[customer])
            case history.MergeTickets(source=source, target=target):
                zammad.merge_tickets(source, target)
                self.diary.merged[source] = target
            case history.Leave(agent=agent):
                zammad.change_user(self.agents[agent], active=False)
            case history.Return(agent=agent):
                zammad.change_user(self.agents[agent], active=True)
            case _:
                assert_never(operation)

    def _book(self, book: history.Book) -> None:
        zammad, agent = self.zammad, self.agents[book.agent]
        at = None if book.ago is None else zammad.clock.now() - book.ago
        kind = self.kind(book.kind)
        if book.article:
            text = NOTES[book.booking % len(NOTES)]
            zammad.add_article(
                book.ticket, text, time_unit=book.amount, time_type_id=kind, by=agent, at=at
            )
        else:
            zammad.book(book.ticket, book.amount, type_id=kind, by=agent, at=at)
        assert book.booking in zammad.entries
        self.diary.booked[book.booking] = self.diary.since()

    # -- Kimai --------------------------------------------------------------------------------

    def _on_sheets(self, operation: OnSheets) -> None:  # noqa: C901 # one flat branch per kind
        match operation:
            case history.ExportSheet(booking=booking):
                for sheet in self._open_sheets(booking):
                    self._export(sheet)
            case history.EditSheet(booking=booking):
                for sheet in self._open_sheets(booking):
                    self._edit(sheet, operation)
            case history.DeleteSheet(booking=booking):
                for sheet in self._open_sheets(booking):
                    self.kimai.drop("timesheets", sheet.id)
                    self.diary.deleted.add(booking)
            case history.CopySheet(booking=booking):
                for sheet in self._own_sheets(booking):
                    self._copy(sheet)
            case history.DropCopies(booking=booking):
                for key in [key for key, row in self.copies.items() if booking_of(row) == booking]:
                    if not self.kimai.timesheets[key].exported:
                        self.kimai.drop("timesheets", key)
                        del self.copies[key]
            case _:
                assert_never(operation)

    def _in_kimai(
        self,
        operation: history.CloseProject
        | history.OpenProject
        | history.DisableUser
        | history.EnableUser,
    ) -> None:
        match operation:
            case history.CloseProject(project=number, ended=ended):
                self._close(self.projects[number], ended=ended)
            case history.OpenProject(project=number):
                row = self.kimai.projects[self.projects[number]]
                self.kimai.put("projects", dataclasses.replace(row, visible=True, end=None))
                self.diary.closed[row.id] = self.diary.now
            case history.DisableUser(user=number):
                user = self.kimai.users[self.users[number]]
                self.kimai.put("users", dataclasses.replace(user, enabled=False))
                self.diary.disabled[user.id] = STILL
            case history.EnableUser(user=number):
                user = self.kimai.users[self.users[number]]
                self.kimai.put("users", dataclasses.replace(user, enabled=True))
                self.diary.disabled[user.id] = self.diary.now
            case _:
                assert_never(operation)

    def _open_sheets(self, booking: int) -> Iterator[Timesheet]:
        return iter([row for row in self._own_sheets(booking) if not row.exported])

    def _own_sheets(self, booking: int) -> list[Timesheet]:
        rows = (row for row in self.kimai.timesheets.values() if booking_of(row) == booking)
        return [row for row in rows if row.id not in self.copies]

    def _copy(self, sheet: Timesheet) -> None:
        """Same times, owner and description, tags included; never exported."""
        copied = dataclasses.replace(
            sheet,
            id=self.kimai.take_id("timesheets"),
            exported=False,
            modified_at=self.kimai.now(),
        )
        self.kimai.put("timesheets", copied)
        self.copies[copied.id] = copy.deepcopy(copied)

    def _export(self, sheet: Timesheet) -> None:
        """From then on nobody may touch it. An export run leaves no trace in `modified_at`."""
        exported = dataclasses.replace(sheet, exported=True)
        self.kimai.put("timesheets", exported)
        self.billed[sheet.id] = copy.deepcopy(exported)

    def _edit(self, sheet: Timesheet, edit: history.EditSheet) -> None:
        begin, end, text = sheet.begin, sheet.end, sheet.description or ""
        assert begin is not None
        assert end is not None
        changes: dict[str, object] = {}
        match edit.how:
            case "later":
                changes = {"begin": begin + QUARTER, "end": end + QUARTER}
            case "longer":
                changes = {"end": end + QUARTER, "duration": sheet.duration + QUARTER}
            case "text":
                changes = {"description": f"Checked by the clerk.\n{text}"}
            case "activity":
                changes = {"activity": self.activities[edit.choice]}
            case "project":
                changes = {"project": self.projects[edit.choice]}
        edited = dataclasses.replace(sheet, **changes, modified_at=self.kimai.now())  # type: ignore[arg-type] # each by its name
        self.kimai.put("timesheets", edited)
        self.diary.edited[sheet.id] |= changes

    def _close(self, project: int, *, ended: bool) -> None:
        yesterday = (self.kimai.clock.now() - DAY).date().isoformat()
        row = self.kimai.projects[project]
        closed = {"end": yesterday} if ended else {"visible": False}
        self.kimai.put("projects", dataclasses.replace(row, **closed))
        self.diary.closed[project] = STILL


def _opening() -> Month:
    """Customers with a ticket or two each, and nothing booked yet."""
    opened = datetime.now(UTC) - history.LONG_AGO - DAY
    tickets = tuple(
        Story(title=TITLES[n % len(TITLES)], organization=n % len(ORGANIZATIONS), created_at=opened)
        for n in range(history.OPENING_TICKETS)
    )
    nothing = Nothing(edited=(), retyped=(), deleted=(), corrected=(), merged=(0, 0))
    return Month(
        tickets=tickets,
        bookings=(),
        second_thoughts=nothing,
        first_day=opened.date() - DAY,
        last_day=opened.date() + timedelta(days=4),
    )
