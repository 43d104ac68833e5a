"""Kimai for one run: who is writing, the tag, and never more requests at once than allowed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from domain.errors import LedgerError, Misconfigured, Rejected
from domain.ports.timesheets import Timesheet, TimesheetFields, Timesheets, TimesheetsIdentity

DAY = timedelta(days=1)  # around the intended begin; rounding and zones move less
MONTH = timedelta(days=31)  # a person who corrects a date rarely moves it further
T = TypeVar("T")


LastLook = Callable[[], None]  # raises when a write may not be sent any more, its turn come at last


@dataclass
class Target:
    """Requests to Kimai, at most as many at once as `slots` allows."""

    timesheets: Timesheets
    tag: str
    slots: asyncio.Semaphore
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

    async def create(self, fields: TimesheetFields, *, last_look: LastLook) -> Timesheet:
        return await self._in_turn(lambda: self.timesheets.create(fields), last_look)

    async def update(
        self, timesheet_id: int, fields: Mapping[str, object], *, last_look: LastLook
    ) -> Timesheet:
        return await self._in_turn(lambda: self.timesheets.update(timesheet_id, fields), last_look)

    async def delete(self, timesheet_id: int, *, last_look: LastLook) -> bool:
        return await self._in_turn(lambda: self.timesheets.delete(timesheet_id), last_look)

    async def get(self, timesheet_id: int) -> Timesheet | None:
        return await self._in_turn(lambda: self.timesheets.get(timesheet_id))

    async def find(self, mark: str, *, near: datetime, user_id: int) -> list[Timesheet]:
        """Records that carry the marker and begin within a day of `near`, else within a month.

        The second look is for one that landed while nobody was listening, and that a person has
        moved to another day since.
        """
        own = (await self.identity()).user_id == user_id
        whose = None if own else user_id
        for around in (DAY, MONTH):
            begin, end = near - around, near + around
            look = partial(self.timesheets.find_marked, mark, begin=begin, end=end, user_id=whose)
            if found := await self._in_turn(look):
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

    async def _in_turn(
        self, request: Callable[[], Awaitable[T]], last_look: LastLook | None = None
    ) -> T:
        async with self.slots:
            if last_look is not None:
                last_look()
            return await request()


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
