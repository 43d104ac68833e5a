"""Every view there is, and what rows of some of them add up to."""

from typing import Any

from projections import (
    audit_log,
    audit_totals,
    channels,
    conflict_totals,
    conflicts,
    connectors,
    dead_letters,
    deliveries,
    delivery_totals,
    entry_totals,
    lag_totals,
    mappings,
    plans,
    project_mappings,
    run_entries,
    run_totals,
    schedule,
    sync_runs,
    target_names,
    time_entries,
    usage_totals,
    user_mappings,
    users,
    worth_telling,
    write_totals,
)
from projections.projection import Projection
from projections.tally import Tally

ALL: tuple[Projection[Any], ...] = (
    time_entries.PROJECTION,
    conflicts.PROJECTION,
    dead_letters.PROJECTION,
    deliveries.PROJECTION,
    sync_runs.PROJECTION,
    plans.PROJECTION,
    audit_log.PROJECTION,
    connectors.PROJECTION,
    mappings.PROJECTION,
    user_mappings.PROJECTION,
    project_mappings.PROJECTION,
    users.PROJECTION,
    schedule.PROJECTION,
    target_names.PROJECTION,
    run_entries.PROJECTION,
    channels.PROJECTION,
    worth_telling.PROJECTION,
)

TALLIES: tuple[Tally[Any], ...] = (
    entry_totals.TALLY,
    write_totals.TALLY,
    run_totals.TALLY,
    audit_totals.TALLY,
    conflict_totals.TALLY,
    delivery_totals.TALLY,
    lag_totals.TALLY,
    usage_totals.TALLY,
)
