"""The transport that both clients share: who must act, what is repeated, what is never shown."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import httpx
import pytest

from adapters.peer_http import MAX_BYTES, Patience, Peer, PeerHttp, Refusal
from adapters.peer_verdicts import retry_after
from domain.errors import (
    ExternalSystemError,
    Misconfigured,
    OutcomeUnknown,
    Rejected,
    TokenRefused,
    Unavailable,
)
from tests.support.mock_peers import HTML, QUICK, MockPeer, Reply, reply

TOKEN = "tok-4711-geheim"
SECRET = "body-secret-0815"
ERROR = {"error": SECRET}
PEER = Peer(
    system="peer",
    scheme="Bearer ",
    owns=lambda body: isinstance(body, dict) and "error" in body,
    refusal=lambda body, sent: Refusal(),
)


CUT, JSON = b'{"error": "Couldn', {"content-type": "application/json; charset=utf-8"}


def talking(mock: httpx.AsyncBaseTransport, patience: Patience = QUICK) -> PeerHttp:
    return PeerHttp(PEER, "http://peer.test/base/", TOKEN, patience=patience, transport=mock)


@pytest.mark.parametrize(
    ("answer", "read", "write"),
    [
        (reply(200, {}), None, None),
        (reply(204), None, None),
        (httpx.Response(200, content=HTML), Unavailable, OutcomeUnknown),
        (httpx.Response(200, content=b'{"a": 1, "b'), Unavailable, OutcomeUnknown),
        (httpx.Response(200, content=b""), Unavailable, OutcomeUnknown),
        (reply(302, location="/login"), Misconfigured, OutcomeUnknown),
        (reply(307, location="https://other.test/"), Misconfigured, OutcomeUnknown),
        (reply(400, ERROR), Rejected, Rejected),
        (httpx.Response(401), TokenRefused, TokenRefused),
        (reply(401, ERROR), TokenRefused, TokenRefused),
        (reply(403, ERROR), Rejected, Rejected),
        (httpx.Response(403, content=HTML), Misconfigured, Misconfigured),
        (httpx.Response(404, content=HTML), Misconfigured, Misconfigured),
        (httpx.Response(404, content=CUT, headers=JSON), Unavailable, OutcomeUnknown),
        (httpx.Response(403, content=CUT, headers=JSON), Unavailable, OutcomeUnknown),
        (reply(405, ERROR), Misconfigured, Misconfigured),
        (reply(407), Misconfigured, Misconfigured),
        (reply(408), Unavailable, OutcomeUnknown),
        (httpx.Response(413, content=HTML), Rejected, Rejected),
        (reply(422, ERROR), Rejected, Rejected),
        (reply(429), Unavailable, Unavailable),
        (reply(500, ERROR), Unavailable, OutcomeUnknown),
        (httpx.Response(502, content=HTML), Unavailable, OutcomeUnknown),
        (reply(503), Unavailable, OutcomeUnknown),
        (reply(504), Unavailable, OutcomeUnknown),
        (httpx.ConnectError("refused"), Unavailable, Unavailable),
        (httpx.ConnectTimeout("slow"), Unavailable, Unavailable),
        (httpx.PoolTimeout("full"), Unavailable, Unavailable),
        (httpx.ReadTimeout("slow"), Unavailable, OutcomeUnknown),
        (httpx.WriteTimeout("slow"), Unavailable, OutcomeUnknown),
        (httpx.ReadError("reset"), Unavailable, OutcomeUnknown),
        (httpx.WriteError("reset"), Unavailable, OutcomeUnknown),
        (httpx.RemoteProtocolError(SECRET), Unavailable, OutcomeUnknown),
    ],
)
async def test_each_answer_says_who_must_act(
    answer: Reply,
    read: type[ExternalSystemError] | None,
    write: type[ExternalSystemError] | None,
) -> None:
    mock = MockPeer({"GET /base/x": answer, "POST /base/x": answer})
    async with talking(mock) as http:
        assert await _outcome(lambda: http.read("x")) == read
        assert await _outcome(lambda: http.write("POST", "x", {"a": 1})) == write
    assert mock.calls().count("POST /base/x") == 1, "a write is never repeated"


async def _outcome(ask: Callable[[], Awaitable[object]]) -> type[Exception] | None:
    try:
        await ask()
    except ExternalSystemError as error:
        return type(error)
    return None


async def test_the_peers_own_404_is_an_absent_record() -> None:
    async with talking(MockPeer()) as http:
        assert await http.find("x") is None
        assert await http.write("DELETE", "x") is None
        with pytest.raises(Misconfigured):
            await http.read("x")


async def test_half_a_surrogate_pair_is_replaced_before_anybody_passes_it_on() -> None:
    body = b'{"half \\ud83d": ["\\uDC00", {"whole": "\\ud83d\\ude00"}], "plain": 1}'
    async with talking(MockPeer({"GET /base/x": httpx.Response(200, content=body)})) as http:
        data = (await http.read("x")).data
    assert data == {"half \ufffd": ["\ufffd", {"whole": "\U0001f600"}], "plain": 1}


async def test_a_read_is_repeated_until_it_answers() -> None:
    mock = MockPeer({"GET /base/x": [reply(503), httpx.ReadError("reset"), reply(200, [1])]})
    async with talking(mock) as http:
        assert (await http.read("x")).data == [1]
    assert len(mock.asked) == 3


async def test_a_read_is_repeated_a_bounded_number_of_times() -> None:
    mock = MockPeer({"GET /base/x": reply(503)})
    async with talking(mock) as http:
        with pytest.raises(Unavailable):
            await http.read("x")
    assert len(mock.asked) == QUICK.attempts


async def test_what_time_cannot_heal_is_not_repeated() -> None:
    for answer in (reply(401), reply(403, ERROR), reply(422, ERROR), reply(302)):
        mock = MockPeer({"GET /base/x": answer})
        async with talking(mock) as http:
            with pytest.raises(ExternalSystemError):
                await http.read("x")
        assert len(mock.asked) == 1


async def test_a_short_retry_after_is_waited_for_and_a_long_one_handed_on() -> None:
    mock = MockPeer({"GET /base/x": [reply(429, retry_after="0"), reply(200, [])]})
    async with talking(mock) as http:
        assert (await http.read("x")).data == []
    mock = MockPeer({"GET /base/x": reply(429, retry_after="120")})
    async with talking(mock) as http:
        with pytest.raises(Unavailable) as caught:
            await http.read("x")
    assert caught.value.retry_after == 120
    assert len(mock.asked) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "99999999999999"}, 86_400),
        ({"retry-after": "Mon, 02 Nov 2026 08:00:30 GMT"}, 30),
        (
            {
                "retry-after": "Mon, 02 Nov 2026 10:00:05 GMT",
                "date": "Mon, 02 Nov 2026 10:00:00 GMT",
            },
            5,
        ),
        ({"retry-after": "Mon, 02 Nov 2020 08:00:30 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "²"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    now = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
    raw = [(name.encode(), value.encode("utf-8")) for name, value in headers.items()]
    assert retry_after(httpx.Headers(raw), now) == seconds


async def test_a_peer_that_hangs_is_given_up_in_time() -> None:
    async def hang(request: httpx.Request) -> httpx.Response:
        del request
        await asyncio.sleep(60)
        raise AssertionError("nobody waits this long")

    patience = Patience(request=0.05, total=0.2, first_wait=0, longest_wait=0, jitter=0)
    async with talking(httpx.MockTransport(hang), patience) as http, asyncio.timeout(2):
        with pytest.raises(Unavailable):
            await http.read("x")
        with pytest.raises(OutcomeUnknown):
            await http.write("POST", "x", {})


async def test_a_body_that_drips_does_not_outlast_the_limit() -> None:
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                await asyncio.sleep(0.01)
                yield b" "

    patience = Patience(request=0.1, total=0.3, first_wait=0, longest_wait=0, jitter=0)
    mock = httpx.MockTransport(lambda _: httpx.Response(200, stream=Drip()))
    async with talking(mock, patience) as http, asyncio.timeout(2):
        with pytest.raises(Unavailable):
            await http.read("x")


async def test_a_body_without_end_is_cut_off() -> None:
    sent = 0

    class Flood(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 1
                yield b" " * 4 * 1024 * 1024

    mock = httpx.MockTransport(lambda _: httpx.Response(200, stream=Flood()))
    async with talking(mock) as http:
        with pytest.raises(OutcomeUnknown):
            await http.write("POST", "x", {})
    assert sent <= MAX_BYTES // (4 * 1024 * 1024) + 1


async def test_the_token_goes_to_the_stored_address_only() -> None:
    mock = MockPeer({"GET /base/x": reply(302, location="https://evil.test/?token=1")})
    async with talking(mock) as http:
        with pytest.raises(Misconfigured, match=r"https://evil\.test\)$"):
            await http.read("x")
    assert [request.url.host for request in mock.asked] == ["peer.test"]


async def test_session_cookies_of_the_peer_are_not_kept() -> None:
    # Zammad checks a session before the token: peers/zammad.md 1.1.
    mock = MockPeer({"GET /base/x": reply(200, [], set_cookie="_zammad_session=1; path=/")})
    async with talking(mock) as http:
        await http.read("x")
        await http.read("x")
    assert all("cookie" not in request.headers for request in mock.asked)


@pytest.mark.parametrize(
    "base", ["", "peer.test", "ftp://peer.test/", "https://u:p@peer.test/", "https://p.test/?a=1"]
)
def test_an_address_that_could_mislead_is_refused(base: str) -> None:
    with pytest.raises(Misconfigured):
        PeerHttp(PEER, base, TOKEN)


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "tökén"])
def test_a_token_that_cannot_be_sent_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        PeerHttp(PEER, "https://peer.test/", token)
    assert not token or token not in str(caught.value)


async def test_neither_token_nor_body_appears_in_errors_logs_or_repr(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    answers: list[Reply] = [
        reply(400, ERROR),
        reply(401, ERROR),
        reply(403, ERROR),
        reply(429, ERROR),
        reply(500, ERROR),
        reply(302, location=f"https://x.test/{SECRET}?{SECRET}"),
        httpx.Response(200, text=f"{{{SECRET}"),
        httpx.RemoteProtocolError(f"illegal header line: {SECRET}"),
        httpx.ReadError(SECRET),
        httpx.ConnectError(SECRET),
    ]
    shown = []
    for answer in answers:
        mock = MockPeer({"GET /base/x": answer, "POST /base/x": answer})
        async with talking(mock) as http:
            shown.append(repr(http))
            with pytest.raises(ExternalSystemError) as read:
                await http.read("x", {"q": "query"})
            with pytest.raises(ExternalSystemError) as written:
                await http.write("POST", "x", {"note": SECRET})
            for error in (read.value, written.value):
                shown += [repr(error), *traceback.format_exception(error)]
    shown += [caplog.text, *capsys.readouterr()]  # stamina tells structlog of each repetition
    assert not [text for text in shown if TOKEN in text or SECRET in text]


async def test_many_reads_at_once_wait_their_turn() -> None:
    running = most = 0

    async def slow(request: httpx.Request) -> httpx.Response:
        del request
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        return httpx.Response(200, json=[])

    async with talking(httpx.MockTransport(slow)) as http:
        await asyncio.gather(*(http.read("x") for _ in range(100)))
    assert most <= 16
