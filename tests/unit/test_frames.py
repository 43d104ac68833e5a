"""What the live stream tells of events, and what clients fetch anew by it."""

from datetime import UTC, datetime
from typing import Any

from domain.event import Actor, Event, Metadata, Recorded
from domain.ids import EntryId
from domain.personal import Personal
from domain.time_entry.events import ConflictOpened, ConflictResolved, EntryRetryRequested
from domain.time_entry.values import ReasonCode
from projections.catalogue import ALL
from projections.frames import FILLED_FROM, Moment, frames, touched, views_of, wanted

ENTRY: int = EntryId(10_000_000_001)
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
ALICE = Actor(kind="user", name=Personal("account:1", "alice"))
SYNC = Actor(kind="service", name="sync")


def recorded(position: int, event: Event, actor: Actor = SYNC) -> Recorded[Any]:
    return Recorded(
        position=position,
        stream=f"time-entry-{ENTRY}",
        version=position,
        event=event,
        metadata=Metadata(actor=actor, correlation_id="c"),
        occurred_at=NOW,
        recorded_at=NOW,
        digest="0" * 64,
    )


def moment(position: int, **values: Any) -> Moment:
    usual: dict[str, Any] = {
        "entry_id": ENTRY,
        "position": position,
        "state": "conflict",
        "reason_code": "TARGET_EDITED",
        "conflict_id": 7,
        "timesheet_id": 11,
        "others": (),
        "minutes": None,
        "ticket_number": None,
        "last_run_id": None,
    }
    return Moment(**{**usual, **values})


OPENED = ConflictOpened(entry_id=EntryId(ENTRY), reason=ReasonCode.TARGET_EDITED, detail="45 → 60")
CLOSED = ConflictResolved(
    entry_id=EntryId(ENTRY), reason=ReasonCode.TARGET_EDITED, action="keep_target"
)


def test_a_conflict_is_named_by_its_opening_also_when_it_closes() -> None:
    page = [recorded(7, OPENED), recorded(8, CLOSED, ALICE)]
    places = wanted(page).all
    assert places == [(ENTRY, 7), (ENTRY, 8)]
    moments = {
        (ENTRY, 7): moment(7),
        (ENTRY, 8): moment(8, conflict_id=None, reason_code=None, state="synced"),
    }
    opened, closed, changed = frames(page, moments, {})
    assert (opened.position, opened.kind) == (7, "conflict.opened")
    assert opened.data == {
        "conflict_id": 7,
        "entry_id": ENTRY,
        "status": "conflict",
        "reasonCode": "TARGET_EDITED",
    }
    assert (closed.position, closed.kind) == (8, "conflict.closed")
    assert closed.data == {
        "conflict_id": 7,
        "entry_id": ENTRY,
        "resolution_status": "resolved",
        "resolution_action": "keep_target",
        "resolved_by": "alice",
    }
    assert (changed.position, changed.data["state"]) == (8, "synced")


def test_nobody_in_particular_is_the_system() -> None:
    moments = {(ENTRY, 7): moment(7), (ENTRY, 8): moment(8)}
    (closed, _) = frames([recorded(8, CLOSED)], moments, {})
    assert closed.data["resolved_by"] == "system"


def test_a_conflict_without_any_timesheet_is_missing() -> None:
    for values, status in (
        ({"timesheet_id": None}, "missing"),
        ({"timesheet_id": None, "others": (3,)}, "conflict"),
    ):
        (opened, _) = frames([recorded(7, OPENED)], {(ENTRY, 7): moment(7, **values)}, {})
        assert opened.data["status"] == status


def test_an_entry_is_told_once_a_page_as_it_is_after_it() -> None:
    asked = EntryRetryRequested(entry_id=EntryId(ENTRY))
    page = [recorded(7, asked), recorded(8, asked)]
    (told,) = frames(page, {(ENTRY, 8): moment(8, state="pending")}, {})
    assert (told.position, told.data["sync_status"]) == (8, "pending")


def test_every_view_is_behind_some_cache_key() -> None:
    without = {"plans", "users"}  # nothing that section 16 names is filled from them
    assert {view.name for view in ALL} - without <= set(FILLED_FROM)


def test_what_an_event_touches_follows_from_the_views() -> None:
    asked = recorded(7, EntryRetryRequested(entry_id=EntryId(ENTRY)))
    keys = touched(views_of([asked]))
    assert {"entries", "entry", "deadLetters", "conflicts", "kpi", "auditLogs"} <= keys
    assert touched(views_of([])) == set()
