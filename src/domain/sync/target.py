"""Kimai for one run: who is writing, the tag, and where a lost request may have landed."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from domain.errors import LedgerError, Misconfigured, Rejected
from domain.ports.timesheets import Timesheet, Timesheets, TimesheetsIdentity

DAY = timedelta(days=1)  # around the intended begin; rounding and zones move less
MONTH = timedelta(days=31)  # a person who corrects a date rarely moves it further
T = TypeVar("T")


@dataclass
class Target:
    """Kimai as one run meets it: it is asked once who is writing, and the tag is made once."""

    timesheets: Timesheets
    tag: str
    _identity: TimesheetsIdentity | None = None
    _tagged: bool = False
    _once: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def identity(self) -> TimesheetsIdentity:
        """Read once per run: the zone in which POSTs are read can change between runs.

        Raises Misconfigured when this token may not send the times of work.
        """
        async with self._once:
            if self._identity is None:
                self._identity = await _allowed(self.timesheets.identity())
                _check_mode(self._identity)
            return self._identity

    async def zone(self) -> ZoneInfo:
        """Raises Misconfigured when Kimai names a zone that is unknown here."""
        name = (await self.identity()).timezone
        try:
            return ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            raise Misconfigured(
                "kimai", f"the time zone {name!r} of the token's owner is not an IANA name"
            ) from None

    async def find(self, mark: str, *, near: datetime, user_id: int) -> list[Timesheet]:
        """Records that carry the marker and begin within a day of `near`, else within a month.

        The second look is for one that landed while nobody was listening, and that a person has
        moved to another day since.
        """
        own = (await self.identity()).user_id == user_id
        whose = None if own else user_id
        for around in (DAY, MONTH):
            begin, end = near - around, near + around
            found = await self.timesheets.find_marked(mark, begin=begin, end=end, user_id=whose)
            if found:
                return list(found)
        return []

    async def prepare(self) -> None:
        """Ask ahead what the first write will need; a failure is that write's to report."""
        with suppress(LedgerError):
            await self.identity()
            await self.ensure_tag()

    async def ensure_tag(self) -> None:
        """Before the first write of a run: Kimai drops tags it does not know in silence."""
        async with self._once:
            if not self._tagged:
                await _allowed(self.timesheets.ensure_tag(self.tag))
                self._tagged = True


async def _allowed(request: Awaitable[T]) -> T:
    """What every write needs: a refusal concerns the token, not one booking."""
    try:
        return await request
    except Rejected as error:
        raise Misconfigured("kimai", f"the token lacks what every write needs: {error}") from error


def _check_mode(identity: TimesheetsIdentity) -> None:
    """In the other modes only tokens that see others' time may send begin and end.

    Source: `peers/kimai.md`, 4; a plain user has no roles there.
    """
    if identity.tracking_mode != "default" and not identity.roles:
        raise Misconfigured(
            "kimai",
            f"in tracking mode {identity.tracking_mode} a plain user's token may not book past "
            "work; use mode default, or the token of a teamlead or administrator",
        )
