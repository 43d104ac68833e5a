"""What the commands of the CLI do, once settings are known."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import structlog
from cryptography.fernet import Fernet

from adapters.collecting import spare_what_stays
from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.migrate import require_ledger
from adapters.postgres.projection_runner import ProjectionRunner, ProjectionStatus
from adapters.postgres.verify import Progress, Report
from api import runs
from api.app import create_app
from api.problems import Problem
from api.routes.users import replace_password
from api.server import bound, on_stop_signal, serving
from api.services import Commands, Services
from api.settings import Settings
from api.wiring import Manner, database, joined, opened, service, working
from domain.catalogue import ALL
from domain.errors import Misconfigured, RuleViolation
from domain.event import Actor, Metadata
from domain.sync_run.decide import Run
from domain.sync_run.events import Cause

log = structlog.get_logger(__name__)

LOOK = 0.2  # seconds between looks at the progress of a run
TRY = 5.0  # seconds in which a service takes up a view again; it looks every second

ShowProgress = Callable[[str, int, int], None]


async def serve(settings: Settings, manner: Manner | None = None) -> None:
    """API, views and worker until a signal. Raises LedgerError when it cannot start."""
    stop = asyncio.Event()
    with on_stop_signal(stop.set), bound(settings.host, settings.port) as listener:
        async with AsyncExitStack() as stack:
            own = await stack.enter_async_context(service(settings, manner))
            url = await stack.enter_async_context(
                serving(create_app(own), listener, stopping=own.stopping)
            )
            spare_what_stays()
            log.info("serving", url=url)
            await stop.wait()
            own.stopping.set()
    log.info("stopped")


async def work_only(settings: Settings) -> None:
    """Views and worker until a signal, against the server that others use."""
    if settings.database_url is None:
        raise Misconfigured("settings", "DATABASE_URL is missing: a worker joins a shared server.")
    stop = asyncio.Event()
    with on_stop_signal(stop.set):
        async with (
            database(settings) as dsn,
            joined(settings, dsn) as own,
            working(own, by_schedule=True),
        ):
            spare_what_stays()
            log.info("working")
            await stop.wait()
    log.info("stopped")


@asynccontextmanager
async def _ledger(settings: Settings) -> AsyncIterator[PostgresEventStore]:
    """The ledger as it is: nothing is made or brought up to date.

    Where no key is set any will do: it only matters to who reads personal values.
    """
    keys = settings.encryption_keys or (Fernet.generate_key().decode(),)
    async with database(settings, join=True, make=False) as dsn:
        await require_ledger(dsn)
        async with PostgresEventStore.open(dsn, catalogue=ALL, encryption_keys=keys) as store:
            yield store


async def verified(settings: Settings, first: int, last: int | None, progress: Progress) -> Report:
    """Walk the digest chain."""
    async with _ledger(settings) as store:
        return await store.verify(first, last, progress=progress)


async def views(
    settings: Settings, *, retry: str | None = None, rebuild: str | None = None
) -> list[ProjectionStatus]:
    """How far each view is, once one has tried its event again or was made anew.

    Who tries is a running service; it gets some seconds for it.
    Raises RuleViolation for a view that there is not.
    """
    async with _ledger(settings) as store:
        runner = ProjectionRunner(store)
        for name in filter(None, (retry, rebuild)):
            if name not in runner.names:
                known = ", ".join(sorted(runner.names))
                raise RuleViolation("not_found", f"There is no view {name}. There are: {known}.")
        try:
            if rebuild is not None:
                await runner.rebuild(rebuild)
            if retry is not None:
                stopped = {each.name: each.failed_at for each in await runner.status()}
                await runner.retry(retry)
                await runner.wait_for(stopped[retry] or 0, within=TRY, names=[retry])
            return await runner.status()
        except DRIVER_ERRORS as error:
            raise translated(error) from error


async def run_once(settings: Settings, wanted: runs.Wanted, show: ShowProgress) -> Run:
    """Queue a run, carry it out here or wherever a worker takes it, and follow it to its end.

    Raises RuleViolation when there is nothing to run, with the code that the API answers.
    """
    async with (
        database(settings, join=True, make=False) as dsn,
        joined(settings, dsn) as own,
        working(own),
    ):
        commands = _commands(own)
        cause = Cause(kind="user", name="cli")
        try:
            queued = await runs.queue(own, commands, wanted, trigger="manual", cause=cause)
        except Problem as problem:
            raise RuleViolation(problem.code, problem.detail) from problem
        while True:
            run = await runs.ended(own, queued.run_id, within=LOOK)
            show(run.phase or run.state, run.done, run.total)
            if not run.is_active:
                return run


async def password_replaced(settings: Settings, username: str, password: str) -> None:
    """Give an account another password. Raises RuleViolation when there is none of that name."""
    async with (
        database(settings, join=True, make=False) as dsn,
        opened(settings, dsn) as own,
    ):
        try:
            await replace_password(own, _commands(own), username, password)
        except Problem as problem:
            raise RuleViolation(problem.code, problem.detail) from problem


def _commands(own: Services) -> Commands:
    """What somebody asks for who typed a command: whoever may do that is not known to us."""
    metadata = Metadata(actor=Actor(kind="system", name="cli"), correlation_id="cli")
    return Commands(store=own.store, metadata=metadata, now=own.clock.now().astimezone(UTC))


async def sandbox_peers(zammad_port: int, kimai_port: int, say: Callable[[str], None]) -> None:
    """A Zammad and a Kimai with a believable month, in memory, until a signal.

    Raises Misconfigured, naming the port, when one is taken.
    """
    from adapters.sandbox.kimai import KimaiState, create_kimai_app
    from adapters.sandbox.month import believable_month
    from adapters.sandbox.serve import PortTaken, running
    from adapters.sandbox.story import fill_kimai, fill_zammad
    from adapters.sandbox.zammad import ZammadState, create_zammad_app

    zammad, kimai = ZammadState(), KimaiState()
    zammad_token, kimai_token = secrets.token_urlsafe(32), secrets.token_hex(13)[:25]
    fill_zammad(zammad, believable_month(datetime.now(UTC)), token=zammad_token)
    fill_kimai(kimai, token=kimai_token)
    stop = asyncio.Event()
    try:
        with on_stop_signal(stop.set):
            async with (
                running(create_zammad_app(zammad), port=zammad_port) as zammad_url,
                running(create_kimai_app(kimai), port=kimai_port) as kimai_url,
            ):
                say(f"Zammad {zammad_url}  token {zammad_token}")
                say(f"Kimai  {kimai_url}  token {kimai_token}")
                say("Ctrl-C stops both; they forget everything then.")
                await stop.wait()
    except PortTaken as error:
        raise Misconfigured("settings", f"{error}. Set ZAMMAD_PORT or KIMAI_PORT") from error
    finally:
        zammad.close()
        kimai.close()
