"""A campaign: work, sync, kill, restart, and again; at the end everything must be right."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import httpx

from adapters.embedded import EmbeddedPostgres
from adapters.sandbox.serve import running
from api.demo.keys import DemoKeys
from api.demo.setup import DemoSetup
from tests.chaos.checker import differences, written_twice
from tests.chaos.instants import Instant, Moment, Spare, Trap, an_instant, faults
from tests.chaos.service import LOOK, PATIENCE, DidNotStart, ServiceProcess, environment, verify
from tests.chaos.town import Town
from tests.chaos.tripwire import Tripwire

QUIET_RUNS = 10  # runs within which everything must have come to rest
FIRST_GUESS = 2.0  # seconds of a usual run, until some were measured
LONGEST_RUN = 120.0  # seconds; with all waits and repetitions some ten are usual

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`kills` are those of a run under way; others, while it starts, come on top.

    A request may still land `limit` seconds after it was sent; the service is told the same.
    """

    seed: int
    kills: int
    limit: float = 2.5
    longest: float = 10.0  # seconds within which kills by the clock are spread, at most
    most_actions: int = 9  # of the agents, before each run
    database_crashes: float = 0.15  # share of rounds
    killed_at_start: float = 0.08  # share of rounds

    @property
    def command(self) -> str:
        return f"KILLS={self.kills} SEED={self.seed} make chaos"


@dataclass
class Outcome:
    """What happened; the campaign is passed when there are no `problems`."""

    kills: int = 0
    rounds: int = 0
    database_crashes: int = 0
    seconds: float = 0.0
    instants: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills in {self.rounds} rounds and {self.seconds:.0f} s,"
            f" {self.database_crashes} crashes of PostgreSQL;"
            f" killed {dict(self.instants)}; runs left to end: {dict(self.ends)}"
        )


class Campaign:
    """One town, one database, one service that is killed again and again."""

    def __init__(
        self,
        plan: Plan,
        town: Town,
        database: EmbeddedPostgres,
        service: ServiceProcess,
        say: Say,
    ) -> None:
        self._plan = plan
        self._town = town
        self._database = database
        self._service = service
        self._say = say
        self._usual: list[float] = []
        self._killed = "by itself"
        self.outcome = Outcome()
        self.wires = {
            "zammad": Tripwire(town.zammad_app, lambda _: None),
            "kimai": Tripwire(town.kimai_app, self._touched),
        }

    async def run(self, zammad_url: str, kimai_url: str) -> None:
        """All rounds, the rest, and the check."""
        await self._begin(zammad_url, kimai_url)
        while self.outcome.kills < self._plan.kills and not self.outcome.problems:
            assert self.outcome.rounds < 5 * self._plan.kills + 20, "too few runs could be killed"
            self.outcome.rounds += 1
            await self._round(Random(f"{self._plan.seed}:{self.outcome.rounds}"))
        if not self.outcome.problems:
            await self._rest()
            self.outcome.problems += differences(self._town)
        self.outcome.problems += await verify(self._service)

    async def _begin(self, zammad_url: str, kimai_url: str) -> None:
        self._town.work(Random(f"{self._plan.seed}:0"), self._plan.most_actions)
        await self._service.launch()
        await self._service.ready()
        async with self._service.client() as http:
            setup = DemoSetup(http, self._town.keys)
            await setup.connect(zammad_url=zammad_url, kimai_url=kimai_url)
            await setup.map(self._town.zammad, self._town.kimai)

    async def _round(self, random: Random) -> None:
        self._prepare(random)
        # of its own, so that a seed kills alike whatever the agents found to do
        fate = Random(f"{self._plan.seed}:{self.outcome.rounds}:fate")
        usual = min(1.2 * median(self._usual[-9:] or [FIRST_GUESS]), self._plan.longest)
        instant = an_instant(fate, usual=usual, limit=self._plan.limit)
        crash = fate.random() < self._plan.database_crashes
        crash_after = fate.uniform(0, 0.5) * usual
        if not self._service.alive:
            await self._start(fate)
        self._note(f"round {self.outcome.rounds}: kill {instant}{', database too' * crash}")
        over = asyncio.Event()
        beside = [asyncio.create_task(self._more_work(random, usual, over))]
        if crash:
            beside.append(asyncio.create_task(self._crash_database(crash_after, over)))
        try:
            await self._killed_run(instant)
        finally:
            over.set()
            for wire in self.wires.values():
                wire.disarm()
            await asyncio.gather(*beside)
        for problem in written_twice(self._town):
            self._problem(f"{problem}, first seen in round {self.outcome.rounds} ({instant})")

    def _prepare(self, random: Random) -> None:
        self._town.work(random, random.randint(3, self._plan.most_actions))
        if not any(wire.busy for wire in self.wires.values()):
            self._town.bill(random)  # nothing is under way that would meet the export
        for peer in (self._town.zammad_app, self._town.kimai_app):
            peer.faults.replace(faults(random), random.randrange(1 << 30))

    async def _start(self, random: Random) -> None:
        await self._service.launch()
        if random.random() < self._plan.killed_at_start:
            await asyncio.sleep(random.uniform(0, 2))
            self._service.kill()
            await self._service.ended()
            self.outcome.instants["while starting"] += 1
            await self._service.launch()
        await self._service.ready()

    async def _killed_run(self, instant: Instant) -> None:
        """One run, killed at `instant` unless it ends first."""
        began = time.monotonic()
        gone = set(self._town.deleted)
        self._killed = "by itself"
        pending: asyncio.Task[None] | None = None
        match instant:
            case Moment(seconds=seconds):
                pending = asyncio.create_task(self._kill_after(seconds))
            case Trap(peer=peer, wire=wire, seconds=seconds):
                self.wires[peer].arm(wire, partial(self._kill, wire.stage.value))
                pending = asyncio.create_task(self._kill_after(seconds))
            case Spare():
                pass
        run = await self._sync()
        if run is None:
            code = await self._service.ended()
            if self._killed == "by itself":
                self._problem(f"the service died by itself with {code}")
            self.outcome.kills += 1
            self.outcome.instants[self._killed] += 1
        else:
            self.outcome.ends[run["state"]] += 1
            self._note(f"  run {run['id']} {run['state']}: {run['error_message']}")
            self._usual.append(time.monotonic() - began)
            if run["state"] == "completed":
                self._town.deleted -= gone
        if pending is not None:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)

    async def _kill_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._kill("by the clock")

    def _kill(self, how: str) -> None:
        self._killed = how
        self._service.kill()

    async def _more_work(self, random: Random, usual: float, over: asyncio.Event) -> None:
        """Agents do not wait for a run to end."""
        after, actions = random.uniform(0, usual), random.randint(0, 3)
        if not await _within(after, over):
            self._town.work(random, actions)

    async def _crash_database(self, after: float, over: asyncio.Event) -> None:
        if not await _within(after, over):
            await self._database.restart()
            self.outcome.database_crashes += 1

    async def _rest(self) -> None:
        """Faults off, and runs until one finds nothing to do."""
        for peer in (self._town.zammad_app, self._town.kimai_app):
            peer.faults.clear()
        await asyncio.gather(*(wire.idle() for wire in self.wires.values()))
        if not self._service.alive:
            await self._service.launch()
            await self._service.ready()
        for _ in range(QUIET_RUNS):
            run = await self._sync()
            if run is None:
                self._problem(f"the service died by itself with {self._service.exit_code}")
                return
            self._note(f"quiet run {run['id']} {run['state']}: {run['error_message']}")
            if run["state"] == "completed" and not _wrote(run):
                break
        else:
            self._problem(f"still busy after {QUIET_RUNS} quiet runs")
        async with self._service.client() as http:
            answer = await http.get("/api/v1/sync/runs", params={"status": "running"})
            if answer.json()["total"]:
                self._problem(f"runs were left running: {answer.json()['data']}")
        if (code := await self._service.stop()) != 0:
            self._problem(f"the service ended with {code} when it was asked to stop")

    async def _sync(self) -> dict[str, Any] | None:
        """A run to its end, as the API shows it; None when the service died meanwhile."""
        async with self._service.client() as http, asyncio.timeout(LONGEST_RUN):
            run_id: int | None = None
            while True:
                try:
                    if run_id is None:
                        run_id = await _asked(http)
                    else:
                        run = await _run(http, run_id)
                        if run is not None and run["status"] != "running":
                            return run
                except httpx.TransportError:
                    if not self._service.alive:
                        return None
                await asyncio.sleep(LOOK)
                if not self._service.alive:
                    return None

    def _touched(self, timesheet_id: int) -> None:
        if timesheet_id in self._town.billed:
            self._problem(f"timesheet {timesheet_id} was written to after it had been exported")

    def _problem(self, text: str) -> None:
        self.outcome.problems.append(text)
        self._say(text)

    def _note(self, text: str) -> None:
        self._say(f"[{self.outcome.kills}/{self._plan.kills}] {text}")


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Whether the event happens in that time; comes back when it does."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _asked(http: httpx.AsyncClient) -> int | None:
    """The number of the run that begins now, or of the one that is active already."""
    answer = await http.post("/api/v1/sync/run", headers={"Prefer": "respond-async"})
    if answer.status_code == httpx.codes.ACCEPTED:
        return int(answer.json()["run_id"])
    if answer.status_code == httpx.codes.CONFLICT:
        active = await http.get("/api/v1/sync/runs", params={"status": "running"})
        rows = active.json().get("data", [])
        return int(rows[0]["id"]) if rows else None
    assert answer.status_code >= 500, answer.text
    return None


async def _run(http: httpx.AsyncClient, run_id: int) -> dict[str, Any] | None:
    answer = await http.get(f"/api/v1/sync/runs/{run_id}")
    return dict(answer.json()) if answer.status_code == httpx.codes.OK else None


def _wrote(run: dict[str, Any]) -> bool:
    names = ("entries_synced", "entries_updated", "entries_deleted", "entries_failed")
    return any(run[name] for name in names)


@asynccontextmanager
async def _peers(campaign: Campaign) -> AsyncIterator[tuple[str, str]]:
    async with (
        running(campaign.wires["zammad"]) as zammad,
        running(campaign.wires["kimai"]) as kimai,
    ):
        yield zammad, kimai


async def carried_out(plan: Plan, folder: Path, say: Say) -> Outcome:
    """The campaign in `folder`, which keeps the log of the service; others may pass through it."""
    async with AsyncExitStack() as stack:
        database = EmbeddedPostgres(folder / "postgres")
        dsn = await database.start()
        stack.push_async_callback(database.stop)
        keys = DemoKeys.of(folder)
        variables = environment(
            dsn,
            SECRET_KEY=keys.secret_key,
            ADMIN_USERNAME=keys.username,
            ADMIN_PASSWORD=keys.password,
            KIMAI_REQUEST_LIMIT_SECONDS=str(plan.limit),
            LOG_LEVEL="info",
        )
        service = ServiceProcess(variables, folder)
        stack.push_async_callback(_end, service)
        campaign = Campaign(plan, Town(keys), database, service, say)
        zammad_url, kimai_url = await stack.enter_async_context(_peers(campaign))
        began = time.monotonic()
        try:
            await campaign.run(zammad_url, kimai_url)
        except (AssertionError, DidNotStart, TimeoutError, httpx.HTTPError) as error:
            campaign.outcome.problems.append(f"{type(error).__name__}: {error}")
        campaign.outcome.seconds = time.monotonic() - began
        return campaign.outcome


async def _end(service: ServiceProcess) -> None:
    if service.alive:
        service.kill()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(service.ended(), PATIENCE)
