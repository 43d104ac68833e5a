"""A campaign: a seed's history, with faults, kills and crashes; at the end all must be right."""

import asyncio
import contextlib
import copy
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from math import ceil, inf
from pathlib import Path
from random import Random
from statistics import median

import httpx

from adapters.embedded import EmbeddedPostgres
from api.demo.keys import DemoKeys
from domain.sync.glancing import SENT_BY
from domain.sync.limits import LIMITS
from domain.sync.refusing import REFUSALS
from tests.chaos.administrator import Administrator
from tests.chaos.checker import differences, written_twice
from tests.chaos.diary import Diary, House
from tests.chaos.hasty import limit_for
from tests.chaos.history import Operation, Round, rounds
from tests.chaos.instants import Instant, Moment, Spare, Trap, an_instant, faults
from tests.chaos.marks import booking_of
from tests.chaos.nursery import Nursery
from tests.chaos.service import PATIENCE, DidNotStart, ServiceProcess, environment, verify
from tests.chaos.town import Town
from tests.chaos.tripwire import CHANGES, Tripwire
from tests.support.guarded import running

AFTER_RUN = 0.4  # seconds; a job that a run kept waiting is tried again within 0.2 s
CALM, MOST_LOOKS = 3, 60  # looks that must find nothing under way, and looks at all
FEW_LOOKS = 10  # where what waits for the next run is no sign of work under way
MOST_QUIET_RUNS = 9
TICK = 0.05  # seconds
FIRST_GUESS = 2.0  # seconds of a usual run, until some were measured
# Its processes are killed, the machine goes on: what was written is there, flushed or not.
ONLY_PROCESSES_DIE = {"fsync": "off", "full_page_writes": "off"}
LISTING = "KIMAI_FULL_LISTING_HOURS"
PATIENCE_WITH_KIMAI = "KIMAI_REQUEST_LIMIT_SECONDS"
# seconds; a request that a busy machine holds up for longer than the campaign's short limit would
# be a fault like any other, and at the end there are to be none
LONG = "30"
SKEW = 90.0  # seconds that a peer's clock is wrong, at most; ours is right
# seconds in which a change may rest on a list: the bound, and as long on its way on a busy machine
LIST_LASTS = 2 * SENT_BY.total_seconds()
MOST_APPROVED = 200  # entries of one plan
SHOWN = 12  # problems of one seed; the first ones say what is wrong

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One seed. A request may still land `limit` seconds after it was sent; the service knows."""

    seed: int
    operations: int
    limit: float = 0.8
    longest: float = 6.0  # seconds within which kills by the clock are spread, at most
    database_crashes: float = 0.15  # share of rounds
    killed_at_start: float = 0.08  # share of rounds

    @property
    def command(self) -> str:
        return f"SEED={self.seed} SEEDS=1 OPERATIONS={self.operations} make chaos"


@dataclass
class Outcome:
    """What happened; the campaign is passed when there are no `problems`."""

    operations: int = 0
    kills: int = 0
    rounds: int = 0
    database_crashes: int = 0
    seconds: float = 0.0
    timesheets: int = 0
    approved: int = 0  # deletions
    spent: dict[str, float] = field(
        default_factory=lambda: defaultdict(float)
    )  # seconds, by what they went into
    instants: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    conflicts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.operations} operations in {self.rounds} rounds and {self.seconds:.0f} s,"
            f" {self.kills} kills, {self.database_crashes} crashes of PostgreSQL;"
            f" killed {dict(self.instants)}; runs left to end: {dict(self.ends)};"
            f" {self.timesheets} timesheets, {self.approved} deletions approved;"
            f" open conflicts: {dict(self.conflicts)};"
            f" seconds { ({name: round(seconds, 1) for name, seconds in self.spent.items()}) }"
        )

    @contextlib.contextmanager
    def spending(self, what: str) -> Iterator[None]:
        """Count the time of the block."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.spent[what] += time.monotonic() - began


class Campaign:
    """One town, one database, one service that is killed again and again."""

    def __init__(
        self,
        plan: Plan,
        town: Town,
        database: EmbeddedPostgres,
        service: ServiceProcess,
        nursery: Nursery,
        say: Say,
    ) -> None:
        self._plan = plan
        self._town = town
        self._database = database
        self._service = service
        self._nursery = nursery
        self._administrator = Administrator(town, service)
        self._say = say
        self._usual: list[float] = []
        self._killed = "by itself"
        self._began = time.monotonic()
        self._stall = 0.0  # seconds, the longest
        # timesheet → exported when it was last read, and until when that excuses a change
        self._knew: dict[int, tuple[bool, float]] = {}
        self.outcome = Outcome()
        self.wires = {
            "zammad": Tripwire(town.zammad_app, lambda *_: None, lambda *_: None),
            "kimai": Tripwire(town.kimai_app, self._heard, self._shown),
        }

    async def run(self, zammad_url: str, kimai_url: str) -> None:
        """All rounds, the rest, and the check."""
        watch = asyncio.create_task(self._watch_the_machine())
        try:
            await self._all(zammad_url, kimai_url)
        finally:
            watch.cancel()
            if self.outcome.problems and self._stall > self._plan.limit / 2:
                self.outcome.problems.append(
                    f"The peers stood still for {self._stall:.1f} s: a request may have landed"
                    f" later than the {self._plan.limit} s that the service was told. Repeat it."
                )

    async def _watch_the_machine(self) -> None:
        """On a machine that is too busy the peers break a promise that the service relies on."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(TICK)
            self._stall = max(self._stall, time.monotonic() - before - TICK)

    async def _all(self, zammad_url: str, kimai_url: str) -> None:
        with self.outcome.spending("setting up"):
            await self._service.launch()
            await self._service.ready()
            await self._administrator.set_up(zammad_url, kimai_url)
        for each in rounds(self._plan.seed, self._plan.operations, self._town.author):
            self.outcome.rounds += 1
            await self._round(each)
            if self.outcome.problems:
                return
        with self.outcome.spending("the rest"):
            await self._rest()
        with self.outcome.spending("verifying"):
            self.outcome.problems += await verify(self._service, self._nursery)

    # -- one round ----------------------------------------------------------------------------

    async def _round(self, each: Round) -> None:
        # of its own, so that a seed kills alike whatever it found to do
        fate = Random(f"{self._plan.seed}:{each.number}:fate")
        for operation in each.before:
            self._do(operation)
        self._weather(fate)
        usual = min(1.2 * median(self._usual[-9:] or [FIRST_GUESS]), self._plan.longest)
        instant = an_instant(fate, usual=usual, limit=self._plan.limit)
        if each.number == 1:  # how long a run takes is not known yet
            instant = Spare()
        crash = fate.random() < self._plan.database_crashes
        crash_after = fate.uniform(0, 0.5) * usual
        if not self._service.alive:
            with self.outcome.spending("starts"):
                await self._start(fate)
        with self.outcome.spending("wishes"):
            await self._administrator.fulfil_wishes()
        self._note(f"round {each.number}: kill {instant}{', database too' * crash}")
        over = asyncio.Event()
        beside = [asyncio.create_task(self._meanwhile(each, usual, over))]
        if crash:
            beside.append(asyncio.create_task(self._crash_database(crash_after, over)))
        try:
            with self.outcome.spending("runs"):
                await self._killed_run(instant)
        finally:
            over.set()
            for wire in self.wires.values():
                wire.disarm()
            with self.outcome.spending("after runs"):
                await asyncio.gather(*beside)
        for problem in written_twice(self._town):
            self._problem(f"{problem}, first seen in round {each.number} ({instant})")

    def _do(self, operation: Operation) -> None:
        self._town.apply(operation)
        self.outcome.operations += 1

    def _weather(self, fate: Random) -> None:
        """Other faults, and other clocks, for each round."""
        for peer in (self._town.zammad_app, self._town.kimai_app):
            peer.faults.replace(faults(fate), fate.randrange(1 << 30))
        for state in (self._town.zammad, self._town.kimai):
            state.clock.skew(timedelta(seconds=fate.uniform(-SKEW, SKEW)))

    async def _start(self, fate: Random) -> None:
        """Some lives list all of Kimai with every run, the others as a service does by default."""
        self._service.variables[LISTING] = fate.choice(("0", "24", "24"))
        await self._service.launch()
        if fate.random() < self._plan.killed_at_start:
            await asyncio.sleep(fate.uniform(0, 2))
            self._service.kill()
            await self._service.ended()
            self.outcome.instants["while starting"] += 1
            await self._service.launch()
        await self._service.ready()

    async def _killed_run(self, instant: Instant) -> None:
        """One run, killed at `instant` unless it ends first."""
        began = time.monotonic()
        unseen = set(self._town.unseen)
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
        with self._town.running():
            run = await self._administrator.run()
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
                self._town.unseen -= unseen
        if pending is not None:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)

    async def _kill_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._kill("by the clock")

    def _kill(self, how: str) -> None:
        self._killed = how
        self._service.kill()

    async def _meanwhile(self, each: Round, usual: float, over: asyncio.Event) -> None:
        """People do not wait for a run to end."""
        pause = usual / (len(each.meanwhile) + 1)
        for operation in each.meanwhile:
            await _within(pause, over)
            self._do(operation)
            if not over.is_set():
                await self._administrator.fulfil_wishes()

    async def _crash_database(self, after: float, over: asyncio.Event) -> None:
        if not await _within(after, over):
            await self._database.restart()
            self.outcome.database_crashes += 1

    # -- the end ------------------------------------------------------------------------------

    async def _rest(self) -> None:
        """Faults off, one run, and everything is right; a second one finds nothing to do."""
        for peer in (self._town.zammad_app, self._town.kimai_app):
            peer.faults.clear()
        await asyncio.gather(*(wire.idle() for wire in self.wires.values()))
        if self._service.alive:
            await self._stop()
        self._service.variables[LISTING] = "0"
        self._service.variables[PATIENCE_WITH_KIMAI] = LONG
        await self._service.launch()
        await self._service.ready()
        await self._administrator.fulfil_wishes()
        await self._come_to_rest()
        await self._check()
        written = self.wires["kimai"].writes
        await self._quiet_run()
        if self.wires["kimai"].writes != written:
            self._problem("a second quiet run found something to write")
        if self._town.diary.house.delete_policy == "delete":
            await self._approve()
        if left := await self._administrator.runs_left_running():
            self._problem(f"runs were left running: {left}")
        await self._stop()

    async def _come_to_rest(self) -> None:
        """One quiet run, or as many as it takes, but not many.

        Where days are stacked, a place that one run frees is given away by the next, and what was
        deleted in Kimai frees one without any write. Where Kimai refused more than a run asks about
        again, each run asks about another part of them; of what is left then the parts are others.
        """
        stacked, rested = self._town.diary.house.is_stacked, 0
        takes_several = stacked
        for _ in range(MOST_QUIET_RUNS):
            takes_several |= await self._parts_of_refused() > 1
            written = self.wires["kimai"].writes
            await self._quiet_run()
            rested = rested + 1 if self.wires["kimai"].writes == written else 0
            enough = max(1 + stacked, await self._parts_of_refused())
            if not takes_several or rested >= enough:
                return

    async def _parts_of_refused(self) -> int:
        """In how many parts what Kimai refused is asked about, one with each run."""
        waiting = (await self._administrator.open_conflicts()).values()
        refused = sum(row["reason_code"] in REFUSALS for row in waiting)
        return ceil(refused / LIMITS.refused_entries)

    async def _quiet_run(self) -> None:
        with self._town.running():
            run = await self._administrator.run()
        if run is None:
            self._problem(f"the service died by itself with {self._service.exit_code}")
            return
        self._note(f"quiet run {run['id']} {run['state']}: {run['error_message']}")
        if run["state"] != "completed":
            self._problem(f"the quiet run ended as {run['state']}: {run['error_message']}")
        await self._calm()

    async def _calm(self) -> None:
        """Wait for what a run or a changed mapping leaves to be done after it, if anything."""
        quiet, looks = 0, 0
        most = FEW_LOOKS if self._town.diary.house.is_stacked else MOST_LOOKS
        while quiet < CALM and looks < most:
            await asyncio.sleep(AFTER_RUN)
            running = await self._administrator.runs_left_running()
            busy = running or await self._administrator.unfinished()
            quiet, looks = (0 if busy else quiet + 1), looks + 1

    async def _check(self) -> None:
        conflicts = {
            booking: row["reason_code"]
            for booking, row in (await self._administrator.open_conflicts()).items()
        }
        self.outcome.conflicts.update(conflicts.values())
        self.outcome.timesheets = len(self._town.kimai.timesheets)
        found = differences(self._town, conflicts)
        for booking, row in (await self._administrator.unfinished()).items():
            found.append(f"booking {booking} was left {row['state']}: {row['reason_code']}")
        for problem in found[:SHOWN]:
            self._problem(problem)
            if (named := re.search(r"booking (\d+)", problem)) is not None:
                story = await self._administrator.story(int(named[1]))
                self._service.log.with_name(f"booking-{named[1]}.log").write_text("\n".join(story))
        if len(found) > SHOWN:
            self._problem(f"and {len(found) - SHOWN} more")

    async def _approve(self) -> None:
        """A person approves of deletions that were held back: these are made, and nothing else."""
        kimai, zammad = self._town.kimai, self._town.zammad
        held = {
            booking: row
            for booking, row in (await self._administrator.open_conflicts()).items()
            if row["reason_code"] == "SOURCE_DELETED" and booking not in zammad.entries
        }
        meant = dict(list(held.items())[:MOST_APPROVED])
        before = copy.deepcopy(dict(kimai.timesheets))
        gone = {
            key
            for key, sheet in before.items()
            if booking_of(sheet) in meant and not sheet.exported and key not in self._town.copies
        }
        if not gone:
            return
        run = await self._administrator.approve([int(row["id"]) for row in meant.values()])
        if run["state"] != "completed":
            self._problem(f"the approved plan ended as {run['state']}: {run['error_message']}")
        # who edited one in Kimai, or copied it, is asked again, and it may stay
        copied = {booking_of(sheet) for sheet in self._town.copies.values()}
        may_stay = self._town.diary.edited.keys() | {
            key for key, sheet in before.items() if booking_of(sheet) in copied
        }
        now = dict(kimai.timesheets)
        deleted = before.keys() - now.keys()
        if not gone - may_stay <= deleted <= gone:
            self._problem(f"an approved plan was to delete {gone} and deleted {deleted}")
        if any(before[key] != sheet for key, sheet in now.items()):
            self._problem("an approved plan changed other timesheets")
        self.outcome.approved = len(deleted)

    async def _stop(self) -> None:
        if (code := await self._service.stop()) != 0:
            self._problem(f"the service ended with {code} when it was asked to stop")

    # -- what is heard and said ---------------------------------------------------------------

    def _heard(self, method: str, timesheet_id: int, arrived: float) -> None:
        """A change of what was exported is excused if it was not yet when it was last read."""
        if method not in CHANGES:
            self._knew[timesheet_id] = timesheet_id in self._town.billed, inf
        elif timesheet_id in self._town.billed:
            exported, until = self._knew.get(timesheet_id, (True, inf))
            if exported or arrived > until:
                self._problem(f"timesheet {timesheet_id} was written to after it was exported")
            self._town.excused.add(timesheet_id)

    def _shown(self, exported: dict[int, bool], answered: float) -> None:
        """A list excuses only what is changed right after it; what was read alone stays so."""
        until = answered + LIST_LASTS
        for timesheet_id, billed in exported.items():
            if billed or self._knew.get(timesheet_id, (True, inf)) != (False, inf):
                self._knew[timesheet_id] = billed, until

    def _problem(self, text: str) -> None:
        self.outcome.problems.append(text)
        self._say(text)

    def _note(self, text: str) -> None:
        done = f"{self.outcome.operations}/{self._plan.operations}"
        self._say(f"[{done}, {time.monotonic() - self._began:.1f} s] {text}")


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Whether the event happens in that time; comes back when it does."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


@asynccontextmanager
async def _peers(campaign: Campaign) -> AsyncIterator[tuple[str, str]]:
    async with (
        running(campaign.wires["zammad"], peer=campaign._town.zammad_app) as zammad,
        running(campaign.wires["kimai"], peer=campaign._town.kimai_app) as kimai,
    ):
        yield zammad, kimai


async def carried_out(plan: Plan, folder: Path, say: Say) -> Outcome:
    """The campaign in `folder`, which keeps the log of the service; others may pass through it."""
    async with AsyncExitStack() as stack:
        database = EmbeddedPostgres(folder / "postgres", settings=ONLY_PROCESSES_DIE)
        dsn = await database.start()
        stack.push_async_callback(database.stop)
        keys = DemoKeys.of(folder)
        variables = environment(
            dsn,
            SECRET_KEY=keys.secret_key,
            ADMIN_USERNAME=keys.username,
            ADMIN_PASSWORD=keys.password,
            **{PATIENCE_WITH_KIMAI: str(limit_for(plan.limit))},
            LOG_LEVEL="info",
        )
        nursery = Nursery("tests.chaos.hasty")
        stack.push_async_callback(nursery.close)
        service = ServiceProcess(variables, folder, nursery)
        stack.push_async_callback(_end, service)
        town = Town(keys, Diary(House.of(Random(f"{plan.seed}:house"))))
        campaign = Campaign(plan, town, database, service, nursery, say)
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
