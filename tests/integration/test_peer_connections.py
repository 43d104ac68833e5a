"""Our transport on real sockets: one piece per request, reuse, and what a lost connection means."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.kimai.client import KimaiTimesheets
from adapters.peer_http import Patience, PeerHttp
from adapters.peer_pool import OriginTransport
from domain.errors import Misconfigured, OutcomeUnknown, Unavailable
from domain.ports.timesheets import TimesheetFields
from tests.support.mock_peers import QUICK
from tests.unit.test_peer_http import PEER, TOKEN

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"


@contextlib.asynccontextmanager
async def server(handle: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A TCP server that does whatever `handle` does; yields its base URL."""

    tasks = set[asyncio.Task[None]]()

    async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handle(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    listener = await asyncio.start_server(handled, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://localhost:{port}/"
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def talking(base: str, patience: Patience = QUICK) -> PeerHttp:
    return PeerHttp(PEER, base, TOKEN, patience=patience)


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head + await reader.readexactly(length)


async def test_connections_are_reused_and_a_request_arrives_in_one_piece() -> None:
    opened, pieces = 0, list[bytes]()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        while piece := await reader.read(65536):
            pieces.append(piece)
            writer.write(OK)

    async with server(handle) as base, talking(base) as http:
        for _ in range(5):
            await http.write("POST", "x", {"a": 1})
    assert opened == 1
    assert len(pieces) == 5
    assert all(piece.endswith(b'{"a":1}') for piece in pieces)


async def test_an_idle_connection_that_the_peer_closed_is_not_used_for_a_write() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        writer.write(OK)  # and close, without saying so

    async with server(handle) as base, talking(base) as http:
        for _ in range(5):
            await http.write("POST", "x", {})
            await asyncio.sleep(0.02)


async def test_a_connection_is_not_kept_longer_than_allowed() -> None:
    opened = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        while True:
            await _read_request(reader)
            writer.write(OK)

    async with server(handle) as base:
        transport = OriginTransport(httpx.URL(base), reuse_seconds=0.05)
        async with PeerHttp(PEER, base, TOKEN, patience=QUICK, transport=transport) as http:
            await http.read("x")
            await asyncio.sleep(0.1)
            await http.read("x")
    assert opened == 2


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\n", OK[:-1], b"SMTP ready\r\n\r\n", b"HTTP/1.1 999 ?\r\n\r\n"],
)
async def test_a_connection_lost_after_the_request_leaves_a_write_uncertain(answer: bytes) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        writer.write(answer)
        await writer.drain()

    async with server(handle) as base, talking(base) as http:
        with pytest.raises(OutcomeUnknown):
            await http.write("POST", "x", {})
        with pytest.raises(Unavailable):
            await http.read("x")


@pytest.mark.parametrize(
    ("answer", "unasked", "reused"),
    [
        (OK, b"", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"", True),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n",
            b"",
            True,
        ),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n[]", b"", False),
        (b"HTTP/1.0 200 OK\r\n\r\n[]", b"", False),
        (OK + OK, b"", False),
        (OK, OK, False),
    ],
)
async def test_every_way_to_end_an_answer_is_read_and_a_doubtful_connection_left(
    answer: bytes, unasked: bytes, reused: bool
) -> None:
    opened = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        while True:
            await _read_request(reader)
            writer.write(answer)
            if answer.startswith(b"HTTP/1.0"):
                return
            if unasked:
                await asyncio.sleep(0.01)
                writer.write(unasked)

    async with server(handle) as base, talking(base) as http:
        for _ in range(3):
            assert (await http.read("x")).data == []
            await asyncio.sleep(0.02)
    assert opened == (1 if reused else 3)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
)
async def test_an_answer_that_is_none_leaves_a_write_uncertain(answer: bytes) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        writer.write(answer)
        await writer.drain()

    async with server(handle) as base, talking(base) as http:
        with pytest.raises(OutcomeUnknown):
            await http.write("POST", "x", {})


async def test_a_reset_connection_leaves_a_write_uncertain() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        writer.transport.abort()

    async with server(handle) as base, talking(base) as http:
        with pytest.raises(OutcomeUnknown):
            await http.write("POST", "x", {})


async def test_a_port_where_nobody_listens_means_never_sent() -> None:
    async def nobody(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        raise AssertionError("nobody calls")

    async with server(nobody) as base:
        pass
    async with talking(base) as http:
        with pytest.raises(Unavailable):
            await http.write("POST", "x", {})


async def test_a_large_body_passes_both_ways() -> None:
    text = "x" * 3_000_000

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = (await _read_request(reader)).split(b"\r\n\r\n", 1)[1]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async with server(handle) as base, talking(base) as http:
        answer = await http.write("POST", "x", {"text": text})
    assert answer is not None
    assert answer.data == {"text": text}


async def test_an_abandoned_request_does_not_poison_the_next_one() -> None:
    asked = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while True:
            await _read_request(reader)
            asked += 1
            if asked == 1:
                await asyncio.sleep(0.3)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % asked)

    patience = Patience(request=0.1, total=1, first_wait=0, longest_wait=0, jitter=0)
    async with server(handle) as base, talking(base, patience) as http:
        with pytest.raises(OutcomeUnknown):
            await http.write("POST", "x", {})
        answer = await http.read("x")
    assert answer.data == 2


async def test_closing_ends_what_is_under_way_and_refuses_what_comes_later() -> None:
    """The first of several reads that fails ends a run; the others may be anywhere then."""
    asked, hung_up = asyncio.Event(), asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        asked.set()
        assert await reader.read() == b""
        hung_up.set()

    once = Patience(attempts=1)
    async with server(handle) as base:
        async with talking(base, once) as http:
            sibling = asyncio.create_task(http.read("x"))
            await asyncio.wait_for(asked.wait(), 5)
        await asyncio.wait_for(hung_up.wait(), 5)
        with pytest.raises(Unavailable):
            await sibling
        asked.clear()
        with pytest.raises(Unavailable, match="no connection"):
            await http.read("x")
        assert not asked.is_set()


async def test_no_more_requests_at_once_than_allowed_and_none_is_forgotten() -> None:
    busy = busiest = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal busy, busiest
        while True:
            await _read_request(reader)
            busy += 1
            busiest = max(busiest, busy)
            await asyncio.sleep(0.005)
            busy -= 1
            writer.write(OK)

    async with server(handle) as base, PeerHttp(PEER, base, TOKEN, concurrency=3) as http:
        answers = await asyncio.gather(*(http.write("POST", "x", {"n": n}) for n in range(40)))
    assert len(answers) == 40
    assert busiest == 3


async def test_a_write_that_may_not_be_sent_any_more_is_not_sent() -> None:
    asked = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while True:
            await _read_request(reader)
            asked += 1
            writer.write(OK)

    def too_late() -> None:
        raise Unavailable("peer", "its turn came too late")

    async with server(handle) as base, PeerHttp(PEER, base, TOKEN, concurrency=1) as http:
        first = asyncio.create_task(http.write("POST", "x", {}))
        with pytest.raises(Unavailable, match="too late"):
            await http.write("POST", "x", {}, last_look=too_late)
        assert await first is not None
        assert await http.write("POST", "x", {}, last_look=lambda: None) is not None
    assert asked == 2


async def test_whoever_gives_up_frees_the_place_for_the_next() -> None:
    asked = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await _read_request(reader)
        asked += 1
        if asked == 1:
            await asyncio.sleep(60)
        writer.write(OK)

    async with server(handle) as base, PeerHttp(PEER, base, TOKEN, concurrency=1) as http:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(http.read("slow"), 0.2)
        answer = await asyncio.wait_for(http.read("x"), 5)
    assert answer.data == []
    assert asked == 2


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


async def _answer_ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await _read_request(reader)
        writer.write(OK)


async def test_https_works_with_a_trusted_certificate_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server(_answer_ok, _self_signed(tmp_path)) as base:
        async with talking(base) as http:
            with pytest.raises(Misconfigured, match="certificate"):
                await http.write("POST", "x", {})
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        async with talking(base) as http:
            for _ in range(3):
                assert (await http.read("x")).data == []
        wrong_name = base.replace("localhost", "127.0.0.1")
        async with talking(wrong_name) as http:
            with pytest.raises(Misconfigured, match="certificate"):
                await http.read("x")


async def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[bytes]()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await _read_request(reader))
        writer.write(OK)

    async with server(proxy) as base:
        monkeypatch.setenv("http_proxy", base)
        monkeypatch.setenv("no_proxy", "localhost")
        async with talking("http://peer.test/") as http:
            await http.read("x")
        async with talking(base) as http:
            await http.read("x")
    assert seen[0].startswith(b"GET http://peer.test/x ")
    assert seen[1].startswith(b"GET /x ")


async def test_a_write_costs_less_than_two_milliseconds_of_cpu() -> None:
    record = (
        b'{"activity":2,"project":1,"user":3,"tags":[],"id":1,"begin":"2026-11-02T09:00:00+0100",'
        b'"end":"2026-11-02T10:30:00+0100","duration":5400,"break":0,"description":"x",'
        b'"exported":false,"billable":true,"metaFields":[]}'
    )
    fields = TimesheetFields(
        begin="2026-11-02T09:00:00",
        end="2026-11-02T10:30:00",
        project=1,
        activity=2,
        description="x" * 100,
        tags="source:zammad",
    )

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await _read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(record) + record)

    async with server(handle) as base, KimaiTimesheets(base, TOKEN) as client:
        await client.create(fields)
        began, todo = time.process_time(), iter(range(400))

        async def writing() -> None:
            for _ in todo:
                await client.create(fields)

        await asyncio.gather(*(writing() for _ in range(8)))
        each = (time.process_time() - began) / 400 * 1000
    # Server and client share this process, so the bound is generous to the client.
    assert each < 2, f"{each:.2f} ms"
