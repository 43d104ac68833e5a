"""Puts the parts together: which adapter stands behind which port, and what runs beside the API."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from adapters.notifications import Messenger
from adapters.postgres.agreed_settings import agree, agreed
from adapters.postgres.credentials import Credentials
from adapters.postgres.dead_letters import DeadLetters
from adapters.postgres.deliveries import Deliveries
from adapters.postgres.differing import Differing
from adapters.postgres.event_log import EventLog
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.exports import Exports
from adapters.postgres.jobs import LOCK_RETRY, RunFollower, RunWorker
from adapters.postgres.keyed_requests import KeyedRequests
from adapters.postgres.known_entries import PostgresKnownEntries
from adapters.postgres.kpi import Kpi
from adapters.postgres.migrate import migrate
from adapters.postgres.past import Past
from adapters.postgres.people import People
from adapters.postgres.projection_runner import ProjectionRunner
from adapters.postgres.read_models import ReadModels
from adapters.postgres.reconciling import Reconciling
from adapters.postgres.suggestions import SuggestionBase
from adapters.postgres.vault import Vault
from adapters.postgres.worth_telling import WorthTelling
from adapters.secrets import Passwords, SecretBox
from api.carrying import Carrier
from api.erasing import finish_erasures
from api.looking import Looker
from api.metrics import Metrics
from api.notifying import Notifying
from api.origin import Proxies
from api.peer_lists import PeerLists
from api.peers import Peers
from api.resolving import Resolving
from api.retrying import Retrier
from api.routes.connectors import fingerprints
from api.routes.users import NewUser, add_account, sweep
from api.scheduling import Scheduling
from api.services import Commands, Services, connectors_of
from api.settings import MAKE_PASSWORD, Settings
from api.tokens import Tokens
from api.webhook_keys import WebhookKeys
from domain.catalogue import ALL
from domain.errors import AlreadyClaimed, Misconfigured, Unavailable
from domain.event import Actor, Metadata
from domain.ids import UserId, channel_stream, connector_stream, user_stream
from domain.ports.clock import Clock

log = structlog.get_logger(__name__)

SESSIONS = 16  # views, jobs, one lock per run, one listener; PostgreSQL allows 100 by default
EXPIRY_PAUSE = 3600.0  # seconds between looks for answers that are kept too long
RESTART_PAUSE = 1.0  # seconds before a background task that fell over is started again
STOP_PATIENCE = 15.0  # seconds for the run in hand to end


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How long a service waits for others; tests are in haste. None: as people run it."""

    clock: Clock | None = None
    peers: Peers | None = None
    lock_retry: timedelta = LOCK_RETRY


@asynccontextmanager
async def database(
    settings: Settings, *, join: bool = False, make: bool = True
) -> AsyncIterator[str]:
    """The DSN of the configured server, or of the embedded one for as long as the block.

    `join` uses the embedded server of a service that is running already.
    Raises Misconfigured when there is none and `make` is False.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    # Here, because a machine that cannot run it may well use a server of its own.
    from adapters.embedded import embedded_postgres
    from adapters.embedded.folder import Folder
    from adapters.embedded.joining import running_server

    folder = settings.data_folder / "postgres"
    if not make and not Folder(folder).is_made():
        raise Misconfigured(
            "settings",
            f"DATABASE_URL is not set, and there is no database in {folder.absolute()}: nothing was"
            " looked at. Type this in the folder of the service, or with its DATABASE_URL or"
            " DATA_FOLDER.",
        )
    if join and (running := running_server(folder)) is not None:
        yield running
        return
    async with embedded_postgres(folder) as dsn:
        yield dsn


@asynccontextmanager
async def opened(
    settings: Settings,
    dsn: str,
    *,
    clock: Clock | None = None,
    peers: Peers | None = None,
    passwords: Passwords | None = None,
) -> AsyncIterator[Services]:
    """The services on a migrated database; nothing runs yet.

    Raises:
        Misconfigured: database or keys are not right; the message says what to do.
        Unavailable: the database cannot be reached.
    """
    now = clock or SystemClock()
    await migrate(dsn)
    secret = settings.secret_key.get_secret_value() if settings.secret_key else ""
    async with PostgresEventStore.open(
        dsn, catalogue=ALL, encryption_keys=settings.encryption_keys, pool_size=SESSIONS
    ) as store:
        projections = ProjectionRunner(store)
        box = SecretBox(settings.encryption_keys)
        vault = Vault(store.pool, box, log=store.log_id)
        metrics, peers = Metrics(), peers or Peers()
        peers.observe = metrics.peer_asked
        yield Services(
            settings=settings,
            clock=now,
            store=store,
            projections=projections,
            views=ReadModels(store, zone=settings.display_timezone),
            kpi=Kpi(store),
            known=PostgresKnownEntries(store, projections),
            dead=DeadLetters(store),
            deliveries=Deliveries(store),
            exports=Exports(store),
            worth_telling=WorthTelling(store),
            messenger=Messenger(allow_insecure=settings.allow_insecure_peers),
            suggestions=SuggestionBase(store),
            reconciling=Reconciling(store),
            log=EventLog(store),
            past=Past(store),
            vault=vault,
            keyed=KeyedRequests(store.pool, box, log=store.log_id),
            differing=Differing(store),
            people=People(store),
            credentials=Credentials(store.pool, log=store.log_id),
            passwords=passwords or Passwords(),
            tokens=Tokens(secret, minutes=settings.access_token_minutes),
            proxies=Proxies(settings.trusted_proxies),
            lists=PeerLists(peers),
            webhook_keys=WebhookKeys(partial(connectors_of, store), vault, now),
            peers=peers,
            metrics=metrics,
            started_at=now.now(),
        )


@asynccontextmanager
async def joined(settings: Settings, dsn: str) -> AsyncIterator[Services]:
    """The services of a process that works beside the service; nothing runs yet.

    Raises as `opened`, and Misconfigured when it would decide otherwise than the service, or does
    not open what that has sealed.
    """
    async with opened(settings, dsn) as own:
        await own.store.read_recorded(user_stream(UserId(1)), limit=1)  # learns a key by that
        ours, theirs = settings.agreed, await agreed(own.store)
        differing = sorted(name for name in ours if theirs.get(name, ours[name]) != ours[name])
        if differing:
            told = ", ".join(f"{name} is {ours[name]} and not {theirs[name]}" for name in differing)
            raise Misconfigured(
                "settings",
                f"{told}, as in the service: start this with the same environment, or the service"
                " first if its own has changed.",
            )
        yield own


@dataclass(frozen=True)
class Background:
    """What runs beside the API."""

    worker: RunWorker


@asynccontextmanager
async def working(
    own: Services, manner: Manner | None = None, *, by_schedule: bool = False
) -> AsyncIterator[Background]:
    """Views, jobs and runs go on for as long as the block; the run in hand is ended in order.

    `by_schedule`: this process may be the one that begins the scheduled runs.
    """
    carrier = Carrier(own, jitter=random.random)
    worker = RunWorker(
        own.store,
        own.clock,
        carrier.carry,
        carrier.plan,
        carrier.compare_units,
        carrier.decide_waiting,
        Retrier(own).queue,
        Looker(own).look,
        Resolving(own).go_on,
        lock_retry=(manner or Manner()).lock_retry,
    )
    follower = RunFollower(own.store)
    starts: dict[str, Callable[[], Awaitable[None]]] = {
        "projections": own.projections.run,
        "follower": follower.run,
        "patrol": worker.patrol,
        "notifications": Notifying(own).run,
        "answers": partial(_expire_answers, own),
    }
    if by_schedule:
        starts["schedule"] = Scheduling(own).run
    tasks = [
        asyncio.create_task(_for_ever(name, start), name=name) for name, start in starts.items()
    ]
    work = asyncio.create_task(_for_ever("worker", worker.run), name="worker")
    try:
        yield Background(worker)
    finally:
        worker.stop()
        done, _ = await asyncio.wait({work}, timeout=STOP_PATIENCE)
        for task in [*tasks, *([] if done else [work])]:
            task.cancel()
        await asyncio.gather(*tasks, work, return_exceptions=True)


async def _expire_answers(own: Services) -> None:
    """What was kept for those who ask again goes when its time is over, also if nobody asks."""
    while True:
        with suppress(Unavailable):
            await own.keyed.expire(own.clock.now())
        await asyncio.sleep(EXPIRY_PAUSE)


async def _for_ever(name: str, start: Callable[[], Awaitable[None]]) -> None:
    """Start it again when it falls over; an ordinary return means that it was asked to stop."""
    while True:
        try:
            await start()
        except Exception:
            log.exception("background_task_failed", task=name)
            await asyncio.sleep(RESTART_PAUSE)
        else:
            return


@asynccontextmanager
async def service(settings: Settings, manner: Manner | None = None) -> AsyncIterator[Services]:
    """Everything that `serve` needs besides the socket: database, services, work, first admin."""
    manner = manner or Manner()
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(database(settings))
        own = await stack.enter_async_context(
            opened(settings, dsn, clock=manner.clock, peers=manner.peers)
        )
        await prepare(own)
        await stack.enter_async_context(working(own, manner, by_schedule=True))
        yield own


async def prepare(own: Services) -> None:
    """Make the first admin, tidy what a crash may have left among the secrets, change old keys.

    All that is sealed comes under the newest encryption key: the older ones may be dropped then.
    """
    await ensure_admin(own)
    await agree(own.store, own.settings.agreed)
    await finish_erasures(own)
    valid = {
        connector_stream(connector.connector_id): fingerprints(connector)
        for connector in await own.connectors()
    }
    valid |= {
        channel_stream(channel.channel_id): [channel.address_fingerprint]
        for channel in await own.channels()
        if not channel.removed
    }
    if swept := await own.vault.sweep(valid):
        log.info("orphaned_secrets_destroyed", count=swept)
    if swept := await sweep(own):
        log.info("orphaned_hashes_destroyed", count=swept)
    if len(own.settings.encryption_keys) > 1:
        moved = await own.store.subject_keys.rewrap()
        log.info("encryption_key_replaced", personal_keys=moved)


async def ensure_admin(own: Services) -> None:
    """Add the administrator of the settings to a ledger without accounts.

    Raises Misconfigured when there is neither an account nor a name and password to make one.
    """
    if await own.store.read_recorded(user_stream(UserId(1)), limit=1):
        return
    name, password = own.settings.admin_username, own.settings.admin_password
    if not name or password is None:
        raise Misconfigured(
            "settings",
            "there is no account yet: set ADMIN_USERNAME and ADMIN_PASSWORD for the first"
            f" administrator. Make a password with: {MAKE_PASSWORD}",
        )
    metadata = Metadata(actor=Actor(kind="system", name="setup"), correlation_id="setup")
    commands = Commands(store=own.store, metadata=metadata, now=own.clock.now().astimezone(UTC))
    body = NewUser(username=name.strip(), password=password.get_secret_value(), role="admin")
    with suppress(AlreadyClaimed):  # another process of the same start was quicker
        await add_account(own, commands, body)
