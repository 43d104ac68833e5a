"""What connectors list for people who map, as answers show it: contract, section 4."""

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
