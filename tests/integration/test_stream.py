"""The live stream over real HTTP: what is told, to whom, from where on, and until when."""

import asyncio
import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from api import live
from domain.catalogue import ALL
from domain.errors import LedgerError
from domain.event import Append
from domain.ids import RunId
from tests.support.believable import past, run
from tests.support.event_stream import Got, Stream, streaming
from tests.support.ledgers import postgres_ledger
from tests.support.line import Line
from tests.support.service import (
    ADMIN,
    ADMIN_PASSWORD,
    ENCRYPTION_KEY,
    Service,
    running_service,
)


def bearer(service: Service) -> str:
    return str(service.http.headers["Authorization"])


def booked(bookings: int) -> Iterator[Append]:
    """The bookings of a believable past and their runs, without accounts and connectors."""
    return (each for each in past(bookings) if each.stream.startswith(("time-entry", "sync-run")))


async def append(service: Service, appends: Iterable[Append]) -> int:
    for answer in await service.own.store.append_many(list(appends)):
        assert not isinstance(answer, LedgerError), answer
    return await service.own.store.head()


async def told_until(stream: Stream, position: int) -> list[Got]:
    """What comes, up to a frame `head` of that position or later."""
    got = [await stream.next()]
    while got[-1].event != "head" or got[-1].id < position:
        got.append(await stream.next())
    return got


async def test_a_run_is_told_as_it_happens(migrated: str) -> None:
    async with running_service(migrated) as service:
        async with streaming(service.url, authorization=bearer(service)) as stream:
            assert stream.status == 200
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert stream.headers["cache-control"] == "no-store"
            assert "content-length" not in stream.headers
            first = await stream.next()
            assert (first.event, first.data["touched"]) == ("head", [])
            assert stream.retry == 3000
            head = await append(service, run(RunId(1), range(24, 26)))
            opened = await stream.until("conflict.opened")
            assert opened.data == {
                "conflict_id": opened.id,
                "entry_id": 10_000_000_025,
                "status": "missing",
                "reasonCode": "UNMAPPED_ACTIVITY",
            }
            ended = await stream.until("run.progress", state="completed")
            assert ended.data == {
                "run_id": 1,
                "state": "completed",
                "status": "completed",
                "phase": "done",
                "done": 2,
                "total": 2,
                "entries_synced": 2,
                "entries_failed": 0,
                "conflicts_detected": 0,
            }
        async with streaming(
            service.url, authorization=bearer(service), last_event_id=str(opened.id - 1)
        ) as stream:
            again = await stream.until("conflict.opened")
            assert (again.id, again.data) == (opened.id, opened.data)
            told = await stream.until("head")
            assert told.id >= head
            assert {"entries", "entry", "conflicts", "kpi", "syncRuns"} <= set(told.data["touched"])


async def test_what_is_told_can_be_fetched(migrated: str) -> None:
    async with (
        running_service(migrated) as service,
        streaming(service.url, authorization=bearer(service)) as stream,
    ):
        await stream.next()
        writing = asyncio.create_task(append(service, booked(60)))
        for _ in range(10):
            told = await stream.until("entry.changed")
            entry = await service.own.views.entry(told.data["entry_id"])
            assert entry is not None
            assert entry.position >= told.id
        await writing
        told = await stream.until("kpi", synced_entries=58)
        fetched = (await service.http.get("/api/v1/sync/kpi")).json()
        assert told.data == {name: fetched[name] for name in told.data}


async def test_nothing_is_lost_wherever_it_breaks_off(migrated: str) -> None:
    """Also between two frames of one position: who has got one of them knows no more than that."""
    async with running_service(migrated) as service:
        async with streaming(service.url, authorization=bearer(service)) as stream:
            begin = (await stream.next()).id
            head = await append(service, booked(40))
            whole = [frame for frame in await told_until(stream, head) if frame.event != "kpi"]
        assert sum(frame.event == "entry.changed" for frame in whole) >= 40
        doubled = Counter(frame.id for frame in whole)
        breaks = [0, *range(1, len(whole), 17)]
        breaks += [n for n, frame in enumerate(whole, 1) if doubled[frame.id] > 1][:6]
        for got in breaks:
            last = whole[got - 1].id if got else begin
            path = f"/api/v1/stream?after={last}"
            async with streaming(service.url, path=path, authorization=bearer(service)) as stream:
                rest = await told_until(stream, head)
            for missed in whole[got:]:
                assert any(makes_up_for(frame, missed) for frame in rest), (last, missed)
            ids = [frame.id for frame in rest]
            assert ids == sorted(ids)


def makes_up_for(frame: Got, missed: Got) -> bool:
    """It says the same, or of the same entry or of the whole what came of it later."""
    if frame.event != missed.event or frame.id < missed.id:
        return False
    match missed.event:
        case "head":
            return True
        case "entry.changed":
            return bool(frame.data["entry_id"] == missed.data["entry_id"])
        case _:
            return (frame.id, frame.data) == (missed.id, missed.data)


async def test_keys_of_what_was_missed_are_told_again(migrated: str) -> None:
    async with running_service(migrated) as service:
        async with streaming(service.url, authorization=bearer(service)) as stream:
            await stream.next()
            head = await append(service, run(RunId(1), range(24, 26)))
            while (await stream.next()).id < head:
                pass  # the first frame of the last position: what else it has is not read
        path = f"/api/v1/stream?after={head}"
        async with streaming(service.url, path=path, authorization=bearer(service)) as stream:
            told = await stream.until("head")
            assert {"entries", "conflicts", "kpi"} <= set(told.data["touched"])


async def test_heads_come_once_a_second_at_most(migrated: str) -> None:
    async with (
        running_service(migrated) as service,
        streaming(service.url, authorization=bearer(service)) as stream,
    ):
        await stream.next()
        at: list[float] = []

        async def written() -> None:
            await asyncio.sleep(0.5)  # between two looks of the service at its listeners
            for each in booked(24):
                await append(service, [each])
                await asyncio.sleep(0.15)

        writing = asyncio.create_task(written())
        with suppress(TimeoutError):  # the last of them was told, and nothing comes any more
            while True:
                at.append((await stream.until("head", within=4.0)).at)
        await writing
        assert len(at) >= 3
        assert min(later - earlier for earlier, later in pairwise(at)) > 0.9


async def test_after_a_restart_the_past_is_read_from_the_ledger(migrated: str) -> None:
    async with running_service(migrated) as service:
        begin = await service.own.store.head()
        head = await append(service, booked(30))
    async with running_service(migrated) as service:
        assert await service.own.store.head() >= head
        path = f"/api/v1/stream?after={begin}"
        async with streaming(service.url, path=path, authorization=bearer(service)) as stream:
            told: set[int] = set()
            while len(told) < 30:
                told.add((await stream.until("entry.changed")).data["entry_id"])


async def test_who_is_too_far_behind_reloads(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_BEHIND", 50)
    async with running_service(migrated) as service:
        head = await append(service, booked(30))
        assert await service.own.projections.wait_for(head, within=20)
        for after in ("0", str(head - 60), "99999999"):
            path = f"/api/v1/stream?after={after}"
            async with streaming(service.url, path=path, authorization=bearer(service)) as stream:
                told = await stream.next()
                assert (told.event, told.data.get("resync")) == ("head", True)
        near = f"/api/v1/stream?after={head - 40}"
        async with streaming(service.url, path=near, authorization=bearer(service)) as stream:
            assert "resync" not in (await stream.until("head")).data


async def test_only_what_was_asked_for(migrated: str) -> None:
    async with running_service(migrated) as service:
        path = "/api/v1/stream?types=run.progress,conflict.opened"
        async with streaming(service.url, path=path, authorization=bearer(service)) as stream:
            await append(service, booked(30))
            kinds = {(await stream.next()).event for _ in range(2)}
            assert kinds <= {"run.progress", "conflict.opened"}
        for query in ({"types": "kpi,nonsense"}, {"after": "-1"}, {"after": "NaN"}):
            refused = await service.http.get("/api/v1/stream", params=query)
            assert (refused.status_code, refused.json()["code"]) == (422, "validation")
        headers = {"Last-Event-ID": "x" * 300}
        assert (await service.http.get("/api/v1/stream", headers=headers)).status_code == 422
        async with service.client() as nobody:
            assert (await nobody.get("/api/v1/stream")).status_code == 401


async def test_the_cookie_opens_it_and_logging_out_ends_it(migrated: str) -> None:
    async with running_service(migrated) as service, service.client() as browser:
        form = {"username": ADMIN, "password": ADMIN_PASSWORD}
        await browser.post("/token", data=form)
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        async with (
            streaming(service.url, cookie=cookie) as mine,
            streaming(service.url, authorization=bearer(service)) as other,
        ):
            await mine.next()
            answer = await browser.post("/logout", headers={"Sec-Fetch-Site": "same-origin"})
            assert answer.status_code == 204
            assert await mine.ended()
            await other.until("head", touched=["auditLogs"])


async def test_a_changed_account_ends_its_streams(migrated: str) -> None:
    async with running_service(migrated) as service:
        user = await service.add_user("vera", "operator")
        async with service.logged_in("vera", ADMIN_PASSWORD) as vera:
            header = str(vera.headers["Authorization"])
            async with streaming(service.url, authorization=header) as stream:
                await stream.next()
                path = f"/api/v1/users/{user['id']}"
                answer = await service.http.patch(path, json={"role": "viewer"})
                assert answer.status_code == 200, answer.text
                assert await stream.ended()


class Ahead:
    """A clock that can be set forward."""

    def __init__(self) -> None:
        self.by = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def test_it_ends_when_the_login_does(migrated: str) -> None:
    clock = Ahead()
    async with running_service(migrated, clock=clock) as service:
        async with streaming(service.url, authorization=bearer(service)) as stream:
            await stream.next()
            clock.by = timedelta(hours=13)
            assert await stream.ended()
        assert (await service.http.get("/api/v1/stream")).json()["code"] == "token_expired"


async def test_a_stop_ends_every_stream_in_order(migrated: str) -> None:
    async with AsyncExitStack() as stack:
        async with running_service(migrated) as service:
            stream = await stack.enter_async_context(
                streaming(service.url, authorization=bearer(service))
            )
            await stream.next()
            began = asyncio.get_running_loop().time()
        assert await stream.ended()
        assert asyncio.get_running_loop().time() - began < 4, "nobody waits for the patience"


async def test_a_quiet_stream_is_kept_alive(migrated: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.1)
    async with (
        running_service(migrated) as service,
        streaming(service.url, authorization=bearer(service)) as stream,
    ):
        await stream.next()
        with pytest.raises(TimeoutError):
            await stream.next(within=2.5)
        assert ": heartbeat" in stream.comments


async def test_a_view_that_stands_still_tells_nothing_it_does_not_show(migrated: str) -> None:
    async with (
        running_service(migrated) as service,
        streaming(service.url, authorization=bearer(service)) as stream,
    ):
        begin = (await stream.next()).id
        locks = await service.own.store.pool.acquire()
        transaction = locks.transaction()
        await transaction.start()
        await locks.execute("LOCK TABLE time_entries IN ACCESS EXCLUSIVE MODE")
        await append(service, booked(3))
        with pytest.raises(TimeoutError):
            await stream.until("entry.changed", within=1.5)
        await transaction.rollback()
        await service.own.store.pool.release(locks)
        assert (await stream.until("entry.changed")).id > begin


@pytest.mark.slow
async def test_five_hundred_listen_one_never_reads_and_one_vanishes(migrated: str) -> None:
    async with running_service(migrated) as service, AsyncExitStack() as stack:
        header = bearer(service)
        never = deaf(service.url, header)
        path = "/api/v1/stream?types=entry.changed,head"  # not what fills the other's buffers below
        streams = [
            await stack.enter_async_context(streaming(service.url, path=path, authorization=header))
            for _ in range(499)
        ]
        vanishing = streams.pop()
        hub = service.app.state.hub
        assert hub.listeners == 500
        vanishing.writer.transport.abort()
        head = await append(service, booked(100))

        async def read(stream: Stream) -> int:
            seen = 0
            while True:
                frame = await stream.next(within=60)
                seen += frame.event == "entry.changed"
                assert "resync" not in frame.data
                if frame.event == "head" and frame.id >= head:
                    return seen

        counts = await asyncio.gather(*map(read, streams))
        assert min(counts) >= 100, "each heard of every booking"
        assert len(set(counts)) == 1
        assert hub.listeners == 499, "who is gone is let go of"
        more = live.Encoded(head, "delivery.received", b": " + b"x" * 65_536 + b"\n\n")
        for _ in range(100):  # more than the buffers between it and us take
            hub._send([more])
            await asyncio.sleep(0)
        assert hub.listeners == 498, "who never reads is told to reload, and dropped"
        answer = await service.http.get("/api/v1/sync/kpi")
        assert answer.status_code == 200
        never.close()


def deaf(url: str, header: str) -> socket.socket:
    """A client that asks and then never reads; its own buffer is small."""
    address = urlsplit(url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((address.hostname, address.port))
    path = "/api/v1/stream?types=delivery.received"
    client.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: {header}\r\n\r\n".encode())
    return client


async def test_a_database_that_goes_away_loses_nothing(migrated: str) -> None:
    async with Line.to(migrated) as (near, line), running_service(near) as service:
        header = bearer(service)
        async with streaming(service.url, authorization=header) as stream:
            await stream.next()
            line.cut()
            await asyncio.sleep(2)
            line.mend()
            async with postgres_ledger(
                migrated, catalogue=ALL, encryption_keys=(ENCRYPTION_KEY,)
            ) as other:  # another process appends
                for answer in await other.append_many(list(booked(5))):
                    assert not isinstance(answer, LedgerError)
            told: set[int] = set()
            while len(told) < 5:
                told.add((await stream.until("entry.changed", within=30)).data["entry_id"])
