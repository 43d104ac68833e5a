"""Figures for Prometheus: names, closed sets of labels, nothing personal and nothing endless."""

from decimal import Decimal
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from api.metrics import MOST_ROUTES, Backlog, Breaker, Metrics, Observed, template
from domain.flow.breaker import BreakerState


def observed(**values: Any) -> Observed:
    usual: dict[str, Any] = {
        "entries": {},
        "runs": {},
        "writes": {},
        "deliveries": {},
        "backlog": (),
        "queue": {},
        "lag_seconds": 0.0,
        "head": 7,
    }
    return Observed(**{**usual, **values})


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(text: bytes, name: str, **labels: str) -> float:
    return samples(text)[name, tuple(sorted(labels.items()))]


def test_the_ledger_is_told_as_the_views_add_it_up() -> None:
    text = Metrics().exposed(
        observed(
            entries={
                "synced": Decimal(9),
                "synced.minutes": Decimal("405.5"),
                "conflict": Decimal(2),
                "row.conflict.TARGET_EDITED": Decimal(1),
                "row.missing.TARGET_EDITED": Decimal(1),
                "row.match.": Decimal(7),
            },
            runs={"completed.manual": Decimal(3), "running.scheduled": Decimal(1)},
            writes={"created": Decimal(9), "rejected": Decimal(1)},
            deliveries={"processed": 4},
            backlog=[Backlog(view="time_entries", lag=12, stopped=True)],
            queue={"sync-run": 2},
            lag_seconds=72.0,
        ),
        [Breaker(connector="2", state=BreakerState.OPEN)],
        listeners=3,
    )
    assert value(text, "timeledger_entries", state="synced") == 9
    assert value(text, "timeledger_entries", state="failed") == 0, "also states that nothing is in"
    assert value(text, "timeledger_entry_minutes", state="synced") == 405.5
    assert value(text, "timeledger_open_conflicts", reason="TARGET_EDITED") == 2
    assert value(text, "timeledger_runs_total", state="completed", trigger="manual") == 3
    assert value(text, "timeledger_active_runs", state="running", trigger="scheduled") == 1
    assert value(text, "timeledger_writes_total", outcome="rejected") == 1
    assert value(text, "timeledger_deliveries", status="processed") == 4
    assert value(text, "timeledger_projection_lag", view="time_entries") == 12
    assert value(text, "timeledger_projection_stopped", view="time_entries") == 1
    assert value(text, "timeledger_queue_depth", job="sync-run") == 2
    assert value(text, "timeledger_lag_seconds") == 72
    assert value(text, "timeledger_head_position") == 7
    assert value(text, "timeledger_peer_breaker", connector="2", state="open") == 1
    assert value(text, "timeledger_peer_breaker", connector="2", state="closed") == 0
    assert value(text, "timeledger_stream_listeners") == 3


def test_without_the_database_the_process_still_tells_of_itself() -> None:
    metrics = Metrics()
    metrics.answered("GET", "/api/v1/entries", 200, 0.01)
    text = metrics.exposed(None, [], listeners=0)
    assert value(text, "timeledger_database_up") == 0
    labels = {"method": "GET", "route": "/api/v1/entries"}
    assert value(text, "timeledger_http_requests_total", **labels, status="200") == 1
    assert value(text, "timeledger_http_request_seconds_count", **labels) == 1


def test_no_request_makes_a_label_of_its_own() -> None:
    metrics = Metrics()
    for number in range(1000):
        metrics.answered(f"BREW{number}", None, 404, 0.001)
    text = metrics.exposed(None, [], listeners=0)
    found = {key for key in samples(text) if key[0] == "timeledger_http_requests_total"}
    assert {dict(labels)["route"] for _, labels in found} == {"unmatched"}
    assert {dict(labels)["method"] for _, labels in found} == {"other"}


def test_a_peer_is_told_of_by_route_and_not_by_id() -> None:
    assert template("api/timesheets/4711") == "/api/timesheets/{id}"
    assert template("/api/v1/tickets/50/x?per_page=10") == "/api/v1/tickets/{id}/x"
    assert (
        template("api/v1/ticket_articles/by_ticket/50") == "/api/v1/ticket_articles/by_ticket/{id}"
    )
    metrics = Metrics()
    for number in range(MOST_ROUTES * 2):
        name = "".join(chr(97 + int(digit)) for digit in str(number))  # no digit in it
        metrics.peer_asked(2, "GET", f"api/{name}", 0.02, failed=False)
    metrics.peer_asked(2, "POST", "api/timesheets", 0.02, failed=True)
    text = metrics.exposed(None, [], listeners=0)
    routes = {
        dict(labels)["route"]
        for name, labels in samples(text)
        if name == "timeledger_peer_request_seconds_count"
    }
    assert len(routes) == MOST_ROUTES + 1
    labels = {"connector": "2", "method": "POST", "route": "other"}
    assert value(text, "timeledger_peer_failures_total", **labels) == 1
