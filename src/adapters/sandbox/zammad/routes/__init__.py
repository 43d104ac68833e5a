"""The routes of the API, one module per area."""

from adapters.sandbox.zammad.calls import Routes
from adapters.sandbox.zammad.routes import (
    administration,
    articles,
    entries,
    people,
    reports,
    search,
    tickets,
)


def all_routes() -> Routes:
    """Every route below `/api/v1`."""
    routes = Routes()
    for area in (entries, reports, tickets, articles, search, people, administration):
        routes.include(area.ROUTES)
    return routes
