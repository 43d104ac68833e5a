"""The demo's process: two peers, a database and the service, started in order, ended together."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import fasteners  # type: ignore[import-untyped] # ships no types
from rich.console import Console

from adapters.sandbox.kimai import KimaiState, create_kimai_app
from adapters.sandbox.month import BOOKINGS, Month, believable_month
from adapters.sandbox.serve import PortTaken, running
from adapters.sandbox.story import fill_kimai, fill_zammad, have_second_thoughts
from adapters.sandbox.zammad import ZammadState, create_zammad_app
from api import logs
from api.app import create_app
from api.demo.keys import DemoKeys
from api.demo.setup import DemoSetup
from api.server import bound, on_stop_signal, serving
from api.settings import Settings, load_settings
from api.wiring import service
from domain.errors import Misconfigured

FOLDER = Path(".demo")
PORT, ZAMMAD_PORT, KIMAI_PORT = 8000, 8081, 8082
HIGHEST_PORT = 65535
BEGAN = "began.txt"  # the instant of the first start: the month is told as seen from then


@dataclass(frozen=True, kw_only=True)
class Peers:
    """The sandbox peers of the demo, running."""

    zammad: ZammadState
    kimai: KimaiState
    zammad_url: str
    kimai_url: str


async def run(*, reset: bool = False, bare: bool = False, folder: Path = FOLDER) -> None:
    """Run the demo until it is interrupted; with `reset`, forget its data first.

    With `bare` nothing is connected: the person does that in the dashboard.

    Raises:
        Misconfigured: a port is taken, or a demo is running; the message says which.
    """
    logs.configure("warning")
    say = Console(highlight=False, soft_wrap=True).print
    folder = await asyncio.to_thread(_folder, folder, reset)
    stop = asyncio.Event()
    with on_stop_signal(stop.set):
        async with AsyncExitStack() as stack:
            stack.enter_context(_alone(folder))
            await _house(folder, stop, stack, say, bare=bare)


def _folder(folder: Path, reset: bool) -> Path:
    folder = folder.resolve()
    if reset and folder.exists():
        with _alone(folder):
            shutil.rmtree(folder)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the demo's folder against a second demo."""
    lock = fasteners.InterProcessLock(folder / "demo.lock")
    if not lock.acquire(blocking=False):
        raise Misconfigured("demo", "it is running already; stop it with Ctrl-C first")
    try:
        yield
    finally:
        lock.release()


async def _house(
    folder: Path, stop: asyncio.Event, stack: AsyncExitStack, say: Any, *, bare: bool
) -> None:
    keys = DemoKeys.of(folder)
    month = believable_month(_began(folder))
    listener = stack.enter_context(bound("127.0.0.1", _port("PORT", PORT)))
    say("Starting a Zammad and a Kimai to try against ...")
    peers = await stack.enter_async_context(_peers(folder, keys, month))
    say("Starting PostgreSQL and the service ...")
    own = await stack.enter_async_context(service(_settings(folder, keys)))
    url = await stack.enter_async_context(serving(create_app(own), listener, stopping=own.stopping))
    keys.tell(folder / "demo.json", url=url, zammad_url=peers.zammad_url, kimai_url=peers.kimai_url)
    prepared = asyncio.create_task(
        _bare(keys, say) if bare else _prepare(url, keys, peers, month, say)
    )
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({prepared, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stopping.done():
        own.stopping.set()
        prepared.cancel()
        await asyncio.gather(prepared, return_exceptions=True)
        return
    await prepared
    _welcome(url, peers, keys, folder, say)
    await stopping
    say("Stopping ...")
    own.stopping.set()


async def _prepare(url: str, keys: DemoKeys, peers: Peers, month: Month, say: Any) -> None:
    """Everything of the first day that has not happened yet."""
    async with DemoSetup.logged_in(url, keys) as setup:
        say("Connecting both and mapping activities and projects ...")
        await setup.connect(zammad_url=peers.zammad_url, kimai_url=peers.kimai_url)
        await setup.map(peers.zammad, peers.kimai)
        start, end = str(month.first_day), str(_today())
        if not await setup.has_run():
            say("First sync: a month of bookings ...")
            _report(await setup.sync(start_date=start, end_date=end), say)
        newest = max((row.id for row in peers.zammad.entries), default=0)
        if newest == BOOKINGS:  # the second thoughts add one themselves, so they come once
            say("Agents have second thoughts: edits, deletions, a correction, a merged ticket ...")
            have_second_thoughts(peers.zammad, month)
            _report(await setup.sync(start_date=start, end_date=end), say)


async def _bare(keys: DemoKeys, say: Any) -> None:
    """Connect nothing; say what somebody has to enter."""
    say("Nothing is connected. To enter in the dashboard:")
    say(f"  Zammad's token  {keys.zammad_token}")
    say(f"  Kimai's token   {keys.kimai_token}")


def _report(ended: dict[str, Any], say: Any) -> None:
    say(
        f"  run {ended['id']} {ended['state']} in {ended['duration_seconds']} s:"
        f" {ended['entries_synced']} created, {ended['entries_updated']} updated,"
        f" {ended['entries_deleted']} deleted, {ended['conflicts_detected']} need a decision,"
        f" {ended['entries_failed']} failed"
    )
    if ended["error_message"]:
        say(f"  {ended['error_message']}")


def _welcome(url: str, peers: Peers, keys: DemoKeys, folder: Path, say: Any) -> None:
    say("")
    say(f"  Timeledger  {url}   (API: {url}/docs)")
    say(f"  log in as   {keys.username} / {keys.password}")
    say(f"  Zammad      {peers.zammad_url}")
    say(f"  Kimai       {peers.kimai_url}")
    say(f"  for scripts {_short(folder / 'demo.json')}")
    say("")
    say("Ctrl-C stops everything; the next `make demo` goes on from here.")


@asynccontextmanager
async def _peers(folder: Path, keys: DemoKeys, month: Month) -> AsyncIterator[Peers]:
    kept = folder / "peers"
    filled = folder / "peers-filled"
    if kept.exists() and not filled.exists():
        shutil.rmtree(kept)  # an earlier start died while filling them
    kept.mkdir(mode=0o700, exist_ok=True)
    zammad, kimai = ZammadState(folder=kept), KimaiState(folder=kept)
    if not filled.exists():
        fill_zammad(zammad, month, token=keys.zammad_token)
        fill_kimai(kimai, token=keys.kimai_token)
        filled.touch()
    try:
        async with (
            running(create_zammad_app(zammad), port=_port("ZAMMAD_PORT", ZAMMAD_PORT)) as z_url,
            running(create_kimai_app(kimai), port=_port("KIMAI_PORT", KIMAI_PORT)) as k_url,
        ):
            yield Peers(zammad=zammad, kimai=kimai, zammad_url=z_url, kimai_url=k_url)
    except PortTaken as error:
        raise Misconfigured("demo", f"{error}. Set ZAMMAD_PORT or KIMAI_PORT to another") from error
    finally:
        zammad.close()
        kimai.close()


def _settings(folder: Path, keys: DemoKeys) -> Settings:
    return load_settings(
        env_file=None,
        database_url=None,  # a demo has no business in a database that somebody set for real
        data_folder=folder,
        secret_key=keys.secret_key,
        encryption_key=keys.encryption_key,
        admin_username=keys.username,
        admin_password=keys.password,
        display_timezone="Europe/Brussels",
        kimai_request_limit_seconds=1,  # this Kimai ends with us: nothing is under way after that
        log_level="warning",
    )


def _port(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) > HIGHEST_PORT:
        raise Misconfigured("demo", f"{name} must be a port number, not {text!r}")
    return int(text)


def _began(folder: Path) -> datetime:
    file = folder / BEGAN
    if not file.exists():
        file.write_text(datetime.now(UTC).isoformat())
    return datetime.fromisoformat(file.read_text())


def _today() -> date:
    return (datetime.now(UTC) + timedelta(days=1)).date()


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
