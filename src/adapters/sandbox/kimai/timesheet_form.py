"""The form behind POST and PATCH of timesheets. Source: src/Form/API/TimesheetApiEditForm.php."""

from adapters.sandbox.kimai import durations, phptime, rules, texts
from adapters.sandbox.kimai.access import Access
from adapters.sandbox.kimai.bodies import Submitted
from adapters.sandbox.kimai.entities import Activity, Project, Timesheet
from adapters.sandbox.kimai.forms import Form
from adapters.sandbox.kimai.problems import server_error

_EXPLICIT = "explicit"


class TimesheetForm:
    """Writes submitted fields into `row` and checks the result."""

    def __init__(
        self, access: Access, row: Timesheet, before: Timesheet | None, submitted: Submitted
    ) -> None:
        self.state = access.state
        self.access = access
        self.row = row
        self.before = before
        self.form = Form(self._fields(), submitted)

    def _fields(self) -> list[str]:
        """The fields this person may send; their order is the order of `children`."""
        access, row = self.access, self.row
        fields: list[str] = []
        mode = self.state.settings.text("timesheet.mode")
        if mode == "default" or access.has("view_other_timesheet"):
            fields += ["begin", "end"]
        if self.state.settings.flag("timesheet.rules.break_time_active"):
            fields.append("break")
        fields += ["project", "activity", "description"]
        if access.may("edit_rate", row):
            fields += ["fixedRate", "hourlyRate"]
        if self.before is not None or access.has("create_other_timesheet"):
            fields.append("user")
        fields.append("tags")
        if access.may("edit_export", row):
            fields.append("exported")
        if access.may("edit_billable", row):
            fields.append("billable")
        return fields

    def submit(self) -> Timesheet:
        """The record as it would be stored, rounding aside.

        Raises:
            Problem: 400 with the form's errors; 500 for what Kimai itself trips over.
        """
        self._times()
        self._work()
        self._rest()
        checked = rules.Checked(self.state, self.access, self.row, self.before)
        for path, text in rules.violations(checked):
            self.form.violation(path, text)
        self.form.check()
        return self.row

    def _times(self) -> None:
        form, row = self.form, self.row
        if form.sent("begin"):
            begin = form.date_time("begin", row.zone)
            if begin is None and "begin" not in form.broken:
                raise server_error()  # Timesheet::setBegin takes no null
            if begin is not None:
                row.begin = begin
        if form.sent("end"):
            end = form.date_time("end", row.zone)
            if "end" not in form.broken:
                row.end = end
        if form.sent("break"):
            self._pause()

    def _pause(self) -> None:
        text = self.form.text("break")
        if text is None:
            if "break" not in self.form.broken:
                self.row.pause = 0
            return
        seconds = durations.parse(text)
        if seconds is None:
            self.form.unreadable("break", texts.INVALID_VALUE)
        else:
            self.row.pause = seconds

    def _work(self) -> None:
        form, row = self.form, self.row
        if form.sent("project"):
            if isinstance(form.submitted["project"], dict):
                raise server_error()  # Kimai looks the object up as if it were a key
            key = form.number("project")
            project = None if key is None else self.state.projects.get(key)
            if key is None or (project is not None and self._project_offered(project)):
                row.project = key
            else:
                form.unreadable("project", texts.INVALID_CHOICE)
        if form.sent("activity"):
            self._activity()

    def _activity(self) -> None:
        key = self.form.number("activity")
        activity = None if key is None else self.state.activities.get(key)
        if key is None or (activity is not None and self._activity_offered(activity)):
            self.row.activity = key
        else:
            self.form.unreadable("activity", texts.INVALID_CHOICE)

    def _project_offered(self, project: Project) -> bool:
        """Visible, of a visible customer, reachable, running today; or the record's own."""
        if self.before is not None and self.before.project == project.id:
            return True
        return (
            project.visible
            and self.state.customers[project.customer].visible
            and self.access.reaches_project(project)
            and self._running_today(project)
        )

    def _running_today(self, project: Project) -> bool:
        """By the caller's calendar day, whatever day the record is about."""
        today = phptime.local(self.state.now(), self.access.user.timezone).date().isoformat()
        return (project.start or today) <= today <= (project.end or today)

    def _activity_offered(self, activity: Activity) -> bool:
        """Visible and reachable, of the submitted (else stored) project, or global."""
        if self.before is not None and self.before.activity == activity.id:
            own_project = self.before.project == self.row.project
            if own_project and not self.form.submitted.get("project"):
                return True
        if not activity.visible or not self.access.reaches_activity(activity):
            return self._is_own(activity)
        wanted = self.form.number("project") if self.form.submitted.get("project") else None
        project = self.row.project if wanted is None else wanted
        if activity.project is None:
            chosen = None if project is None else self.state.projects.get(project)
            return chosen is None or chosen.global_activities
        if activity.project != project:
            return False
        home = self.state.projects[activity.project]
        visible = home.visible and self.state.customers[home.customer].visible
        return visible or self._is_own(activity)

    def _is_own(self, activity: Activity) -> bool:
        return self.before is not None and self.before.activity == activity.id

    def _rest(self) -> None:
        form, row = self.form, self.row
        if form.sent("description"):
            text = form.text("description")
            if "description" not in form.broken:
                row.description = text
        if form.sent("fixedRate"):
            row.fixed_rate = form.money("fixedRate")
        if form.sent("hourlyRate"):
            row.hourly_rate = form.money("hourlyRate")
        if form.sent("user"):
            self._user()
        if form.sent("tags"):
            self._tags()
        if form.sent("exported"):
            row.exported = form.checkbox("exported")
        if form.sent("billable"):
            # PHP's (bool) on the submitted text: "" and "0" are false, "false" is true
            row.billable = form.submitted["billable"] not in (None, "", "0")
            row.billable_mode = _EXPLICIT

    def _user(self) -> None:
        key = self.form.number("user")
        user = None if key is None else self.state.users.get(key)
        if key is None:
            self.form.unreadable("user", texts.NOT_NULL)
        elif user is None or not self._user_offered(user.id):
            self.form.unreadable("user", texts.INVALID_CHOICE)
        else:
            self.row.user = user.id

    def _user_offered(self, key: int) -> bool:
        """Enabled, no system account, oneself or a member of a led team; or the owner already."""
        if self.before is not None and self.before.user == key:
            return True
        user = self.state.users[key]
        if key == self.access.user.id:
            return True
        if not user.enabled or user.system_account:
            return False
        return self.access.sees_all or bool(self.state.teams_of(key) & self.access.led)

    def _tags(self) -> None:
        """Known names only, in any case; unknown ones are dropped without a word."""
        value = self.form.submitted["tags"]
        if isinstance(value, dict):
            self.form.unreadable("tags", texts.INVALID_VALUE)
            return
        found = (self.state.tag_by_name(name.strip()) for name in (value or "").split(","))
        self.row.tags = sorted({tag.id for tag in found if tag is not None})
