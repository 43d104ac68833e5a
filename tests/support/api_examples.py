"""Records an example of every route: `python -m tests.support.api_examples`.

A service with both sandbox peers is used as an administrator, a billing lead and an auditor would;
the first success of each route is kept, lists shortened, addresses and secrets replaced.
"""

import asyncio
import hashlib
import hmac
import json
import re
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl

import httpx

from adapters.embedded import embedded_postgres
from api import schema
from api.examples import FILE
from tests.support.service import ADMIN, ADMIN_PASSWORD, Service, running_service
from tests.support.two_peers import (
    KIMAI_TOKEN,
    RANGE,
    WEBHOOK_SECRET,
    ZAMMAD_TOKEN,
    TwoPeers,
    connect,
    two_peers,
)

V1 = "/api/v1"
LONGEST_TEXT = 400  # characters of a text that does not come as JSON
MOST_ITEMS = 2  # of a list
PATIENCE = 20.0  # seconds for a run to end, and for the first frame of a stream
SUCCESS = range(200, 300)


class Recorder:
    """Keeps what the calls of a client say, by route."""

    def __init__(self, replaced: dict[str, str]) -> None:
        self._replaced = replaced
        self._routes = [
            (method.upper(), path, re.compile(_pattern(path)))
            for path, methods in schema.document()["paths"].items()
            for method in methods
        ]
        # those without parameters win: /audit-logs/export is not an /audit-logs/{position}
        self._routes.sort(key=lambda route: route[1].count("{"))
        self.found: dict[str, Any] = {}

    @property
    def missing(self) -> list[str]:
        routes = {f"{method} {path}" for method, path, _ in self._routes}
        return sorted(routes - self.found.keys())

    async def heard(self, response: httpx.Response) -> None:
        """To be called with every response; a failure is none of ours."""
        if response.status_code not in SUCCESS:
            return
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            await _frame(response)  # it never ends
        await response.aread()
        request = response.request
        path = request.url.path.rstrip("/") or "/"
        for method, route, pattern in self._routes:
            if method == request.method and (match := pattern.fullmatch(path)):
                kept = self._cleaned(_example(request, response, match.groupdict()))
                known = self.found.setdefault(f"{method} {route}", kept)
                if "files" in known:
                    known["files"] = {**kept["files"], **known["files"]}
                return

    def _cleaned(self, value: Any) -> Any:
        match value:
            case str():
                for text, instead in self._replaced.items():
                    value = value.replace(text, instead)
                return value
            case list():
                return [self._cleaned(item) for item in value[:MOST_ITEMS]]
            case dict():
                return {self._cleaned(key): self._cleaned(item) for key, item in value.items()}
            case _:
                return value


def _pattern(path: str) -> str:
    return re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)


async def _frame(response: httpx.Response) -> None:
    """Let the first frames be all of an event stream."""
    text = ""
    async with asyncio.timeout(PATIENCE):
        async for part in response.aiter_raw():
            text += part.decode()
            if "data:" in text:
                break
    await response.aclose()
    response._content = text.encode()


def _example(
    request: httpx.Request, response: httpx.Response, named: dict[str, str]
) -> dict[str, Any]:
    kept: dict[str, Any] = {"status": response.status_code}
    if named:
        kept["path"] = {key: int(text) if text.isdigit() else text for key, text in named.items()}
    sent = request.headers.get("content-type", "")
    if sent.startswith("application/json") and request.content:
        kept["body"] = json.loads(request.content)
    elif sent.startswith("application/x-www-form-urlencoded"):
        kept["body"] = dict(parse_qsl(request.content.decode()))
    if response.content:
        is_json = response.headers["content-type"] == "application/json"
        answer = response.json() if is_json else response.text[:LONGEST_TEXT]
        if "content-disposition" in response.headers:  # a file, of one of several forms
            kind = response.headers["content-type"].partition(";")[0]
            kept["files"] = {kind: answer}
        else:
            kept["answer"] = answer
    return kept


async def record() -> Recorder:
    """Use everything once."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        dsn = await stack.enter_async_context(embedded_postgres(passable(folder) / "postgres"))
        peers = await stack.enter_async_context(two_peers(20))
        service = await stack.enter_async_context(running_service(dsn))
        recorder = Recorder(
            {
                peers.zammad_url: "https://zammad.example.com",
                peers.kimai_url: "https://kimai.example.com",
                service.url: "https://timeledger.example.com",
                service.url.replace("http://", "json://"): "jsons://chat.example.com",
                ZAMMAD_TOKEN: "the token of a Zammad account",
                KIMAI_TOKEN: "the API token of a Kimai account",
                WEBHOOK_SECRET: "a secret of at least 16 characters",
                ADMIN_PASSWORD: "at-least-twelve-characters",
            }
        )
        service.http.event_hooks["response"] = [recorder.heard]
        await Calls(service, peers).all()
        for route, example in recorder.found.items():
            if route == "POST /token":
                example["answer"]["access_token"] = "eyJhbGciOiJIUzI1NiJ9…"
        return recorder


def passable(folder: Path) -> Path:
    """The database server's own account must pass through it."""
    folder.chmod(0o711)
    return folder


class Calls:
    """What people do with the service, each route at least once."""

    def __init__(self, service: Service, peers: TwoPeers) -> None:
        self._service = service
        self._peers = peers

    async def all(self) -> None:
        """In an order that works."""
        for path in ("/api/health", "/api/ready", "/metrics", "/users/me"):
            await self._service.http.get(path)
        await self._connect()
        await self._map()
        await self._set_up()
        await self._bill()
        await self._reconcile()
        await self._look_after()
        await self._audit()
        await self._leave()

    async def _call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = await self._service.http.request(method, f"{V1}{path}", json=body, params=query)
        return _json(answer) if answer.content else None

    async def _get(self, path: str, **query: Any) -> Any:
        return await self._call("GET", path, **query)

    async def _post(self, path: str, body: Any = None, **query: Any) -> Any:
        return await self._call("POST", path, body, **query)

    async def _download(self, path: str, *forms: str) -> None:
        for form in forms:
            await self._service.http.get(f"{V1}{path}", params={"format": form})

    async def _connect(self) -> None:
        new = {"type": "zammad", "base_url": self._peers.zammad_url, "api_token": ZAMMAD_TOKEN}
        await self._post("/connectors/test", new)
        await connect(self._service, self._peers)
        await self._post("/connectors/validate", connector_id=1)
        await self._get("/connectors", limit=10)
        for sub in ("", "/health", "/health/history"):
            await self._get(f"/connectors/2{sub}")
        await self._call("PATCH", "/connectors/1", {"name": "Service desk"})
        await self._post("/connectors/1/reauth", {"api_token": ZAMMAD_TOKEN})
        await self._post("/connectors/1/resume")
        for kind in ("activities", "projects", "customers", "users"):
            await self._get(f"/connectors/2/{kind}")

    async def _map(self) -> None:
        northwind = {"source_kind": "organization", "source_id": 2, "source_name": "Northwind"}
        for table, new, change in (
            ("", {"zammad_type_id": 99, "kimai_activity_id": 1}, {"billable": True}),
            ("/users", {"zammad_user_id": 5, "kimai_user_id": 2}, {"is_active": True}),
            ("/projects", {**northwind, "kimai_project_id": 1}, {"is_active": True}),
        ):
            path = f"/mappings{table}/{(await self._post(f'/mappings{table}', new))['id']}"
            await self._get(f"/mappings{table}")
            await self._get(path)
            await self._call("PATCH", path, change)
            await self._call("DELETE", path)
            await self._download(f"/mappings{table}/export", "csv", "json")
            await self._post(f"/mappings{table}/import", {"rows": [new]}, dry_run="true")
        await self._get("/mappings/suggestions", kind="users")
        await self._post("/mappings/preview", {"zammad_type_id": 99, "kimai_activity_id": 1})
        await self._post("/mappings/users/preview", {"zammad_user_id": 5, "kimai_user_id": 2})
        await self._post("/mappings/projects/preview", {**northwind, "kimai_project_id": 1})

    async def _set_up(self) -> None:
        bob = {"username": "bob", "password": ADMIN_PASSWORD, "role": "operator"}
        await self._post("/users", bob)
        await self._get("/users")
        await self._call("PATCH", "/users/2", {"full_name": "Bob Baker"})
        await self._get("/schedule")
        mornings = {"cron": "0 9 * * 1-5", "timezone": "Europe/Brussels"}
        await self._post("/schedule/preview", mornings)
        await self._call("PUT", "/schedule", mornings)
        await self._notify()

    async def _notify(self) -> None:
        """To an address that takes whatever it is told."""
        listener = self._service.url.replace("http://", "json://")
        told = {"name": "Night shift", "url": f"{listener}/api/v1/health"}
        channel = await self._post(
            "/notifications", {**told, "events": ["run_failed", "dead_letter"]}
        )
        path = f"/notifications/{channel['id']}"
        await self._get("/notifications")
        await self._get(path)
        await self._call("PATCH", path, {"events": ["run_failed"]})
        await self._post(f"{path}/test")
        await self._call("DELETE", path)

    async def _bill(self) -> None:
        await self._call("PATCH", "/mappings/2", {"is_active": False})  # so that something waits
        alike, likely = _look_alike(self._peers, await self._post("/sync/plans", RANGE))
        plan = await self._post("/sync/plans", RANGE)
        path = f"/sync/plans/{plan['plan_id']}"
        await self._get("/sync/plans")
        await self._get(path)
        await self._get(f"{path}/rows", action="create")
        await self._post(f"{path}/apply", {"digest": plan["digest"]})
        await self._post("/sync/run", RANGE)
        await self._get("/sync/runs")
        await self._get("/sync/runs/1")
        await self._get("/sync/runs/1/entries", action="create")
        await self._get("/sync/kpi")
        await self._get("/mappings/usage", kind="activities", days=366)
        await self._download("/sync/runs/export", "csv", "json")
        written = (await self._get("/entries", state="synced", limit=2))["items"][0]["id"]
        await self._download("/entries/export", "csv", "json", "ndjson")
        await self._get(f"/entries/{written}")
        await self._get(f"/entries/{written}/history")
        await self._get(f"/entries/{written}/explain")
        by_hand = {"timesheet_id": likely, "notes": "entered by hand"}
        await self._post(f"/entries/{alike}/adopt", by_hand)

    async def _reconcile(self) -> None:
        page = await self._get("/reconcile", filter="missing")
        first, second, third = [row["id"] for row in page["items"]][:3]
        await self._get(f"/reconcile/row/{first}")
        await self._get(f"/reconcile/row/{first}/preview", op="skip")
        await self._post(f"/reconcile/row/{first}", {"op": "skip", "notes": "not billed"})
        await self._post(f"/reconcile/row/{first}/undo", {"notes": "it is billed after all"})
        await self._post("/reconcile/bulk", {"ids": [second], "op": "skip"})
        await self._get("/conflicts", resolution_status="pending")
        await self._get(f"/conflicts/{third}")
        noted = {"notes": "asked the customer"}
        await self._call("PATCH", f"/conflicts/{third}", noted)
        await self._call("DELETE", f"/conflicts/{third}")
        matched = (await self._get("/entries", state="synced"))["items"][-1]["id"]
        await self._post(f"/entries/{matched}/ignore", {"reason": "a training"})
        await self._post(f"/entries/{matched}/unignore", {"reason": "no training after all"})
        await self._post(
            "/conflicts", {"time_entry_id": matched, "notes": "is this the right day?"}
        )

    async def _look_after(self) -> None:
        waiting = (await self._get("/entries", state="conflict"))["items"][0]["id"]
        await self._post(f"/entries/{waiting}/retry", {"reason": "the mapping is there now"})
        await self._get("/dead-letters")
        await self._post("/dead-letters/retry", {"filter": {"reason_code": "CREATION_ERROR"}})
        wrong = {"reason": "wrong mapping"}
        await self._post(f"/sync/runs/{await self._begun()}/cancel", wrong)
        await self._deliver()

    async def _begun(self) -> int:
        """A run; what was retried is one, too, and has to end before."""
        now = {"Prefer": "respond-async"}
        answer = await self._in_turn("POST", "/sync/run", json=RANGE, headers=now)
        return int(_json(answer)["run_id"])

    async def _in_turn(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Once no run is in the way."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self._service.http.request(method, f"{V1}{path}", **more)
                if answer.status_code != httpx.codes.CONFLICT:
                    return answer
                await asyncio.sleep(0.05)

    async def _deliver(self) -> None:
        """Zammad says that something happened to a ticket; the whole payload is a hint."""
        body = b'{"ticket":{"id":1},"article":{"id":1}}'
        signature = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha1).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature": f"sha1={signature}",
            "X-Zammad-Delivery": "6f2f1f7e-0b8c-4f0e-9a55-0a3f5f6b7c11",
        }
        hook = f"{V1}/webhook/zammad"
        answer = await self._service.http.post(hook, content=body, headers=headers)
        seen = {"min_position": answer.headers["X-Event-Position"]}
        await self._get("/webhook/deliveries", **seen)
        await self._post("/connectors/1/webhook/test", {"ticket_id": 1})
        await self._post(f"/webhook/deliveries/{_json(answer)['delivery_id']}/replay")

    async def _audit(self) -> None:
        newest = (await self._get("/audit-logs"))["data"][0]["id"]
        await self._get(f"/audit-logs/{newest}")
        await self._download("/audit-logs/export", "csv", "json", "ndjson")
        await self._get("/events", after=0, limit=1)
        await self._get("/events/1")
        await self._get("/events/activity", buckets=2)
        await self._get("/audit/verify")
        await self._post("/audit/compare")
        await self._get("/audit/compare")
        await self._service.http.get(f"{V1}/audit/proof", params={"from": 1, "to": 2})
        await self._get("/system")
        person = (await self._get("/privacy/subjects", q="jonas"))["items"][0]["subject"]
        await self._get("/privacy/export", subject=person)
        await self._post("/privacy/erase", {"subject": person, "confirm": person})
        await self._get("/diff", **{"from": "position:1", "limit": 2})
        await self._service.http.get(f"{V1}/stream", params={"after": 0})

    async def _leave(self) -> None:
        """What ends something."""
        http = self._service.http
        await self._in_turn("DELETE", "/connectors/1")
        change = {
            "current_password": ADMIN_PASSWORD,
            "new_password": "at-least-twelve-other-characters",
        }
        await http.post("/users/me/password", json=change)
        del http.headers["Authorization"]
        login = {"username": ADMIN, "password": change["new_password"]}
        token = _json(await http.post("/token", data=login))["access_token"]
        await http.post("/logout", headers={"Authorization": f"Bearer {token}"})


def _look_alike(peers: TwoPeers, plan: dict[str, Any]) -> tuple[int, int]:
    """Somebody has entered by hand what the plan would create: the entry, and the timesheet."""
    row = next(row for row in plan["rows"] if row["action"] == "create")
    after = row["after"]
    begin, end = (int(datetime.fromisoformat(after[name]).timestamp()) for name in ("begin", "end"))
    made = peers.kimai.add_timesheet(
        user=after["user_id"],
        project=2,
        activity=after["activity_id"],
        begin=begin - begin % 60,
        end=end,
        description=f"On the phone, #{row['ticket_number']}",
    )
    return int(row["entry_id"]), int(made.id)


def _json(response: httpx.Response) -> Any:
    assert response.status_code in SUCCESS, response.text
    return response.json()


def main() -> None:
    """Write the file, and say which routes have no example."""
    recorder = asyncio.run(record())
    text = json.dumps(recorder.found, indent=1, sort_keys=True, ensure_ascii=False)
    FILE.write_text(f"{text}\n", encoding="utf-8")
    for route in recorder.missing:
        print(f"no example: {route}")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
