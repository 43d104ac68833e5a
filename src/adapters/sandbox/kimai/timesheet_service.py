"""Storing timesheets: modes, rounding, rates, stopping others. Source: TimesheetService.php."""

from dataclasses import replace
from datetime import UTC, datetime

from adapters.sandbox.kimai import phptext, phptime, rates, rounding, rules, texts
from adapters.sandbox.kimai.access import Access
from adapters.sandbox.kimai.entities import BILLABLE_AUTO, Timesheet
from adapters.sandbox.kimai.problems import bad_request, forbidden, invalid_record, server_error
from adapters.sandbox.kimai.queries import Query
from adapters.sandbox.kimai.state import KimaiState

MAX_TEXT = 65_535  # bytes of a MariaDB TEXT column; more is a 500
_DAY_BEGINS, _DAY_ENDS = 10 * 3600, 18 * 3600  # seconds; of a record preset by dates


class TimesheetService:
    """Writes records on behalf of one person."""

    def __init__(self, state: KimaiState, access: Access) -> None:
        self.state = state
        self.access = access

    def prepared(self, query: Query | None) -> Timesheet:
        """A new record of the caller as the tracking mode presets it."""
        user = self.access.user
        row = Timesheet(user=user.id, zone=user.timezone)
        row.meta = dict.fromkeys(self.state.meta_fields["timesheet"])
        mode = self.state.settings.text("timesheet.mode")
        if mode == "default" and query is not None:
            self._preset(row, query)
        if row.begin is None:
            row.begin = self.state.now()
            if mode == "default":
                row.begin = rounding.round_begin(self.state.settings, row.begin, row.zone)
        if mode == "duration_fixed_begin":
            row.begin = self._default_begin(row.begin, row.zone)
        return row

    def _default_begin(self, begin: int, zone: str) -> int:
        try:
            text = self.state.settings.text("timesheet.default_begin")
            return phptext.modify(begin, text, zone)
        except phptext.UnknownText:
            return begin

    def _preset(self, row: Timesheet, query: Query) -> None:
        """`begin` and `end` (days) or `from` and `to` (times) in the address fill a new record."""
        if (begin := _day(query, "begin")) is not None:
            row.begin = phptime.to_instant(begin + self._clock_now(row.zone), row.zone)
            if (end := _day(query, "end")) is not None:
                row.begin = phptime.to_instant(begin + _DAY_BEGINS, row.zone)
                row.end = phptime.to_instant(end + _DAY_ENDS, row.zone)
        for name in ("from", "to"):
            text = query.one(name)
            if text is None:
                continue
            wall = phptime.parse_lenient(text)
            if wall is not None:
                instant = phptime.instant_of(wall, row.zone)
                if name == "from":
                    row.begin = instant
                else:
                    row.end = instant

    def _clock_now(self, zone: str) -> int:
        now = phptime.local(self.state.now(), zone)
        return now.hour * 3600 + now.minute * 60 + now.second

    # -- storing ------------------------------------------------------------------------------

    def create(self, row: Timesheet) -> Timesheet:
        """Store a valid new record; a running one stops the owner's others.

        Raises:
            Problem: 403 without the right to start, 400 beyond the hard limit or when another
                running record cannot be stopped, 500 for a description too long for its column.
        """
        if row.running and not self.access.may("start", row):
            raise forbidden()
        _column_fits(row)
        if row.running:
            self._stop_others(row)
        self._finish(row, row.zone)
        if row.billable_mode == BILLABLE_AUTO:
            row.billable = self.auto_billable(row)
        self._price(row)
        row.id = self.state.take_id("timesheets")
        row.modified_at = self.state.now()
        return self.state.put("timesheets", row)

    def update(self, row: Timesheet, before: Timesheet, form_zone: str) -> Timesheet:
        """Store a valid changed record; one that changed nothing stays untouched.

        Any real change of a stopped record rounds it again and moves it to the owner's zone.
        """
        _column_fits(row)
        row.zone = self.state.users[row.user].timezone
        if replace(row, meta=before.meta) == before:  # no form writes meta fields
            return before
        moved = (row.project, row.activity, row.user) != (
            before.project,
            before.activity,
            before.user,
        )
        repriced = (row.fixed_rate, row.hourly_rate) != (before.fixed_rate, before.hourly_rate)
        if moved and not repriced:
            row.fixed_rate = row.hourly_rate = None
            row.billable_mode = BILLABLE_AUTO
            row.billable = self.auto_billable(row)
        self._finish(row, form_zone)
        self._price(row)
        row.modified_at = self.state.now()
        return self.state.put("timesheets", row)

    def _finish(self, row: Timesheet, form_zone: str) -> None:
        """Round, then label: the owner's zone, unless rounding wrote the request's zone back."""
        row.zone = form_zone
        moved = rounding.apply(self.state.settings, row)
        row.zone = form_zone if moved else self.state.users[row.user].timezone

    def _price(self, row: Timesheet) -> None:
        row.rate, row.internal_rate, row.hourly_rate = rates.money(self.state, row)

    def auto_billable(self, row: Timesheet) -> bool:
        """Billable when activity, project and customer all are."""
        state = self.state
        activity = None if row.activity is None else state.activities.get(row.activity)
        project = None if row.project is None else state.projects.get(row.project)
        if (activity is not None and not activity.billable) or project is None:
            return project is None
        return project.billable and state.customers[project.customer].billable

    def _stop_others(self, row: Timesheet) -> None:
        limit = self.state.settings.number("timesheet.active_entries.hard_limit")
        for other in self.state.running_of(row.user)[max(limit - 1, 0) :]:
            if limit > 1:
                raise bad_request()
            stopped = replace(other, end=self.state.now())
            self._validated(stopped, other, texts.CANNOT_STOP)
            self._stop_now(stopped)

    def _stop_now(self, row: Timesheet) -> Timesheet:
        zone = row.zone
        row.end = self.state.now()
        self._finish(row, zone)
        self._price(row)
        row.modified_at = self.state.now()
        return self.state.put("timesheets", row)

    # -- actions ------------------------------------------------------------------------------

    def stop(self, row: Timesheet) -> Timesheet:
        """End a running record now; a stopped one stays as it is."""
        if not row.running:
            return row
        stopped = replace(row, end=self.state.now())
        self._validated(stopped, row)
        return self._stop_now(stopped)

    def restart(self, row: Timesheet, begin: int | None, *, everything: bool) -> Timesheet:
        """A new running record of the caller with the same work, optionally all other data."""
        fresh = self.prepared(None)
        start = self.state.now() if begin is None else begin
        fresh.begin = rounding.round_begin(self.state.settings, start, fresh.zone)
        fresh.end = None
        fresh.project, fresh.activity = row.project, row.activity
        if everything:
            fresh.description, fresh.tags = row.description, list(row.tags)
            fresh.fixed_rate = row.fixed_rate
            fresh.billable, fresh.billable_mode = row.billable, row.billable_mode
            fresh.meta |= row.meta
        self._validated(fresh, None)
        return self.create(fresh)

    def duplicate(self, row: Timesheet) -> Timesheet:
        """The same times, owner, text, tags and meta values again; not exported."""
        fresh = replace(
            row, id=0, exported=False, tags=list(row.tags), meta=dict(row.meta), modified_at=None
        )
        self._validated(fresh, None)
        return self.create(fresh)

    def _validated(
        self, row: Timesheet, before: Timesheet | None, message: str = texts.SAVING_FAILED
    ) -> None:
        found = rules.violations(rules.Checked(self.state, self.access, row, before))
        if not found:
            return
        language = self.access.user.language
        children: dict[str, list[str]] = {}
        for path, text in found:
            children.setdefault(path, []).append(texts.in_language(text, language))
        raise invalid_record(texts.in_language(message, language), children)


def _day(query: Query, name: str) -> int | None:
    try:
        day = datetime.strptime(query.one(name) or "", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(day.timestamp())


def _column_fits(row: Timesheet) -> None:
    if row.description is not None and len(row.description.encode()) > MAX_TEXT:
        raise server_error()
