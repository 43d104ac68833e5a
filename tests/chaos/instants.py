"""When to kill, and how the peers misbehave meanwhile: drawn from a seed."""

from dataclasses import dataclass
from random import Random

from adapters.sandbox.control import FaultKind, FaultRule
from tests.chaos.tripwire import Stage, Wire

WRITING = frozenset({"POST"})
READING = frozenset({"GET", "POST"})
AFTER_ALL = (Stage.LOST, Stage.LATE, Stage.APPLIED, Stage.ANSWERED)
RECORDS = "/api/timesheets"

# peer, methods, path, up to which request, stages, weight
WIRES: tuple[tuple[str, frozenset[str], str, int, tuple[Stage, ...], int], ...] = (
    ("kimai", WRITING, RECORDS, 4, AFTER_ALL, 44),
    ("kimai", frozenset({"PATCH"}), RECORDS, 2, AFTER_ALL, 14),
    ("kimai", frozenset({"DELETE"}), RECORDS, 1, AFTER_ALL, 8),
    ("kimai", frozenset({"GET"}), RECORDS, 2, (Stage.LOST, Stage.ANSWERED), 12),
    ("kimai", frozenset({"GET"}), "/api/", 3, (Stage.LOST, Stage.ANSWERED), 8),
    ("zammad", READING, "/api/v1/time_accountings", 2, (Stage.LOST, Stage.ANSWERED), 7),
    ("zammad", READING, "/api/v1/", 7, (Stage.LOST, Stage.ANSWERED), 7),
)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Kill so many seconds after the run was asked for."""

    seconds: float

    def __str__(self) -> str:
        return f"after {self.seconds:.3f} s"


@dataclass(frozen=True, kw_only=True)
class Trap:
    """Kill at a request to `peer`; `seconds` after the run was asked for if it never comes."""

    peer: str
    wire: Wire
    seconds: float

    def __str__(self) -> str:
        return f"{self.peer}: {self.wire}, or after {self.seconds:.3f} s"


@dataclass(frozen=True, kw_only=True)
class Spare:
    """Let this run come to its end."""

    def __str__(self) -> str:
        return "not at all"


Instant = Moment | Trap | Spare


def an_instant(random: Random, *, usual: float, limit: float) -> Instant:
    """When to kill in a run that usually takes `usual` seconds.

    `limit` is for how long a request may still land; nothing lands later than that.
    """
    kind = random.choices(("moment", "trap", "spare"), (30, 45, 25))[0]
    if kind == "moment":
        return Moment(seconds=random.uniform(0, usual))
    if kind == "spare":
        return Spare()
    peer, methods, path, most, stages, _ = random.choices(WIRES, [wire[-1] for wire in WIRES])[0]
    stage = random.choice(stages)
    pause = random.uniform(0.3, 0.9) * limit if stage is Stage.LATE else random.uniform(0, 0.02)
    wire = Wire(
        methods=methods,
        path_prefix=path,
        nth=min(random.randint(1, most), random.randint(1, most)),
        stage=stage,
        seconds=pause,
    )
    return Trap(peer=peer, wire=wire, seconds=random.uniform(1, 1.5) * usual)


def faults(random: Random) -> list[FaultRule]:
    """In a storm one request in six goes wrong, each in one of a dozen ways; one in three is slow.

    Mostly the weather is better than that.
    """
    strength = random.choices((0.0, 0.3, 1.0), (25, 40, 35))[0]
    kinds = [
        (FaultKind.TOO_MANY, 0.018),
        (FaultKind.ERROR_BEFORE, 0.02),
        (FaultKind.ERROR_AFTER, 0.02),
        (FaultKind.RESET_BEFORE, 0.02),
        (FaultKind.RESET_AFTER, 0.02),
        (FaultKind.STALL, 0.02),
        (FaultKind.TRUNCATE, 0.02),
        (FaultKind.TRUNCATE_CLEAN, 0.01),
        (FaultKind.HTML, 0.01),
        (FaultKind.HTML_AFTER, 0.01),
        (FaultKind.REPEAT_ROWS, 0.02),
        (FaultKind.HANG_AFTER_APPLY, 0.01),
    ]
    # all requests wait a whole second then: one in ten of such answers is enough to meet it
    later = FaultRule(kind=FaultKind.TOO_MANY, probability=strength * 0.002, retry_after=1)
    slow = FaultRule(kind=FaultKind.LATENCY, probability=0.33, seconds=random.uniform(0.005, 0.05))
    return [
        slow,
        later,
        *(
            FaultRule(
                kind=kind,
                probability=strength * probability,
                seconds=random.uniform(0.05, 0.4),
                retry_after=random.choice((None, 0)),
                status=random.choice((None, 503, 504)),
            )
            for kind, probability in kinds
        ),
    ]
