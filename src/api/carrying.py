"""One run or plan with everything it needs: connectors, tokens, mappings, clients."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, timedelta

from adapters.peer_http import Patience
from adapters.postgres.jobs import Pair, PairLock
from api.health import watched
from api.naming import Naming
from api.peers import A_PERSON_WAITS
from api.services import Services
from domain.connector.decide import Connector, paused_text
from domain.connector.identity import known_as
from domain.connector.settings import kimai_settings, zammad_settings
from domain.errors import Misconfigured, Unavailable
from domain.event import Metadata
from domain.ids import ConnectorId, MappingId, PlanId
from domain.mapping.rows import ActivityMapping, ProjectMapping, SourceKind, UserMapping
from domain.plan.commands import RequestPlan
from domain.plan.decide import Plan
from domain.plan.requesting import request_plan
from domain.plan.values import PlanKind
from domain.rules.configuration import Configuration, Situation, active_rows
from domain.rules.decision import unit_of_today
from domain.sync.carrying import carry_across
from domain.sync.limits import LIMITS, Limits
from domain.sync.planning import ACTOR, make_plan
from domain.sync.ports import Ports
from domain.sync.redeciding import decide_waiting, waits_for_a_mapping
from domain.sync.resolving import Resolver
from domain.sync_run.decide import Run
from domain.time_entry.state import Wait
from projections import mappings, project_mappings, user_mappings

TAG_DIGITS = 8  # of the digest of the ledger's first event: no two ledgers begin alike
CATCH_UP = 60.0  # seconds that the views get to reach the present


@dataclass(frozen=True, kw_only=True)
class PairOf:
    """Two connectors that only one at a time works on."""

    source_connector_id: ConnectorId
    target_connector_id: ConnectorId


class Carrier:
    """Carries out runs and makes plans for the worker. `jitter` gives numbers in [0, 1)."""

    def __init__(self, own: Services, *, jitter: Callable[[], float]) -> None:
        self._own = own
        self._jitter = jitter
        self._naming = Naming(own)

    async def carry(self, run: Run) -> None:
        """Do the run; its end stands in its stream afterwards.

        Raises LedgerError when it cannot even begin: a connector gone, a token lost.
        """
        async with self._opened(run) as (configuration, ports, limits):
            await carry_across(run.run_id, configuration, ports, limits=limits)

    async def plan(self, plan: Plan) -> None:
        """Make the plan; its end stands in its stream afterwards. Raises as `carry`."""
        async with self._opened(plan) as (configuration, ports, limits):
            await make_plan(plan.plan_id, configuration, ports, limits=limits)

    async def compare_units(self, connector_id: ConnectorId, position: int) -> None:
        """Request a plan of what the unit set at `position` would change of what was carried.

        None is requested while the connector takes no part, or when nothing was carried with
        another unit. What Zammad itself says of its unit only the plan can tell.
        """
        own = self._own
        active = {each.kind: each for each in await own.active_connectors()}
        source, target = active.get("zammad"), active.get("kimai")
        if source is None or target is None or source.connector_id != connector_id:
            return
        await own.known.wait_for(await own.store.head())
        configuration = await self._configuration(source, target)
        unit = unit_of_today(Situation(configuration=configuration))
        if not isinstance(unit, Wait):
            pair = configuration.source, configuration.target
            if not await own.known.carried_with_another_unit(*pair, unit[0]):
                return
        wish = RequestPlan(
            plan_id=PlanId(0),
            kind=PlanKind.UNIT,
            source_connector_id=source.connector_id,
            target_connector_id=target.connector_id,
            start_date=None,
            end_date=None,
        )

        def metadata(plan_id: PlanId) -> Metadata:
            return Metadata(
                actor=ACTOR, correlation_id=f"plan-{plan_id}", causation_position=position
            )

        now, key = own.clock.now().astimezone(UTC), f"unit-plan-{position}"
        await request_plan(own.store, wish, metadata, now=now, key=key)

    async def decide_waiting(self, position: int, lock: PairLock) -> bool:
        """Decide again what waits, because of the change at `position`; False when it is locked.

        Nothing is done while there is no active pair, or when nothing waits for a mapping.
        """
        own = self._own
        active = {each.kind: each for each in await own.active_connectors()}
        source, target = active.get("zammad"), active.get("kimai")
        if source is None or target is None or source.is_paused or target.is_paused:
            return True
        pair = PairOf(
            source_connector_id=source.connector_id, target_connector_id=target.connector_id
        )
        known_source = known_as(source, await own.connectors())
        await own.known.wait_for(await own.store.head())
        if not any(map(waits_for_a_mapping, await own.known.unsettled(known_source))):
            return True  # without the lock: a run need not wait for this
        async with lock(pair) as mine:
            if mine:
                async with self._opened(pair) as (configuration, ports, limits):
                    await decide_waiting(position, configuration, ports, limits=limits)
        return mine

    @asynccontextmanager
    async def resolver(self, work: Pair, metadata: Metadata) -> AsyncIterator[Resolver]:
        """What carries out a person's decisions, who waits for it. Raises as `carry`."""
        async with self._opened(work, A_PERSON_WAITS) as (configuration, ports, limits):
            yield Resolver(
                configuration=configuration, ports=ports, limits=limits, metadata=metadata
            )

    @asynccontextmanager
    async def _opened(
        self, work: Pair, patience: Patience | None = None
    ) -> AsyncIterator[tuple[Configuration, Ports, Limits]]:
        own = self._own
        source = await self._ready(work.source_connector_id)
        target = await self._ready(work.target_connector_id)
        head = await own.store.head()
        if not await own.projections.wait_for(head, within=CATCH_UP):
            raise Unavailable("service", own.projections.obstacle())
        configuration = await self._configuration(source, target)
        zammad, kimai = configuration.zammad, configuration.kimai
        tickets = own.peers.zammad(
            source.base_url,
            await own.token_of(source),
            patience=patience,
            concurrency=zammad.concurrent_requests,
            flow=own.peers.paced(source, zammad),
        )
        timesheets = own.peers.kimai(
            target.base_url,
            await own.token_of(target),
            patience=patience,
            concurrency=kimai.concurrent_requests,
            flow=own.peers.paced(target, kimai),
        )
        async with (
            tickets,
            timesheets,
            watched(own, source) as source_found,
            watched(own, target) as target_found,
        ):

            async def found() -> None:
                await source_found()
                await target_found()

            ports = Ports(
                ledger=own.store,
                known=own.known,
                tickets=tickets,
                timesheets=timesheets,
                clock=own.clock,
                jitter=self._jitter,
                before_end=found,
            )
            limits = replace(
                LIMITS,
                writers=kimai.concurrent_requests,
                readers=zammad.concurrent_requests,
                request_limit=timedelta(seconds=own.settings.kimai_request_limit_seconds),
                list_every=timedelta(hours=own.settings.kimai_full_listing_hours),
            )
            yield configuration, ports, limits
            await self._naming.learn(target.connector_id, timesheets)

    async def _ready(self, connector_id: ConnectorId) -> Connector:
        connector = await self._own.connector(connector_id)
        if connector is None or connector.retired or not connector.is_active:
            raise Misconfigured("service", f"connector {connector_id} is not active any more")
        if connector.is_paused:
            raise Misconfigured("service", paused_text(connector))
        return connector

    async def _configuration(self, source: Connector, target: Connector) -> Configuration:
        """Settings and mappings as they stand now."""
        own = self._own
        settings = own.settings
        connectors = await own.connectors()
        (first,) = await own.store.page(0, 1)
        people = [_person(row) for row in await own.views.all_rows(user_mappings.PROJECTION)]
        activities, users, projects = active_rows(
            [_activity(row) for row in await own.views.all_rows(mappings.PROJECTION)],
            people,
            [_project(row) for row in await own.views.all_rows(project_mappings.PROJECTION)],
        )
        return Configuration(
            source=known_as(source, connectors),
            target=known_as(target, connectors),
            zammad=zammad_settings(source.settings, display_timezone=settings.display_timezone),
            kimai=kimai_settings(target.settings),
            log_tag=first.digest[:TAG_DIGITS],
            activities=activities,
            users=users,
            projects=projects,
            default_time_unit=settings.default_time_unit,
            accept_email_matches=settings.accept_email_matches,
            listed_people=frozenset(
                row.zammad_user_id for row in people if row.zammad_user_id is not None
            ),
        )


def _activity(row: mappings.Row) -> ActivityMapping:
    return ActivityMapping(
        mapping_id=MappingId(row.mapping_id),
        version=row.version,
        zammad_type_id=row.zammad_type_id,
        zammad_type_name=row.zammad_type_name,
        kimai_activity_id=row.kimai_activity_id,
        kimai_activity_name=row.kimai_activity_name,
        is_active=row.is_active,
        billable=row.billable,
    )


def _person(row: user_mappings.Row) -> UserMapping:
    return UserMapping(
        mapping_id=MappingId(row.mapping_id),
        version=row.version,
        zammad_user_id=row.zammad_user_id,
        kimai_user_id=row.kimai_user_id,
        is_active=row.is_active,
        timezone=row.timezone,
    )


def _project(row: project_mappings.Row) -> ProjectMapping:
    return ProjectMapping(
        mapping_id=MappingId(row.mapping_id),
        version=row.version,
        source_kind=SourceKind(row.source_kind),
        source_id=row.source_id,
        source_name=row.source_name or "",
        kimai_customer_id=row.kimai_customer_id,
        kimai_project_id=row.kimai_project_id,
        is_active=row.is_active,
    )
