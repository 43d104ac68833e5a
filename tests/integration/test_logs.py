"""Each log line of a request or a run says which one it is of, and none says a secret."""

from typing import Any

from api.app import create_app
from api.server import bound, serving
from tests.support.event_stream import streaming
from tests.support.leaks import witnessed
from tests.support.logged import lines, logged
from tests.support.service import (
    ADMIN,
    ADMIN_PASSWORD,
    ENCRYPTION_KEY,
    SECRET_KEY,
    Service,
    running_service,
)
from tests.support.two_peers import (
    KIMAI_TOKEN,
    RANGE,
    WEBHOOK_SECRET,
    ZAMMAD_TOKEN,
    connect,
    two_peers,
)

SECRETS = (ADMIN_PASSWORD, ENCRYPTION_KEY, SECRET_KEY, KIMAI_TOKEN, WEBHOOK_SECRET, ZAMMAD_TOKEN)


def of(text: Any, event: str) -> list[dict[str, Any]]:
    return [line for line in lines(text) if line["event"] == event]


async def test_a_run_and_the_request_for_it_are_told_apart(migrated: str) -> None:
    with logged() as text:
        async with two_peers(5) as peers, running_service(migrated) as service:
            await connect(service, peers)
            answer = await service.http.post(
                "/api/v1/sync/run", json=RANGE, headers={"X-Request-ID": "asked-for-1"}
            )
            assert answer.json()["status"] == "success"
            token = service.http.headers["authorization"].partition(" ")[2]
            await service.http.post("/token", data={"username": ADMIN, "password": "wrong-one-1"})
    (asked,) = [line for line in of(text, "request") if line["path"] == "/api/v1/sync/run"]
    assert (asked["request_id"], asked["correlation_id"]) == ("asked-for-1", "asked-for-1")
    assert "run_id" not in asked
    for event in ("run_taken", "run_ended"):
        (line,) = of(text, event)
        assert (line["run_id"], line["correlation_id"]) == (1, "run-1")
        assert "request_id" not in line
    for line in of(text, "request"):
        assert line["request_id"] == line["correlation_id"]
    for secret in (*SECRETS, token, "wrong-one-1"):
        assert secret not in text.getvalue()


async def test_a_crash_is_told_with_the_request_it_was_of(migrated: str) -> None:
    async def broken() -> None:
        raise RuntimeError(f"no password={ADMIN_PASSWORD} Bearer {SECRET_KEY}")

    with logged() as text:
        async with running_service(migrated) as service:
            app = create_app(service.own)
            app.add_api_route("/broken", broken)
            with bound("127.0.0.1", 0) as listener:
                async with serving(witnessed(app), listener) as url:
                    answer = await service.http.get(
                        f"{url}/broken", headers={"X-Request-ID": "crash-1"}
                    )
            assert answer.json() == {
                "detail": "Internal error",
                "code": "internal",
                "request_id": "crash-1",
            }
    crashed = [line for line in lines(text) if line["level"] == "error"]
    assert crashed
    for line in crashed:
        assert (line["request_id"], line["correlation_id"]) == ("crash-1", "crash-1"), line
    assert SECRET_KEY not in text.getvalue()
    assert ADMIN_PASSWORD not in text.getvalue()


async def test_the_stream_is_of_nobodys_request(migrated: str) -> None:
    with logged() as text:
        async with running_service(migrated) as service:
            await cut_off(service)
    waits = of(text, "live_stream_failed")
    assert waits
    assert not any("request_id" in line for line in waits)


async def cut_off(service: Service) -> None:
    """Open a stream, break what it reads from, and wait until it has noticed."""
    header = str(service.http.headers["Authorization"])
    async with streaming(service.url, authorization=header) as stream:
        await stream.next()
        hub = service.app.state.hub
        taking = hub._take

        async def broken(page: object) -> None:
            hub._take = taking
            raise RuntimeError("broken once")

        hub._take = broken
        await service.add_user("vera", "viewer")
        assert "auditLogs" in (await stream.until("head", within=10)).data["touched"], (
            "it goes on where it was"
        )
