"""The control and fault layer over real TCP, in front of the Kimai sandbox."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from adapters.sandbox.control import FaultPlan, FaultRule
from adapters.sandbox.kimai import KimaiState, create_kimai_app, seed_recordings, token_of
from adapters.sandbox.serve import PortTaken, bound
from tests.support.guarded import running

BODY = {
    "project": 1,
    "activity": 2,
    "begin": "2026-11-02T09:00:00",
    "end": "2026-11-02T10:00:00",
}


class Peer:
    """A running sandbox and a client for it."""

    def __init__(self, state: KimaiState, client: httpx.AsyncClient) -> None:
        self.state = state
        self.client = client

    async def faults(self, *rules: dict[str, Any], seed: int = 0) -> None:
        body = {"seed": seed, "rules": list(rules)}
        response = await self.client.put("/_control/faults", json=body)
        assert response.status_code == 200, response.text

    async def post(self) -> httpx.Response:
        return await self.client.post("/api/timesheets", json=BODY)

    async def pages(self) -> list[list[int]]:
        asked = [await self.client.get(f"/api/timesheets?size=2&page={n}") for n in (1, 2)]
        return [[row["id"] for row in page.json()] for page in asked]


@asynccontextmanager
async def peer() -> AsyncIterator[Peer]:
    state = KimaiState()
    seed_recordings(state)
    headers = {"Authorization": f"Bearer {token_of('anna')}"}
    async with (
        running(create_kimai_app(state)) as url,
        httpx.AsyncClient(base_url=url, headers=headers, timeout=5) as client,
    ):
        yield Peer(state, client)


@pytest.mark.parametrize(
    ("kind", "status", "applied"),
    [
        ("too_many", 429, 0),
        ("error_before", 500, 0),
        ("error_after", 500, 1),
        ("unauthorized", 401, 0),
        ("forbidden", 403, 0),
        ("html", 502, 0),
        ("html_after", 502, 1),
        ("latency", 200, 1),
        ("stall", 200, 1),
    ],
)
async def test_a_fault_answers_and_applies_as_its_name_says(
    kind: str, status: int, applied: int
) -> None:
    async with peer() as kimai:
        await kimai.faults({"kind": kind, "methods": ["post"], "seconds": 0.05, "times": 1})
        assert (await kimai.post()).status_code == status
        assert len(kimai.state.timesheets) == applied
        assert (await kimai.post()).status_code == 200


@pytest.mark.parametrize(
    ("kind", "applied"),
    [("reset_before", 0), ("reset_after", 1), ("hang_after_apply", 1), ("truncate", 1)],
)
async def test_a_broken_connection_has_no_answer(kind: str, applied: int) -> None:
    async with peer() as kimai:
        await kimai.faults({"kind": kind, "seconds": 0.05, "times": 1})
        with pytest.raises(httpx.TransportError):
            await kimai.post()
        assert len(kimai.state.timesheets) == applied
        log = (await kimai.client.get("/_control/requests")).json()
        assert log["last"][0]["fault"] == kind


async def test_a_reset_closes_the_tcp_connection_without_a_byte() -> None:
    async with peer() as kimai:
        await kimai.faults({"kind": "reset_before"})
        with pytest.raises(httpx.ReadError):
            await kimai.client.get("/api/version")


async def test_a_hanging_peer_lets_an_impatient_client_go() -> None:
    async with peer() as kimai:
        await kimai.faults({"kind": "hang_after_apply", "seconds": 30, "times": 1})
        began = time.perf_counter()
        with pytest.raises(httpx.ReadTimeout):
            await kimai.client.post("/api/timesheets", json=BODY, timeout=0.1)
        assert len(kimai.state.timesheets) == 1
        assert (await kimai.post()).status_code == 200
        assert time.perf_counter() - began < 3


async def test_a_cleanly_truncated_body_is_broken_json() -> None:
    async with peer() as kimai:
        await kimai.faults({"kind": "truncate_clean", "path_prefix": "/api/version"})
        response = await kimai.client.get("/api/version")
        assert response.status_code == 200
        with pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
            response.json()


async def test_too_many_names_when_to_come_back() -> None:
    async with peer() as kimai:
        await kimai.faults({"kind": "too_many", "retry_after": 7})
        assert (await kimai.post()).headers["Retry-After"] == "7"


async def test_a_page_repeats_the_last_row_of_the_page_before() -> None:
    async with peer() as kimai:
        for _ in range(4):
            await kimai.post()
        await kimai.faults({"kind": "repeat_rows", "path_prefix": "/api/timesheets"})
        assert await kimai.pages() == [[3, 4, 3], [3, 2, 1]]


async def test_rules_are_picked_by_method_path_and_count() -> None:
    async with peer() as kimai:
        rule = {"kind": "forbidden", "methods": ["GET"], "path_prefix": "/api/tags"}
        await kimai.faults({**rule, "after": 1, "times": 1})
        asked = [await kimai.client.get("/api/tags") for _ in range(3)]
        assert [response.status_code for response in asked] == [200, 403, 200]
        assert (await kimai.client.get("/api/version")).status_code == 200
        plan = (await kimai.client.get("/_control/faults")).json()
        assert (plan["rules"][0]["seen"], plan["rules"][0]["hit"]) == (3, 1)
        await kimai.client.delete("/_control/faults")
        assert (await kimai.client.get("/_control/faults")).json()["rules"] == []


def test_the_same_seed_makes_the_same_campaign() -> None:
    rule = FaultRule.from_json({"kind": "error_before", "probability": 0.3})

    def campaign(seed: int) -> list[bool]:
        plan = FaultPlan([rule], seed)
        return [plan.pick("GET", "/")[1] is not None for _ in range(200)]

    assert campaign(1) == campaign(1)
    assert campaign(1) != campaign(2)
    assert 30 < sum(campaign(3)) < 90


@pytest.mark.parametrize(
    "rule",
    [{"kind": "gremlins"}, {}, {"kind": "html", "colour": 1}, {"kind": "html", "probability": 2}],
)
async def test_a_rule_that_means_nothing_is_refused(rule: dict[str, Any]) -> None:
    async with peer() as kimai:
        response = await kimai.client.put("/_control/faults", json={"rules": [rule]})
        assert (response.status_code, list(response.json())) == (400, ["error"])


async def test_requests_are_counted_by_method_and_route() -> None:
    async with peer() as kimai:
        await kimai.post()
        await kimai.client.get("/api/timesheets/1")
        await kimai.client.get("/api/timesheets/2")
        log = (await kimai.client.get("/_control/requests?last=1")).json()
        assert log["counts"] == {"GET /api/timesheets/{id}": 2, "POST /api/timesheets": 1}
        assert (log["total"], log["last"][0]["status"]) == (3, 404)
        await kimai.client.delete("/_control/requests")
        assert (await kimai.client.get("/_control/requests")).json()["total"] == 0


async def test_the_peer_is_seeded_inspected_and_reset_by_control() -> None:
    async with peer() as kimai:
        control = kimai.client
        assert (await control.post("/_control/reset")).status_code == 204
        user = {"username": "zoe", "timezone": "Asia/Tokyo", "roles": ["ROLE_ADMIN"], "token": "t"}
        seed = {"users": [user], "customers": [{"name": "C"}], "tags": [{"name": "src"}]}
        made = (await control.post("/_control/seed", json=seed)).json()
        assert made["users"] == [{"id": 1, "token": "t"}]
        me = await control.get("/api/users/me", headers={"Authorization": "Bearer t"})
        assert me.json()["timezone"] == "Asia/Tokyo"
        seen = (await control.get("/_control/state")).json()
        assert seen["customers"][0]["number"] == "0002"
        assert (await control.post("/_control/seed", json={"x": []})).status_code == 400


async def test_settings_change_by_kimais_own_names() -> None:
    async with peer() as kimai:
        change = {
            "timesheet.mode": "punch",
            "timesheet.rules.allow_overlapping_records": "0",
            "role_permissions": {"ROLE_USER": {"view_user": True}},
            "meta_fields": {"timesheet": {"ext_id": True}},
        }
        assert (await kimai.client.patch("/_control/settings", json=change)).status_code == 200
        config = (await kimai.client.get("/api/config/timesheet")).json()
        assert (config["trackingMode"], config["isAllowOverlapping"]) == ("punch", False)
        assert (await kimai.client.get("/api/users")).status_code == 200
        wrong = {"timesheet.mode": "guess"}
        assert (await kimai.client.patch("/_control/settings", json=wrong)).status_code == 400


async def test_the_clock_skews_stops_and_advances() -> None:
    async with peer() as kimai:
        control = kimai.client
        await control.post("/_control/clock", json={"fixed": "2026-11-22T17:30:00Z"})
        await control.post("/_control/clock", json={"advance_seconds": 90})
        clock = (await control.get("/_control/clock")).json()
        assert clock["now"] == "2026-11-22T17:31:30+00:00"
        await control.post("/_control/clock", json={"fixed": None, "skew_seconds": -3600})
        behind = kimai.state.clock.now().timestamp() - time.time()
        assert -3601 < behind < -3599
        bad = await control.post("/_control/clock", json={"fixed": "2026-11-22T17:30:00"})
        assert bad.status_code == 400


async def test_control_is_for_this_machine_only() -> None:
    app = create_kimai_app(KimaiState())
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 5))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        assert (await client.get("/_control/state")).status_code == 403


async def test_a_taken_port_is_named() -> None:
    listener = bound("127.0.0.1", 0)
    port = listener.getsockname()[1]
    try:
        with pytest.raises(PortTaken, match=str(port)):
            async with running(create_kimai_app(KimaiState()), port=port):
                raise AssertionError("two servers on one port")
    finally:
        listener.close()


async def test_leaving_the_server_frees_its_port() -> None:
    async with running(create_kimai_app(KimaiState())) as url:
        port = int(url.rsplit(":", 1)[1])
    bound("127.0.0.1", port).close()  # raises PortTaken otherwise


async def test_parallel_posts_can_pass_the_overlap_rule_together() -> None:
    async with peer() as kimai:
        kimai.state.settings.change(
            {
                "timesheet.rules.allow_overlapping_records": False,
                "sandbox.insert_gap_seconds": 0.1,
            }
        )
        answers = await asyncio.gather(*(kimai.post() for _ in range(3)))
        assert [answer.status_code for answer in answers] == [200] * 3
        assert (await kimai.post()).status_code == 400
