"""How long the dashboard's questions take, over real HTTP, with much and with little in the ledger.

`python -m tests.bench.bench_views [large [small]]`: lines `kpi`, `list_entries`, `audit` and
`reconcile`, each the slowest of its questions at the 95th percentile; `slow` lists those that no
bound is set for. The ledgers are made at the first call, which takes long, and kept
(`tests/bench/ledgers.py`).
"""

import json
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import uvloop
from cryptography.fernet import Fernet

from adapters.collecting import spare_what_stays
from api import logs
from api.app import create_app
from api.cursors import encoded
from api.server import bound, serving
from api.services import Services
from api.settings import load_settings
from api.wiring import opened
from domain.account.decide import ACCOUNT
from domain.handling import state_of
from tests.bench.ledgers import LARGE, SMALL, kept, ledger
from tests.support.ledgers import ENCRYPTION_KEYS

BOUND, MOST_RATIO = 25.0, 2.0  # milliseconds; of the time with little in the ledger
ROUNDS, WARM = 60, 10
SLOW_ROUNDS = 5
SAME = 2.0  # milliseconds: below that, twice as long is the noise of the machine

Query = Mapping[str, Any]
Question = tuple[str, Query]


@dataclass
class Side:
    """One ledger behind a service."""

    http: httpx.AsyncClient
    own: Services
    bookings: int
    row: str = ""  # the newest row that waits for a person

    async def ask(self, question: Question) -> float:
        """Milliseconds until the whole answer is there."""
        path, query = question
        began = time.perf_counter()
        answer = await self.http.get(f"/api/v1/{path}", params=query)
        took = (time.perf_counter() - began) * 1000
        assert answer.status_code == 200, answer.text
        return took


@asynccontextmanager
async def side(dsn: str, bookings: int) -> AsyncIterator[Side]:
    """A service that only answers."""
    settings = load_settings(
        env_file=None,
        database_url=dsn,
        secret_key=Fernet.generate_key().decode(),
        encryption_key=",".join(ENCRYPTION_KEYS),
    )
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(opened(settings, dsn))
        account = await state_of(own.store, ACCOUNT, "user-1")
        assert account is not None
        token, _ = own.tokens.issue(
            username=account.username.value or "",
            user_id=account.user_id,
            generation=account.generation,
            now=datetime.now(UTC),
        )
        listener = stack.enter_context(bound("127.0.0.1", 0))
        url = await stack.enter_async_context(serving(create_app(own), listener))
        headers = {"Authorization": f"Bearer {token}"}
        http = httpx.AsyncClient(base_url=url, headers=headers, timeout=120)
        await stack.enter_async_context(http)
        rows = (
            (await http.get("/api/v1/reconcile?filter=missing")).raise_for_status().json()["items"]
        )
        yield Side(http, own, bookings, row=rows[0]["id"])


def kpi(_: Side) -> Mapping[str, Question]:
    return {name: ("sync/kpi", {"range": name}) for name in ("7d", "30d", "90d")}


def entries(at: Side) -> Mapping[str, Question]:
    """What people look for; the deep page begins in the middle of everything."""
    middle = date.today() - timedelta(days=42)  # noqa: DTZ011 # any day will do
    week = {"start_date": str(middle), "end_date": str(middle + timedelta(days=6))}
    place = (str(middle), 10_000_000_000 + at.bookings // 2)
    cursor = encoded("entries:-entry_date", place, at.own.secret)
    many = encoded("entries:-minutes", ("45", 10_000_000_000 + at.bookings // 2), at.own.secret)
    run = at.bookings // 1000  # the one in the middle
    questions: dict[str, Query] = {
        "first page": {},
        "deep page": {"cursor": cursor},
        "200 a page": {"limit": 200},
        "oldest first": {"sort": "entry_date"},
        "by update": {"sort": "-updated_at"},
        "by minutes": {"sort": "-minutes"},
        "by minutes, deep": {"sort": "-minutes", "cursor": many},
        "by ticket": {"sort": "ticket"},
        "synced": {"state": "synced"},
        "conflict": {"state": "conflict"},
        "failed": {"state": "failed"},
        "failed, by update": {"state": "failed", "sort": "-updated_at"},
        "pending or writing": {"state": ["pending", "writing"]},
        "a week": week,
        "conflicts of a week": {**week, "state": "conflict"},
        "a run": {"run_id": run},
    }
    return {name: ("entries", query) for name, query in questions.items()}


def slow_entries(_: Side) -> Mapping[str, Question]:
    """Parts of texts, which no index without an extension finds; days in another order."""
    middle = date.today() - timedelta(days=42)  # noqa: DTZ011 # any day will do
    week = {"start_date": str(middle), "end_date": str(middle + timedelta(days=6))}
    return {
        "a week by update": ("entries", {**week, "sort": "-updated_at"}),
        "ticket=10050": ("entries", {"ticket": "10050"}),
        "user=agent3": ("entries", {"user": "agent3"}),
        "customer=Customer 7": ("entries", {"customer": "customer 7"}),
        "q=tunnel": ("entries", {"q": "tunnel"}),
        "q=nowhere": ("entries", {"q": "nowhere to be found"}),
    }


def audit(at: Side) -> Mapping[str, Question]:
    middle = date.today() - timedelta(days=42)  # noqa: DTZ011 # any day will do
    week = {"start_date": str(middle), "end_date": str(middle + timedelta(days=6))}
    questions: dict[str, Query] = {
        "first page": {},
        "tenth page": {"skip": 1000},
        "an action": {"action": "login_failed"},
        "a rare action": {"action": "mapping_created"},
        "syncs": {"action_type": "sync"},
        "access": {"action_type": "access"},
        "a week": week,
        "failed logins of a week": {**week, "action": "login_failed"},
        "an entity": {"entity": "mapping:3"},
        "a run": {"run_id": at.bookings // 1000},
        "a correlation": {"correlation_id": f"run-{at.bookings // 1000}"},
    }
    return {name: ("audit-logs/", query) for name, query in questions.items()}


def slow_audit(_: Side) -> Mapping[str, Question]:
    return {
        "audit user=agent3": ("audit-logs/", {"user": "agent3"}),
        "audit an address": ("audit-logs/", {"ip_address": "192.0.2.9"}),
        "audit an entity type": ("audit-logs/", {"entity": "sync_run"}),
        "audit skip=5000": ("audit-logs/", {"skip": 5000}),
    }


def reconcile(at: Side) -> Mapping[str, Question]:
    """Rows that wait, matches, one row with its history, and conflicts ever opened."""
    questions: dict[str, Query] = {
        "conflicts": {},
        "missing": {"filter": "missing"},
        "matches": {"filter": "matches"},
        "all": {"filter": "all"},
        "tenth page": {"filter": "missing", "page": 10},
        "tenth page of matches": {"filter": "matches", "page": 10},
        "200 a page": {"filter": "missing", "pageSize": 200},
        "a reason": {"filter": "all", "reason": "UNMAPPED_ACTIVITY"},
        "a ticket of matches": {"filter": "matches", "q": "10050"},
        "a text in no open row": {"filter": "missing", "q": "nowhere to be found"},
        "a text in all open rows": {"filter": "missing", "q": "agent"},
    }
    return {
        **{name: ("reconcile", query) for name, query in questions.items()},
        "one row": (f"reconcile/row/{at.row}", {}),
        "pending conflicts": ("conflicts", {"resolution_status": "pending"}),
        "conflicts ever": ("conflicts", {}),
    }


def percentile(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


async def measured(
    sides: Sequence[Side], questions: Sequence[Mapping[str, Question]], rounds: int
) -> list[dict[str, float]]:
    """The 95th percentile of each question at each side; in turn, so that noise falls on all."""
    times: list[dict[str, list[float]]] = [{name: [] for name in each} for each in questions]
    for number in range(-min(WARM, rounds), rounds):
        for name in questions[0]:
            for side, asked, took in zip(sides, questions, times, strict=True):
                milliseconds = await side.ask(asked[name])
                if number >= 0:
                    took[name].append(milliseconds)
    return [{name: percentile(took, 0.95) for name, took in each.items()} for each in times]


async def line(bench: str, large: Side, small: Side, questions: Any) -> None:
    """Print the slowest question of a line, whether it is in bounds, and all of them beside it."""
    sides = (large, small)
    much, little = await measured(sides, [questions(each) for each in sides], ROUNDS)
    # a large ledger may take as long as twice the small one, or as what nobody can tell apart
    ratios = {name: much[name] / max(little[name], SAME) for name in much}
    worst = max(much, key=lambda name: max(much[name] / BOUND, ratios[name] / MOST_RATIO))
    result = {
        "bench": bench,
        "value": round(much[worst], 1),
        "unit": "ms",
        "baseline": round(little[worst], 1),
        "ratio": round(ratios[worst], 2),
        "worst": worst,
        "held": much[worst] <= BOUND and ratios[worst] <= MOST_RATIO,
        "bookings": large.bookings,
        "p95": {name: [round(much[name], 1), round(little[name], 1)] for name in much},
    }
    print(json.dumps(result), flush=True)


async def slow(large: Side) -> None:
    """Print what has no bound."""
    questions = {**slow_entries(large), **slow_audit(large)}
    (found,) = await measured([large], [questions], SLOW_ROUNDS)
    print(
        json.dumps(
            {
                "bench": "slow",
                "unit": "ms",
                "bookings": large.bookings,
                "p95": {name: round(took, 1) for name, took in found.items()},
            }
        ),
        flush=True,
    )


async def run(sizes: Sequence[int]) -> None:
    logs.configure("error")
    with kept() as server:
        async with AsyncExitStack() as stack:
            sides = [
                await stack.enter_async_context(
                    side(await stack.enter_async_context(ledger(server, bookings)), bookings)
                )
                for bookings in sizes
            ]
            large, small = sides
            spare_what_stays()
            await line("kpi", large, small, kpi)
            await line("list_entries", large, small, entries)
            await line("audit", large, small, audit)
            await line("reconcile", large, small, reconcile)
            await slow(large)


def main() -> int:
    given = [int(size) for size in sys.argv[1:]]
    sizes = (*given, *(LARGE, SMALL)[len(given) :])
    uvloop.run(run(sizes))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
