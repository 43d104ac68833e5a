"""The commands as a person types them: exit codes, messages, an orderly end."""

import asyncio
import json
import re
import signal
import socket
from asyncio.subprocess import Process
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from cryptography.fernet import Fernet

from api import runs
from api.services import Commands
from api.wiring import opened
from domain.account.events import UserPasswordReplaced
from domain.event import Actor, Metadata
from domain.ids import UserId, user_stream
from domain.sync_run.events import Cause
from projections import dead_letters
from tests.support.command import ran, started
from tests.support.leaks import watched
from tests.support.service import (
    ADMIN,
    ADMIN_PASSWORD,
    ENCRYPTION_KEY,
    SECRET_KEY,
    running_service,
    settings_for,
    token,
)
from tests.support.two_peers import connect, two_peers

COMMANDS = ("serve", "worker", "demo", "sandbox", "migrate", "verify", "views", "sync", "password")
SECRETS = {
    "SECRET_KEY": SECRET_KEY,
    "ENCRYPTION_KEY": ENCRYPTION_KEY,
    "ADMIN_USERNAME": ADMIN,
    "ADMIN_PASSWORD": ADMIN_PASSWORD,
}


async def url_of(process: Process) -> str:
    """Where a service that is starting listens."""
    assert process.stdout is not None
    while line := await asyncio.wait_for(process.stdout.readline(), 60):
        said: dict[str, Any] = json.loads(line)
        if said["event"] == "serving":
            return str(said["url"])
    raise AssertionError("it ended before it served")


def write_env(folder: Path) -> None:
    lines = [f"{name}={value}\n" for name, value in SECRETS.items()]
    (folder / ".env").write_text("".join(lines))


def contents(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def running_servers(folder: Path) -> list[Path]:
    return list(folder.rglob("postmaster.pid"))


async def test_help_names_every_command(tmp_path: Path) -> None:
    code, out, _ = await ran(tmp_path, "--help")
    assert code == 0
    for command in COMMANDS:
        assert command in out
    answers = await asyncio.gather(*(ran(tmp_path, name, "--help") for name in ("serve", "sync")))
    assert [answer[0] for answer in answers] == [0, 0]
    code, _, err = await ran(tmp_path, "nonsense")
    assert (code, "nonsense" in err) == (2, True)


async def test_a_start_without_secrets_is_refused_with_a_way_out(tmp_path: Path) -> None:
    code, _, err = await ran(tmp_path, "serve")
    assert code == 1
    assert "SECRET_KEY is missing" in err
    assert "ENCRYPTION_KEY is missing" in err
    assert "python3 -c" in err
    assert "Traceback" not in err


async def test_the_first_start_asks_for_an_administrator(tmp_path: Path, migrated: str) -> None:
    secrets = {name: SECRETS[name] for name in ("SECRET_KEY", "ENCRYPTION_KEY")}
    code, _, err = await ran(tmp_path, "serve", DATABASE_URL=migrated, PORT="0", **secrets)
    assert code == 1
    assert "ADMIN_USERNAME" in err


async def test_a_program_older_than_its_database_does_not_start(
    tmp_path: Path, migrated: str
) -> None:
    owner = await asyncpg.connect(migrated)
    await owner.execute("INSERT INTO migration VALUES ('9999_later.pre.sql', 'its checksum')")
    await owner.close()
    code, _, err = await ran(tmp_path, "serve", DATABASE_URL=migrated, PORT="0", **SECRETS)
    assert code == 1
    assert err.startswith("A newer Timeledger has been at this database: it ran 9999_later")
    assert "Traceback" not in err


async def test_a_taken_port_is_named(tmp_path: Path, migrated: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, _, err = await ran(tmp_path, "serve", DATABASE_URL=migrated, PORT=port, **SECRETS)
    assert code == 1
    assert port in err


async def test_a_service_answers_until_it_is_asked_to_stop(tmp_path: Path, migrated: str) -> None:
    write_env(tmp_path)
    for number in (signal.SIGTERM, signal.SIGINT):
        async with started(tmp_path, "serve", DATABASE_URL=migrated, PORT="0") as process:
            url = await url_of(process)
            async with watched(httpx.AsyncClient(base_url=url)) as http:
                assert (await http.get("/api/health")).status_code == 200
                assert await token(http, ADMIN, ADMIN_PASSWORD)
            process.send_signal(number)
            out, err = await asyncio.wait_for(process.communicate(), 30)
            assert process.returncode == 0, err
            assert [json.loads(line)["event"] for line in out.splitlines()][-1] == "stopped"
            assert ADMIN_PASSWORD.encode() not in out + err


async def test_the_embedded_database_ends_with_its_service(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    values = {"DATA_FOLDER": str(folder), "PORT": "0", **SECRETS}
    async with started(tmp_path, "serve", **values) as process:
        url = await url_of(process)
        async with watched(httpx.AsyncClient(base_url=url)) as http:
            ready = (await http.get("/api/ready")).json()
        assert ready["checks"]["database"] is True
        code, out, err = await ran(tmp_path, "verify", DATA_FOLDER=str(folder))
        assert (code, "Events 1 to 1 are as they were written." in out) == (0, True), err
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0
    assert not running_servers(folder)


async def test_migrate_says_what_it_did(tmp_path: Path, database: str) -> None:
    code, out, _ = await ran(tmp_path, "migrate", DATABASE_URL=database)
    assert (code, "0001_ledger.pre.sql" in out) == (0, True)
    code, out, _ = await ran(tmp_path, "migrate", DATABASE_URL=database)
    assert (code, out.strip()) == (0, "Nothing to do.")


async def test_verify_names_the_position_of_an_altered_event(tmp_path: Path, migrated: str) -> None:
    async with running_service(migrated) as service:
        for number in range(3):
            await service.add_user(f"user{number}", "viewer")
    code, out, _ = await ran(tmp_path, "verify", DATABASE_URL=migrated)
    assert (code, "Events 1 to 5 are as they were written." in out) == (0, True)
    connection = await asyncpg.connect(migrated)
    await connection.execute(
        "ALTER TABLE event DISABLE TRIGGER ALL;"
        "UPDATE event SET data = replace(data::text, 'viewer', 'admin')::json WHERE position = 4"
    )
    await connection.close()
    code, _, err = await ran(tmp_path, "verify", DATABASE_URL=migrated)
    assert code == 1
    assert "Event 4 was altered" in err


async def test_an_unreachable_database_is_one_clear_sentence(tmp_path: Path) -> None:
    dsn = "postgresql://u:hidden-pass@127.0.0.1:9/x"
    code, _, err = await ran(tmp_path, "verify", DATABASE_URL=dsn)
    assert code == 1
    assert "postgresql: ConnectionRefusedError. See that the server runs" in err
    assert "hidden-pass" not in err
    assert "Traceback" not in err


async def test_sync_runs_once_and_says_what_it_did(tmp_path: Path, migrated: str) -> None:
    async with two_peers(5) as peers:
        async with running_service(migrated) as service:
            await connect(service, peers)
        days = ("--start", "2026-09-01", "--end", "2026-12-31")
        values = {"DATABASE_URL": migrated, "ENCRYPTION_KEY": ENCRYPTION_KEY}
        code, out, err = await ran(tmp_path, "sync", *days, **values)
        assert code == 0, err
        assert "Run 1 completed: 5 read" in out
        assert peers.sheets > 0
        turned = ("--start", "2026-12-31", "--end", "2026-01-01")
        code, _, err = await ran(tmp_path, "sync", *turned, **values)
        assert (code, err.strip()) == (1, "start_date lies after end_date.")


async def test_sync_without_connectors_says_what_is_missing(tmp_path: Path, migrated: str) -> None:
    values = {"DATABASE_URL": migrated, "ENCRYPTION_KEY": ENCRYPTION_KEY}
    code, _, err = await ran(tmp_path, "sync", **values)
    assert (code, err.strip()) == (1, "There is no active Zammad and Kimai connector.")


async def test_verify_does_not_call_an_empty_ledger_proven(tmp_path: Path, migrated: str) -> None:
    code, out, err = await ran(tmp_path, "verify", DATABASE_URL=migrated)
    assert (code, out) == (1, "")
    assert err.strip() == "There are no events there: nothing was checked."


async def test_what_only_looks_makes_nothing(tmp_path: Path, database: str) -> None:
    """Neither a server in a folder without one, nor tables in an empty database."""
    for command in ("verify", "views"):
        code, out, err = await ran(tmp_path, command)
        assert (code, out) == (1, "")
        assert f"there is no database in {tmp_path}/.timeledger/postgres" in err
        code, out, err = await ran(tmp_path, command, DATABASE_URL=database)
        assert (code, out) == (1, "")
        assert err.strip() == "There is no ledger in this database: nothing was looked at."
    assert contents(tmp_path) == []
    owner = await asyncpg.connect(database)
    assert await owner.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await owner.close()


async def test_a_stopped_view_is_named_and_tried_again(tmp_path: Path, migrated: str) -> None:
    view = dead_letters.PROJECTION
    values = {"DATABASE_URL": migrated}
    async with running_service(migrated) as service:
        head = await service.own.store.head()
        assert await service.own.shown(head)
        await service.own.store.pool.execute(
            "INSERT INTO projection_failure (log_id, projection, version, position, error)"
            " VALUES (1, $1, $2, $3, 'ValueError: not [this]')",
            view.name,
            view.version,
            head + 1,
        )
        await service.own.projections.status()  # so that its runner knows
        await service.add_user("bob", "viewer")
        code, out, err = await ran(tmp_path, "views", **values)
        assert code == 1
        assert f"{view.name} has stopped at event {head + 1}: ValueError: not [this]\n" in err
        assert re.search(rf"^{view.name} +at {head}, [1-9] behind$", out, re.MULTILINE)
        code, out, err = await ran(tmp_path, "views", "--retry", view.name, **values)
        assert (code, err) == (0, "")
        assert re.search(rf"^{view.name} +at \d+, 0 behind$", out, re.MULTILINE)
        code, _, err = await ran(tmp_path, "views", "--retry", "nothing", **values)
        assert (code, "There is no view nothing." in err) == (1, True)


async def test_a_view_is_made_anew_when_somebody_says_so(tmp_path: Path, migrated: str) -> None:
    async with running_service(migrated) as service:
        await service.add_user("bob", "viewer")
    owner = await asyncpg.connect(migrated)
    await owner.execute("DELETE FROM users")
    values = {"DATABASE_URL": migrated}
    code, _, err = await ran(tmp_path, "views", "--rebuild", "users", **values)
    assert (code, "ENCRYPTION_KEY is missing" in err) == (1, True)
    values["ENCRYPTION_KEY"] = ENCRYPTION_KEY
    code, _, err = await ran(tmp_path, "views", "--rebuild", "users", **values)
    assert (code, err) == (0, "")
    assert await owner.fetchval("SELECT count(*) FROM users") == 2
    await owner.close()


async def test_a_worker_needs_a_shared_database(tmp_path: Path) -> None:
    code, _, err = await ran(tmp_path, "worker", ENCRYPTION_KEY=ENCRYPTION_KEY)
    assert (code, "DATABASE_URL" in err) == (1, True)


async def test_a_worker_works_with_what_the_service_works_with(
    tmp_path: Path, migrated: str
) -> None:
    zone = "Europe/Brussels"
    async with running_service(migrated, display_timezone=zone):
        pass
    values = {"DATABASE_URL": migrated, "ENCRYPTION_KEY": ENCRYPTION_KEY}
    other = {**values, "ENCRYPTION_KEY": Fernet.generate_key().decode(), "DISPLAY_TIMEZONE": zone}
    for command in ("worker", "sync"):
        code, _, err = await ran(tmp_path, command, **values)
        assert (code, f"DISPLAY_TIMEZONE is UTC and not {zone}" in err) == (1, True)
        code, _, err = await ran(tmp_path, command, **other)
        assert (code, "ENCRYPTION_KEY does not open key account:1#1" in err) == (1, True)
    code, _, err = await ran(tmp_path, "sync", DISPLAY_TIMEZONE=zone, **values)
    assert (code, err.strip()) == (1, "There is no active Zammad and Kimai connector.")


async def test_a_lost_password_is_replaced(tmp_path: Path, migrated: str) -> None:
    fresh = "nobody-knows-it-yet-71"
    values = {"DATABASE_URL": migrated, "ENCRYPTION_KEY": ENCRYPTION_KEY}
    async with running_service(migrated) as service:
        code, _, err = await ran(tmp_path, "password", ADMIN, given="short\n", **values)
        assert (code, "must have 12 to 128 characters" in err) == (1, True)
        code, _, err = await ran(tmp_path, "password", "nobody", given=f"{fresh}\n", **values)
        assert (code, err.strip()) == (1, "There is no user nobody.")
        assert (await service.http.get("/api/v1/users/me")).status_code == 200
        code, out, err = await ran(tmp_path, "password", ADMIN, given=f"{fresh}\n", **values)
        assert (code, err) == (0, "")
        assert out.startswith(f"{ADMIN} has another password")
        assert (await service.http.get("/api/v1/users/me")).status_code == 401
        async with service.logged_in(ADMIN, fresh) as http:
            assert (await http.get("/api/v1/users/me")).status_code == 200
        last = (await service.own.store.read_recorded(user_stream(UserId(1))))[-1]
        assert isinstance(last.event, UserPasswordReplaced)
        assert last.metadata.actor == Actor(kind="system", name="cli")


async def test_a_worker_takes_what_was_queued_elsewhere(tmp_path: Path, migrated: str) -> None:
    async with two_peers(3) as peers:
        async with running_service(migrated) as service:
            await connect(service, peers)
        async with opened(settings_for(migrated), migrated) as own:  # nothing works here
            metadata = Metadata(actor=Actor(kind="system", name="test"), correlation_id="test")
            commands = Commands(store=own.store, metadata=metadata, now=own.clock.now())
            cause = Cause(kind="user", name="1")
            wanted = runs.Wanted(start_date=date(2026, 9, 1), end_date=date(2026, 12, 31))
            queued = await runs.queue(own, commands, wanted, trigger="manual", cause=cause)
            values = {"DATABASE_URL": migrated, "ENCRYPTION_KEY": ENCRYPTION_KEY}
            async with started(tmp_path, "worker", **values) as process:
                run = await runs.ended(own, queued.run_id, within=60)
                assert (run.state, run.error) == ("completed", None)
                process.send_signal(signal.SIGTERM)
                await asyncio.wait_for(process.communicate(), 30)
                assert process.returncode == 0


async def test_the_sandbox_runs_until_it_is_stopped(tmp_path: Path) -> None:
    async with started(tmp_path, "sandbox", "--zammad-port", "0", "--kimai-port", "0") as process:
        assert process.stdout is not None
        for name in ("Zammad", "Kimai"):
            line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
            assert line.startswith(name)
            async with httpx.AsyncClient() as http:
                assert (await http.get(line.split()[1])).status_code < 500
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0
