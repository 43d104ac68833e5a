"""Suggestions of mappings for what waits: contract, section 5."""

from collections.abc import Callable, Mapping, Sequence

from adapters.postgres.suggestions import Carried, Waiting
from api.peer_lists import Noun, offered_activities
from api.problems import Problem
from api.services import Services
from domain.connector.decide import Connector
from domain.connector.identity import known_as
from domain.mapping.suggesting import (
    Found,
    Hints,
    Source,
    Suggestion,
    for_activity,
    for_project,
    for_user,
    majority,
    most_waiting,
)
from domain.ports.choices import Choice

MOST = 500
NO_TYPE = "(no type)"


class Suggesting:
    """Works them out for one request; `as_of` a position, at which no peer is asked."""

    def __init__(self, own: Services, *, as_of: int | None) -> None:
        self._own = own
        self._as_of = as_of

    async def suggestions(self, kinds: Sequence[str]) -> Sequence[Suggestion]:
        """At most 500, most waiting first. Raises LedgerError or Problem of a peer."""
        own = self._own
        connectors = await own.connectors()
        active = {each.kind: each for each in connectors if each.is_active}
        source, target = active.get("zammad"), active.get("kimai")
        if source is None:
            return []
        known = known_as(source, connectors)
        waiting = {
            kind: await own.suggestions.waiting(kind, known, limit=MOST, as_of=self._as_of)
            for kind in kinds
        }
        if not any(waiting.values()):
            return []  # nobody need be asked
        carried: Sequence[Carried] = []
        if target is not None:
            known_target = known_as(target, connectors)
            carried = await own.suggestions.carried(known, known_target, as_of=self._as_of)
        found: list[Suggestion] = []
        if some := waiting.get("activities"):
            found += await self._activities(some, target, carried)
        if some := waiting.get("users"):
            found += await self._users(some, target, carried)
        if some := waiting.get("projects"):
            found += await self._projects(some, source, target, carried)
        return most_waiting(found, MOST)

    async def _activities(
        self, waiting: Sequence[Waiting], target: Connector | None, carried: Sequence[Carried]
    ) -> Sequence[Suggestion]:
        hints = Hints(
            await self._offered(target),
            await self._own.suggestions.former("activities", as_of=self._as_of),
            _went(carried, lambda each: each.type_id, lambda each: each.activity),
            names=await self._own.suggestions.names("activities", as_of=self._as_of),
        )
        return [for_activity(_source("activities", each), hints) for each in waiting]

    async def _users(
        self, waiting: Sequence[Waiting], target: Connector | None, carried: Sequence[Carried]
    ) -> Sequence[Suggestion]:
        hints = Hints(
            await self._listed(target, "users"),
            await self._own.suggestions.former("users", as_of=self._as_of),
            _went(carried, lambda each: each.user_id, lambda each: each.person),
            names=await self._own.suggestions.names("users", as_of=self._as_of),
        )
        return [for_user(_source("users", each), hints) for each in waiting]

    async def _projects(
        self,
        waiting: Sequence[Waiting],
        source: Connector,
        target: Connector | None,
        carried: Sequence[Carried],
    ) -> Sequence[Suggestion]:
        """Organizations by their names, which are unique in Zammad: the views know no ids."""
        organizations = {
            each.name: each.item_id for each in await self._listed(source, "customers") or ()
        }
        bases = self._own.suggestions
        former = {
            column: await bases.former_projects(column, as_of=self._as_of)
            for column in ("target", "customer")
        }
        projects = await self._listed(target, "projects")
        customers = await self._listed(target, "customers")
        found: list[Suggestion] = []
        for each in waiting:
            one = _of_project(each, organizations)
            key = (one.source_kind or "", one.source_id or 0)
            was = {column: some.get(key) for column, some in former.items()}
            found.append(
                for_project(
                    one,
                    Hints(customers, _single(one, was["customer"]), {}, "customer"),
                    Hints(projects, _single(one, was["target"]), _projects_of(carried), "project"),
                )
            )
        return found

    async def _offered(self, connector: Connector | None) -> Sequence[Choice] | None:
        if connector is None or not self._asks(connector):
            return None
        token = await self._own.token_of(connector)
        return await offered_activities(self._own.lists, connector, token)

    async def _listed(self, connector: Connector | None, noun: Noun) -> Sequence[Choice] | None:
        """What the peer lists; None when it is not asked, or does not let the token see it."""
        if connector is None or not self._asks(connector):
            return None
        token = await self._own.token_of(connector)
        try:
            return await self._own.lists.get(connector, token, noun)
        except Problem as problem:
            if problem.code == "peer_rejected":
                return None
            raise

    def _asks(self, connector: Connector | None) -> bool:
        return connector is not None and self._as_of is None


def _source(kind: str, waiting: Waiting) -> Source:
    nameless = NO_TYPE if kind == "activities" and waiting.source_id is None else ""
    return Source(
        kind=kind,
        source_id=waiting.source_id,
        name=waiting.name or nameless,
        email=waiting.email,
        entries=waiting.entries,
        minutes=waiting.minutes,
    )


def _of_project(waiting: Waiting, organizations: Mapping[str, int]) -> Source:
    kind = "organization" if waiting.customer_id is None else "customer"
    number = waiting.customer_id
    if number is None:
        number = organizations.get(waiting.name or "")
    return Source(
        kind="projects",
        source_id=number,
        name=waiting.name or "",
        source_kind=kind,
        entries=waiting.entries,
        minutes=waiting.minutes,
    )


def _went(
    carried: Sequence[Carried],
    source: Callable[[Carried], int | str | None],
    target: Callable[[Carried], int],
) -> Mapping[int | str | None, int]:
    return majority(
        Found(source=source(each), target=target(each), times=each.times) for each in carried
    )


def _projects_of(carried: Sequence[Carried]) -> Mapping[int | str | None, int]:
    """By organization's name, and by the id of customers who have none."""
    return _went(
        carried,
        lambda each: each.organization_name or each.customer_id,
        lambda each: each.project,
    )


def _single(source: Source, target: int | None) -> Mapping[int | str | None, int]:
    return {} if target is None else {source.source_id: target}
