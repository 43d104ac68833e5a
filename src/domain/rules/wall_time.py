"""How an instant is told to Kimai: as wall time of the zone in which Kimai will read it.

Source: `peers/kimai.md`, 5. A POST is read in the zone of the token's owner; a PATCH in the
record's own zone. A wall time that occurs twice names two instants, and which one Kimai takes
depends on the zone, so there the offset is written out. A wall time made from an instant is
never in the gap of a clock change.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def wall_times(begin: datetime, end: datetime, zone: ZoneInfo) -> tuple[str, str]:
    """Both as `YYYY-MM-DDTHH:MM:SS`, or both with offset when one of them occurs twice."""
    local = begin.astimezone(zone), end.astimezone(zone)
    if any(_occurs_twice(wall) for wall in local):
        return _told(local[0]), _told(local[1])
    return _told(local[0].replace(tzinfo=None)), _told(local[1].replace(tzinfo=None))


def patch_times(
    begin: datetime,
    end: datetime,
    *,
    zone: ZoneInfo | None,
    record_begin: datetime,
    record_offset: timedelta,
) -> tuple[str, str]:
    """The same for a PATCH of a record that was just read with `record_offset` at its begin.

    `zone` is that of the record's owner, None when unknown. A record can still carry an older
    zone of its owner; unless its offset proves otherwise the times are told with theirs.
    """
    if zone is not None and record_begin.astimezone(zone).utcoffset() == record_offset:
        return wall_times(begin, end, zone)
    offset = zone or ZoneInfo("UTC")
    return _told(begin.astimezone(offset)), _told(end.astimezone(offset))


def _occurs_twice(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _told(local: datetime) -> str:
    return local.isoformat(timespec="seconds")
