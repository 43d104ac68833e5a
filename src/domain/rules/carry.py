"""What is written when a person wants Kimai brought to the booking, whatever stood in the way."""

from dataclasses import replace

from domain.rules.configuration import Situation
from domain.rules.decision import Unready, rule
from domain.time_entry.commands import Ruling
from domain.time_entry.events import ConflictResolved
from domain.time_entry.resolving import carried_action
from domain.time_entry.state import Correcting, TimeEntry, evolve


def carry_ruling(
    entry: TimeEntry, situation: Situation, *, correcting: Correcting | None = None
) -> Ruling | Unready:
    """A create, an update or a delete; else the ruling says why none of them is possible.

    `correcting`: a create of what is missing beside the linked timesheet, which stays as it is.

    `entry` is the booking with its conflict still open. What was edited in Kimai, refused by it or
    taken over as it was is no reason to stop: the person has seen it.
    """
    if entry.conflict is not None:
        action = carried_action(entry, correct=correcting is not None)
        reason = entry.conflict.reason
        resolved = ConflictResolved(entry_id=entry.entry_id, reason=reason, action=action)
        entry = replace(evolve(entry, resolved) or entry, correcting=correcting)
    return rule(replace(entry, standing=replace(entry.standing, outcome=None)), situation)
