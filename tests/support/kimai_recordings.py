"""The recordings of a real Kimai, and what each of them needs before it can be replayed.

The file holds a part of what was recorded; requests between two recordings are missing. What they
left behind (read off later recordings, or off the setting a note names) is put there by the
steps in `BEFORE`, through the sandbox's own Python interface. No step writes what its own
recording is about to check.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.sandbox.kimai import KimaiState, seed_recordings
from adapters.sandbox.kimai.seeds import instant

FILE = Path(__file__).parents[1] / "data" / "kimai-recordings.jsonl"
ADMIN, LEAD, ANNA, BOB = 1, 2, 3, 4
LONG_TEXT = 70_000  # characters; the file only says how long the body was
REBUILT = {
    "20-create-70k-description": {
        "project": 1,
        "activity": 2,
        "begin": "2026-11-03T12:00:00",
        "end": "2026-11-03T12:10:00",
        "description": "x" * LONG_TEXT,
    }
}
# name -> why it cannot be replayed; empty since everything's preconditions can be set up
LEFT_OUT: dict[str, str] = {}


@dataclass(frozen=True)
class Recording:
    """One request and the real answer."""

    name: str
    user: str
    request: dict[str, Any]
    response: dict[str, Any]


def recordings() -> list[Recording]:
    """All of them in the order in which they were recorded."""
    lines = FILE.read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Recording(r["name"], r["user"], r["request"], r["response"]) for r in rows]


Step = Callable[[KimaiState], None]


def _clock(text: str) -> Step:
    return lambda s: s.clock.fix(datetime.fromisoformat(text).replace(tzinfo=UTC))


def _people(s: KimaiState) -> None:
    seed_recordings(s, team=False, work=False)
    _clock("2026-11-22T17:30:00")(s)


def _reset(s: KimaiState) -> None:
    now = s.clock.now()
    s.reset()
    s.clock.fix(now)
    seed_recordings(s)


def _set(**settings: Any) -> Step:
    """Rules by their last word, other settings with `__` for the dots."""

    def apply(s: KimaiState) -> None:
        names = {
            name.replace("__", ".") if "__" in name else f"timesheet.rules.{name}": value
            for name, value in settings.items()
        }
        s.settings.change(names)

    return apply


def _rounding(mode: str, begin: int, end: int, duration: int) -> Step:
    prefix = "timesheet.rounding.default."
    values = {"mode": mode, "begin": begin, "end": end, "duration": duration}
    return lambda s: s.settings.change({prefix + name: value for name, value in values.items()})


def _record(
    key: int, begin: str, end: str | None, description: str | None = None, **more: Any
) -> Step:
    """A record as a missing request left it; times carry their offset."""

    def add(s: KimaiState) -> None:
        fields = {"user": ANNA, "project": 1, "activity": 2} | more
        last = None if end is None else instant(end)
        s.add_timesheet(id=key, begin=instant(begin), end=last, description=description, **fields)

    return add


def _change(key: int, **values: Any) -> Step:
    def change(s: KimaiState) -> None:
        row = s.timesheets[key]
        for name, value in values.items():
            setattr(row, name, instant(value) if name in {"begin", "end"} else value)
        row.duration = row.elapsed() or 0
        s.put("timesheets", row)

    return change


def _next_timesheet(key: int) -> Step:
    def move(s: KimaiState) -> None:
        s.next_id["timesheets"] = key

    return move


def _meta_plugin(s: KimaiState) -> None:
    s.define_meta_field("timesheet", "ext_id")
    s.define_meta_field("timesheet", "ext_hidden", visible=False)
    s.define_meta_field("project", "ext_id")


def _install_plugin(s: KimaiState) -> None:
    s.plugins = [{"name": "MetaFieldsBundle", "version": "1.0.0"}]


def _bob_speaks(language: str) -> Step:
    def speak(s: KimaiState) -> None:
        s.users[BOB].language = language

    return speak


def _activity_visible(s: KimaiState) -> None:
    s.activities[2].visible = True


def _hour_budget(s: KimaiState) -> None:
    s.projects[2].time_budget = 3600


def _spanning_project(s: KimaiState) -> None:
    s.add_project("Spanning now", 1, start="2026-11-10", end="2026-12-31")


def _bad_legacy_logins(s: KimaiState) -> None:
    s.failed_logins["127.0.0.1"] = [s.clock.now().timestamp()] * 5


def _touched(s: KimaiState) -> None:
    for key in (2, 3, 5, 6, 7, 8, 9):
        s.timesheets[key].modified_at = s.now()


BEFORE: dict[str, list[Step]] = {
    "00-version": [_people],
    "20-create-no-seconds": [
        _record(2, "2026-11-02T11:00:00+01:00", "2026-11-02T12:00:00+01:00", "full"),
        _record(3, "2026-11-02T12:00:00+01:00", "2026-11-02T12:10:00+01:00", "full=false"),
        _record(4, "2026-11-02T13:00:00+01:00", "2026-11-02T13:21:00+01:00", "seconds"),
    ],
    "20-create-with-Z": [
        _record(6, "2026-11-02T10:00:00+01:00", "2026-11-02T11:00:00+01:00", "offset given")
    ],
    "20-create-space": [_record(9, "2026-11-02T16:00:00+01:00", "2026-11-02T17:00:00+01:00")],
    "21-tags-one-char": [_record(19, "2026-11-04T09:00:00+01:00", "2026-11-04T09:10:00+01:00")],
    "21-tags-empty-string": [_record(22, "2026-11-04T09:40:00+01:00", "2026-11-04T09:50:00+01:00")],
    "21-tags-use-string-existing2": [
        _record(26, "2026-11-05T10:00:00+01:00", "2026-11-05T10:10:00+01:00", tags=[1, 2, 3])
    ],
    "33-modified-after-patch": [_clock("2026-11-22T17:30:39")],
    "40-patch-description": [
        _record(28, "2026-11-06T09:00:00+01:00", "2026-11-06T10:00:00+01:00", "x", tags=[2, 3])
    ],
    "40-patch-project-and-activity": [_change(28, begin="2026-11-06T09:30:00+01:00")],
    "41-export-as-lead": [
        _record(29, "2026-11-06T12:00:00+01:00", "2026-11-06T13:00:00+01:00", "to export")
    ],
    "41-patch-exported-false-as-admin": [_change(29, description="admin")],
    "43-meta-unknown": [
        _record(30, "2026-11-06T13:00:00+01:00", "2026-11-06T14:00:00+01:00"),
        _record(32, "2026-11-06T15:00:00+01:00", "2026-11-06T16:00:00+01:00"),
    ],
    "45-stop-again": [
        _change(34, end="2026-11-22T18:31:00+01:00"),
        _record(35, "2026-11-22T18:30:00+01:00", "2026-11-22T18:31:00+01:00", "second running"),
    ],
    "47-future-forbidden": [_set(allow_future_times=0)],
    "47-long-running-forbidden": [_set(allow_future_times=1, long_running_duration=480)],
    "47-zero-forbidden": [_set(long_running_duration=0, allow_zero_duration=0)],
    "47-no-activity-allowed": [_set(allow_zero_duration=1, require_activity=0)],
    "48-config-timesheet-overlap-off": [
        _set(require_activity=1, allow_overlapping_records=0),
        _record(47, "2026-11-09T09:00:00+01:00", "2026-11-09T10:00:00+01:00"),
    ],
    "49-rounding-default-15": [
        _set(allow_overlapping_records=1),
        _rounding("default", 15, 15, 0),
    ],
    "49-rounding-closest-15": [_rounding("closest", 15, 15, 0)],
    "49-rounding-floor-15": [_rounding("floor", 15, 15, 0)],
    "49-rounding-ceil-15": [_rounding("ceil", 15, 15, 0)],
    "49-rounding-duration-15": [_rounding("default", 1, 1, 15)],
    "49-rounding-zero": [_rounding("default", 0, 0, 0)],
    "50-lockdown-create-user": [
        _rounding("default", 1, 1, 0),
        _set(
            lockdown_period_start="first day of last month 00:00:00",
            lockdown_period_end="last day of last month 23:59:59",
            lockdown_grace_period="+5 days",
        ),
    ],
    "51-mode-punch-config": [
        _set(
            lockdown_period_start=None,
            lockdown_period_end=None,
            lockdown_grace_period=None,
            timesheet__mode="punch",
        ),
        _clock("2026-11-22T17:30:44"),
    ],
    "51-mode-durationfixed-create": [_set(timesheet__mode="duration_fixed_begin")],
    "60-create": [_set(timesheet__mode="default"), _meta_plugin],
    "60-plugins-with-plugin": [_install_plugin],
    "70-dup-post-1": [_reset],
    "70-race-3": [
        _record(2, "2026-11-16T09:00:00+01:00", "2026-11-16T10:00:00+01:00", "same"),
        _record(3, "2026-11-17T09:00:00+01:00", "2026-11-17T10:00:00+01:00", "race 0"),
        _record(4, "2026-11-17T09:00:00+01:00", "2026-11-17T10:00:00+01:00", "race 1"),
        _set(allow_overlapping_records=0),
    ],
    "71-errors-german": [_set(allow_overlapping_records=1), _bob_speaks("de")],
    "72-patch-record-of-hidden-project": [
        _record(5, "2026-11-05T11:00:00+01:00", "2026-11-05T12:00:00+01:00")
    ],
    "73-team-project": [_activity_visible],
    "74-overbook": [_hour_budget, _set(allow_overbooking_budget=0)],
    "75-trailing-slash": [_set(allow_overbooking_budget=1)],
    "75-legacy-auth-throttle": [_bad_legacy_logins],
    "76-user-create": [_bob_speaks("en")],
    "71-errors-german-duplicate": [
        _reset,
        _bob_speaks("de"),
        _set(allow_overlapping_records=0),
        _record(1, "2026-11-16T09:00:00-05:00", "2026-11-16T10:00:00-05:00", user=BOB),
    ],
    "72-post-before-start-of-current-project": [
        _set(allow_overlapping_records=1),
        _spanning_project,
    ],
    "78-break-disabled-str": [
        _record(3, "2026-11-12T11:00:00+01:00", "2026-11-12T12:00:00+01:00", project=3, activity=1),
        _next_timesheet(5),
    ],
    "78-break-enabled-int": [
        _set(break_time_active=1),
        _record(5, "2026-11-12T13:00:00+01:00", "2026-11-12T16:00:00+01:00", pause=1800),
    ],
    "79-null-begin": [
        _set(break_time_active=0),
        _record(6, "2026-11-12T20:00:00+01:00", "2026-11-12T20:10:00+01:00", "12345"),
        _record(7, "2026-11-12T20:00:00+01:00", "2026-11-12T20:10:00+01:00", "a\x00b"),
    ],
    "79-lead-user-all": [_record(9, "2026-11-12T20:20:00+01:00", "2026-11-12T20:30:00+01:00")],
    "80-modified-after-exact-second": [
        _clock("2026-11-22T17:36:22"),
        *(
            _record(10 + n, "2026-11-19T09:00:00+01:00", "2026-11-19T09:10:00+01:00", f"tie {n}")
            for n in range(3)
        ),
        _record(13, "2026-11-20T09:00:00+01:00", "2026-11-20T09:10:00+01:00"),
        _touched,
    ],
    "46-dst-fold-offset-reread": [
        _reset,
        _record(1, "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "fold"),
    ],
}
