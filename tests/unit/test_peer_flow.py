"""How the clients let themselves be held back: rate, `Retry-After`, breaker, refused token."""

import asyncio
from time import monotonic

import httpx
import pytest

from adapters.peer_flow import Flow
from adapters.peer_http import Patience, Peer, PeerHttp, Refusal
from domain.errors import OutcomeUnknown, TokenRefused, Unavailable
from domain.flow.breaker import BreakerRules, BreakerState
from tests.support.mock_peers import MockPeer, reply

ERROR = {"error": "what the peer says"}
PEER = Peer(
    system="peer",
    scheme="Bearer ",
    owns=lambda body: isinstance(body, dict) and "error" in body,
    refusal=lambda body, sent: Refusal(),
)
ONCE = Patience(connect=1, request=1, total=5, attempts=1, longest_wait=0.2)
RULES = BreakerRules(failures=3, pause=0.1, longest=0.4, again=0.01)


def talking(mock: MockPeer, flow: Flow, *, patience: Patience = ONCE) -> PeerHttp:
    return PeerHttp(
        PEER, "http://peer.test/", "token", patience=patience, flow=flow, transport=mock
    )


async def test_a_peer_that_fails_again_and_again_is_left_alone_then_probed() -> None:
    down = httpx.ConnectError("refused")
    mock = MockPeer({"GET /a": [down, down, down, down, reply(200, {})]})
    flow = Flow(rules=RULES)
    async with talking(mock, flow) as http:
        for _ in range(3):
            with pytest.raises(Unavailable, match="no connection"):
                await http.read("a")
        assert flow.breaker == "open"
        assert flow.alarmed.is_set()
        with pytest.raises(Unavailable, match="3 requests in a row failed") as refused:
            await http.read("a")
        assert 0 < (refused.value.retry_after or 0) <= RULES.pause
        assert len(mock.asked) == 3  # the fourth was not sent
        assert flow.health() == ("down", "peer: GET a: no connection (ConnectError)")

        await asyncio.sleep(RULES.pause)
        assert flow.breaker == "half_open"
        with pytest.raises(Unavailable, match="no connection"):
            await http.read("a")
        assert flow.breaker == "open"

        await asyncio.sleep(2 * RULES.pause)
        await http.read("a")
        assert flow.breaker == "closed"
        assert flow.health() == ("ok", None)


async def test_only_one_request_goes_to_a_peer_that_may_be_back() -> None:
    flow = Flow(rules=RULES)
    for _ in range(3):
        flow.failed(monotonic(), Unavailable("peer", "gone"))
        await asyncio.sleep(0.001)
    await asyncio.sleep(RULES.pause)
    mock = MockPeer({"GET /a": reply(200, {})})
    async with talking(mock, flow) as http:
        several = [http.read("a") for _ in range(5)]
        outcomes = await asyncio.gather(*several, return_exceptions=True)
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) >= 1
    assert flow.breaker is BreakerState.CLOSED


async def test_answers_that_object_are_answers() -> None:
    refusals = [reply(status, ERROR) for status in (400, 404, 403, 422, 429)] * 2
    mock = MockPeer({"GET /a": refusals})
    flow = Flow(rules=RULES)
    async with talking(mock, flow) as http:
        for _ in refusals:
            await asyncio.gather(http.find("a"), return_exceptions=True)
    assert (flow.breaker, len(mock.asked)) == (BreakerState.CLOSED, len(refusals))


async def test_a_peer_that_asks_for_time_gets_it_from_everybody() -> None:
    mock = MockPeer({"GET /a": [reply(429, ERROR, retry_after="0"), reply(200, {})]})
    flow = Flow()
    async with talking(mock, flow) as http:
        with pytest.raises(Unavailable):
            await http.read("a")
        flow.hold(0.15, Unavailable("peer", "GET a: 429"))
        begun = monotonic()
        await asyncio.gather(http.read("a"), http.read("a"))
        assert monotonic() - begun >= 0.15

        flow.hold(30, Unavailable("peer", "GET a: 429"))
        with pytest.raises(
            Unavailable, match=r"left alone for 30 s \(peer: GET a: 429\)"
        ) as refused:
            await http.write("POST", "a", {})
        assert refused.value.retry_after == pytest.approx(30, abs=0.5)
        assert len(mock.asked) == 3  # what must wait too long is not sent


async def test_a_date_to_wait_for_is_kept_by_the_next_client_too() -> None:
    dates = {
        "date": "Fri, 02 Jan 2026 10:00:00 GMT",
        "retry_after": "Fri, 02 Jan 2026 10:02:00 GMT",
    }
    flow = Flow()
    async with talking(MockPeer({"GET /a": reply(503, ERROR, **dates)}), flow) as http:
        with pytest.raises(Unavailable):
            await http.read("a")
    other = MockPeer({"GET /b": reply(200, {})})
    async with talking(other, flow) as http:
        with pytest.raises(Unavailable, match="left alone for 120 s"):
            await http.read("b")
    assert other.asked == []


async def test_the_rate_holds_over_several_clients() -> None:
    mock = MockPeer({"GET /a": reply(200, {})})
    flow = Flow(per_second=50)
    begun = monotonic()
    async with talking(mock, flow) as one, talking(mock, flow) as other:
        await asyncio.gather(*(http.read("a") for http in (one, other) for _ in range(6)))
    assert len(mock.asked) == 12
    assert monotonic() - begun >= 11 / 50


async def test_a_slow_rate_costs_no_patience() -> None:
    hasty = Patience(connect=1, request=1, total=0.2, attempts=1, longest_wait=0.2)
    mock = MockPeer({"GET /a": reply(200, {})})
    async with talking(mock, Flow(per_second=20), patience=hasty) as http:
        await asyncio.gather(*(http.read("a") for _ in range(12)))
    assert len(mock.asked) == 12


async def test_a_refused_token_is_remembered_whatever_comes_after() -> None:
    mock = MockPeer({"GET /a": [reply(401, ERROR), reply(200, {}), reply(500, ERROR)]})
    flow = Flow()
    async with talking(mock, flow) as http:
        with pytest.raises(TokenRefused):
            await http.read("a")
        assert flow.alarmed.is_set()
        await http.read("a")
        with pytest.raises(Unavailable):
            await http.read("a")
    assert flow.health() == ("auth_failed", "peer: GET a: 401, the token is not accepted")
    flow.begin()  # the next run, after a person resumed the connector
    assert flow.health() is None


async def test_a_lost_write_counts_as_a_failure_and_is_not_repeated() -> None:
    mock = MockPeer({"POST /a": httpx.ReadError("reset")})
    flow = Flow(rules=RULES)
    async with talking(mock, flow) as http:
        for _ in range(3):
            with pytest.raises(OutcomeUnknown):
                await http.write("POST", "a", {})
        with pytest.raises(Unavailable, match="not asked"):  # certainly not sent, and it says so
            await http.write("POST", "a", {})
    assert len(mock.asked) == 3
