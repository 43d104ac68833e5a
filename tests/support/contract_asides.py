"""What the contract's tables of routes say beside the forms that `contract.py` reads.

Nothing compares these sentences with the service: they are what tests of behaviour are about. A
new or changed one is unreadable until it is listed here, so somebody sees it.
"""
# ruff: noqa: E501 - each line is one aside, as the contract has it

ASIDES = frozenset(
    """
(1..50)
(> 1,000,000 rows)
(Zammad: activity types)
(`notes` ≤ 500)
(csv or json) or JSON · query · . ≤ 1 MiB, ≤ 5000 rows, keyed by `zammad_type_id`
(has an open one)
(only with the right password)
(other OAuth2 fields ignored)
(rejected delivery)
(row stays open; an unclear answer makes it 'WRITE_UNCERTAIN')
(with 'run_id'; concurrency 'skip'), · ('queue', 5 waiting)
(≤ 200 ids)
(≤ 200) or
: flag an entry for manual review
: old token stays
: the exact Kimai requests, without credentials
: · . Zammad: groups, organizations, support users
An action is carried out like its op; `resolved` without action means `keep_target` or `skipped` by row status; `ignored` closes the row untouched (entry `ignored`); `pending` reopens an ignored one
DELETE · . `url` is write-only, masked as `********` (the scheme is shown as `kind`); plain-http addresses follow the rule of `base_url`
Irreversible: the person's key is destroyed everywhere, sums and digests stay; Zammad and Kimai are not touched
JSON file: all entries and events that name the person, opened
NDJSON file: header · events in stored form, trailer · verifiable without the service
Prometheus text: requests, runs, entries by state, conflicts by reason, writes by outcome, deliveries by status, projection lag, peer latency and breaker state
`action` as in plans plus `failed`
`base` = values last written
`confirm` repeats the subject
`group=true` gives
`step` in order: `observation`, `unit`, `work_time`, `user`, `mapping` (with its version), `project`, `rounding`, `decision`, `request`, `answer`; steps not reached are absent
`url` is an Apprise address (`mailto://`, `slack://`, `msteams://`, `matrix://`, `json://` …), 422 when Apprise does not know it; events: `run_failed`, `conflicts_opened`, `connector_down`, `dead_letter`, `webhook_rejected`
a different `type`
a linked timesheet is not touched
always runs, dedupe does not apply
and all filters; matched before `{id}`
and the filters above
as applicable
at least one target; unique active row per kind and source
at most 1,000,000 per call
body · the same names in the query, body wins
by id
by position; `/events/{position}` (only `form`):
cookie
cookie cleared
every peer failure is `valid: false`
for `failed`, `conflict`, `pending`: decided again with today's settings
if building takes over 25 s, · with `state: "building"`
in force at once
later
like `ignored`, history stays
newest first
newest first; counts ignore `filter`
null = everyone without own row
oldest first
on drift
on failure · or
or · later · dry run:
or · nothing is saved
or · projections count as caught up within 1000 events
per row
plus the write's events
process only
query
retires: inactive, token destroyed, shown only with `include_retired=true`; history, entries, conflicts stay
rows:
stops after the write in progress
streamed
target null = unmapped, nothing found
tried against the stored `base_url` first
when an id was given
when deactivated during a run
with `Prefer: respond-async`
with `drift: [{row, entry_id, field, planned, now}]`
with `rows`; one bad row refuses all; a dry run is always
with code `OTHER`
within 25 s · rows are independent; queued ones go on in the background and report on the stream
writes exactly the planned rows
""".strip().splitlines()
)
