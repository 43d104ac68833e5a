"""What a run goes by: settings and mappings as they stand, and what the peers add to them."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from domain.connector.settings import KimaiSettings, ZammadSettings
from domain.ids import ConnectorId
from domain.mapping.rows import ActivityMapping, ProjectMapping, SourceKind, UserMapping
from domain.ports.timesheets import TargetItem
from domain.target_item.values import WantedKey
from domain.time_entry.state import Wait
from domain.time_entry.values import ReasonCode
from domain.work_day.values import Slot, Unplaced

SILENT = frozenset({"listed_people"})  # of a configuration: no decision rests on them


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Everything people have set that a decision rests on; only active mapping rows.

    `log_tag` are the first 8 hex digits of the log's id: with them a marker names this ledger.
    `default_time_unit` is the service's, used when neither connector nor Zammad names a unit.
    `listed_people` are those (Zammad ids) who have a row of their own, active or not: nothing is
    decided by that.
    """

    source: ConnectorId
    target: ConnectorId
    zammad: ZammadSettings
    kimai: KimaiSettings
    log_tag: str
    activities: Mapping[int | None, ActivityMapping] = field(default_factory=dict)
    users: Mapping[int | None, UserMapping] = field(default_factory=dict)
    projects: Mapping[tuple[SourceKind, int], ProjectMapping] = field(default_factory=dict)
    default_time_unit: str | None = None
    accept_email_matches: bool = True
    listed_people: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A configuration with what the peers said about it in this run.

    `declared_unit` is Zammad's own word for its unit. `people` are the Kimai users by e-mail
    address, None where several share one; empty when the token may not list them. `user_names` is
    what Kimai calls them, by id. `unit_anew`:
    what was written with another unit is to be read with that of today. `places` are those that
    bookings were given on their person's day, None where there is no room. `taking_over`: no run
    has ended well yet, so what Zammad says is older than the timesheets that are linked. `items`
    are the Kimai projects found or made for what bookings want, or why there is none; `listed`
    tells what was known of Kimai's customers, projects and the token when they were asked for.
    """

    configuration: Configuration
    declared_unit: str | None = None
    people: Mapping[str, int | None] = field(default_factory=dict)
    user_names: Mapping[int, str] = field(default_factory=dict)
    unit_anew: bool = False
    places: Mapping[Unplaced, Slot | None] = field(default_factory=dict)
    taking_over: bool = False
    items: Mapping[WantedKey, int | Wait] = field(default_factory=dict)
    listed: str | None = None

    @cached_property
    def digest(self) -> str:
        """The same as long as people have set the same."""
        return _digest(self.configuration)

    def digest_for(self, reason: ReasonCode | None) -> str:
        """The same as long as a decision with that reason would come out the same.

        Only what waits for the peers to say more depends on what they say: nobody need ask them
        about all the others.
        """
        match reason:
            case ReasonCode.USER_UNMAPPED:
                return _digest(self.digest, sorted(self.people.items()))
            case ReasonCode.UNIT_UNKNOWN:
                return _digest(self.digest, self.declared_unit)
            case ReasonCode.PROJECT_OR_CUSTOMER_MISSING if self.listed is not None:
                return _digest(self.digest, self.listed)
            case _:
                return self.digest


def active_rows(
    activities: Iterable[ActivityMapping],
    users: Iterable[UserMapping],
    projects: Iterable[ProjectMapping],
) -> tuple[
    dict[int | None, ActivityMapping],
    dict[int | None, UserMapping],
    dict[tuple[SourceKind, int], ProjectMapping],
]:
    """The three tables by what they map; inactive rows count for nothing."""
    return (
        {row.zammad_type_id: row for row in activities if row.is_active},
        {row.zammad_user_id: row for row in users if row.is_active},
        {(row.source_kind, row.source_id): row for row in projects if row.is_active},
    )


def people_by_email(users: Iterable[TargetItem]) -> dict[str, int | None]:
    """Active Kimai users by e-mail address in lower case; None where two share one."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for user in users:
        if user.active and user.email:
            found[user.email.casefold()].add(user.item_id)
    return {email: ids.pop() if len(ids) == 1 else None for email, ids in found.items()}


def _digest(*parts: object) -> str:
    return hashlib.sha256(_canonical(parts).encode()).hexdigest()[:16]


def _canonical(value: object) -> str:
    """A text that is equal for equal values, whatever order a mapping was filled in."""
    if isinstance(value, Mapping):
        return repr(sorted((repr(key), _canonical(item)) for key, item in value.items()))
    if isinstance(value, tuple | list):
        return repr([_canonical(item) for item in value])
    if isinstance(value, Configuration):
        items = sorted((name, item) for name, item in vars(value).items() if name not in SILENT)
        return repr({name: _canonical(item) for name, item in items})
    return repr(value)
