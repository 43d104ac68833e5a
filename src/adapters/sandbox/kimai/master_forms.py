"""Forms of customers, projects and activities. Source: src/Form/*EditForm.php."""

import re
from collections.abc import Callable
from typing import Any

from adapters.sandbox.kimai import durations, phptime, texts
from adapters.sandbox.kimai.access import Access
from adapters.sandbox.kimai.bodies import Submitted
from adapters.sandbox.kimai.entities import Activity, Customer, Project
from adapters.sandbox.kimai.forms import Form

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[_-][A-Za-z]{2,4})*")
_NAME = (2, 150)  # characters
_LONG = 65_535  # characters; no rule of Kimai's own

# field -> (attribute, longest)
_TEXTS: dict[str, tuple[str, int]] = {
    "comment": ("comment", _LONG),
    "company": ("company", 100),
    "vatId": ("vat_id", 50),
    "contact": ("contact", 100),
    "addressLine1": ("address_line1", 150),
    "addressLine2": ("address_line2", 150),
    "addressLine3": ("address_line3", 150),
    "postCode": ("post_code", 20),
    "city": ("city", 50),
    "phone": ("phone", 30),
    "fax": ("fax", 30),
    "mobile": ("mobile", 30),
    "homepage": ("homepage", 100),
    "invoiceText": ("invoice_text", _LONG),
    "buyerReference": ("buyer_reference", 50),
    "orderNumber": ("order_number", 50),
}
_CHECKBOXES = {
    "visible": "visible",
    "billable": "billable",
    "globalActivities": "global_activities",
}
_CUSTOMER = [
    "name",
    "number",
    "comment",
    "company",
    "vatId",
    "contact",
    "addressLine1",
    "addressLine2",
    "addressLine3",
    "postCode",
    "city",
    "country",
    "language",
    "currency",
    "phone",
    "fax",
    "mobile",
    "email",
    "homepage",
    "timezone",
    "invoiceText",
    "invoiceTemplate",
    "invoiceEmail",
    "buyerReference",
]
_PROJECT = [
    "name",
    "number",
    "comment",
    "invoiceText",
    "orderNumber",
    "orderDate",
    "start",
    "end",
    "customer",
]
_ACTIVITY = ["name", "number", "comment", "invoiceText", "project"]
Entity = Customer | Project | Activity
_NOUNS: dict[type[Entity], tuple[str, str, int, list[str]]] = {
    Customer: ("customer", "customers", 50, _CUSTOMER),
    Project: ("project", "projects", 10, _PROJECT),
    Activity: ("activity", "activities", 10, _ACTIVITY),
}
_DUPLICATES = {
    "customer": "customer.rules.allow_duplicate_number",
    "project": "project.allow_duplicate_number",
    "activity": "activity.allow_duplicate_number",
}


class MasterForm:
    """Writes submitted fields into `row` and checks them."""

    def __init__(self, access: Access, row: Entity, submitted: Submitted, *, new: bool) -> None:
        self.state = access.state
        self.access = access
        self.row = row
        self.new = new
        self.noun, self.table, self.longest_number, own = _NOUNS[type(row)]
        self.form = Form(self._fields(own), submitted)

    def _fields(self, own: list[str]) -> list[str]:
        fields = [*own]
        if self.new:
            fields.append("teams")
        fields.append("color")
        money = self.access.may_on("budget", self.row)
        time = self.access.may_on("time", self.row)
        fields += ["budget"] if money else []
        fields += ["timeBudget"] if time else []
        fields += ["budgetType"] if money or time else []
        fields += ["globalActivities"] if isinstance(self.row, Project) else []
        return [*fields, "visible", "billable"]

    def submit(self) -> None:
        """Apply and check.

        Raises:
            Problem: 400 with the form's errors.
        """
        for name in self.form.fields:
            if self.form.sent(name):
                self._apply(name)
        self._check_required()
        self.form.check()

    def _apply(self, name: str) -> None:
        if name in _TEXTS:
            attribute, longest = _TEXTS[name]
            text = self.form.text(name)
            self.form.length(name, text, 0, longest)
            setattr(self.row, attribute, text)
        elif name in _CHECKBOXES:
            setattr(self.row, _CHECKBOXES[name], self.form.checkbox(name))
        else:
            self._SPECIAL[name](self, name)

    def _check_required(self) -> None:
        form, row = self.form, self.row
        if not row.name:
            form.violation("name", texts.NOT_BLANK)
        form.length("name", row.name or None, *_NAME)
        form.plain("name", row.name)
        self._check_number()
        if isinstance(row, Project):
            if not row.customer:
                form.violation("customer", texts.NOT_NULL)
            if row.start and row.end and row.start > row.end:
                form.violation("end", texts.END_BEFORE_BEGIN)
        if isinstance(row, Customer):
            for name, value in (("country", row.country), ("currency", row.currency)):
                if not value:
                    form.violation(name, texts.NOT_BLANK)

    def _check_number(self) -> None:
        number = self.row.number
        self.form.length("number", number, 0, self.longest_number)
        if not number or self.state.settings.flag(_DUPLICATES[self.noun]):
            return
        rows = getattr(self.state, self.table).values()
        if any(other.number == number and other.id != self.row.id for other in rows):
            self.form.violation("number", texts.NUMBER_USED.format(number=number))

    def _name(self, name: str) -> None:
        self.row.name = self.form.text(name) or ""

    def _number(self, name: str) -> None:
        self.row.number = self.form.text(name)

    def _color(self, name: str) -> None:
        self.row.color = self.form.color(name)

    def _budget(self, name: str) -> None:
        self.row.budget = self.form.money(name) or 0.0

    def _time_budget(self, name: str) -> None:
        text = self.form.text(name)
        seconds = 0 if text is None else durations.parse(text)
        if seconds is None:
            self.form.unreadable(name, texts.INVALID_VALUE)
        else:
            self.row.time_budget = seconds

    def _budget_type(self, name: str) -> None:
        text = self.form.text(name)
        if text not in (None, "month"):
            self.form.unreadable(name, texts.INVALID_CHOICE)
        else:
            self.row.budget_type = text

    def _teams(self, name: str) -> None:
        value = self.form.submitted[name]
        keys = list(value.values()) if isinstance(value, dict) else [value] if value else []
        known = [int(key) for key in keys if isinstance(key, str) and key.isdigit()]
        if len(known) != len(keys) or any(key not in self.state.teams for key in known):
            self.form.unreadable(name, texts.INVALID_CHOICE)
        else:
            self.row.teams = known

    def _customer(self, name: str) -> None:
        assert isinstance(self.row, Project)
        key = self.form.number(name)
        if key is None:
            self.row.customer = 0
        elif self._customer_offered(key):
            self.row.customer = key
        else:
            self.form.unreadable(name, texts.INVALID_CHOICE)

    def _customer_offered(self, key: int) -> bool:
        customer = self.state.customers.get(key)
        if customer is None:
            return False
        own = isinstance(self.row, Project) and self.row.customer == key
        return own or (customer.visible and self.access.reaches_customer(customer))

    def _project(self, name: str) -> None:
        assert isinstance(self.row, Activity)
        key = self.form.number(name)
        project = None if key is None else self.state.projects.get(key)
        if key is None or (project is not None and self.access.reaches_project(project)):
            self.row.project = key
        else:
            self.form.unreadable(name, texts.INVALID_CHOICE)

    def _date(self, name: str) -> None:
        """POST takes a day or a date-time, PATCH the date-time only (peers/kimai.md §3)."""
        value = self.form.submitted[name]
        text = value.strip() if isinstance(value, str) else ""
        if not text and not isinstance(value, dict):
            day: str | None = None
        else:
            if self.new and _DAY.fullmatch(text):
                text += "T00:00:00"
            if phptime.parse_lenient(text) is None:
                self.form.unreadable(name, texts.INVALID_DATE)
                return
            day = text[:10]
        setattr(self.row, "order_date" if name == "orderDate" else name, day)

    def _chosen(self, name: str, pattern: re.Pattern[str], message: str) -> None:
        text = self.form.text(name)
        if text is not None and not pattern.fullmatch(text):
            self.form.unreadable(name, message)
        else:
            setattr(self.row, name, text or "")

    def _country(self, name: str) -> None:
        self._chosen(name, _COUNTRY, "Please select a valid country.")

    def _currency(self, name: str) -> None:
        self._chosen(name, _CURRENCY, "Please select a valid currency.")

    def _language(self, name: str) -> None:
        self._chosen(name, _LANGUAGE, "Please select a valid language.")

    def _timezone(self, name: str) -> None:
        assert isinstance(self.row, Customer)
        text = self.form.text(name)
        if text is None or not phptime.is_zone(text):
            self.form.unreadable(name, "Please select a valid timezone.")
        else:
            self.row.timezone = text

    def _email(self, name: str) -> None:
        text = self.form.text(name)
        if text is not None and not _EMAIL.fullmatch(text):
            self.form.violation(name, "This value is not a valid email address.")
        setattr(self.row, "invoice_email" if name == "invoiceEmail" else name, text)

    def _ignored(self, name: str) -> None:
        """A field that leads nowhere in the sandbox."""

    _SPECIAL: dict[str, Callable[[Any, str], None]] = {  # noqa: RUF012  a constant table
        "name": _name,
        "number": _number,
        "color": _color,
        "budget": _budget,
        "timeBudget": _time_budget,
        "budgetType": _budget_type,
        "teams": _teams,
        "customer": _customer,
        "project": _project,
        "start": _date,
        "end": _date,
        "orderDate": _date,
        "country": _country,
        "currency": _currency,
        "language": _language,
        "timezone": _timezone,
        "email": _email,
        "invoiceEmail": _email,
        "invoiceTemplate": _ignored,
    }
