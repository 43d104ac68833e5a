"""The application: routes, error answers and transport around a set of services."""

import asyncio
from functools import cache

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware

from api import problems
from api.attempts import Turns
from api.comparing import Comparisons
from api.describing import describe
from api.live import Hub
from api.routes import (
    audit,
    choices,
    compare,
    conflicts,
    connector_health,
    connectors,
    dead_letters,
    diff,
    entries,
    events,
    explain,
    kpi,
    login,
    mapping_files,
    mapping_suggestions,
    mapping_usage,
    mappings,
    metrics,
    notifications,
    plans,
    privacy,
    reconcile,
    run_entries,
    schedule,
    stream,
    suggestions,
    sync,
    system,
    users,
    webhook,
    webhook_trial,
)
from api.services import Services
from api.transport import Transport
from api.webhook_intake import WebhookIntake

SCHEMA = "/api/openapi.json"
# what a page of another origin may read beside the body (contract, section 1)
EXPOSED = (
    "X-Request-ID",
    "X-Event-Position",
    "X-As-Of-Position",
    "X-Total-Count",
    "Retry-After",
    "Content-Disposition",
    "Idempotency-Replayed",
)


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
    )
    app.state.services = own
    app.state.hub = Hub(own)
    app.state.admin_lock = asyncio.Lock()
    app.state.login_turns = Turns()
    app.state.verifying = asyncio.Lock()
    app.state.comparisons = Comparisons()
    app.state.webhook_intake = WebhookIntake(own)
    problems.install(app)
    app.router.routes.extend(_routes().routes)
    describe(app)
    if own.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(own.settings.cors_origins),
            allow_methods=["GET", "POST", "PATCH", "PUT", "DELETE"],
            allow_headers=["*"],
            expose_headers=list(EXPOSED),
        )
    app.add_middleware(Transport, answered=own.metrics.answered)
    return app


@cache
def _routes() -> APIRouter:
    """All routes: they hold nothing of an application, and are dear to make."""
    every = APIRouter(strict_content_type=False)  # a body without content type is JSON too
    every.include_router(webhook.door)  # first: routes are tried in turn, and Zammad's in bursts
    every.include_router(system.router)
    every.include_router(metrics.router)
    every.include_router(login.router)
    every.include_router(users.own_account)
    versioned = APIRouter(prefix="/api/v1")
    versioned.include_router(login.router, include_in_schema=False)
    versioned.include_router(users.own_account, include_in_schema=False)
    for router in (
        users.router,
        connectors.router,
        connector_health.router,
        webhook_trial.router,
        choices.router,
        mapping_files.router,
        mapping_suggestions.router,
        mapping_usage.router,
        mappings.router,
        sync.router,
        kpi.router,
        run_entries.router,
        plans.router,
        schedule.router,
        notifications.router,
        entries.router,
        explain.router,
        dead_letters.router,
        dead_letters.of_entry,
        suggestions.router,
        reconcile.router,
        conflicts.router,
        audit.router,
        compare.router,
        events.router,
        webhook.router,
        stream.router,
        diff.router,
        privacy.router,
        system.about,
    ):
        versioned.include_router(router)
    every.include_router(versioned)
    return every
