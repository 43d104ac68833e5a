"""The application: routes, error answers and transport around a set of services."""

import asyncio

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware

from api import problems
from api.describing import describe
from api.routes import (
    audit,
    connector_health,
    connectors,
    dead_letters,
    diff,
    entries,
    events,
    explain,
    login,
    mappings,
    plans,
    privacy,
    run_entries,
    schedule,
    suggestions,
    sync,
    system,
    users,
)
from api.services import Services
from api.transport import Transport

SCHEMA = "/api/openapi.json"


def create_app(own: Services) -> FastAPI:
    """An application on `own`; it starts and stops nothing."""
    app = FastAPI(
        title="Timeledger",
        summary="Carries time booked on Zammad tickets into Kimai exactly once, and proves it.",
        version=system.own_version(),
        openapi_url=SCHEMA,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,  # a body without content type is JSON too
    )
    app.state.services = own
    app.state.login_turns = login.Turns()
    app.state.admin_lock = asyncio.Lock()
    app.state.verifying = asyncio.Lock()
    problems.install(app)
    _add_routes(app)
    describe(app)
    if own.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(own.settings.cors_origins),
            allow_methods=["GET", "POST", "PATCH", "PUT", "DELETE"],
            allow_headers=["*"],
            expose_headers=["X-Request-ID", "X-Event-Position", "X-Total-Count", "Retry-After"],
        )
    app.add_middleware(Transport)
    return app


def _add_routes(app: FastAPI) -> None:
    app.include_router(system.router)
    app.include_router(login.router)
    app.include_router(users.own_account)
    versioned = APIRouter(prefix="/api/v1")
    versioned.include_router(login.router, include_in_schema=False)
    versioned.include_router(users.own_account, include_in_schema=False)
    for router in (
        users.router,
        connectors.router,
        connector_health.router,
        mappings.router,
        sync.router,
        run_entries.router,
        plans.router,
        schedule.router,
        entries.router,
        explain.router,
        dead_letters.router,
        dead_letters.of_entry,
        suggestions.router,
        audit.router,
        events.router,
        diff.router,
        privacy.router,
        system.about,
    ):
        versioned.include_router(router)
    app.include_router(versioned)
