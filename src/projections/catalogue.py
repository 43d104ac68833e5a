"""Every view there is."""

from typing import Any

from projections import (
    audit_log,
    conflicts,
    connectors,
    dead_letters,
    mappings,
    plans,
    project_mappings,
    schedule,
    sync_runs,
    time_entries,
    user_mappings,
    users,
)
from projections.projection import Projection

ALL: tuple[Projection[Any], ...] = (
    time_entries.PROJECTION,
    conflicts.PROJECTION,
    dead_letters.PROJECTION,
    sync_runs.PROJECTION,
    plans.PROJECTION,
    audit_log.PROJECTION,
    connectors.PROJECTION,
    mappings.PROJECTION,
    user_mappings.PROJECTION,
    project_mappings.PROJECTION,
    users.PROJECTION,
    schedule.PROJECTION,
)
