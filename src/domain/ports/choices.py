"""What a mapping may name, as the peers list it now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Something with an id and a name in one of the peers.

    `parent_id` is the customer of a project, or the project of an activity (None: global);
    `parent_name` is what that is called. `active` is whether it can be booked on, or works.
    """

    item_id: int
    name: str
    active: bool
    parent_id: int | None = None
    parent_name: str | None = None
    email: str | None = None
    username: str | None = None


class Choices(Protocol):
    """Lists, asked for anew each time and complete: hidden, ended and inactive ones are in them.

    A list that is not open to the token raises Rejected with status 403; it is never empty
    because of that. Every method may raise Unavailable or Misconfigured (token), too.
    """

    async def activities(self, project_id: int | None = None) -> Sequence[Choice]:
        """Kimai's activities; with a project those that it takes. Zammad: activity types."""
        ...

    async def projects(self) -> Sequence[Choice]:
        """Kimai's projects with their customers. Zammad: groups."""
        ...

    async def customers(self) -> Sequence[Choice]:
        """Kimai's customers. Zammad: organizations."""
        ...

    async def users(self) -> Sequence[Choice]:
        """Kimai's users. Zammad: those who are not only customers."""
        ...
