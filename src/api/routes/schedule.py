"""The schedule: contract, section 9."""

from datetime import datetime
from itertools import islice
from typing import Annotated, ClassVar, Literal

from fastapi import APIRouter
from pydantic import Field

from api.as_of import AsOf, Then, instant_of
from api.bodies import Body
from api.identity import Admin, Own, RequestCommands, Viewer
from api.inputs import Expected, Zone
from api.routing import LedgerRoute
from api.services import Services
from api.shapes import ScheduleOut, SchedulePreviewOut
from domain.ids import SCHEDULE_STREAM
from domain.schedule.cron import Cron
from domain.schedule.decide import SCHEDULE, ChangeSchedule, Schedule
from projections import schedule as schedule_view

SHOWN = 3  # coming runs beside the schedule
MOST = 50  # coming runs that a preview lists

Text = Annotated[str, Field(max_length=2000)]  # what is too long for cron is `cron_invalid`

router = APIRouter(prefix="/schedule", tags=["schedule"], route_class=LedgerRoute)


class ScheduleValues(Body):
    read_only: ClassVar = frozenset({"id", "next_runs", "created_at", "updated_at", "version"})

    cron: Text = ""
    timezone: Zone = ""
    concurrency: Literal["skip", "queue"] = "skip"
    notifications: bool = False
    enabled: bool = False


class PreviewWish(Body):
    cron: Text
    timezone: Zone
    count: Annotated[int, Field(ge=1, le=MOST)] = SHOWN


@router.get("", response_model=ScheduleOut)
async def get_schedule(_: Viewer, own: Own, as_of: AsOf, then: Then) -> object:
    """The schedule; there always is one."""
    return await _shown(own, as_of, then)


@router.put("", response_model=ScheduleOut)
async def change_schedule(
    body: ScheduleValues, _: Admin, own: Own, commands: RequestCommands, expected: Expected
) -> object:
    """Change some of it, in force at once; 422 `cron_invalid`."""
    command = ChangeSchedule(fields=body.model_dump(exclude_unset=True), expected=expected)
    await commands.run(SCHEDULE, SCHEDULE_STREAM, command)
    await own.shown(commands.position)
    return await _shown(own, None)


@router.post("/preview", response_model=SchedulePreviewOut)
async def preview(body: PreviewWish, _: Viewer, own: Own) -> object:
    """When runs would begin; nothing is stored."""
    following = Cron.parse(body.cron).following(own.clock.now(), body.timezone)
    return {"next_runs": list(islice(following, body.count))}


async def _shown(
    own: Services, as_of: int | None, then: datetime | None = None
) -> dict[str, object]:
    row = await own.views.one(schedule_view.PROJECTION, schedule_view.THE_ONE, as_of=as_of)
    (first,) = await own.store.page(0, 1)  # there is a schedule since there is a log
    schedule = row or Schedule()
    following: list[datetime] = []
    if schedule.enabled:
        after = then or await instant_of(own, as_of)
        following = list(islice(Cron(schedule.cron).following(after, schedule.timezone), SHOWN))
    return {
        "id": schedule_view.THE_ONE,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "concurrency": schedule.concurrency,
        "notifications": schedule.notifications,
        "enabled": schedule.enabled,
        "next_runs": following,
        "created_at": first.recorded_at,
        "updated_at": row.changed_at if row else first.recorded_at,
        "version": schedule.version,
    }
