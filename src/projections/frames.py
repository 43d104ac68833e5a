"""What the live stream tells of an event (`contract.md`, sections 12 and 16). Pure; no JSON yet."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from domain.event import Event, Recorded
from projections import sync_runs, time_entries
from projections.catalogue import ALL
from projections.numbers import json_number

KINDS = (
    "kpi",
    "run.progress",
    "entry.changed",
    "conflict.opened",
    "conflict.closed",
    "delivery.received",
    "head",
)
# Names of event types, because they are stable: who adds one of these need not come by here.
OPENED = frozenset({"ConflictOpened", "ConflictReopened"})
CLOSED: Mapping[str, str] = MappingProxyType(  # to the resolution status
    {"ConflictResolved": "resolved", "ConflictDismissed": "ignored"}
)
DELIVERED = "WebhookDeliveryReceived"
# View to the first elements of the client's cache keys that are filled from it (section 16).
FILLED_FROM: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "time_entries": ("entries", "entry", "conflicts", "kpi"),
        "conflicts": ("conflicts", "kpi"),
        "dead_letters": ("deadLetters",),
        "sync_runs": ("syncRuns", "kpi"),
        "connectors": ("connectors", "kpi"),
        "mappings": ("mappings",),
        "user_mappings": ("mappings",),
        "project_mappings": ("mappings",),
        "schedule": ("schedule",),
        "audit_log": ("auditLogs",),
        "deliveries": ("deliveries", "kpi"),
        "target_names": ("entries", "entry", "conflicts"),
        "run_entries": ("entries",),
        "channels": ("notifications",),
        "worth_telling": (),  # for the sender alone
    }
)
VIEWS_OF: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        event.TYPE: frozenset(view.name for view in ALL if event in view.events)
        for event in {event for view in ALL for event in view.events}
    }
)
NO_VIEW: frozenset[str] = frozenset()

Data = dict[str, object]


@dataclass(frozen=True)
class Moment:
    """An entry right after the event at `position`, as far as frames tell of it."""

    entry_id: int
    position: int
    state: str
    reason_code: str | None
    conflict_id: int | None
    timesheet_id: int | None
    others: Sequence[int]
    minutes: Decimal | None
    ticket_number: str | None
    last_run_id: int | None


@dataclass(frozen=True)
class Frame:
    """One message, of the event at `position`."""

    position: int
    kind: str
    data: Data


def views_of(page: Iterable[Recorded[Event]]) -> set[str]:
    """The views that look at some of the events: frames wait until these show them."""
    found: set[str] = set()
    for recorded in page:
        found |= VIEWS_OF.get(recorded.event.TYPE, NO_VIEW)
    return found


def touched(views: Iterable[str]) -> set[str]:
    """The cache keys that a client fills from these views."""
    return {key for view in views for key in FILLED_FROM.get(view, ())}


@dataclass(frozen=True)
class Wanted:
    """The moments of entries that a page's frames need: (entry, position) after which event.

    `changed` are the last of each entry, `before_closing` those right before a conflict ends.
    """

    changed: Sequence[tuple[int, int]]
    opened: Sequence[tuple[int, int]]
    before_closing: Sequence[tuple[int, int]]

    @property
    def all(self) -> list[tuple[int, int]]:
        return sorted({*self.changed, *self.opened, *self.before_closing})


def wanted(page: Sequence[Recorded[Event]]) -> Wanted:
    """What has to be looked up for the frames of a page."""
    changed: dict[int, int] = {}
    opened, closing = [], []
    for recorded in page:
        if type(recorded.event) not in time_entries.PROJECTION.events:
            continue
        entry: int = recorded.event.entry_id  # type: ignore[attr-defined] # they all have one
        changed[entry] = recorded.position
        if recorded.event.TYPE in OPENED:
            opened.append((entry, recorded.position))
        elif recorded.event.TYPE in CLOSED:
            closing.append((entry, recorded.position - 1))
    return Wanted(list(changed.items()), opened, closing)


def frames(
    page: Sequence[Recorded[Event]],
    moments: Mapping[tuple[int, int], Moment],
    runs: Mapping[int, sync_runs.Row],
) -> list[Frame]:
    """The frames of a page by position: an entry and a run once each, as they are after it.

    `moments` are those of `wanted(page)`, `runs` the runs that the page touches.
    """
    last: dict[int, int] = {}
    progressed: dict[int, int] = {}
    made: list[Frame] = []
    for recorded in page:
        event, at = recorded.event, recorded.position
        if type(event) in time_entries.PROJECTION.events:
            last[event.entry_id] = at  # type: ignore[attr-defined] # they all have one
            made += _of_conflict(recorded, moments)
        elif type(event) in sync_runs.PROJECTION.events:
            progressed |= dict.fromkeys(sync_runs.keys(recorded), at)  # type: ignore[arg-type]
        elif event.TYPE == DELIVERED:
            made.append(_delivered(at, event))
    made += [_changed(moments[place]) for place in last.items() if place in moments]
    made += [_progressed(at, runs[run]) for run, at in progressed.items() if run in runs]
    return sorted(made, key=lambda frame: frame.position)


def _changed(moment: Moment) -> Frame:
    data: Data = {
        "entry_id": moment.entry_id,
        "state": moment.state,
        "sync_status": time_entries.SYNC_STATUS[moment.state],
        "minutes": json_number(moment.minutes),
        "ticket_number": moment.ticket_number or "",
        "run_id": moment.last_run_id,
    }
    return Frame(moment.position, "entry.changed", data)


def _of_conflict(
    recorded: Recorded[Any], moments: Mapping[tuple[int, int], Moment]
) -> Iterable[Frame]:
    event, at = recorded.event, recorded.position
    if event.TYPE in OPENED and (now := moments.get((event.entry_id, at))):
        linked = now.timesheet_id is not None or bool(now.others)
        data: Data = {
            "conflict_id": now.conflict_id,
            "entry_id": now.entry_id,
            "status": "conflict" if linked else "missing",
            "reasonCode": now.reason_code,
        }
        yield Frame(at, "conflict.opened", data)
    elif event.TYPE in CLOSED and (was := moments.get((event.entry_id, at - 1))):
        data = {
            "conflict_id": was.conflict_id,
            "entry_id": was.entry_id,
            "resolution_status": CLOSED[event.TYPE],
            "resolution_action": getattr(event, "action", None),
            "resolved_by": _who(recorded),
        }
        yield Frame(at, "conflict.closed", data)


def _who(recorded: Recorded[Any]) -> str | None:
    """The person who acted; everything that is no person is the system."""
    actor = recorded.metadata.actor
    if actor.kind != "user":
        return "system"
    return actor.name if isinstance(actor.name, str) else actor.name.value


def _progressed(at: int, run: sync_runs.Row) -> Frame:
    count = run.counters
    data: Data = {
        "run_id": run.run_id,
        "state": run.state,
        "status": sync_runs.STATUS_OF[run.state],
        "phase": run.phase,
        "done": run.done,
        "total": run.total,
        "entries_synced": count.created,
        "entries_failed": count.failed,
        "conflicts_detected": count.conflicts,
    }
    return Frame(at, "run.progress", data)


def _delivered(at: int, event: Any) -> Frame:
    data: Data = {"delivery_id": event.delivery_id, "ticket_id": event.ticket_id}
    return Frame(at, "delivery.received", data)
