"""Whether Kimai holds what we asked for, and whether somebody changed it since."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from domain.connector.settings import KimaiSettings
from domain.ids import ConnectorId
from domain.personal import Personal
from domain.ports.timesheets import Timesheet
from domain.rules.rounding import explained
from domain.time_entry.values import Alike, Desired, Stored, Written


def as_written(sheet: Timesheet, subject: str) -> Written:
    """The record as the ledger keeps it; its description belongs to `subject`."""
    return Written(
        timesheet_id=sheet.timesheet_id,
        user_id=sheet.user_id,
        project_id=sheet.project_id,
        activity_id=sheet.activity_id,
        begin=sheet.begin,
        end=sheet.end,
        duration=sheet.duration,
        description=Personal(subject, sheet.description),
        tags=tuple(sorted(sheet.tags)),
        exported=sheet.exported,
        billable=sheet.billable,
    )


def as_alike(sheet: Timesheet, target: ConnectorId) -> Alike:
    """The record as a person is asked about it."""
    return Alike(
        target_connector_id=target,
        timesheet_id=sheet.timesheet_id,
        user_id=sheet.user_id,
        project_id=sheet.project_id,
        activity_id=sheet.activity_id,
        begin=sheet.begin,
        end=sheet.end,
        duration=sheet.duration,
        exported=sheet.exported,
        billable=sheet.billable,
    )


def mismatches(
    desired: Desired, written: Written, kimai: KimaiSettings, expected: Stored | None = None
) -> tuple[str, ...]:
    """What Kimai stored otherwise than asked, unless its rounding explains it to the second.

    `expected` is the rounding that was recorded with the decision: it holds whatever the settings
    say by now.

    Kimai answers 200 and drops unknown tags, rounds, moves times by a clock change
    (`peers/kimai.md`, trap 2), so an answer is proof only when compared.
    """
    names = [
        name
        for name in ("user_id", "project_id", "activity_id")
        if getattr(desired, name) != getattr(written, name)
    ]
    names += _moved(desired, written, kimai, expected)
    if not _same_text(desired.description, written.description):
        names.append("description")
    if desired.tag.casefold() not in (tag.casefold() for tag in written.tags):
        names.append("tags")
    # a token that may not see `billable` gets no answer about it
    if desired.billable is not None and written.billable not in (None, desired.billable):
        names.append("billable")
    return tuple(names)


def mismatch_text(names: Sequence[str], desired: Desired, written: Written) -> str:
    """The same in words that say what to do."""
    parts = [f"{name} {_told(written, name)} instead of {_told(desired, name)}" for name in names]
    told = f"Kimai stored timesheet {written.timesheet_id} with {', '.join(parts)}."
    if {"begin", "end", "duration"}.isdisjoint(names):
        return f"{told} Somebody may have changed it meanwhile: keep it, or correct the timesheet."
    return (
        f"{told} Set round_begin, round_end, round_duration, rounding_mode and rounding_days as in "
        "Kimai when it rounds, else correct the timesheet."
    )


def asks_the_same(former: Desired, desired: Desired) -> bool:
    """Whether Kimai would be asked for nothing else.

    Whose words the text holds it never hears: a ticket can come to another customer and stay with
    its project. An erased text is nothing to ask for anew.
    """
    texts = (former.description.value, desired.description.value)
    same_text = None in texts or texts[0] == texts[1]
    return same_text and replace(former, description=desired.description) == desired


def asked_anew(former: Desired, desired: Desired) -> tuple[str, ...]:
    """What is asked for otherwise than last time, in the words of `changes_since`.

    An end that moves makes begin and duration anew, too: Kimai takes the times together.
    """
    names = [
        name
        for name in ("user_id", "project_id", "activity_id", "billable")
        if getattr(former, name) != getattr(desired, name)
    ]
    if (former.begin, former.end) != (desired.begin, desired.end):
        names += ["begin", "end", "duration"]
    if not _same_text(former.description, desired.description):
        names.append("description")
    return tuple(names)


def asked_otherwise(desired: Desired, written: Written) -> tuple[str, ...]:
    """What is asked for otherwise than Kimai has it, to the second, in the same words."""
    names = [
        name
        for name in ("user_id", "project_id", "activity_id")
        if getattr(desired, name) != getattr(written, name)
    ]
    length = desired.end - desired.begin
    if (desired.begin, desired.end, length) != (written.begin, written.end, written.duration):
        names += ["begin", "end", "duration"]
    if not _same_text(desired.description, written.description):
        names.append("description")
    if None not in (desired.billable, written.billable) and desired.billable != written.billable:
        names.append("billable")
    return tuple(names)


def changes_since(base: Written, now: Written) -> tuple[str, ...]:
    """What somebody changed in Kimai since our last write; tags and `exported` are not ours."""
    names = [
        name
        for name in ("user_id", "project_id", "activity_id", "begin", "end", "duration")
        if getattr(base, name) != getattr(now, name)
    ]
    if not _same_text(base.description, now.description):
        names.append("description")
    if None not in (base.billable, now.billable) and base.billable != now.billable:
        names.append("billable")
    return tuple(names)


def had_effect(base: Written, desired: Desired, found: Written) -> bool:
    """Whether an update whose answer was lost took place, told by what Kimai holds now.

    For a record that is neither as it was nor as asked: somebody edited it, or Kimai rounds in a
    way that nobody set. Kimai applies all of an update or nothing, so one field as asked, and not
    as before, is proof; times are compared by what they are nearer to, because of the rounding.
    """
    for name in ("user_id", "project_id", "activity_id"):
        if getattr(base, name) != getattr(desired, name) == getattr(found, name):
            return True
    if not _same_text(base.description, desired.description):
        return _same_text(found.description, desired.description)
    end = base.begin + base.duration
    return _apart(found, desired.begin, desired.end) < _apart(found, base.begin, end)


def _apart(found: Written, begin: datetime, end: datetime) -> timedelta:
    return abs(found.begin - begin) + abs(found.begin + found.duration - end)


def _moved(
    desired: Desired, written: Written, kimai: KimaiSettings, expected: Stored | None
) -> list[str]:
    """What lies elsewhere in time, seen from the rounding that explains most of it."""
    possible = explained(desired.begin, desired.end, kimai)
    differing = (
        [
            name
            for name in ("begin", "end", "duration")
            if getattr(stored, name) != getattr(written, name)
        ]
        for stored in ((expected, *possible) if expected else possible)
    )
    return min(differing, key=len)


def _same_text(ours: Personal, theirs: Personal) -> bool:
    """An erased text is equal to everything: nobody can say that it differs."""
    if ours.value is None or theirs.value is None:
        return True
    return _plain(ours.value) == _plain(theirs.value)


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip().split("\n"))


def _told(holder: Desired | Written, name: str) -> str:
    match name:
        case "description":
            return "another text"
        case "duration" if isinstance(holder, Desired):
            return str(holder.end - holder.begin)
        case "tags" if isinstance(holder, Desired):
            return holder.tag
        case _:
            value = getattr(holder, name)
            return value.isoformat() if isinstance(value, datetime) else str(value)
