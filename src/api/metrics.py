"""What `/metrics` shows: this process as it counts itself, and the ledger as the views add it up.

Labels are closed sets: routes are templates, never paths; nothing is named by an id but connectors,
of which there are a few.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.flow.breaker import BreakerState
from projections.entry_totals import row_of
from projections.tally import Amounts

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NOWHERE = "unmatched"  # the route of a request that none was found for
OTHER = "other"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
STATES = ("pending", "writing", "synced", "conflict", "failed", "ignored", "withdrawn")
MOST_ROUTES = 100  # of one peer; what is beyond counts as OTHER
_ID = re.compile(r"(?<=/)[^/]*\d[^/]*(?=/|$)")


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """How far one view is behind, in events; `stopped` until somebody says retry."""

    view: str
    lag: int
    stopped: bool


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """The breaker of one connector."""

    connector: str
    state: BreakerState


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What the ledger and the views say at a scrape."""

    entries: Amounts
    runs: Amounts
    writes: Amounts
    deliveries: Amounts
    backlog: Iterable[Backlog]
    queue: Mapping[str, int]
    lag_seconds: float
    head: int


class Metrics:
    """The counters of one process. `exposed` is what a scrape gets."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "timeledger_http_requests",
            "Requests answered by this process.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._took = Histogram(
            "timeledger_http_request_seconds",
            "Time until the answer was sent; streams are left out.",
            ("method", "route"),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._peer = Histogram(
            "timeledger_peer_request_seconds",
            "Time until a peer answered this process, whatever it said.",
            ("connector", "method", "route"),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._failed = Counter(
            "timeledger_peer_failures",
            "Requests of this process that a peer did not answer usably.",
            ("connector", "method", "route"),
            registry=self._registry,
        )
        self._routes: dict[int, set[str]] = {}

    def answered(self, method: str, route: str | None, status: int, seconds: float | None) -> None:
        """Count a request; `route` is the template that was found, `seconds` None for a stream."""
        method, route = method if method in METHODS else OTHER, route or NOWHERE
        self._requests.labels(method, route, str(status)).inc()
        if seconds is not None:
            self._took.labels(method, route).observe(seconds)

    def peer_asked(
        self, connector: int, method: str, path: str, seconds: float, *, failed: bool
    ) -> None:
        """Count a request to a connector's peer."""
        known = self._routes.setdefault(connector, set())
        route = template(path)
        if route not in known:
            if len(known) >= MOST_ROUTES:
                route = OTHER
            known.add(route)
        labels = str(connector), method if method in METHODS else OTHER, route
        if failed:
            self._failed.labels(*labels).inc()
        else:
            self._peer.labels(*labels).observe(seconds)

    def exposed(
        self, observed: Observed | None, breakers: Iterable[Breaker], *, listeners: int
    ) -> bytes:
        """Everything in the text format of Prometheus; `observed` None: the database is away."""
        now = CollectorRegistry()
        now.register(_Fixed([*_of_process(breakers, listeners), *_of_ledger(observed)]))
        return generate_latest(self._registry) + generate_latest(now)


class _Fixed(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def template(path: str) -> str:
    """The path of a peer's request with `{id}` for every part that has a digit, but versions."""
    path = path.partition("?")[0]
    return _ID.sub(lambda found: found[0] if found[0] == "v1" else "{id}", f"/{path.strip('/')}")


def _of_process(breakers: Iterable[Breaker], listeners: int) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "timeledger_stream_listeners", "Open live streams of this process.", value=listeners
    )
    breaker = GaugeMetricFamily(
        "timeledger_peer_breaker", "1 for the state of the breaker.", labels=("connector", "state")
    )
    for each in breakers:
        for state in BreakerState:
            breaker.add_metric((each.connector, state.value), float(each.state is state))
    yield breaker


def _of_ledger(observed: Observed | None) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "timeledger_database_up",
        "Whether the database answered this scrape.",
        value=float(observed is not None),
    )
    if observed is None:
        return
    yield GaugeMetricFamily(
        "timeledger_head_position", "Position of the newest event.", value=observed.head
    )
    yield from _of_entries(observed.entries)
    runs = CounterMetricFamily(
        "timeledger_runs", "Runs that ended, ever.", labels=("state", "trigger")
    )
    active = GaugeMetricFamily(
        "timeledger_active_runs", "Runs that wait or go on.", labels=("state", "trigger")
    )
    for name, amount in observed.runs.items():
        state, _, trigger = name.partition(".")
        ended = state in ("completed", "failed", "cancelled")
        (runs if ended else active).add_metric((state, trigger), float(amount))
    yield from (runs, active)
    yield _counter("timeledger_writes", "Writes to Kimai, ever.", "outcome", observed.writes)
    yield _gauge(
        "timeledger_deliveries",
        "Webhook deliveries by status.",
        "status",
        observed.deliveries,
    )
    yield from _of_work(observed)


def _of_entries(entries: Amounts) -> Iterator[Metric]:
    yield _gauge(
        "timeledger_entries",
        "Entries by state.",
        "state",
        {state: entries.get(state, Decimal(0)) for state in STATES},
    )
    yield _gauge(
        "timeledger_entry_minutes",
        "Booked minutes by state.",
        "state",
        {state: entries.get(f"{state}.minutes", Decimal(0)) for state in STATES},
    )
    yield _gauge(
        "timeledger_open_conflicts",
        "Open conflicts by reason code.",
        "reason",
        _by_reason(entries),
    )


def _by_reason(entries: Amounts) -> dict[str, Decimal]:
    """Rows of both statuses that have one: matches have none."""
    counts: dict[str, Decimal] = {}
    for name, amount in entries.items():
        row = row_of(name)
        if row is not None and row[1] is not None:
            counts[row[1]] = counts.get(row[1], Decimal(0)) + amount
    return counts


def _of_work(observed: Observed) -> Iterator[Metric]:
    lag = GaugeMetricFamily(
        "timeledger_projection_lag", "Events that a view is behind.", labels=("view",)
    )
    stopped = GaugeMetricFamily(
        "timeledger_projection_stopped", "1 for a view that an event stopped.", labels=("view",)
    )
    for view in observed.backlog:
        lag.add_metric((view.view,), view.lag)
        stopped.add_metric((view.view,), float(view.stopped))
    yield from (lag, stopped)
    queue = {name: Decimal(count) for name, count in observed.queue.items()}
    yield _gauge("timeledger_queue_depth", "Jobs that wait or are worked on.", "job", queue)
    yield GaugeMetricFamily(
        "timeledger_lag_seconds",
        "Age of the entry that waits longest, 0 when none does.",
        value=observed.lag_seconds,
    )


def _gauge(name: str, text: str, label: str, amounts: Amounts) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for value, amount in amounts.items():
        family.add_metric((value,), float(amount))
    return family


def _counter(name: str, text: str, label: str, amounts: Amounts) -> Metric:
    family = CounterMetricFamily(name, text, labels=(label,))
    for value, amount in amounts.items():
        family.add_metric((value,), float(amount))
    return family
