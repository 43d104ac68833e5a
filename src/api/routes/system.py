"""What the service says about itself: contract, section 15, and the page at `/`."""

import asyncio
import re
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import asyncpg
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from api.bodies import Answer
from api.identity import Own, Viewer
from api.problems import NOT_READY_RETRY, Problem
from api.routing import LedgerRoute
from domain.errors import LedgerError

PATIENCE = 3.0  # seconds after which a database that does not answer counts as away
AWAY = (LedgerError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
CAUGHT_UP = 1_000  # events within which a view counts as up to date
FRONTEND = Path(__file__).parents[3] / "frontend"
PAGES = FRONTEND / "static"
BUILT = FRONTEND / "dist"  # `npm run build`; the demo builds it when Node can be had
ASSET = re.compile(r"[A-Za-z0-9_.-]{1,120}")
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
}
FOREVER = "public, max-age=31536000, immutable"  # the name holds a digest of the content
ASK_AGAIN = "no-cache"

router = APIRouter(tags=["system"])
about = APIRouter(tags=["system"], route_class=LedgerRoute)


class HealthAnswer(Answer):
    status: Literal["healthy"]
    version: str


class Checks(Answer):
    database: bool
    migrations: bool
    projections: bool


class ProjectionLag(Answer):
    """`error` is the kind of error that stopped it; its words are not for everybody."""

    name: str
    position: int
    lag: int
    stopped_at: int | None
    error: str | None


class ReadyAnswer(Answer):
    status: Literal["ready", "not_ready"]
    checks: Checks
    head_position: int | None
    projections: list[ProjectionLag]


class SystemAnswer(Answer):
    version: str
    display_timezone: str
    head_position: int
    started_at: datetime
    webhook_url: str


def own_version() -> str:
    """The installed version of this program."""
    try:
        return version("timeledger")
    except PackageNotFoundError:
        return "0"


@cache
def _file(name: str) -> str:
    """A page of the source tree; a bare wheel has none and says so in one line."""
    file = PAGES / name
    if file.is_file():
        return file.read_text(encoding="utf-8")
    return '<!doctype html><title>Timeledger</title><a href="/api/openapi.json">Its schema</a>'


@router.get("/", include_in_schema=False)
@router.get("/login", include_in_schema=False)
async def front_page() -> Response:
    """The dashboard; where it was not built, what is there, for a person."""
    if (page := _built("index.html")) is not None:
        return page
    return HTMLResponse(_file("unbuilt.html"))


@router.get("/assets/{name}", include_in_schema=False)
async def asset(name: str) -> Response:
    """A part of the dashboard; a new build gives it a new name, so it may be kept for ever."""
    if ASSET.fullmatch(name) and (part := _built(f"assets/{name}", keep=FOREVER)) is not None:
        return part
    raise Problem("not_found", f"There is no /assets/{name[:120]}.")


@router.get("/theme.js", include_in_schema=False)
@router.get("/icon.svg", include_in_schema=False)
async def page_file(request: Request) -> Response:
    """What the page asks for by a name that does not change."""
    name = request.url.path.strip("/")
    if (part := _built(name)) is not None:
        return part
    raise Problem("not_found", f"There is no /{name}: the dashboard was not built.")


def _built(name: str, *, keep: str = ASK_AGAIN) -> Response | None:
    """A file of the build as it is on disk now, or None."""
    file = BUILT / name
    if not file.is_file():
        return None
    kind = TYPES.get(file.suffix, "text/html; charset=utf-8")
    return FileResponse(file, media_type=kind, headers={"Cache-Control": keep})


@router.get("/docs", include_in_schema=False)
@router.get("/api/docs", include_in_schema=False)
async def docs() -> HTMLResponse:
    """Every route, and a form to try it."""
    return HTMLResponse(_file("docs.html"))


@router.get("/docs.js", include_in_schema=False)
async def docs_script() -> Response:
    """What moves that page; served by us, so that it works without the internet."""
    return Response(_file("docs.js"), media_type="text/javascript; charset=utf-8")


@router.get("/api/health", response_model=HealthAnswer)
@router.get("/api/v1/health", response_model=HealthAnswer, include_in_schema=False)
@router.post("/api/v1/health", response_model=HealthAnswer, include_in_schema=False)
async def health() -> object:
    """Whether the process answers; nothing else is asked."""
    return {"status": "healthy", "version": own_version()}


@router.get("/api/ready", response_model=ReadyAnswer, responses={503: {"model": ReadyAnswer}})
async def ready(own: Own, response: Response) -> object:
    """Whether requests can be served: database, migrations, views."""
    try:
        async with asyncio.timeout(PATIENCE):
            head = await own.store.head()
            pending = await own.pending_migrations()
            lags = await own.projections.status()
    except (TimeoutError, *AWAY):
        response.status_code = 503
        response.headers["Retry-After"] = str(NOT_READY_RETRY)
        checks = Checks(database=False, migrations=False, projections=False)
        return ReadyAnswer(status="not_ready", checks=checks, head_position=None, projections=[])
    checks = Checks(
        database=True,
        migrations=not pending,
        projections=all(view.lag <= CAUGHT_UP for view in lags),
    )
    is_ready = checks.migrations and checks.projections
    if not is_ready:
        response.status_code = 503
        response.headers["Retry-After"] = str(NOT_READY_RETRY)
    return ReadyAnswer(
        status="ready" if is_ready else "not_ready",
        checks=checks,
        head_position=head,
        projections=[
            ProjectionLag(
                name=view.name,
                position=view.position,
                lag=view.lag,
                stopped_at=view.failed_at,
                error=None if view.failed_at is None else _kind(view.error),
            )
            for view in lags
        ],
    )


def _kind(error: str | None) -> str:
    return (error or "").partition(":")[0]


@about.get("/system", response_model=SystemAnswer)
async def system(request: Request, _: Viewer, own: Own) -> object:
    """What a client should know of this installation."""
    return {
        "version": own_version(),
        "display_timezone": own.settings.display_timezone,
        "head_position": await own.store.head(),
        "started_at": own.started_at,
        "webhook_url": own.webhook_url(request),
    }
