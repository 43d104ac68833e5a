"""Which conflict a refusal by Kimai becomes.

Kimai never sends its constraint's code, and its texts vary by language (`peers/kimai.md`, 1.2):
only status, field and place count. A locked period, an overlap and a used budget all look the
same there, so none of those reason codes is claimed; the text names what it may have been.
"""

from domain.errors import Rejected
from domain.time_entry.state import Wait
from domain.time_entry.values import Operation, ReasonCode

FORBIDDEN = 403
HINTS = {
    "project": "the project may be hidden, ended, not yet started, outside the token's teams, "
    "or its budget used up",
    "activity": "the activity may be hidden, of another project, or not allowed for the project",
    "user": "the user may be disabled or outside the token's teams",
    "begin": "the tracking mode may forbid this token to send times",
    "end": "the tracking mode may forbid this token to send times",
}
WHOLE = (
    "the time may overlap another record, lie in a locked period or in the future, exceed the "
    "budget, or a field may be closed to this token"
)


def wait_for_refusal(operation: Operation, error: Rejected) -> Wait:
    """What a person reads after Kimai refused `operation`."""
    if operation is not Operation.CREATE and error.status == FORBIDDEN:
        return Wait(
            reason=ReasonCode.LOCKED_OR_EXPORTED,
            detail=f"Kimai forbids this token to {operation} the timesheet: it was exported, its "
            "period is locked, or the token lacks the permission. Unlock it, or grant it.",
        )
    reason = ReasonCode.PEER_REJECTED
    if operation is Operation.CREATE:
        reason = ReasonCode.CREATION_ERROR
    hints = [HINTS[name] for name in error.fields if name in HINTS]
    if error.root or not hints:
        hints.append(WHOLE)
    if error.status == FORBIDDEN:
        hints = ["the token may not write for this user or on this project"]
    where = f" at {', '.join(error.fields)}" if error.fields else ""
    return Wait(
        reason=reason,
        detail=f"Kimai refused to {operation} the timesheet (status {error.status}{where}): "
        f"{'; '.join(dict.fromkeys(hints))}. Correct it there or in the mappings, then try again.",
    )
