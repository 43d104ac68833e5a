"""What connectors list for people who map, as answers show it: contract, section 4."""

from typing import Literal

from api.bodies import Answer


class ActivityChoice(Answer):
    """An activity of Kimai, or an activity type of Zammad."""

    id: int
    name: str
    project_id: int | None
    is_global: bool
    active: bool


class ProjectChoice(Answer):
    """A project of Kimai, or a group of Zammad, which belongs to nobody."""

    id: int
    name: str
    active: bool
    customer_id: int | None
    customer_name: str | None


class CustomerChoice(Answer):
    """A customer of Kimai, or an organization of Zammad."""

    id: int
    name: str
    active: bool


class UserChoice(Answer):
    """A user of Kimai, or one of Zammad who is not only a customer."""

    id: int
    name: str
    active: bool
    email: str | None
    username: str | None


class SuggestionSource(Answer):
    """Whose bookings wait. `source_kind` is what a project mapping would name."""

    id: int | None
    name: str
    email: str | None = None
    source_kind: Literal["organization", "customer"] | None = None


class SuggestionTarget(Answer):
    """`target_kind` says for projects which of the two ids a mapping would have."""

    id: int
    name: str
    target_kind: Literal["customer", "project"] | None = None


class SuggestionOut(Answer):
    kind: Literal["activities", "users", "projects"]
    source: SuggestionSource
    target: SuggestionTarget | None
    basis: Literal["email", "same_name", "history"] | None
    waiting_entries: int
    waiting_minutes: int | float


class Suggestions(Answer):
    items: list[SuggestionOut]
