"""`/api/users`. Source: src/API/UserController.php, src/Form/UserCreateType.php."""

import copy
import re

from adapters.sandbox.kimai import phptime, texts
from adapters.sandbox.kimai.access import Access
from adapters.sandbox.kimai.bodies import Submitted
from adapters.sandbox.kimai.collation import folded
from adapters.sandbox.kimai.entities import User
from adapters.sandbox.kimai.forms import Form
from adapters.sandbox.kimai.problems import bad_request, forbidden, not_found
from adapters.sandbox.kimai.queries import ORDER
from adapters.sandbox.kimai.requests import Call, Reply, no_content

_COMMON = [
    "alias",
    "title",
    "accountNumber",
    "color",
    "email",
    "language",
    "locale",
    "timezone",
    "supervisor",
    "roles",
]
_FLAGS = ["enabled", "systemAccount", "requiresPasswordReset"]
_CREATE = ["username", *_COMMON, "plainPassword", "plainApiToken", *_FLAGS]
_EDIT = [*_COMMON, *_FLAGS]
_TEXTS = {
    "alias": "alias",
    "title": "title",
    "accountNumber": "account_number",
    "plainApiToken": "api_password",
}
_SWITCHES = {"enabled": "enabled", "systemAccount": "system_account"}
_COLUMNS = {"timezone", "language", "locale"}
_RATES = {"hourly_rate", "internal_rate"}
_ROLES = {"ROLE_TEAMLEAD", "ROLE_ADMIN", "ROLE_SUPER_ADMIN"}
_LANGUAGES = [
    "ar",
    "cs",
    "da",
    "de",
    "de_AT",
    "de_CH",
    "el",
    "en",
    "en_GB",
    "en_US",
    "eo",
    "es",
    "eu",
    "fa",
    "fi",
    "fo",
    "fr",
    "he",
    "hr",
    "hu",
    "id",
    "it",
    "ja",
    "ko",
    "nb_NO",
    "nl",
    "pa",
    "pl",
    "pt",
    "pt_BR",
    "ro",
    "ru",
    "sk",
    "sl",
    "sv",
    "ta",
    "tr",
    "uk",
    "vi",
    "zh_CN",
    "zh_Hant",
]
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_USERNAME, _PASSWORD = (2, 64), (8, 60)  # characters


def index(call: Call) -> Reply:
    """People; Kimai lets only a super admin list them."""
    call.need("view_user")
    query = call.query
    visible, term = query.visibility(), query.term()
    field = query.one("orderBy", "id|username|alias|email") or "username"
    descending = (query.one("order", ORDER) or "ASC") == "DESC"
    rows = [
        user
        for user in call.state.users.values()
        if visible == 3 or user.enabled is (visible == 1)  # noqa: PLR2004  Kimai's 1, 2, 3
        if term is None or term.matches(_words(user), {})
    ]
    rows.sort(key=lambda user: _sort_key(user, field), reverse=descending)
    shapes = call.shapes
    show = shapes.user_full if query.switch("full") else shapes.user
    return Reply([show(user) for user in rows])


def _words(user: User) -> list[str | None]:
    return [user.username, user.alias, user.title, user.email, user.account_number]


def _sort_key(user: User, field: str) -> tuple[int, str]:
    if field == "id":
        return user.id, ""
    value = {"username": user.username, "alias": user.alias, "email": user.email}[field]
    return 0, folded(value or "")


def me(call: Call) -> Reply:
    """The caller."""
    return Reply(call.shapes.user_full(call.access.user))


def show(call: Call) -> Reply:
    """One person."""
    return Reply(call.shapes.user_full(_allowed(call, "view")))


def _allowed(call: Call, action: str) -> User:
    user = call.state.users.get(call.id)
    if user is None:
        raise not_found()
    if not call.access.may_profile(action, user):
        raise forbidden()
    return user


def create(call: Call) -> Reply:
    """A new person."""
    call.need("create_user")
    text = call.state.settings.text
    user = User(
        id=0,
        username="",
        email="",
        timezone=text("defaults.user.timezone"),
        language=text("defaults.user.language"),
        locale=text("defaults.user.language"),
    )
    _UserForm(call.access, user, call.body, _CREATE).submit()
    user.id = call.state.take_id("users")
    call.state.put("users", user)
    return Reply(call.shapes.user_full(user))


def update(call: Call) -> Reply:
    """Change the sent fields of a person."""
    before = _allowed(call, "edit")
    user = copy.copy(before)
    fields = [name for name in _EDIT if name != "roles" or call.access.may_profile("roles", user)]
    _UserForm(call.access, user, call.body, fields).submit()
    call.state.put("users", user)
    return Reply(call.shapes.user_full(user))


def preferences(call: Call) -> Reply:
    """Set preferences from a list of `{"name", "value"}`; unknown names are a 404."""
    user = copy.copy(_allowed(call, "preferences"))
    user.preferences = dict(user.preferences)
    known = {preference["name"] for preference in call.shapes.user_full(user)["preferences"]}
    known |= _COLUMNS
    if call.access.may_profile("hourly-rate", user):
        known |= _RATES
    for item in call.body.values():
        name = str(item.get("name")) if isinstance(item, dict) else ""
        if name not in known:
            raise not_found()
        _prefer(user, name, item.get("value"))
    call.state.put("users", user)
    return Reply(call.shapes.user_full(user))


def _prefer(user: User, name: str, value: object) -> None:
    if not isinstance(value, str | None):
        raise bad_request()
    if name == "timezone" and value and phptime.is_zone(value):
        user.timezone = value
    elif name in {"language", "locale"} and value:
        setattr(user, name, value)
    elif name in _RATES:
        setattr(user, name, _rate(name, value))
    else:
        user.preferences[name] = value


def _rate(name: str, value: str | None) -> float | None:
    if not value:
        return 0.0 if name == "hourly_rate" else None
    try:
        return float(value)
    except ValueError as error:
        raise bad_request() from error


def delete_token(call: Call) -> Reply:
    """Remove an access token by its place in the list of tokens (ids start at 1)."""
    tokens = list(call.state.tokens.values())
    if not 1 <= call.id <= len(tokens):
        raise not_found()
    token = tokens[call.id - 1]
    if not call.access.may_profile("api-token", call.state.users[token.user]):
        raise forbidden()
    call.state.drop("tokens", token.token)
    return no_content()


class _UserForm:
    def __init__(self, access: Access, user: User, submitted: Submitted, fields: list[str]) -> None:
        self.state = access.state
        self.user = user
        self.new = "username" in fields
        self.form = Form(fields, submitted)

    def submit(self) -> None:
        """Apply and check.

        Raises:
            Problem: 400 with the form's errors.
        """
        for name in self.form.fields:
            if self.form.sent(name):
                self._apply(name)
        self._check()
        self.form.check()

    def _apply(self, name: str) -> None:
        form, user = self.form, self.user
        if name in {"username", "email"}:
            setattr(user, name, form.text(name) or "")
        elif name in _TEXTS:
            setattr(user, _TEXTS[name], form.text(name))
        elif name in _SWITCHES:
            setattr(user, _SWITCHES[name], form.checkbox(name))
        elif name == "color":
            user.color = form.color("color")
        elif name in {"language", "locale"}:
            self._language(name)
        else:
            self._choice(name)

    def _choice(self, name: str) -> None:
        if name == "timezone":
            self._timezone()
        elif name == "roles":
            self._roles()
        elif name == "supervisor":
            self._supervisor()

    def _check(self) -> None:
        form, user = self.form, self.user
        if self.new:
            self._name_free()
            password = form.text("plainPassword") if form.sent("plainPassword") else None
            if password is None:
                form.violation("plainPassword", texts.NOT_BLANK)
            form.length("plainPassword", password, *_PASSWORD)
        if not user.email:
            form.violation("email", texts.NOT_BLANK)
        elif not _EMAIL.fullmatch(user.email):
            form.violation("email", "This value is not a valid email address.")
        elif self._used("email", user.email):
            form.violation("email", texts.EMAIL_USED)
            form.violation("email", texts.IN_USE)

    def _name_free(self) -> None:
        form, name = self.form, self.user.username
        if not name:
            form.violation("username", texts.NOT_BLANK)
        elif self._used("username", name):
            form.violation("username", texts.USERNAME_USED)
            form.violation("username", texts.IN_USE)
        form.length("username", name or None, *_USERNAME)

    def _used(self, attribute: str, value: str) -> bool:
        others = (user for user in self.state.users.values() if user.id != self.user.id)
        return any(folded(getattr(other, attribute)) == folded(value) for other in others)

    def _language(self, name: str) -> None:
        text = self.form.text(name)
        if text not in _LANGUAGES:
            self.form.unreadable(name, texts.INVALID_CHOICE)
        else:
            setattr(self.user, name, text)

    def _timezone(self) -> None:
        text = self.form.text("timezone")
        if text is None or not phptime.is_zone(text):
            self.form.unreadable("timezone", texts.NOT_A_ZONE)
        else:
            self.user.timezone = text

    def _roles(self) -> None:
        value = self.form.submitted["roles"]
        roles = list(value.values()) if isinstance(value, dict) else [value] if value else []
        if not all(isinstance(role, str) and role in _ROLES for role in roles):
            self.form.unreadable("roles", texts.INVALID_CHOICE)
        else:
            self.user.roles = roles

    def _supervisor(self) -> None:
        key = self.form.number("supervisor")
        if key is not None and key not in self.state.users:
            self.form.unreadable("supervisor", texts.INVALID_CHOICE)
        else:
            self.user.supervisor = key
