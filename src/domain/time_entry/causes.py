"""Why a peer refused, where one reason code stands for several causes."""

from enum import StrEnum


class RefusalCause(StrEnum):
    """What was found to stand in the way; what to do about each is in `docs/peers.md`.

    Closed list. The reason code (`contract.md`, section 8) says what a person can do with the
    entry, the cause what to mend in the peer.
    """

    # the timesheet
    EXPORTED = "EXPORTED"
    CHANGE_FORBIDDEN = "CHANGE_FORBIDDEN"  # exported, locked or not permitted: Kimai does not tell
    TIMESHEET_NOT_SHOWN = "TIMESHEET_NOT_SHOWN"
    # its time
    PERIOD_LOCKED = "PERIOD_LOCKED"
    OVERLAP = "OVERLAP"
    FUTURE_FORBIDDEN = "FUTURE_FORBIDDEN"
    ZERO_FORBIDDEN = "ZERO_FORBIDDEN"
    TIME_REFUSED = "TIME_REFUSED"  # one of these and the budgets: what Kimai shows does not tell
    # what it is booked on
    PROJECT_BUDGET_USED = "PROJECT_BUDGET_USED"
    ACTIVITY_BUDGET_USED = "ACTIVITY_BUDGET_USED"
    CUSTOMER_BUDGET_USED = "CUSTOMER_BUDGET_USED"
    PROJECT_NOT_SHOWN = "PROJECT_NOT_SHOWN"
    PROJECT_HIDDEN = "PROJECT_HIDDEN"
    PROJECT_ENDED = "PROJECT_ENDED"
    PROJECT_NOT_BEGUN = "PROJECT_NOT_BEGUN"
    PROJECT_OUTSIDE_TEAMS = "PROJECT_OUTSIDE_TEAMS"
    PROJECT_REFUSED = "PROJECT_REFUSED"  # one of these: what Kimai shows does not tell
    ACTIVITY_NOT_SHOWN = "ACTIVITY_NOT_SHOWN"
    ACTIVITY_HIDDEN = "ACTIVITY_HIDDEN"
    ACTIVITY_OF_ANOTHER_PROJECT = "ACTIVITY_OF_ANOTHER_PROJECT"
    GLOBAL_ACTIVITY_FORBIDDEN = "GLOBAL_ACTIVITY_FORBIDDEN"
    ACTIVITY_OUTSIDE_TEAMS = "ACTIVITY_OUTSIDE_TEAMS"
    ACTIVITY_REFUSED = "ACTIVITY_REFUSED"  # one of these: what Kimai shows does not tell
    CUSTOMER_MISSING = "CUSTOMER_MISSING"  # and with it the project
    PROJECT_MISSING = "PROJECT_MISSING"
    # whose time it is
    USER_DEACTIVATED = "USER_DEACTIVATED"
    USER_OUTSIDE_TEAMS = "USER_OUTSIDE_TEAMS"
    USER_REFUSED = "USER_REFUSED"  # one of the two: the token may not list users
    # the token
    TRACKING_MODE = "TRACKING_MODE"  # `punch`, or another that takes no times
    PERMISSION_MISSING = "PERMISSION_MISSING"
    OTHERS_FORBIDDEN = "OTHERS_FORBIDDEN"
    UNKNOWN_EXTRA_FIELD = "UNKNOWN_EXTRA_FIELD"
    # anything else
    FIELD_REFUSED = "FIELD_REFUSED"
    UNEXPLAINED = "UNEXPLAINED"
    # nothing was refused, but nothing was done
    ROW_UNREADABLE = "ROW_UNREADABLE"
    KIMAI_UNAVAILABLE = "KIMAI_UNAVAILABLE"
    ANSWER_LOST = "ANSWER_LOST"
