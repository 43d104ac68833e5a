"""The lockdown period: time before its end is closed, with grace. Source: LockdownService.php."""

from adapters.sandbox.kimai import phptext
from adapters.sandbox.kimai.entities import Timesheet
from adapters.sandbox.kimai.settings import KimaiSettings

_RULE = "timesheet.rules.lockdown_"


def active(settings: KimaiSettings) -> bool:
    """Whether both ends of the period are set."""
    return bool(settings.text(f"{_RULE}period_start") and settings.text(f"{_RULE}period_end"))


def editable(settings: KimaiSettings, record: Timesheet, now: int, *, grace: bool) -> bool:
    """Whether a record may be changed; `grace`: the person may also edit after the grace time.

    After the period's end: free. Inside: free until end + grace. Before its start: locked. Texts
    PHP cannot read, or an end before the start, switch the rule off.
    """
    if record.begin is None or not active(settings):
        return True
    zone = settings.text(f"{_RULE}period_timezone") or record.zone
    try:
        start = phptext.resolve(settings.text(f"{_RULE}period_start"), now, zone)
        end = phptext.resolve(settings.text(f"{_RULE}period_end"), now, zone)
        grace_end = phptext.modify(end, settings.text(f"{_RULE}grace_period"), zone)
    except phptext.UnknownText:
        return True
    if end < start or record.begin > end:
        return True
    return start < record.begin < end and (now < grace_end or grace)
