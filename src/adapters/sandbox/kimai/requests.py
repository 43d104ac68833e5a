"""One request as the handlers see it, and the answer they give."""

from dataclasses import dataclass, field

from adapters.sandbox.kimai.access import Access
from adapters.sandbox.kimai.bodies import Submitted
from adapters.sandbox.kimai.problems import forbidden
from adapters.sandbox.kimai.queries import Query
from adapters.sandbox.kimai.shapes import Shapes
from adapters.sandbox.kimai.state import KimaiState


@dataclass
class Call:
    """A routed and authenticated request."""

    state: KimaiState
    access: Access
    query: Query
    body: Submitted
    path_ids: dict[str, int] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """The `{id}` of the path."""
        return self.path_ids["id"]

    @property
    def shapes(self) -> Shapes:
        """Shapes for the caller."""
        return Shapes(self.state, self.access)

    def need(self, *permissions: str) -> None:
        """Require one of `permissions`.

        Raises:
            Problem: 403 without any of them.
        """
        if not any(self.access.has(permission) for permission in permissions):
            raise forbidden()


@dataclass
class Reply:
    """A successful answer."""

    body: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


EMPTY = 204


def no_content() -> Reply:
    """204 without a body."""
    return Reply(status=EMPTY)
