"""Carries out queued webhook jobs: signed requests, five attempts, an HTTP log.

Source: peers/zammad.md §5.1.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import httpx
import msgspec

from adapters.sandbox.zammad import payload, triggers
from adapters.sandbox.zammad.records import Trigger, Webhook, WebhookJob
from adapters.sandbox.zammad.store import Store

ATTEMPTS = 5
WAIT = 10.0  # seconds, times the number of attempts already made: 10, 20, 30, 40
CONNECT, READ, TOTAL = 4.0, 30.0, 60.0  # seconds
LOGGED = 500  # newest attempts kept
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class HttpLogEntry:
    """One attempt, as Zammad's HTTP log shows it."""

    id: int
    facility: str
    direction: str
    method: str
    url: str
    status: str  # the HTTP status, or the exception's text
    delivery: str
    trigger: str
    attempt: int
    request: str
    response: str
    created_at: str


class WebhookDelivery:
    """The background worker: one task per job, nothing orders them."""

    def __init__(
        self,
        store: Store,
        log: deque[HttpLogEntry],
        *,
        sleep: Sleep = asyncio.sleep,
        wait_factor: float = 1.0,
        timeouts: tuple[float, float, float] = (CONNECT, READ, TOTAL),
    ) -> None:
        """`sleep` and `wait_factor` shorten the waits between attempts; `timeouts` are seconds."""
        self.wait_factor = wait_factor
        self._store = store
        self._log = log
        self._sleep = sleep
        self._timeouts = timeouts
        self._attempts = 0
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._clients: dict[bool, httpx.AsyncClient] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Begin working; jobs left by an earlier process run at once."""
        self._loop = asyncio.get_running_loop()
        self._store.after_commit.append(self._told)
        self._pick_up()

    async def stop(self) -> None:
        """Stop working; unfinished jobs stay queued."""
        if self._told in self._store.after_commit:
            self._store.after_commit.remove(self._told)
        self._loop = None
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def settled(self) -> None:
        """Wait until no job is left."""
        while len(self._store.jobs) and self._loop is not None:
            await asyncio.sleep(0)
            self._pick_up()
            if self._tasks:
                await asyncio.wait(list(self._tasks.values()))

    def _told(self, tables: set[str]) -> None:
        if "jobs" in tables and self._loop is not None:
            self._loop.call_soon_threadsafe(self._pick_up)

    def _pick_up(self) -> None:
        if self._loop is None:
            return
        for job in self._store.jobs:
            if job.id not in self._tasks:
                task = self._loop.create_task(self._work(job.id))
                self._tasks[job.id] = task
                task.add_done_callback(partial(self._forget, job.id))

    def _forget(self, job_id: int, _: asyncio.Task[None]) -> None:
        self._tasks.pop(job_id, None)

    async def _work(self, job_id: int) -> None:
        while (job := self._store.jobs.get(job_id)) is not None:
            done = await self._attempt(job)
            attempts = job.attempts + 1
            if job_id not in self._store.jobs:
                return  # the sandbox was reset meanwhile
            with self._store.transaction():
                if done or attempts >= ATTEMPTS:
                    self._store.drop(self._store.jobs, job_id)
                    return
                self._store.put(self._store.jobs, msgspec.structs.replace(job, attempts=attempts))
            await self._sleep(WAIT * attempts * self.wait_factor)

    async def _attempt(self, job: WebhookJob) -> bool:
        """Send once; True when there is nothing more to do (sent, or silently dropped)."""
        store = self._store
        trigger, ticket = store.triggers.get(job.trigger_id), store.tickets.get(job.ticket_id)
        article = store.articles.get(job.article_id)
        if trigger is None or ticket is None or (job.article_id is not None and article is None):
            return True
        webhook = store.webhooks.get(triggers.webhook_of(trigger.perform))
        if webhook is None or not webhook.active:
            return True
        body = msgspec.json.encode(payload.build(store, ticket, article))
        status, answer = await self._send(webhook, _headers(trigger, webhook, job, body), body)
        self._attempts += 1
        self._log.append(
            HttpLogEntry(
                id=self._attempts,
                facility="webhook",
                direction="out",
                method=webhook.http_method.upper(),
                url=webhook.endpoint,
                status=status,
                delivery=job.delivery,
                trigger=trigger.name,
                attempt=job.attempts + 1,
                request=body.decode(),
                response=answer,
                created_at=store.now_text(),
            )
        )
        return status.startswith("2") and status.isdigit()

    async def _send(
        self, webhook: Webhook, headers: dict[str, str], body: bytes
    ) -> tuple[str, str]:
        connect, read, total = self._timeouts
        auth = None
        if webhook.basic_auth_username:
            auth = httpx.BasicAuth(webhook.basic_auth_username, webhook.basic_auth_password or "")
        try:
            async with asyncio.timeout(total):
                answer = await self._client(verify=webhook.ssl_verify).request(
                    webhook.http_method.upper(),
                    webhook.endpoint,
                    content=body,
                    headers=headers,
                    auth=auth,
                    timeout=httpx.Timeout(read, connect=connect),
                )
                return str(answer.status_code), answer.text[:1000]
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return f"{type(error).__name__}: {error}", ""

    def _client(self, *, verify: bool) -> httpx.AsyncClient:
        if verify not in self._clients:
            self._clients[verify] = httpx.AsyncClient(
                verify=verify, follow_redirects=False, trust_env=False
            )
        return self._clients[verify]


def _headers(trigger: Trigger, webhook: Webhook, job: WebhookJob, body: bytes) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Zammad User Agent",
        "X-Zammad-Trigger": trigger.name,
        "X-Zammad-Delivery": job.delivery,
    }
    if webhook.signature_token:
        headers["X-Hub-Signature"] = payload.signature(webhook.signature_token, body)
    if webhook.bearer_token:
        headers["Authorization"] = f"Bearer {webhook.bearer_token}"
    return headers
