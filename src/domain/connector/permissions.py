"""What a token should be able to do, by name, and what to do where it is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Permission:
    """`needed`: without it entries are held back or missed; else it is a convenience."""

    allowed: str
    lacking: str
    needed: bool = True


PERMISSIONS: Mapping[str, Permission] = MappingProxyType(
    {
        "admin.time_accounting": Permission(
            "Reads the list of all bookings.",
            "Give the token admin.time_accounting: without it bookings are found ticket by ticket, "
            "and deletions may go unseen.",
            needed=False,
        ),
        "admin.version": Permission(
            "Reads the version.", "Give the token admin.version to see the version.", needed=False
        ),
        "ticket.agent": Permission(
            "Finds and reads tickets.",
            "Give the token ticket.agent, and its user access to the groups that book time.",
        ),
        "sends_times": Permission(
            "Sends begin and end of a timesheet.",
            "Use tracking mode default in Kimai, or the token of a teamlead or administrator.",
        ),
        "books_for_others": Permission(
            "Books for every user.",
            "Use the token of a teamlead or administrator: this one books for its own user only.",
        ),
        "sees_exported": Permission(
            "Sees what was exported.",
            "Use the token of a teamlead or administrator: this one is not shown what was "
            "exported, so billed timesheets cannot be protected.",
        ),
        "lists_people": Permission(
            "Lists users.",
            "Use a token that may list users, or map people by hand.",
            needed=False,
        ),
        "creates_projects": Permission(
            "Creates customers and projects.",
            "Use an administrator's token, or turn off creating customers and projects.",
            needed=False,
        ),
        "stops_at_locks": Permission(
            "Is held up by exported timesheets and locked periods, as people are.",
            "Kimai does not stop this token at exported timesheets or locked periods; the token of "
            "a teamlead would be safer.",
            needed=False,
        ),
    }
)
OF_ZAMMAD: Sequence[str] = ("ticket.agent", "admin.time_accounting", "admin.version")


def words(name: str, *, allowed: bool | None) -> str:
    """What is so, or what to do; of a name that this program does not know only the name."""
    permission = PERMISSIONS.get(name)
    if permission is None:
        return name
    if allowed is None:
        return "Not known before Kimai holds a record to tell by."
    return permission.allowed if allowed else permission.lacking


def needs_somebody(permissions: Mapping[str, bool | None]) -> bool:
    """Whether something that is needed is not allowed."""
    return any(
        allowed is False and name in PERMISSIONS and PERMISSIONS[name].needed
        for name, allowed in permissions.items()
    )
